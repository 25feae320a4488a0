// Detection and integration on a device: sums over the time of a channel, and over frames.
#include "cuda/detect.hpp"

#include "cuda/device_code.cuh"
#include "cuda/fft.hpp"

namespace tianyan {
namespace {

constexpr int kThreads = 256;
constexpr int kParts = 8;  // of a sum over time, as on the host
constexpr int kSums = kThreads / kParts;

/// Voltages of two polarisations, the second of which may not be there, and which of them count.
struct Voltages {
  DeviceView<const float2, 2> x, y;
  DeviceView<const std::uint8_t, 1> good;

  __device__ PairProducts products(const Integration& how, std::int64_t i, std::int64_t j) const {
    const float2 a = x(i, j), b = y.shape(0) > 0 ? y(i, j) : make_float2(0.0F, 0.0F);
    return products_of(how.products, how.basis, a.x, a.y, b.x, b.y);
  }
};

// A block: kSums neighbouring sums of one channel, kParts threads for each. Thread k of them adds samples k,
// k + kParts, ... of a tile; what is left over of a tile comes first.
__global__ void __launch_bounds__(kThreads)
    add_times(Integration how, Voltages voltages, float scale, DeviceView<float, 3> out,
              DeviceView<std::int32_t, 1> n_good) {
  const auto c = static_cast<std::int64_t>(blockIdx.x);
  const int part = static_cast<int>(threadIdx.x) % kParts;
  const int first_lane = static_cast<int>(threadIdx.x) % kWarp - part;
  const auto i = static_cast<std::int64_t>(blockIdx.y) * kSums + threadIdx.x / kParts;
  const auto first = min(i, out.shape(2) - 1) * how.n_sum;  // the last sum is made again beyond the end
  double total[4] = {};
  int count = 0;
  const auto add = [&](std::int64_t t, float* sums) {
    if (voltages.good(t) == 0) return;
    ++count;
    const auto product = voltages.products(how, c, t);
    for (int p = 0; p < 4; ++p) sums[p] += product.value[p];
  };
  for (std::int64_t t = 0; t < how.n_sum; t += kDetectTile) {
    const int n = static_cast<int>(min(kDetectTile, how.n_sum - t)), whole = n / kParts * kParts;
    float sums[4] = {}, rest[4] = {};
    for (int j = part; j < whole; j += kParts) add(first + t + j, sums);
    if (whole + part < n) add(first + t + whole + part, rest);
    for (int p = 0; p < 4; ++p) {
      double sum = 0.0;
      for (int k = 0; k < n - whole; ++k) sum += __shfl_sync(kWholeWarp, rest[p], first_lane + k);
      for (int k = 0; k < kParts; ++k) sum += __shfl_sync(kWholeWarp, sums[p], first_lane + k);
      total[p] += sum;
    }
  }
  for (int step = kParts / 2; step > 0; step /= 2) count += __shfl_xor_sync(kWholeWarp, count, step);
  if (part != 0 || i >= out.shape(2)) return;
  if (c == 0) n_good(i) = count;
  for (int p = 0; p < n_product(how.products); ++p) {
    const double sum = count == 0 ? 0.0 : total[p] * static_cast<double>(how.n_sum) / count;
    out(c, p, i) = scale * static_cast<float>(sum);
  }
}

// A block: kThreads neighbouring channels of a sum.
__global__ void __launch_bounds__(kThreads)
    add_frames(Integration how, Voltages voltages, DeviceView<float, 3> out,
               DeviceView<std::int32_t, 1> n_good) {
  const auto i = static_cast<std::int64_t>(blockIdx.x);
  const auto c = static_cast<std::int64_t>(blockIdx.y) * kThreads + threadIdx.x;
  if (c >= out.shape(0)) return;
  float sums[4] = {};
  int count = 0;
  for (auto m = i * how.n_sum; m < (i + 1) * how.n_sum; ++m) {
    if (voltages.good(m) == 0) continue;
    ++count;
    const auto product = voltages.products(how, m, c);
    for (int p = 0; p < 4; ++p) sums[p] += product.value[p];
  }
  const float scale = count > 0 ? 1.0F / static_cast<float>(count) : 0.0F;
  for (int p = 0; p < n_product(how.products); ++p) out(c, p, i) = scale * sums[p];
  if (c == 0) n_good(i) = count;
}

Voltages checked(const Integration& how, DeviceView<const std::complex<float>, 2> x,
                 DeviceView<const std::complex<float>, 2> y, DeviceView<const std::uint8_t, 1> good,
                 int time_axis, DeviceView<float, 3> out, DeviceView<std::int32_t, 1> n_good) {
  expect((y.shape(0) == x.shape(0) && y.shape(1) == x.shape(1)) ||
             (y.shape(0) == 0 && how.products == PolProducts::kIntensity),
         "{} products of {} x {} samples of one and {} x {} of the other polarisation",
         n_product(how.products), x.shape(0), x.shape(1), y.shape(0), y.shape(1));
  expect(x.rows_contiguous() && y.rows_contiguous() && good.rows_contiguous(),
         "voltages with strides {} and {}, flags with {}; 1 is needed", x.stride(1), y.stride(1),
         good.stride(0));
  const auto n_time = x.shape(time_axis), n = out.shape(2);
  expect(how.n_sum >= 1 && how.n_sum <= INT32_MAX, "sums of {} samples", how.n_sum);
  expect(
      n_time % how.n_sum == 0 && n_time / how.n_sum == n && n_good.shape(0) == n && good.shape(0) == n_time,
      "{} samples with {} flags in sums of {} for {} sums and {} counts", n_time, good.shape(0), how.n_sum, n,
      n_good.shape(0));
  expect(out.shape(0) == x.shape(1 - time_axis) && out.shape(1) == n_product(how.products),
         "room for {} channels of {} products, of {} and {}", out.shape(0), out.shape(1),
         x.shape(1 - time_axis), n_product(how.products));
  return {rows_as<const float2>(x), rows_as<const float2>(y), good};
}

}  // namespace

void integrate_products(const Integration& how, DeviceView<const std::complex<float>, 2> x,
                        DeviceView<const std::complex<float>, 2> y, DeviceView<const std::uint8_t, 1> good,
                        float scale, DeviceView<float, 3> out, DeviceView<std::int32_t, 1> n_good,
                        const Stream& stream) {
  const auto voltages = checked(how, x, y, good, 1, out, n_good);
  const dim3 grid(n_block(out.shape(0), 1), n_block(out.shape(2), kSums));
  launch({stream, grid, kThreads}, add_times, how, voltages, scale, out, n_good);
}

void integrate_frames(const Integration& how, DeviceView<const std::complex<float>, 2> x,
                      DeviceView<const std::complex<float>, 2> y, DeviceView<const std::uint8_t, 1> good,
                      DeviceView<float, 3> out, DeviceView<std::int32_t, 1> n_good, const Stream& stream) {
  const auto voltages = checked(how, x, y, good, 0, out, n_good);
  const dim3 grid(n_block(out.shape(2), 1), n_block(out.shape(0), kThreads));
  launch({stream, grid, kThreads}, add_frames, how, voltages, out, n_good);
}

}  // namespace tianyan
