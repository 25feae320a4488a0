// White noise under a Gaussian, dispersed by a product of Fourier transforms.
#include "kernels/voltage_pulse.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/base/expect.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

constexpr double kPi = std::numbers::pi;

double sigma_t_s(const VoltagePulse& pulse) { return pulse.width_s / kFwhmPerSigma; }

void check_pulse(const VoltagePulse& p) {
  expect(std::isfinite(p.freq_high_mhz()) && p.freq_low_mhz > 0.0 && p.coarse_width_mhz > 0.0,
         "a pulse in a coarse channel of {} MHz above {} MHz; both must be positive", p.coarse_width_mhz,
         p.freq_low_mhz);
  expect(std::isfinite(p.dm_pc_cm3) && p.dm_pc_cm3 >= 0.0, "a pulse of DM {} pc/cm3", p.dm_pc_cm3);
  expect(std::isfinite(p.peak_power) && p.peak_power >= 0.0, "a pulse of {} times the noise", p.peak_power);
  const double narrowest_s = kNarrowestVoltagePulse / (p.coarse_width_mhz * 1e6);
  expect(std::isfinite(p.width_s) && p.width_s >= narrowest_s,
         "a pulse of {} s in a coarse channel of {} MHz, which resolves {} s; use fewer coarse channels",
         p.width_s, p.coarse_width_mhz, narrowest_s);
  expect(std::abs(p.arrival_s) * p.sample_rate_hz() < 0x1p52, "a pulse that arrives at {} s", p.arrival_s);
}

/// Sample first_sample + n_lead + i of the stream is drawn i.
double amplitude(const VoltagePulsePlan& plan, std::int64_t i) {
  const VoltagePulse& p = plan.pulse;
  const double time_s = static_cast<double>(plan.first_sample + plan.n_lead + i) / p.sample_rate_hz();
  const double z = (time_s - p.arrival_s) / sigma_t_s(p);
  return std::sqrt(p.peak_power) * std::exp(-0.25 * z * z);
}

/// x, zeros around it, into `out` [n_fft][component].
void draw(const VoltagePulsePlan& plan, const NormalTable& normal, Xoshiro256& random, float* out) {
  const int n_component = plan.n_component();
  std::fill(out, out + plan.n_fft * n_component, 0.0F);
  float* x = out + plan.n_lead * n_component;
  normal.fill(random, x, plan.n_drawn * n_component);
  const double share = 1.0 / std::sqrt(n_component);  // E|g|^2 = 1 over both components
  for (std::int64_t i = 0; i < plan.n_drawn; ++i) {
    const auto gain = static_cast<float>(share * amplitude(plan, i));
    for (int j = 0; j < n_component; ++j) x[i * n_component + j] *= gain;
  }
}

/// Thousands to millions of turns: double keeps 1e-9 of one.
std::complex<float> transfer(const VoltagePulse& p, double below_high_mhz) {
  const double high_mhz = p.freq_high_mhz();
  const double turns = 1e6 * kDispersionConstant * p.dm_pc_cm3 * below_high_mhz * below_high_mhz *
                       inverse_square(high_mhz) / (high_mhz - below_high_mhz);
  const double phase = 2.0 * kPi * (turns - std::floor(turns));
  return {static_cast<float>(std::cos(phase)), static_cast<float>(std::sin(phase))};
}

void disperse_complex(const VoltagePulsePlan& plan, View<std::complex<float>, 1> spectrum) {
  const std::int64_t n = plan.n_fft;
  const double step_mhz = plan.pulse.coarse_width_mhz / static_cast<double>(n);
  for (std::int64_t k = 0; k < n; ++k) {
    const std::int64_t from_middle = 2 * k < n ? k : k - n;
    const double below_high_mhz =
        0.5 * plan.pulse.coarse_width_mhz - static_cast<double>(from_middle) * step_mhz;
    spectrum[k] *= transfer(plan.pulse, below_high_mhz);
  }
}

/// Bins 0 to n / 2 become those of the analytic signal, whose real part is v. The bins of the two edges stay
/// as they are: a real signal cannot turn their phase.
void disperse_real(const VoltagePulsePlan& plan, View<std::complex<float>, 1> spectrum) {
  const std::int64_t n = plan.n_fft;
  const double step_mhz = 2.0 * plan.pulse.coarse_width_mhz / static_cast<double>(n);
  for (std::int64_t k = 1; 2 * k < n; ++k)
    spectrum[k] *=
        2.0F * transfer(plan.pulse, plan.pulse.coarse_width_mhz - static_cast<double>(k) * step_mhz);
  for (std::int64_t k = n / 2 + 1; k < n; ++k) spectrum[k] = 0.0F;
}

}  // namespace

