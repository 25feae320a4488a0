// Runs the stages of one beam.
#include "pipeline/beam_search.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/base/units.hpp"
#include "pipeline/memory_limit.hpp"

namespace tianyan {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

ClusterParams cluster_params(const Config& config, const StreamInfo& info, const SearchPlan& plan) {
  return {info.sample_time_s, plan.band_delay_s_per_dm, config.search.width_max_s, plan.dm_step_max_pc_cm3()};
}

// Of the last pass that begins there or below.
double dm_step_at(const SearchPlan& plan, double dm_pc_cm3) {
  double step = 0.0;
  for (const auto& pass : plan.passes)
    if (dm_pc_cm3 >= pass.dm_begin_pc_cm3() - pass.dm_step_pc_cm3()) step = pass.dm_step_pc_cm3();
  return step;
}

}  // namespace

int thread_count(const LimitsConfig& limits) {
  return limits.threads > 0 ? limits.threads : omp_get_num_procs();
}

BeamSearch::~BeamSearch() {
  if (!reader_) return;
  reader_.reset();
  source_.release();
}

BeamSearch::BeamSearch(const Config& config, Source& source, int beam, int n_threads)
    : BeamSearch(config, source, beam, n_threads, make_search_plan(config, source.info())) {}

BeamSearch::BeamSearch(const Config& config, Source& source, int beam, int n_threads, SearchPlan plan)
    : BeamSearch(config, source, beam, n_threads, std::move(plan), whole_stream(source.info())) {}

BeamSearch::BeamSearch(const Config& config, Source& source, int beam, int n_threads, SearchPlan plan,
                       const SearchUnit& unit, const SearchDevice& device)
    : config_(config),
      source_(source),
      beam_(beam),
      info_(source.info()),
      plan_(std::move(plan)),
      unit_(unit),
      search_(plan_, searched_info(), source.format(), variance_subbands(info_.n_chan), n_threads, device),
      conditioner_(config.rfi, info_, source.format(), plan_.window_samples, n_threads, search_.levels()),
      clusterer_(
          cluster_params(config, info_, plan_),
          unit.own.begin > 0 ? static_cast<double>(unit.own.begin) * info_.sample_time_s : -kForever,
          unit.own.end < info_.n_time ? static_cast<double>(unit.own.end) * info_.sample_time_s : kForever) {
  source.use_threads(n_threads);
  footprint_.reading =
      ReadAhead::footprint_bytes(plan_.window_samples, spectrum_bytes(info_, source.format())) +
      source.memory_bytes();
  footprint_.conditioning = conditioner_.footprint_bytes();
  footprint_.searching = search_.footprint_bytes();
  footprint_.device = search_.device_bytes();
  const std::string more =
      source.memory_bytes() > 0 ? "; making spectra of voltages takes less with fewer limits.threads" : "";
  expect_memory(footprint_.total(), config.limits, "one beam's search needs",
                "lower search.dm_max_pc_cm3 or search.block_s, or raise search.snr_loss_max or "
                "search.width_min_s" +
                    more);
}

// What DmSearch takes for the stream: what is read, as long as trials are searched.
StreamInfo BeamSearch::searched_info() const {
  StreamInfo info = info_;
  info.n_time = unit_.rows_end - unit_.read.begin;
  return info;
}

// Makes the event's time one of the stream. Events lie at whole and half samples: no unit's rounding differs.
bool BeamSearch::is_own(Event& event) const {
  const auto half_samples = std::llround(2.0 * event.time_s / info_.sample_time_s) + 2 * unit_.read.begin;
  event.time_s = 0.5 * static_cast<double>(half_samples) * info_.sample_time_s;
  return half_samples >= 2 * unit_.own.begin && half_samples < 2 * unit_.own.end;
}

