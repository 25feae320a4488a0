// A search of all beams of a scan into a run directory.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/config.hpp"
#include "pipeline/exit_code.hpp"
#include "pipeline/run_directory.hpp"

namespace tianyan {

struct SearchRequest {
  Config config;
  std::vector<std::string> inputs;
  std::string run_directory;
  ExistingRun existing = ExistingRun::kRefuse;
  bool quiet = false;
};

/// What a search says when it is over.
struct SearchSummary {
  ExitCode exit_code = ExitCode::kDone;
  std::int64_t n_beam = 0, n_failed = 0, n_candidate = 0;
  std::vector<std::string> remarks;  ///< one line each: what was skipped, lost or cut short
};

/// Beams that share the machine: `n_worker` of them run at once, each worker takes the next one when it is
/// done.
struct Wave {
  std::vector<std::size_t> beams;
  int n_worker = 1;
  int n_threads = 1;  ///< of all workers together
  /// Of one worker's beam; the first workers have one more where they cannot be equal.
  int threads_of(int worker) const { return n_threads / n_worker + (worker < n_threads % n_worker ? 1 : 0); }
};

/// Bytes that a beam takes when it has some threads: never fewer with more threads.
using FootprintOf = std::function<std::int64_t(std::size_t beam, int n_threads)>;

/// Every beam in one wave, in order. A wave has as many workers as there are beams left, threads, and beams
/// whose footprints' sum stays within the memory whichever of them run at once; fewer, but more than half as
/// many, where that makes their threads more equal. In all waves each worker has equally many beams to do: 19
/// on 16 threads are 16 with one thread each, then 3 with 6, 5 and 5. Where one beam alone is too large it
/// gets fewer threads, at least one, with which it may still be too large.
std::vector<Wave> make_waves(std::vector<std::size_t> beams, int n_threads, std::int64_t memory_bytes,
                             const FootprintOf& footprint);

/// Beams are searched in waves, within the memory limit for the sum of what runs at once: results are those
/// of one beam after another. Every beam is opened and planned before the run directory is made: a config
/// that cannot work leaves nothing behind. A beam that fails in mid-run is named and does not stop the
/// others. Throws std::invalid_argument for the config, std::runtime_error where nothing could be searched or
/// the output cannot be written.
SearchSummary run_search(const SearchRequest& request);

}  // namespace tianyan
