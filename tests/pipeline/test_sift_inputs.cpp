// What `tianyan sift` takes: lists of beams, lists with barycentric times, runs of different configs, runs
// that are not whole, inputs that the output would replace.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "io/ecsv_reader.hpp"
#include "kernels/barycentre.hpp"
#include "kernels/beam_model.hpp"
#include "kernels/site.hpp"
#include "pipeline/sift_sources.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

constexpr double kListDm = 56.77;

std::string text(const Table& t, std::size_t r, const std::string& column) {
  const auto i = t.column_index(column);
  return cell_text(t.columns()[i], t.row(r)[i]);
}

Mjd mjd_of(const std::string& digits) {
  const auto point = digits.find('.');
  return {std::stoll(digits.substr(0, point)), std::stod("0" + digits.substr(point)) * kSecondsPerDay};
}

int count_containing(const std::vector<std::string>& lines, const std::string& part) {
  return static_cast<int>(std::count_if(lines.begin(), lines.end(),
                                        [&](const std::string& line) { return contains(line, part); }));
}

class SiftListInputs : public CommandsTest {
 protected:
  // One pulse of 2 ms, of S/N 20, over three trials.
  std::string list(const std::string& name, double time_s) const {
    std::string text = "# DM      Sigma      Time (s)     Sample    Downfact\n";
    for (const int d : {-1, 0, 1})
      text += fmt::format("{:7.2f} {:7.2f} {:13.6f} {:10d}     {:3d}\n", kListDm + d, 20.0 - 4.0 * d * d,
                          time_s, std::llround(time_s / 1e-3), 2);
    return dir_.write(name + ".singlepulse", text);
  }

  // As PRESTO writes it. Epochs have fifteen digits behind the point: 1e-10 s.
  void inf(const std::string& name, const Mjd& epoch, const SkyPosition& at, const std::string& barycentred,
           const std::string& telescope = "FAST") const {
    const auto sexagesimal = [](double v) {
      const double a = std::abs(v);
      const int whole = static_cast<int>(a), minutes = static_cast<int>((a - whole) * 60.0);
      return fmt::format("{:02d}:{:02d}:{:.9f}", whole, minutes, ((a - whole) * 60.0 - minutes) * 60.0);
    };
    dir_.write(name + ".inf",
               fmt::format(" Telescope used                         =  {}\n"
                           " J2000 Right Ascension (hh:mm:ss.ssss)  =  {}\n"
                           " J2000 Declination     (dd:mm:ss.ssss)  =  {}\n"
                           " Epoch of observation (MJD)             =  {}.{:015d}\n"
                           " Barycentered?           (1 yes, 0 no)  =  {}\n"
                           " Number of bins in the time series      =  600000\n"
                           " Width of each time series bin (sec)    =  0.001\n"
                           " Dispersion measure (cm-3 pc)           =  {}\n"
                           " Central freq of low channel (Mhz)      =  1000.25\n"
                           " Number of channels                     =  1000\n"
                           " Channel bandwidth (Mhz)                =  0.5\n",
                           telescope, sexagesimal(at.ra_deg / 15.0), sexagesimal(at.dec_deg), epoch.day,
                           std::llround(epoch.second / kSecondsPerDay * 1e15), barycentred, kListDm));
  }

  Outcome sift(const std::string& inputs, const std::string& more = "") const {
    return run("sift " + inputs + " -o " + dir_.file("out") + " --overwrite " + more);
  }
  Table detections() const { return read_ecsv(dir_.file("out/detections.ecsv")); }
  Table candidates() const { return read_ecsv(dir_.file("out/candidates.ecsv")); }
};

