// Unpacking on a device: tiles of samples are turned in shared memory, so that spectra are read and rows are
// written along what lies together.
#include "cuda/unpack.hpp"

#include "cuda/device_code.cuh"
#include "kernels/packed_sample.hpp"

namespace tianyan {
namespace {

constexpr int kTileSamples = 64;  // channels and times of a tile
constexpr int kThreads = 256;

// Where channels are recorded.
struct Layout {
  SampleFormat format;
  int n_chan = 0, n_pol_summed = 1, chan_begin = 0;
};

template <class T>
__device__ T sum_of_pols(const Layout& layout, const std::uint8_t* spectrum, std::int64_t c) {
  int sum = 0;
  for (int p = 0; p < layout.n_pol_summed; ++p)
    sum += load_small(layout.format, spectrum,
                      recorded_index(layout.format, layout.n_chan, p, layout.chan_begin + c));
  return static_cast<T>(sum);
}

// A block: one tile. Rows of the tile lie an odd number of 32-bit words apart, so that a column of it is in
// all banks of the shared memory.
template <class T>
__global__ void __launch_bounds__(kThreads)
    turn(Layout layout, DeviceView<const std::uint8_t, 2> raw, DeviceView<T, 2> x) {
  __shared__ T tile[kTileSamples][kTileSamples + 4 / sizeof(T)];  // [time][channel]
  const auto first_c = static_cast<std::int64_t>(blockIdx.x) * kTileSamples,
             first_t = static_cast<std::int64_t>(blockIdx.y) * kTileSamples;
  const int fast = static_cast<int>(threadIdx.x) % kTileSamples;
  for (int slow = static_cast<int>(threadIdx.x) / kTileSamples; slow < kTileSamples;
       slow += kThreads / kTileSamples) {
    const auto c = first_c + fast, t = first_t + slow;
    if (c < x.shape(0) && t < x.shape(1)) tile[slow][fast] = sum_of_pols<T>(layout, &raw(t, 0), c);
  }
  __syncthreads();
  for (int slow = static_cast<int>(threadIdx.x) / kTileSamples; slow < kTileSamples;
       slow += kThreads / kTileSamples) {
    const auto c = first_c + slow, t = first_t + fast;
    if (c < x.shape(0) && t < x.shape(1)) x(c, t) = tile[fast][slow];
  }
}

template <class T>
void unpack_integers(const UnpackPlan& plan, DeviceView<const std::uint8_t, 2> raw, int chan_begin,
                     DeviceView<T, 2> x, const Stream& stream) {
  const auto& f = plan.format;
  expect(!f.is_float && f.n_bits <= 8, "unpacking samples of {} bits into small integers", f.n_bits);
  expect(sizeof(T) > 1 || plan.n_pol_summed == 1, "unpacking the sum of {} polarisations into bytes",
         plan.n_pol_summed);
  expect(chan_begin >= 0 && chan_begin + x.shape(0) <= plan.n_chan, "unpacking channels [{}, {}) of {}",
         chan_begin, chan_begin + x.shape(0), plan.n_chan);
  const std::int64_t bytes = std::int64_t{plan.n_pol} * plan.n_chan * f.n_bits / 8;
  expect(raw.shape(0) == x.shape(1) && raw.shape(1) == bytes,
         "unpacking {} x {} bytes into {} spectra of {} bytes each", raw.shape(0), raw.shape(1), x.shape(1),
         bytes);
  expect(raw.rows_contiguous() && x.rows_contiguous(), "unpacking needs contiguous rows");
  const dim3 grid(n_block(x.shape(0), kTileSamples), n_block(x.shape(1), kTileSamples));
  launch({stream, grid, kThreads}, turn<T>, Layout{f, plan.n_chan, plan.n_pol_summed, chan_begin}, raw, x);
}

}  // namespace

void unpack(const UnpackPlan& plan, DeviceView<const std::uint8_t, 2> raw, int chan_begin,
            DeviceView<std::uint8_t, 2> x, const Stream& stream) {
  unpack_integers(plan, raw, chan_begin, x, stream);
}

void unpack(const UnpackPlan& plan, DeviceView<const std::uint8_t, 2> raw, int chan_begin,
            DeviceView<std::int16_t, 2> x, const Stream& stream) {
  unpack_integers(plan, raw, chan_begin, x, stream);
}

}  // namespace tianyan
