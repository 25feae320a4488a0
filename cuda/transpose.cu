// Rows and columns exchanged on a device, square by square.
#include "cuda/transpose.hpp"

#include "cuda/fft.hpp"

namespace tianyan {
namespace {

constexpr int kSide = 32, kRows = 8;  // of a square, and of its rows that a block copies at once

__global__ void __launch_bounds__(kSide* kRows)
    exchange(DeviceView<const float2, 2> in, DeviceView<float2, 2> out) {
  __shared__ float2 square[kSide][kSide + 1];  // columns in different banks
  const auto x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const auto i0 = static_cast<std::int64_t>(blockIdx.y) * kSide;
  const auto j0 = static_cast<std::int64_t>(blockIdx.x) * kSide;
  for (int r = y; r < kSide; r += kRows)
    if (i0 + r < in.shape(0) && j0 + x < in.shape(1)) square[r][x] = in(i0 + r, j0 + x);
  __syncthreads();
  for (int r = y; r < kSide; r += kRows)
    if (j0 + r < in.shape(1) && i0 + x < in.shape(0)) out(j0 + r, i0 + x) = square[x][r];
}

}  // namespace

void transpose(DeviceView<const std::complex<float>, 2> in, DeviceView<std::complex<float>, 2> out,
               const Stream& stream) {
  expect(in.shape(0) == out.shape(1) && in.shape(1) == out.shape(0), "{} x {} numbers exchanged into {} x {}",
         in.shape(0), in.shape(1), out.shape(0), out.shape(1));
  const dim3 grid(n_block(in.shape(1), kSide), n_block(in.shape(0), kSide));
  launch({stream, grid, dim3(kSide, kRows)}, exchange, rows_as<const float2>(in), rows_as<float2>(out));
}

}  // namespace tianyan
