// scripts/bench-compare on small files of Google Benchmark's JSON.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>

#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {
namespace {

class BenchCompareTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no python3";
  }

  // Exit code; `output_` has what was printed, errors included.
  int run(const std::string& arguments) {
    const std::string command = std::string("'" TIANYAN_SOURCE_DIR "/scripts/bench-compare' ") + arguments;
    output_.clear();
    std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    std::array<char, 4096> buffer;
    while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe))
      output_.append(buffer.data(), n);
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string file(const std::string& name, const std::string& benchmarks,
                   const std::string& host = "a") const {
    const auto text = R"({"context": {"host_name": ")" + host + R"(", "num_cpus": 2, "mhz_per_cpu": 2445},
                          "benchmarks": [)" +
                      benchmarks + "]}";
    return "'" + dir_.write(name, text) + "'";
  }

  bool says(const std::string& part) const { return contains(output_, part); }

  TempDir dir_;
  std::string output_;
};

std::string repetition(const std::string& name, double cpu_ms, const std::string& more = "") {
  return R"({"name": ")" + name + R"(", "run_name": ")" + name +
         R"(", "run_type": "iteration", "real_time": 77.0, "time_unit": "ms", "cpu_time": )" +
         std::to_string(cpu_ms) + more + "}";
}

TEST_F(BenchCompareTest, ShowsTimesTheirRatioAndTheFractions) {
  const auto old = file("old.json", repetition("fdmt", 40.0, R"(, "of_adds_l1": 0.25, "x_real_time": 20.0)"));
  const auto now = file("new.json", repetition("fdmt", 30.0, R"(, "of_adds_l1": 0.5, "x_real_time": 27.0)"));
  ASSERT_EQ(run(old + " " + now), 0) << output_;
  for (const char* part : {"40 ms", "30 ms", "0.750", "of_adds_l1 old new", "0.250 0.500", "host_name"})
    EXPECT_TRUE(says(part)) << part << "\n" << output_;
  EXPECT_FALSE(says("warning")) << output_;
  EXPECT_FALSE(says("x_real_time")) << output_;
}

TEST_F(BenchCompareTest, TakesTheMedianOfAggregatesElseOfRepetitionsAndTheMinimumWhenAsked) {
  const std::string median = R"({"name": "k_median", "run_name": "k", "run_type": "aggregate",
      "aggregate_name": "median", "real_time": 1.0, "cpu_time": 5.0, "time_unit": "ms"})";
  const std::string mean = R"({"name": "k_mean", "run_name": "k", "run_type": "aggregate",
      "aggregate_name": "mean", "real_time": 1.0, "cpu_time": 9.0, "time_unit": "ms"})";
  const auto old = file("old.json", repetition("k", 100.0) + "," + mean + "," + median);
  const auto now =
      file("new.json", repetition("k", 10.0) + "," + repetition("k", 20.0) + "," + repetition("k", 60.0));
  ASSERT_EQ(run(old + " " + now), 0) << output_;
  EXPECT_TRUE(says("5 ms") && says("20 ms") && says("4.000")) << output_;
  ASSERT_EQ(run("--of min " + old + " " + now), 0) << output_;
  EXPECT_TRUE(says("5 ms") && says("10 ms") && says("2.000")) << output_;
}

TEST_F(BenchCompareTest, ComparesRealTimeWhereTheNameSaysSo) {
  const auto old = file("old.json", repetition("search/real_time", 40.0));
  ASSERT_EQ(run(old + " " + old), 0) << output_;
  EXPECT_TRUE(says("77 ms") && says("1.000")) << output_;
}

TEST_F(BenchCompareTest, ListsWhatOneFileLacksAndWarnsOfAnotherMachine) {
  const auto old = file("old.json", repetition("both", 1.0) + "," + repetition("gone", 1.0));
  const auto now = file("new.json", repetition("both", 1.0) + "," + repetition("added", 1.0), "another");
  ASSERT_EQ(run(old + " " + now), 0) << output_;
  EXPECT_TRUE(says("only in the old file: gone")) << output_;
  EXPECT_TRUE(says("only in the new file: added")) << output_;
  EXPECT_TRUE(says("warning") && says("host_name differ")) << output_;
}

TEST_F(BenchCompareTest, ABenchmarkThatFailedIsNamedAsSuch) {
  const auto old = file("old.json", R"({"name": "k", "error_occurred": true, "error_message": "no memory"})");
  const auto now = file("new.json", repetition("k", 1.0));
  ASSERT_EQ(run(old + " " + now), 0) << output_;
  EXPECT_TRUE(says("failed") && says("1 ms")) << output_;
}

TEST_F(BenchCompareTest, RefusesBadUsageWithTwo) {
  const auto good = file("good.json", repetition("k", 1.0));
  EXPECT_EQ(run(""), 2);
  EXPECT_EQ(run(good), 2);
  EXPECT_EQ(run("--of mean " + good + " " + good), 2);
  EXPECT_EQ(run(good + " '" + dir_.file("missing.json") + "'"), 2);
  EXPECT_TRUE(says("missing.json: cannot be read")) << output_;
  EXPECT_EQ(run(good + " '" + dir_.write("notes.json", "notes") + "'"), 2);
  EXPECT_EQ(run(good + " '" + dir_.write("list.json", "[1]") + "'"), 2);
  EXPECT_TRUE(says("list.json: no JSON of Google Benchmark")) << output_;
  EXPECT_EQ(run("--help"), 0);
}

}  // namespace
}  // namespace tianyan
