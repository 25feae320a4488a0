// Units: cut by hand, pulses on their edges, parts, what is taken from the ledger and what is refused.
#include <gtest/gtest.h>
#include <sys/file.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "pipeline/run_directory.hpp"
#include "pipeline/search_unit.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

// Windows of 1024 samples of 1 ms, one octave: lead and tail are those of a boxcar of one level, lag 32.
SearchPlan plan_by_hand() {
  SearchPlan plan;
  plan.window_samples = 1024;
  plan.history = {1024};
  plan.passes.resize(1);
  plan.passes[0].boxcar.n_level = 1;
  return plan;
}

StreamInfo stream_of(std::int64_t n_time) {
  StreamInfo info;
  info.n_chan = 16;
  info.sample_time_s = 1e-3;
  info.n_time = n_time;
  return info;
}

TEST(SearchUnits, ByHand) {
  // Ten windows and a bit in units of about 3 s: 10.3 / 3 = 3.4, three of 11 windows.
  const auto plan = plan_by_hand();
  const auto units = search_units(plan, stream_of(10300), 3.0);
  ASSERT_EQ(units.size(), 3U);
  EXPECT_EQ(units[0].own, (SampleRange{0, 3 * 1024}));
  EXPECT_EQ(units[1].own, (SampleRange{3 * 1024, 7 * 1024}));
  EXPECT_EQ(units[2].own, (SampleRange{7 * 1024, 10300}));
  // 32 + 512 + 2048 samples before, in whole windows.
  EXPECT_EQ(unit_lead_samples(plan), 3 * 1024);
  EXPECT_EQ(units[1].read.begin, 0);
  EXPECT_EQ(units[2].read.begin, 4 * 1024);
  EXPECT_EQ(units[0].rows_end, 3 * 1024 + 32);
  // 1024 + 32 samples after them, in whole windows.
  EXPECT_EQ(units[0].read.end, 5 * 1024);
  EXPECT_EQ(units[1].read.end, 9 * 1024);
  EXPECT_EQ(units[2].read.end, 10300);
  EXPECT_EQ(units[2].rows_end, 10300);
}

TEST(SearchUnits, OfAShortStreamAreOne) {
  for (const std::int64_t n_time : {1, 1000, 1024, 4000}) {
    const auto units = search_units(plan_by_hand(), stream_of(n_time), 3.0);
    ASSERT_EQ(units.size(), 1U) << n_time;
    EXPECT_EQ(units[0], whole_stream(stream_of(n_time)));
  }
}

TEST(SearchUnits, CoverTheStreamOnceWhateverTheirLength) {
  for (const double unit_s : {0.1, 1.0, 1.7, 5.0, 1e6}) {
    const auto units = search_units(plan_by_hand(), stream_of(20000), unit_s);
    EXPECT_EQ(units.front().own.begin, 0);
    EXPECT_EQ(units.back().own.end, 20000);
    for (std::size_t i = 1; i < units.size(); ++i) {
      EXPECT_EQ(units[i].own.begin, units[i - 1].own.end);
      EXPECT_GT(units[i].own.size(), 0);
    }
  }
}

TEST(SearchUnits, FlagsAreJoinedByTheirSamples) {
  FlagReport a, b;
  a.counts.total = 100, b.counts.total = 300;
  a.counts.of(FlagRule::kMask) = 10, b.counts.of(FlagRule::kMask) = 60;
  a.channel = {0.1, 0.5}, b.channel = {0.3, 0.1};
  a.bands = {{1000.0, 1500.0, a.counts}}, b.bands = {{1000.0, 1500.0, b.counts}};
  a.windows = {{0.0, 1.0, a.counts}}, b.windows = {{1.0, 4.0, b.counts}};
  a.lines = {{50.0, 50.0, 1, 1, 7.0}}, b.lines = {{50.0, 50.0, 1, 2, 6.0}, {100.0, 50.0, 2, 1, 5.0}};
  FlagReport both;
  add_flags(both, a);
  add_flags(both, b);
  EXPECT_EQ(both.counts.total, 400);
  EXPECT_EQ(both.counts.of(FlagRule::kMask), 70);
  EXPECT_DOUBLE_EQ(both.channel[0], 0.25);
  EXPECT_DOUBLE_EQ(both.channel[1], 0.2);
  EXPECT_EQ(both.bands[0].counts.of(FlagRule::kMask), 70);
  ASSERT_EQ(both.windows.size(), 2U);
  EXPECT_EQ(both.windows[1].end, 4.0);
  ASSERT_EQ(both.lines.size(), 2U);
  EXPECT_EQ(both.lines[0].n_window, 3);
  EXPECT_EQ(both.lines[0].power_max, 7.0);
}

