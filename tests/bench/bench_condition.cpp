// The kernels of conditioning, slab by slab of 64 channels over all channels of a window, the whole stage,
// and downsampling.
#include "kernels/channel_stats.hpp"
#include "kernels/flag_channels.hpp"
#include "kernels/flag_times.hpp"
#include "kernels/quantise.hpp"
#include "kernels/row_variance.hpp"
#include "kernels/unpack.hpp"
#include "pipeline/condition.hpp"
#include "pipeline/host_levels.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

constexpr double kSamples = static_cast<double>(kChannels) * kWindow;
const SampleFormat kOnePol{}, kTwoPol{.pol_kind = PolKind::kAaBb},
    kTwoBit{.n_bits = 2, .high_bits_first = true}, kWide{.n_bits = 16};

// Rows of one slab, as unpack() makes them and as far apart as conditioning has them.
template <class T>
struct Slab {
  Array<T, 2> memory{{kSlab, kWindow + 64 / static_cast<std::int64_t>(sizeof(T))}};
  View<T, 2> rows = memory.view().slice(1, 0, kWindow);
  Slab() { fill_noise(memory.data(), memory.size(), 128.0F, 16.0F, 100.0F); }
};

struct Moments {
  Array<float, 1> mean{{kSlab}}, sigma{{kSlab}};
  Array<std::int64_t, 1> n_good{{kSlab}};
};

RowCalibration identity() {
  return {std::vector<double>(kChannels, 1.0), std::vector<double>(kChannels, 0.0)};
}

template <class Body>
void for_slabs(benchmark::State& state, const Work& work, const Body& body) {
  time_windows(state, work, [&] {
    for (int c = 0; c < kChannels; c += kSlab) body(c);
  });
}

