// Units of work: stretches of a stream that are searched, stored and resumed by themselves.
//
// A unit reports the events of its own samples, and counts the flags of its own windows. It reads more:
// before them, what boxcars reach back to and the running noise settles in; after them, what the widest
// boxcar and the largest delay need. Statistics windows are fixed in the stream, so a sample becomes the same
// in every unit that reads it; the running noise alone begins anew. So results depend on where units begin
// and end, which search.unit_s alone decides, and not on which of them run where, when, or again.
#pragma once
#include <vector>

#include "kernels/base/sample_range.hpp"
#include "kernels/cluster.hpp"
#include "pipeline/flag_counts.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {

struct SearchUnit {
  int index = 0;
  SampleRange own;            ///< begins and, but for the last unit, ends with a statistics window
  SampleRange read;           ///< whole windows, too
  std::int64_t rows_end = 0;  ///< trials are searched up to here
  bool operator==(const SearchUnit&) const = default;
};

/// The whole stream as one unit.
SearchUnit whole_stream(const StreamInfo& info);

/// Units of nearly equal length, about unit_s, in order of time; one where the stream is shorter than one and
/// a half.
std::vector<SearchUnit> search_units(const SearchPlan& plan, const StreamInfo& info, double unit_s);

/// Samples that a unit reads before its own.
std::int64_t unit_lead_samples(const SearchPlan& plan);

/// What one unit of a beam gave.
struct UnitResult {
  SearchUnit unit;
  std::vector<Cluster> clusters;   ///< whole ones, S/N at least search.snr_min
  std::vector<Event> edge_events;  ///< of clusters that may go on in the units beside it
  FlagReport flags;                ///< of its own windows
  std::int64_t n_events = 0;
  std::int64_t n_events_dropped = 0;
  double seconds = 0.0;
};

/// Clusters of the whole stream out of those of its units, in order of time, sidelobes absorbed.
std::vector<Cluster> join_clusters(const std::vector<UnitResult>& units, const ClusterParams& params,
                                   double snr_min);

/// Adds the flags of later windows of the same stream.
void add_flags(FlagReport& report, const FlagReport& later);

}  // namespace tianyan
