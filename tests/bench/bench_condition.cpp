// The kernels of conditioning, slab by slab of 64 channels over all channels of a window, and downsampling.
#include "kernels/channel_stats.hpp"
#include "kernels/flag_times.hpp"
#include "kernels/quantise.hpp"
#include "kernels/unpack.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

constexpr double kSamples = static_cast<double>(kChannels) * kWindow;

// Unpacked samples of one slab: in the search too they are read again while the last cache holds them.
Array<float, 2> unpacked_noise() {
  Array<float, 2> x({kSlab, kWindow});
  fill_noise(x.data(), x.size(), 128.0F, 16.0F, 100.0F);
  return x;
}

struct Moments {
  Array<float, 1> mean{{kSlab}}, sigma{{kSlab}};
  Array<std::int64_t, 1> n_good{{kSlab}};
};

template <class Body>
void for_slabs(benchmark::State& state, const Work& work, const Body& body) {
  time_windows(state, work, [&] {
    for (int c = 0; c < kChannels; c += kSlab) body(c);
  });
}

void unpack_window(benchmark::State& state, const SampleFormat& format, int n_pol) {
  RawBlock block;
  fill_window(format, n_pol, block);
  const auto plan = make_unpack_plan(fast_stream(kWindow, n_pol), format);
  Array<float, 2> x({kSlab, kWindow});
  Array<float, 1> scratch({unpack_scratch_floats(kSlab)});
  for_slabs(state, {.bytes = static_cast<double>(block.samples.size()) + kSamples * sizeof(float)},
            [&](int c) { unpack(plan, block, c, x.view(), scratch.view()); });
}
BENCHMARK_CAPTURE(unpack_window, 8bit_1pol, SampleFormat{}, 1)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(unpack_window, 8bit_AABB, SampleFormat{.pol_kind = PolKind::kAaBb}, 2)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(unpack_window, 2bit_1pol, SampleFormat{.n_bits = 2, .high_bits_first = true}, 1)
    ->Unit(benchmark::kMillisecond);

void channel_stats_window(benchmark::State& state) {
  const auto x = unpacked_noise();
  const auto weights = full_weights();
  Moments m;
  for_slabs(state, {.bytes = kSamples * sizeof(float)}, [&](int c) {
    channel_stats(x.view(), weights, c, m.mean.view(), m.sigma.view(), m.n_good.view());
  });
}
BENCHMARK(channel_stats_window)->Unit(benchmark::kMillisecond);

void normalise_window(benchmark::State& state) {
  const auto x = unpacked_noise();
  const auto weights = full_weights();
  Moments m;
  channel_stats(x.view(), weights, 0, m.mean.view(), m.sigma.view(), m.n_good.view());
  Array<std::int8_t, 2> q({kChannels, kWindow});
  for_slabs(state, {.bytes = kSamples * (sizeof(float) + 1)}, [&](int c) {
    normalise(x.view(), m.mean.cview(), m.sigma.cview(), weights, c, q.view().slice(0, c, c + kSlab));
  });
}
BENCHMARK(normalise_window)->Unit(benchmark::kMillisecond);

void add_zero_dm_window(benchmark::State& state) {
  const auto q = quantised_noise(kChannels, kWindow);
  Array<std::int32_t, 1> z({kWindow});
  for_slabs(state, {.bytes = kSamples, .additions = kSamples},
            [&](int c) { add_zero_dm(q.view().slice(0, c, c + kSlab), z.view()); });
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
