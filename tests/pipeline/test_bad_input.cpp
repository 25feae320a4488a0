// Bad input, as a night's batch meets it: one clear line, the right exit code, nothing half-written.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "io/ecsv_reader.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

class BadInputTest : public CommandsTest {
 protected:
  static ScanSpec small_spec(double duration_s) {
    ScanSpec spec;
    spec.n_chan = 64;
    spec.sample_time_s = 1e-3;
    spec.duration_s = duration_s;
    return spec;
  }

  /// A simulated scan of one beam, 64 channels, 4096 spectra; its path.
  std::string small_scan(const std::string& format) const {
    auto spec = small_spec(4.096);
    spec.format = format;
    return simulate_scan(spec, dir_.path(), {1, true, nullptr}).at(0);
  }

  /// The same file with the value of one FITS header card replaced.
  std::string with_card(const std::string& name, const std::string& value) const {
    const std::string path = small_scan("fits");
    std::string text = read_text(path);
    std::string key = name;
    key.resize(8, ' ');
    const auto at = text.find(key + "= ");
    EXPECT_NE(at, std::string::npos) << name;
    std::string card = key + "= " + std::string(20 - std::min<std::size_t>(20, value.size()), ' ') + value;
    card.resize(80, ' ');
    text.replace(at, 80, card);
    return dir_.write("changed.fits", text);
  }

  Outcome search(const std::string& input, const std::string& more = "") const {
    return run("search '' '" + input + "' -o '" + dir_.file("run") + "' -q --set search.dm_max_pc_cm3=100 " +
               more);
  }

  void expect_refused(const Outcome& o, int exit_code, const std::string& part) const {
    EXPECT_EQ(o.exit_code, exit_code) << o.err;
    EXPECT_TRUE(contains(o.err, part)) << "wanted: " << part << "\ngot: " << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_FALSE(fs::exists(dir_.file("run"))) << "something was written";
  }
};

TEST_F(BadInputTest, AMissingFileIsNamed) { expect_refused(search(dir_.file("none.fits")), 1, "none.fits"); }

TEST_F(BadInputTest, AFileOfNoKnownFormatIsNamedWithTheKnownOnes) {
  expect_refused(search(dir_.write("notes.fits", "these are notes, not spectra")), 1, "PSRFITS");
}

// Latin-1 in the header, GBK in the path, as they are found in archives.
TEST_F(BadInputTest, NamesOfAnyBytesAreSearchedResumedSiftedAndRead) {
  auto spec = small_spec(4.096);
  spec.format = "fil";
  spec.source_name = "SGRA0";
  spec.n_chan = 256;
  spec.pulses = {{50.0, 8e-3, 15.0, 1.5, {}}};
  std::string bytes = read_text(simulate_scan(spec, dir_.path(), {1, true, nullptr}).at(0));
  bytes.replace(bytes.find("SGRA0"), 5, "SgrA\xb0");
  fs::create_directories(dir_.file("\xcc\xec\xd1\xdb"));
  const std::string path = dir_.write("\xcc\xec\xd1\xdb/\xb0-M01.fil", bytes);
  ASSERT_EQ(search(path).exit_code, 0);
  const auto rows = rows_of(dir_.file("run/detections.ecsv"));
  for (const bool resumed : {false, true}) {
    const auto report = json::parse(read_text(dir_.file("run/report.json")));
    EXPECT_EQ(report["beams"][0]["stream"]["source_name"], "SgrA\ufffd");
    EXPECT_EQ(report["beams"][0]["threads"] == 0, resumed);
    EXPECT_EQ(read_ecsv(dir_.file("run/detections.ecsv")).n_row(), 1U);
    EXPECT_EQ(rows_of(dir_.file("run/detections.ecsv")), rows);
    ASSERT_EQ(search(path, "--resume").exit_code, 0);
  }
  EXPECT_EQ(run("sift '" + dir_.file("run") + "' -o '" + dir_.file("again") + "'").exit_code, 0);
  // Its report has the path in a note.
  EXPECT_EQ(run("flag '' '" + path + "' '" + dir_.write("\xcc-M02.fil", bytes.substr(0, bytes.size() - 7)) +
                "' -o '" + dir_.file("flags") + "' -q")
                .exit_code,
            3);
  EXPECT_NO_THROW(json::parse(read_text(dir_.file("flags/report.json"))));
  EXPECT_EQ(run("info --json '" + path + "'").exit_code, 0);
  EXPECT_EQ(run("plan '' '" + path + "' --json").exit_code, 0);
  if (std::system("/usr/bin/python3 -c 'import astropy, yaml' 2>/dev/null") != 0) return;
  const std::string program =
      "import sys; from astropy.table import Table; "
      "[Table.read(f, format='ascii.ecsv') for f in sys.argv[1:]]";
  EXPECT_EQ(std::system(("/usr/bin/python3 -c \"" + program + "\" '" + dir_.file("run/detections.ecsv") +
                         "' '" + dir_.file("run/candidates.ecsv") + "'")
                            .c_str()),
            0);
}

