// Flagging as a user runs it: masks, cleaned files, and searches that start from them.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "io/mask_file.hpp"
#include "io/rfifind_mask.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoRules =
    " --set rfi.saturated.enabled=false --set rfi.channels.enabled=false --set rfi.zero_dm.enabled=false"
    " --set rfi.periodic.enabled=false --set rfi.kurtosis.enabled=false --set rfi.sum_threshold.enabled=false"
    " --set rfi.beams.enabled=false";

constexpr const char* kPlots = "--set output.plots=true";

class FlagCommandTest : public CommandsTest {
 protected:
  /// 128 channels, 4000 spectra of 0.5 ms: two windows, the last one short; a pulse, two lines, an impulse.
  static ScanSpec busy_spec() {
    ScanSpec spec;
    spec.source_name = "BUSY";
    spec.n_chan = 128;
    spec.sample_time_s = 5e-4;
    spec.duration_s = 2.0;
    spec.pulses = {{80.0, 10e-3, 30.0, 0.8, {}}};
    spec.lines = {{1200.0, 1207.0, 5.0, {}}, {1300.0, 1303.0, 5.0, {}}};
    spec.impulses = {{1.5, 5e-3, 2.0, {}}};
    return spec;
  }
  std::string busy_scan(const std::string& format = "fits", int n_bits = 8,
                        const std::vector<int>& beams = {1}) const {
    auto spec = busy_spec();
    spec.format = format;
    spec.n_bits = n_bits;
    spec.beams = beams;
    return simulate_scan(spec, dir_.file("scan"), {1, true, nullptr}).at(0);
  }
  Outcome flag(const std::string& input, const std::string& out, const std::string& more = "") const {
    return run("flag '' '" + input + "' -o '" + dir_.file(out) +
               "' -q --threads 2 --set output.plots=false " + more);
  }
  Outcome search(const std::string& input, const std::string& out, const std::string& more = "") const {
    return run("search '' '" + input + "' -o '" + dir_.file(out) +
               "' -q --threads 2 --set output.plots=false --set search.dm_max_pc_cm3=200 --set "
               "search.width_min_s=4e-3 " +
               more);
  }
  json report(const std::string& out) const {
    return json::parse(read_text(dir_.file(out + "/report.json")));
  }
  std::vector<Row> detections(const std::string& out) const { return candidates_of(dir_.file(out)); }
  std::set<std::string> names_in(const std::string& out) const {
    std::set<std::string> names;
    if (fs::exists(dir_.file(out)))
      for (const auto& entry : fs::directory_iterator(dir_.file(out)))
        names.insert(entry.path().filename().string());
    return names;
  }
  /// The one pulse, with nearly the S/N of this one.
  void expect_pulse(const std::string& out, double snr, double tolerance) const {
    const auto rows = detections(out);
    ASSERT_EQ(rows.size(), 1U) << out;
    EXPECT_NEAR(rows[0].time_s, 0.8, 0.01) << out;
    EXPECT_NEAR(rows[0].snr, snr, tolerance * snr) << out;
  }
  static void expect_refused(const Outcome& o, int exit_code, const std::vector<std::string>& parts) {
    EXPECT_EQ(o.exit_code, exit_code) << o.err;
    for (const auto& part : parts) EXPECT_PRED2(contains, o.err, part);
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_EQ(o.out, "");
  }
};

/// Samples by the rule that took them, of a beam's flags.
std::map<std::string, std::int64_t> samples_by_rule(const json& flags) {
  std::map<std::string, std::int64_t> samples;
  for (const auto& name : kFlagRuleNames)
    samples[std::string(name)] = flags.value(std::string(name) + "_samples", std::int64_t{0});
  return samples;
}

TEST_F(FlagCommandTest, HelpShowsExamplesAndTheFilesThatAreMade) {
  const Outcome help = run("flag --help");
  EXPECT_EQ(help.exit_code, 0);
  for (const char* part : {"Examples:", "--clean", "--mask", "--overwrite", "M01_mask.h5", "flags.ecsv"})
    EXPECT_PRED2(contains, help.out, part);
  EXPECT_PRED2(contains, run("--help").out, "flag");
  EXPECT_PRED2(contains, run("search --help").out, "--mask");
}

