// Calls of Slurm's commands.
#include "pipeline/slurm.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <regex>
#include <sstream>
#include <thread>

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

template <class Number>
bool read_number(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end;
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

// "123" or "123_4"; tasks that have not begun stand together as "123_[5-9]", and are in the queue one by one.
bool read_id(const std::string& text, SlurmJob& job) {
  const auto underscore = text.find('_');
  if (!read_number(text.substr(0, underscore), job.id)) return false;
  return underscore == std::string::npos || read_number(text.substr(underscore + 1), job.task);
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
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto f = fields_of(line, 7);
    SlurmJob job;
    if (f.empty() || !read_number(f[0], job.id)) continue;
    if (f[1] != "N/A" && !read_number(f[1], job.task)) continue;
    job.state = f[2], job.elapsed = f[3], job.reason = f[4] == "None" ? "" : f[4], job.node = f[5],
    job.name = f[6];
    jobs.push_back(job);
  }
  return jobs;
}

std::vector<SlurmJob> parse_accounts(const std::string& text) {
  std::vector<SlurmJob> jobs;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto f = fields_of(line, 6);
    SlurmJob job;
    if (f.empty() || !read_id(f[0], job)) continue;
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
  std::int64_t id = 0;
  // "123" or, of several clusters, "123;cluster"
  if (answer.exit_code == 0 && read_number(answer.out.substr(0, answer.out.find_first_of(";\n")), id))
    return id;
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
  int size = 1001;
  if (std::regex_search(answer.out, match, pattern)) read_number(match[1].str(), size);
  return size;
}

}  // namespace tianyan
