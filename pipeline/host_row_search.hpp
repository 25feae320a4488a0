// The search of rows on the host.
//
// Each octave that passes use keeps its int8 samples [channel][history + block]. The rows of a trial are made
// in tiles of kTimeTile samples, in order of time, and searched while they are in cache. What a trial's
// boxcars need of earlier tiles is 32 numbers a level.
#pragma once
#include <vector>

#include "kernels/base/array.hpp"
#include "pipeline/host_levels.hpp"
#include "pipeline/row_search.hpp"

namespace tianyan {

class HostRowSearch final : public RowSearch {
 public:
  /// The blocks must outlive the search.
  HostRowSearch(const SearchBlocks& blocks, const SampleFormat& format, int n_threads);
  std::int64_t footprint_bytes() const override;
  void allocate() override;
  WindowLevels& levels() override { return levels_; }
  void add_window() override;
  void add_empty_window() override;
  void search_pass(std::size_t pass, FoundEvents& found) override;
  void next_block() override;

 private:
  struct Pass {
    std::vector<std::int32_t> tails;  // [trial][level][32]
    std::vector<NoiseScale> noise;    // [tile of trials], measured on its first trial
  };
  struct Scratch {
    RowTracks tracks;
    Array<std::int8_t, 1> fine = {};  // a channel of a window, downsampled
    Array<std::byte, 1> fdmt = {};
    Array<std::int32_t, 1> row = {}, boxcar = {}, refine = {};
    FoundEvents found = {};
  };
  class TileRows;

  void add_channel(std::int64_t c, View<std::int8_t, 1> scratch);
  View<std::int16_t, 2> group_rows(const PlanPass& pass);
  void make_group_rows(const PlanPass& pass);
  void search_trials(std::size_t index, int first, Scratch& scratch);
  void search_tile(std::size_t index, int first, int last, std::int64_t t, Scratch& scratch);
  std::int64_t group_rows_ints() const;
  std::int64_t fdmt_scratch_bytes() const;
  Scratch make_scratch() const;

  const SearchBlocks& blocks_;
  const SearchPlan& plan_;
  int n_threads_;
  HostLevels levels_;
  Array<std::int8_t, 2> window_;                // [channel][window]
  std::vector<Array<std::int8_t, 2>> samples_;  // of each octave, [channel][history + block]
  std::vector<Pass> passes_;
  Array<std::int16_t, 1> group_memory_;
  std::vector<Scratch> scratch_;
};

}  // namespace tianyan