TEST_F(FlagCommandTest, WritesMaskPlotTableAndReportThatAgreeWithASearch) {
  const auto path = busy_scan();
  const Outcome o = flag(path, "flags", kPlots);
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_EQ(names_in("flags"), (std::set<std::string>{"M01.png", "M01_mask.h5", "M01_rfifind.mask",
                                                      "flags.ecsv", "report.json"}));
  EXPECT_PRED2(contains, o.out, "M01: ");
  EXPECT_PRED2(contains, o.out, "% flagged");
  EXPECT_EQ(read_text(dir_.file("flags/M01.png")).substr(1, 3), "PNG");
  ASSERT_EQ(search(path, "run").exit_code, 0);
  const auto flagged = report("flags")["beams"][0], searched = report("run")["beams"][0]["flags"];
  EXPECT_EQ(samples_by_rule(flagged), samples_by_rule(searched));
  EXPECT_EQ(flagged["by_time"], searched["by_time"]);
  EXPECT_EQ(flagged["by_band"], searched["by_band"]);
  for (const char* rule : {"channels", "times"}) EXPECT_GT(samples_by_rule(flagged)[rule], 0) << rule;
  const auto rfifind = read_rfifind_mask(dir_.file("flags/M01_rfifind.mask"));
  EXPECT_EQ(rfifind.n_interval, 2);
  std::vector<int> always;
  for (int c = 0; c < 128; ++c)
    if (flagged["channel_fraction"][static_cast<std::size_t>(c)] == 1.0) always.push_back(c);
  EXPECT_EQ(rfifind.zapped_channels, always);
  EXPECT_EQ(report("flags")["config_hash"].get<std::string>().size(), 16U);
  const auto rows = rows_of(dir_.file("flags/flags.ecsv"));
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'),
            1 + static_cast<std::int64_t>(flagged["by_band"].size()));
}

// Weights of the mask by the numpy lines of io/mask_file.hpp, counted.
TEST_F(FlagCommandTest, MaskHoldsAllThatTheReportCounts) {
  const auto path = busy_scan();
  ASSERT_EQ(flag(path, "flags").exit_code, 0);
  MaskReader mask(dir_.file("flags/M01_mask.h5"));
  const auto& info = mask.info();
  EXPECT_EQ(info.beam, 1);
  EXPECT_EQ(info.source_name, "BUSY");
  Array<std::uint8_t, 2> rule({info.n_cell(), info.n_chan});
  mask.read(0, rule.view());
  std::vector<std::uint8_t> time_good(static_cast<std::size_t>(info.n_time), 1);
  for (const auto& run : mask.times())
    std::fill(time_good.begin() + run.begin, time_good.begin() + run.end, std::uint8_t{0});
  std::int64_t n_flagged = 0;
  for (std::int64_t t = 0; t < info.n_time; ++t)
    for (int c = 0; c < info.n_chan; ++c)
      n_flagged += rule(t / info.cell_samples, c) != 0 || time_good[static_cast<std::size_t>(t)] == 0 ? 1 : 0;
  const auto flags = report("flags")["beams"][0];
  EXPECT_EQ(n_flagged, std::lround(flags["fraction"].get<double>() * flags["total_samples"].get<double>()));
}

TEST_F(FlagCommandTest, ASearchTakesItsFlagsFromTheMask) {
  const auto path = busy_scan();
  ASSERT_EQ(flag(path, "flags").exit_code, 0);
  ASSERT_EQ(search(path, "plain").exit_code, 0);
  const double snr = detections("plain").at(0).snr;
  const auto plain = report("plain")["beams"][0]["flags"];
  for (const auto& [out, mask, rules] : {std::tuple<const char*, const char*, const char*>{"a", "flags", ""},
                                         {"b", "flags/M01_mask.h5", ""},
                                         {"c", "flags", kNoRules},
                                         {"d", "flags/M01_mask.h5", kNoRules}}) {
    const Outcome o = search(path, out, "--mask '" + dir_.file(mask) + "'" + rules);
    ASSERT_EQ(o.exit_code, 0) << o.err;
    expect_pulse(out, snr, 0.01);
    const auto flags = report(out)["beams"][0]["flags"];
    EXPECT_GT(flags["mask_samples"], 0);
    if (rules == kNoRules) {
      EXPECT_EQ(flags["mask_samples"].get<double>() + flags.value("dead_samples", 0.0),
                std::round(plain["fraction"].get<double>() * plain["total_samples"].get<double>()));
      EXPECT_EQ(flags["channel_fraction"], plain["channel_fraction"]);
    }
    const auto files = report(out)["beams"][0]["files"];
    ASSERT_EQ(files.size(), 2U);
    EXPECT_PRED2(contains, files[1]["path"].get<std::string>(), "M01_mask.h5");
  }
}

