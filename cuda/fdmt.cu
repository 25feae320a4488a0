// The FDMT on a device: one kernel runs the program of either pass, a block a tile.
#include "cuda/fdmt.hpp"

#include <algorithm>

#include "cuda/device_code.cuh"

namespace tianyan {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;

// What all blocks of a launch have in common. The first stage reads column `in_column` of `in` for output
// column 0, which is column `out_column` of `out`; row first_row of the pass is row 0 of `out`.
template <class In, class Out>
struct TileRun {
  const FdmtSum* sums;
  const std::int32_t* first_sum;
  const std::int32_t* more_columns;
  const std::int32_t* first_region_bytes;
  int n_stage, first_tile, time_tile, first_row;
  bool is_int32[kMaxFdmtStages];
  std::int64_t n_column;
  const In* in;
  std::int64_t in_stride, in_column;
  Out* out;
  std::int64_t out_stride, out_column;
};

// out[k] = sum of n_in rows, by a warp.
template <int kRows, class In, class Out>
__device__ __forceinline__ void sum_of(const In* const* rows, Out* out, int n, int lane) {
  for (int k = lane; k < n; k += kWarp) {
    int sum = rows[0][k];
    if constexpr (kRows > 1) sum += rows[1][k];
    if constexpr (kRows > 2) sum += rows[2][k];
    if constexpr (kRows > 3) sum += rows[3][k];
    out[k] = static_cast<Out>(sum);
  }
}

template <class In, class Out>
__device__ __forceinline__ void sum_rows_of(const In* const* rows, int n_in, Out* out, int n, int lane) {
  if (n_in == 4)
    sum_of<4>(rows, out, n, lane);
  else if (n_in == 3)
    sum_of<3>(rows, out, n, lane);
  else if (n_in == 2)
    sum_of<2>(rows, out, n, lane);
  else
    sum_of<1>(rows, out, n, lane);
}

// The sums [first, end) of a stage, a warp each; `row_at(sum, j)` and `out_at(sum)` say where rows are.
template <class RowAt, class OutAt>
__device__ __forceinline__ void run_stage(const FdmtSum* sums, int first, int end, int n, const RowAt& row_at,
                                          const OutAt& out_at) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
  for (int i = first + warp; i < end; i += kWarps) {
    const FdmtSum sum = sums[i];
    decltype(row_at(sum, 0)) rows[kFdmtRadix];
    for (int j = 0; j < kFdmtRadix; ++j) rows[j] = row_at(sum, j < sum.n_in ? j : 0);
    sum_rows_of(rows, sum.n_in, out_at(sum), n + sum.extra, lane);
  }
}

// A stage's output: global memory for the last one, else the region of shared memory that is its turn.
template <class In, class Out, class RowAt>
__device__ __forceinline__ void run_stage_from(const TileRun<In, Out>& run, int stage, int first, int end,
                                               std::int64_t column, int n, unsigned char* region,
                                               const RowAt& row_at) {
  if (stage + 1 == run.n_stage)
    run_stage(run.sums, first, end, n, row_at, [&](const FdmtSum& sum) {
      return run.out + (sum.out - run.first_row) * run.out_stride + run.out_column + column;
    });
  else if (sizeof(Out) == 4 && run.is_int32[stage])
    run_stage(run.sums, first, end, n, row_at,
              [&](const FdmtSum& sum) { return reinterpret_cast<std::int32_t*>(region) + sum.out; });
  else
    run_stage(run.sums, first, end, n, row_at,
              [&](const FdmtSum& sum) { return reinterpret_cast<std::int16_t*>(region) + sum.out; });
}

// Block (x, y): tile y of the pass over columns [x, x + 1) time_tile.
template <class In, class Out>
__global__ void __launch_bounds__(kThreads) fdmt_tiles(const __grid_constant__ TileRun<In, Out> run) {
  unsigned char* const shared = dynamic_shared<unsigned char>();
  const int tile = run.first_tile + static_cast<int>(blockIdx.y);
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * run.time_tile;
  const std::int64_t left = run.n_column + run.more_columns[tile] - column;
  if (left <= 0) return;  // the whole block
  const int n = static_cast<int>(min(left, static_cast<std::int64_t>(run.time_tile)));
  const std::int32_t* const first_sum = run.first_sum + tile * (run.n_stage + 1);
  for (int stage = 0; stage < run.n_stage; ++stage) {
    const int first = first_sum[stage], end = first_sum[stage + 1];
    unsigned char* const to = shared + (stage % 2) * run.first_region_bytes[tile];
    const unsigned char* const from = shared + ((stage + 1) % 2) * run.first_region_bytes[tile];
    if (stage == 0)
      run_stage_from(run, stage, first, end, column, n, to, [&](const FdmtSum& sum, int j) {
        return run.in + sum.in_row[j] * run.in_stride + run.in_column + column + sum.in_shift[j];
      });
    else if (sizeof(Out) == 4 && run.is_int32[stage - 1])
      run_stage_from(run, stage, first, end, column, n, to, [&](const FdmtSum& sum, int j) {
        return reinterpret_cast<const std::int32_t*>(from) + sum.in_shift[j];
      });
    else
      run_stage_from(run, stage, first, end, column, n, to, [&](const FdmtSum& sum, int j) {
        return reinterpret_cast<const std::int16_t*>(from) + sum.in_shift[j];
      });
    __syncthreads();  // what was written is read next, what was read is written next
  }
}

