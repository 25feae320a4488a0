// Injections into a search: what is asked for, what is found of it, and the tables of completeness.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "io/source.hpp"
#include "kernels/base/random.hpp"
#include "kernels/base/units.hpp"
#include "pipeline/injection_search.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

StreamInfo long_stream() {
  auto spec = small_scan();
  spec.duration_s = 100.0;
  return scan_info(spec, 1);
}

InjectionSpec spec_of(const TempDir& dir, const std::string& text) {
  return load_injections(dir.write("spec.toml", text));
}

std::string error_of(const TempDir& dir, const std::string& text, int beam = 0) {
  try {
    const auto spec = spec_of(dir, text);
    if (beam != 0) {
      check_injected_beams(spec, {beam});
      pulses_of_beam(spec, long_stream(), beam);
    }
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

const std::string kPulse = "[[pulse]]\ntime_s = 1.5\ndm_pc_cm3 = 100.0\nwidth_s = 2e-3\nsnr = 12.0\n";

TEST(InjectionSpec, ListsPulsesOfTheirBeamsByTime) {
  const TempDir dir;
  const auto spec = spec_of(dir, kPulse +
                                     "beams = [2]\nband_fraction = 0.5\n[[pulse]]\ntime_s = 0.5\n"
                                     "dm_pc_cm3 = 50.0\nwidth_s = 1e-3\nsnr = 9.0\n");
  EXPECT_EQ(pulses_of_beam(spec, long_stream(), 1).size(), 1U);
  const auto pulses = pulses_of_beam(spec, long_stream(), 2);
  ASSERT_EQ(pulses.size(), 2U);
  EXPECT_EQ(pulses[0].time_s, 0.5);
  EXPECT_EQ(pulses[0].band_fraction, 1.0);
  EXPECT_EQ(pulses[1].band_fraction, 0.5);
  EXPECT_EQ(pulses[1].beam, 2);
}

TEST(InjectionSpec, DrawsRandomPulsesInTheirRangesAndApart) {
  const TempDir dir;
  const auto spec = spec_of(dir,
                            "[random]\nn = 90\ndm_max_pc_cm3 = 500.0\nwidth_max_s = 4e-3\nsnr_min = 5.0\n"
                            "band_fraction_min = 0.25\nscattering_max_s = 1e-3\n");
  const auto pulses = pulses_of_beam(spec, long_stream(), 3);
  ASSERT_EQ(pulses.size(), 90U);
  const double sweep_s = dispersion_delay_s(500.0, long_stream().freq_low_mhz, long_stream().ref_freq_mhz());
  for (std::size_t i = 0; i < pulses.size(); ++i) {
    const auto& p = pulses[i];
    EXPECT_EQ(p.beam, 3);
    EXPECT_TRUE(p.dm_pc_cm3 >= 100.0 && p.dm_pc_cm3 <= 500.0) << p.dm_pc_cm3;
    EXPECT_TRUE(p.width_s >= 5e-4 && p.width_s <= 4e-3) << p.width_s;
    EXPECT_TRUE(p.snr >= 5.0 && p.snr <= 50.0) << p.snr;
    EXPECT_TRUE(p.band_fraction >= 0.25 && p.band_fraction <= 1.0) << p.band_fraction;
    EXPECT_TRUE(p.scattering_s >= 0.0 && p.scattering_s <= 1e-3) << p.scattering_s;
    EXPECT_TRUE(p.time_s >= 0.5 && p.time_s + sweep_s < 100.0) << p.time_s;
    EXPECT_TRUE(i == 0 || p.time_s - pulses[i - 1].time_s >= 1.0 - 1e-9) << i;
  }
  EXPECT_EQ(pulses_of_beam(spec, long_stream(), 3), pulses);
  EXPECT_NE(pulses_of_beam(spec, long_stream(), 4)[0].dm_pc_cm3, pulses[0].dm_pc_cm3);
}

TEST(InjectionSpec, ErrorsNameFileLineAndWhatIsWrong) {
  const TempDir dir;
  EXPECT_TRUE(contains(error_of(dir, kPulse + "bandfraction = 0.5\n"), "spec.toml:6: unknown key"));
  EXPECT_TRUE(contains(error_of(dir, "[[pulse]]\ntime_s = 1.0\n"), "pulse[1].snr is missing"));
  EXPECT_TRUE(contains(error_of(dir, "[random]\nn = 3\nsnr_max = 5.0\n"), "random.snr_min = 7 is above"));
  EXPECT_TRUE(contains(error_of(dir, kPulse + "[random]\nn = 3\n"), "not both"));
  EXPECT_TRUE(contains(error_of(dir, "[random]\nn = 0\n"), "no pulses"));
  EXPECT_TRUE(contains(error_of(dir, kPulse + "band_fraction = 1.5\n"), "out of range"));
  EXPECT_THROW(load_injections(dir.file("none.toml")), std::runtime_error);
}

TEST(InjectionSpec, ErrorsNameWhatDoesNotFitTheScan) {
  const TempDir dir;
  const auto many = error_of(dir, "[random]\nn = 100\n", 1);
  EXPECT_TRUE(contains(many, "random.n = 100")) << many;
  EXPECT_TRUE(contains(many, "at most 97 do")) << many;  // 100 s less a sweep of 2.30 s
  auto late = kPulse;
  late.replace(late.find("1.5"), 3, "100.5");
  EXPECT_TRUE(contains(error_of(dir, late, 1), "pulse[1].time_s = 100.5"));
  EXPECT_TRUE(contains(error_of(dir, kPulse + "beams = [7]\n", 1), "beam 7 is not one of"));
}

TEST(InjectionSpec, OfTheExampleIsRead) {
  EXPECT_EQ(load_injections(std::string(TIANYAN_SOURCE_DIR) + "/configs/injections.toml").random.n, 100);
}

TEST(BinomialInterval, IsWilsonsForOneSigma) {
  // n = 10, k = 8: (8.5 -+ (1.6 + 0.25)^1/2) / 11
  EXPECT_NEAR(binomial_interval(8, 10).low, (8.5 - 1.3601470509) / 11.0, 1e-9);
  EXPECT_NEAR(binomial_interval(8, 10).high, (8.5 + 1.3601470509) / 11.0, 1e-9);
  // 0 of n: [0, 1 / (n + 1)], and its mirror image.
  EXPECT_NEAR(binomial_interval(0, 9).low, 0.0, 1e-15);
  EXPECT_NEAR(binomial_interval(0, 9).high, 0.1, 1e-15);
  EXPECT_NEAR(binomial_interval(9, 9).low, 0.9, 1e-15);
  EXPECT_THROW(binomial_interval(1, 0), std::invalid_argument);
  EXPECT_THROW(binomial_interval(3, 2), std::invalid_argument);
}

std::vector<InjectionOutcome> made_outcomes(bool varied) {
  std::vector<InjectionOutcome> outcomes;
  Xoshiro256 random(4);
  for (int i = 0; i < 200; ++i) {
    InjectionOutcome o;
    o.pulse.dm_pc_cm3 = 100.0 * std::pow(10.0, random.uniform());
    o.pulse.width_s = 1e-3 + 1e-2 * random.uniform();
    o.pulse.snr = 7.5 + 30.0 * random.uniform();
    if (varied) o.pulse.band_fraction = 0.2 + 0.8 * random.uniform();
    if (random.uniform() < 0.6) o.found = Candidate{};
    outcomes.push_back(o);
  }
  return outcomes;
}

double number(const Table& table, std::size_t row, const char* column) {
  const Cell& cell = table.row(row)[table.column_index(column)];
  if (const auto* n = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*n);
  return std::holds_alternative<double>(cell) ? std::get<double>(cell) : NAN;
}

TEST(Completeness, IsADirectCount) {
  const auto outcomes = made_outcomes(true);
  const auto table = completeness_table(outcomes);
  const std::map<std::string, double InjectedPulse::*> fields = {
      {"dm_pc_cm3", &InjectedPulse::dm_pc_cm3},
      {"width_s", &InjectedPulse::width_s},
      {"snr", &InjectedPulse::snr},
      {"band_fraction", &InjectedPulse::band_fraction}};
  std::map<std::string, double> sums;
  for (std::size_t r = 0; r < table.n_row(); ++r) {
    const auto axis = std::get<std::string>(table.row(r)[0]);
    sums[axis] += number(table, r, "n_injected");
    if (axis == "all") continue;
    const double low = number(table, r, "low"), high = number(table, r, "high");
    const bool is_last = r + 1 == table.n_row() || std::get<std::string>(table.row(r + 1)[0]) != axis;
    std::int64_t n = 0, k = 0;
    for (const auto& o : outcomes) {
      const double v = o.pulse.*fields.at(axis);
      if (v < low || v > high || (v == high && !is_last)) continue;
      ++n;
      k += o.found ? 1 : 0;
    }
    EXPECT_EQ(number(table, r, "n_injected"), n) << axis << " " << low;
    EXPECT_EQ(number(table, r, "n_recovered"), k) << axis << " " << low;
    if (n == 0) continue;
    EXPECT_EQ(number(table, r, "fraction"), static_cast<double>(k) / static_cast<double>(n));
    EXPECT_EQ(number(table, r, "fraction_low"), binomial_interval(k, n).low);
  }
  EXPECT_EQ(sums,
            (std::map<std::string, double>{
                {"all", 200}, {"dm_pc_cm3", 200}, {"width_s", 200}, {"snr", 200}, {"band_fraction", 200}}));
}

TEST(Completeness, HasRoundBinsOfSnrAndNoAxisThatDoesNotVary) {
  EXPECT_EQ(snr_edges({7.5, 18.0}), (std::vector<double>{7.0, 8.0, 10.0, 12.0, 15.0, 20.0}));
  EXPECT_EQ(snr_edges({8.0}), (std::vector<double>{8.0, 10.0}));
  EXPECT_EQ(even_edges({0.0, 1.0, 0.3}), (std::vector<double>{0.0, 0.2, 0.4, 0.6, 0.8, 1.0}));
  EXPECT_EQ(ratio_edges({5.0, 5.0}), (std::vector<double>{5.0, 5.0}));
  EXPECT_EQ(ratio_edges({0.0, 1.0}), even_edges({0.0, 1.0}));
  const auto table = completeness_table(made_outcomes(false));
  for (std::size_t r = 0; r < table.n_row(); ++r) {
    EXPECT_NE(std::get<std::string>(table.row(r)[0]), "band_fraction");
    EXPECT_NE(std::get<std::string>(table.row(r)[0]), "scattering_s");
  }
}

TEST(Completeness, OfNothingIsOneRowWithoutAFraction) {
  const auto table = completeness_table({});
  ASSERT_EQ(table.n_row(), 1U);
  EXPECT_TRUE(is_missing(table.row(0)[table.column_index("fraction")]));
  EXPECT_EQ(injections_table({}).n_row(), 0U);
}

/// 512 channels, 196.608 us, noise, and the config that it is searched with.
ScanSpec noise_scan(double duration_s) {
  auto spec = small_scan();
  spec.n_chan = 512;
  spec.duration_s = duration_s;
  return spec;
}

std::vector<InjectionOutcome> outcomes_of(const ScanSpec& scan, const Config& config,
                                          const InjectionSpec& spec) {
  const TempDir dir;
  const auto source = open_source(simulate_scan(scan, dir.path()).front());
  const auto plan = make_search_plan(config, source->info());
  const BeamSearch::Progress none;
  const auto real = BeamSearch(config, *source, 1, 2, plan).run(none).candidates;
  const auto pulses = pulses_of_beam(spec, source->info(), 1);
  return match_injections(config, plan, search_shadow(config, *source, 1, plan, "", pulses, 2, none), pulses,
                          real);
}

InjectionSpec random_spec(int n, double snr_min, double snr_max) {
  InjectionSpec spec;
  auto& r = spec.random;
  r.n = n;
  r.dm_min_pc_cm3 = 50.0, r.dm_max_pc_cm3 = 500.0;
  r.width_min_s = 1e-3, r.width_max_s = 4e-3;
  r.snr_min = snr_min, r.snr_max = snr_max;
  r.min_spacing_s = 0.4;
  return spec;
}

// The best of a fit of three numbers is 3 / 2 in S/N^2 / 2 above the truth.
double expected_snr(const InjectionOutcome& o) { return o.predicted_snr + 1.5 / o.predicted_snr; }

TEST(Injections, AreFoundWithTheSnrThatIsPredicted) {
  const auto outcomes = outcomes_of(noise_scan(18.0), small_config(), random_spec(40, 10.0, 50.0));
  ASSERT_EQ(outcomes.size(), 40U);
  double ratio = 0.0, error2 = 0.0;
  for (const auto& o : outcomes) {
    ASSERT_TRUE(o.found) << o.pulse.time_s << " s, S/N " << o.pulse.snr;
    // Noise of 1, and 1 % of what the prediction may be off by.
    EXPECT_NEAR(o.found->snr, expected_snr(o), 4.0 * std::hypot(1.0, 0.01 * o.pulse.snr)) << o.pulse.time_s;
    EXPECT_LT(o.predicted_snr, 0.9435 * o.pulse.snr);
    ratio += o.found->snr / expected_snr(o) / 40.0;
    error2 += std::pow(1.0 / (40.0 * expected_snr(o)), 2);
  }
  EXPECT_NEAR(ratio, 1.0, 0.01 + 3.0 * std::sqrt(error2));
}

TEST(Injections, OfPartialBandsAndScatteredPulsesAreFoundAsPredicted) {
  auto spec = random_spec(10, 20.0, 40.0);
  spec.random.band_fraction_min = 0.3;
  spec.random.scattering_max_s = 3e-3;
  const auto outcomes = outcomes_of(noise_scan(10.0), small_config(), spec);
  double ratio = 0.0, error2 = 0.0;
  for (const auto& o : outcomes) {
    ASSERT_TRUE(o.found) << o.pulse.time_s << " s, S/N " << o.pulse.snr << ", DM " << o.pulse.dm_pc_cm3
                         << ", " << o.pulse.width_s << " s, scattered " << o.pulse.scattering_s << " s, band "
                         << o.pulse.band_fraction << " from " << o.pulse.band_position;
    EXPECT_NEAR(o.found->snr, expected_snr(o), 4.0 * std::hypot(1.0, 0.02 * o.pulse.snr)) << o.pulse.time_s;
    ratio += o.found->snr / expected_snr(o) / 10.0;
    error2 += std::pow(1.0 / (10.0 * expected_snr(o)), 2);
  }
  EXPECT_NEAR(ratio, 1.0, 0.02 + 3.0 * std::sqrt(error2));
}

TEST(Injections, BelowTheThresholdAreNotFound) {
  for (const auto& o : outcomes_of(noise_scan(8.0), small_config(), random_spec(10, 2.0, 2.5)))
    EXPECT_FALSE(o.found) << o.pulse.time_s;
}

Candidate candidate_at(double time_s, double dm_pc_cm3, double snr) {
  Candidate c;
  c.time_s = time_s;
  c.dm_pc_cm3 = dm_pc_cm3;
  c.width_s = 2e-3;
  c.snr = snr;
  return c;
}

struct Matched {
  Config config = small_config();
  SearchPlan plan;
  BeamResult shadow;
  std::vector<InjectedPulse> pulses;
  Matched() {
    shadow.info = long_stream();
    plan = make_search_plan(config, shadow.info);
    InjectedPulse p;
    p.time_s = 10.0;
    p.dm_pc_cm3 = 100.0;
    p.width_s = 2e-3;
    p.snr = 15.0;
    pulses = {p};
  }
  std::optional<Candidate> found(const std::vector<Candidate>& real = {}) const {
    return match_injections(config, plan, shadow, pulses, real).front().found;
  }
};

TEST(Injections, MatchTheStrongestCandidateInTheirPlace) {
  Matched m;
  m.shadow.candidates = {candidate_at(10.0, 100.0, 9.0), candidate_at(10.001, 100.5, 12.0),
                         candidate_at(10.5, 100.0, 30.0), candidate_at(10.0, 140.0, 30.0)};
  ASSERT_TRUE(m.found());
  EXPECT_EQ(m.found()->snr, 12.0);
  m.shadow.candidates.erase(m.shadow.candidates.begin(), m.shadow.candidates.begin() + 2);
  EXPECT_FALSE(m.found());
}

TEST(Injections, DoNotCountWhatTheBeamHasAnyway) {
  Matched m;
  m.shadow.candidates = {candidate_at(10.0, 100.0, 12.0)};
  EXPECT_FALSE(m.found({candidate_at(10.0005, 100.2, 11.5)}));
  EXPECT_TRUE(m.found({candidate_at(10.0005, 100.2, 8.0)})) << "stronger than the real one: injected";
  EXPECT_TRUE(m.found({candidate_at(12.0, 100.0, 20.0)}));
}

TEST(Injections, OfACandidateBelongToOnePulse) {
  Matched m;
  m.pulses.push_back(m.pulses.front());
  m.pulses.back().snr = 30.0;
  m.shadow.candidates = {candidate_at(10.0, 100.0, 28.0)};
  const auto outcomes = match_injections(m.config, m.plan, m.shadow, m.pulses, {});
  EXPECT_FALSE(outcomes[0].found);
  EXPECT_TRUE(outcomes[1].found);
}

TEST(Injections, ArePredictedByWhatIsFlaggedOfTheirBand) {
  const Matched m;
  const auto info = m.shadow.info;
  const auto band = injection_band(info);
  auto pulse = m.pulses.front();
  const auto predicted = [&](const std::vector<double>& flagged) {
    return predicted_snr(m.config, info, m.plan, pulse_model(band, pulse), flagged);
  };
  std::vector<double> half(256, 0.0);
  std::fill_n(half.begin(), 128, 1.0);
  const double whole = predicted({});
  EXPECT_NEAR(predicted(half), whole * std::sqrt(0.5), 1e-9);
  pulse.band_fraction = 0.5;
  pulse.band_position = 1.0;  // what is left: half of the noise, all of the pulse
  EXPECT_NEAR(predicted(half) / predicted({}), std::sqrt(2.0), 1e-9);
  pulse.band_position = 0.0;
  EXPECT_EQ(predicted(half), 0.0);
  pulse.dm_pc_cm3 = 2000.0;
  EXPECT_EQ(predicted({}), 0.0) << "not searched";
}

SearchSummary search_with(const std::string& run, const std::vector<std::string>& files, const Config& config,
                          const std::string& injections, ExistingRun existing = ExistingRun::kRefuse) {
  SearchRequest request;
  request.config = config;
  request.inputs = files;
  request.run_directory = run;
  request.injections = injections;
  request.existing = existing;
  request.quiet = true;
  return run_search(request);
}

TEST(Injections, LeaveTheRunsOwnTablesAsTheyAreAndAreResumed) {
  const TempDir dir;
  auto scan = small_scan();
  scan.duration_s = 5.0;
  scan.pulses = {{200.0, 4e-3, 20.0, 1.0, {}}};
  const auto files = simulate_scan(scan, dir.path());
  const auto spec = dir.write("spec.toml", "[random]\nn = 3\ndm_max_pc_cm3 = 300.0\nsnr_min = 15.0\n");
  search_into(dir.file("plain"), files, small_config());
  search_with(dir.file("run"), files, small_config(), spec);
  for (const char* table : {"/candidates.ecsv", "/detections.ecsv"})
    EXPECT_EQ(rows_of(dir.file("run") + table), rows_of(dir.file("plain") + table));
  const auto rows = rows_of(dir.file("run/injections.ecsv"));
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 4);
  EXPECT_TRUE(contains(rows_of(dir.file("run/completeness.ecsv")), "all,\"\",\"\",3,3,1.0000"));
  const auto ledger = dir.file("run/ledger/injections_M01.json");
  const auto written = std::filesystem::last_write_time(ledger);
  search_with(dir.file("run"), files, small_config(), spec, ExistingRun::kResume);
  EXPECT_EQ(std::filesystem::last_write_time(ledger), written);
  EXPECT_EQ(rows_of(dir.file("run/injections.ecsv")), rows);
  const auto other = dir.write("other.toml", "[random]\nn = 2\ndm_max_pc_cm3 = 300.0\nsnr_min = 15.0\n");
  search_with(dir.file("run"), files, small_config(), other, ExistingRun::kResume);
  EXPECT_NE(rows_of(dir.file("run/injections.ecsv")), rows);
}

TEST(Injections, ThatDoNotFitLeaveNothingBehind) {
  const TempDir dir;
  const auto files = simulate_scan(small_scan(), dir.path());
  const auto spec = dir.write("spec.toml", "[random]\nn = 300\n");
  EXPECT_THROW(search_with(dir.file("run"), files, small_config(), spec), std::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(dir.file("run")));
}

// A pulse is found where its S/N with the noise's 1 reaches snr_min: Phi(expected - snr_min).
TEST(SlowInjections, AreRecoveredAsOftenAsPredicted) {
  auto scan = small_scan();
  scan.duration_s = 110.0;
  const auto config = small_config();
  auto spec = random_spec(200, 6.0, 50.0);
  spec.random.min_spacing_s = 0.5;
  const auto outcomes = outcomes_of(scan, config, spec);
  const auto edges = snr_edges({6.0, 50.0});
  for (std::size_t b = 0; b + 1 < edges.size(); ++b) {
    double expected = 0.0, variance = 0.0;
    int n_found = 0;
    for (const auto& o : outcomes) {
      if (o.pulse.snr < edges[b] || o.pulse.snr >= edges[b + 1]) continue;
      const double p = 0.5 * std::erfc((config.search.snr_min - expected_snr(o)) / std::sqrt(2.0));
      expected += p;
      variance += p * (1.0 - p);
      n_found += o.found ? 1 : 0;
    }
    // And one that a strong neighbour has taken for its sidelobe.
    EXPECT_NEAR(n_found, expected, 3.0 * std::sqrt(variance) + 1.0) << "S/N " << edges[b];
  }
}

}  // namespace
}  // namespace tianyan