TEST_F(FlagCommandTest, EachBeamHasItsOwnMaskAndBeamsGoInStep) {
  busy_scan("fil", 8, {1, 8, 12});
  const auto scan = dir_.file("scan");
  ASSERT_EQ(flag(scan, "flags").exit_code, 0);
  ASSERT_EQ(search(scan, "run").exit_code, 0);
  ASSERT_EQ(report("flags")["beams"].size(), 3U);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(samples_by_rule(report("flags")["beams"][i]),
              samples_by_rule(report("run")["beams"][i]["flags"]));
  ASSERT_EQ(search(scan, "masked", "--mask '" + dir_.file("flags") + "'" + kNoRules).exit_code, 0);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(report("masked")["beams"][i]["flags"]["channel_fraction"],
              report("run")["beams"][i]["flags"]["channel_fraction"]);
  fs::remove(dir_.file("flags/M08_mask.h5"));
  const Outcome o = search(scan, "two", "--mask '" + dir_.file("flags") + "'");
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_PRED2(contains, o.err, "M08_mask.h5");
  EXPECT_TRUE(report("two")["beams"][0]["failure"].is_null());
}

TEST_F(FlagCommandTest, CleanedFilesHoldThePulseAndNotTheInterference) {
  for (const int n_bits : {2, 4, 8}) {
    const auto path = busy_scan("fits", n_bits);
    ASSERT_EQ(search(path, "plain", "--overwrite").exit_code, 0);
    const double snr = detections("plain").at(0).snr;
    for (const char* extension : {"fil", "fits", "h5"}) {
      const std::string name = std::string("M01_clean.") + extension;
      const Outcome o = flag(path, "flags", "--overwrite --clean " + std::string(extension));
      ASSERT_EQ(o.exit_code, 0) << o.err;
      ASSERT_EQ(search(dir_.file("flags/" + name), "run", "--overwrite").exit_code, 0) << name;
      expect_pulse("run", snr, 0.05);
      const auto cleaned = open_source(dir_.file("flags/" + name)), recorded = open_source(path);
      EXPECT_EQ(cleaned->info().n_time, recorded->info().n_time);
      EXPECT_EQ(cleaned->info().n_chan, recorded->info().n_chan);
      EXPECT_GE(cleaned->format().n_bits, 8);
      // Nothing that the rules see is left, but channels that became constant.
      const auto samples = samples_by_rule(report("run")["beams"][0]["flags"]);
      EXPECT_LT(samples.at("channels") + samples.at("times"), 3 * 4000) << name << " " << n_bits;
    }
  }
}

TEST_F(FlagCommandTest, CleansCalibratedDataAndTwoPolarisations) {
  for (const auto& path : {calibrated_scan(), scan("fits", 8, 2), scan("fil", 16), scan("fits", 32)})
    for (const char* extension : {"fil", "fits"}) {
      const Outcome o = flag(path, "flags", "--overwrite --clean " + std::string(extension));
      ASSERT_EQ(o.exit_code, 0) << path << o.err;
      const auto cleaned = open_source(dir_.file("flags/M04_clean.") + extension);
      EXPECT_EQ(cleaned->info().n_time, 1500) << path;
    }
}

