// From boxcars to events.
#include "pipeline/tile_events.hpp"

#include <algorithm>

#include "kernels/cluster.hpp"

namespace tianyan {

// Octave sample k covers native samples [k D, (k + 1) D): a boxcar's centre is half a native sample before
// the middle.
Event TileEvents::event_of(double delay, const BoxcarEvent& e) const {
  const auto factor = static_cast<double>(pass_.downsampling());
  const auto start = static_cast<double>(first_sample_ + e.start) * factor;
  Event event;
  event.width_s = e.width * factor * info_.sample_time_s;
  event.time_s = (start + 0.5 * (e.width * factor - 1.0)) * info_.sample_time_s;
  event.dm_pc_cm3 = delay * pass_.dm_per_sample_pc_cm3;
  event.snr = e.snr;
  event.snr_white = e.snr * tracks_.of(first_trial_).noise_of(e.width);
  return event;
}

bool TileEvents::is_in_scan(const Event& event) const {
  return event.time_s >= 0.0 && event.time_s < info_.duration_s();
}

void TileEvents::add(int trial, const BoxcarEvent& e) {
  const Event event = event_of(pass_.fdmt.params.delay_of(trial), e);
  if (!is_in_scan(event)) return;
  events_.push_back(event);
  if (!best_ || more_significant(event, best_->event)) best_ = {trial, e, event};
}

void TileEvents::refine(DelayRows& rows, View<std::int32_t, 1> scratch) {
  if (!best_) return;
  const auto refined = refine_event(pass_.fdmt.params, pass_.boxcar, tracks_.of(best_->trial), rows,
                                    kTimeTile, best_->trial, best_->boxcar, scratch);
  const Event event = event_of(refined.delay, refined.boxcar);
  if (more_significant(event, best_->event) && is_in_scan(event)) events_.push_back(event);
}

void TileEvents::finish(FoundEvents& found) {
  const auto keep = std::min<std::size_t>(events_.size(), kMaxEventsPerTile);
  const auto end = events_.begin() + static_cast<std::ptrdiff_t>(keep);
  std::partial_sort(events_.begin(), end, events_.end(), more_significant);
  found.n_dropped += static_cast<std::int64_t>(events_.size() - keep);
  found.events.insert(found.events.end(), events_.begin(), end);
}

}  // namespace tianyan
