// The blocks of a search: which samples of each octave are in memory, what they weigh, and which outputs of a
// pass they allow.
//
// A window of new samples goes into the octaves that passes use. Each keeps [history + block] samples and
// their weights. A block of new samples [T0, T1) lets a pass of octave j search output times [T0 - H_j, T1 -
// H_j), H_j being what the plan says (kRefineLead more are kept). Rows are zero from the scan's end on and
// nothing before its beginning is reported, so neither is dedispersed.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/stream_info.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/row_tracks.hpp"

namespace tianyan {

/// An octave that is searched.
struct SearchOctave {
  int octave = 0;
  std::int64_t history = 0, block = 0, lag = 0;  ///< octave samples
  OctaveWeights weights;                         ///< of lag + history + block samples

  std::int64_t n_sample() const { return history + block; }
};

/// Output samples of an octave, relative to the block's first one; multiples of kTimeTile.
struct SearchSpan {
  std::int64_t begin = 0, end = 0;
};

class SearchBlocks {
 public:
  /// `subbands` are the boundaries of the weights that windows come with. The plan must outlive the blocks.
  SearchBlocks(const SearchPlan& plan, const StreamInfo& info, const std::vector<int>& subbands);
  std::int64_t footprint_bytes() const;
  void allocate();

  const SearchPlan& plan() const { return plan_; }
  const StreamInfo& info() const { return info_; }
  const std::vector<int>& subbands() const { return subbands_; }
  const std::vector<SearchOctave>& octaves() const { return octaves_; }  ///< fine to coarse
  const SearchOctave& octave_of(const PlanPass& pass) const;
  std::size_t octave_index(const PlanPass& pass) const;

  /// Of the next window: weight and mean [subband][window / 8], and 1 where a sample was not flagged at all
  /// frequencies, else 0: [window].
  View<float, 2> window_weights() { return window_.weight.view(); }
  View<float, 2> window_means() { return window_.mean.view(); }
  View<float, 1> window_times() { return window_.times.view(); }
  std::int64_t window_in_block() const { return window_in_block_; }
  /// The window's weights go to the octaves, or those of a window that weighs nothing.
  void add_window(int n_threads);
  void add_empty_window();
  /// Goes on to the next window; true when it was the block's last.
  bool next_window();
  /// The block is complete: what is made of all its weights.
  void complete_block();
  void next_block();

  std::int64_t n_block() const { return n_block_; }
  /// All outputs before this time have been searched.
  double complete_before_s() const;
  /// Every output of the scan has been.
  bool is_finished() const;

  /// Octave sample of the scan that output 0 of the block is, and the scan's end.
  std::int64_t block_start(const SearchOctave& octave) const;
  std::int64_t scan_end(const SearchOctave& octave) const;
  /// Outputs of a pass that are not zero, and those at which boxcars are searched.
  SearchSpan dedispersed_span(const PlanPass& pass) const;
  SearchSpan searched_span(const PlanPass& pass) const;
  bool has_weight(const SearchOctave& octave) const;

 private:
  void add_bins(std::int64_t subband, Array<float, 2> OctaveWeights::*bins);
  void add_times();

  const SearchPlan& plan_;
  StreamInfo info_;
  std::vector<int> subbands_;
  OctaveWeights window_;
  std::vector<SearchOctave> octaves_;
  std::int64_t window_in_block_ = 0;
  std::int64_t n_block_ = 0;  // searched
};

}  // namespace tianyan