TEST_F(BadInputTest, ATruncatedHeaderIsAnError) {
  for (const char* format : {"fil", "fits", "h5"}) {
    const auto path = small_scan(format);
    fs::resize_file(path, 100);
    EXPECT_EQ(search(path).exit_code, 1) << format;
    EXPECT_FALSE(fs::exists(dir_.file("run"))) << format;
  }
}

TEST_F(BadInputTest, AFileCutInMidRowIsSearchedAndTheLossIsSaid) {
  for (const char* format : {"fil", "fits"}) {
    const auto path = small_scan(format);
    fs::resize_file(path, fs::file_size(path) - 70001);
    const auto o = search(path, "--overwrite");
    EXPECT_EQ(o.exit_code, 3) << format << o.err;
    EXPECT_TRUE(contains(o.err, "bytes")) << o.err;
    const auto report = json::parse(read_text(dir_.file("run/report.json")));
    EXPECT_EQ(report["exit_code"], 3);
    EXPECT_TRUE(report["beams"][0]["losses"]["cut_short"].get<bool>()) << format;
  }
}

TEST_F(BadInputTest, HeadersThatCannotBeAreRefusedBeforeAnythingIsAllocated) {
  for (const auto& [card, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"NCHAN", "0"},
                                                                  {"NCHAN", "-64"},
                                                                  {"NCHAN", "2147483647"},
                                                                  {"NSBLK", "0"},
                                                                  {"NSBLK", "-1024"},
                                                                  {"NSBLK", "2147483647"},
                                                                  {"TBIN", "0.0"},
                                                                  {"TBIN", "-0.001"},
                                                                  {"TBIN", "1e30"},
                                                                  {"NBITS", "7"},
                                                                  {"NPOL", "3"}})
    expect_refused(search(with_card(card, value)), 1, "changed.fits");
}

TEST_F(BadInputTest, DataOfTheWrongSizeIsRefused) {
  expect_refused(search(with_card("NCHAN", "32")), 1, "changed.fits");
}

TEST_F(BadInputTest, ASeriesWithTwoFrequenciesNamesBothFiles) {
  auto spec = small_spec(1.024);
  const auto a = simulate_scan(spec, dir_.file("a")).at(0);
  spec.freq_high_mhz = 1400.0;
  spec.start_mjd += 2.0 / 86400.0;
  const auto b = simulate_scan(spec, dir_.file("b")).at(0);
  const auto o = run("search '' '" + a + "' '" + b + "' -o '" + dir_.file("run") + "'");
  expect_refused(o, 1, "a/SIMULATED");
  EXPECT_TRUE(contains(o.err, "b/SIMULATED")) << o.err;
}

TEST_F(BadInputTest, AGapBetweenFilesIsFilledWithZeroWeightAndCounted) {
  auto spec = small_spec(2.048);
  spec.format = "fil";
  const auto a = simulate_scan(spec, dir_.file("a")).at(0);
  spec.start_mjd += 3.0 / 86400.0;
  const auto b = simulate_scan(spec, dir_.file("b")).at(0);
  const auto o = run("search '' '" + a + "' '" + b + "' -o '" + dir_.file("run") +
                     "' -q --set search.dm_max_pc_cm3=100");
  EXPECT_EQ(o.exit_code, 0) << o.err;
  const auto beam = json::parse(read_text(dir_.file("run/report.json")))["beams"][0];
  EXPECT_EQ(beam["losses"]["n_gaps"], 1);
  EXPECT_EQ(beam["losses"]["gap_samples"], 952);
  EXPECT_GE(beam["flags"]["recorded_samples"].get<std::int64_t>(), 952 * 64);
}

TEST_F(BadInputTest, ConfigsThatCannotWorkAreRefusedWithTwo) {
  const auto path = small_scan("fil");
  expect_refused(search(path, "--set search.dm_maxx_pc_cm3=3"), 2, "dm_max_pc_cm3");
  expect_refused(search(path, "--set search.snr_min='\"high\"'"), 2, "snr_min");
  expect_refused(search(path, "--set search.width_max_ms=3"), 2, "width_max_s");
  expect_refused(search(path, "--set search.dm_min_pc_cm3=500"), 2, "dm_m");
  expect_refused(search(path, "--set limits.memory_bytes=100000"), 2, "limits.memory_bytes");
}

TEST_F(BadInputTest, ASearchOnADeviceThatIsNotThereFails) {
  const auto path = small_scan("fil");
  setenv("CUDA_VISIBLE_DEVICES", "-1", 1);
  expect_refused(search(path, "--backend cuda"), 1, "search.backend = \"cuda\"");
  unsetenv("CUDA_VISIBLE_DEVICES");
}

