// Dedispersion by the definition on a device: short rows from anywhere, and long rows of one span.
#include "cuda/dedisperse.hpp"
#include "cuda/device_code.cuh"
#include "kernels/base/division.hpp"

namespace tianyan {
namespace {

using Table = DeviceView<const std::int32_t, 2>;

constexpr int kTimes = 64, kParts = 8;  // of a block that makes a short row

// A block: kTimes neighbouring samples of one row; a thread of its kParts sums every kParts-th channel, so
// that few rows keep many threads busy.
__global__ void __launch_bounds__(kTimes* kParts)
    add_channels(DeviceView<const DedisperseRow, 1> rows, Table delays, DeviceView<const std::int8_t, 2> in,
                 DeviceView<std::int32_t, 2> out) {
  __shared__ std::int32_t sums[kParts][kTimes];
  const auto r = static_cast<std::int64_t>(blockIdx.x);
  const auto row = rows(r);
  const auto i = static_cast<std::int64_t>(blockIdx.y) * kTimes + threadIdx.x;
  std::int32_t sum = 0;
  if (i < row.n)
    for (std::int64_t c = threadIdx.y; c < in.shape(0); c += kParts)
      sum += in(c, row.t + i + delays(row.delay, c));
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || i >= row.n) return;
  for (int part = 1; part < kParts; ++part) sum += sums[part][threadIdx.x];
  out(r, i) = sum;
}

// A block that makes long rows: kRowsOfABlock of kTile samples, kPerThread of them a thread; each of its
// warps stages a channel.
constexpr int kThreads = 256, kPerThread = 4, kTile = kThreads * kPerThread;
constexpr int kStaged = kThreads / kWarp;

struct Staged {
  std::int32_t shift[kStaged][kRowsOfABlock];  // of a row in a channel's samples
};

// The samples of channel c that the rows first_row ... need, from sample t on; `width` of them.
__device__ void stage(DeviceView<const DedisperseRow, 1> rows, Table delays,
                      DeviceView<const std::int8_t, 2> in, std::int64_t first_row, std::int64_t c,
                      std::int64_t t, int width, std::int8_t* samples, std::int32_t* shift) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  std::int32_t delay[kRowsOfABlock], least = INT32_MAX;
  for (int k = 0; k < kRowsOfABlock; ++k) {
    delay[k] = delays(rows(min(first_row + k, rows.shape(0) - 1)).delay, c);
    least = min(least, delay[k]);
  }
  if (lane == 0)
    for (int k = 0; k < kRowsOfABlock; ++k) shift[k] = delay[k] - least;
  const auto begin = t + least;
  const auto n = min(static_cast<std::int64_t>(width), in.shape(1) - begin);
  for (int j = lane; j < width; j += kWarp) samples[j] = j < n ? in(c, begin + j) : std::int8_t{0};
}

// Blocks: x tiles of time, y groups of rows, all of which begin at sample t. Dynamic shared memory: Staged,
// then kStaged runs of `width` samples.
__global__ void __launch_bounds__(kThreads)
    add_shared_channels(DeviceView<const DedisperseRow, 1> rows, Table delays,
                        DeviceView<const std::int8_t, 2> in, int width, DeviceView<std::int32_t, 2> out) {
  auto& staged = *dynamic_shared<Staged>();
  auto* samples = reinterpret_cast<std::int8_t*>(&staged + 1);
  const auto first_row = static_cast<std::int64_t>(blockIdx.y) * kRowsOfABlock;
  const auto tile = static_cast<std::int64_t>(blockIdx.x) * kTile;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  std::int32_t sums[kRowsOfABlock][kPerThread] = {};
  for (std::int64_t c = 0; c < in.shape(0); c += kStaged) {
    if (c + warp < in.shape(0))
      stage(rows, delays, in, first_row, c + warp, rows(0).t + tile, width, samples + warp * width,
            staged.shift[warp]);
    __syncthreads();
    const auto n = min(static_cast<std::int64_t>(kStaged), in.shape(0) - c);
    for (int j = 0; j < n; ++j)
      for (int k = 0; k < kRowsOfABlock; ++k) {
        const auto* x = samples + j * width + staged.shift[j][k] + threadIdx.x;
        for (int m = 0; m < kPerThread; ++m) sums[k][m] += x[m * kThreads];
      }
    __syncthreads();
  }
  for (int k = 0; k < kRowsOfABlock && first_row + k < rows.shape(0); ++k)
    for (int m = 0; m < kPerThread; ++m) {
      const auto i = tile + m * kThreads + threadIdx.x;
      if (i < rows(0).n) out(first_row + k, i) = sums[k][m];
    }
}

// Of a block that makes long rows, whose group's delays differ by at most `spread`.
std::int64_t shared_bytes(std::int64_t spread) {
  return static_cast<std::int64_t>(sizeof(Staged)) + kStaged * (kTile + spread);
}

void check(const DedisperseRows& rows, DeviceView<const std::int8_t, 2> in, DeviceView<std::int32_t, 2> out) {
  expect(in.shape(0) == rows.params().n_chan && in.rows_contiguous(), "dedispersion of {} channels given {}",
         rows.params().n_chan, in.shape(0));
  expect(rows.n_row() == 0 || rows.is_uploaded(), "dedispersion to {} rows that were not uploaded",
         rows.n_row());
  expect(out.shape(0) >= rows.n_row() && out.shape(1) >= rows.n_max() && out.rows_contiguous(),
         "dedispersion to {} rows of at most {} samples into {} x {}", rows.n_row(), rows.n_max(),
         out.shape(0), out.shape(1));
  expect(rows.first_sample() >= 0 && rows.end_sample() <= in.shape(1),
         "dedispersion of samples [{}, {}) of {}", rows.first_sample(), rows.end_sample(), in.shape(1));
}

}  // namespace

void dedisperse(const DedisperseRows& rows, DeviceView<const std::int8_t, 2> in,
                DeviceView<std::int32_t, 2> out, const Stream& stream) {
  check(rows, in, out);
  const auto spread = rows.spread();
  if (rows.is_one_span() && rows.n_max() >= kTile && shared_bytes(spread) <= kPlainSharedBytes) {
    const dim3 grid(n_block(rows.n_max(), kTile), n_block(rows.n_row(), kRowsOfABlock));
    launch({stream, grid, kThreads, shared_bytes(spread)}, add_shared_channels, rows.device_rows(),
           rows.device_delays(), in, static_cast<int>(kTile + spread), out);
  } else {
    const dim3 grid(n_block(rows.n_row(), 1), n_block(rows.n_max(), kTimes));
    launch({stream, grid, dim3(kTimes, kParts)}, add_channels, rows.device_rows(), rows.device_delays(), in,
           out);
  }
}

}  // namespace tianyan
