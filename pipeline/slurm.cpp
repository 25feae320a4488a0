// Calls of Slurm's commands.
#include "pipeline/slurm.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <regex>
#include <sstream>
#include <thread>

#include "io/key_values.hpp"
#include "kernels/base/expect.hpp"
#include "pipeline/subprocess.hpp"

namespace tianyan {
namespace {

constexpr double kAnswerS = 60.0;  // a busy controller needs long
constexpr int kLooks = 5;          // for a job that sbatch is silent about, a second apart

ProcessResult run_slurm(const std::vector<std::string>& argv) {
  return run_process(argv, kAnswerS, {"SBATCH_", "SLURM_", "SQUEUE_", "SACCT_", "SCANCEL_"}, {"SLURM_CONF"});
}

std::string complaint(const ProcessResult& result) {
  if (result.timed_out) return fmt::format("no answer within {:.0f} s", kAnswerS);
  std::string text = result.err.empty() ? fmt::format("exit code {}", result.exit_code) : result.err;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// The last field is what is left, whatever is in it.
std::vector<std::string> fields_of(const std::string& row, std::size_t n) {
  std::vector<std::string> fields;
  std::size_t begin = 0;
  for (std::size_t bar = row.find('|'); fields.size() + 1 < n && bar != std::string::npos;
       bar = row.find('|', begin)) {
    fields.push_back(row.substr(begin, bar - begin));
    begin = bar + 1;
  }
  fields.push_back(row.substr(begin));
  if (fields.size() != n) fields.clear();
  return fields;
}

// Those that have n fields.
std::vector<std::vector<std::string>> rows_of(const std::string& text, std::size_t n) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (auto fields = fields_of(line, n); !fields.empty()) rows.push_back(std::move(fields));
  return rows;
}

// A job's number and, of an array, its task; false where one is no number.
bool read_id(const std::string& id, const std::string& task, SlurmJob& job) {
  const auto number = parse_integer(id), of_array = parse_integer(task);
  job.id = number.value_or(0);
  job.task = static_cast<int>(of_array.value_or(0));
  return number.has_value() && (of_array.has_value() || task.empty());
}

bool is_same_job(const SlurmJob& a, const SlurmJob& b) { return a.id == b.id && a.task == b.task; }

std::int64_t newest_id(const std::vector<SlurmJob>& jobs) {
  std::int64_t id = 0;
  for (const auto& job : jobs) id = std::max(id, job.id);
  return id;
}

}  // namespace

bool is_alive(const SlurmJob& job) {
  constexpr const char* kAlive[] = {"PENDING",   "RUNNING",      "CONFIGURING", "COMPLETING", "SUSPENDED",
                                    "REQUEUED",  "REQUEUE_HOLD", "REQUEUE_FED", "RESIZING",   "SIGNALING",
                                    "STAGE_OUT", "STOPPED",      "SPECIAL_EXIT"};
  return std::find(std::begin(kAlive), std::end(kAlive), job.state) != std::end(kAlive);
}

std::vector<SlurmJob> parse_queue(const std::string& text) {
  std::vector<SlurmJob> jobs;
  for (const auto& f : rows_of(text, 7)) {
    SlurmJob job;
    if (!read_id(f[0], f[1] == "N/A" ? "" : f[1], job)) continue;
    job.state = f[2], job.elapsed = f[3], job.reason = f[4] == "None" ? "" : f[4], job.node = f[5],
    job.name = f[6];
    jobs.push_back(job);
  }
  return jobs;
}

// "123" or "123_4"; tasks that have not begun stand together as "123_[5-9]", and are in the queue one by one.
std::vector<SlurmJob> parse_accounts(const std::string& text) {
  std::vector<SlurmJob> jobs;
  for (const auto& f : rows_of(text, 6)) {
    SlurmJob job;
    const auto underscore = std::min(f[0].find('_'), f[0].size());
    if (!read_id(f[0].substr(0, underscore), f[0].substr(std::min(underscore + 1, f[0].size())), job))
      continue;
    job.state = f[1].substr(0, f[1].find(' ')), job.elapsed = f[2], job.node = f[4], job.name = f[5];
    if (f[3] != "0:0") job.reason = "exit code " + f[3].substr(0, f[3].find(':'));
    jobs.push_back(job);
  }
  return jobs;
}

Slurm::Slurm() {
  const auto answer = run_slurm({"sinfo", "--version"});
  require(answer.exit_code != 127, "there is no Slurm here: {}", complaint(answer));
}

std::int64_t Slurm::submit(const std::string& script, const std::string& job_name,
                           const std::vector<std::string>& options) const {
  std::vector<std::string> argv = {"sbatch", "--parsable", "--job-name=" + job_name};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.push_back(script);
  const auto answer = run_slurm(argv);
  // "123" or, of several clusters, "123;cluster"
  const auto said = parse_integer(answer.out.substr(0, answer.out.find_first_of(";\n")));
  if (answer.exit_code == 0 && said) return *said;
  std::int64_t id = 0;
  for (int look = 0; look < kLooks && id == 0; ++look) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    id = newest_id(parse_queue(run_slurm({"squeue", "--noheader", "--array", "--name=" + job_name,
                                          std::string("--format=") + kQueueFormat})
                                   .out));
  }
  require(id != 0, "sbatch did not take {}: {}", script, complaint(answer));
  return id;
}

std::vector<SlurmJob> Slurm::jobs(const std::vector<std::string>& names) const {
  const std::string list = fmt::format("{}", fmt::join(names, ","));
  const auto queue = run_slurm({"squeue", "--noheader", "--array", "--states=all", "--name=" + list,
                                std::string("--format=") + kQueueFormat});
  require(queue.exit_code == 0, "squeue failed: {}", complaint(queue));
  auto jobs = parse_queue(queue.out);
  const auto accounts = run_slurm({"sacct", "--noheader", "--parsable2", "--allocations", "--name=" + list,
                                   "--starttime=now-60days", std::string("--format=") + kAccountFormat});
  for (const auto& job : parse_accounts(accounts.out)) {
    const auto known =
        std::find_if(jobs.begin(), jobs.end(), [&](const SlurmJob& j) { return is_same_job(j, job); });
    if (known == jobs.end())
      jobs.push_back(job);
    else if (!is_alive(*known))
      *known = job;
  }
  return jobs;
}

void Slurm::cancel(const std::string& name) const {
  const auto answer = run_slurm({"scancel", "--name=" + name});
  require(answer.exit_code == 0, "scancel failed: {}", complaint(answer));
}

int Slurm::max_array_size() const {
  const auto answer = run_slurm({"scontrol", "show", "config"});
  const std::regex pattern(R"(MaxArraySize\s*=\s*(\d+))");
  std::smatch match;
  const auto size =
      std::regex_search(answer.out, match, pattern) ? parse_integer(match[1].str()) : std::nullopt;
  return static_cast<int>(size.value_or(1001));
}

}  // namespace tianyan
