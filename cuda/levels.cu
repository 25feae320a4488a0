// Sums of levels, and levels that become zero, on a device.
#include "cuda/levels.hpp"

#include "cuda/device_code.cuh"
#include "cuda/reduce.cuh"

namespace tianyan {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kMaxBandChannels = 256;

// A warp: one cell. Squares add up to at most 64 * 31^2 < 2^16, so that both sums fit in 32 bits.
__global__ void __launch_bounds__(kThreads)
    sum_cells(DeviceView<const std::int8_t, 2> q, DeviceView<std::int16_t, 2> sum,
              DeviceView<std::uint16_t, 2> squares) {
  const auto c = static_cast<std::int64_t>(blockIdx.x);
  const auto k = static_cast<std::int64_t>(blockIdx.y) * kWarps + threadIdx.x / kWarp;
  if (k >= sum.shape(1)) return;
  int both = 0;
  for (int i = static_cast<int>(threadIdx.x) % kWarp; i < kCellSamples; i += kWarp) {
    const int v = q(c, k * kCellSamples + i);
    both += v * 65536 + v * v;
  }
  both = warp_sum(both);
  if (threadIdx.x % kWarp != 0) return;
  squares(c, k) = static_cast<std::uint16_t>(both & 0xFFFF);
  sum(c, k) = static_cast<std::int16_t>(both >> 16);
}

// A thread: one time of one band.
__global__ void __launch_bounds__(kThreads)
    add_bands(DeviceView<const std::int8_t, 2> q, int band_channels, DeviceView<std::int16_t, 2> z) {
  const auto b = static_cast<std::int64_t>(blockIdx.x);
  const auto t = static_cast<std::int64_t>(blockIdx.y) * kThreads + threadIdx.x;
  if (t >= z.shape(1)) return;
  const auto end = min((b + 1) * band_channels, q.shape(0));
  int sum = 0;
  for (auto c = b * band_channels; c < end; ++c) sum += q(c, t);
  z(b, t) = static_cast<std::int16_t>(sum);
}

// Who says that a sample is dropped.
struct Channels {
  DeviceView<const std::uint8_t, 1> good;
  __device__ bool drop(std::int64_t c, std::int64_t) const { return good(c) == 0; }
};
struct Times {
  DeviceView<const std::uint8_t, 1> good;
  __device__ bool drop(std::int64_t, std::int64_t t) const { return good(t) == 0; }
};
struct Cells {
  DeviceView<const std::uint8_t, 2> rule;
  __device__ bool drop(std::int64_t c, std::int64_t t) const { return rule(c, t / kCellSamples) != 0; }
};

// A thread: one sample.
template <class Judge>
__global__ void __launch_bounds__(kThreads) drop(Judge judge, DeviceView<std::int8_t, 2> q) {
  const auto c = static_cast<std::int64_t>(blockIdx.x);
  const auto t = static_cast<std::int64_t>(blockIdx.y) * kThreads + threadIdx.x;
  if (t < q.shape(1) && judge.drop(c, t)) q(c, t) = 0;
}

template <class Judge>
void drop_samples(const Judge& judge, DeviceView<std::int8_t, 2> q, const Stream& stream) {
  const dim3 grid(n_block(q.shape(0), 1), n_block(q.shape(1), kThreads));
  launch({stream, grid, kThreads}, drop<Judge>, judge, q);
}

// A block: one channel.
__global__ void __launch_bounds__(kThreads)
    fit_wave(DeviceView<const std::int8_t, 2> q, DeviceView<const std::int16_t, 1> wave,
             DeviceView<float, 1> factor) {
  __shared__ std::int64_t products[kWarps], powers[kWarps];
  const auto c = static_cast<std::int64_t>(blockIdx.x);
  std::int64_t product = 0, power = 0;
  for (auto t = static_cast<std::int64_t>(threadIdx.x); t < q.shape(1); t += kThreads) {
    const std::int64_t v = wave(t);
    product += q(c, t) * v;
    power += v * v;
  }
  product = warp_sum(product);
  power = warp_sum(power);
  if (threadIdx.x % kWarp == 0) {
    products[threadIdx.x / kWarp] = product;
    powers[threadIdx.x / kWarp] = power;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 1; i < kWarps; ++i) {
    product += products[i];
    power += powers[i];
  }
  factor(c) =
      power > 0 ? static_cast<float>(static_cast<double>(product) / static_cast<double>(power)) : 0.0F;
}

void check_rows(DeviceView<const std::int8_t, 2> q) {
  expect(q.rows_contiguous(), "levels need contiguous rows");
}

}  // namespace

