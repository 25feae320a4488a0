// tianyan status, tianyan cancel: jobs that tianyan submit sent.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "pipeline/command.hpp"
#include "pipeline/slurm.hpp"
#include "pipeline/submission.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

struct Options : SharedOptions {
  std::string run;
  bool all = false;
};

// A part of the run as the ledger and Slurm have it; the ledger is right.
struct PartStatus {
  int part = 0;
  int n_done = 0, n_unit = 0;
  std::optional<SlurmJob> job;

  bool is_done() const { return n_done == n_unit; }
  std::string state() const {
    if (is_done()) return "DONE";
    if (!job) return "UNKNOWN";
    return job->state == "COMPLETED" ? "INCOMPLETE" : job->state;
  }
};

struct RunStatus {
  Submission submission;
  std::vector<PartStatus> parts;
  std::optional<SlurmJob> sift;
  std::optional<int> sift_exit_code;  ///< of a run that was sifted
  std::string trouble;                ///< where Slurm does not answer

  int count_done() const { return sum(&PartStatus::n_done); }
  int count_units() const { return sum(&PartStatus::n_unit); }
  bool any_alive() const {
    return (sift && is_alive(*sift)) || std::any_of(parts.begin(), parts.end(), [](const PartStatus& p) {
             return p.job && is_alive(*p.job);
           });
  }

 private:
  int sum(int PartStatus::*field) const {
    int n = 0;
    for (const auto& part : parts) n += part.*field;
    return n;
  }
};

// Of several of one part, from submissions that were resumed, the last one.
void take(std::optional<SlurmJob>& job, const SlurmJob& candidate) {
  if (!job || candidate.id >= job->id) job = candidate;
}

