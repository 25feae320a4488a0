// The flags of one statistics window while rules are applied to it: which samples have weight, and which rule
// took the others.
//
// A kernel writes 0 into channel_good(), time_good() or cell_good(); take_channels(), take_times() or
// take_cells() then gives what is new to a rule and counts it. Cells are kCellSamples long.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/flag_mask.hpp"
#include "kernels/level_ops.hpp"
#include "kernels/span_weights.hpp"
#include "pipeline/flag_counts.hpp"

namespace tianyan {

/// What a given mask says of a window.
struct MaskWindow {
  View<const std::uint8_t, 2> rule;  ///< [cell][channel], of kCellSamples
  std::vector<FlaggedTimes> times;   ///< relative to the window's first sample
};

class WindowFlags {
 public:
  WindowFlags(int n_chan, std::int64_t window_samples, int n_threads);
  static std::int64_t footprint_bytes(int n_chan, std::int64_t window_samples);
  void allocate();

  /// A new window of recorded weights; channels with in_band 0 have none, nor has what the mask flags.
  void begin(SpanWeights recorded, const std::vector<std::uint8_t>& in_band, const MaskWindow* mask);
  std::int64_t n_time() const { return n_time_; }
  std::int64_t n_cell() const { return window_samples_ / kCellSamples; }
  const SpanWeights& weights() const { return weights_; }

  View<std::uint8_t, 1> channel_good() { return channel_good_.view(); }
  void take_channels(FlagRule rule);
  /// Of n_time() samples.
  View<std::uint8_t, 1> time_good() { return time_good_.view().slice(0, 0, n_time_); }
  /// Of the whole window: zero after the last recorded sample.
  View<const std::uint8_t, 1> window_time_good() const { return time_good_.cview(); }
  /// May be called again, with more of them.
  void take_times();
  /// Runs of times that were taken, relative to the window's first sample.
  const std::vector<FlaggedTimes>& flagged_times() const { return flagged_times_; }

  /// After channels and times: cells that hold a sample with weight are good.
  void begin_cells();
  View<std::uint8_t, 2> cell_good() { return cell_good_.view(); }            ///< [channel][cell]
  View<const std::uint8_t, 2> cell_count() const { return count_.cview(); }  ///< samples with weight
  void take_cells(FlagRule rule);
  View<const std::uint8_t, 2> cell_rule() const { return cell_rule_.cview(); }  ///< [channel][cell]
  bool any_cell() const { return any_cell_; }
  bool cell_is_flagged(std::int64_t c, std::int64_t k) const { return cell_rule_(c, k) != 0; }

  /// Weights of the whole window [0, window_samples), all rules applied; where it is counted, its counts go
  /// to those of all windows.
  void finish(bool is_counted = true);
  /// The rule that took the whole of a channel in a cell, or of several the last, [cell][channel], of cells
  /// that hold recorded samples.
  void rules(View<std::uint8_t, 2> rule) const;
  /// Of the window that was finished last.
  const FlagCounts& counts() const { return window_counts_; }
  /// Of all counted windows, [rule][channel].
  View<const std::int64_t, 2> channel_counts() const { return by_channel_.cview(); }
  std::int64_t n_time_total() const { return n_time_total_; }

 private:
  void take_bands(const std::vector<std::uint8_t>& in_band);
  void take_mask(const MaskWindow& mask);
  void count(FlagRule rule, std::int64_t c, std::int64_t n);
  std::int64_t n_weighted(std::int64_t c) const;
  std::vector<std::int64_t> changing_cells() const;

  int n_chan_;
  std::int64_t window_samples_;
  int n_threads_;
  std::int64_t n_time_ = 0, n_time_total_ = 0;
  SpanWeights weights_;
  SpanWeights before_rules_;             // weights as begin() left them
  std::vector<std::uint8_t> span_rule_;  // as before_rules_.good
  std::vector<std::uint8_t> channel_rule_;
  Array<std::uint8_t, 1> channel_good_, time_good_;
  Array<std::uint8_t, 2> cell_good_, cell_rule_, count_;  // [channel][cell]
  std::vector<FlaggedTimes> flagged_times_;
  bool any_cell_ = false;
  Array<std::int64_t, 2> by_channel_, of_window_;
  FlagCounts window_counts_;
};

}  // namespace tianyan
