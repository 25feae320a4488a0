// Runs as jobs of Slurm: an array that searches the parts of a run, and a job that joins and sifts them.
//
//   RUN/slurm/search.sh, sift.sh   the scripts, which may be read, changed and given to sbatch by hand
//   RUN/slurm/submission.json      the parts, their units, and the names of the jobs
//   RUN/slurm/search-PART.log, sift.log
//
// Nothing of a run is kept by Slurm: what is done is in the ledger, so a job that is lost, killed or sent
// again costs the unit in hand. Jobs of the array may be requeued; a minute before their time is over they
// are told to stop, and ask to be requeued. The sift runs after all of them, whether they failed or not.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/beam_runner.hpp"
#include "pipeline/policy.hpp"

namespace tianyan {

/// What the user asks of the jobs; 0 and "": as plan, policy and Slurm say.
struct JobWishes {
  int n_part = 0;
  int threads = 0;
  double time_s = 0.0;  ///< of each job
  std::int64_t memory_bytes = 0;
  int jobs_at_once = 0;
  int gpus = 0;  ///< of each job; one where search.backend is "cuda"
  std::string partition, account, qos;
};

/// What each job of the array gets.
struct JobShape {
  int n_part = 1;
  int threads = 1;
  double model_s = 0.0;  ///< of one part, by the model of `tianyan plan`
  double time_s = 0.0;   ///< asked for
  std::int64_t memory_bytes = 0;
  std::int64_t plan_bytes = 0;  ///< of them, what the plan needs
  int jobs_at_once = 0;         ///< 0: any
  int gpus = 0;                 ///< of jobs that search
  std::string partition, account, qos;
};

/// A unit's result in the ledger.
struct UnitName {
  int beam = 0, unit = 0;
  bool operator==(const UnitName&) const = default;
};

struct Submission {
  std::string name;                   ///< "tianyan-0123456789abcdef": unique, begins the jobs' names
  std::string program;                ///< this program's path
  std::string run;                    ///< absolute, as all paths here
  std::vector<std::string> inputs;    ///< as given
  std::string mask;                   ///< "": none
  std::vector<std::string> policies;  ///< files, beside the site's
  JobShape shape;
  std::vector<std::vector<UnitName>> parts;   ///< [part - 1]
  std::int64_t search_job = 0, sift_job = 0;  ///< 0: not submitted

  std::string search_name() const { return name + "-search"; }
  std::string sift_name() const { return name + "-sift"; }
};

/// Threads of each job: what the user wishes, limits.threads, or 4.
int job_threads(const Config& config, const JobWishes& wishes);

/// Sizes the jobs: parts of about half an hour by the model of `tianyan plan`, no more than there are units
/// and than an array can hold; three times that as time, and ten minutes; a fifth more memory than the plan's
/// and 0.5 GB. What the user wishes goes first. Throws std::invalid_argument, a line for each, where a policy
/// does not allow it.
JobShape shape_jobs(const Config& config, const JobWishes& wishes, const std::vector<Policy>& policies,
                    Plans& plans, std::vector<Beam>& beams, int max_array_size);

/// The shape with what the user wishes and within what policies allow. Throws as shape_jobs() does.
JobShape fit_shape(JobShape shape, const JobWishes& wishes, const std::vector<Policy>& policies);

/// Throws std::invalid_argument where the run's path has letters that a script's #SBATCH lines cannot hold.
void check_run_path(const std::string& run);

std::string search_script(const Submission& submission, const std::vector<int>& parts);
std::string sift_script(const Submission& submission);

void write_submission(const Submission& submission);
/// Throws std::runtime_error where the run was not submitted.
Submission read_submission(const std::string& run);

/// Parts of which the ledger lacks a unit, in order.
std::vector<int> parts_to_do(const Submission& submission);
/// Of one part, units that the ledger has.
int n_done(const Submission& submission, int part);

/// "1-3,7"
std::string array_text(const std::vector<int>& parts);

}  // namespace tianyan
