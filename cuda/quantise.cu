// Normalisation and downsampling on a device.
#include "cuda/quantise.hpp"

#include "cuda/device_code.cuh"

namespace tianyan {
namespace {

constexpr int kThreads = 256;

// A block: kThreads neighbouring samples of one channel.
__global__ void __launch_bounds__(kThreads)
    halve(DeviceView<const std::int8_t, 2> fine, int shift, DeviceView<std::int8_t, 2> coarse) {
  const auto c = static_cast<std::int64_t>(blockIdx.y);
  const auto t = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (t >= coarse.shape(1)) return;
  int sum = fine(c, 2 * t) + fine(c, 2 * t + 1);
  if (shift == 1) sum = (sum + ((sum >> 1) & 1)) >> 1;
  coarse(c, t) = static_cast<std::int8_t>(min(max(sum, -127), 127));
}

}  // namespace

void downsample(DeviceView<const std::int8_t, 2> fine, int shift, DeviceView<std::int8_t, 2> coarse,
                const Stream& stream) {
  expect(fine.shape(0) == coarse.shape(0) && fine.shape(1) == 2 * coarse.shape(1),
         "downsampling {} x {} samples into {} x {}", fine.shape(0), fine.shape(1), coarse.shape(0),
         coarse.shape(1));
  expect(shift == 0 || shift == 1, "downsampling with a shift of {}; 0 or 1 are possible", shift);
  const dim3 grid(n_block(coarse.shape(1), kThreads), n_block(coarse.shape(0), 1));
  launch({stream, grid, kThreads}, halve, fine, shift, coarse);
}

}  // namespace tianyan