// Of a report; nothing where there is none that can be read.
std::optional<int> exit_code_in(const std::string& report) {
  if (!std::filesystem::exists(report)) return std::nullopt;
  try {
    return json::parse(read_text_file(report)).at("exit_code").get<int>();
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

RunStatus status_of(const std::string& run) {
  RunStatus status;
  status.submission = read_submission(run);
  const auto& s = status.submission;
  for (int part = 1; part <= s.shape.n_part; ++part)
    status.parts.push_back({part, n_done(s, part),
                            static_cast<int>(s.parts[static_cast<std::size_t>(part - 1)].size()),
                            std::nullopt});
  status.sift_exit_code = exit_code_in(s.run + "/report.json");
  try {
    for (const auto& job : Slurm().jobs({s.search_name(), s.sift_name()})) {
      if (job.name == s.sift_name())
        take(status.sift, job);
      else if (job.task >= 1 && job.task <= s.shape.n_part)
        take(status.parts[static_cast<std::size_t>(job.task - 1)].job, job);
    }
  } catch (const std::runtime_error& e) {
    status.trouble = e.what();
  }
  return status;
}

std::string progress_bar(int done, int all) {
  constexpr int kWidth = 40;
  const int filled = all > 0 ? done * kWidth / all : kWidth;
  return "[" + std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(kWidth - filled), '.') + "]";
}

void print_part(const RunStatus& status, const PartStatus& p) {
  const SlurmJob job = p.job.value_or(SlurmJob{});
  const bool has_failed = p.job && !p.is_done() && !is_alive(job);
  std::cout << fmt::format(
      "  part {:>5}  {:<12} {:>3} of {:<3} units  {:<10} {:>11}  {}{}\n", p.part, p.state(), p.n_done,
      p.n_unit, job.node, job.elapsed, job.reason,
      has_failed ? fmt::format("  {}/slurm/search-{}.log", status.submission.run, p.part) : "");
}

// How many parts are in each state, then those that run or want a look.
void print_parts(const RunStatus& status, bool all) {
  std::map<std::string, int> counts;
  for (const auto& p : status.parts) ++counts[p.state()];
  std::vector<std::string> texts;
  for (const auto& [state, n] : counts) texts.push_back(fmt::format("{} {}", n, state));
  std::cout << fmt::format("search: {} parts: {}\n", status.parts.size(), fmt::join(texts, ", "));
  for (const auto& p : status.parts)
    if (all ||
        (!p.is_done() && (p.state() != "PENDING" || p.job->reason == "BeginTime") && p.state() != "UNKNOWN"))
      print_part(status, p);
}

void print_sift(const RunStatus& status) {
  const auto& s = status.submission;
  const SlurmJob job = status.sift.value_or(SlurmJob{});
  std::cout << fmt::format("sift:   {}{}{}\n", status.sift ? job.state : "not known to Slurm",
                           job.reason.empty() ? "" : " (" + job.reason + ")",
                           status.sift_exit_code
                               ? fmt::format("; exit code {}: {}/report.html", *status.sift_exit_code, s.run)
                               : "");
  const bool is_over = status.trouble.empty() && !status.any_alive();
  if (is_over && (status.count_done() < status.count_units() || !status.sift_exit_code))
    std::cout << fmt::format("nothing runs; `tianyan submit --resume -o {}` sends what is missing\n", s.run);
}

json job_json(const std::optional<SlurmJob>& job) {
  if (!job) return nullptr;
  return {{"id", job->id},
          {"state", job->state},
          {"node", job->node},
          {"elapsed", job->elapsed},
          {"reason", job->reason}};
}

void print_json(const RunStatus& status) {
  json parts = json::array();
  for (const auto& p : status.parts)
    parts.push_back({{"part", p.part},
                     {"state", p.state()},
                     {"n_done", p.n_done},
                     {"n_unit", p.n_unit},
                     {"job", job_json(p.job)}});
  std::cout << dump_json(
                   {{"run", status.submission.run},
                    {"n_done", status.count_done()},
                    {"n_unit", status.count_units()},
                    {"sift_exit_code", status.sift_exit_code ? json(*status.sift_exit_code) : json(nullptr)},
                    {"alive", status.trouble.empty() ? json(status.any_alive()) : json(nullptr)},
                    {"parts", parts},
                    {"sift", job_json(status.sift)},
                    {"slurm_error", status.trouble}},
                   1)
            << '\n';
}

void declare_status(CLI::App& command, Options& o) {
  command.add_option("RUN", o.run, "The directory of a submitted search")->required();
  command.add_flag("--all", o.all, "Lists parts that are done or wait, too");
  add_json_option(command, o);
}

ExitCode run_status(const Options& o) {
  const auto status = status_of(o.run);
  if (o.json) {
    print_json(status);
    return ExitCode::kDone;
  }
  const int done = status.count_done(), all = status.count_units();
  std::cout << fmt::format("{}: {} of {} units {} {} %\n", status.submission.run, done, all,
                           progress_bar(done, all), all > 0 ? 100 * done / all : 100);
  if (!status.trouble.empty()) std::cerr << "tianyan: " << status.trouble << '\n';
  print_parts(status, o.all);
  print_sift(status);
  return ExitCode::kDone;
}

void declare_cancel(CLI::App& command, Options& o) {
  command.add_option("RUN", o.run, "The directory of a submitted search")->required();
}

ExitCode run_cancel(const Options& o) {
  const auto s = read_submission(o.run);
  const Slurm slurm;
  for (const auto& name : {s.sift_name(), s.search_name()}) slurm.cancel(name);
  std::cout << fmt::format("cancelled; what was found is kept, `tianyan submit --resume -o {}` goes on\n",
                           s.run);
  return ExitCode::kDone;
}

const bool kStatus = register_command<Options>(
    {"status", "Says how far a submitted search is: its jobs and its ledger in one table",
     "Examples:\n"
     "  tianyan status /scratch/run\n"
     "  watch -n 30 tianyan status /scratch/run\n"
     "  tianyan status /scratch/run --json\n"
     "A part is DONE when the ledger has its units, whatever became of its job; UNKNOWN where Slurm has "
     "forgotten it."},
    declare_status, run_status);

const bool kCancel =
    register_command<Options>({"cancel", "Cancels the jobs of a submitted search; what was found is kept",
                               "Examples:\n"
                               "  tianyan cancel /scratch/run\n"
                               "  tianyan submit --resume -o /scratch/run            goes on"},
                              declare_cancel, run_cancel);

}  // namespace
}  // namespace tianyan
