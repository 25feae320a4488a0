// Octaves, losses and memory of a search.
#include "pipeline/plan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/base/units.hpp"
#include "kernels/zero_dm_filter.hpp"

namespace tianyan {
namespace {

constexpr int kMaxOctave = 12;
constexpr int kMaxDelayStep = 8;
constexpr int kMaxDelaysPerPass = 2048;  // group rows of one pass and block stay in a last cache
constexpr std::int64_t kMinWindowSamples = 1024;
constexpr double kLeastBandFraction = 0.1;  // nothing is claimed from less of the band

// Mean over the channels of smear^2 / 12, s^2: the recorded channels' own broadening.
double mean_smear_variance_s2(const StreamInfo& info, double dm) {
  double sum = 0.0;
  const int steps = std::min(info.n_chan, 256);
  for (int i = 0; i < steps; ++i) {
    const double f = info.freq_mhz(std::int64_t{i} * info.n_chan / steps),
                 half = info.channel_width_mhz / 2.0;
    const double smear_s = dispersion_delay_s(dm - info.coherent_dm_pc_cm3, f - half, f + half);
    sum += smear_s * smear_s / 12.0;
  }
  return sum / steps;
}

double loss_from(double added_variance, double variance) {
  return 1.0 - std::pow(1.0 + added_variance / variance, -0.25);
}

// What searching adds to a pulse's variance in time, s^2: the header's three terms.
struct AddedVariance {
  double downsampling = 0.0, delay_rounding = 0.0, dm_step = 0.0;
  double total() const { return downsampling + delay_rounding + dm_step; }
};
AddedVariance added_variance_s2(const StreamInfo& info, const Sampling& sampling) {
  const double t = std::ldexp(info.sample_time_s, sampling.octave), native = info.sample_time_s;
  const double rounding = kFdmtRmsErrorSamples * t, step = sampling.delay_step * t;
  return {(t * t - native * native) / 12.0, rounding * rounding, step * step / 144.0};
}

double pulse_variance_s2(const StreamInfo& info, double dm, double width_s) {
  const double sigma = width_s / kFwhmPerSigma;
  return sigma * sigma + mean_smear_variance_s2(info, dm);
}

bool within_budget(const StreamInfo& info, const SearchConfig& s, double dm, const Sampling& sampling) {
  return loss_from(added_variance_s2(info, sampling).total(), pulse_variance_s2(info, dm, s.width_min_s)) <=
         s.snr_loss_max;
}

int largest_step(const StreamInfo& info, const SearchConfig& s, double dm, int octave) {
  int step = 1;
  while (step < kMaxDelayStep && within_budget(info, s, dm, {octave, step + 1})) ++step;
  return step;
}

// S/N of a boxcar over a Gaussian of `sigma` (same units), relative to the matched filter.
double boxcar_efficiency(double width, double sigma) {
  return std::erf(width / (2.0 * std::sqrt(2.0) * sigma)) * std::sqrt(2.0 * sigma * std::sqrt(M_PI) / width);
}

double boxcar_loss(const BoxcarPlan& boxcar, double sigma_samples) {
  double best = 0.0;
  for (const int w : boxcar.widths_samples()) best = std::max(best, boxcar_efficiency(w, sigma_samples));
  return 1.0 - best;
}

// Where `octave` becomes good enough on the way from one DM to another, away from that of coherent
// dedispersion: the first such DM (bisection; the loss falls with distance), or the last where there is none.
double boundary(const StreamInfo& info, const SearchConfig& s, double from, double to, int octave) {
  if (octave > kMaxOctave || !within_budget(info, s, to, {octave, 1})) return to;
  if (within_budget(info, s, from, {octave, 1})) return from;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (from + to);
    (within_budget(info, s, middle, {octave, 1}) ? to : from) = middle;
  }
  return to;
}

// No sample is longer than the widest pulse, and a window holds whole bins of variance in every octave.
int octave_limit(const StreamInfo& info, const SearchConfig& s, std::int64_t window_samples) {
  int octave = 0;
  while (octave < kMaxOctave && std::ldexp(info.sample_time_s, octave + 1) <= s.width_max_s &&
         (kVarianceBin << (octave + 1)) <= window_samples)
    ++octave;
  return octave;
}

FdmtParams fdmt_params(const StreamInfo& info, int max_abs, int delay_begin, int delay_end, int delay_step) {
  FdmtParams f;
  f.n_chan = info.n_chan;
  f.freq_low_mhz = info.freq_low_mhz;
  f.channel_width_mhz = info.channel_width_mhz;
  f.delay_begin = delay_begin;
  f.delay_end = delay_end;
  f.delay_step = delay_step;
  f.max_abs = max_abs;
  f.trial_tile = kTrialTile;
  f.time_tile = static_cast<int>(kTimeTile);
  return f;
}

// Delays of one pass, in samples of its octave.
struct PassRange {
  Sampling sampling;
  int delay_begin = 0, delay_end = 0;
  std::int64_t n_trial() const { return (delay_end - delay_begin) / sampling.delay_step; }
};

PlanPass make_pass(const StreamInfo& info, const Config& config, const SearchPlan& plan,
                   const PassRange& range) {
  const Sampling& sampling = range.sampling;
  PlanPass pass;
  pass.octave = sampling.octave;
  const double t_s = std::ldexp(info.sample_time_s, sampling.octave), width = config.search.width_min_s;
  pass.dm_per_sample_pc_cm3 = t_s / plan.band_delay_s_per_dm;
  const auto& levels = plan.levels[static_cast<std::size_t>(sampling.octave)];
  pass.fdmt = make_fdmt_plan(
      fdmt_params(info, levels.max_abs, range.delay_begin, range.delay_end, sampling.delay_step),
      static_cast<int>(kTimeTile));
  pass.boxcar =
      make_boxcar_plan(0.0, config.search.width_max_s / t_s, std::int64_t{info.n_chan} * levels.max_abs,
                       config.search.snr_min_member, kLeastBandFraction * info.n_chan * levels.variance);
  const double dm = pass.dm_middle_pc_cm3();
  pass.loss = loss_of(info, dm, width, sampling);
  const double sigma_s =
      std::sqrt(pulse_variance_s2(info, dm, width) + added_variance_s2(info, sampling).total());
  pass.loss.boxcar = boxcar_loss(pass.boxcar, sigma_s / t_s);
  pass.loss.quantisation = 1.0 - 1.0 / std::sqrt(1.0 + levels.noise_added);
  return pass;
}

// Fraction of the channels that the config's own bands leave.
double kept_band(const StreamInfo& info, const RfiConfig& rfi) {
  std::int64_t kept = 0;
  for (std::int64_t c = 0; c < info.n_chan; ++c) kept += rfi.bands.hold(info.freq_mhz(c)) ? 0 : 1;
  return static_cast<double>(kept) / info.n_chan;
}

// DMs that are searched in samples of one octave.
struct OctaveRange {
  int octave = 0;
  double dm_begin = 0.0, dm_end = 0.0;
};

// The DM of a range at which pulses are smeared least.
double sharpest_dm(const StreamInfo& info, double dm_begin, double dm_end) {
  return std::clamp(info.coherent_dm_pc_cm3, dm_begin, std::max(dm_begin, dm_end));
}

void add_octave(const SearchPlan& plan, const StreamInfo& info, const Config& config,
                const OctaveRange& range, std::vector<PassRange>& passes) {
  const auto& [octave, dm_begin, dm_end] = range;
  const double step = std::ldexp(info.sample_time_s, octave) / plan.band_delay_s_per_dm;
  const double first = std::floor(dm_begin / step), last = std::ceil(dm_end / step);
  expect(last + kMaxDelayStep < (1 << 20),
         "DM {} is a delay of {:.0f} samples of {} s across the band; at most {} are possible: lower "
         "search.dm_max_pc_cm3 or raise search.snr_loss_max",
         dm_end, last, step * plan.band_delay_s_per_dm, 1 << 20);
  const int d_last = static_cast<int>(last);
  for (int d = static_cast<int>(first); d <= d_last; d = passes.back().delay_end) {
    const double first_dm = std::max(d * step, config.search.dm_min_pc_cm3);
    const double last_dm = std::min(d + kMaxDelaysPerPass, d_last) * step;
    const int delay_step = largest_step(info, config.search, sharpest_dm(info, first_dm, last_dm), octave);
    // A step after its last trial the next pass begins; the very last trial is at or beyond the last delay.
    const int n_left = (d_last - d + delay_step - 1) / delay_step + 1;
    const int n_trial = std::min(n_left, kMaxDelaysPerPass / delay_step);
    passes.push_back({{octave, delay_step}, d, d + n_trial * delay_step});
  }
}

// From one DM to another, away from that of coherent dedispersion: octaves become coarser.
std::vector<OctaveRange> ranges_between(const StreamInfo& info, const SearchConfig& s, int octave_limit,
                                        double from, double to) {
  int octave = 0;
  while (octave < octave_limit && within_budget(info, s, from, {octave + 1, 1})) ++octave;
  std::vector<OctaveRange> ranges;
  for (double dm = from;; ++octave) {
    const double end = octave < octave_limit ? boundary(info, s, dm, to, octave + 1) : to;
    if (ranges.empty() || end != dm) ranges.push_back({octave, std::min(dm, end), std::max(dm, end)});
    if (end == to) return ranges;
    dm = end;
  }
}

// Upwards from the lowest DM, or both ways from a DM of coherent dedispersion that lies inside.
void add_passes(SearchPlan& plan, const StreamInfo& info, const Config& config) {
  const auto& s = config.search;
  const int limit = octave_limit(info, s, plan.window_samples);
  const double middle = sharpest_dm(info, s.dm_min_pc_cm3, s.dm_max_pc_cm3);
  std::vector<OctaveRange> ranges;
  if (middle > s.dm_min_pc_cm3) ranges = ranges_between(info, s, limit, middle, s.dm_min_pc_cm3);
  std::reverse(ranges.begin(), ranges.end());
  if (middle < s.dm_max_pc_cm3 || ranges.empty()) {
    const auto above = ranges_between(info, s, limit, middle, s.dm_max_pc_cm3);
    if (!ranges.empty()) ranges.back().dm_end = above.front().dm_end;  // of the same octave
    ranges.insert(ranges.end(), above.begin() + (ranges.empty() ? 0 : 1), above.end());
  }
  std::vector<PassRange> passes;
  for (const auto& range : ranges) add_octave(plan, info, config, range, passes);
  std::int64_t n_trial = 0;
  for (const auto& pass : passes) n_trial += pass.n_trial();
  expect(n_trial <= config.limits.dm_trials,
         "the plan has {} trials of DM and limits.dm_trials allows {}: lower search.dm_max_pc_cm3, or "
         "raise search.snr_loss_max or search.width_min_s",
         n_trial, config.limits.dm_trials);
  for (const auto& pass : passes) plan.passes.push_back(make_pass(info, config, plan, pass));
}

std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

void set_sizes(SearchPlan& plan, const StreamInfo& info, const Config& config) {
  int octave = 0;
  for (const auto& pass : plan.passes) octave = std::max(octave, pass.octave);
  plan.history.assign(static_cast<std::size_t>(octave) + 1, 0);
  for (const auto& pass : plan.passes) {
    auto& h = plan.history[static_cast<std::size_t>(pass.octave)];
    h = std::max(h, round_up(pass.fdmt.history(), kTimeTile));
  }
  const auto quantum = std::max(plan.window_samples, kTimeTile << octave);
  const auto wanted = std::llround(config.search.block_s / info.sample_time_s);
  plan.block_samples = std::max<std::int64_t>(1, (wanted + quantum / 2) / quantum) * quantum;
}

void set_work(SearchPlan& plan) {
  for (const auto& pass : plan.passes) {
    const double rate = 1.0 / std::ldexp(plan.sample_time_s, pass.octave);
    constexpr double kAdditionsPerPoint =
        6.0;  // five sums and five maxima, in registers: the time of so many in cache
    plan.additions_per_data_s +=
        rate * (pass.fdmt.additions_per_sample() + kAdditionsPerPoint * pass.fdmt.n_trial());
  }
}

}  // namespace

