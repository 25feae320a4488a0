// The search of one beam: source -> conditioning -> dedispersion and boxcars -> clusters -> candidates.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/source.hpp"
#include "kernels/base/candidate.hpp"
#include "kernels/cluster.hpp"
#include "pipeline/condition.hpp"
#include "pipeline/config.hpp"
#include "pipeline/dm_search.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {

/// What one beam gave, and what must be said about it.
struct BeamResult {
  int beam = 0;
  StreamInfo info;
  std::string format_name;
  std::vector<InputFile> files;
  Losses losses;
  std::vector<Candidate> candidates;  ///< by time, S/N at least search.snr_min
  FlagCounts flags;
  std::vector<double> channel_flagged;  ///< fraction of windows, [channel]
  std::int64_t n_events = 0;
  std::int64_t n_events_dropped = 0;
  double seconds = 0.0;
};

/// Memory by what it is for, bytes.
struct Footprint {
  std::int64_t reading = 0, conditioning = 0, searching = 0;
  std::int64_t total() const { return reading + conditioning + searching; }
};

/// Bound when it is made: the plan and the memory are known then, and none has been taken.
class BeamSearch {
 public:
  /// Throws std::invalid_argument where the config cannot work for this source or needs more than its memory
  /// limit.
  BeamSearch(const Config& config, Source& source, int beam, int n_threads);
  /// With the plan that make_search_plan(config, source.info()) makes, which equal streams may share.
  BeamSearch(const Config& config, Source& source, int beam, int n_threads, SearchPlan plan);
  const SearchPlan& plan() const { return plan_; }
  const Footprint& footprint() const { return footprint_; }

  /// Called after each window with the seconds of data that have been read.
  using Progress = std::function<void(double done_s)>;
  BeamResult run(const Progress& progress);

 private:
  ClusterParams cluster_params() const;
  Candidate candidate_of(const Cluster& cluster) const;
  void collect(std::vector<Event>& events, double complete_s);

  Config config_;
  Source& source_;
  int beam_;
  StreamInfo info_;
  SearchPlan plan_;
  Conditioner conditioner_;
  DmSearch search_;
  Clusterer clusterer_;
  Footprint footprint_;
  std::vector<Event> waiting_;  // later than what is complete
  std::vector<Cluster> clusters_;
  std::int64_t n_events_ = 0;
};

/// Threads that a config means: all of the machine's for 0.
int thread_count(const LimitsConfig& limits);

}  // namespace tianyan
