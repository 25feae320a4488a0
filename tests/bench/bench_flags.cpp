// Rules of flagging, each on one window of one FAST beam, on one thread.
#include <cmath>

#include "kernels/arpls.hpp"
#include "kernels/beam_coincidence.hpp"
#include "kernels/level_ops.hpp"
#include "kernels/periodic.hpp"
#include "kernels/quiet_means.hpp"
#include "kernels/spectral_kurtosis.hpp"
#include "kernels/sum_threshold.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kCells = kWindow / kCellSamples;

// Sums of the cells of noise.
struct Cells {
  Array<std::int16_t, 2> sum{{kChannels, kCells}};
  Array<std::uint16_t, 2> squares{{kChannels, kCells}};
  void measure(View<const std::int8_t, 2> q) {
    for (std::int64_t c = 0; c < kChannels; ++c)
      cell_moments(q[c].data(), kCells, &sum(c, 0), &squares(c, 0));
  }
};

void cell_moments_window(benchmark::State& state) {
  const auto q = quantised_noise(kChannels, kWindow);
  Cells cells;
  time_windows(state, {.bytes = static_cast<double>(q.size())}, [&] { cells.measure(q.cview()); });
}
BENCHMARK(cell_moments_window)->Unit(benchmark::kMillisecond);

void quiet_means_window(benchmark::State& state) {
  Cells cells;
  cells.measure(quantised_noise(kChannels, kWindow).cview());
  Array<std::uint8_t, 2> count({kChannels, kCells}), rule({kChannels, kCells});
  std::fill_n(count.data(), count.size(), std::uint8_t{64});
  Array<float, 1> mean({kChannels});
  time_windows(state, {}, [&] {
    quiet_means(cells.sum.cview(), count.cview(), rule.cview(), 16.0 + 1.0 / 12.0, mean.view());
  });
}
BENCHMARK(quiet_means_window)->Unit(benchmark::kMillisecond);

void sum_threshold_window(benchmark::State& state) {
  Array<float, 2> x({kChannels, kCells});
  fill_noise(x.data(), x.size(), 0.0F, 1.0F, 100.0F);
  Array<std::uint8_t, 2> good({kChannels, kCells});
  std::fill_n(good.data(), good.size(), std::uint8_t{1});
  const RunThresholdParams params{.first_sigma = 12.0, .keep_sigma = 500.0 / 64.0, .margin_sigma = 4.0};
  const auto times = sum_thresholds(RunAxis::kTime, params),
             channels = sum_thresholds(RunAxis::kChannel, params);
  Array<std::int32_t, 1> scratch({std::max(sum_threshold_scratch_ints(RunAxis::kTime, kCells),
                                           sum_threshold_scratch_ints(RunAxis::kChannel, kChannels))});
  time_windows(state, {}, [&] {
    sum_threshold_times(times, x.cview(), good.view(), scratch.view());
    sum_threshold_channels(channels, x.cview(), good.view(), scratch.view());
  });
}
BENCHMARK(sum_threshold_window)->Unit(benchmark::kMillisecond);

void kurtosis_window(benchmark::State& state) {
  constexpr std::int64_t kPieces = 16;
  Array<double, 2> sum({kChannels, kPieces}), squares({kChannels, kPieces});
  Array<std::int32_t, 2> count({kChannels, kPieces});
  Array<std::uint8_t, 2> good({kChannels, kPieces});
  Array<float, 1> noise({kChannels * kPieces});
  fill_noise(noise.data(), noise.size(), 0.0F, 1.0F, 100.0F);
  for (std::int64_t i = 0; i < sum.size(); ++i) {
    sum.data()[i] = 1024.0 * 100.0;
    squares.data()[i] = 1024.0 * (1e4 + 144.0 * (1.0 + noise.data()[i] / 32.0));
    count.data()[i] = 1024;
    good.data()[i] = 1;
  }
  time_windows(state, {}, [&] {
    const double shape = kurtosis_shape(sum.cview(), squares.cview(), count.cview(), good.cview());
    flag_kurtosis({shape, 1e-9, 1.0}, sum.cview(), squares.cview(), count.cview(), good.view());
  });
}
BENCHMARK(kurtosis_window)->Unit(benchmark::kMillisecond);

void periodic_window(benchmark::State& state) {
  Array<std::int32_t, 1> z({kWindow});
  fill_noise(z.data(), kWindow, 0.0F, 256.0F, 2000.0F);
  Array<std::uint8_t, 1> good({kWindow});
  std::fill_n(good.data(), kWindow, std::uint8_t{1});
  const auto plan = make_periodic_plan({1.0 / 0.201326592, 50.0}, 500.0, kSampleTimeS, kWindow);
  time_windows(state, {}, [&] { find_periodic(plan, z.cview(), good.cview(), 9.2); });
}
BENCHMARK(periodic_window)->Unit(benchmark::kMillisecond);

void arpls_window(benchmark::State& state) {
  Array<double, 1> y({1024}), baseline({1024});
  Array<float, 1> noise({1024});
  Array<std::uint8_t, 1> good({1024});
  fill_noise(noise.data(), 1024, 0.0F, 1.0F, 100.0F);
  for (std::int64_t i = 0; i < 1024; ++i) {
    y(i) = 100.0 + 10.0 * std::sin(0.01 * static_cast<double>(i)) + noise(i);
    good(i) = 1;
  }
  time_windows(state, {}, [&] { arpls({}, y.cview(), good.cview(), baseline.view()); });
}
BENCHMARK(arpls_window)->Unit(benchmark::kMillisecond);

// All beams of the receiver at once.
void coincidence_window(benchmark::State& state) {
  std::vector<int> beams;
  for (int b = 1; b <= 19; ++b) beams.push_back(b);
  Array<float, 3> y({19, 64, kCells});
  Array<std::uint8_t, 3> good({19, 64, kCells});
  fill_noise(y.data(), y.size(), 0.0F, 1.0F, 100.0F);
  std::fill_n(good.data(), good.size(), std::uint8_t{1});
  time_windows(state, {}, [&] { flag_coincidences(beams, y.cview(), 6.0, good.view()); });
}
BENCHMARK(coincidence_window)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tianyan