void BeamSearch::collect(std::vector<Event>& events, double complete_s) {
  for (Event& event : events)
    if (is_own(event)) waiting_.push_back(event), ++n_events_;
  events.clear();
  const double complete_in_stream_s =
      complete_s + static_cast<double>(unit_.read.begin) * info_.sample_time_s;
  const auto later = std::partition(waiting_.begin(), waiting_.end(),
                                    [&](const Event& e) { return e.time_s < complete_in_stream_s; });
  std::for_each(waiting_.begin(), later, [&](const Event& e) { clusterer_.add(e); });
  waiting_.erase(waiting_.begin(), later);
  for (const auto& cluster : clusterer_.close_before(complete_in_stream_s))
    if (cluster.best.snr >= config_.search.snr_min) clusters_.push_back(cluster);
}

void BeamSearch::use_mask(const std::string& path) { mask_ = std::make_unique<GivenMask>(path, info_); }

void BeamSearch::start() {
  begin_ = std::chrono::steady_clock::now();
  reader_ = std::make_unique<ReadAhead>(source_, unit_.read, plan_.window_samples);
  search_.allocate();  // while the first window is read
  conditioner_.allocate();
}

bool BeamSearch::measure() {
  if (!reader_) start();
  auto window = reader_->next();
  if (!window) return false;
  MaskWindow mask;
  if (mask_) mask = mask_->window(window->first_sample, window->n_time);
  conditioner_.count_windows(window->first_sample >= unit_.own.begin && window->first_sample < unit_.own.end);

  conditioner_.measure(*window, mask_ ? &mask : nullptr);
  done_s_ = static_cast<double>(window->first_sample + window->n_time) * info_.sample_time_s;
  reader_->give_back(std::move(*window));
  return true;
}

void BeamSearch::take(const View<const std::uint8_t, 2>* beams_good) {
  conditioner_.finish(beams_good, search_.window_weights(), search_.window_means());
  conditioner_.sample_weights(search_.window_times());
  search_.window_done(events_);
  collect(events_, search_.complete_before_s());
}

UnitResult BeamSearch::run_unit(const Progress& progress) {
  while (measure()) {
    take(nullptr);
    if (progress) progress(done_s_);
  }
  return finish();
}

BeamResult BeamSearch::run(const Progress& progress) {
  const UnitResult unit = run_unit(progress);
  return join_units(config_, plan_, source_, beam_, {unit});
}

UnitResult BeamSearch::finish() {
  search_.finish(events_);
  collect(events_, kForever);
  UnitResult result;
  result.unit = unit_;
  result.clusters = std::move(clusters_);
  result.edge_events = clusterer_.take_edge_events();
  result.flags = conditioner_.report();
  result.n_events = n_events_;
  result.n_events_dropped = search_.n_dropped();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  return result;
}

Candidate candidate_of(const Cluster& cluster, int beam, const StreamInfo& info, double rms_inverse_square,
                       double dm_step_pc_cm3) {
  const Event& e = cluster.best;
  Candidate c;
  c.beam = beam;
  c.time_s = e.time_s + 0.5 * info.sample_time_s;  // an event counts from the middle of the first sample
  c.dm_pc_cm3 = e.dm_pc_cm3;
  c.dm_err_pc_cm3 =
      std::hypot(dm_fit_error_pc_cm3(e.width_s, e.snr, rms_inverse_square), dm_step_pc_cm3 / std::sqrt(12.0));
  c.snr = e.snr;
  c.snr_white = e.snr_white;
  c.width_s = e.width_s;
  c.ref_freq_mhz = info.ref_freq_mhz();
  c.n_members = cluster.n_members;
  return c;
}

BeamResult join_units(const Config& config, const SearchPlan& plan, const Source& source, int beam,
                      const std::vector<UnitResult>& units) {
  BeamResult result;
  result.beam = beam;
  result.info = source.info();
  result.format_name = source.format_name();
  result.files = source.files();
  result.losses = source.losses();
  for (const auto& cluster :
       join_clusters(units, cluster_params(config, result.info, plan), config.search.snr_min))
    result.candidates.push_back(candidate_of(cluster, beam, result.info, plan.rms_inverse_square,
                                             dm_step_at(plan, cluster.best.dm_pc_cm3)));
  for (const auto& unit : units) {
    add_flags(result.flags, unit.flags);
    result.n_events += unit.n_events;
    result.n_events_dropped += unit.n_events_dropped;
    result.seconds += unit.seconds;
  }
  return result;
}

}  // namespace tianyan
