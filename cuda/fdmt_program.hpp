// The FDMT's plan as a device runs it: sums of rows, tile by tile, stage by stage.
//
// As on the host the tree is cut in two passes: rows of groups from channels, trials from rows of groups. A
// tile of a pass is some of its output rows over `time_tile` columns, made by one block of threads; its
// stages are the levels of the tree between what is read and what is written. A stage is a list of sums
//
//   out[k] = sum_j in_j[k],  k in [0, n + extra)      of 1 to 4 rows; n columns of the tile, later ones for
//                                                     the shifts of the stages above
//
// The first stage reads global memory, the last writes it, and what is between them lies in shared memory, in
// two regions taken in turn. Tiles recompute what they share of lower stages: rows of a group are cut into as
// many tiles as it takes for one to fit into `shared_bytes`, and so are trials.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/fdmt.hpp"

namespace tianyan {

/// One sum of rows. Of the first stage, source j is row in_row[j] of the global input, in_shift[j] columns
/// after the tile's first one; of later ones, the elements of shared memory from in_shift[j] on. `out` is a
/// row of the global output in the last stage, else an element of shared memory.
struct alignas(16) FdmtSum {
  std::int32_t out = 0, extra = 0, n_in = 0, unused = 0;
  std::int32_t in_row[kFdmtRadix] = {}, in_shift[kFdmtRadix] = {};
};

inline constexpr int kMaxFdmtStages = 12;

/// A pass: tile i's stage s is sums [first_sum[i (n_stage + 1) + s], first_sum[i (n_stage + 1) + s + 1]).
struct FdmtPassProgram {
  int n_stage = 0;
  bool is_int32[kMaxFdmtStages] = {};  ///< what a stage leaves in shared memory
  std::int64_t shared_bytes = 0;       ///< of the tile that takes most
  int rows_per_tile = 0;               ///< of trials: tile i is trials [i rows_per_tile, ...)
  std::vector<FdmtSum> sums;
  std::vector<std::int32_t> first_sum;
  std::vector<std::int32_t> more_columns;  ///< of each tile: beyond those asked for, the group's spread
  std::vector<std::int32_t>
      first_region_bytes;  ///< of each tile: even stages' memory, before that of odd ones

  int n_tile() const { return static_cast<int>(more_columns.size()); }
  /// Elements of rows that are read to make one column of all output rows.
  double reads_per_column(int time_tile) const;
};

struct FdmtProgram {
  int time_tile = 0;
  FdmtPassProgram groups, trials;

  double reads_per_column() const {
    return groups.reads_per_column(time_tile) + trials.reads_per_column(time_tile);
  }
  /// Of the tables on a device.
  std::int64_t table_bytes() const;
};

inline constexpr std::int64_t kFdmtSharedBytes = 48 * 1024;  ///< of every device without asking

/// Of tiles of 32 to 256 columns those that read least. Throws std::invalid_argument where not even one row
/// over 32 columns fits into shared_bytes.
FdmtProgram make_fdmt_program(const FdmtPlan& plan, std::int64_t shared_bytes = kFdmtSharedBytes);

}  // namespace tianyan
