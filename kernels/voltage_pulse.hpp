// One dispersed pulse of known power as it stands in the voltages of one coarse channel and polarisation.
//
// A coarse channel [f_low, f_up), f_up = f_low + B, is critically sampled at the rate R: R = B for complex
// samples, whose frequency 0 is the channel's middle, R = 2 B for real ones, whose frequency 0 is f_low. In
// units in which its receiver noise has E|v|^2 = 1,
//
//   x[t] = g[t] sqrt(p(t / R))
//
//   p(u) = p0 exp(-(u - u_arrival)^2 / (2 sigma_t^2)),   sigma_t = width / 2.3548
//
//   v = the inverse transform of H(f) X(f)
//
//   H(f) = exp(+2 pi i 1e6 K DM (f - f_up)^2 / (f f_up^2))
//
// with g white Gaussian, E|g|^2 = 1, f the frequency on the sky in MHz, K DM in s MHz^2.
//
// With v(t) = sum V(f) exp(+2 pi i f t) a delay tau(f) is a phase of -2 pi times its integral over f. Here
//
//   tau(f) = K DM (f^-2 - f_up^-2),   -int_{f_up}^f tau = K DM (1/f + f/f_up^2 - 2/f_up)
//                                                       = K DM (f - f_up)^2 / (f f_up^2)
//
// so that v's power at f peaks at u_arrival + tau(f). About another frequency f_0 the same medium is
// exp(2 pi i 1e6 K DM (f - f_0)^2 / (f f_0^2)) up to a constant and the linear phase of the time between f_up
// and f_0 (Hankins & Rickett 1975; Lorimer & Kramer 2005, section 5.3). |H| = 1: energy is kept, and the mean
// over many pulses of |v|^2, dedispersed, is p.
//
// S/N: of the optimal filter on the total intensity I = sum over polarisations and coarse channels of |v|^2,
// dedispersed, while p0 << 1. A sample of |noise|^2 has variance 1 at the rate B, or 2 at 2 B if real, so
//
//   S/N^2 = n_pol B_total int p^2 dt = n_pol B_total p0^2 sigma_t sqrt(pi)
//
// whatever the number of coarse channels. The pulse is noise itself: it lifts the variance to (1 + p)^2, and
// the filter's output, whose mean stays S/N, scatters by
//
//   (int p^2 (1 + p)^2 / int p^2)^(1/2) = (1 + 2 (2/3)^(1/2) p0 + 2^(-1/2) p0^2)^(1/2)
//
// The energy alone, without receiver noise, scatters by N^(-1/2) of itself: N = n_pol B_total 2 sqrt(pi)
// sigma_t.
//
// numpy, complex: x = g * sqrt(p); d = k * B / n - B / 2, k = n * fftfreq(n); v = ifft(fft(x) * exp(2j * pi *
// 1e6 * K * DM * d**2 / ((f_up + d) * f_up**2)))
#pragma once
#include <complex>
#include <cstdint>

#include "kernels/base/array.hpp"
#include "kernels/base/random.hpp"
#include "kernels/fft.hpp"

namespace tianyan {

struct VoltagePulse {
  double freq_low_mhz = 0.0;      ///< of the coarse channel, > 0
  double coarse_width_mhz = 0.0;  ///< > 0
  bool is_complex = true;
  double dm_pc_cm3 = 0.0;   ///< >= 0
  double width_s = 0.0;     ///< FWHM of p
  double peak_power = 0.0;  ///< p0, >= 0
  double arrival_s = 0.0;   ///< of the peak at the channel's upper edge; sample 0 is taken at 0

  double freq_high_mhz() const { return freq_low_mhz + coarse_width_mhz; }
  double sample_rate_hz() const { return coarse_width_mhz * 1e6 * (is_complex ? 1.0 : 2.0); }
};

/// Narrowest pulse in 1 / B: the sums above are then the integrals to better than 1e-9.
inline constexpr double kNarrowestVoltagePulse = 4.0;
/// Longest pulse, its sweep through the coarse channel included, in samples.
inline constexpr std::int64_t kLongestVoltagePulse = std::int64_t{1} << 26;

/// p is drawn to 6 sigma_t each side; 2e-9 of its energy lies outside.
inline constexpr double kVoltagePulseReach = 6.0;
/// Samples that are kept each side of the sweep. H jumps where the band's ends meet, by some D with E|D|^2 =
/// 2, so a sample leaks |D|^2 / (2 pi d)^2 of its energy to distance d beyond the sweep: on average 1 / (pi^2
/// 2^14) = 6e-6 to further than this, on both sides together.
inline constexpr std::int64_t kVoltagePulseTail = std::int64_t{1} << 14;

struct VoltagePulsePlan {
  VoltagePulse pulse;
  std::int64_t first_sample = 0;  ///< of the stream; may be negative
  std::int64_t n_time = 0;        ///< samples, the tails included
  std::int64_t n_lead = 0;        ///< of them before x begins
  std::int64_t n_drawn = 0;       ///< samples of x
  std::int64_t n_fft = 0;  ///< >= n_time; beyond 2^16 points, whose plans do not depend on a measurement

  int n_component() const { return pulse.is_complex ? 2 : 1; }
};

/// Throws std::invalid_argument for what is negative or not finite, a width below kNarrowestVoltagePulse / B
/// and a pulse longer than kLongestVoltagePulse.
VoltagePulsePlan make_voltage_pulse_plan(const VoltagePulse& pulse);

/// Transforms and memory, 16 n_fft bytes, of all pulses of one plan; for one thread at a time.
struct VoltagePulseScratch {
  explicit VoltagePulseScratch(const VoltagePulsePlan& plan);

  Fft forward, backward;
  Array<std::complex<float>, 1> series, spectrum;
};

/// Samples first_sample + [0, n_time) of the stream into v [time * component], contiguous. g is drawn from
/// `random`, one sample after another, so a seed gives the same pulse wherever it is made. Throws
/// std::invalid_argument unless v has n_time n_component elements and the scratch is of the plan's n_fft.
void voltage_pulse(const VoltagePulsePlan& plan, const NormalTable& normal, Xoshiro256& random,
                   VoltagePulseScratch& scratch, View<float, 1> v);

/// p0 of a pulse whose optimal filter gives `snr` over a band of `bandwidth_hz`, all coarse channels
/// together.
double pulse_power_of_snr(double snr, int n_pol, double bandwidth_hz, double width_s);
/// Standard deviation of the filter's output for a pulse of peak power p0; 1 where it is weak.
double pulse_snr_scatter(double peak_power);
/// N, the number of independent samples of |v|^2 that the pulse's energy is a sum of.
double pulse_independent_samples(int n_pol, double bandwidth_hz, double width_s);

}  // namespace tianyan
