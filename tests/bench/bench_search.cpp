// The whole search of one beam, DM 0 to 1000, from recorded bytes in memory to candidates.
#include <chrono>
#include <memory>
#include <thread>

#include "pipeline/beam_search.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

// Gaussian noise of 8 bits: one window, recorded again and again.
class NoiseSource final : public Source {
 public:
  explicit NoiseSource(std::int64_t n_window) : info_(fast_stream(n_window * kWindow)) {
    fill_window(format_, 1, window_);
  }
  const StreamInfo& info() const override { return info_; }
  const SampleFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "noise"; }
  void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) override {
    expect(n_time <= kWindow, "noise of {} spectra at once; at most {} are made", n_time, kWindow);
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.reserve(n_time, kChannels);
    out.spans.assign(1, {});
    out.spans.front().end = n_time;
    std::memcpy(out.samples.data(), window_.samples.data(), static_cast<std::size_t>(n_time * kChannels));
  }

 private:
  StreamInfo info_;
  SampleFormat format_;
  std::vector<InputFile> files_;
  Losses losses_;
  RawBlock window_;
};

Config search_config(int n_threads) {
  Config config;
  config.search.dm_max_pc_cm3 = 1000.0;
  config.limits.threads = n_threads;
  return config;
}

constexpr std::int64_t kWindows = 16;  // 12.9 s of data

// Wall seconds of one beam on one thread: the least that this process has measured, 0 before that.
double one_thread_s = 0.0;

// `x_real_time` is seconds of data of all beams per second; `scaling` how many times that of one beam on one
// thread it is, where that was measured before.
void report_speed(benchmark::State& state, int n_beam, double wall_s, double additions) {
  const double data_s = n_beam * kWindows * kWindowS;
  state.counters["Gadd/s"] = additions * data_s / wall_s / 1e9;
  state.counters["x_real_time"] = data_s / wall_s;
  if (one_thread_s > 0.0) state.counters["scaling"] = n_beam * one_thread_s / wall_s;
}

// Searches some beams at once, each with a share of the threads. Memory is taken anew in each iteration, as
// each run takes it.
void search_at_once(benchmark::State& state, int n_beam, int n_threads) {
  std::vector<std::unique_ptr<NoiseSource>> sources;
  for (int b = 0; b < n_beam; ++b) sources.push_back(std::make_unique<NoiseSource>(kWindows));
  const auto config = search_config(n_threads);
  const int n_each = std::max(1, n_threads / n_beam);
  double footprint_bytes = 0.0, additions = 0.0, wall_s = 0.0;
  for (auto _ : state) {
    std::vector<std::unique_ptr<BeamSearch>> searches;
    for (auto& source : sources) searches.push_back(std::make_unique<BeamSearch>(config, *source, 1, n_each));
    const auto begin = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> threads;
      for (int b = 1; b < n_beam; ++b)
        threads.emplace_back([&, b] { searches[static_cast<std::size_t>(b)]->run({}); });
      searches.front()->run({});
    }
    wall_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    footprint_bytes = n_beam * static_cast<double>(searches.front()->footprint().total());
    additions = searches.front()->plan().additions_per_data_s;
  }
  wall_s /= static_cast<double>(state.iterations());
  if (n_beam == 1 && n_threads == 1)
    one_thread_s = one_thread_s > 0.0 ? std::min(one_thread_s, wall_s) : wall_s;
  report_speed(state, n_beam, wall_s, additions);
  state.counters["footprint_GB"] = footprint_bytes / 1e9;
}

void search_beam(benchmark::State& state) { search_at_once(state, 1, static_cast<int>(state.range(0))); }
void search_two_beams(benchmark::State& state) { search_at_once(state, 2, static_cast<int>(state.range(0))); }
BENCHMARK(search_beam)
    ->ArgName("threads")
    ->Apply(for_thread_counts)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kSecond);
BENCHMARK(search_two_beams)
    ->ArgName("threads")
    ->Arg(2)
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace tianyan
