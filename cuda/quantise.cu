// Normalisation and downsampling on a device.
#include "cuda/quantise.hpp"

#include "cuda/device_code.cuh"
#include "kernels/sample_ops.hpp"

namespace tianyan {
namespace {

constexpr int kThreads = 256;

// What normalisation needs besides the samples; channel i of x is channel chan_begin + i of calibration and
// weights.
struct Levels {
  DeviceCalibration calibration;
  DeviceView<const float, 1> mean, sigma;
  DeviceWeights weights;
  int chan_begin = 0;
  DeviceWave shared;
};

constexpr int kSamplesPerThread = 16;

// A block: kThreads * kSamplesPerThread neighbouring samples of one channel.
template <class T>
__global__ void __launch_bounds__(kThreads)
    quantise_rows(DeviceView<const T, 2> x, Levels levels, DeviceView<std::int8_t, 2> q) {
  const auto i = static_cast<std::int64_t>(blockIdx.x), c = levels.chan_begin + i;
  const auto scale =
      level_scale(levels.mean(i), levels.sigma(i), levels.calibration.scale(c), levels.calibration.offset(c));
  const float factor = levels.shared.any() ? levels.shared.factor(i) : 0.0F;
  const auto& w = levels.weights;
  const auto first = static_cast<std::int64_t>(blockIdx.y) * kThreads * kSamplesPerThread,
             end = min(first + kThreads * kSamplesPerThread, x.shape(1));
  int span = 0;
  for (auto t = first + threadIdx.x; t < end; t += kThreads) {
    while (w.begin(span + 1) <= t) ++span;
    const float away = factor != 0.0F ? factor * static_cast<float>(levels.shared.wave(t)) : 0.0F;
    const bool good = w.is_good(span, c) && scale.gain != 0.0F;
    q(i, t) = good ? quantised(static_cast<float>(x(i, t)), scale.centre, scale.gain, float{kQuantClip}, away)
                   : std::int8_t{0};
  }
}

// A block: kThreads neighbouring samples of one channel.
__global__ void __launch_bounds__(kThreads)
    halve(DeviceView<const std::int8_t, 2> fine, int shift, DeviceView<std::int8_t, 2> coarse) {
  const auto c = static_cast<std::int64_t>(blockIdx.x);
  const auto t = static_cast<std::int64_t>(blockIdx.y) * kThreads + threadIdx.x;
  if (t >= coarse.shape(1)) return;
  int sum = fine(c, 2 * t) + fine(c, 2 * t + 1);
  if (shift == 1) sum = (sum + ((sum >> 1) & 1)) >> 1;
  coarse(c, t) = static_cast<std::int8_t>(min(max(sum, -127), 127));
}

}  // namespace

template <class T>
void normalise(DeviceView<const T, 2> x, const DeviceCalibration& calibration,
               DeviceView<const float, 1> mean, DeviceView<const float, 1> sigma, const DeviceWeights& w,
               int chan_begin, const DeviceWave& shared, DeviceView<std::int8_t, 2> q, const Stream& stream) {
  const auto n_chan = x.shape(0), n_time = x.shape(1);
  expect(q.shape(0) == n_chan && q.shape(1) == n_time, "normalising {} x {} samples into {} x {}", n_chan,
         n_time, q.shape(0), q.shape(1));
  expect(mean.shape(0) == n_chan && sigma.shape(0) == n_chan,
         "normalising {} channels by {} means, {} sigmas", n_chan, mean.shape(0), sigma.shape(0));
  expect(chan_begin >= 0 && chan_begin + n_chan <= w.n_chan, "normalising channels [{}, {}) of {}",
         chan_begin, chan_begin + n_chan, w.n_chan);
  expect(w.n_span >= 1 && w.n_time == n_time, "weights over {} samples for {}", w.n_time, n_time);
  expect(calibration.scale.shape(0) == w.n_chan && calibration.offset.shape(0) == w.n_chan,
         "calibrations of {} and {} channels for {}", calibration.scale.shape(0), calibration.offset.shape(0),
         w.n_chan);
  expect(!shared.any() || (shared.wave.shape(0) == n_time && shared.factor.shape(0) == n_chan),
         "a wave of {} samples and {} factors for {} x {} samples", shared.wave.shape(0),
         shared.factor.shape(0), n_chan, n_time);
  expect(x.rows_contiguous() && q.rows_contiguous() && shared.wave.rows_contiguous(),
         "normalising needs contiguous rows");
  const dim3 grid(n_block(n_chan, 1), n_block(n_time, kThreads * kSamplesPerThread));
  launch({stream, grid, kThreads}, quantise_rows<T>, x,
         Levels{calibration, mean, sigma, w, chan_begin, shared}, q);
}
template void normalise(DeviceView<const std::uint8_t, 2>, const DeviceCalibration&,
                        DeviceView<const float, 1>, DeviceView<const float, 1>, const DeviceWeights&, int,
                        const DeviceWave&, DeviceView<std::int8_t, 2>, const Stream&);
template void normalise(DeviceView<const std::int16_t, 2>, const DeviceCalibration&,
                        DeviceView<const float, 1>, DeviceView<const float, 1>, const DeviceWeights&, int,
                        const DeviceWave&, DeviceView<std::int8_t, 2>, const Stream&);

void downsample(DeviceView<const std::int8_t, 2> fine, int shift, DeviceView<std::int8_t, 2> coarse,
                const Stream& stream) {
  expect(fine.shape(0) == coarse.shape(0) && fine.shape(1) == 2 * coarse.shape(1),
         "downsampling {} x {} samples into {} x {}", fine.shape(0), fine.shape(1), coarse.shape(0),
         coarse.shape(1));
  expect(shift == 0 || shift == 1, "downsampling with a shift of {}; 0 or 1 are possible", shift);
  const dim3 grid(n_block(coarse.shape(0), 1), n_block(coarse.shape(1), kThreads));
  launch({stream, grid, kThreads}, halve, fine, shift, coarse);
}

}  // namespace tianyan
