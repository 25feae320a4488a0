// Windows of beams in step.
#include "pipeline/in_step.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "kernels/base/beam_layout.hpp"
#include "kernels/beam_coincidence.hpp"

namespace tianyan {
namespace {

// Threads that wait for loops over beams; OpenMP keeps a team for each, so they live as long as the run.
class Workers {
 public:
  explicit Workers(int n) : turn_(n) {
    for (int i = 1; i < n; ++i) threads_.emplace_back([this] { serve(); });
  }
  ~Workers() {
    stop_ = true;
    turn_.arrive_and_wait();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// body(i), i in [0, n). The first exception is rethrown when all have stopped.
  void run(std::size_t n, const std::function<void(std::size_t)>& body) {
    body_ = &body;
    n_ = n;
    next_ = 0;
    turn_.arrive_and_wait();
    work();
    turn_.arrive_and_wait();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  void serve() {
    for (;;) {
      turn_.arrive_and_wait();
      if (stop_) return;
      work();
      turn_.arrive_and_wait();
    }
  }
  void work() {
    try {
      for (auto i = next_++; i < n_; i = next_++) (*body_)(i);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  std::barrier<> turn_;
  const std::function<void(std::size_t)>* body_ = nullptr;
  std::size_t n_ = 0;
  std::atomic<std::size_t> next_ = 0;
  bool stop_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;
};

// Cells of the reduced plane of the beams that have a window now.
struct Planes {
  std::vector<int> beams;
  Array<float, 3> sum;
  Array<std::uint8_t, 3> good;
};

void collect(const std::vector<BeamStream*>& streams, const std::vector<std::size_t>& now, Workers& workers,
             Planes& planes) {
  const auto& first = streams[now.front()]->conditioner();
  const std::int64_t n = std::ssize(now), n_subband = std::ssize(first.subbands()) - 1,
                     n_cell = first.flags().n_cell();
  if (planes.sum.shape(0) != n) {
    planes.sum = Array<float, 3>({n, n_subband, n_cell});
    planes.good = Array<std::uint8_t, 3>({n, n_subband, n_cell});
  }
  planes.beams.clear();
  for (const auto i : now) planes.beams.push_back(streams[i]->beam());
  workers.run(now.size(), [&](std::size_t i) {
    const auto at = static_cast<std::int64_t>(i);
    streams[now[i]]->conditioner().subband_cells(planes.sum.view()[at], planes.good.view()[at]);
  });
}

}  // namespace

bool can_tell_beams(const std::vector<int>& beams) {
  for (const int a : beams)
    for (const int b : beams) {
      const bool known = a >= 1 && a <= kNumBeams && b >= 1 && b <= kNumBeams;
      if (known && a != b && !are_neighbours(a, b)) return true;
    }
  return false;
}

void run_in_step(const std::vector<BeamStream*>& streams, double threshold_sigma, int n_worker,
                 const std::function<void(std::size_t)>& window_done,
                 const std::function<void(std::size_t, std::exception_ptr)>& failed,
                 const std::function<void(std::size_t)>& stream_done) {
  enum class State { kRuns, kEnded, kFailed };
  std::vector<State> state(streams.size(), State::kRuns);
  std::mutex mutex;
  std::exception_ptr failure;  // what `failed` threw
  const auto guarded = [&](std::size_t i, const std::function<void()>& body) {
    try {
      body();
    } catch (...) {
      state[i] = State::kFailed;
      const std::lock_guard lock(mutex);
      try {
        failed(i, std::current_exception());
      } catch (...) {
        if (!failure) failure = std::current_exception();
      }
    }
  };
  std::vector<int> beams;
  for (const auto* stream : streams) beams.push_back(stream->beam());
  const bool judged = can_tell_beams(beams);
  Workers workers(n_worker);
  Planes planes;
  for (;;) {
    workers.run(streams.size(), [&](std::size_t i) {
      if (state[i] == State::kRuns)
        guarded(i, [&] { state[i] = streams[i]->measure() ? State::kRuns : State::kEnded; });
    });
    std::vector<std::size_t> now;
    for (std::size_t i = 0; i < streams.size(); ++i)
      if (state[i] == State::kRuns) now.push_back(i);
    if (now.empty() || failure) break;
    if (judged) {
      collect(streams, now, workers, planes);
      flag_coincidences(planes.beams, planes.sum.cview(), threshold_sigma, planes.good.view());
    }
    workers.run(now.size(), [&](std::size_t k) {
      guarded(now[k], [&] {
        if (judged) {
          const auto good = planes.good.cview()[static_cast<std::int64_t>(k)];
          streams[now[k]]->take(&good);
        } else {
          streams[now[k]]->take(nullptr);
        }
        window_done(now[k]);
      });
    });
    if (failure) break;
  }
  if (stream_done && !failure)
    workers.run(streams.size(), [&](std::size_t i) {
      if (state[i] == State::kEnded) guarded(i, [&] { stream_done(i); });
    });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tianyan
