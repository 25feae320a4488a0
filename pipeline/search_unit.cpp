// Cutting a stream into units, and joining what they gave.
#include "pipeline/search_unit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/refine.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kNoiseLead = 2048;  // octave samples, in which the running noise has two of its widest

std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

// Native samples that the widest boxcar of any pass spans.
std::int64_t lag_samples(const SearchPlan& plan) {
  std::int64_t most = 0;
  for (const auto& pass : plan.passes) most = std::max(most, pass.boxcar.lag() << pass.octave);
  return most;
}

void add_line(std::vector<PeriodicCount>& lines, const PeriodicCount& line) {
  const auto same = std::find_if(lines.begin(), lines.end(),
                                 [&](const PeriodicCount& l) { return l.frequency_hz == line.frequency_hz; });
  if (same == lines.end()) {
    lines.push_back(line);
    return;
  }
  same->n_window += line.n_window;
  same->power_max = std::max(same->power_max, line.power_max);
}

}  // namespace

SearchUnit whole_stream(const StreamInfo& info) {
  return {0, {0, info.n_time}, {0, info.n_time}, info.n_time};
}

std::int64_t unit_lead_samples(const SearchPlan& plan) {
  std::int64_t most = 0;
  for (const auto& pass : plan.passes)
    most = std::max(most, (pass.boxcar.lag() + kRefineLead + kNoiseLead) << pass.octave);
  return round_up(most, plan.window_samples);
}

std::vector<SearchUnit> search_units(const SearchPlan& plan, const StreamInfo& info, double unit_s) {
  const auto window = plan.window_samples, n_window = (info.n_time + window - 1) / window;
  const auto n_unit = std::clamp<std::int64_t>(std::llround(info.duration_s() / unit_s), 1,
                                               std::max<std::int64_t>(1, n_window));
  const auto lead = unit_lead_samples(plan), tail = lag_samples(plan);
  std::vector<SearchUnit> units;
  for (std::int64_t i = 0; i < n_unit; ++i) {
    SearchUnit unit;
    unit.index = static_cast<int>(i);
    unit.own = {i * n_window / n_unit * window, std::min(info.n_time, (i + 1) * n_window / n_unit * window)};
    unit.rows_end = std::min(info.n_time, unit.own.end + tail);
    unit.read = {std::max<std::int64_t>(0, unit.own.begin - lead),
                 std::min(info.n_time, round_up(unit.rows_end + plan.flush_samples(), window))};
    units.push_back(unit);
  }
  units.back().rows_end = info.n_time;
  return units;
}

std::vector<Cluster> join_clusters(const std::vector<UnitResult>& units, const ClusterParams& params,
                                   double snr_min) {
  std::vector<Cluster> clusters;
  Clusterer clusterer(params);
  for (const auto& unit : units) {
    clusters.insert(clusters.end(), unit.clusters.begin(), unit.clusters.end());
    for (const auto& event : unit.edge_events) clusterer.add(event);
  }
  for (const auto& cluster : clusterer.close_before(std::numeric_limits<double>::infinity()))
    if (cluster.best.snr >= snr_min) clusters.push_back(cluster);
  return absorb_sidelobes(std::move(clusters), params);
}

void add_flags(FlagReport& report, const FlagReport& later) {
  if (report.counts.total == 0) {
    report = later;
    return;
  }
  const auto before = static_cast<double>(report.counts.total),
             more = static_cast<double>(later.counts.total);
  for (std::size_t c = 0; c < report.channel.size(); ++c)
    report.channel[c] = (report.channel[c] * before + later.channel[c] * more) / (before + more);
  report.counts += later.counts;
  for (std::size_t b = 0; b < report.bands.size(); ++b) report.bands[b].counts += later.bands[b].counts;
  report.windows.insert(report.windows.end(), later.windows.begin(), later.windows.end());
  for (const auto& line : later.lines) add_line(report.lines, line);
}

}  // namespace tianyan
