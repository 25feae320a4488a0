// The FDMT on a device: formulas, shapes and the plan are those of kernels/fdmt.hpp, and so are the integers.
#pragma once
#include "cuda/device.hpp"
#include "cuda/fdmt_program.hpp"

namespace tianyan {

/// A plan's program in the memory of the device in use.
class DeviceFdmtPlan {
 public:
  DeviceFdmtPlan(const FdmtPlan& plan, const FdmtProgram& program, const Stream& stream);

  struct Pass {
    int n_stage = 0;
    bool is_int32[kMaxFdmtStages] = {};
    std::int64_t shared_bytes = 0;
    int n_tile = 0, rows_per_tile = 0, most_columns = 0;
    DeviceArray<FdmtSum, 1> sums;
    DeviceArray<std::int32_t, 1> first_sum, more_columns, first_region_bytes;
  };
  const Pass& groups() const { return groups_; }
  const Pass& trials() const { return trials_; }
  int time_tile() const { return time_tile_; }
  int n_chan() const { return n_chan_; }
  int n_trial() const { return n_trial_; }
  std::int64_t n_group_row() const { return n_group_row_; }
  std::int64_t history() const { return history_; }
  /// Columns that the group buffer needs for a block of n_time output samples.
  std::int64_t group_columns(std::int64_t n_time) const { return n_time + groups_.most_columns; }

 private:
  int time_tile_, n_chan_, n_trial_;
  std::int64_t n_group_row_, history_;
  Pass groups_, trials_;
};

/// Rows of all groups for outputs [begin, end) of the block: columns [begin, end + spread of the group).
/// in [n_chan][time], in(c, j) being the block's sample j, as far as end + history(); group_rows
/// [n_group_row][group_columns(...)].
void fdmt_group_rows(const DeviceFdmtPlan& plan, DeviceView<const std::int8_t, 2> in, std::int64_t begin,
                     std::int64_t end, DeviceView<std::int16_t, 2> group_rows, const Stream& stream);

/// out[i][k] = trial first + i, sample t + k of the block. `first` is a multiple of 32; out [n][time].
void fdmt_trials(const DeviceFdmtPlan& plan, DeviceView<const std::int16_t, 2> group_rows, int first,
                 std::int64_t t, DeviceView<std::int32_t, 2> out, const Stream& stream);

}  // namespace tianyan
