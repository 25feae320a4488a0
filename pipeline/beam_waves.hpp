// Which beams are searched at once, and with how many threads each.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace tianyan {

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
/// gets fewer threads, at least one, with which it may still be too large. No more than most_at_once run.
std::vector<Wave> make_waves(std::vector<std::size_t> beams, int n_threads, std::int64_t memory_bytes,
                             const FootprintOf& footprint,
                             int most_at_once = std::numeric_limits<int>::max());

}  // namespace tianyan
