// What this machine can do at best: copying in main memory, adding in its caches.
#include <omp.h>

#include <chrono>
#include <functional>
#include <limits>

#include "kernels/row_ops.hpp"
#include "pipeline/parallel.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kCopyBytes = std::int64_t{256} << 20;  // each array; no machine's last cache holds two
constexpr std::int64_t kPieceBytes = std::int64_t{16} << 20;  // copied at once, each time another one
constexpr int kRows =
    4;  // that are summed: five with the sum are 20 KiB in the first cache, 160 in the second
constexpr std::int64_t kRowL1Bytes = 4096, kRowL2Bytes = 32768;
constexpr int kTurns = 20;
constexpr double kTurnS = 0.015;  // 0.3 s of each limit, within 1.5 s

// Two arrays; each run copies the next piece of one to the other with some threads.
class CopyTest {
 public:
  CopyTest() : from_({kCopyBytes}), to_({kCopyBytes}) {
    std::fill(from_.data(), from_.data() + kCopyBytes, std::uint8_t{1});
    std::fill(to_.data(), to_.data() + kCopyBytes, std::uint8_t{2});
  }
  void run(int n_threads) {
    const std::int64_t part = kPieceBytes / n_threads;
    parallel_for(n_threads, n_threads, [&](std::int64_t i, int) {
      std::memcpy(to_.data() + at_ + i * part, from_.data() + at_ + i * part, static_cast<std::size_t>(part));
    });
    at_ = (at_ + kPieceBytes) % kCopyBytes;
    benchmark::ClobberMemory();
  }

 private:
  Array<std::uint8_t, 1> from_, to_;
  std::int64_t at_ = 0;
};

// Sums rows of integers with the search's own vector loop.
template <class T>
class AddTest {
 public:
  explicit AddTest(std::int64_t row_bytes)
      : n_(row_bytes / static_cast<std::int64_t>(sizeof(T))), rows_({kRows + 1, n_}) {
    fill_noise(rows_.data(), rows_.size(), 0, 4, 31);
  }
  double additions() const { return static_cast<double>((kRows - 1) * n_); }
  void run() {
    const T* rows[kRows];
    for (int j = 0; j < kRows; ++j) rows[j] = &rows_(j, 0);
    sum_rows(rows, kRows, &rows_(kRows, 0), n_);
    benchmark::ClobberMemory();
  }

 private:
  // Rows whose addresses agree in their last 12 bits are slower to read and write in turn.
  static constexpr std::int64_t kPad = 64 / sizeof(T);

  std::int64_t n_;
  Array<T, 2> rows_;
};

// One limit: work of a run, and the rate of the fastest run so far. Wall time: where other work takes the
// processor, a run is not the fastest.
class Limit {
 public:
  Limit(double work, std::function<void()> run) : work_(work), run_(std::move(run)) {}
  double rate() const { return work_ / best_s_; }
  void measure_for(double seconds) {
    for (const auto start = Clock::now(); seconds_since(start) < seconds;) {
      const auto begin = Clock::now();
      run_();
      best_s_ = std::min(best_s_, seconds_since(begin));
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  double work_;
  std::function<void()> run_;
  double best_s_ = std::numeric_limits<double>::infinity();
};

Limit copy_limit(CopyTest& copy, int n_threads) {
  return {2.0 * kPieceBytes, [&copy, n_threads] { copy.run(n_threads); }};
}

template <class T>
Limit addition_limit(AddTest<T>& add) {
  constexpr int kRepeats = 100;  // a row alone is too short for the clock
  return {kRepeats * add.additions(), [&add] {
            for (int i = 0; i < kRepeats; ++i) add.run();
          }};
}

// All limits in turn, many times: what else the machine does cannot meet every turn of one.
MachineLimits measure_limits() {
  CopyTest copy;
  AddTest<std::int16_t> l1(kRowL1Bytes), l2(kRowL2Bytes);
  AddTest<std::int32_t> wide(kRowL1Bytes);
  Limit limits[] = {copy_limit(copy, 1), copy_limit(copy, omp_get_num_procs()), addition_limit(l1),
                    addition_limit(l2), addition_limit(wide)};
  for (int turn = 0; turn < kTurns; ++turn)
    for (auto& limit : limits) limit.measure_for(kTurnS);
  return {limits[0].rate(), limits[1].rate(), limits[2].rate(), limits[3].rate(), limits[4].rate()};
}

// The limits that the other benchmarks' fractions refer to.
void limits(benchmark::State& state) {
  const auto& limits = machine_limits();
  for (auto _ : state) benchmark::ClobberMemory();
  state.counters["copy_GB/s"] = limits.copy_bytes_s / 1e9;
  state.counters["copy_all_GB/s"] = limits.copy_all_bytes_s / 1e9;
  state.counters["int16_l1_Gadd/s"] = limits.additions_l1_s / 1e9;
  state.counters["int16_l2_Gadd/s"] = limits.additions_l2_s / 1e9;
  state.counters["int32_l1_Gadd/s"] = limits.additions32_l1_s / 1e9;
}
BENCHMARK(limits)->Iterations(1);

void copy_memory(benchmark::State& state) {
  CopyTest test;
  for (auto _ : state) test.run(static_cast<int>(state.range(0)));
  state.counters["bytes"] =
      benchmark::Counter(2.0 * kPieceBytes, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(copy_memory)
    ->ArgName("threads")
    ->Apply(for_thread_counts)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

template <class T>
void add_rows(benchmark::State& state) {
  AddTest<T> test(state.range(0));
  for (auto _ : state) test.run();
  state.counters["adds"] =
      benchmark::Counter(test.additions(), benchmark::Counter::kIsIterationInvariantRate);
}
void add_int16(benchmark::State& state) { add_rows<std::int16_t>(state); }
void add_int32(benchmark::State& state) { add_rows<std::int32_t>(state); }
BENCHMARK(add_int16)->ArgName("row_bytes")->Arg(kRowL1Bytes)->Arg(kRowL2Bytes);
BENCHMARK(add_int32)->ArgName("row_bytes")->Arg(kRowL1Bytes)->Arg(kRowL2Bytes);

}  // namespace

const MachineLimits& machine_limits() {
  static const MachineLimits limits = measure_limits();
  return limits;
}

void for_thread_counts(benchmark::internal::Benchmark* benchmark) {
  const int most = omp_get_num_procs();
  for (int n = 1; n < most; n *= 2) benchmark->Arg(n);
  benchmark->Arg(most);
}

}  // namespace tianyan
