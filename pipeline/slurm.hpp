// Slurm's commands: sbatch, squeue, sacct, scancel, scontrol.
//
// They run with argument vectors and without the SBATCH_* and SLURM_* variables of a job that we may be in.
// Slurm may lose an accepted job and give its number to another, and may accept one whose sbatch failed: so
// jobs are known by their names, which are unique to a submission.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tianyan {

struct SlurmJob {
  std::int64_t id = 0;  ///< of an array: that of its first job
  int task = 0;         ///< of an array; 0: none
  std::string name;
  std::string state;  ///< "RUNNING", "PENDING", "COMPLETED", ...
  std::string node;
  std::string elapsed;  ///< "1:02:03"
  std::string reason;   ///< why it waits, or "exit code 3"
};

/// Whether it is waiting, running, or on its way into or out of either.
bool is_alive(const SlurmJob& job);

class Slurm {
 public:
  /// Throws std::runtime_error where there is no Slurm.
  Slurm();

  /// Submits a script that is on the disk, with more options of sbatch, and gives the job's number. Where
  /// sbatch fails or says nothing in time, and a job of the name is there, that is it. Throws
  /// std::runtime_error with what sbatch said.
  std::int64_t submit(const std::string& script, const std::string& job_name,
                      const std::vector<std::string>& options) const;

  /// What Slurm knows of the jobs of the names, from its queue and then from its accounts, where it keeps
  /// any. Throws std::runtime_error where the queue cannot be read.
  std::vector<SlurmJob> jobs(const std::vector<std::string>& names) const;

  /// Cancels what is alive of the jobs of a name.
  void cancel(const std::string& name) const;

  /// MaxArraySize of this cluster: one more than the largest index of an array. 1001 where it does not say.
  int max_array_size() const;
};

/// Rows of `squeue --format=kQueueFormat` and of `sacct --parsable2 --format=kAccountFormat`. A row that is
/// none is left out.
inline constexpr const char* kQueueFormat = "%F|%K|%T|%M|%r|%N|%j";
inline constexpr const char* kAccountFormat = "JobID,State,Elapsed,ExitCode,NodeList,JobName";
std::vector<SlurmJob> parse_queue(const std::string& text);
std::vector<SlurmJob> parse_accounts(const std::string& text);

}  // namespace tianyan
