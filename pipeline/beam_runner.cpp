// Opening, planning and searching of beams by several workers.
#include "pipeline/beam_runner.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <thread>

#include "pipeline/interrupt.hpp"
#include "pipeline/progress.hpp"

namespace tianyan {
namespace {

// All that plans and footprints are made of.
bool is_same_stream(const Source& a, const Source& b) {
  const StreamInfo &x = a.info(), &y = b.info();
  return a.format() == b.format() && x.n_chan == y.n_chan && x.n_pol == y.n_pol &&
         x.freq_low_mhz == y.freq_low_mhz && x.channel_width_mhz == y.channel_width_mhz &&
         x.sample_time_s == y.sample_time_s && x.n_time == y.n_time;
}

std::vector<std::size_t> beams_to_do(const std::vector<Beam>& beams) {
  std::vector<std::size_t> todo;
  for (std::size_t i = 0; i < beams.size(); ++i)
    if (beams[i].failure.empty() && !beams[i].result) todo.push_back(i);
  return todo;
}

// The first exception that is no beam's failure: it stops all workers.
class FirstFailure {
 public:
  void set(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!is_set_) failure_ = std::move(failure);
    is_set_ = true;
  }
  bool is_set() const { return is_set_; }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::atomic<bool> is_set_ = false;
};

// Thrown in the workers that another one's exception stops.
struct Stopped {};

// The sum of the footprints of what runs, and the largest that it has been.
class MemoryCount {
 public:
  void add(std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    now_ += bytes;
    most_ = std::max(most_, now_);
  }
  std::int64_t most() const { return most_; }

 private:
  std::mutex mutex_;
  std::int64_t now_ = 0, most_ = 0;
};

class MemoryInUse {
 public:
  MemoryInUse(MemoryCount& count, std::int64_t bytes) : count_(count), bytes_(bytes) { count_.add(bytes_); }
  ~MemoryInUse() { count_.add(-bytes_); }
  MemoryInUse(const MemoryInUse&) = delete;
  MemoryInUse& operator=(const MemoryInUse&) = delete;

 private:
  MemoryCount& count_;
  std::int64_t bytes_;
};

// What the workers of a run share.
struct Shared {
  const SearchRequest& request;
  const RunDirectory& run;
  BeamProgress& progress;
  MemoryCount memory{};
  FirstFailure failure{};
};

BeamResult run_beam(Shared& shared, Beam& beam) {
  BeamSearch search(shared.request.config, *beam.source, beam.number, beam.n_threads, *beam.plan);
  beam.memory_bytes = search.footprint().total();
  const MemoryInUse memory(shared.memory, beam.memory_bytes);
  const auto sample_time_s = beam.source->info().sample_time_s;
  return search.run([&](double done_s) {
    shared.progress.update(beam.number, static_cast<std::int64_t>(done_s / sample_time_s));
    if (interrupted())
      throw Interrupted(fmt::format("stopped by a signal in beam M{:02d}; go on with --resume", beam.number));
    if (shared.failure.is_set()) throw Stopped{};
  });
}

void search_beam(Shared& shared, Beam& beam, int n_threads) {
  beam.n_threads = n_threads;
  shared.progress.begin(beam.number);
  try {
    beam.result = run_beam(shared, beam);
    shared.run.store(*beam.result);
  } catch (const std::runtime_error& e) {
    beam.result.reset();
    beam.failure = e.what();
  } catch (const std::bad_alloc&) {
    beam.failure = "the machine has too little memory";
  }
  shared.progress.end(beam.number, beam.source->info().n_time);
}

void search_wave(Shared& shared, const Wave& wave, std::vector<Beam>& beams) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&](int worker) {
    try {
      for (auto i = next++; i < wave.beams.size() && !shared.failure.is_set(); i = next++)
        search_beam(shared, beams[wave.beams[i]], wave.threads_of(worker));
    } catch (const Stopped&) {
    } catch (...) {
      shared.failure.set(std::current_exception());
    }
  };
  {
    std::vector<std::jthread> others;
    for (int worker = 1; worker < wave.n_worker; ++worker) others.emplace_back(work, worker);
    work(0);
  }
  shared.failure.rethrow();
}

}  // namespace

