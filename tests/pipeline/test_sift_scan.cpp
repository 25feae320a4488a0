// A scan of nineteen beams from its files to detections, and lists of single pulses that others made.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "io/ecsv_reader.hpp"
#include "kernels/base/sky.hpp"
#include "kernels/beam_model.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

constexpr double kRotationDeg = 23.4;

double number(const Table& t, std::size_t r, const std::string& column) {
  const auto& cell = t.row(r)[t.column_index(column)];
  if (const auto* i = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*i);
  const auto* v = std::get_if<double>(&cell);
  return v == nullptr ? std::nan("") : *v;
}

std::string text(const Table& t, std::size_t r, const std::string& column) {
  const auto i = t.column_index(column);
  return cell_text(t.columns()[i], t.row(r)[i]);
}

// Rows near a time, by index.
std::vector<std::size_t> near(const Table& t, double time_s, double within_s) {
  std::vector<std::size_t> rows;
  for (std::size_t r = 0; r < t.n_row(); ++r)
    if (std::abs(number(t, r, "time_s") - time_s) < within_s) rows.push_back(r);
  return rows;
}

PulseSpec pulse(double time_s, double dm, double snr, std::vector<int> beams) {
  return {dm, 2e-3, snr, time_s, std::move(beams), {}};
}

// 128 channels: a source between M03 and M01, a pulse in all beams, a pair, a pulsar's two, a sweep the wrong
// way.
ScanSpec nineteen_beams() {
  ScanSpec spec = small_scan();
  spec.n_chan = 128;
  spec.rotation_deg = kRotationDeg;
  spec.beams.clear();
  for (int b = 1; b <= kNumBeams; ++b) spec.beams.push_back(b);
  PulseSpec between = pulse(1.0, 200.0, 300.0, {});
  between.offset_arcmin = {0.54 * beam_offset(3, kRotationDeg).east_arcmin,
                           0.54 * beam_offset(3, kRotationDeg).north_arcmin};
  spec.pulses = {between,
                 pulse(2.0, 150.0, 25.0, {}),
                 pulse(3.0, 250.0, 30.0, {10}),
                 pulse(3.02, 250.0, 25.0, {10}),
                 pulse(5.0, 56.8, 30.0, {1}),
                 pulse(5.3707, 56.8, 25.0, {1}),
                 pulse(6.2, -60.0, 60.0, {5})};
  return spec;
}

class SiftScan : public CommandsTest {
 protected:
  // One search serves all: each test of its own would make it again.
  SearchSummary search() {
    const ScanSpec spec = nineteen_beams();
    simulate_scan(spec, dir_.file("scan"), {2, false, {}});
    Config config = small_config();
    config.search.dm_max_pc_cm3 = 400.0;
    config.rfi.beams.enabled = false;  // would take what is in all beams: here the sift has to
    config.sift.max_refined = 100;
    config.sift.catalogues = {dir_.write("known.csv", "name,ra,dec,dm\nCrab,83.6332,22.0145,56.77\n")};
    config.output.plots = config.output.cutouts = true;
    config.output.max_plots = 2;
    return search_into(run_path(), {dir_.file("scan")}, config);
  }
  std::string run_path() const { return dir_.file("run"); }
  Table detections() const { return read_ecsv(run_path() + "/detections.ecsv"); }
  Table candidates() const { return read_ecsv(run_path() + "/candidates.ecsv"); }

