// Counting of recovered pulses by what they are.
#include "pipeline/completeness.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr auto kInt = ColumnType::kInt64;
constexpr auto kFloat = ColumnType::kFloat64;
constexpr auto kText = ColumnType::kString;

// Three or four to an octave around usual thresholds, then four to a decade.
constexpr double kSnrEdges[] = {0.0,  1.0,  2.0,  3.0,  4.0,   5.0,   6.0,   7.0,   8.0,    10.0, 12.0,
                                15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0, 1e4,  1e6};

struct Axis {
  const char* name;
  double InjectedPulse::*value;
  std::vector<double> (*edges)(const std::vector<double>&);
  bool only_if_varied;
};
constexpr Axis kAxes[] = {{"dm_pc_cm3", &InjectedPulse::dm_pc_cm3, ratio_edges, false},
                          {"width_s", &InjectedPulse::width_s, ratio_edges, false},
                          {"snr", &InjectedPulse::snr, snr_edges, false},
                          {"band_fraction", &InjectedPulse::band_fraction, even_edges, true},
                          {"scattering_s", &InjectedPulse::scattering_s, even_edges, true}};

struct Count {
  std::int64_t n = 0, k = 0;
  void add(const InjectionOutcome& outcome) {
    ++n;
    k += outcome.found ? 1 : 0;
  }
};

void add_row(Table& table, const std::string& axis, Cell low, Cell high, const Count& count) {
  Cell fraction, fraction_low, fraction_high;
  if (count.n > 0) {
    const auto interval = binomial_interval(count.k, count.n);
    fraction = static_cast<double>(count.k) / static_cast<double>(count.n);
    fraction_low = interval.low;
    fraction_high = interval.high;
  }
  table.add_row(
      {axis, std::move(low), std::move(high), count.n, count.k, fraction, fraction_low, fraction_high});
}

void add_axis(Table& table, const Axis& axis, const std::vector<InjectionOutcome>& outcomes) {
  std::vector<double> values;
  for (const auto& o : outcomes) values.push_back(o.pulse.*axis.value);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (axis.only_if_varied && *low == *high) return;
  const auto edges = axis.edges(values);
  std::vector<Count> counts(edges.size() - 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bin = std::upper_bound(edges.begin(), edges.end(), values[i]) - edges.begin() - 1;
    counts[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(bin, 0, std::ssize(counts) - 1))].add(
        outcomes[i]);
  }
  for (std::size_t b = 0; b < counts.size(); ++b)
    add_row(table, axis.name, edges[b], edges[b + 1], counts[b]);
}

// From the first value to the last in kBins steps.
template <class At>
std::vector<double> edges_by(const std::vector<double>& values, const At& at) {
  expect(!values.empty(), "no values to put into bins");
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low == *high) return {*low, *high};
  std::vector<double> edges;
  for (int b = 0; b <= kBins; ++b) edges.push_back(at(*low, *high, static_cast<double>(b) / kBins));
  edges.front() = *low;
  edges.back() = *high;
  return edges;
}

}  // namespace

BinomialInterval binomial_interval(std::int64_t k, std::int64_t n) {
  expect(n > 0 && k >= 0 && k <= n, "{} of {} trials", k, n);
  const auto successes = static_cast<double>(k), trials = static_cast<double>(n);
  const double centre = successes + 0.5;
  const double half = std::sqrt(successes * (trials - successes) / trials + 0.25);
  return {std::max(0.0, (centre - half) / (trials + 1.0)), std::min(1.0, (centre + half) / (trials + 1.0))};
}

std::vector<double> snr_edges(const std::vector<double>& snrs) {
  expect(!snrs.empty(), "no values to put into bins");
  const auto [low, high] = std::minmax_element(snrs.begin(), snrs.end());
  const auto first = std::upper_bound(std::begin(kSnrEdges), std::end(kSnrEdges) - 1, *low) - 1;
  const auto last = std::lower_bound(first + 1, std::end(kSnrEdges) - 1, *high);
  return {first, last + 1};
}

std::vector<double> even_edges(const std::vector<double>& values) {
  return edges_by(values, [](double low, double high, double x) { return low + (high - low) * x; });
}

std::vector<double> ratio_edges(const std::vector<double>& values) {
  if (!values.empty() && *std::min_element(values.begin(), values.end()) <= 0.0) return even_edges(values);
  return edges_by(values, [](double low, double high, double x) { return low * std::pow(high / low, x); });
}

Table completeness_table(const std::vector<InjectionOutcome>& outcomes) {
  Table table({{"axis", kText, "", "What the pulses are sorted by; its unit is in its name", ""},
               {"low", kFloat, "", "Lower end of the bin", "%.6g"},
               {"high", kFloat, "", "Upper end of the bin", "%.6g"},
               {"n_injected", kInt, "", "Pulses injected", ""},
               {"n_recovered", kInt, "", "Pulses recovered", ""},
               {"fraction", kFloat, "", "n_recovered / n_injected", "%.4f"},
               {"fraction_low", kFloat, "", "Lower end of its 68 % interval (Wilson)", "%.4f"},
               {"fraction_high", kFloat, "", "Upper end of its 68 % interval (Wilson)", "%.4f"}});
  Count all;
  for (const auto& o : outcomes) all.add(o);
  add_row(table, "all", {}, {}, all);
  if (outcomes.empty()) return table;
  for (const Axis& axis : kAxes) add_axis(table, axis, outcomes);
  return table;
}

Table injections_table(const std::vector<InjectionOutcome>& outcomes) {
  Table table({{"beam", kInt, "", "Beam of the receiver, 1 to 19; 0: unknown", ""},
               {"time_s", kFloat, "s",
                "Arrival at the centre of the highest channel, since the scan's first sample begins", "%.9f"},
               {"dm_pc_cm3", kFloat, "pc / cm3", "Dispersion measure", "%.4f"},
               {"width_s", kFloat, "s", "FWHM, neither scattered nor smeared", "%.9f"},
               {"snr", kFloat, "", "S/N of the matched filter over the whole band", "%.3f"},
               {"band_fraction", kFloat, "", "Part of the channels that it covers", "%.4f"},
               {"band_position", kFloat, "", "Where they lie: 0 lowest, 1 highest", "%.4f"},
               {"scattering_s", kFloat, "s", "E-fold of its tail at 1 GHz", "%.9f"},
               {"predicted_snr", kFloat, "", "S/N that the plan and the flags leave", "%.3f"},
               {"found", kInt, "", "1 where the search found it, else 0", ""},
               {"found_snr", kFloat, "", "S/N of the best boxcar", "%.3f"},
               {"found_dm", kFloat, "pc / cm3", "Dispersion measure found", "%.4f"},
               {"found_time", kFloat, "s", "Arrival found", "%.9f"},
               {"found_width", kFloat, "s", "Width of the best boxcar", "%.9f"}});
  for (const auto& [p, found, predicted_snr] : outcomes) {
    const auto cell = [&found = found](double Candidate::*field) {
      return found ? Cell(*found.*field) : Cell();
    };
    table.add_row({std::int64_t{p.beam}, p.time_s, p.dm_pc_cm3, p.width_s, p.snr, p.band_fraction,
                   p.band_position, p.scattering_s, predicted_snr, std::int64_t{found ? 1 : 0},
                   cell(&Candidate::snr), cell(&Candidate::dm_pc_cm3), cell(&Candidate::time_s),
                   cell(&Candidate::width_s)});
  }
  return table;
}

}  // namespace tianyan
