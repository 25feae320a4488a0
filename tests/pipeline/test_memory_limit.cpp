// What the machine and control groups leave, from trees of files made for the test.
#include <gtest/gtest.h>

#include <filesystem>

#include "pipeline/memory_limit.hpp"
#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {
namespace {

class SystemMemory : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    const auto path = dir_.file(name.substr(1));
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    dir_.write(name.substr(1), text);
  }
  MemoryBound bound() const { return system_memory(dir_.path()); }

  TempDir dir_;
};

TEST_F(SystemMemory, IsWhatIsAvailableWhereNoGroupHasALimit) {
  write("/proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    2000 kB\n");
  write("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(bound().bytes, 2000 * 1024);
  EXPECT_EQ(bound().who, "the machine has");
}

TEST_F(SystemMemory, CountsNoFilesThatTheKernelMayDropAgainstAGroup) {
  write("/proc/meminfo", "MemAvailable: 2000 kB\n");
  write("/proc/self/cgroup", "0::/slurm/job_7\n");
  write("/sys/fs/cgroup/slurm/job_7/memory.max", "1000000\n");
  write("/sys/fs/cgroup/slurm/job_7/memory.current", "700000\n");
  write("/sys/fs/cgroup/slurm/job_7/memory.stat", "anon 100000\ninactive_file 400000\nactive_file 100000\n");
  EXPECT_EQ(bound().bytes, 1000000 - 200000);
  EXPECT_EQ(bound().who, "the control group of this job leaves");
}

TEST_F(SystemMemory, TakesTheTightestOfTheGroupsAbove) {
  write("/proc/meminfo", "MemAvailable: 2000 kB\n");
  write("/proc/self/cgroup", "0::/user/step\n");
  for (const char* folder : {"/sys/fs/cgroup/user/step", "/sys/fs/cgroup/user"})
    write(std::string(folder) + "/memory.current", "5\n");
  write("/sys/fs/cgroup/user/step/memory.max", "max\n");
  write("/sys/fs/cgroup/user/memory.max", "300005\n");
  EXPECT_EQ(bound().bytes, 300000);
}

TEST_F(SystemMemory, ReadsGroupsOfVersionOneAndOfAContainer) {
  write("/proc/meminfo", "MemAvailable: 2000 kB\n");
  write("/proc/self/cgroup", "9:cpu:/other\n4:cpuset,memory:/not/seen/inside\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n");
  write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "600000\n");
  write("/sys/fs/cgroup/memory/memory.stat", "total_inactive_file 150000\ntotal_active_file 0\n");
  EXPECT_EQ(bound().bytes, 50000);
}

TEST_F(SystemMemory, IsNothingWhereAGroupIsFull) {
  write("/proc/meminfo", "MemAvailable: 2000 kB\n");
  write("/proc/self/cgroup", "0::/full\n");
  write("/sys/fs/cgroup/full/memory.max", "1000\n");
  write("/sys/fs/cgroup/full/memory.current", "1200\n");
  EXPECT_EQ(bound().bytes, 0);
}

TEST(LimitsHere, AreTheConfigsWhereTheSystemHasMore) {
  LimitsConfig limits;
  limits.memory_bytes = 20'000'000;
  EXPECT_EQ(limits_here(limits).memory_bytes, 20'000'000);
  limits.memory_bytes = 1'000'000'000'000'000;
  EXPECT_LT(limits_here(limits).memory_bytes, limits.memory_bytes);
}

TEST(ExpectMemory, SaysWhoAllowsHowMuchAndRaisesOnlyWhatCanBe) {
  LimitsConfig limits;
  limits.memory_bytes = 3'000'000'000;
  expect_memory(3'000'000'000, limits, "it needs", "take less");
  const auto complaint = [&] {
    try {
      expect_memory(5'000'000'000, limits, "it needs", "take less");
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(complaint(), "it needs 5.00 GB and limits.memory_bytes allows 3.00: raise it, take less");
  limits.memory_bound_by = "the machine has";
  EXPECT_EQ(complaint(), "it needs 5.00 GB and the machine has 3.00: take less");
}

}  // namespace
}  // namespace tianyan
