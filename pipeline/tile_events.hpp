// Events of one tile of trials and times: from boxcars of rows to what a beam reports, the best one refined.
#pragma once
#include <optional>
#include <vector>

#include "kernels/base/candidate.hpp"
#include "kernels/base/stream_info.hpp"
#include "kernels/noise_scale.hpp"
#include "kernels/refine.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/row_tracks.hpp"

namespace tianyan {

inline constexpr int kMaxEventsPerTile = 1024;

/// Where events are put.
struct FoundEvents {
  std::vector<Event> events;
  std::int64_t n_dropped = 0;  ///< because a tile held more than kMaxEventsPerTile
};

class TileEvents {
 public:
  /// The tile begins with trial `first_trial` and octave sample `first_sample` of the scan; `tracks` is that
  /// of its rows. All must outlive the tile.
  TileEvents(const PlanPass& pass, const RowTracks& tracks, int first_trial, std::int64_t first_sample,
             const StreamInfo& info)
      : pass_(pass), tracks_(tracks), first_trial_(first_trial), first_sample_(first_sample), info_(info) {}

  /// In order of trials.
  void add(int trial, const BoxcarEvent& e);
  /// Adds the best event as a finer search finds it. `rows` makes rows of samples relative to the tile's
  /// first.
  void refine(DelayRows& rows, View<std::int32_t, 1> scratch);
  /// Gives away the most significant events of the tile.
  void finish(FoundEvents& found);

 private:
  struct Best {
    int trial = 0;
    BoxcarEvent boxcar;
    Event event;
  };
  Event event_of(double delay, const BoxcarEvent& e) const;
  bool is_in_scan(const Event& event) const;

  const PlanPass& pass_;
  const RowTracks& tracks_;
  int first_trial_;
  std::int64_t first_sample_;
  const StreamInfo& info_;
  std::vector<Event> events_;
  std::optional<Best> best_;
};

}  // namespace tianyan