TEST_F(FlagCommandTest, AMaskThatDoesNotFitIsRefusedBeforeAnythingIsWritten) {
  const auto path = busy_scan();
  auto spec = busy_spec();
  spec.n_chan = 64;
  spec.lines.clear();
  const auto narrow = simulate_scan(spec, dir_.file("narrow")).at(0);
  spec = busy_spec();
  spec.sample_time_s = 5.01e-4;
  spec.duration_s = 4000 * 5.01e-4 + 1e-6;
  const auto slow = simulate_scan(spec, dir_.file("slow")).at(0);
  ASSERT_EQ(flag(narrow, "narrow_flags").exit_code, 0);
  ASSERT_EQ(flag(slow, "slow_flags").exit_code, 0);
  const auto with = [&](const std::string& mask) { return search(path, "run", "--mask '" + mask + "'"); };
  expect_refused(with(dir_.file("narrow_flags")), 2, {"M01_mask.h5", "n_chan", "64", "128"});
  expect_refused(with(dir_.file("slow_flags/M01_mask.h5")), 2, {"sample_time_s", "0.000501", "0.0005"});
  expect_refused(with(dir_.write("notes.txt", "these are notes")), 1, {"notes.txt"});
  expect_refused(with(path), 1, {"no mask"});
  expect_refused(with(dir_.file("nowhere.h5")), 1, {"nowhere.h5"});
  fs::create_directories(dir_.file("empty"));
  expect_refused(with(dir_.file("empty")), 1, {"M01_mask.h5"});
  auto damaged = read_text(dir_.file("narrow_flags/M01_mask.h5"));
  damaged.resize(damaged.size() / 2);
  expect_refused(with(dir_.write("half.h5", damaged)), 1, {"half.h5"});
  EXPECT_FALSE(fs::exists(dir_.file("run"))) << "something was written";
}

TEST_F(FlagCommandTest, BandsOutsideTheReceiversAreRefusedByBothCommands) {
  const auto path = busy_scan();
  const std::string bands = "--set 'rfi.bands.mhz=[[2000.0, 2100.0]]'";
  expect_refused(flag(path, "flags", bands), 2, {"rfi.bands.mhz", "2000", "2100", "1000.000", "1500.000"});
  expect_refused(search(path, "run", bands), 2, {"rfi.bands.mhz", "2000", "2100", "1000.000", "1500.000"});
  EXPECT_TRUE(names_in("flags").empty());
  EXPECT_FALSE(fs::exists(dir_.file("run")));
}

TEST_F(FlagCommandTest, BandsOverEverythingLeaveASearchNothing) {
  const auto path = busy_scan();
  const std::string bands = "--set 'rfi.bands.mhz=[[900.0, 1600.0]]'";
  expect_refused(search(path, "run", bands), 2, {"rfi.bands.mhz"});
  EXPECT_FALSE(fs::exists(dir_.file("run")));
  const Outcome o = flag(path, "flags", bands + " --clean fil");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_EQ(report("flags")["beams"][0]["fraction"], 1.0);
  EXPECT_TRUE(report("flags")["beams"][0]["heavily_flagged"].get<bool>());
  EXPECT_PRED2(contains, o.err, "M01");
}

TEST_F(FlagCommandTest, AMaskOverEverythingIsSearchedAndSaid) {
  const auto path = busy_scan();
  ASSERT_EQ(flag(path, "flags", "--set 'rfi.bands.mhz=[[900.0, 1600.0]]'").exit_code, 0);
  const Outcome o = search(path, "run", "--mask '" + dir_.file("flags") + "'");
  EXPECT_EQ(o.exit_code, 0) << o.err;
  EXPECT_PRED2(contains, o.err, "100.0 % flagged");
  EXPECT_TRUE(detections("run").empty());
  EXPECT_EQ(report("run")["beams"][0]["flags"]["fraction"], 1.0);
}

TEST_F(FlagCommandTest, FilesThatAreThereAreKeptUnlessOverwritten) {
  const auto path = busy_scan();
  fs::create_directories(dir_.file("flags"));
  for (const char* name : {"M01_mask.h5", "M01_rfifind.mask", "M01.png", "flags.ecsv", "report.json"}) {
    const auto mine = dir_.write(std::string("flags/") + name, "precious");
    expect_refused(flag(path, "flags", kPlots), 1, {name, "--overwrite"});
    EXPECT_EQ(read_text(mine), "precious");
    EXPECT_EQ(names_in("flags"), std::set<std::string>{name});
    fs::remove(mine);
  }
  dir_.write("flags/mine.txt", "keep");
  ASSERT_EQ(flag(path, "flags", kPlots).exit_code, 0);
  ASSERT_EQ(flag(path, "flags", "--overwrite").exit_code, 0);
  EXPECT_EQ(read_text(dir_.file("flags/mine.txt")), "keep");
  EXPECT_EQ(names_in("flags").size(), 6U) << "no temporary names are left";
}

