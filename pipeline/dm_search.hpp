// Dedispersion and boxcar search of one beam, block by block: every pass of the plan over every trial and
// width.
//
// A window of new samples is downsampled at once into the octaves that passes use. Each keeps its int8
// samples [channel][history + block] and their subband weights. A block of new samples [T0, T1) lets a pass
// of octave j search output times [T0 - H_j, T1 - H_j), H_j being what the plan says (kRefineLead more are
// kept); the rows of a trial are made in tiles of kTimeTile samples, in order of time, and searched while
// they are in cache. What a trial's boxcars need of earlier tiles is 32 numbers a level. Rows are zero from
// the scan's end on and nothing before its beginning is reported, so neither is dedispersed.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/candidate.hpp"
#include "kernels/noise_scale.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/row_tracks.hpp"

namespace tianyan {

class DmSearch {
 public:
  /// `subbands` are the boundaries of the weights that windows come with. The plan must outlive the search.
  DmSearch(const SearchPlan& plan, const StreamInfo& info, const std::vector<int>& subbands, int n_threads);
  std::int64_t footprint_bytes() const;
  void allocate();

  /// Where the next window is to be written: q [channel][window], weight and mean [subband][window / 8].
  View<std::int8_t, 2> window_samples();
  View<float, 2> window_weights();
  View<float, 2> window_means();
  /// 1 where a sample was not flagged at all frequencies, else 0: [window].
  View<float, 1> window_times();
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
    int octave = 0;
    Array<std::int8_t, 2> samples;  // [channel][history + block]
    OctaveWeights weights;          // of lag + history + block samples
    std::int64_t history = 0, block = 0, lag = 0;
  };
  // Output samples of an octave, relative to the block's first one; multiples of kTimeTile.
  struct Span {
    std::int64_t begin = 0, end = 0;
  };
  struct Pass {
    std::vector<std::int32_t> tails;  // [trial][level][32]
    std::vector<NoiseScale> noise;    // [tile of trials], measured on its first trial
  };
  struct Scratch {
    RowTracks tracks;
    Array<std::int8_t, 1> fine = {};  // a channel of a window, downsampled
    Array<std::byte, 1> fdmt = {};
    Array<std::int32_t, 1> row = {}, boxcar = {}, refine = {};
    std::vector<Event> events = {};
    std::int64_t n_dropped = 0;
  };
  class TileRows;

  static void prepare(int n_trial, Pass& pass);
  Octave& octave_of(const PlanPass& pass);
  void distribute_window();
  void distribute_channel(std::int64_t c, View<std::int8_t, 1> scratch);
  void distribute_bins(std::int64_t subband, Array<float, 2> OctaveWeights::*bins);
  void distribute_times();
  void add_empty_window(Octave& octave);
  void count_window(std::vector<Event>& events);
  void search_block(std::vector<Event>& events);
  void search_pass(std::size_t index);
  std::int64_t block_start(const Octave& octave) const;
  std::int64_t scan_end(const Octave& octave) const;
  Span dedispersed_span(const PlanPass& pass, const Octave& octave) const;
  Span searched_span(const PlanPass& pass, const Octave& octave) const;
  View<std::int16_t, 2> group_rows(const PlanPass& pass, const Octave& octave);
  void make_group_rows(const PlanPass& pass, const Octave& octave);
  void search_trials(std::size_t index, int first, Scratch& scratch);
  void search_tile(std::size_t index, int first, int last, std::int64_t t, Scratch& scratch);
  bool has_weight(const Octave& octave) const;
  void shift_history();
  std::int64_t group_rows_ints() const;
  std::int64_t fdmt_scratch_bytes() const;
  std::int64_t window_bins() const { return plan_.window_samples / kVarianceBin; }
  Scratch make_scratch() const;

  const SearchPlan& plan_;
  StreamInfo info_;
  std::vector<int> subbands_;
  int n_threads_;
  Array<std::int8_t, 2> window_;  // [channel][window]
  OctaveWeights window_weights_;
  std::vector<Octave> octaves_;  // those that passes use, fine to coarse
  std::vector<Pass> passes_;
  Array<std::int16_t, 1> group_memory_;
  std::vector<Scratch> scratch_;
  std::int64_t window_in_block_ = 0;
  std::int64_t n_block_ = 0;  // blocks searched
  std::int64_t n_dropped_ = 0;
};

}  // namespace tianyan
