// Waves of beams by memory and threads.
#include "pipeline/beam_waves.hpp"

#include <algorithm>

namespace tianyan {
namespace {

using Beams = std::vector<std::size_t>;
constexpr int kIdlePart = 8;  // of the threads, one in so many may be idle

// How many of the beams, the largest ones first, fit into the memory together.
int count_fitting(const Beams& beams, int n_threads, std::int64_t memory_bytes,
                  const FootprintOf& footprint) {
  std::vector<std::int64_t> bytes;
  for (const auto beam : beams) bytes.push_back(footprint(beam, n_threads));
  std::sort(bytes.begin(), bytes.end(), std::greater<>());
  int n = 0;
  for (const auto b : bytes) {
    if (b > memory_bytes) break;
    memory_bytes -= b;
    ++n;
  }
  return n;
}

// fitting(n_threads): how many beams fit that have so many each. Fewer beams have more threads and are no
// smaller, so what does not fit at once does not fit later.
template <class Fitting>
int count_workers(int n_beam, int n_threads, const Fitting& fitting) {
  const auto fits = [&](int n_worker) { return fitting((n_threads + n_worker - 1) / n_worker); };
  int most = std::min(n_beam, n_threads);
  for (int n = fits(most); n < most && most > 1; n = fits(most)) most = std::max(1, n);
  // Where a worker has fewer threads than others, these are idle until it is done.
  const auto n_idle = [&](int n_worker) { return n_threads % n_worker; };
  int best = most;
  for (int n = most; 2 * n > most && kIdlePart * n_idle(best) > n_threads; --n)
    if (n_idle(n) < n_idle(best) && fits(n) >= n) best = n;
  return best;
}

}  // namespace

std::vector<Wave> make_waves(Beams beams, int n_threads, std::int64_t memory_bytes,
                             const FootprintOf& footprint, int most_at_once) {
  std::vector<Wave> waves;
  while (!beams.empty()) {
    const auto fitting = [&](int n) { return count_fitting(beams, n, memory_bytes, footprint); };
    auto& wave = waves.emplace_back();
    wave.n_worker = count_workers(std::min(static_cast<int>(beams.size()), most_at_once), n_threads, fitting);
    wave.n_threads = n_threads;
    while (wave.n_worker == 1 && wave.n_threads > 1 && fitting(wave.n_threads) < 1) wave.n_threads /= 2;
    const auto end = beams.begin() + std::ssize(beams) / wave.n_worker * wave.n_worker;
    wave.beams.assign(beams.begin(), end);
    beams.erase(beams.begin(), end);
  }
  return waves;
}

}  // namespace tianyan
