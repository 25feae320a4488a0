// Jobs of Slurm: their scripts, their record, and what Slurm says of them. scripts/test-slurm runs them.
#include "pipeline/submission.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "kernels/base/fnv1a.hpp"
#include "pipeline/slurm.hpp"
#include "pipeline/subprocess.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

Submission submission(const std::string& run = "/scratch/run") {
  Submission s;
  s.name = "tianyan-0123456789abcdef";
  s.program = "/opt/tianyan/bin/tianyan";
  s.run = run;
  s.inputs = {"/data/scan one/*.fits", "/data/it's; $(x) \"`y`\""};
  s.mask = "/data/mask";
  s.policies = {"/etc/site.toml"};
  s.shape.n_part = 3;
  s.shape.threads = 4;
  s.shape.time_s = 90.0;
  s.shape.memory_bytes = 3 << 20;
  s.shape.jobs_at_once = 2;
  s.shape.partition = "cpu";
  s.parts = {{{1, 0}, {1, 1}}, {{2, 0}}, {{2, 1}}};
  return s;
}

// What a POSIX shell makes of a line, word by word.
std::vector<std::string> words_of(const std::string& line) {
  const auto result = run_process({"sh", "-c", "printf '%s\\n' " + line}, 10.0);
  std::vector<std::string> words;
  std::istringstream in(result.out);
  for (std::string word; std::getline(in, word);) words.push_back(word);
  return words;
}

std::string line_with(const std::string& text, const std::string& part) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.find(part) != std::string::npos) return line;
  return "";
}

TEST(ArrayText, JoinsWhatFollowsOnEachOther) {
  EXPECT_EQ(array_text({1, 2, 3, 7, 9, 10}), "1-3,7,9-10");
  EXPECT_EQ(array_text({5}), "5");
  EXPECT_EQ(array_text({}), "");
}

TEST(ShellWord, IsTheTextAgainWhateverIsInIt) {
  for (const std::string text :
       {"plain", "two words", "it's", "$(touch x) `y` \"z\" \\ ; | & * ? #", "-n", ""})
    EXPECT_EQ(words_of(shell_word(text)), std::vector<std::string>{text});
  EXPECT_THROW(shell_word("a\nb"), std::invalid_argument);
  EXPECT_THROW(shell_word(std::string("a\0b", 3)), std::invalid_argument);
}

TEST(RunProcess, GivesBothOutputsAndTheExitCode) {
  const auto result = run_process({"sh", "-c", "echo out; echo err >&2; exit 7"}, 10.0);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(run_process({"tianyan-no-such-program"}, 10.0).exit_code, 127);
  EXPECT_EQ(run_process({"sh", "-c", "kill -TERM $$"}, 10.0).exit_code, 128 + 15);
  EXPECT_EQ(
      run_process({"sh", "-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"}, 10.0).out.size(),
      300000U);
}

TEST(RunProcess, KillsWhatTakesTooLong) {
  const auto result = run_process({"sleep", "60"}, 0.2);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 128 + 9);
}

TEST(RunProcess, ScrubsTheEnvironmentOfAJob) {
  setenv("SBATCH_ACCOUNT", "theirs", 1);
  setenv("SLURM_CONF", "/etc/slurm.conf", 1);
  setenv("SLURM_JOB_ID", "7", 1);
  const auto result = run_process({"sh", "-c", "echo $SBATCH_ACCOUNT-$SLURM_JOB_ID-$SLURM_CONF"}, 10.0,
                                  {"SBATCH_", "SLURM_"}, {"SLURM_CONF"});
  EXPECT_EQ(result.out, "--/etc/slurm.conf\n");
  for (const char* name : {"SBATCH_ACCOUNT", "SLURM_CONF", "SLURM_JOB_ID"}) unsetenv(name);
}

TEST(SlurmAnswers, OfTheQueueAreReadRowByRow) {
  const auto jobs = parse_queue(
      "12|3|RUNNING|1:02|None|n4|tianyan-x-search\n"
      "13|N/A|PENDING|0:00|Dependency||a|b\n"
      "slurm_load_jobs error: whatever\n");
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].id, 12);
  EXPECT_EQ(jobs[0].task, 3);
  EXPECT_EQ(jobs[0].state, "RUNNING");
  EXPECT_EQ(jobs[0].node, "n4");
  EXPECT_EQ(jobs[0].reason, "");
  EXPECT_EQ(jobs[1].task, 0);
  EXPECT_EQ(jobs[1].reason, "Dependency");
  EXPECT_EQ(jobs[1].name, "a|b");  // a name may hold anything
  EXPECT_TRUE(is_alive(jobs[1]));
}