TEST_F(SiftListInputs, ListsOfBeamsAreComparedByTheirNames) {
  std::string inputs;
  for (int b = 1; b <= kNumBeams; ++b) inputs += list(fmt::format("x-M{:02d}", b), 5.0) + " ";
  const std::string band = "--set sift.list_band_mhz=[1000,1500]";
  const auto result = sift(inputs, band);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "with others of no date it is taken for one scan")) << result.err;
  EXPECT_EQ(detections().n_row(), 0u);
  const Table all = candidates();
  ASSERT_EQ(all.n_row(), 19u);
  for (std::size_t r = 0; r < 19; ++r) {
    EXPECT_EQ(text(all, r, "class"), "rfi");
    EXPECT_TRUE(contains(text(all, r, "reasons"), "far beams at once")) << text(all, r, "reasons");
  }
  // Without numbers they are nineteen beams of which nobody knows where they look, which is said.
  inputs.clear();
  for (int b = 1; b <= 2; ++b) inputs += list(fmt::format("y{}", b), 5.0) + " ";
  const auto unnamed = sift(inputs, band);
  ASSERT_EQ(unnamed.exit_code, 0) << unnamed.err;
  EXPECT_TRUE(contains(unnamed.err, "y1.singlepulse does not say which beam")) << unnamed.err;
  EXPECT_EQ(text(detections(), 0, "n_beams"), "2");
}

// Two beams whose pointings differ by 5.74' see a pulse at one instant; the barycentre's clock has it at
// times that are some 0.7 s apart. Times of the list are whole milliseconds.
TEST_F(SiftListInputs, BarycentricTimesAreTakenBackToTheTelescopeAndCorrectedOnce) {
  const SkyPosition centre{83.633, 22.0145};
  const auto site = find_site("FAST")->itrf_m;
  const Mjd epoch{59000, 3600.0};
  const double time_s = 100.0;
  inf("x-M01", epoch, centre, "1");
  const std::string first = list("x-M01", time_s);
  const Mjd utc = topocentric_utc(epoch.plus_seconds(time_s), centre, site);  // at infinite frequency
  // The other list's epoch is such that its pulse, at 100 s too, comes at that UTC.
  const SkyPosition beside = at_offset(centre, beam_offset(2, 0.0));
  inf("x-M02", barycentric_tdb(utc, beside, site).plus_seconds(-time_s), beside, "1");
  const auto result = sift(first + " " + list("x-M02", time_s));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "its times are barycentric")) << result.err;
  const Table found = candidates();
  ASSERT_EQ(found.n_row(), 2u);
  EXPECT_EQ(text(found, 0, "detection"), text(found, 1, "detection"));
  // K DM / f^2 at 1499.75 MHz. mjd has twelve decimals, 4e-8 s each way; epochs and pointings are written to
  // less than that.
  const double delay_s = kListDm / 2.41e-4 / (1499.75 * 1499.75);
  for (std::size_t r = 0; r < 2; ++r)
    EXPECT_NEAR(mjd_of(text(found, r, "mjd")).seconds_since(utc.plus_seconds(delay_s)), 0.0, 2e-7) << r;
}

TEST_F(SiftListInputs, TheListsOwnBarycentricTimeComesBack) {
  const SkyPosition at{83.633, 22.0145};
  const Mjd epoch{59000, 3600.0};
  inf("a", epoch, at, "1");
  ASSERT_EQ(sift(list("a", 321.0)).exit_code, 0);
  const Table found = detections();
  ASSERT_EQ(found.n_row(), 1u);
  EXPECT_NEAR(mjd_of(text(found, 0, "mjd_inf_bary")).seconds_since(epoch.plus_seconds(321.0)), 0.0, 2e-7);
  // Topocentric lists keep their clock.
  inf("a", epoch, at, "0");
  ASSERT_EQ(sift(list("a", 321.0)).exit_code, 0);
  EXPECT_NEAR(mjd_of(text(detections(), 0, "mjd")).seconds_since(epoch.plus_seconds(321.0)), 0.0, 2e-7);
}

TEST_F(SiftListInputs, BarycentricTimesThatCannotBeTakenBackAreRefused) {
  const std::string pulses = list("a", 5.0);
  const auto expect_refused = [&](const char* what) {
    const auto result = sift(pulses);
    EXPECT_EQ(result.exit_code, 2) << what;
    EXPECT_TRUE(contains(result.err, "its times are barycentric")) << what << ": " << result.err;
  };
  inf("a", {59000, 0.0}, {0.0, 0.0}, "1");
  expect_refused("no pointing");
  inf("a", {0, 0.0}, {83.6, 22.0}, "1");
  expect_refused("no epoch");
  inf("a", {59000, 0.0}, {83.6, 22.0}, "1", "Moon");
  expect_refused("no telescope");
  EXPECT_EQ(sift(pulses, "--set sift.telescope=FAST").exit_code, 0);
}

