// FDMT: dedispersion of all delays at once by a tree over the band, in integers (Zackay & Ofek 2017, ApJ 835,
// 11).
//
// A trial is its delay d across the whole band, in samples: the arrival at the centre of the lowest channel
// minus that at the centre of the highest. With g(c) = f_c^-2, the exact dedispersed sum is
//
//   out[d][t] = sum_c in[c][t + d (g(c) - g(C-1)) / (g(0) - g(C-1))]
//
// The tree cuts the band in four, again and again. A node over channels [a, b) has rows, each of a delay k
// from channel a to channel b - 1. Its children j cover [c_j, c_{j+1}), from high to low frequency:
//
//   row_k[t] = sum_j child_j,{e_j - s_j}[t + s_j]     s_j, e_j = delays of the child's top and bottom channel
//
// The exact ones are D(c) = k (g(c) - g(b-1)) / (g(a) - g(b-1)). Of the integers next to them that pair is
// taken whose error, linear in between, has the least mean square (e^2 + e f + f^2) / 3; the ends of the node
// itself are exact. So the delay of no channel is wrong by a sample per level, and the rms error over the
// channels and trials of FAST's band, about each trial's mean, is below kFdmtRmsErrorSamples (a test measures
// both). Four rows are added in one visit: that is twice as fast as two levels of two, and rounds half as
// often.
//
// Trials are `delay_step` samples apart. Only rows that they need exist: a range of DM costs what its width
// costs, wherever it begins, and the upper levels of coarse trials cost less.
//
// numpy: out[i] = sum(np.roll(x[c], -delay[c])[:n] for c in range(C)), with delay = fdmt_channel_delays(plan,
// i)
//
// The upper levels cannot be tiled in time, since shifts reach thousands of samples, but over trials they
// can: a tile of them needs two or three rows of each group of channels. So the tree is cut in two.
// fdmt_group_rows makes the rows of each group of at most `max_group_channels` channels, tile by tile of
// time; fdmt_trials recomputes everything above for a tile of trials, in cache. Levels are int16 where the
// plan proves that no sum can overflow, int32 above.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr double kFdmtRmsErrorSamples = 0.485;
inline constexpr int kFdmtRadix = 4;  ///< children of a node, fewer where it has fewer channels

struct FdmtParams {
  int n_chan = 0;
  double freq_low_mhz = 0.0;  ///< centre of channel 0
  double channel_width_mhz = 0.0;
  int delay_begin = 0;  ///< trial i has the delay delay_begin + i delay_step < delay_end, samples
  int delay_end = 0;
  int delay_step = 1;
  int max_abs = 127;            ///< |in| never exceeds it: what the proof of int16 rests on
  int max_group_channels = 64;  ///< where the tree is cut
  int time_tile = 1024;         ///< samples of a group row made at a time
  int trial_tile = 32;          ///< trials made at a time

  int n_trial() const { return (delay_end - delay_begin + delay_step - 1) / delay_step; }
  int delay_of(int trial) const { return delay_begin + trial * delay_step; }
};

/// What the rows of a node read of one of its children: row r reads row plan.row_of(child, r),
/// plan.shift_of(child, r) samples later.
struct FdmtChild {
  int node = 0;
  std::int64_t first = 0;  ///< of its entries in the plan's tables
};

/// One node of the tree.
struct FdmtNode {
  int chan_begin = 0, chan_end = 0;
  int n_row = 0;
  bool is_int32 = false;         ///< type of its rows
  int n_child = 0;               ///< none for a single channel
  std::int64_t first_delay = 0;  ///< of its entries in the plan's table of delays
  std::array<FdmtChild, kFdmtRadix> child;

  /// From high to low frequency.
  std::span<const FdmtChild> children() const { return {child.data(), static_cast<std::size_t>(n_child)}; }
  bool is_leaf() const { return n_child == 0; }
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
  std::vector<FdmtNode> nodes;             ///< nodes[0] is the whole band
  std::vector<FdmtGroup> groups;           ///< from high to low frequency
  std::vector<int> group_of_node;          ///< index into groups, -1 for other nodes
  std::vector<std::int32_t> delays;        ///< of the nodes' rows, from the first to the last channel; rising
  std::vector<std::int32_t> rows, shifts;  ///< of the children
  std::int64_t n_group_row = 0;
  std::int64_t group_scratch_bytes = 0;  ///< for one call of fdmt_group_rows
  std::int64_t trial_scratch_bytes = 0;  ///< for one call of fdmt_trials with at most max_time samples
  std::int64_t max_time = 0;
  double group_additions_per_sample = 0.0;  ///< of the rows of all groups, recomputation included
  double trial_additions_per_sample = 0.0;  ///< of all trials from them

