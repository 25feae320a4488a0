// Profiles of injected pulses, and the amplitude for an S/N.
#include "pipeline/injection_model.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

constexpr int kMaxProfiles = 32;   // channels that stand for all that are covered
constexpr int kMaxPoints = 16384;  // of P
constexpr double kScatteringMhz = 1000.0;

/// P over its time, at the middles of steps, of unit area.
struct Profile {
  double step_s = 0.0;
  std::vector<double> value;  // 1/s

  double square() const {
    double sum = 0.0;
    for (const double v : value) sum += v * v * step_s;
    return sum;
  }
};

// Steps of a quarter of the narrowest Gaussian, or a 16384th of all, which integrates even a steep rise
// before a long tail to 1e-3.
Profile profile_of(const InjectionBand& band, const PulseModel& model) {
  const int n_covered = model.chan_end - model.chan_begin, n = std::min(n_covered, kMaxProfiles);
  std::vector<PulseShape> shapes;
  double narrowest_s = model.end_s;
  for (int i = 0; i < n; ++i) {
    const auto c = model.chan_begin + (std::int64_t{2} * i + 1) * n_covered / (2 * n);
    shapes.push_back(model.shape(band, static_cast<int>(c)));
    narrowest_s = std::min(narrowest_s, shapes.back().sigma_s);
  }
  const double span_s = model.end_s - model.begin_s;
  const int n_point = static_cast<int>(std::min<double>(kMaxPoints, std::ceil(4.0 * span_s / narrowest_s)));
  Profile profile{span_s / n_point, std::vector<double>(static_cast<std::size_t>(n_point))};
  for (int k = 0; k < n_point; ++k)
    for (const auto& shape : shapes)
      profile.value[static_cast<std::size_t>(k)] += shape.at(model.begin_s + (k + 0.5) * profile.step_s) / n;
  return profile;
}

// P has one maximum: the best boxcar of each width grows from it towards the higher neighbour.
double best_boxcar(const Profile& profile) {
  const auto& v = profile.value;
  auto first = static_cast<std::size_t>(std::max_element(v.begin(), v.end()) - v.begin()), end = first + 1;
  double sum = v[first], best = 0.0;
  while (true) {
    best = std::max(best, sum / std::sqrt(static_cast<double>(end - first)));
    const double before = first > 0 ? v[first - 1] : -1.0, after = end < v.size() ? v[end] : -1.0;
    if (before <= 0.0 && after <= 0.0) break;
    sum += before > after ? v[--first] : v[end++];
  }
  return best * std::sqrt(profile.step_s / profile.square());
}

}  // namespace

InjectionBand injection_band(const StreamInfo& info) {
  InjectionBand band{info.sample_time_s, info.coherent_dm_pc_cm3, {}, {}, {}};
  const double half_mhz = 0.5 * info.channel_width_mhz;
  for (int c = 0; c < info.n_chan; ++c) {
    const double f = info.freq_mhz(c);
    band.delay_s_per_dm.push_back(dispersion_delay_s(1.0, f, info.ref_freq_mhz()));
    band.smear_s_per_dm.push_back(dispersion_delay_s(1.0, f - half_mhz, f + half_mhz));
    band.scattering.push_back(std::pow(f / kScatteringMhz, -4.0));
  }
  return band;
}

PulseShape PulseModel::shape(const InjectionBand& band, int c) const {
  const auto i = static_cast<std::size_t>(c);
  const double sigma_s = pulse.width_s / kFwhmPerSigma;
  const double smear_s = (pulse.dm_pc_cm3 - band.coherent_dm_pc_cm3) * band.smear_s_per_dm[i];
  const double boxes_s2 = (smear_s * smear_s + band.sample_time_s * band.sample_time_s) / 12.0;
  return {std::sqrt(sigma_s * sigma_s + boxes_s2), pulse.scattering_s * band.scattering[i]};
}

SampleRange PulseModel::samples(const InjectionBand& band, std::int64_t n_time) const {
  const double first_s = pulse.time_s + delay_s(band, chan_end - 1) + begin_s;
  const double last_s = pulse.time_s + delay_s(band, chan_begin) + end_s;
  const auto sample = [&](double time_s) {
    return static_cast<std::int64_t>(
        std::clamp(std::floor(time_s / band.sample_time_s), 0.0, static_cast<double>(n_time)));
  };
  return {sample(first_s), std::min(sample(last_s) + 1, n_time)};
}

PulseModel pulse_model(const InjectionBand& band, const InjectedPulse& pulse) {
  PulseModel model;
  model.pulse = pulse;
  const int n_chan = band.n_chan();
  const int n_covered = std::clamp(static_cast<int>(std::lround(pulse.band_fraction * n_chan)), 1, n_chan);
  model.chan_begin = static_cast<int>(std::lround(pulse.band_position * (n_chan - n_covered)));
  model.chan_end = model.chan_begin + n_covered;
  // Smearing and scattering are largest in the lowest channel.
  const auto longest = model.shape(band, model.chan_begin);
  model.begin_s = longest.begin_s();
  model.end_s = longest.end_s();
  const auto profile = profile_of(band, model);
  const double square = profile.square();
  model.fluence = pulse.snr / n_covered * std::sqrt(n_chan / (band.sample_time_s * square));
  model.width_s = kFwhmPerSigma / (2.0 * std::sqrt(std::numbers::pi) * square);
  model.boxcar_efficiency = best_boxcar(profile);
  return model;
}

}  // namespace tianyan