TEST_F(FlagCommandTest, WhatCannotWorkIsOneLine) {
  const auto path = busy_scan();
  expect_refused(flag(path, "flags", "--clean dat"), 2, {"dat", ".fil"});
  expect_refused(flag(dir_.file("nothing.fits"), "flags"), 1, {"nothing.fits"});
  expect_refused(flag(path, "flags", "--set rfi.kurtosis.enable=true"), 2, {"rfi.kurtosis.enable"});
  expect_refused(run("flag '' '" + path + "'"), 2, {"--output"});
  const auto file = dir_.write("file", "not a directory");
  expect_refused(flag(path, "file"), 1, {"file"});
  EXPECT_EQ(read_text(file), "not a directory");
  auto spec = busy_spec();
  spec.n_chan = 2048;
  const auto wide = simulate_scan(spec, dir_.file("wide")).at(0);
  expect_refused(flag(wide, "flags", "--set limits.memory_bytes=10000000"), 2, {"limits.memory_bytes"});
  EXPECT_TRUE(names_in("flags").empty());
}

TEST_F(FlagCommandTest, AFullDiskLeavesNothingUnderAFinalName) {
  const auto path = busy_scan();
  const Outcome o = run("flag '' '" + path + "' -o '" + dir_.file("flags") + "' -q --clean fil",
                        "trap '' XFSZ; ulimit -f 1; ");
  EXPECT_EQ(o.exit_code, 1) << o.err;
  EXPECT_TRUE(names_in("flags").empty());
}

TEST_F(FlagCommandTest, ASignalStopsWith75AndLeavesNothingUnderAFinalName) {
  auto spec = busy_spec();
  spec.n_chan = 512;
  spec.duration_s = 16.0;
  spec.beams = {1, 8};
  simulate_scan(spec, dir_.file("scan"));
  // Temporary names appear before the first window is done.
  const Outcome o = run("flag '' '" + dir_.file("scan") + "' -o '" + dir_.file("flags") +
                            "' -q --threads 1 --set output.plots=false --clean fil",
                        "(while [ -z \"$(ls -A '" + dir_.file("flags") +
                            "' 2>/dev/null)\" ]; do sleep 0.002; done; kill -INT $$) & exec ");
  EXPECT_EQ(o.exit_code, 75) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
  EXPECT_TRUE(names_in("flags").empty()) << *names_in("flags").begin();
}

TEST_F(FlagCommandTest, ABeamThatCannotBeReadDoesNotStopTheOthers) {
  busy_scan("fits", 8, {1, 8});
  for (const auto& entry : fs::directory_iterator(dir_.file("scan")))
    if (contains(entry.path().string(), "M08")) fs::resize_file(entry.path(), 3000);
  const Outcome o = flag(dir_.file("scan"), "flags");
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_PRED2(contains, o.err, "M08");
  EXPECT_EQ(names_in("flags").count("M01_mask.h5"), 1U);
  EXPECT_EQ(names_in("flags").count("M08_mask.h5"), 0U);
}

TEST_F(FlagCommandTest, ResumeWithAnotherMaskIsRefused) {
  const auto path = busy_scan();
  ASSERT_EQ(flag(path, "a").exit_code, 0);
  ASSERT_EQ(flag(path, "b", "--set 'rfi.bands.mhz=[[1400.0, 1450.0]]'").exit_code, 0);
  const auto mask = [&](const char* name) { return "--mask '" + dir_.file(name) + "'"; };
  ASSERT_EQ(search(path, "run", mask("a")).exit_code, 0);
  EXPECT_EQ(search(path, "run", "--resume " + mask("a")).exit_code, 0);
  EXPECT_EQ(report("run")["beams"][0]["threads"], 0) << "from the ledger";
  const Outcome other = search(path, "run", "--resume " + mask("b"));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_PRED2(contains, other.err, dir_.file("b/M01_mask.h5") + ": ");
  fs::copy_file(dir_.file("b/M01_mask.h5"), dir_.file("a/M01_mask.h5"), fs::copy_options::overwrite_existing);
  const Outcome changed = search(path, "run", "--resume " + mask("a"));
  EXPECT_EQ(changed.exit_code, 2) << "another mask under the same name";
  EXPECT_PRED2(contains, changed.err, "a/M01_mask.h5: ");
  const Outcome without = search(path, "run", "--resume");
  EXPECT_EQ(without.exit_code, 2);
  EXPECT_PRED2(contains, without.err, "M01_mask.h5: is not among the inputs now");
}

}  // namespace
}  // namespace tianyan
