// Sizes of jobs, their scripts, and the record of a submission.
#include "pipeline/submission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <type_traits>

#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "kernels/base/expect.hpp"
#include "pipeline/subprocess.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

constexpr double kPartS = 1800.0;  // of work in a part, by the model
constexpr double kTimeFactor = 3.0, kTimeExtraS = 600.0;
constexpr double kMemoryFactor = 1.2, kMemoryExtraBytes = 0.5e9;
constexpr int kThreads = 4;
constexpr int kWarningS = 60;  // before a job's time is over
constexpr int kRequeues = 20;  // a part that needs more makes no progress

std::string file_in(const std::string& run, const std::string& name) { return run + "/slurm/" + name; }

// The first of the names where none is asked for; a line where what is asked for is not among them.
void choose(const std::vector<std::string>& allowed, const char* what, const Policy& policy,
            std::string& name, ReadReport& report) {
  if (allowed.empty()) return;
  if (name.empty()) name = allowed.front();
  if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
    report.add_error(
        fmt::format("{} {} is not allowed by {}: {}", what, name, policy.file, fmt::join(allowed, ", ")));
}

template <class Number>
void check_most(Number value, Number most, const char* what, const char* unit, const Policy& policy,
                ReadReport& report) {
  if (most > Number{} && value > most)
    report.add_error(fmt::format("{} of {}{} is more than {} allows: at most {}{}", what, value, unit,
                                 policy.file, most, unit));
}

void check_name(const char* what, const std::string& name, ReadReport& report) {
  const bool is_plain = std::all_of(name.begin(), name.end(), [](unsigned char ch) {
    return std::isalnum(ch) || ch == '_' || ch == '-' || ch == '.' || ch == ',';
  });
  if (!is_plain) report.add_error(fmt::format("{} {}: letters, digits and _-., are possible", what, name));
}

// What was wished for must be allowed, what was not is made so.
void apply_policy(const Policy& policy, const JobWishes& wishes, JobShape& shape, ReadReport& report) {
  choose(policy.slurm.partitions, "partition", policy, shape.partition, report);
  choose(policy.slurm.accounts, "account", policy, shape.account, report);
  const auto lower = [](auto& value, auto most, bool is_wished) {
    if (most > 0 && !is_wished && (value == 0 || value > most)) value = most;
  };
  lower(shape.threads, policy.caps.threads, wishes.threads > 0);
  lower(shape.memory_bytes, policy.caps.memory_bytes, wishes.memory_bytes > 0);
  lower(shape.time_s, policy.slurm.job_max_s, wishes.time_s > 0.0);
  lower(shape.jobs_at_once, policy.slurm.jobs_at_once, wishes.jobs_at_once > 0);
  check_most(shape.threads, policy.caps.threads, "a job", " threads", policy, report);
  check_most(shape.memory_bytes, policy.caps.memory_bytes, "a job", " bytes", policy, report);
  check_most(shape.time_s, policy.slurm.job_max_s, "a job", " s", policy, report);
  check_most(shape.jobs_at_once, policy.slurm.jobs_at_once, "a run", " jobs at once", policy, report);
}

double model_s(const std::vector<Beam>& beams, int n_threads) {
  double seconds = 0.0;
  for (const auto& beam : beams)
    if (beam.plan != nullptr) seconds += modelled_s(*beam.plan, beam.source->info(), n_threads);
  return seconds;
}

// Rounded down: a policy's limit is one.
std::string in_minutes(double seconds) {
  return std::to_string(std::max(1, static_cast<int>(seconds / 60.0)));
}

// The lines that both scripts begin with.
std::string head(const Submission& s, const std::string& job, const std::string& log) {
  std::string text = "#!/bin/bash\n";
  const auto add = [&](const std::string& option) { text += "#SBATCH --" + option + "\n"; };
  add("job-name=" + s.name + "-" + job);
  add(fmt::format("cpus-per-task={}", s.shape.threads));
  add(fmt::format("mem={}M", static_cast<std::int64_t>(
                                 std::ceil(static_cast<double>(s.shape.memory_bytes) / 1048576.0))));
  add("time=" + in_minutes(s.shape.time_s));
  if (!s.shape.partition.empty()) add("partition=" + s.shape.partition);
  if (!s.shape.account.empty()) add("account=" + s.shape.account);
  if (!s.shape.qos.empty()) add("qos=" + s.shape.qos);
  add("nodes=1");
  add("ntasks=1");
  add("requeue");
  add("open-mode=append");
  add("output=" + file_in(s.run, log));
  return text;
}