// 16 s, pulses at and beside the edges of units of 4 s, two beams.
ScanSpec edge_scan() {
  ScanSpec spec = small_scan();
  spec.duration_s = 16.0;
  spec.beams = {1, 2};
  for (const double time_s : {0.9, 3.97, 4.025, 7.9, 8.0, 8.2, 12.03, 13.9})
    spec.pulses.push_back({100.0 + 30.0 * time_s, 3e-3, 25.0, time_s, {}});
  return spec;
}

Config units_of(double unit_s) {
  Config config = small_config();
  config.search.unit_s = unit_s;
  return config;
}

SearchSummary search_part(const std::string& run, const std::string& scan, SearchScope scope,
                          SearchPart part = {}) {
  SearchRequest request;
  request.config = units_of(4.0);
  request.inputs = {scan};
  request.run_directory = run;
  request.quiet = true;
  request.scope = scope;
  request.part = part;
  request.existing = scope == SearchScope::kPart ? ExistingRun::kShare : ExistingRun::kFinish;
  return run_search(request);
}

// One scan, searched whole in units of 4 s, serves all: each test of its own would make it again.
class UnitsTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    simulate_scan(edge_scan(), scan());
    search_into(whole(), {scan()}, units_of(4.0));
  }
  std::string scan() const { return dir_.file("scan"); }
  std::string whole() const { return dir_.file("whole"); }
  void expect_tables_of(const std::string& run) const {
    for (const char* name : {"/candidates.ecsv", "/detections.ecsv", "/detections.singlepulse"})
      EXPECT_EQ(read_text(run + name), read_text(whole() + name)) << run << name;
  }

  void expect_pulses_of_an_uncut_search() {
    search_into(dir_.file("uncut"), {scan()}, units_of(1e6));
    const auto cut = candidates_of(whole()), uncut = candidates_of(dir_.file("uncut"));
    EXPECT_EQ(uncut.size(), 16U);
    ASSERT_EQ(cut.size(), uncut.size());
    for (const auto& u : uncut) {
      const auto same = std::count_if(cut.begin(), cut.end(), [&](const Row& c) {
        return c.beam == u.beam && std::abs(c.time_s - u.time_s) < 1e-3 &&
               std::abs(c.dm_pc_cm3 - u.dm_pc_cm3) < 1.0 && std::abs(c.snr / u.snr - 1.0) < 0.02;
      });
      EXPECT_EQ(same, 1) << u.time_s << " s, beam " << u.beam;
    }
    const auto flags = [&](const std::string& run) { return report_of(run)["beams"][0]["flags"]; };
    EXPECT_EQ(flags(whole())["total_samples"], flags(dir_.file("uncut"))["total_samples"]);
    EXPECT_EQ(flags(whole())["n_window"], flags(dir_.file("uncut"))["n_window"]);
  }

  void expect_parts_in_any_order_to_be_the_whole() {
    const auto run = dir_.file("parts");
    for (const int i : {3, 1, 2}) search_part(run, scan(), SearchScope::kPart, {i, 3});
    EXPECT_FALSE(fs::exists(run + "/candidates.ecsv"));
    EXPECT_EQ(search_part(run, scan(), SearchScope::kFinish).exit_code, ExitCode::kDone);
    expect_tables_of(run);
  }

  void expect_a_missing_part_to_be_named() {
    const auto run = dir_.file("two_of_three");
    for (const int i : {1, 3}) search_part(run, scan(), SearchScope::kPart, {i, 3});
    const auto summary = search_part(run, scan(), SearchScope::kFinish);
    EXPECT_EQ(summary.exit_code, ExitCode::kIncomplete);
    const auto named = std::count_if(summary.remarks.begin(), summary.remarks.end(), [](const auto& r) {
      return r.find("were not searched: no whole result in the ledger") != std::string::npos;
    });
    EXPECT_EQ(named, 3);  // units 2, 3 of M01 and 0 of M02, of eight
    search_into(run, {scan()}, units_of(4.0), ExistingRun::kResume);
    expect_tables_of(run);
  }

  void expect_resume_to_take_whole_units_alone() {
    const auto run = dir_.file("damaged");
    fs::copy(whole(), run, fs::copy_options::recursive);
    fs::remove(run + "/ledger/M01/0001.json");
    const auto damaged = run + "/ledger/M02/0002.json";
    auto text = read_text(damaged);
    text.replace(text.find("time_first_s") + 16, 1, "9");
    std::ofstream(damaged) << text;
    const auto kept = fs::last_write_time(run + "/ledger/M01/0000.json");
    search_into(run, {scan()}, units_of(4.0), ExistingRun::kResume);
    expect_tables_of(run);
    EXPECT_EQ(fs::last_write_time(run + "/ledger/M01/0000.json"), kept);
    EXPECT_EQ(report_of(run)["beams"][1]["flags"]["n_window"],
              report_of(whole())["beams"][1]["flags"]["n_window"]);
  }

  void expect_changes_to_be_refused_by_name() {
    const auto search = [&](const std::string& more) {
      return run("search '' '" + scan() + "' -q --resume -o '" + whole() + "' " + more);
    };
    const std::string same =
        "--set search.dm_max_pc_cm3=600 --set search.width_min_s=1e-3 --set search.unit_s=4 "
        "--set sift.max_refined=0 --set output.plots=false --set output.cutouts=false ";
    EXPECT_EQ(search(same).exit_code, 0) << search(same).err;
    const auto other = search(same + "--set search.snr_min=9");
    EXPECT_EQ(other.exit_code, 2);
    EXPECT_NE(other.err.find("search.snr_min: 7.0 then, 9.0 now"), std::string::npos) << other.err;
    // The same files elsewhere are the same inputs; a beam less, or one more, is not.
    fs::rename(scan(), dir_.file("moved"));
    const auto moved = [&] {
      return run("search '' '" + dir_.file("moved") + "' -q --resume -o '" + whole() + "' " + same);
    };
    EXPECT_EQ(moved().exit_code, 0) << moved().err;
    fs::path second;
    for (const auto& entry : fs::directory_iterator(dir_.file("moved")))
      if (entry.path().string().find("M02") != std::string::npos) second = entry.path();
    fs::rename(second, dir_.file("aside"));
    EXPECT_EQ(moved().exit_code, 2);
    EXPECT_NE(moved().err.find("beam M02: is not among the inputs now"), std::string::npos) << moved().err;
    fs::rename(dir_.file("aside"), second);
    fs::rename(dir_.file("moved"), scan());
    const auto file = fs::directory_iterator(scan())->path();
    fs::resize_file(file, fs::file_size(file) - 256);
    const auto shorter = search(same);
    EXPECT_EQ(shorter.exit_code, 2);
    EXPECT_NE(shorter.err.find(file.string()), std::string::npos) << shorter.err;
    EXPECT_NE(shorter.err.find("bytes then"), std::string::npos) << shorter.err;
  }

  static json report_of(const std::string& run) { return json::parse(read_text(run + "/report.json")); }
};