VoltagePulsePlan make_voltage_pulse_plan(const VoltagePulse& pulse) {
  check_pulse(pulse);
  const double rate_hz = pulse.sample_rate_hz(), arrival = pulse.arrival_s * rate_hz;
  const double reach = kVoltagePulseReach * sigma_t_s(pulse) * rate_hz;
  const double sweep_s = dispersion_delay_s(pulse.dm_pc_cm3, pulse.freq_low_mhz, pulse.freq_high_mhz());
  const double sweep = std::ceil(sweep_s * rate_hz);
  VoltagePulsePlan plan{.pulse = pulse};
  plan.n_lead = pulse.dm_pc_cm3 > 0.0 ? kVoltagePulseTail : 0;  // without dispersion H is 1 and nothing leaks
  const double length = 2.0 * reach + 1.0 + sweep + 2.0 * static_cast<double>(plan.n_lead);
  expect(length <= static_cast<double>(kLongestVoltagePulse),
         "a pulse of {} s and DM {} pc/cm3 sweeps through a coarse channel of {} MHz at {} MHz in {:.6g} s: "
         "{:.0f} samples, {} are possible; use more coarse channels",
         pulse.width_s, pulse.dm_pc_cm3, pulse.coarse_width_mhz, pulse.freq_low_mhz, sweep_s, length,
         kLongestVoltagePulse);
  const auto first_drawn = static_cast<std::int64_t>(std::ceil(arrival - reach));
  plan.n_drawn = static_cast<std::int64_t>(std::floor(arrival + reach)) - first_drawn + 1;
  plan.first_sample = first_drawn - plan.n_lead;
  plan.n_time = plan.n_drawn + static_cast<std::int64_t>(sweep) + 2 * plan.n_lead;
  // Beyond what is measured: which plan is fastest varies from run to run.
  plan.n_fft = good_fft_size(std::max(plan.n_time, kLongestMeasuredFft + 1));
  return plan;
}

VoltagePulseScratch::VoltagePulseScratch(const VoltagePulsePlan& plan)
    : forward(plan.pulse.is_complex ? FftKind::kForward : FftKind::kRealForward, plan.n_fft),
      backward(FftKind::kBackward, plan.n_fft),
      series({plan.n_fft}),
      spectrum({plan.n_fft}) {}

void voltage_pulse(const VoltagePulsePlan& plan, const NormalTable& normal, Xoshiro256& random,
                   VoltagePulseScratch& scratch, View<float, 1> v) {
  const int n_component = plan.n_component();
  expect(v.shape(0) == plan.n_time * n_component && v.rows_contiguous(),
         "{} contiguous values for a pulse of {} x {}", v.shape(0), plan.n_time, n_component);
  expect(scratch.series.shape(0) == plan.n_fft, "scratch of {} points for a pulse of {}",
         scratch.series.shape(0), plan.n_fft);
  auto* series = reinterpret_cast<float*>(scratch.series.data());
  draw(plan, normal, random, series);
  if (plan.pulse.is_complex) {
    scratch.forward.run(scratch.series.data(), scratch.spectrum.data());
    disperse_complex(plan, scratch.spectrum.view());
  } else {
    scratch.forward.run(series, scratch.spectrum.data());
    disperse_real(plan, scratch.spectrum.view());
  }
  scratch.backward.run(scratch.spectrum.data(), scratch.series.data());
  const float scale = 1.0F / static_cast<float>(plan.n_fft);
  const int step = 3 - n_component;  // the real part alone where samples are real
  for (std::int64_t i = 0; i < v.shape(0); ++i) v.data()[i] = scale * series[i * step];
}

double pulse_power_of_snr(double snr, int n_pol, double bandwidth_hz, double width_s) {
  return snr / std::sqrt(n_pol * bandwidth_hz * width_s / kFwhmPerSigma * std::sqrt(kPi));
}

double pulse_snr_scatter(double peak_power) {
  return std::sqrt(1.0 + 2.0 * std::sqrt(2.0 / 3.0) * peak_power +
                   std::numbers::sqrt2 / 2.0 * peak_power * peak_power);
}

double pulse_independent_samples(int n_pol, double bandwidth_hz, double width_s) {
  return n_pol * bandwidth_hz * 2.0 * std::sqrt(kPi) * width_s / kFwhmPerSigma;
}

}  // namespace tianyan