TEST_F(SiftListInputs, HeadersThatHaveNoPositionAreSaid) {
  inf("a", {59000, 0.0}, {83.6, 95.0}, "0");
  const auto result = sift(list("a", 5.0));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.err, "are no position: taken as unknown")) << result.err;
  EXPECT_TRUE(contains(result.err, "detections have no position")) << result.err;
}

TEST_F(SiftListInputs, AnInputIsNotReplacedByTheOutput) {
  const std::string more = "--set sift.list_band_mhz=[1000,1500]";
  ASSERT_EQ(sift(list("a", 5.0), more).exit_code, 0);
  const std::string own = dir_.file("out/detections.singlepulse");
  fs::create_symlink(own, dir_.file("link.singlepulse"));
  for (const auto& input : {own, dir_.file("link.singlepulse")}) {
    const auto result = sift(input, more);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_TRUE(contains(result.err, "name another output")) << result.err;
    EXPECT_TRUE(fs::exists(own));
  }
  // What a run does not write stays where it is.
  fs::copy(own, dir_.file("out/mine.singlepulse"));
  EXPECT_EQ(sift(dir_.file("out/mine.singlepulse"), more).exit_code, 0);
}

class SiftRunInputs : public CommandsTest {
 protected:
  // One beam with a pulse, searched.
  std::string searched(int beam, const std::function<void(Config&)>& change) {
    ScanSpec spec = small_scan();
    spec.duration_s = 3.0;
    spec.n_chan = 128;
    spec.beams = {beam};
    spec.seed = static_cast<std::uint64_t>(beam);
    spec.pulses = {{200.0, 2e-3, 40.0, 1.0, {}, {}}};
    const std::string data = dir_.file(fmt::format("scan{}", beam));
    file_ = simulate_scan(spec, data, {2, false, {}}).at(0);
    if (cut_) fs::resize_file(file_, fs::file_size(file_) * 2 / 3);
    Config config = small_config();
    config.search.dm_max_pc_cm3 = 300.0;
    change(config);
    const std::string run = dir_.file(fmt::format("run{}", beam));
    search_into(run, {data}, config);
    return run;
  }
  std::string file_;
  bool cut_ = false;
};

TEST_F(SiftRunInputs, EachRunIsReadWithItsOwnConfig) {
  const auto first = searched(1, [](Config& c) { c.search.snr_min = 8.0; });
  const auto second = searched(2, [](Config& c) {
    c.search.snr_min = 9.0;
    c.search.dm_max_pc_cm3 = 250.0;
    c.rfi.window_s = 0.5;
    c.channelize.channels = 64;
  });
  Config config;
  config.sift.max_refined = 7;
  config.search.snr_min = 5.0;
  SiftSources sources;
  add_run(first, config, sources);
  add_run(second, config, sources);
  ASSERT_EQ(sources.inputs.beams.size(), 2u);
  const auto &a = sources.inputs, &b = sources.inputs;
  EXPECT_EQ(a.beams[0].snr_min, 8.0);
  EXPECT_EQ(a.beams[0].dm_max_pc_cm3, 300.0);
  EXPECT_EQ(a.data[0].config->rfi.window_s, RfiConfig{}.window_s);
  EXPECT_EQ(b.beams[1].snr_min, 9.0);
  EXPECT_EQ(b.beams[1].dm_max_pc_cm3, 250.0);
  EXPECT_EQ(b.data[1].config->rfi.window_s, 0.5);
  EXPECT_EQ(b.data[1].config->channelize.channels, 64);
  EXPECT_EQ(b.data[1].config->sift.max_refined, 7);  // what is done with all candidates is the sift's
  EXPECT_FALSE(sources.is_incomplete);
  EXPECT_TRUE(sources.remarks.empty()) << sources.remarks[0];
}