double modelled_s(const SearchPlan& plan, const StreamInfo& info, int n_threads) {
  const double samples_s = static_cast<double>(info.n_time) * info.n_chan / kSamplesPerCoreS;
  return (samples_s + plan.additions_per_data_s * info.duration_s() / kAdditionsPerCoreS) / n_threads;
}

double LossBudget::searched() const {
  return 1.0 - (1.0 - dm_step) * (1.0 - delay_rounding) * (1.0 - downsampling);
}

LossBudget loss_of(const StreamInfo& info, double dm, double width_s, const Sampling& sampling) {
  const double variance = pulse_variance_s2(info, dm, width_s), sigma = width_s / kFwhmPerSigma;
  const auto added = added_variance_s2(info, sampling);
  LossBudget loss;
  loss.dm_step = loss_from(added.dm_step, variance);
  loss.delay_rounding = loss_from(added.delay_rounding, variance);
  loss.downsampling = loss_from(added.downsampling, variance);
  loss.smearing = loss_from(mean_smear_variance_s2(info, dm), sigma * sigma);
  return loss;
}

double expected_recovery(const SearchPlan& plan, double dm, double width_s) {
  const auto found = std::find_if(plan.passes.begin(), plan.passes.end(),
                                  [&](const PlanPass& p) { return dm <= p.dm_end_pc_cm3(); });
  const PlanPass& pass = found == plan.passes.end() ? plan.passes.back() : *found;
  const double t_s = std::ldexp(plan.sample_time_s, pass.octave), sigma_s = width_s / kFwhmPerSigma;
  const double added_s2 = (2.0 * t_s * t_s - plan.sample_time_s * plan.sample_time_s) / 12.0;
  const double broad_s = std::sqrt(sigma_s * sigma_s + added_s2);
  double boxcar = 0.0;
  for (int w = 1; w <= pass.boxcar.widths_samples().back(); ++w)
    boxcar = std::max(boxcar, boxcar_efficiency(w, broad_s / t_s));
  return std::sqrt(sigma_s / broad_s) * boxcar * (1.0 - pass.loss.quantisation);
}

