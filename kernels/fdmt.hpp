// FDMT: dedispersion of all delays at once by a tree over the band, in integers (Zackay & Ofek 2017, ApJ 835,
// 11).
//
// A trial is its delay d across the whole band, in samples: the arrival at the centre of the lowest channel
// minus that at the centre of the highest. With g(c) = f_c^-2, the exact dedispersed sum is
//
//   out[d][t] = sum_c in[c][t + d (g(c) - g(C-1)) / (g(0) - g(C-1))]
//
// The tree halves the band. A node over channels [a, b) has rows k, its own delay from channel a to channel b
// - 1:
//
//   row_k[t] = upper_{u(k)}[t] + lower_{k - s(k)}[t + s(k)]        upper = [m, b), lower = [a, m), m = (a +
//   b) / 2 u(k) = round(k (g(m) - g(b-1)) / (g(a) - g(b-1))),  s(k) = round(k (g(m-1) - g(b-1)) / (g(a) -
//   g(b-1)))
//
// so both ends of every node's track are exact and each level adds at most half a sample of error in between:
// the delay of no channel is wrong by more than one sample per level, and the rms error over the channels and
// trials of FAST's band is below kFdmtRmsErrorSamples, over the channels of a single trial below 1 (a test
// measures both). Only rows that the trials [delay_begin, delay_end) need exist: a
// range of DM costs what its width costs, wherever it begins.
//
// numpy: out[d] = sum(np.roll(x[c], -delay[c])[:n] for c in range(C)), with delay = fdmt_channel_delays(plan,
// d)
//
// The upper levels cannot be tiled in time, since shifts reach thousands of samples, but over d they can: 64
// trials need two or three rows of each group of channels. So the tree is cut in two. fdmt_group_rows makes
// the rows of each group of at most `max_group_channels` channels, tile by tile of time; fdmt_trials
// recomputes everything above for a tile of trials, in cache. Levels are int16 where the plan proves that no
// sum can overflow, int32 above.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr double kFdmtRmsErrorSamples = 0.56;

struct FdmtParams {
  int n_chan = 0;
  double freq_low_mhz = 0.0;  ///< centre of channel 0
  double channel_width_mhz = 0.0;
  int delay_begin = 0;  ///< trials d in [delay_begin, delay_end), samples
  int delay_end = 0;
  int max_abs = 127;            ///< |in| never exceeds it: what the proof of int16 rests on
  int max_group_channels = 64;  ///< where the tree is cut
  int time_tile = 1024;         ///< samples of a group row made at a time
  int trial_tile = 64;          ///< trials made at a time
};

/// One node of the tree; row k of [delay_begin, delay_end) is at index k - delay_begin.
struct FdmtNode {
  int chan_begin = 0, chan_end = 0;
  int delay_begin = 0, delay_end = 0;
  int upper = -1, lower = -1;           ///< indices of nodes; -1 for a single channel
  std::vector<std::int32_t> upper_row;  ///< u(k)
  std::vector<std::int32_t> shift;      ///< s(k); the lower row is k - s(k)
  bool is_int32 = false;                ///< type of its rows

  int n_row() const { return delay_end - delay_begin; }
  bool is_leaf() const { return upper < 0; }
  std::int32_t upper_of(int k) const { return upper_row[static_cast<std::size_t>(k - delay_begin)]; }
  std::int32_t shift_of(int k) const { return shift[static_cast<std::size_t>(k - delay_begin)]; }
};

/// Where a group's rows are kept: rows [row_begin, row_begin + n_row) of the group buffer. Column j is the
/// sample t_out + shift_min + j, t_out being the block's first output sample.
struct FdmtGroup {
  int node = 0;
  std::int64_t row_begin = 0;
  int shift_min = 0, shift_max = 0;  ///< samples by which trials read the group later than their own time
};

struct FdmtPlan {
  FdmtParams params;
  std::vector<FdmtNode> nodes;     ///< nodes[0] is the whole band
  std::vector<FdmtGroup> groups;   ///< from high to low frequency
  std::vector<int> group_of_node;  ///< index into groups, -1 for other nodes
  std::int64_t n_group_row = 0;
  std::int64_t group_scratch_bytes = 0;  ///< for one call of fdmt_group_rows
  std::int64_t trial_scratch_bytes = 0;  ///< for one call of fdmt_trials with at most max_time samples
  std::int64_t max_time = 0;
  double additions_per_sample = 0.0;  ///< of the whole transform, recomputation included

  int n_trial() const { return params.delay_end - params.delay_begin; }
  /// Columns that the group buffer needs for a block of n_time output samples.
  std::int64_t group_columns(std::int64_t n_time) const;
  /// Samples of input beyond the block that its last output needs.
  int history() const { return params.delay_end - 1; }
};

/// `max_time` is the longest run of output samples that one fdmt_trials call makes. Throws
/// std::invalid_argument for an empty or negative range, no channels, non-positive frequencies, a delay above
/// 2^20 samples.
FdmtPlan make_fdmt_plan(const FdmtParams& params, int max_time);

/// delay[c], samples: what the tree really applies to channel c for trial d. Shape [n_chan].
void fdmt_channel_delays(const FdmtPlan& plan, int d, View<std::int32_t, 1> delay);

/// d g-weighted to channel c: the exact delay, samples.
double exact_channel_delay(const FdmtParams& params, double d, double c);

/// The plain tree, row by row: the oracle. in [n_chan][n_time + history()], out [n_trial][n_time].
void fdmt_reference(const FdmtPlan& plan, View<const std::int8_t, 2> in, View<std::int32_t, 2> out);

/// The definition with delays rounded once per channel: what the tree approximates. Shapes as fdmt_reference.
void dedisperse_reference(const FdmtParams& params, View<const std::int8_t, 2> in, View<std::int32_t, 2> out);

/// Rows of group `g` for columns [column, column + n) of the group buffer, n <= time_tile. in [n_chan][time],
/// where in(c, j) is sample t_out + j, as long as n_time + history(). group_rows [n_group_row][columns].
void fdmt_group_rows(const FdmtPlan& plan, int g, View<const std::int8_t, 2> in, std::int64_t column,
                     std::int64_t n, View<std::int16_t, 2> group_rows, View<std::byte, 1> scratch);

/// Receives one finished row: trial d, samples [0, n) of the tile.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  /// Memory for the row of trial d, n samples.
  virtual std::int32_t* begin_row(int d) = 0;
  /// The row is complete.
  virtual void end_row(int d) = 0;
};

/// Rows of trials [d_begin, d_end), at most trial_tile, for output samples [t, t + n) of the block, n <=
/// max_time.
void fdmt_trials(const FdmtPlan& plan, View<const std::int16_t, 2> group_rows, int d_begin, int d_end,
                 std::int64_t t, std::int64_t n, RowWriter& rows, View<std::byte, 1> scratch);

/// All of it in one call, for tests and single stages: shapes as fdmt_reference.
void fdmt(const FdmtPlan& plan, View<const std::int8_t, 2> in, View<std::int32_t, 2> out);

}  // namespace tianyan