  int n_trial() const { return params.n_trial(); }
  std::int32_t delay_of(const FdmtNode& node, int r) const { return delays[at(node.first_delay, r)]; }
  std::int32_t row_of(const FdmtChild& child, int r) const { return rows[at(child.first, r)]; }
  std::int32_t shift_of(const FdmtChild& child, int r) const { return shifts[at(child.first, r)]; }
  static std::size_t at(std::int64_t first, int r) { return static_cast<std::size_t>(first + r); }
  /// Columns that the group buffer needs for a block of n_time output samples.
  std::int64_t group_columns(std::int64_t n_time) const;
  double additions_per_sample() const { return group_additions_per_sample + trial_additions_per_sample; }
  /// Samples of input beyond the block that its last output needs.
  int history() const { return params.delay_end - 1; }
};

/// What the rows [begin, end) of a node read of a child: rows [row_begin, row_end), shift_min to shift_max
/// later.
struct FdmtRange {
  int row_begin = 0, row_end = 0, shift_min = 0, shift_max = 0;
};
FdmtRange child_range(const FdmtPlan& plan, const FdmtChild& child, int begin, int end);

/// `max_time` is the longest run of output samples that one fdmt_trials call makes. Throws
/// std::invalid_argument for an empty or negative range, no channels, non-positive frequencies, a delay above
/// 2^20 samples.
FdmtPlan make_fdmt_plan(const FdmtParams& params, int max_time);

/// delay[c], samples: what the tree really applies to channel c for a trial. Shape [n_chan].
void fdmt_channel_delays(const FdmtPlan& plan, int trial, View<std::int32_t, 1> delay);

/// d g-weighted to channel c: the exact delay, samples.
double exact_channel_delay(const FdmtParams& params, double d, double c);

/// The plain tree, row by row: the oracle. in [n_chan][n_time + history()], out [n_trial][n_time].
void fdmt_reference(const FdmtPlan& plan, View<const std::int8_t, 2> in, View<std::int32_t, 2> out);

/// The definition with delays rounded once per channel, for one trial of any delay: out[i] is sample t + i.
/// in [n_chan][time].
void dedisperse(const FdmtParams& params, View<const std::int8_t, 2> in, double delay, std::int64_t t,
                View<std::int32_t, 1> out);
/// The same for all trials: what the tree approximates. Shapes as fdmt_reference.
void dedisperse_reference(const FdmtParams& params, View<const std::int8_t, 2> in, View<std::int32_t, 2> out);

/// Rows of group `g` for columns [column, column + n) of the group buffer, n <= time_tile. in [n_chan][time],
/// where in(c, j) is sample t_out + j, as long as n_time + history(). group_rows [n_group_row][columns].
void fdmt_group_rows(const FdmtPlan& plan, int g, View<const std::int8_t, 2> in, std::int64_t column,
                     std::int64_t n, View<std::int16_t, 2> group_rows, View<std::byte, 1> scratch);

/// Receives finished rows: samples [0, n) of a tile.
class RowWriter {
 public:
  virtual ~RowWriter() = default;
  /// Memory for the row of a trial, n samples.
  virtual std::int32_t* begin_row(int trial) = 0;
  /// The row is complete.
  virtual void end_row(int trial) = 0;
};

/// Rows of trials [begin, end), at most trial_tile, for output samples [t, t + n) of the block, n <=
/// max_time.
void fdmt_trials(const FdmtPlan& plan, View<const std::int16_t, 2> group_rows, int begin, int end,
                 std::int64_t t, std::int64_t n, RowWriter& rows, View<std::byte, 1> scratch);

/// All of it in one call, for tests and single stages: shapes as fdmt_reference.
void fdmt(const FdmtPlan& plan, View<const std::int8_t, 2> in, View<std::int32_t, 2> out);

}  // namespace tianyan