template <class T>
void unpack_window(benchmark::State& state, T, const SampleFormat& format, int n_pol) {
  RawBlock block;
  fill_window(format, n_pol, block);
  const auto plan = make_unpack_plan(fast_stream(kWindow, n_pol), format);
  Slab<T> x;
  for_slabs(state, {.bytes = static_cast<double>(block.samples.size()) + kSamples * sizeof(T)},
            [&](int c) { unpack(plan, block, c, x.rows); });
}
BENCHMARK_CAPTURE(unpack_window, 8bit_1pol, std::uint8_t{}, kOnePol, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(unpack_window, 8bit_AABB, std::int16_t{}, kTwoPol, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(unpack_window, 2bit_1pol, std::uint8_t{}, kTwoBit, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(unpack_window, 8bit_1pol_as_float, float{}, kOnePol, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(unpack_window, 16bit_1pol, float{}, kWide, 1)->Unit(benchmark::kMillisecond);

template <class T, class... Calibration>
void channel_stats_window(benchmark::State& state, T, const Calibration&... calibration) {
  const Slab<T> x;
  const View<const T, 2> rows = x.rows;
  const auto weights = full_weights();
  Moments m;
  for_slabs(state, {.bytes = kSamples * sizeof(T)}, [&](int c) {
    channel_stats(rows, calibration..., weights, c, m.mean.view(), m.sigma.view(), m.n_good.view());
  });
}
BENCHMARK_CAPTURE(channel_stats_window, bytes, std::uint8_t{}, identity())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(channel_stats_window, int16, std::int16_t{}, identity())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(channel_stats_window, float, float{})->Unit(benchmark::kMillisecond);

template <class T, class... Calibration>
void normalise_window(benchmark::State& state, T, const Calibration&... calibration) {
  const Slab<T> x;
  const View<const T, 2> rows = x.rows;
  const auto weights = full_weights();
  Moments m;
  channel_stats(rows, calibration..., weights, 0, m.mean.view(), m.sigma.view(), m.n_good.view());
  Array<std::int8_t, 2> q({kChannels, kWindow});
  for_slabs(state, {.bytes = kSamples * (sizeof(T) + 1)}, [&](int c) {
    normalise(rows, calibration..., m.mean.cview(), m.sigma.cview(), weights, c, {},
              q.view().slice(0, c, c + kSlab));
  });
}
BENCHMARK_CAPTURE(normalise_window, bytes, std::uint8_t{}, identity())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(normalise_window, int16, std::int16_t{}, identity())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(normalise_window, float, float{})->Unit(benchmark::kMillisecond);

void flag_channels_window(benchmark::State& state) {
  Array<float, 1> mean({kChannels}), sigma({kChannels});
  fill_noise(mean.data(), kChannels, 1000.0F, 10.0F, 100.0F);
  fill_noise(sigma.data(), kChannels, 1000.0F, 10.0F, 100.0F);
  Array<std::int64_t, 1> n_good({kChannels});
  std::fill_n(n_good.data(), kChannels, kWindow);
  Array<std::uint8_t, 1> good({kChannels});
  time_windows(state, {}, [&] {
    std::fill_n(good.data(), kChannels, std::uint8_t{1});
    flag_channels(mean.cview(), sigma.cview(), n_good.cview(), 5.0, good.view());
  });
}
BENCHMARK(flag_channels_window)->Unit(benchmark::kMillisecond);

void flag_times_window(benchmark::State& state) {
  Array<std::int32_t, 1> z({kWindow});
  fill_noise(z.data(), kWindow, 0.0F, 256.0F, 2000.0F);
  Array<float, 1> sigma({kWindow});
  std::fill_n(sigma.data(), kWindow, 256.0F);
  Array<std::uint8_t, 1> good({kWindow});
  time_windows(state, {}, [&] {
    std::fill_n(good.data(), kWindow, std::uint8_t{1});
    flag_times(z.cview(), sigma.cview(), {}, 6.0, good.view());
  });
}
BENCHMARK(flag_times_window)->Unit(benchmark::kMillisecond);

void subbands_window(benchmark::State& state) {
  const auto weights = full_weights();
  const auto bound = variance_subbands(kChannels);
  Array<std::uint8_t, 1> good({kWindow});
  for (std::int64_t t = 0; t < kWindow; ++t) good(t) = t % 1000 > 10;
  const Array<float, 1> channel_mean({kChannels});
  Array<float, 2> weight({64, kWindow / 8}), mean({64, kWindow / 8});
  time_windows(state, {}, [&] {
    subband_weights(weights, good.cview(), bound, weight.view());
    subband_means(weights, good.cview(), bound, channel_mean.cview(), mean.view());
  });
}
BENCHMARK(subbands_window)->Unit(benchmark::kMillisecond);

// The whole stage; the channels of `q` lie a page and a line apart.
void condition_window(benchmark::State& state, const SampleFormat& format, int n_pol) {
  RawBlock block;
  fill_window(format, n_pol, block);
  const auto info = fast_stream(kWindow, n_pol);
  const auto n_threads = static_cast<int>(state.range(0));
  HostLevels levels(info, format, kWindow, n_threads);
  Conditioner conditioner(RfiConfig{}, info, format, kWindow, n_threads, levels);
  conditioner.allocate();
  Array<std::int8_t, 2> q({kChannels, kWindow + 64});
  levels.write_to(q.view().slice(1, 0, kWindow));
  Array<float, 2> weight({64, kWindow / 8}), mean({64, kWindow / 8});
  time_windows(state, {.bytes = static_cast<double>(block.samples.size()) + kSamples},
               [&] { conditioner.process(block, weight.view(), mean.view()); });
}
BENCHMARK_CAPTURE(condition_window, 8bit_1pol, kOnePol, 1)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(condition_window, 8bit_AABB, kTwoPol, 2)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(condition_window, 16bit_1pol, kWide, 1)
    ->ArgName("threads")
    ->Arg(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void add_zero_dm_window(benchmark::State& state) {
  const auto q = quantised_noise(kChannels, kWindow);
  Array<std::int16_t, 1> z({kWindow});
  for_slabs(state, {.bytes = kSamples, .additions = kSamples}, [&](int c) {
    std::fill_n(z.data(), kWindow, std::int16_t{0});
    add_zero_dm(q.view().slice(0, c, c + kSlab), z.view());
  });
}
BENCHMARK(add_zero_dm_window)->Unit(benchmark::kMillisecond);

void downsample_window(benchmark::State& state) {
  const auto fine = quantised_noise(kChannels, kWindow);
  Array<std::int8_t, 2> coarse({kChannels, kWindow / 2});
  const int shift = next_octave(QuantLevels{}).shift;
  for_slabs(state, {.bytes = 1.5 * kSamples}, [&](int c) {
    downsample(fine.view().slice(0, c, c + kSlab), shift, coarse.view().slice(0, c, c + kSlab));
  });
}
BENCHMARK(downsample_window)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tianyan
