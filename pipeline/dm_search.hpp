// Dedispersion and boxcar search of one beam, block by block: every pass of the plan over every trial and
// width. What is in memory and when it is searched is in search_blocks.hpp; where, in row_search.hpp.
#pragma once
#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#include "kernels/base/candidate.hpp"
#include "pipeline/row_search.hpp"
#include "pipeline/search_device.hpp"

namespace tianyan {

class DmSearch {
 public:
  /// `subbands` are the boundaries of the weights that windows come with. The plan must outlive the search.
  DmSearch(const SearchPlan& plan, const StreamInfo& info, const SampleFormat& format,
           const std::vector<int>& subbands, int n_threads, const SearchDevice& device);
  std::int64_t footprint_bytes() const { return blocks_.footprint_bytes() + rows_->footprint_bytes(); }
  std::int64_t device_bytes() const { return rows_->device_bytes(); }
  void allocate();

  /// What windows are conditioned in, and what the next one weighs: weight and mean [subband][window / 8].
  WindowLevels& levels() { return rows_->levels(); }
  View<float, 2> window_weights() { return blocks_.window_weights(); }
  View<float, 2> window_means() { return blocks_.window_means(); }
  /// 1 where a sample was not flagged at all frequencies, else 0: [window].
  View<float, 1> window_times() { return blocks_.window_times(); }
  /// The window was written. When it completes a block, the block is searched and events are appended; on a
  /// device that goes on while the next window is conditioned, and events are appended after that.
  void window_done(std::vector<Event>& events);
  /// The scan is over: goes on with samples of zero weight until every trial has been searched to the scan's
  /// end.
  void finish(std::vector<Event>& events);
  /// All events before this time have been appended.
  double complete_before_s() const { return complete_before_s_; }
  /// Events dropped because one tile of trials and times held more than kMaxEventsPerTile.
  std::int64_t n_dropped() const { return n_dropped_; }

 private:
  void count_window(std::vector<Event>& events);
  FoundEvents search_block();
  void take(FoundEvents&& found, std::vector<Event>& events);
  void wait(std::vector<Event>& events);

  int n_threads_;
  bool is_aside_;  // a device searches a block while the next window is conditioned
  SearchBlocks blocks_;
  std::unique_ptr<RowSearch> rows_;
  std::int64_t n_dropped_ = 0;
  double complete_before_s_ = 0.0;
  std::future<FoundEvents> searching_;  // first to go: it uses the others
};

}  // namespace tianyan