std::int64_t statistics_window_samples(const RfiConfig& rfi, const StreamInfo& info) {
  const double window = std::max(1.0, rfi.window_s / info.sample_time_s);
  return std::max(kMinWindowSamples, std::int64_t{1} << std::lround(std::log2(window)));
}

std::int64_t SearchPlan::n_trial() const {
  std::int64_t n = 0;
  for (const auto& pass : passes) n += pass.fdmt.n_trial();
  return n;
}

double SearchPlan::dm_step_max_pc_cm3() const {
  double step = 0.0;
  for (const auto& pass : passes) step = std::max(step, pass.dm_step_pc_cm3());
  return step;
}

std::int64_t SearchPlan::flush_samples() const {
  std::int64_t n = 0;
  for (const auto& pass : passes)
    n = std::max(n, (history[static_cast<std::size_t>(pass.octave)] + pass.boxcar.lag()) << pass.octave);
  return n;
}

double rms_inverse_square(const StreamInfo& info) {
  double mean = 0.0, squares = 0.0;
  for (int c = 0; c < info.n_chan; ++c) {
    const double g = inverse_square(info.freq_mhz(c));
    mean += g / info.n_chan;
    squares += g * g / info.n_chan;
  }
  return std::sqrt(std::max(0.0, squares - mean * mean));
}

