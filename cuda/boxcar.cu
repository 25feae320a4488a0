// Boxcars on a device: a block takes a row through time, its warps judge cells by shuffles and one vote each.
#include "cuda/boxcar.hpp"

#include "cuda/device_code.cuh"

namespace tianyan {
namespace {

constexpr int kThreads = 256;
constexpr int kTail = kBoxcarTail;
// Samples of the levels of a run, behind their tails.
constexpr int kFine = kBoxcarRun, kMiddle = kFine / 8, kCoarse = kMiddle / 8;
constexpr int kBeyond = kWarp;  // zeros after a level: cells have 64 samples wherever they begin
constexpr int kWideCell = 4;    // starts, of all levels but the first
static_assert(kTail == kWarp && kBoxcarLevels == 3 && kBoxcarCellSamples == 2 * kWarp);
static_assert(BoxcarPlan::cell(0) == kWarp && BoxcarPlan::cell(1) == 8 * kWideCell &&
              BoxcarPlan::cell(2) == 64 * kWideCell);

// 64 neighbouring numbers, two a lane.
struct Pair {
  int low, high;
};

// Numbers `by` later; of the high half only what stays within it is meant.
__device__ __forceinline__ Pair later(const Pair& x, int by, int lane) {
  const int from = (lane + by) % kWarp;
  const int low = __shfl_sync(kWholeWarp, x.low, from), high = __shfl_sync(kWholeWarp, x.high, from);
  return {lane + by < kWarp ? low : high, high};
}
__device__ __forceinline__ Pair plus(const Pair& a, const Pair& b) {
  return {a.low + b.low, a.high + b.high};
}

// Bit i: some boxcar that begins at lane i's low number reaches what it must. Sums beyond the 64 are not
// used: the latest is that of 32 from lane 31 on.
__device__ __forceinline__ unsigned starts_kept(const Pair& one, const std::int32_t* least, int lane) {
  const Pair two = plus(one, later(one, 1, lane));
  const Pair four = plus(two, later(two, 2, lane));
  const Pair eight = plus(four, later(four, 4, lane));
  const Pair sixteen = plus(eight, later(eight, 8, lane));
  bool kept = one.low >= least[0] || two.low >= least[1];
  kept |= two.low + later(one, 2, lane).low >= least[2] || four.low >= least[3];
  kept |= four.low + later(two, 4, lane).low >= least[4] || eight.low >= least[5];
  kept |= eight.low + later(four, 8, lane).low >= least[6] || sixteen.low >= least[7];
  kept |= sixteen.low + later(eight, 16, lane).low >= least[8];
  kept |= sixteen.low + later(sixteen, 16, lane).low >= least[9];
  return __ballot_sync(kWholeWarp, kept);
}

struct CellOutput {
  BoxcarCell* cells;
  unsigned* n_cell;
  unsigned room;
  int row, run;
};

// A warp writes a cell whose samples begin at x.
__device__ __forceinline__ void write_cell(const CellOutput& out, int level, int first, const std::int32_t* x,
                                           int lane) {
  unsigned at = 0;
  if (lane == 0) at = atomicAdd(out.n_cell, 1U);
  at = __shfl_sync(kWholeWarp, at, 0);
  if (at >= out.room) return;
  BoxcarCell& cell = out.cells[at];
  if (lane == 0) {
    cell.row = out.row;
    cell.run = out.run;
    cell.level = level;
    cell.first = first - kTail;
  }
  cell.x[lane] = x[lane];
  cell.x[kWarp + lane] = x[kWarp + lane];
}

// Starts [first, first + n) of a level, n <= 32, in cells of n_start each.
__device__ __forceinline__ void judge(const CellOutput& out, int level, int first, int n, int n_start,
                                      const std::int32_t* x, const std::int32_t* least, int lane) {
  const unsigned kept = starts_kept({x[first + lane], x[first + kWarp + lane]}, least, lane);
  if (kept == 0) return;
  for (int i = 0; i < n; i += n_start)
    if ((kept >> i & (kWholeWarp >> (kWarp - n_start))) != 0)
      write_cell(out, level, first + i, x + first + i, lane);
}

// out[i] = sum of eight, i in [0, n).
__device__ __forceinline__ void add_eighths(const std::int32_t* x, int n, std::int32_t* out) {
  for (int i = static_cast<int>(threadIdx.x); i < n; i += kThreads) {
    std::int32_t sum = 0;
    for (int k = 0; k < 8; ++k) sum += x[8 * i + k];
    out[i] = sum;
  }
}

struct RowSearch {
  DeviceView<const std::int32_t, 2> rows, tails_before;
  DeviceView<const BoxcarLeastSums, 2> least;
  DeviceView<std::int32_t, 2> tails_after;
  DeviceView<BoxcarCell, 1> cells;
  unsigned* n_cell;
  std::int64_t n_sample;
  int first_row, n_level;
};

// Block x: row x, run after run. Levels that are not searched are not made: their sums might overflow.
__global__ void __launch_bounds__(kThreads) judge_rows(const RowSearch search) {
  __shared__ std::int32_t fine[kTail + kFine], middle[kTail + kMiddle + kBeyond],
      coarse[kTail + kCoarse + 2 * kBeyond];
  __shared__ BoxcarLeastSums least;
  const int thread = static_cast<int>(threadIdx.x), lane = thread % kWarp, warp = thread / kWarp;
  const int row = static_cast<int>(blockIdx.x);
  std::int32_t* const levels[] = {fine, middle, coarse};
  constexpr int kLength[] = {kFine, kMiddle, kCoarse};
  const bool has_tail = thread < search.n_level * kTail;
  std::int32_t* const tail = has_tail ? levels[thread / kTail] + thread % kTail : nullptr;
  if (has_tail) *tail = search.tails_before(row, thread);
  for (int i = thread; i < 2 * kBeyond; i += kThreads) coarse[kTail + kCoarse + i] = 0;
  if (thread < kBeyond) middle[kTail + kMiddle + thread] = 0;
  for (int run = 0; run < static_cast<int>(search.least.shape(0)); ++run) {
    const std::int64_t begin = static_cast<std::int64_t>(run) * kFine;
    for (int i = thread; i < kFine; i += kThreads)
      fine[kTail + i] = begin + i < search.n_sample ? search.rows(row, begin + i) : 0;
    if (thread < kBoxcarLevels * kNumNarrowWidths)
      (&least.of[0][0])[thread] = (&search.least(run, row).of[0][0])[thread];
    __syncthreads();
    if (search.n_level > 1) add_eighths(fine + kTail, kMiddle, middle + kTail);
    __syncthreads();
    if (search.n_level > 2) add_eighths(middle + kTail, kCoarse, coarse + kTail);
    __syncthreads();
    const CellOutput out{search.cells.data(), search.n_cell, static_cast<unsigned>(search.cells.shape(0)),
                         search.first_row + row, run};
    for (int i = warp * kWarp; i < kFine; i += kThreads)
      judge(out, 0, i, kWarp, kWarp, fine, least.of[0], lane);
    if (search.n_level > 1 && warp < kMiddle / kWarp)
      judge(out, 1, warp * kWarp, kWarp, kWideCell, middle, least.of[1], lane);
    if (search.n_level > 2 && warp == kMiddle / kWarp)
      judge(out, 2, 0, kCoarse, kWideCell, coarse, least.of[2], lane);
    std::int32_t kept = 0;  // the new tail overlaps the old one
    if (has_tail) kept = tail[kLength[thread / kTail]];
    __syncthreads();
    if (has_tail) *tail = kept;
    __syncthreads();
  }
  if (has_tail) search.tails_after(row, thread) = *tail;
}

}  // namespace

void boxcar_cells(const BoxcarPlan& plan, DeviceView<const std::int32_t, 2> rows, std::int64_t n_sample,
                  DeviceView<const BoxcarLeastSums, 2> least, int first_row,
                  DeviceView<const std::int32_t, 2> tails_before, DeviceView<std::int32_t, 2> tails_after,
                  DeviceView<BoxcarCell, 1> cells, DeviceView<unsigned, 1> n_cell, const Stream& stream) {
  const auto n_row = rows.shape(0), n_run = least.shape(0);
  expect(rows.shape(1) == n_run * kBoxcarRun && least.shape(1) == n_row,
         "boxcar cells of {} rows of {} samples, least sums of {} rows in {} runs of {}", n_row,
         rows.shape(1), least.shape(1), n_run, kBoxcarRun);
  expect(tails_before.shape(0) == n_row && tails_after.shape(0) == n_row &&
             tails_before.shape(1) == kBoxcarLevels * kTail && tails_after.shape(1) == kBoxcarLevels * kTail,
         "tails of {} x {} and {} x {} for {} rows of {}", tails_before.shape(0), tails_before.shape(1),
         tails_after.shape(0), tails_after.shape(1), n_row, kBoxcarLevels * kTail);
  expect(n_cell.shape(0) == 1 && cells.rows_contiguous(), "{} counts of cells, cells {} apart",
         n_cell.shape(0), cells.stride(0));
  launch({stream, n_block(n_row, 1), kThreads}, judge_rows,
         RowSearch{rows, tails_before, least, tails_after, cells, n_cell.data(), n_sample, first_row,
                   plan.n_level});
}

}  // namespace tianyan