TEST_F(UnitsTest, AreTheWholeInPartsAndAfterDamage) {
  expect_pulses_of_an_uncut_search();
  expect_parts_in_any_order_to_be_the_whole();
  expect_a_missing_part_to_be_named();
  expect_resume_to_take_whole_units_alone();
  expect_changes_to_be_refused_by_name();
}

class RunLockTest : public CommandsTest {};

TEST_F(RunLockTest, ASecondRunIsRefusedWithoutTouchingTheFirst) {
  const auto path = scan("fil");
  ASSERT_EQ(run("search '' '" + path + "' -q -o '" + dir_.file("run") + "'").exit_code, 0);
  const auto config = read_text(dir_.file("run/config.toml"));
  const int held = ::open(dir_.file("run/.lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  for (const char* how : {"--overwrite", "--resume", "--part 1/1"}) {
    const auto o =
        run("search '' '" + path + "' -q --set search.snr_min=9 -o '" + dir_.file("run") + "' " + how);
    EXPECT_NE(o.exit_code, 0) << how;
    EXPECT_EQ(read_text(dir_.file("run/config.toml")), config) << how;
  }
  const auto o = run("search '' '" + path + "' -q -o '" + dir_.file("run") + "' --resume");
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_NE(o.err.find("is being written by another run: process "), std::string::npos) << o.err;
  ASSERT_EQ(::flock(held, LOCK_SH), 0);
  EXPECT_EQ(run("search '' '" + path + "' -q -o '" + dir_.file("run") + "' --part 1/1").exit_code, 0);
  const auto finish = run("search '' '" + path + "' -q -o '" + dir_.file("run") + "' --finish");
  EXPECT_EQ(finish.exit_code, 0) << finish.err;  // a part that was taken for dead may still be at work
  const auto resumed = run("search '' '" + path + "' -q -o '" + dir_.file("run") + "' --resume");
  EXPECT_NE(resumed.err.find("is being written by jobs that search parts of it"), std::string::npos)
      << resumed.err;
  ::close(held);
  EXPECT_EQ(run("search '' '" + path + "' -q -o '" + dir_.file("run") + "' --resume").exit_code, 0);
}

TEST_F(RunLockTest, PartsShareARunAndAreGivenAsIOfN) {
  const auto path = scan("fil");
  const auto part = [&](const std::string& which) {
    return run("search '' '" + path + "' -q -o '" + dir_.file("run") + "' --part " + which);
  };
  EXPECT_EQ(part("1/2").exit_code, 0);
  const int held = ::open(dir_.file("run/.lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_SH), 0);
  EXPECT_EQ(part("2/2").out, "part 2/2: 1 unit searched\n");
  ::close(held);
  EXPECT_EQ(run("search '' '" + path + "' -q -o '" + dir_.file("none") + "' --finish").exit_code, 2);
  EXPECT_FALSE(fs::exists(dir_.file("none")));
  for (const char* wrong : {"0/2", "3/2", "1", "1/", "/2", "1/2/3", "a/b"})
    EXPECT_EQ(part(wrong).exit_code, 2) << wrong;
}

TEST(SearchUnit, ThatCannotBeKeptEndsTheRun) {
  const TempDir dir;
  auto spec = edge_scan();
  spec.format = "fil";
  simulate_scan(spec, dir.file("scan"));
  Config config = units_of(4.0);
  config.rfi.beams.enabled = false;
  fs::create_directories(dir.file("run/ledger/M01/0001.json/in_the_way"));
  try {
    search_into(dir.file("run"), {dir.file("scan")}, config, ExistingRun::kResume);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const LedgerFailure& e) {
    EXPECT_TRUE(contains(e.what(), "0001.json")) << e.what();
    EXPECT_TRUE(contains(e.what(), "Is a directory")) << e.what();
  }
  EXPECT_TRUE(fs::exists(dir.file("run/ledger/M01/0000.json")));
  EXPECT_FALSE(fs::exists(dir.file("run/ledger/M01/0002.json")));
  EXPECT_FALSE(fs::exists(dir.file("run/candidates.ecsv")));
}

}  // namespace
}  // namespace tianyan
