// The whole search of one beam, DM 0 to 1000, from recorded bytes in memory to candidates.
#include <memory>

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

// Memory is taken anew in each iteration, as each run takes it.
void search_beam(benchmark::State& state) {
  NoiseSource source(state.range(0));
  const auto n_threads = static_cast<int>(state.range(1));
  const double data_s = source.info().duration_s();
  double footprint_bytes = 0.0, additions = 0.0, seconds = 0.0;
  for (auto _ : state) {
    BeamSearch search(search_config(n_threads), source, 1, n_threads);
    const auto result = search.run({});
    seconds += result.seconds;
    footprint_bytes = static_cast<double>(search.footprint().total());
    additions = search.plan().additions_per_data_s * data_s;
  }
  const double per_s = static_cast<double>(state.iterations()) / seconds;
  state.counters["Gadd/s"] = additions * per_s / 1e9;
  state.counters["x_real_time"] = data_s * per_s;
  state.counters["footprint_GB"] = footprint_bytes / 1e9;
}
BENCHMARK(search_beam)
    ->ArgNames({"windows", "threads"})
    ->Args({16, 1})
    ->Args({16, 2})
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace tianyan