// `tianyan search` of the run, with what is its own of a job.
std::string command(const Submission& s, const std::string& own) {
  std::string text = shell_word(s.program) + " search " + shell_word(s.run + "/config.toml");
  for (const auto& input : s.inputs) text += " " + shell_word(input);
  text += " -o " + shell_word(s.run);
  if (!s.mask.empty()) text += " --mask " + shell_word(s.mask);
  for (const auto& policy : s.policies) text += " --policy " + shell_word(policy);
  return text + fmt::format(" --threads {} {}", s.shape.threads, own);
}

json to_json(const UnitName& unit) { return {unit.beam, unit.unit}; }

json to_json(const JobShape& s) {
  return {{"n_part", s.n_part},
          {"threads", s.threads},
          {"model_s", s.model_s},
          {"time_s", s.time_s},
          {"memory_bytes", s.memory_bytes},
          {"plan_bytes", s.plan_bytes},
          {"jobs_at_once", s.jobs_at_once},
          {"gpus", s.gpus},
          {"partition", s.partition},
          {"account", s.account},
          {"qos", s.qos}};
}

JobShape shape_from_json(const json& j) {
  return {j.at("n_part"),       j.at("threads"),    j.at("model_s"),      j.at("time_s"),
          j.at("memory_bytes"), j.at("plan_bytes"), j.at("jobs_at_once"), j.value("gpus", 0),
          j.at("partition"),    j.at("account"),    j.at("qos")};
}

}  // namespace

int job_threads(const Config& config, const JobWishes& wishes) {
  return wishes.threads > 0 ? wishes.threads : config.limits.threads > 0 ? config.limits.threads : kThreads;
}

JobShape shape_jobs(const Config& config, const JobWishes& wishes, const std::vector<Policy>& policies,
                    Plans& plans, std::vector<Beam>& beams, int max_array_size) {
  JobShape shape;
  shape.threads = job_threads(config, wishes);
  const auto n_item = static_cast<int>(work_items(config.rfi, beams).size());
  const int most = std::min(n_item, max_array_size - 1);
  expect(most >= 1, "this Slurm takes no arrays of jobs (MaxArraySize is {})", max_array_size);
  const double all_s = model_s(beams, shape.threads);
  shape.n_part =
      wishes.n_part > 0 ? wishes.n_part : std::clamp(static_cast<int>(std::ceil(all_s / kPartS)), 1, most);
  expect(shape.n_part <= most, "--parts {}: the run has {} units of work, and an array at most {} jobs",
         shape.n_part, n_item, max_array_size - 1);
  shape.model_s = all_s / shape.n_part;
  shape.time_s = kTimeFactor * shape.model_s + kTimeExtraS;
  LimitsConfig limits = config.limits;
  limits.threads = shape.threads;
  shape.plan_bytes = plans.peak_memory_bytes(limits);
  shape.gpus = config.search.backend == "cuda" ? 1 : 0;
  shape.memory_bytes =
      static_cast<std::int64_t>(kMemoryFactor * static_cast<double>(shape.plan_bytes) + kMemoryExtraBytes);
  return fit_shape(shape, wishes, policies);
}

JobShape fit_shape(JobShape shape, const JobWishes& wishes, const std::vector<Policy>& policies) {
  const auto take = [](auto& value, const auto& wish) {
    if (wish != std::decay_t<decltype(wish)>{}) value = wish;
  };
  take(shape.threads, wishes.threads);
  take(shape.time_s, wishes.time_s);
  take(shape.memory_bytes, wishes.memory_bytes);
  take(shape.jobs_at_once, wishes.jobs_at_once);
  take(shape.gpus, wishes.gpus);
  take(shape.partition, wishes.partition);
  take(shape.account, wishes.account);
  take(shape.qos, wishes.qos);
  ReadReport report;
  for (const auto& policy : policies) apply_policy(policy, wishes, shape, report);
  check_name("partition", shape.partition, report);
  check_name("account", shape.account, report);
  check_name("qos", shape.qos, report);
  // In the job's control group, as limits_here() sees it.
  if (shape.plan_bytes > shape.memory_bytes / 10 * 9)
    report.add_error(fmt::format("a job of {} bytes has too little for the plan's {}", shape.memory_bytes,
                                 shape.plan_bytes));
  report.throw_errors();
  return shape;
}

void check_run_path(const std::string& run) {
  const bool is_plain = std::all_of(run.begin(), run.end(), [](unsigned char ch) {
    return std::isalnum(ch) || std::string("/._-+=,@:").find(static_cast<char>(ch)) != std::string::npos;
  });
  expect(is_plain, "{}: a run that is submitted has a path of letters, digits and /._-+=,@: alone", run);
}