TEST_F(BadInputTest, AnOutputThatCannotBeMadeIsRefused) {
  const auto path = small_scan("fil");
  const auto file = dir_.write("file", "not a directory");
  EXPECT_EQ(run("search '' '" + path + "' -o '" + file + "/run' -q").exit_code, 1);
  EXPECT_EQ(run("search '' '" + path + "' -o '" + file + "' -q").exit_code, 1);
  EXPECT_EQ(read_text(file), "not a directory");
}

TEST_F(BadInputTest, ADirectoryWithFilesIsNotMixedWithARun) {
  const auto path = small_scan("fil");
  fs::create_directories(dir_.file("run"));
  const auto mine = dir_.write("run/mine.txt", "keep");
  const auto o = search(path);
  EXPECT_EQ(o.exit_code, 2);
  EXPECT_TRUE(contains(o.err, "--overwrite") && contains(o.err, "--resume")) << o.err;
  EXPECT_EQ(search(path, "--overwrite").exit_code, 0);
  EXPECT_EQ(read_text(mine), "keep");
}

TEST_F(BadInputTest, AFullDiskIsOneLineAndLeavesNothingUnderAFinalName) {
  const auto path = small_scan("fil");
  // No file may grow beyond one block of 512 bytes: what a full disk does, without one.
  const auto o =
      run("search '' '" + path + "' -o '" + dir_.file("run") + "' -q", "trap '' XFSZ; ulimit -f 1; ");
  EXPECT_EQ(o.exit_code, 1) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
  for (const auto& entry : fs::recursive_directory_iterator(dir_.file("run")))
    EXPECT_TRUE(!entry.is_regular_file() || entry.path().filename() == ".lock") << entry.path();
}

TEST_F(BadInputTest, ASignalStopsTheRunWith75AndResumeGoesOnToTheSameTables) {
  ScanSpec spec;
  spec.n_chan = 256;
  spec.sample_time_s = 200e-6;
  spec.duration_s = 10.0;
  spec.beams = {1, 2};
  spec.pulses = {{100.0, 3e-3, 30.0, 2.0, {}}};
  simulate_scan(spec, dir_.file("scan"));
  const std::string arguments = "search '' '" + dir_.file("scan") +
                                "' -q --threads 1 --set output.plots=false --set search.dm_max_pc_cm3=300 ";
  ASSERT_EQ(run(arguments + "-o '" + dir_.file("whole") + "'").exit_code, 0);
  // Killed while the second beam is searched: the ledger of the first one is there.
  const auto o = run(arguments + "-o '" + dir_.file("run") + "'",
                     "(while [ ! -e '" + dir_.file("run/ledger/M01/0000.json") +
                         "' ]; do sleep 0.01; done; kill -TERM $$) & exec ");
  EXPECT_EQ(o.exit_code, 75) << o.err;
  EXPECT_TRUE(contains(o.err, "--resume")) << o.err;
  EXPECT_FALSE(fs::exists(dir_.file("run/candidates.ecsv")));
  EXPECT_EQ(run(arguments + "--resume -o '" + dir_.file("run") + "'").exit_code, 0);
  EXPECT_EQ(read_text(dir_.file("run/candidates.ecsv")), read_text(dir_.file("whole/candidates.ecsv")));
}

TEST_F(BadInputTest, ABeamThatTheConfigDoesNotFitDoesNotStopTheOthers) {
  auto spec = small_spec(4.096);
  spec.format = "fil";
  spec.beams = {1, 2};
  const auto files = simulate_scan(spec, dir_.file("scan"));
  std::string text = read_text(files[0]);
  text.replace(text.find("nchans") + 6, 4, std::string("\1\0\0\0", 4));
  std::ofstream(files[0], std::ios::binary) << text;
  expect_refused(search(files[0]), 2, "a search for dispersed pulses needs at least 2 channels");
  const auto o = search(dir_.file("scan"));
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_TRUE(contains(o.err, "beam M01 failed: a search for dispersed pulses")) << o.err;
  EXPECT_TRUE(contains(o.out, " in 1 of 2 beams")) << o.out;
}

TEST_F(BadInputTest, ABeamThatFailsDoesNotStopTheOthers) {
  auto spec = small_spec(1.024);
  spec.beams = {1, 2};
  const auto files = simulate_scan(spec, dir_.file("scan"));
  fs::resize_file(files[0], 3000);  // nothing of it can be read
  const auto o = search(dir_.file("scan"));
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_TRUE(contains(o.err, "M01")) << o.err;
  const auto report = json::parse(read_text(dir_.file("run/report.json")));
  EXPECT_TRUE(contains(report["beams"][0]["failure"].get<std::string>(), "M01_0001.fits"));
  EXPECT_TRUE(report["beams"][1]["failure"].is_null());
}

}  // namespace
}  // namespace tianyan
