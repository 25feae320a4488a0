// What this machine can do at best: copying in main memory, adding in its caches.
#include <limits>

#include "kernels/row_ops.hpp"
#include "pipeline/parallel.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kCopyBytes = std::int64_t{256} << 20;  // each array; no machine's last cache holds two
constexpr std::int64_t kRowL1 = 4096, kRowL2 = 32768;         // int16: three rows are 24 and 192 KiB

// Two arrays, and copying one to the other with some threads.
class CopyTest {
 public:
  CopyTest() : from_({kCopyBytes}), to_({kCopyBytes}) {
    std::fill(from_.data(), from_.data() + kCopyBytes, std::uint8_t{1});
    run(1);
  }
  void run(int n_threads) {
    const std::int64_t part = kCopyBytes / n_threads;
    parallel_for(n_threads, n_threads, [&](std::int64_t i, int) {
      std::memcpy(to_.data() + i * part, from_.data() + i * part, static_cast<std::size_t>(part));
    });
    benchmark::ClobberMemory();
  }

 private:
  Array<std::uint8_t, 1> from_, to_;
};

// Adds rows of int16 with the program's own vector loop: two loads, an addition and a store.
class AddTest {
 public:
  explicit AddTest(std::int64_t n) : n_(n), rows_({3, n}) { fill_noise(rows_.data(), 2 * n, 0, 4, 31); }
  void run() {
    const std::int16_t* const in[] = {&rows_(0, 0), &rows_(1, 0)};
    sum_rows(in, 2, &rows_(2, 0), n_);
    benchmark::ClobberMemory();
  }

 private:
  std::int64_t n_;
  Array<std::int16_t, 2> rows_;
};

// CPU seconds of the fastest of some runs, as the kernels are timed.
template <class Body>
double best_s(int n_runs, const Body& body) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < n_runs; ++i) {
    const auto begin = std::clock();
    body();
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  return best;
}

MachineLimits measure_limits() {
  CopyTest copy;
  AddTest add(kRowL2);
  constexpr int kRepeats = 1000;  // a row alone is too short for the clock
  const auto add_often = [&] {
    for (int i = 0; i < kRepeats; ++i) add.run();
  };
  return {2.0 * kCopyBytes / best_s(5, [&] { copy.run(1); }),
          kRepeats * double{kRowL2} / best_s(5, add_often)};
}

void copy_memory(benchmark::State& state) {
  CopyTest test;
  for (auto _ : state) test.run(static_cast<int>(state.range(0)));
  state.counters["bytes"] =
      benchmark::Counter(2.0 * kCopyBytes, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(copy_memory)->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

void add_int16(benchmark::State& state) {
  AddTest test(state.range(0));
  for (auto _ : state) test.run();
  state.counters["adds"] =
      benchmark::Counter(static_cast<double>(state.range(0)), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(add_int16)->ArgName("row")->Arg(kRowL1)->Arg(kRowL2);

}  // namespace

const MachineLimits& machine_limits() {
  static const MachineLimits limits = measure_limits();
  return limits;
}

}  // namespace tianyan