TEST(SlurmAnswers, OfTheAccountsAreReadRowByRow) {
  const auto jobs = parse_accounts(
      "12_3|CANCELLED by 1000|00:01:02|3:0|n4|x-search\n"
      "12_[4-7]|PENDING|00:00:00|0:0|None assigned|x-search\n"
      "13|COMPLETED|00:00:05|0:0|n1|x-sift\n");
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].task, 3);
  EXPECT_EQ(jobs[0].state, "CANCELLED");
  EXPECT_EQ(jobs[0].reason, "exit code 3");
  EXPECT_FALSE(is_alive(jobs[0]));
  EXPECT_EQ(jobs[1].name, "x-sift");
}

TEST(SubmissionScripts, AskForWhatTheShapeSays) {
  const auto script = search_script(submission(), {1, 3});
  for (const char* line :
       {"#SBATCH --job-name=tianyan-0123456789abcdef-search\n", "#SBATCH --cpus-per-task=4\n",
        "#SBATCH --mem=3M\n", "#SBATCH --time=1\n", "#SBATCH --partition=cpu\n", "#SBATCH --requeue\n",
        "#SBATCH --array=1,3%2\n", "#SBATCH --signal=B:USR1@60\n",
        "#SBATCH --output=/scratch/run/slurm/search-%a.log\n"})
    EXPECT_NE(script.find(line), std::string::npos) << line << "in\n" << script;
  EXPECT_EQ(script.find("--account"), std::string::npos);
  EXPECT_EQ(sift_script(submission()).find("--array"), std::string::npos);
}

TEST(SubmissionScripts, KeepPathsOfAnyLettersAsOneWord) {
  const auto line = line_with(sift_script(submission()), "exec ");
  EXPECT_EQ(words_of(line.substr(5)),
            (std::vector<std::string>{"/opt/tianyan/bin/tianyan", "search", "/scratch/run/config.toml",
                                      "/data/scan one/*.fits", "/data/it's; $(x) \"`y`\"", "-o",
                                      "/scratch/run", "--mask", "/data/mask", "--policy", "/etc/site.toml",
                                      "--threads", "4", "-q", "--finish"}));
  EXPECT_THROW(check_run_path("/scratch/run\n#SBATCH --uid=0"), std::invalid_argument);
  EXPECT_THROW(check_run_path("/scratch/my run"), std::invalid_argument);
  EXPECT_THROW(check_run_path("/scratch/%j"), std::invalid_argument);
  check_run_path("/scratch/night_42/run-1");
}

TEST(SubmissionRecord, ReadsBackAsItWasAndKnowsWhatIsMissing) {
  TempDir dir;
  auto s = submission(dir.path());
  s.search_job = 12;
  write_submission(s);
  const auto back = read_submission(dir.path());
  EXPECT_EQ(search_script(back, {1, 2, 3}), search_script(s, {1, 2, 3}));
  EXPECT_EQ(back.parts, s.parts);
  EXPECT_EQ(back.search_job, 12);
  EXPECT_EQ(parts_to_do(back), (std::vector<int>{1, 2, 3}));
  fs::create_directories(dir.file("ledger/M01"));
  fs::create_directories(dir.file("ledger/M02"));
  const std::string whole = fmt::format("{{\"checksum\": {}, \"unit\": \"x\"}}", fnv1a("x"));
  dir.write("ledger/M01/0001.json", whole);
  dir.write("ledger/M02/0000.json", whole);
  dir.write("ledger/M02/0001.json", whole.substr(0, 20));
  EXPECT_EQ(parts_to_do(back), (std::vector<int>{1, 3}));
  EXPECT_EQ(n_done(back, 1), 1);
  for (const auto& [key, text] : std::vector<std::pair<std::string, std::string>>{
           {"\"tianyan-0123456789abcdef\"", "\"x\\ntouch owned #\""}, {"\"n_part\": 3", "\"n_part\": 4"}}) {
    auto record = read_text(dir.file("slurm/submission.json"));
    record.replace(record.find(key), key.size(), text);
    TempDir other;
    fs::create_directories(other.file("slurm"));
    other.write("slurm/submission.json", record);
    EXPECT_THROW(read_submission(other.path()), std::runtime_error) << text;
  }
  dir.write("slurm/submission.json", "{\"name\": 3}");
  EXPECT_THROW(read_submission(dir.path()), std::runtime_error);
  EXPECT_THROW(read_submission(dir.file("ledger")), std::runtime_error);
}

// A scan of four beams in four units, opened and planned.
struct Planned {
  explicit Planned(const Config& config) : plans(config, beams) {
    auto scan = small_scan();
    scan.beams = {1, 2, 3, 8};
    beams = open_beams(find_inputs(simulate_scan(scan, dir.path(), {1, true, nullptr})), config, "");
    bind_beams(config, plans, beams);
  }
  TempDir dir;
  std::vector<Beam> beams;
  Plans plans;
};