SearchPlan make_search_plan(const Config& config, const StreamInfo& info) {
  SearchPlan plan;
  expect(info.n_chan >= 2, "a search for dispersed pulses needs at least 2 channels; the stream has {}",
         info.n_chan);
  plan.sample_time_s = info.sample_time_s;
  plan.band_delay_s_per_dm = info.band_delay_s_per_dm();
  plan.rms_inverse_square = rms_inverse_square(info);
  plan.levels.emplace_back();
  for (int j = 0; j < kMaxOctave; ++j) plan.levels.push_back(next_octave(plan.levels.back()));
  expect(config.rfi.window_s / info.sample_time_s < 1e9 && config.search.block_s / info.sample_time_s < 1e9,
         "windows of {} s and blocks of {} s hold too many samples of {} s", config.rfi.window_s,
         config.search.block_s, info.sample_time_s);
  plan.window_samples = statistics_window_samples(config.rfi, info);
  add_passes(plan, info, config);
  const double kept = kept_band(info, config.rfi);
  expect(kept > kLeastBandFraction,
         "rfi.bands.mhz leaves {:.1f} % of the band; nothing is searched in less than {:.0f} %", 100.0 * kept,
         100.0 * kLeastBandFraction);
  plan.running_noise = config.search.running_noise;
  for (auto& pass : plan.passes) {
    pass.loss.flagged_band = 1.0 - std::sqrt(kept);
    const double dm = pass.dm_middle_pc_cm3();
    if (config.rfi.zero_dm_filter.enabled)
      pass.loss.zero_dm_filter = zero_dm_filter_loss(info.freq_low_mhz, info.channel_width_mhz, info.n_chan,
                                                     dm, config.search.width_min_s);
  }
  set_sizes(plan, info, config);
  set_work(plan);
  return plan;
}

}  // namespace tianyan