  void expect_one_detection_between_beams() {
    const Table found = detections();
    const auto rows = near(found, 1.0, 0.05);
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(text(found, rows[0], "class"), "astrophysical") << text(found, rows[0], "reasons");
    EXPECT_EQ(number(found, rows[0], "beam"), 3.0);
    EXPECT_GE(number(found, rows[0], "n_beams"), 2.0);
    const auto offset = nineteen_beams().pulses[0].offset_arcmin;
    const auto truth = at_offset({83.633212, 22.014472}, {offset[0], offset[1]});
    const SkyPosition at{number(found, rows[0], "ra_deg"), number(found, rows[0], "dec_deg")};
    EXPECT_LT(separation_deg(at, truth), number(found, rows[0], "pos_err_deg"));
    RecordProperty("errors_from_the_truth",
                   fmt::format("{:.2f}", separation_deg(at, truth) / number(found, rows[0], "pos_err_deg")));
    EXPECT_NEAR(number(found, rows[0], "dm_pc_cm3"), 200.0, 4.0 * number(found, rows[0], "dm_err_pc_cm3"));
    EXPECT_FALSE(std::isnan(number(found, rows[0], "mjd_inf_bary")));
  }
  void expect_interference_in_all_beams() {
    EXPECT_TRUE(near(detections(), 2.0, 0.05).empty());
    const Table all = candidates();
    const auto rows = near(all, 2.0, 0.01);
    EXPECT_EQ(rows.size(), 19u);
    for (const auto r : rows) EXPECT_EQ(text(all, r, "class"), "rfi");
  }
  void expect_two_detections_of_two_pulses() {
    const Table found = detections();
    const auto rows = near(found, 3.01, 0.1);
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_NEAR(std::abs(number(found, rows[0], "time_s") - number(found, rows[1], "time_s")), 0.02, 1e-3);
  }
  void expect_known_pulsar() {
    const Table found = detections();
    for (const double time_s : {5.0, 5.3707}) {
      const auto rows = near(found, time_s, 0.02);
      ASSERT_EQ(rows.size(), 1u) << time_s;
      EXPECT_EQ(text(found, rows[0], "class"), "known:Crab");
    }
  }
  void expect_no_detection_of_the_wrong_way() {
    // 60 pc/cm3 are 138 ms over the band: it is at all these times, at DM 0, or nowhere.
    for (const auto r : near(detections(), 6.2, 0.2)) ADD_FAILURE() << text(detections(), r, "reasons");
    const Table all = candidates();
    const auto rows = near(all, 6.2, 0.2);
    EXPECT_FALSE(rows.empty());
    for (const auto r : rows) EXPECT_EQ(text(all, r, "class"), "rfi");
  }
  void expect_plots_and_cutouts(const SearchSummary& summary) {
    const Table found = detections();
    std::size_t n_plot = 0, n_cutout = 0;
    for (std::size_t r = 0; r < found.n_row(); ++r) {
      n_plot += std::filesystem::exists(run_path() + "/plots/" + text(found, r, "id") + ".png");
      n_cutout += std::filesystem::exists(run_path() + "/cutouts/" + text(found, r, "id") + ".h5");
    }
    EXPECT_EQ(n_plot, 2u);
    EXPECT_EQ(n_cutout, 2u);
    EXPECT_EQ(summary.n_astrophysical + summary.n_known, static_cast<std::int64_t>(found.n_row()));
    for (const char* name :
         {"detections.vot", "detections.singlepulse", "detections.cand", "your.csv", "report.html"})
      EXPECT_TRUE(std::filesystem::exists(run_path() + "/" + name)) << name;
  }
  // `tianyan sift RUN` of the finished run makes the same detections.
  void expect_the_same_of_another_sift() {
    const auto result = run("sift " + run_path() + " -o " + dir_.file("again"));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(rows_of(dir_.file("again/detections.ecsv")), rows_of(run_path() + "/detections.ecsv"));
    EXPECT_EQ(rows_of(dir_.file("again/candidates.ecsv")), rows_of(run_path() + "/candidates.ecsv"));
  }
  // Without the data candidates are sifted all the same.
  void expect_a_sift_without_data() {
    std::filesystem::rename(dir_.file("scan"), dir_.file("gone"));
    const auto result = run("sift " + run_path() + " -o " + dir_.file("blind"));
    std::filesystem::rename(dir_.file("gone"), dir_.file("scan"));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.err.find("cannot be measured again"), std::string::npos) << result.err;
    EXPECT_GE(read_ecsv(dir_.file("blind/detections.ecsv")).n_row(), detections().n_row());
  }
};

TEST_F(SiftScan, NineteenBeamsBecomeTheRightDetections) {
  const auto summary = search();
  expect_one_detection_between_beams();
  expect_interference_in_all_beams();
  expect_two_detections_of_two_pulses();
  expect_known_pulsar();
  expect_no_detection_of_the_wrong_way();
  expect_plots_and_cutouts(summary);
  expect_the_same_of_another_sift();
  expect_a_sift_without_data();
}

// 0.02 degrees of right ascension a second: at 6 s a source between M03 and M01 is 6.7' away from where it
// would be if the beams stood still.
TEST_F(SiftScan, APulseOfADriftScanIsWhereTheBeamsLookedThen) {
  ScanSpec spec = small_scan();
  spec.n_chan = 128;
  spec.beams = {1, 2, 3};
  spec.drift_deg_s = 0.02;
  PulseSpec between = pulse(6.0, 60.0, 200.0, {});
  between.offset_arcmin = {0.54 * beam_offset(3, 0.0).east_arcmin, 0.54 * beam_offset(3, 0.0).north_arcmin};
  spec.pulses = {between};
  simulate_scan(spec, dir_.file("scan"), {2, false, {}});
  const auto truth = at_offset({spec.ra_deg + 6.0 * spec.drift_deg_s, spec.dec_deg},
                               {between.offset_arcmin[0], between.offset_arcmin[1]});
  Config config = small_config();
  config.search.dm_max_pc_cm3 = 200.0;
  config.sift.max_refined = 100;
  config.sift.catalogues = {dir_.write(
      "known.csv", fmt::format("name,ra,dec,dm\nIt,{:.6f},{:.6f},60\n", truth.ra_deg, truth.dec_deg))};
  search_into(run_path(), {dir_.file("scan")}, config);
  const Table found = detections();
  ASSERT_EQ(found.n_row(), 1u);
  const SkyPosition at{number(found, 0, "ra_deg"), number(found, 0, "dec_deg")};
  EXPECT_LT(separation_deg(at, truth), 2.0 * number(found, 0, "pos_err_deg"));
  EXPECT_LT(number(found, 0, "pos_err_deg"), 0.04);
  EXPECT_EQ(text(found, 0, "class"), "known:It") << text(found, 0, "reasons");
  expect_the_same_of_another_sift();  // the ledger has the track
}

