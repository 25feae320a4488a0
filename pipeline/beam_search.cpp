// Runs the stages of one beam.
#include "pipeline/beam_search.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/base/units.hpp"

namespace tianyan {

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
    : config_(config),
      source_(source),
      beam_(beam),
      info_(source.info()),
      plan_(std::move(plan)),
      conditioner_(config.rfi, info_, source.format(), plan_.window_samples, n_threads),
      search_(plan_, info_, conditioner_.subbands(), n_threads),
      clusterer_(cluster_params()) {
  source.use_threads(n_threads);
  footprint_.reading =
      ReadAhead::footprint_bytes(plan_.window_samples, spectrum_bytes(info_, source.format())) +
      source.memory_bytes();
  footprint_.conditioning = conditioner_.footprint_bytes();
  footprint_.searching = search_.footprint_bytes();
  expect(
      footprint_.total() <= config.limits.memory_bytes,
      "the search needs {:.2f} GB for one beam and limits.memory_bytes allows {:.2f}: raise it, lower "
      "search.dm_max_pc_cm3 or search.block_s, or raise search.snr_loss_max or search.width_min_s{}",
      static_cast<double>(footprint_.total()) / 1e9, static_cast<double>(config.limits.memory_bytes) / 1e9,
      source.memory_bytes() > 0 ? "; making spectra of voltages takes less with fewer limits.threads" : "");
}

ClusterParams BeamSearch::cluster_params() const {
  return {info_.sample_time_s, plan_.band_delay_s_per_dm, config_.search.width_max_s,
          plan_.dm_step_max_pc_cm3()};
}

void BeamSearch::collect(std::vector<Event>& events, double complete_s) {
  n_events_ += static_cast<std::int64_t>(events.size());
  waiting_.insert(waiting_.end(), events.begin(), events.end());
  events.clear();
  const auto later =
      std::partition(waiting_.begin(), waiting_.end(), [&](const Event& e) { return e.time_s < complete_s; });
  std::for_each(waiting_.begin(), later, [&](const Event& e) { clusterer_.add(e); });
  waiting_.erase(waiting_.begin(), later);
  for (const auto& cluster : clusterer_.close_before(complete_s))
    if (cluster.best.snr >= config_.search.snr_min) clusters_.push_back(cluster);
}

void BeamSearch::use_mask(const std::string& path) { mask_ = std::make_unique<GivenMask>(path, info_); }

void BeamSearch::start() {
  begin_ = std::chrono::steady_clock::now();
  reader_ = std::make_unique<ReadAhead>(source_, plan_.window_samples);
  conditioner_.allocate();  // while the first window is read
  search_.allocate();
}

bool BeamSearch::measure() {
  if (!reader_) start();
  auto window = reader_->next();
  if (!window) return false;
  MaskWindow mask;
  if (mask_) mask = mask_->window(window->first_sample, window->n_time);
  conditioner_.measure(*window, mask_ ? &mask : nullptr, search_.window_samples());
  done_s_ = static_cast<double>(window->first_sample + window->n_time) * info_.sample_time_s;
  reader_->give_back(std::move(*window));
  return true;
}

void BeamSearch::take(const View<const std::uint8_t, 2>* beams_good) {
  conditioner_.finish(beams_good, search_.window_samples(), search_.window_weights(), search_.window_means());
  conditioner_.sample_weights(search_.window_times());
  search_.window_done(events_);
  collect(events_, search_.complete_before_s());
}

BeamResult BeamSearch::run(const Progress& progress) {
  while (measure()) {
    take(nullptr);
    if (progress) progress(done_s_);
  }
  return finish();
}

BeamResult BeamSearch::finish() {
  search_.finish(events_);
  collect(events_, std::numeric_limits<double>::infinity());
  BeamResult result;
  result.beam = beam_;
  result.info = info_;
  result.format_name = source_.format_name();
  result.files = source_.files();
  result.losses = source_.losses();
  for (const auto& cluster : absorb_sidelobes(clusters_, cluster_params()))
    result.candidates.push_back(candidate_of(cluster));
  result.flags = conditioner_.report();
  result.n_events = n_events_;
  result.n_events_dropped = search_.n_dropped();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  return result;
}

// The error of DM is that of the fit, with the step's own 1/12 in quadrature.
Candidate BeamSearch::candidate_of(const Cluster& cluster) const {
  const Event& e = cluster.best;
  Candidate c;
  c.beam = beam_;
  c.time_s = e.time_s + 0.5 * info_.sample_time_s;  // a sample's time is its middle
  c.dm_pc_cm3 = e.dm_pc_cm3;
  c.snr = e.snr;
  c.snr_white = e.snr_white;
  c.width_s = e.width_s;
  c.ref_freq_mhz = info_.ref_freq_mhz();
  c.n_members = cluster.n_members;
  const double fit = dm_fit_error_pc_cm3(e.width_s, e.snr, plan_.rms_inverse_square);
  double step = 0.0;
  for (const auto& pass : plan_.passes)
    if (e.dm_pc_cm3 >= pass.dm_begin_pc_cm3() - pass.dm_step_pc_cm3()) step = pass.dm_step_pc_cm3();
  c.dm_err_pc_cm3 = std::sqrt(fit * fit + step * step / 12.0);
  return c;
}

}  // namespace tianyan