TEST_F(SiftRunInputs, DataThatAreReadToAnotherStreamAreNotMeasured) {
  const auto run = searched(1, [](Config&) {});
  const std::string ledger = run + "/ledger/M01.json";
  auto entry = json::parse(read_text(ledger));
  entry["result"]["stream"]["sample_time_s"] = 2.0 * entry["result"]["stream"]["sample_time_s"].get<double>();
  dir_.write("run1/ledger/M01.json", entry.dump());
  SiftSources sources;
  add_run(run, {}, sources);
  EXPECT_EQ(sources.inputs.data[0].source, nullptr);
  EXPECT_EQ(count_containing(sources.remarks, "no longer read to the same spectra"), 1);
}

TEST_F(SiftRunInputs, WhatTheSearchLostIsSaidAgainWithItsExitCode) {
  cut_ = true;
  const auto run_path = searched(1, [](Config&) {});
  const auto report = json::parse(read_text(run_path + "/report.json"));
  ASSERT_EQ(report["exit_code"], 3);
  const std::string note = report["beams"][0]["losses"]["notes"][0];
  const auto result = run("sift " + run_path + " -o " + dir_.file("out"));
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_TRUE(contains(result.err, run_path + ": " + note)) << result.err;
  EXPECT_EQ(json::parse(read_text(dir_.file("out/report.json")))["exit_code"], 3);
}

TEST_F(SiftRunInputs, BeamsThatWereNotSearchedToTheEndAreNamed) {
  const auto run_path = searched(1, [](Config&) {});
  auto report = json::parse(read_text(run_path + "/report.json"));
  report["beams"].push_back({{"beam", 7}, {"failure", "it broke"}});
  dir_.write("run1/report.json", report.dump());
  const auto failed = run("sift " + run_path + " -o " + dir_.file("out"));
  EXPECT_EQ(failed.exit_code, 3);
  EXPECT_TRUE(contains(failed.err, "beam M07 failed: it broke")) << failed.err;
  fs::remove(run_path + "/report.json");
  const auto unfinished = run("sift " + run_path + " -o " + dir_.file("out2"));
  EXPECT_EQ(unfinished.exit_code, 3);
  EXPECT_TRUE(contains(unfinished.err, "the search was not finished")) << unfinished.err;
}

TEST_F(SiftRunInputs, ARunIsNotItsOwnOutput) {
  const auto run_path = searched(1, [](Config&) {});
  fs::create_directory_symlink(run_path, dir_.file("link"));
  for (const auto& out : {run_path, dir_.file("link"), run_path + "/../run1"}) {
    const auto result = run("sift " + run_path + " -o " + out + " --overwrite");
    EXPECT_EQ(result.exit_code, 2) << out;
    EXPECT_TRUE(contains(result.err, "both an input and the output")) << result.err;
    EXPECT_TRUE(fs::exists(run_path + "/ledger/M01.json"));
  }
}

TEST_F(SiftRunInputs, APlotThatCannotBeWrittenIsWhatTheRemarkSays) {
  const auto run_path = searched(1, [](Config&) {});
  Config config = small_config();
  config.sift.max_refined = 10;
  config.output.plots = true;
  SiftSources sources;
  add_run(run_path, config, sources);
  const RunDirectory out(dir_.file("out"), config, ExistingRun::kRefuse);
  fs::remove(dir_.file("out/plots"));
  dir_.write("out/plots", "no folder");
  const auto summary = sift_and_write(config, out, sources.inputs, {}, {});
  EXPECT_GT(summary.n_refined, 0);
  EXPECT_GE(count_containing(summary.remarks, "its plot or cut-out was not written"), 1);
  EXPECT_EQ(count_containing(summary.remarks, "was not measured again"), 0);
}

TEST(SiftCatalogues, WhatIsNotLookedForIsSaid) {
  const TempDir dir;
  SiftConfig config;
  config.catalogues = {dir.write("known.csv", "name,ra,dec,dm\nA,10,20,30\nB,10,20,\nA,11,21,31\n,1,2,3\n")};
  std::vector<std::string> remarks;
  EXPECT_EQ(load_catalogues(config, remarks).size(), 1u);
  const auto& path = config.catalogues[0];
  EXPECT_EQ(remarks, (std::vector<std::string>{
                         path + ": 2 rows make no source that can be looked for", path + ":3: B has no DM",
                         path + ":5: a row has no name",
                         path + ": 1 rows have the name of an earlier one, which is the one looked for"}));
}

}  // namespace
}  // namespace tianyan
