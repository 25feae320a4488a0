// Dedispersion and boxcar search of one beam, block by block: every pass of the plan over every trial and
// width.
//
// Each octave keeps its int8 samples [channel][history + block] and their subband weights. A block of new
// samples [T0, T1) lets a pass of octave j search output times [T0 - H_j, T1 - H_j), H_j being the octave's
// history; the rows of a trial are made in tiles of kTimeTile samples, in order of time, and searched while
// they are in cache. What a trial's boxcars need of earlier tiles is 32 numbers a level.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/candidate.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {

class DmSearch {
 public:
  /// `subbands` are the boundaries of the weights that windows come with.
  DmSearch(const SearchPlan& plan, const StreamInfo& info, const std::vector<int>& subbands, int n_threads);
  std::int64_t footprint_bytes() const;
  void allocate();

  /// Where the next window is to be written: q [channel][window], weight and mean [subband][window / 8].
  View<std::int8_t, 2> window_samples();
  View<float, 2> window_weights();
  View<float, 2> window_means();
  /// The window was written. When it completes a block, the block is searched and events are appended.
  void window_done(std::vector<Event>& events);
  /// The scan is over: goes on with samples of zero weight until every trial has been searched to the scan's
  /// end.
  void finish(std::vector<Event>& events);
  /// All events before this time have been made.
  double complete_before_s() const;
  /// Events dropped because one tile of trials and times held more than kMaxEventsPerTile.
  std::int64_t n_dropped() const { return n_dropped_; }

  static constexpr int kMaxEventsPerTile = 1024;

 private:
  struct Octave {
    Array<std::int8_t, 2> samples;  // [channel][history + block]
    Array<float, 2> weight, mean;   // [subband][lag + history + block, in bins of 8]
    std::int64_t history = 0, block = 0, lag = 0;
  };
  struct Pass {
    std::vector<std::int32_t> tails;  // [trial][level][32]
  };
  struct Scratch {
    Array<std::byte, 1> fdmt;
    Array<std::int32_t, 1> row, boxcar;
    Array<float, 2> per_bin, mean_per_bin;  // [trials that share a variance][bin]
    Array<double, 2> prefix, mean_prefix;
    Array<std::int32_t, 1> shift;  // [subband]
    std::vector<VarianceTrack> tracks;
    std::vector<Event> events;
    std::int64_t n_dropped = 0;
  };
  class TileRows;

  View<float, 2> window_bins(Array<float, 2>& bins);
  void make_octaves(int from);
  void search_block(std::vector<Event>& events);
  void search_pass(std::size_t index);
  void make_group_rows(const PlanPass& pass, const Octave& octave);
  void search_trials(std::size_t index, int d_begin, Scratch& scratch);
  void make_tracks(const PlanPass& pass, const Octave& octave, int d_begin, int d_end, std::int64_t t,
                   Scratch& scratch) const;
  bool has_weight(const Octave& octave) const;
  void shift_history();
  std::int64_t group_rows_ints() const;
  Scratch make_scratch() const;

  SearchPlan plan_;
  StreamInfo info_;
  std::vector<int> subbands_;
  int n_threads_;
  std::vector<Octave> octaves_;
  std::vector<Pass> passes_;
  Array<std::int16_t, 1> group_memory_;
  std::vector<Scratch> scratch_;
  std::int64_t window_in_block_ = 0;
  std::int64_t n_block_ = 0;  // blocks searched
  std::int64_t n_dropped_ = 0;
};

}  // namespace tianyan