void cell_moments(DeviceView<const std::int8_t, 2> q, DeviceView<std::int16_t, 2> sum,
                  DeviceView<std::uint16_t, 2> squares, const Stream& stream) {
  check_rows(q);
  expect(q.shape(0) == sum.shape(0) && q.shape(1) == sum.shape(1) * kCellSamples,
         "moments of {} x {} samples in {} x {} cells of {}", q.shape(0), q.shape(1), sum.shape(0),
         sum.shape(1), kCellSamples);
  expect(squares.shape(0) == sum.shape(0) && squares.shape(1) == sum.shape(1),
         "sums of {} x {} cells with squares of {} x {}", sum.shape(0), sum.shape(1), squares.shape(0),
         squares.shape(1));
  const dim3 grid(n_block(sum.shape(0), 1), n_block(sum.shape(1), kWarps));
  launch({stream, grid, kThreads}, sum_cells, q, sum, squares);
}

void zero_dm_bands(DeviceView<const std::int8_t, 2> q, int band_channels, DeviceView<std::int16_t, 2> z,
                   const Stream& stream) {
  check_rows(q);
  expect(band_channels >= 1 && band_channels <= kMaxBandChannels,
         "zero-DM series of bands of {} channels; 1 to {} are possible", band_channels, kMaxBandChannels);
  expect(q.shape(1) == z.shape(1) && z.shape(0) == n_block(q.shape(0), band_channels),
         "zero-DM series of {} x {} samples in bands of {} channels into {} x {}", q.shape(0), q.shape(1),
         band_channels, z.shape(0), z.shape(1));
  const dim3 grid(n_block(z.shape(0), 1), n_block(z.shape(1), kThreads));
  launch({stream, grid, kThreads}, add_bands, q, band_channels, z);
}

void drop_channels(DeviceView<const std::uint8_t, 1> good, DeviceView<std::int8_t, 2> q,
                   const Stream& stream) {
  check_rows(q);
  expect(good.shape(0) == q.shape(0), "flags of {} channels for {}", good.shape(0), q.shape(0));
  drop_samples(Channels{good}, q, stream);
}

void drop_times(DeviceView<const std::uint8_t, 1> good, DeviceView<std::int8_t, 2> q, const Stream& stream) {
  check_rows(q);
  expect(good.shape(0) == q.shape(1), "flags of {} times for {}", good.shape(0), q.shape(1));
  drop_samples(Times{good}, q, stream);
}

void drop_cells(DeviceView<const std::uint8_t, 2> rule, DeviceView<std::int8_t, 2> q, const Stream& stream) {
  check_rows(q);
  expect(rule.shape(0) == q.shape(0) && rule.shape(1) * kCellSamples == q.shape(1),
         "rules of {} x {} cells for {} x {} samples", rule.shape(0), rule.shape(1), q.shape(0), q.shape(1));
  drop_samples(Cells{rule}, q, stream);
}

void wave_factors(DeviceView<const std::int8_t, 2> q, DeviceView<const std::int16_t, 1> wave,
                  DeviceView<float, 1> factor, const Stream& stream) {
  expect(q.shape(1) == wave.shape(0) && q.shape(0) == factor.shape(0),
         "factors of {} x {} samples by a wave of {} into {}", q.shape(0), q.shape(1), wave.shape(0),
         factor.shape(0));
  expect(q.rows_contiguous() && wave.rows_contiguous(), "factors of waves need contiguous rows");
  launch({stream, n_block(q.shape(0), 1), kThreads}, fit_wave, q, wave, factor);
}

}  // namespace tianyan
