// Boxcars of dedispersed rows on a device: which cells may hold an event (kernels/boxcar_cells.hpp), the same
// as on the host, in any order.
#pragma once
#include "cuda/device.hpp"
#include "kernels/boxcar_cells.hpp"

namespace tianyan {

/// Rows [row][n_run kBoxcarRun]; samples from n_sample on count as zero whatever they are. least [run][row],
/// tails [row][level kBoxcarTail + i] of the levels that are searched before and after, not the same memory.
/// cells [room] gets the first of them that are found; n_cell [1] has been set to 0 and says how many there
/// are, also those without room. Cells' `row` counts from first_row. Throws std::invalid_argument where
/// shapes do not fit.
void boxcar_cells(const BoxcarPlan& plan, DeviceView<const std::int32_t, 2> rows, std::int64_t n_sample,
                  DeviceView<const BoxcarLeastSums, 2> least, int first_row,
                  DeviceView<const std::int32_t, 2> tails_before, DeviceView<std::int32_t, 2> tails_after,
                  DeviceView<BoxcarCell, 1> cells, DeviceView<unsigned, 1> n_cell, const Stream& stream);

/// Cells that one row of n_run runs may have at most.
constexpr std::int64_t most_boxcar_cells(std::int64_t n_run) {
  return n_run * (kBoxcarRun / 32 + kBoxcarRun / 32 + kBoxcarRun / 256);
}

}  // namespace tianyan