std::string array_text(const std::vector<int>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size();) {
    std::size_t last = i;
    while (last + 1 < parts.size() && parts[last + 1] == parts[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(parts[i]);
    if (last > i) text += "-" + std::to_string(parts[last]);
    i = last + 1;
  }
  return text;
}

std::string search_script(const Submission& s, const std::vector<int>& parts) {
  const std::string most = s.shape.jobs_at_once > 0 ? fmt::format("%{}", s.shape.jobs_at_once) : "";
  const std::string gpus = s.shape.gpus > 0 ? fmt::format("#SBATCH --gres=gpu:{}\n", s.shape.gpus) : "";
  return head(s, "search", "search-%a.log") + gpus +
         fmt::format("#SBATCH --array={}{}\n#SBATCH --signal=B:USR1@{}\n", array_text(parts), most,
                     kWarningS) +
         "# Searches one part of a run; written by `tianyan submit`, which makes it anew. What was finished "
         "before\n"
         "# is in RUN/ledger: the job may be killed, requeued and sent again.\n" +
         command(s, fmt::format("-q --part \"$SLURM_ARRAY_TASK_ID/{}\" &\n", s.shape.n_part)) +
         "search=$!\n"
         "again=\n"
         "trap 'again=1; kill -USR1 \"$search\" 2>/dev/null' USR1  # the time is nearly over\n"
         "trap 'again=; kill -TERM \"$search\" 2>/dev/null' TERM    # cancelled\n"
         "while true; do  # wait ends when a signal comes, too\n"
         "  wait \"$search\"\n"
         "  code=$?\n"
         "  kill -0 \"$search\" 2>/dev/null || break\n"
         "done\n" +
         fmt::format(
             "if [ \"$code\" -eq 75 ] && [ -n \"$again\" ] && [ \"${{SLURM_RESTART_COUNT:-0}}\" -lt {} ]; "
             "then\n",
             kRequeues) +
         "  scontrol requeue \"$SLURM_JOB_ID\" && sleep 60\n"
         "fi\n"
         "exit \"$code\"\n";
}

std::string sift_script(const Submission& s) {
  return head(s, "sift", "sift.log") +
         "# Joins and sifts what the parts of a run have found; written by `tianyan submit`. Exit code 3: "
         "units are\n"
         "# missing, the log and RUN/report.json say which.\n" +
         "exec " + command(s, "-q --finish\n");
}

void write_submission(const Submission& s) {
  json parts = json::array();
  for (const auto& part : s.parts) {
    json units = json::array();
    for (const auto& unit : part) units.push_back(to_json(unit));
    parts.push_back(units);
  }
  const json record = {{"name", s.name}, {"program", s.program},       {"inputs", s.inputs},
                       {"mask", s.mask}, {"policies", s.policies},     {"shape", to_json(s.shape)},
                       {"parts", parts}, {"search_job", s.search_job}, {"sift_job", s.sift_job}};
  write_text_file(file_in(s.run, "submission.json"), dump_json(record, 1) + "\n");
}

Submission read_submission(const std::string& run) {
  const std::string path = file_in(run, "submission.json");
  require(std::filesystem::exists(path), "{} was not submitted: there is no {}", run, path);
  Submission s;
  s.run = resolved_path(run);
  check_run_path(s.run);
  try {
    const json record = json::parse(read_text_file(path));
    s.name = record.at("name");
    s.program = record.at("program");
    s.inputs = record.at("inputs").get<std::vector<std::string>>();
    s.mask = record.at("mask");
    s.policies = record.at("policies").get<std::vector<std::string>>();
    s.shape = shape_from_json(record.at("shape"));
    for (const auto& part : record.at("parts")) {
      s.parts.emplace_back();
      for (const auto& unit : part) s.parts.back().push_back({unit.at(0), unit.at(1)});
    }
    s.search_job = record.at("search_job");
    s.sift_job = record.at("sift_job");
  } catch (const json::exception& e) {
    throw std::runtime_error(fmt::format("{}: not the record of a submission: {}", path, e.what()));
  }
  require(
      std::regex_match(s.name, std::regex("tianyan-[0-9a-f]{16}")) && s.shape.n_part == std::ssize(s.parts),
      "{}: not the record of a submission", path);
  return s;
}

int n_done(const Submission& s, int part) {
  const auto& units = s.parts.at(static_cast<std::size_t>(part - 1));
  return static_cast<int>(std::count_if(units.begin(), units.end(),
                                        [&](const UnitName& u) { return has_unit(s.run, u.beam, u.unit); }));
}

std::vector<int> parts_to_do(const Submission& s) {
  std::vector<int> parts;
  for (int part = 1; part <= static_cast<int>(s.parts.size()); ++part)
    if (n_done(s, part) < static_cast<int>(s.parts[static_cast<std::size_t>(part - 1)].size()))
      parts.push_back(part);
  return parts;
}

}  // namespace tianyan
