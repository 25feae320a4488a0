// Shadow searches, and which of what they find was injected.
#include "pipeline/injection_search.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/base/units.hpp"
#include "kernels/zero_dm_filter.hpp"

namespace tianyan {
namespace {

// The best boxcar on a Gaussian, of any width, over the matched filter: the maximum of erf(x / 8^1/2) (2
// pi^1/2 / x)^1/2 over x = width / sigma.
constexpr double kGaussianBoxcarEfficiency = 0.9435;

// What a pulse covers of the band, in f^-2.
struct CoveredBand {
  double middle_s_per_dm = 0.0;  // delay at its middle, after the centre of the highest channel
  double across_s_per_dm = 0.0;
};
CoveredBand covered_band(const InjectionBand& band, const PulseModel& model) {
  const double low = band.delay_s_per_dm[static_cast<std::size_t>(model.chan_begin)];
  const double high = band.delay_s_per_dm[static_cast<std::size_t>(model.chan_end) - 1];
  return {0.5 * (low + high), low - high};
}

// Where a pulse or a candidate is.
struct Place {
  double time_s, dm_pc_cm3, width_s;
};
Place place_of(const Candidate& c) { return {c.time_s, c.dm_pc_cm3, c.width_s}; }

bool is_same_place(const CoveredBand& band, const Place& a, const Place& b, double slack_s) {
  const double dm = a.dm_pc_cm3 - b.dm_pc_cm3, w = a.width_s + b.width_s + slack_s;
  return std::abs(a.time_s - b.time_s + dm * band.middle_s_per_dm) <= w &&
         std::abs(dm) * band.across_s_per_dm <= w;
}

double slack_s(const SearchPlan& plan) {
  return 2.0 * plan.sample_time_s + plan.dm_step_max_pc_cm3() * plan.band_delay_s_per_dm;
}

// Fraction of S/N that is left where channels lose weight: a pulse's own sum falls with what it covers, the
// noise with all.
double kept_by_flags(const PulseModel& model, const std::vector<double>& flagged) {
  if (flagged.empty()) return 1.0;
  double covered = 0.0, all = 0.0;
  for (int c = 0; c < std::ssize(flagged); ++c) {
    const double kept = 1.0 - flagged[static_cast<std::size_t>(c)];
    all += kept;
    covered += c >= model.chan_begin && c < model.chan_end ? kept : 0.0;
  }
  if (all <= 0.0) return 0.0;
  return covered / (model.chan_end - model.chan_begin) * std::sqrt(static_cast<double>(flagged.size()) / all);
}

// The strongest candidate at a pulse's place that `taken` does not hold; nothing: their number.
std::size_t strongest_at(const std::vector<Candidate>& candidates, const std::vector<bool>& taken,
                         const CoveredBand& band, const Place& place, double slack) {
  std::size_t best = candidates.size();
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (!taken[i] && is_same_place(band, place_of(candidates[i]), place, slack) &&
        (best == candidates.size() || candidates[i].snr > candidates[best].snr))
      best = i;
  return best;
}

// Candidates that are there without injection.
std::vector<bool> real_ones(const std::vector<Candidate>& candidates, const std::vector<Candidate>& real,
                            const CoveredBand& band, double slack) {
  std::vector<bool> is_real;
  for (const auto& c : candidates)
    is_real.push_back(std::any_of(real.begin(), real.end(), [&](const Candidate& r) {
      return c.snr <= r.snr + kRealSnrMargin && is_same_place(band, place_of(c), place_of(r), slack);
    }));
  return is_real;
}

}  // namespace

double predicted_snr(const Config& config, const StreamInfo& info, const SearchPlan& plan,
                     const PulseModel& model, const std::vector<double>& flagged) {
  const double dm = model.pulse.dm_pc_cm3;
  if (dm < plan.passes.front().dm_begin_pc_cm3() || dm > plan.passes.back().dm_end_pc_cm3()) return 0.0;
  double kept = expected_recovery(plan, dm, model.width_s) * model.boxcar_efficiency /
                kGaussianBoxcarEfficiency * kept_by_flags(model, flagged);
  if (config.rfi.zero_dm_filter.enabled)
    kept *=
        1.0 - zero_dm_filter_loss(info.freq_low_mhz, info.channel_width_mhz, info.n_chan, dm, model.width_s);
  return kept * model.pulse.snr;
}

std::vector<InjectionOutcome> match_injections(const Config& config, const SearchPlan& plan,
                                               const BeamResult& shadow,
                                               const std::vector<InjectedPulse>& pulses,
                                               const std::vector<Candidate>& real) {
  const auto band = injection_band(shadow.info);
  std::vector<PulseModel> models;
  std::vector<InjectionOutcome> outcomes;
  for (const auto& pulse : pulses) {
    models.push_back(pulse_model(band, pulse));
    outcomes.push_back(
        {pulse, {}, predicted_snr(config, shadow.info, plan, models.back(), shadow.flags.channel)});
  }
  std::vector<std::size_t> order(pulses.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return outcomes[a].predicted_snr > outcomes[b].predicted_snr;
  });
  const CoveredBand whole{0.5 * band.delay_s_per_dm.front(), band.delay_s_per_dm.front()};
  const double slack = slack_s(plan);
  auto taken = real_ones(shadow.candidates, real, whole, slack);
  for (const auto i : order) {
    const Place place{pulses[i].time_s, pulses[i].dm_pc_cm3, models[i].width_s};
    const auto best = strongest_at(shadow.candidates, taken, covered_band(band, models[i]), place, slack);
    if (best == taken.size()) continue;
    taken[best] = true;
    outcomes[i].found = shadow.candidates[best];
  }
  return outcomes;
}

BeamResult search_shadow(const Config& config, Source& source, int beam, const SearchPlan& plan,
                         const std::string& mask, const std::vector<InjectedPulse>& pulses, int n_threads,
                         const BeamSearch::Progress& progress) {
  InjectedSource shadow(source, pulses);
  BeamSearch search(config, shadow, beam, n_threads, plan);
  if (!mask.empty()) search.use_mask(mask);
  return search.run(progress);
}

}  // namespace tianyan
