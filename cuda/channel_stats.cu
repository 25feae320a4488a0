// Robust statistics on a device: the samples of a channel are counted by value, and all passes work on the
// counts.
#include "cuda/channel_stats.hpp"

#include "cuda/device_code.cuh"
#include "cuda/reduce.cuh"

namespace tianyan {
namespace {

constexpr int kThreads = 256;

// How often each value occurs in a channel, [value]: in the sparse runs of its spans, and outside them.
struct Counts {
  const unsigned *sparse, *others;
  int most;  // the largest value

  __device__ std::int64_t of(int value, bool sparse_alone) const {
    return std::int64_t{sparse[value]} + (sparse_alone ? 0 : others[value]);
  }
};

// By a whole warp: the same result in every lane.
__device__ ClippedMoments moments_of(const Counts& counts, double location, double half, bool sparse) {
  const auto in = bounds_within(location, half, counts.most);
  std::int64_t n = 0, sum = 0, squares = 0;
  for (int v = in.low + static_cast<int>(threadIdx.x) % kWarp; v <= in.high; v += kWarp) {
    const auto count = counts.of(v, sparse);
    n += count;
    sum += count * v;
    squares += count * v * v;
  }
  return integer_moments(warp_sum(n), warp_sum(sum), warp_sum(squares), location);
}

__device__ Gaussian clipped_gaussian(const Counts& counts, std::int64_t n_good) {
  Gaussian g;
  for (int pass = 0; pass < kSparsePasses + kFullPasses; ++pass) {
    const bool sparse = pass < kSparsePasses;
    g = next_pass(g, moments_of(counts, g.mean, kClipSigma * g.sigma, sparse), sparse, n_good);
  }
  return g;
}

struct Results {
  DeviceView<float, 1> mean, sigma;
  DeviceView<std::int64_t, 1> n_good;
};

// A block: one channel. Its first warp makes the passes.
template <class T>
__global__ void __launch_bounds__(kThreads)
    count_and_clip(DeviceView<const T, 2> x, DeviceCalibration calibration, DeviceWeights w, int chan_begin,
                   Results results) {
  constexpr int kValues = sizeof(T) == 1 ? 256 : 512;
  __shared__ unsigned counts[2][kValues];
  const auto i = static_cast<std::int64_t>(blockIdx.x), c = chan_begin + i;
  for (int k = static_cast<int>(threadIdx.x); k < 2 * kValues; k += kThreads)
    counts[k / kValues][k % kValues] = 0;
  __syncthreads();
  for (int s = 0; s < w.n_span; ++s) {
    if (!w.is_good(s, c)) continue;
    const auto begin = w.begin(s), end = w.begin(s + 1);
    for (auto t = begin + threadIdx.x; t < end; t += kThreads)
      atomicAdd(&counts[(t - begin) % kSparseStep < kSparseRun ? 0 : 1][x(i, t)], 1U);
  }
  __syncthreads();
  if (threadIdx.x >= kWarp) return;
  const Counts of_channel{counts[0], counts[1], kValues - 1};
  std::int64_t n_good = 0;
  for (int s = 0; s < w.n_span; ++s) n_good += w.is_good(s, c) ? w.begin(s + 1) - w.begin(s) : 0;
  const auto g = clipped_gaussian(of_channel, n_good);
  const auto intensities = calibrated(g, calibration.scale(c), calibration.offset(c));
  if (threadIdx.x != 0) return;
  results.mean(i) = n_good > 0 ? static_cast<float>(intensities.mean) : 0.0F;
  results.sigma(i) = n_good > 0 ? static_cast<float>(intensities.sigma) : 0.0F;
  results.n_good(i) = n_good;
}

}  // namespace

template <class T>
void channel_stats(DeviceView<const T, 2> x, const DeviceCalibration& calibration, const DeviceWeights& w,
                   int chan_begin, DeviceView<float, 1> mean, DeviceView<float, 1> sigma,
                   DeviceView<std::int64_t, 1> n_good, const Stream& stream) {
  const auto n = x.shape(0);
  expect(chan_begin >= 0 && chan_begin + n <= w.n_chan, "statistics of channels [{}, {}) of {}", chan_begin,
         chan_begin + n, w.n_chan);
  expect(w.n_span >= 1 && w.n_time == x.shape(1), "weights over {} samples for {}", w.n_time, x.shape(1));
  expect(mean.shape(0) == n && sigma.shape(0) == n && n_good.shape(0) == n,
         "statistics of {} channels into {}, {}, {}", n, mean.shape(0), sigma.shape(0), n_good.shape(0));
  expect(calibration.scale.shape(0) == w.n_chan && calibration.offset.shape(0) == w.n_chan,
         "calibrations of {} and {} channels for {}", calibration.scale.shape(0), calibration.offset.shape(0),
         w.n_chan);
  expect(x.rows_contiguous(), "statistics need contiguous rows");
  launch({stream, n_block(n, 1), kThreads}, count_and_clip<T>, x, calibration, w, chan_begin,
         Results{mean, sigma, n_good});
}
template void channel_stats(DeviceView<const std::uint8_t, 2>, const DeviceCalibration&, const DeviceWeights&,
                            int, DeviceView<float, 1>, DeviceView<float, 1>, DeviceView<std::int64_t, 1>,
                            const Stream&);
template void channel_stats(DeviceView<const std::int16_t, 2>, const DeviceCalibration&, const DeviceWeights&,
                            int, DeviceView<float, 1>, DeviceView<float, 1>, DeviceView<std::int64_t, 1>,
                            const Stream&);

}  // namespace tianyan