template <class T>
DeviceArray<T, 1> upload_table(const std::vector<T>& table, const Stream& stream) {
  const View<const T, 1> host(table.data(), {static_cast<std::int64_t>(table.size())});
  DeviceArray<T, 1> device(host.shape());
  upload(host, device.view(), stream);
  return device;
}

DeviceFdmtPlan::Pass upload_pass(const FdmtPassProgram& program, const Stream& stream) {
  DeviceFdmtPlan::Pass pass;
  pass.n_stage = program.n_stage;
  std::copy_n(program.is_int32, kMaxFdmtStages, pass.is_int32);
  pass.shared_bytes = program.shared_bytes;
  pass.n_tile = program.n_tile();
  pass.rows_per_tile = program.rows_per_tile;
  pass.most_columns = *std::max_element(program.more_columns.begin(), program.more_columns.end());
  pass.sums = upload_table(program.sums, stream);
  pass.first_sum = upload_table(program.first_sum, stream);
  pass.more_columns = upload_table(program.more_columns, stream);
  pass.first_region_bytes = upload_table(program.first_region_bytes, stream);
  stream.synchronise();  // the tables of the host may go
  return pass;
}

// Tiles [first_tile, first_tile + n_tile) of a pass.
template <class In, class Out>
void run_tiles(const DeviceFdmtPlan& plan, const DeviceFdmtPlan::Pass& pass, int n_tile,
               std::int64_t most_columns, TileRun<In, Out> run, const Stream& stream) {
  run.sums = pass.sums.data();
  run.first_sum = pass.first_sum.data();
  run.more_columns = pass.more_columns.data();
  run.first_region_bytes = pass.first_region_bytes.data();
  run.n_stage = pass.n_stage;
  run.time_tile = plan.time_tile();
  std::copy_n(pass.is_int32, kMaxFdmtStages, run.is_int32);
  expect(n_tile <= 65535, "an FDMT pass of {} tiles; at most {} are possible", n_tile, 65535);
  const dim3 grid(n_block(most_columns, plan.time_tile()), static_cast<unsigned>(n_tile));
  launch({stream, grid, kThreads, pass.shared_bytes}, fdmt_tiles<In, Out>, run);
}

}  // namespace

DeviceFdmtPlan::DeviceFdmtPlan(const FdmtPlan& plan, const FdmtProgram& program, const Stream& stream)
    : time_tile_(program.time_tile),
      n_chan_(plan.params.n_chan),
      n_trial_(plan.n_trial()),
      n_group_row_(plan.n_group_row),
      history_(plan.history()),
      groups_(upload_pass(program.groups, stream)),
      trials_(upload_pass(program.trials, stream)) {}

void fdmt_group_rows(const DeviceFdmtPlan& plan, DeviceView<const std::int8_t, 2> in, std::int64_t begin,
                     std::int64_t end, DeviceView<std::int16_t, 2> group_rows, const Stream& stream) {
  expect(in.shape(0) == plan.n_chan(), "FDMT of {} channels given {}", plan.n_chan(), in.shape(0));
  expect(0 <= begin && begin <= end && end + plan.history() <= in.shape(1),
         "FDMT of samples [{}, {}) with delays to {} given {}", begin, end, plan.history(), in.shape(1));
  expect(group_rows.shape(0) == plan.n_group_row() && plan.group_columns(end) <= group_rows.shape(1),
         "FDMT group rows {} x {} for {} rows of {} columns", group_rows.shape(0), group_rows.shape(1),
         plan.n_group_row(), plan.group_columns(end));
  expect(in.rows_contiguous() && group_rows.rows_contiguous(), "dedispersion needs contiguous rows");
  TileRun<std::int8_t, std::int16_t> run{};
  run.n_column = end - begin;
  run.in = in.data();
  run.in_stride = in.stride(0);
  run.in_column = begin;
  run.out = group_rows.data();
  run.out_stride = group_rows.stride(0);
  run.out_column = begin;
  if (begin < end)
    run_tiles(plan, plan.groups(), plan.groups().n_tile, plan.group_columns(end - begin), run, stream);
}

void fdmt_trials(const DeviceFdmtPlan& plan, DeviceView<const std::int16_t, 2> group_rows, int first,
                 std::int64_t t, DeviceView<std::int32_t, 2> out, const Stream& stream) {
  const auto& pass = plan.trials();
  const auto n = out.shape(0), end = first + n;
  expect(0 <= first && first % pass.rows_per_tile == 0 && first < end && end <= plan.n_trial() &&
             (end == plan.n_trial() || end % pass.rows_per_tile == 0),
         "FDMT trials [{}, {}) of {} in tiles of {}", first, end, plan.n_trial(), pass.rows_per_tile);
  expect(t >= 0 && plan.group_columns(t + out.shape(1)) <= group_rows.shape(1),
         "FDMT samples [{}, {}) need {} columns of {}", t, t + out.shape(1),
         plan.group_columns(t + out.shape(1)), group_rows.shape(1));
  expect(group_rows.rows_contiguous() && out.rows_contiguous(), "dedispersion needs contiguous rows");
  TileRun<std::int16_t, std::int32_t> run{};
  run.first_tile = first / pass.rows_per_tile;
  run.first_row = first;
  run.n_column = out.shape(1);
  run.in = group_rows.data();
  run.in_stride = group_rows.stride(0);
  run.in_column = t;
  run.out = out.data();
  run.out_stride = out.stride(0);
  const auto n_tile = (n + pass.rows_per_tile - 1) / pass.rows_per_tile;
  run_tiles(plan, pass, static_cast<int>(n_tile), out.shape(1), run, stream);
}

}  // namespace tianyan