Config config_in_units() {
  Config config = small_config();
  config.search.unit_s = 2.0;
  config.rfi.beams.enabled = false;
  return config;
}

TEST(JobShapes, FollowThePlanAndThenTheWishes) {
  const auto config = config_in_units();
  Planned planned(config);
  const auto n_item = static_cast<int>(work_items(config.rfi, planned.beams).size());
  EXPECT_EQ(n_item, 16);
  const auto shape = shape_jobs(config, {}, {}, planned.plans, planned.beams, 1001);
  EXPECT_EQ(shape.n_part, 1);  // seconds of work
  EXPECT_EQ(shape.threads, 2);
  EXPECT_GE(shape.time_s, 600.0);
  EXPECT_GT(static_cast<double>(shape.memory_bytes), 0.5e9);
  JobWishes wishes;
  wishes.n_part = 16;
  wishes.time_s = 3600.0;
  wishes.partition = "gpu";
  const auto wished = shape_jobs(config, wishes, {}, planned.plans, planned.beams, 1001);
  EXPECT_EQ(wished.n_part, 16);
  EXPECT_NEAR(wished.model_s, shape.model_s / 16.0, 1e-12);
  EXPECT_EQ(wished.time_s, 3600.0);
  wishes.n_part = 17;
  EXPECT_THROW(shape_jobs(config, wishes, {}, planned.plans, planned.beams, 1001), std::invalid_argument);
  wishes.n_part = 16;
  EXPECT_THROW(shape_jobs(config, wishes, {}, planned.plans, planned.beams, 16), std::invalid_argument);
  wishes.partition = "a b";
  EXPECT_THROW(shape_jobs(config, wishes, {}, planned.plans, planned.beams, 1001), std::invalid_argument);
}

TEST(JobShapes, StayWithinPolicies) {
  const auto config = config_in_units();
  Planned planned(config);
  Policy policy;
  policy.file = "site.toml";
  policy.slurm = {{"cpu", "long"}, {"frb"}, 500.0, 3};
  const auto shape = shape_jobs(config, {}, {policy}, planned.plans, planned.beams, 1001);
  EXPECT_EQ(shape.partition, "cpu");
  EXPECT_EQ(shape.account, "frb");
  EXPECT_EQ(shape.time_s, 500.0);
  EXPECT_EQ(shape.jobs_at_once, 3);
  JobWishes wishes;
  wishes.partition = "debug";
  wishes.time_s = 501.0;
  wishes.jobs_at_once = 4;
  try {
    shape_jobs(config, wishes, {policy}, planned.plans, planned.beams, 1001);
    FAIL() << "allowed";
  } catch (const std::invalid_argument& e) {
    for (const char* line :
         {"partition debug is not allowed by site.toml: cpu, long", "a job of 501 s is more than",
          "a run of 4 jobs at once is more than site.toml allows: at most 3"})
      EXPECT_NE(std::string(e.what()).find(line), std::string::npos) << e.what();
  }
}

TEST(JobShapes, OfAnEarlierSubmissionTakeNewWishesAndAreJudgedAgain) {
  JobShape earlier;
  earlier.time_s = 600.0;
  earlier.memory_bytes = 1'000'000'000;
  earlier.plan_bytes = 500'000'000;
  JobWishes wishes;
  wishes.memory_bytes = 2'000'000'000;
  wishes.qos = "fast";
  const auto shape = fit_shape(earlier, wishes, {});
  EXPECT_EQ(shape.memory_bytes, 2'000'000'000);
  EXPECT_EQ(shape.qos, "fast");
  EXPECT_EQ(shape.time_s, 600.0);
  earlier.partition = "a\n#SBATCH --uid=0";
  EXPECT_THROW(fit_shape(earlier, {}, {}), std::invalid_argument);
  earlier.partition.clear();
  Policy policy;
  policy.file = "site.toml";
  policy.caps.memory_bytes = 700'000'000;
  EXPECT_EQ(fit_shape(earlier, {}, {policy}).memory_bytes, 700'000'000);  // lowered, and enough for the plan
  policy.caps.memory_bytes = 500'000'000;
  EXPECT_THROW(fit_shape(earlier, {}, {policy}), std::invalid_argument);  // not enough
  EXPECT_THROW(fit_shape(earlier, wishes, {policy}), std::invalid_argument);
}

TEST(WorkItems, OfEqualPartsAreAllTheItemsOnce) {
  for (const int n_part : {1, 3, 7, 16}) {
    std::int64_t end = 0;
    for (int part = 1; part <= n_part; ++part) {
      const auto range = items_of_part(16, {part, n_part});
      EXPECT_EQ(range.begin, end);
      EXPECT_GT(range.end, range.begin);
      end = range.end;
    }
    EXPECT_EQ(end, 16);
  }
}

}  // namespace
}  // namespace tianyan
