// The search of one unit of a beam: source -> conditioning -> dedispersion and boxcars -> clusters; and the
// candidates of the beam.
#pragma once
#include <chrono>
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
#include "pipeline/given_mask.hpp"
#include "pipeline/in_step.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/read_ahead.hpp"
#include "pipeline/search_unit.hpp"

namespace tianyan {

/// What one beam gave, and what must be said about it.
struct BeamResult {
  int beam = 0;
  StreamInfo info;
  std::string format_name;
  std::vector<InputFile> files;
  Losses losses;
  std::vector<SampleRange> not_searched = {};  ///< of units that failed
  std::vector<Candidate> candidates;           ///< by time, S/N at least search.snr_min
  FlagReport flags;
  std::int64_t n_events = 0;
  std::int64_t n_events_dropped = 0;
  double seconds = 0.0;
};

/// Memory by what it is for, bytes.
struct Footprint {
  std::int64_t reading = 0, conditioning = 0, searching = 0;
  std::int64_t device = 0;  ///< of the device's own memory
  std::int64_t total() const { return reading + conditioning + searching; }
};

/// Bound when it is made: the plan and the memory are known then, and none has been taken.
class BeamSearch final : public BeamStream {
 public:
  /// Throws std::invalid_argument where the config cannot work for this source or needs more than its memory
  /// limit.
  BeamSearch(const Config& config, Source& source, int beam, int n_threads);
  /// With the plan that make_search_plan(config, source.info()) makes, which equal streams may share.
  BeamSearch(const Config& config, Source& source, int beam, int n_threads, SearchPlan plan);
  /// Of a unit of the stream, not all of it, and on a device.
  BeamSearch(const Config& config, Source& source, int beam, int n_threads, SearchPlan plan,
             const SearchUnit& unit, const SearchDevice& device = {});
  ~BeamSearch() override;
  /// Samples that the mask flags have no weight. To be called before the first window.
  void use_mask(const std::string& path);
  const SearchPlan& plan() const { return plan_; }
  const Footprint& footprint() const { return footprint_; }

  int beam() const override { return beam_; }
  bool measure() override;
  const Conditioner& conditioner() const override { return conditioner_; }
  void take(const View<const std::uint8_t, 2>* beams_good) override;
  /// Seconds of the stream that have been read.
  double done_s() const { return done_s_; }
  /// After the last window.
  UnitResult finish();

  /// Called after each window with done_s().
  using Progress = std::function<void(double done_s)>;
  /// The unit by itself, from its first window to its result.
  UnitResult run_unit(const Progress& progress);
  /// Of a search of the whole stream, likewise.
  BeamResult run(const Progress& progress);

 private:
  void start();
  StreamInfo searched_info() const;
  bool is_own(Event& event) const;
  void collect(std::vector<Event>& events, double complete_s);

  Config config_;
  Source& source_;
  int beam_;
  StreamInfo info_;
  SearchPlan plan_;
  SearchUnit unit_;
  DmSearch search_;
  Conditioner conditioner_;
  Clusterer clusterer_;
  Footprint footprint_;
  std::unique_ptr<GivenMask> mask_;
  std::unique_ptr<ReadAhead> reader_;  // from the first window on
  std::chrono::steady_clock::time_point begin_;
  double done_s_ = 0.0;
  std::vector<Event> events_, waiting_;  // of the last window; later than what is complete
  std::vector<Cluster> clusters_;
  std::int64_t n_events_ = 0;
};

/// One pulse of a beam. The error of its DM is that of the fit, with 1/12 of the trials' step squared in
/// quadrature.
Candidate candidate_of(const Cluster& cluster, int beam, const StreamInfo& info, double rms_inverse_square,
                       double dm_step_pc_cm3);

/// What the units of a beam gave together. A unit that is missing has no events, and is nothing that this
/// says.
BeamResult join_units(const Config& config, const SearchPlan& plan, const Source& source, int beam,
                      const std::vector<UnitResult>& units);

/// Threads that a config means: all of the machine's for 0.
int thread_count(const LimitsConfig& limits);

}  // namespace tianyan
