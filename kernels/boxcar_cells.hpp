// Cells of a dedispersed row that may hold an event, by integers alone: the part of the boxcar search
// (kernels/boxcar.hpp) that a device does. The host judges the few cells that are left with best_of_cell().
//
// A run is kBoxcarRun new samples. Of each level, a cell is kept where for some start i of it and some width
// w
//
//   sum_{k < w} x[i + k] >= least[level][w]          least_boxcar_sums() of the run
//
// The search of a row's runs with best_of_cell() of the cells that are kept gives what boxcar_search() gives.
//
// numpy: any(np.convolve(x, np.ones(w, int), "valid")[cell] >= least[w] for w in widths)
#pragma once
#include <vector>

#include "kernels/boxcar.hpp"

namespace tianyan {

inline constexpr int kBoxcarRun = 1024;

/// A cell that is kept, with its samples as best_of_cell() takes them. Equal cells have equal bytes.
struct BoxcarCell {
  std::int32_t row = 0, run = 0;      ///< indices
  std::int32_t level = 0, first = 0;  ///< the first start, in samples of the level relative to the run
  std::int32_t x[kBoxcarCellSamples] = {};
};

/// Cells come in this order from the host; a device's are to be sorted.
constexpr bool is_before(const BoxcarCell& a, const BoxcarCell& b) {
  if (a.run != b.run) return a.run < b.run;
  if (a.row != b.row) return a.row < b.row;
  return a.level != b.level ? a.level < b.level : a.first < b.first;
}

/// Cells of one row whose samples are row [n_run kBoxcarRun]; least [n_run]. The tail is that of the samples
/// before, as boxcar_search() keeps it, and becomes that of the next ones. `row_index` is put into the cells,
/// which are appended. Throws std::invalid_argument where lengths differ.
void boxcar_cells(const BoxcarPlan& plan, View<const std::int32_t, 1> row,
                  View<const BoxcarLeastSums, 1> least, int row_index, BoxcarTail& tail,
                  std::vector<BoxcarCell>& cells);

}  // namespace tianyan
