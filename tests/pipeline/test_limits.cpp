// What [limits] ends, refuses or leaves out, and that a run goes on from there.
#include <algorithm>
#include <filesystem>

#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

class LimitsTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    if (IsSkipped()) return;
    auto spec = small_scan();
    PulseSpec pulse;
    pulse.dm_pc_cm3 = 200.0;
    pulse.width_s = 4e-3;
    pulse.snr = 30.0;
    pulse.time_s = 3.0;
    spec.pulses.push_back(pulse);
    path_ = simulate_scan(spec, dir_.path(), {1, true, nullptr}).at(0);
  }
  Outcome search(const std::string& run_name, const std::string& more, const std::string& shell = "") const {
    return run("search '' '" + path_ + "' -q -o '" + dir_.file(run_name) +
                   "' --set search.dm_max_pc_cm3=400 --set search.unit_s=2 " + more,
               shell);
  }
  std::int64_t bytes_of(const std::string& name) const {
    std::int64_t bytes = 0;
    for (const auto& entry : fs::recursive_directory_iterator(dir_.file(name)))
      if (entry.is_regular_file()) bytes += static_cast<std::int64_t>(entry.file_size());
    return bytes;
  }

  std::string path_;
};

TEST_F(LimitsTest, TimeThatIsOverStopsARunWhichGoesOnToTheSameTables) {
  ASSERT_EQ(search("whole", "").exit_code, 0);
  const std::string faults = fs::path(binary_).parent_path().string() + "/libfaults.so";
  const auto stopped = search("run", "--set limits.wall_s=1",
                              "TIANYAN_FAULTS='ledger/M01 write slow ms=1200' LD_PRELOAD='" + faults + "' ");
  EXPECT_EQ(stopped.exit_code, 75) << stopped.err;
  EXPECT_NE(stopped.err.find("stopped by limits.wall_s in beam M01; go on with --resume"), std::string::npos)
      << stopped.err;
  EXPECT_FALSE(fs::exists(dir_.file("run/detections.ecsv")));
  EXPECT_EQ(search("run", "--resume").exit_code, 0);
  EXPECT_EQ(rows_of(dir_.file("run/candidates.ecsv")), rows_of(dir_.file("whole/candidates.ecsv")));
}

TEST_F(LimitsTest, ARunThatIsFullBeginsNoUnitAndGoesOnWithMore) {
  const auto full = search("run", "--set limits.output_bytes=100");
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_NE(
      full.err.find("holds all that limits.output_bytes = 100 allows: raise it and go on with --resume"),
      std::string::npos)
      << full.err;
  EXPECT_FALSE(fs::exists(dir_.file("run/ledger/M01")));
  EXPECT_EQ(search("run", "--resume").exit_code, 0);
}

TEST_F(LimitsTest, ARunThatIsFullKeepsItsTablesAndSaysThatPlotsAreMissing) {
  ASSERT_EQ(search("whole", "").exit_code, 0);
  ASSERT_FALSE(fs::is_empty(dir_.file("whole/plots")));
  const auto most = bytes_of("whole/ledger");  // config.toml is beside it
  const auto full = search("run", "--set limits.output_bytes=" + std::to_string(most));
  EXPECT_EQ(full.exit_code, 3) << full.err;
  EXPECT_NE(full.err.find("only 0 of the plots and cut-outs were written"), std::string::npos) << full.err;
  EXPECT_TRUE(fs::is_empty(dir_.file("run/plots")));
  EXPECT_EQ(rows_of(dir_.file("run/detections.ecsv")), rows_of(dir_.file("whole/detections.ecsv")));
}

TEST_F(LimitsTest, APlanOfTooManyTrialsIsRefusedBeforeItIsMade) {
  const auto refused = search("run", "--set limits.dm_trials=100");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("trials of DM and limits.dm_trials allows 100: lower"), std::string::npos)
      << refused.err;
  EXPECT_FALSE(fs::exists(dir_.file("run")));
}

TEST_F(LimitsTest, AddressSpaceThatIsTooSmallIsNamedBeforeAnyIsTaken) {
  const auto refused = run("search '' '" + path_ + "' -q -o '" + dir_.file("run") +
                               "' --set search.block_s=1000" + " --set rfi.window_s=500 --threads 1",
                           "ulimit -v 1500000; ");
  EXPECT_EQ(refused.exit_code, 2) << refused.err;
  EXPECT_NE(refused.err.find("the limit of address space (ulimit -v) leaves"), std::string::npos)
      << refused.err;
  EXPECT_FALSE(fs::exists(dir_.file("run")));
}

}  // namespace
}  // namespace tianyan