std::vector<Beam> open_beams(const FoundInputs& found) {
  std::vector<Beam> beams;
  for (const auto& input : found.beams) {
    Beam beam;
    beam.number = input.beam;
    try {
      beam.source = open_series(input.paths);
    } catch (const std::runtime_error& e) {
      beam.failure = e.what();
    }
    beams.push_back(std::move(beam));
  }
  return beams;
}

Plans::Plans(const Config& config, const std::vector<Beam>& beams) : config_(config), beams_(beams) {
  config_.limits.memory_bytes = std::numeric_limits<std::int64_t>::max();
}

const SearchPlan& Plans::of(std::size_t beam) {
  const auto kind = first_like(beam);
  const auto found = plans_.find(kind);
  if (found != plans_.end()) return found->second;
  return plans_[kind] = make_search_plan(config_, beams_[beam].source->info());
}

std::int64_t Plans::memory_bytes(std::size_t beam, int n_threads) {
  const auto key = std::pair{first_like(beam), n_threads};
  if (const auto found = memory_bytes_.find(key); found != memory_bytes_.end()) return found->second;
  const BeamSearch search(config_, *beams_[beam].source, beams_[beam].number, n_threads, of(beam));
  return memory_bytes_[key] = search.footprint().total();
}

std::vector<Wave> Plans::waves(const std::vector<std::size_t>& todo, const LimitsConfig& limits) {
  return make_waves(todo, thread_count(limits), limits.memory_bytes,
                    [&](std::size_t beam, int n_threads) { return memory_bytes(beam, n_threads); });
}

std::size_t Plans::first_like(std::size_t beam) const {
  std::size_t i = 0;
  while (!beams_[i].source || !is_same_stream(*beams_[i].source, *beams_[beam].source)) ++i;
  return i;
}

void bind_beams(const Config& config, Plans& plans, std::vector<Beam>& beams) {
  const auto opened = beams_to_do(beams);
  const int n_threads = thread_count(config.limits);
  const int n_worker = std::clamp(static_cast<int>(opened.size()), 1, n_threads);
  for (const auto i : opened) {
    try {
      beams[i].plan = &plans.of(i);
      beams[i].memory_bytes = plans.memory_bytes(i, (n_threads + n_worker - 1) / n_worker);
    } catch (const std::runtime_error& e) {
      beams[i].failure = e.what();
    }
  }
  const auto todo = beams_to_do(beams);
  require(!todo.empty(), "{}", beams.empty() ? "nothing to search" : beams.front().failure);
  for (const auto& wave : plans.waves(todo, config.limits))
    for (const auto i : wave.beams)
      if (plans.memory_bytes(i, wave.threads_of(0)) > config.limits.memory_bytes)
        BeamSearch(config, *beams[i].source, beams[i].number, wave.threads_of(0), plans.of(i));  // says why
}

Shares search_beams(const SearchRequest& request, const RunDirectory& run, Plans& plans,
                    std::vector<Beam>& beams) {
  for (auto& beam : beams)
    if (beam.failure.empty()) beam.result = run.load(beam.number, beam.source->files());
  const auto begin = std::chrono::steady_clock::now();
  const auto todo = beams_to_do(beams);
  std::int64_t n_sample = 0;
  for (const auto i : todo) n_sample += beams[i].source->info().n_time;
  const std::string name = todo.empty() ? "" : beams[todo.front()].source->info().source_name;
  BeamProgress progress(name, static_cast<int>(todo.size()), n_sample, request.quiet);
  Shared shared{request, run, progress};
  Shares shares;
  for (const auto& wave : plans.waves(todo, request.config.limits)) {
    shares.n_at_once = std::max(shares.n_at_once, wave.n_worker);
    search_wave(shared, wave, beams);
  }
  shares.memory_bytes = shared.memory.most();
  for (const auto i : todo)
    if (beams[i].result) shares.data_s += beams[i].source->info().duration_s();
  shares.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return shares;
}

}  // namespace tianyan