class SiftLists : public CommandsTest {};

TEST_F(SiftLists, GiantPulsesOfARealListAreWhereTheyWerePublished) {
  const std::string list = test_data() + "/singlepulse-visualizer/1099414416.singlepulse";
  if (!std::filesystem::exists(list)) GTEST_SKIP() << list << " is not there";
  const auto result =
      run("sift " + list + " -o " + dir_.file("out") +
          " --set sift.list_band_mhz=[140,170] --set search.snr_min=5 --set search.snr_min_member=5");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Table found = read_ecsv(dir_.file("out/detections.ecsv"));
  std::vector<double> brightest;
  int n_above_8 = 0;
  for (std::size_t r = 0; r < found.n_row(); ++r) {
    if (std::abs(number(found, r, "dm_pc_cm3") - 56.7) > 0.5) continue;
    if (brightest.size() < 4) brightest.push_back(number(found, r, "time_s"));
    n_above_8 += number(found, r, "snr") > 8.0;
  }
  std::sort(brightest.begin(), brightest.end());
  ASSERT_EQ(brightest.size(), 4u);
  const double published[] = {131.378, 318.581, 718.565, 941.697};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(brightest[static_cast<std::size_t>(i)], published[i], 2e-3);
  EXPECT_NEAR(n_above_8, 25, 3);
}

TEST_F(SiftLists, WantTheirBand) {
  std::ofstream(dir_.file("a.singlepulse"))
      << "# DM Sigma Time (s) Sample Downfact\n56.70 10.0 1.000 1000 2\n";
  const auto result = run("sift " + dir_.file("a.singlepulse") + " -o " + dir_.file("out"));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("sift.list_band_mhz"), std::string::npos) << result.err;
  EXPECT_FALSE(std::filesystem::exists(dir_.file("out")));
}

TEST_F(SiftLists, SayNothingOfChannelsThatNothingNames) {
  std::ofstream(dir_.file("a.singlepulse"))
      << "# DM Sigma Time (s) Sample Downfact\n56.70 10.0 1.000 1000 2\n";
  const auto result = run("sift " + dir_.file("a.singlepulse") + " -o " + dir_.file("out") +
                          " --set sift.list_band_mhz=[1000,1500]");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  int n_event = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.file("out/events"))) {
    const std::string text = read_text(entry.path().string());
    ++n_event;
    for (const char* name :
         {"\"nchan\"", "\"npol\"", "\"bits_per_sample\"", "dispersion_smearing", "\"gain\""})
      EXPECT_EQ(text.find(name), std::string::npos) << entry.path() << ": " << name;
    const bool says_null = text.find("\"channels_no\": null") != std::string::npos;
    EXPECT_EQ(says_null, entry.path().extension() == ".json") << text;
  }
  EXPECT_EQ(n_event, 2);
}

// DMs of two events say nothing of the trials' step, which is taken for no more than 2 widths of delay.
TEST_F(SiftLists, OfFewEventsHaveErrorsOfDmThatTheirWidthsAllow) {
  std::ofstream(dir_.file("a.singlepulse"))
      << "# DM Sigma Time (s) Sample Downfact\n149.80 20.0 12.000 12000 10\n"
         "300.00 20.0 4.800 4800 20\n";
  const auto result = run("sift " + dir_.file("a.singlepulse") + " -o " + dir_.file("out") +
                          " --set sift.list_band_mhz=[1000,1500]");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Table found = read_ecsv(dir_.file("out/detections.ecsv"));
  ASSERT_EQ(found.n_row(), 2u);
  for (std::size_t r = 0; r < 2; ++r) {
    const double width_s = number(found, r, "width_s");
    const double step = 2.0 * width_s / (4149.377593 * (1e-6 - 1.0 / (1500.0 * 1500.0)));
    EXPECT_GT(number(found, r, "dm_err_pc_cm3"), step / std::sqrt(12.0));
    EXPECT_LT(number(found, r, "dm_err_pc_cm3"), 1.1 * step / std::sqrt(12.0));
    EXPECT_EQ(text(found, r, "class"), "astrophysical") << text(found, r, "reasons");
  }
}

TEST_F(SiftLists, RefusesWhatIsNoRun) {
  EXPECT_EQ(run("sift " + dir_.file("none") + " -o " + dir_.file("out")).exit_code, 1);
  std::filesystem::create_directories(dir_.file("folder"));
  const auto result = run("sift " + dir_.file("folder") + " -o " + dir_.file("out"));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.err.find("ledger"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace tianyan
