// Dispersed pulses: taken apart again by a transform of the test's own in double, width, time, delays, energy
// and S/N are those that were asked for.
#include "kernels/voltage_pulse.hpp"

#include <gtest/gtest.h>

#include <complex>

#include "kernels/base/units.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Complex = std::complex<double>;
constexpr double kPi = std::numbers::pi;
constexpr std::int64_t kBins = std::int64_t{1} << 16;  // at the rate B; longer than the pulses of these tests

/// 4 MHz above 1250 MHz; DM 100 sweeps through them in 6758 samples of 1 / B.
VoltagePulse wide_pulse(bool is_complex = true) {
  VoltagePulse p;
  p.freq_low_mhz = 1250.0;
  p.coarse_width_mhz = 4.0;
  p.is_complex = is_complex;
  p.dm_pc_cm3 = 100.0;
  p.width_s = 400e-6;  // sigma_t = 679 / B
  p.peak_power = 2.0;
  p.arrival_s = 0.0123456789;
  return p;
}

struct Made {
  VoltagePulsePlan plan;
  Array<float, 1> v;
};

Made make(const VoltagePulse& pulse, std::uint64_t seed = 1) {
  static const NormalTable normal;
  Made m{make_voltage_pulse_plan(pulse), {}};
  m.v = Array<float, 1>({m.plan.n_time * m.plan.n_component()});
  VoltagePulseScratch scratch(m.plan);
  Xoshiro256 random(seed);
  voltage_pulse(m.plan, normal, random, scratch, m.v.view());
  return m;
}

/// sum_t x[t] exp(sign 2 pi i k t / n), n a power of two (Cooley & Tukey 1965).
void transform(std::vector<Complex>& x, int sign) {
  const std::size_t n = x.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  std::vector<Complex> turn(n / 2);
  for (std::size_t k = 0; k < n / 2; ++k)
    turn[k] = std::polar(1.0, sign * 2.0 * kPi * static_cast<double>(k) / static_cast<double>(n));
  for (std::size_t half = 1; half < n; half *= 2)
    for (std::size_t begin = 0; begin < n; begin += 2 * half)
      for (std::size_t k = 0; k < half; ++k) {
        const Complex a = x[begin + k], b = x[begin + k + half] * turn[k * (n / 2 / half)];
        x[begin + k] = a + b;
        x[begin + k + half] = a - b;
      }
}

/// Bins of width B / kBins, ascending from the coarse channel's lower edge, so that the inverse transform is
/// a series at the rate B with E|w|^2 = p: of real samples, whose analytic signal has twice their power, over
/// 2^(1/2).
std::vector<Complex> spectrum_of(const Made& m) {
  const int n_component = m.plan.n_component();
  std::vector<Complex> x(static_cast<std::size_t>(kBins * (n_component == 2 ? 1 : 2)));
  for (std::int64_t t = 0; t < m.plan.n_time; ++t)
    x[t] = n_component == 2 ? Complex(m.v(2 * t), m.v(2 * t + 1)) : Complex(m.v(t), 0.0);
  transform(x, -1);
  if (n_component == 2)
    std::rotate(x.begin(), x.begin() + kBins / 2, x.end());
  else
    for (Complex& bin : x) bin /= std::sqrt(2.0);
  x.resize(kBins);
  return x;
}

double freq_of(const VoltagePulse& p, std::int64_t j) {
  return p.freq_low_mhz + p.coarse_width_mhz * static_cast<double>(j) / kBins;
}

/// Takes out the medium about `ref_mhz` (Lorimer & Kramer 2005, section 5.3).
void dedisperse(const VoltagePulse& p, double ref_mhz, std::vector<Complex>& spectrum) {
  for (std::int64_t j = 0; j < kBins; ++j) {
    const double f = freq_of(p, j) - ref_mhz;
    spectrum[j] *= std::polar(1.0, -2.0 * kPi * 1e6 * kDispersionConstant * p.dm_pc_cm3 * f * f /
                                       (ref_mhz * ref_mhz * (ref_mhz + f)));
  }
}

std::vector<Complex> series_of(std::vector<Complex> spectrum) {
  transform(spectrum, +1);
  for (Complex& w : spectrum) w /= static_cast<double>(kBins);
  return spectrum;
}

struct Moments {
  double energy = 0.0, centre_s = 0.0, sigma_s = 0.0;
};

/// Of |w|^2 in [from_s, to_s) of the stream's time.
Moments moments_of(const Made& m, const std::vector<Complex>& w, double from_s, double to_s) {
  const VoltagePulse& p = m.plan.pulse;
  const double step_s = 1e-6 / p.coarse_width_mhz;
  const double start_s = static_cast<double>(m.plan.first_sample) / p.sample_rate_hz();
  Moments out;
  double second = 0.0;
  for (std::size_t t = 0; t < w.size(); ++t) {
    const double time_s = start_s + static_cast<double>(t) * step_s - from_s, e = std::norm(w[t]);
    if (time_s < 0.0 || time_s >= to_s - from_s) continue;
    out.energy += e;
    out.centre_s += e * time_s;
    second += e * time_s * time_s;
  }
  out.centre_s /= out.energy;
  out.sigma_s = std::sqrt(second / out.energy - out.centre_s * out.centre_s);
  out.centre_s += from_s;
  return out;
}

double delay_s(const VoltagePulse& p, double freq_mhz) {
  return dispersion_delay_s(p.dm_pc_cm3, freq_mhz, p.freq_high_mhz());
}

/// g sqrt(p), as the header defines it.
std::vector<Complex> drawn_series(const VoltagePulsePlan& plan, std::uint64_t seed) {
  const VoltagePulse& p = plan.pulse;
  const int n_component = plan.n_component();
  Xoshiro256 random(seed);
  std::vector<float> g(static_cast<std::size_t>(plan.n_drawn * n_component));
  NormalTable().fill(random, g.data(), std::ssize(g));
  std::vector<Complex> x;
  for (std::int64_t i = 0; i < plan.n_drawn; ++i) {
    const double u =
        static_cast<double>(plan.first_sample + plan.n_lead + i) / p.sample_rate_hz() - p.arrival_s;
    const double z = u / (p.width_s / kFwhmPerSigma), root = std::sqrt(p.peak_power * std::exp(-0.5 * z * z));
    x.push_back(n_component == 2 ? Complex(g[2 * i], g[2 * i + 1]) * (root / std::sqrt(2.0))
                                 : Complex(g[i] * root, 0.0));
  }
  return x;
}

TEST(VoltagePulse, WithoutDispersionIsNoiseUnderAGaussian) {
  for (const bool is_complex : {true, false}) {
    VoltagePulse pulse = wide_pulse(is_complex);
    pulse.dm_pc_cm3 = 0.0;
    const Made m = make(pulse);
    const auto x = drawn_series(m.plan, 1);
    ASSERT_EQ(m.plan.n_time, std::ssize(x));
    // The peak is in the middle; 6 sigma_t each side.
    const double middle = static_cast<double>(2 * m.plan.first_sample + m.plan.n_time - 1) / 2.0;
    EXPECT_NEAR(middle / pulse.sample_rate_hz(), pulse.arrival_s, 0.5 / pulse.sample_rate_hz());
    EXPECT_NEAR(static_cast<double>(m.plan.n_time),
                12.0 * pulse.width_s / kFwhmPerSigma * pulse.sample_rate_hz(), 1.0);
    // Two float transforms of 2^16 points: errors of some 2^-24 sqrt(16) of the series' scale, sqrt(2).
    for (std::int64_t t = 0; t < m.plan.n_time; ++t)
      for (int j = 0; j < m.plan.n_component(); ++j)
        ASSERT_NEAR(m.v(t * m.plan.n_component() + j), j == 0 ? x[t].real() : x[t].imag(), 2e-6) << t;
  }
}

TEST(VoltagePulse, DedispersedIsTheNoiseThatWasDispersed) {
  const Made m = make(wide_pulse());
  auto spectrum = spectrum_of(m);
  dedisperse(m.plan.pulse, m.plan.pulse.freq_high_mhz(), spectrum);
  const auto w = series_of(spectrum);
  const auto x = drawn_series(m.plan, 1);
  double energy = 0.0, residual = 0.0;
  for (std::int64_t t = 0; t < kBins; ++t) {
    const std::int64_t i = t - m.plan.n_lead;
    const Complex wanted = i >= 0 && i < std::ssize(x) ? x[i] : 0.0;
    energy += std::norm(wanted);
    residual += std::norm(w[t] * (t % 2 == 0 ? 1.0 : -1.0) - wanted);  // bin 0 is the edge, not the middle
  }
  // What leaks over the band's edge and is cut: 6e-6 for a typical jump, twice that for the largest.
  EXPECT_LT(residual / energy, 1.3e-5);
}

// Of energy sums with weights, N independent samples: the centre scatters by sigma_t / sqrt(2 N), sigma by
// sigma_t sqrt(3 / 16 N), the energy by 1 / sqrt(N): int p^2 u^2, int p^2 (u^2 - sigma_t^2)^2 and int p^2
// over (int p)^2, where p^2 has the variance sigma_t^2 / 2.
TEST(VoltagePulse, DedispersedHasItsWidthTimeAndEnergy) {
  for (const bool is_complex : {true, false}) {
    const VoltagePulse pulse = wide_pulse(is_complex);
    const double sigma_s = pulse.width_s / kFwhmPerSigma, bandwidth_hz = pulse.coarse_width_mhz * 1e6;
    const double n = pulse_independent_samples(1, bandwidth_hz, pulse.width_s);
    const Made m = make(pulse, 3);
    for (const double ref_mhz : {1254.0, 1252.0, 1250.0}) {
      auto spectrum = spectrum_of(m);
      dedisperse(pulse, ref_mhz, spectrum);
      const double peak_s = pulse.arrival_s + delay_s(pulse, ref_mhz);
      const Moments found =
          moments_of(m, series_of(spectrum), peak_s - 6.0 * sigma_s, peak_s + 6.0 * sigma_s);
      EXPECT_NEAR(found.centre_s, peak_s, 5.0 * sigma_s / std::sqrt(2.0 * n)) << ref_mhz;
      EXPECT_NEAR(found.sigma_s, sigma_s, 5.0 * sigma_s * std::sqrt(3.0 / 16.0 / n)) << ref_mhz;
      const double energy = pulse.peak_power * std::sqrt(2.0 * kPi) * sigma_s * bandwidth_hz;
      EXPECT_NEAR(found.energy / energy, 1.0, 5.0 / std::sqrt(n)) << ref_mhz;
    }
  }
}

TEST(VoltagePulse, DispersionKeepsTheEnergy) {
  for (const bool is_complex : {true, false}) {
    const Made m = make(wide_pulse(is_complex));
    double before = 0.0, after = 0.0;
    for (const Complex x : drawn_series(m.plan, 1)) before += std::norm(x);
    for (std::int64_t i = 0; i < m.v.size(); ++i) after += std::pow(m.v(i), 2);
    EXPECT_NEAR(after / before, 1.0, 1.3e-5);  // as above
  }
}

TEST(VoltagePulse, ArrivesInSubBandsByTheDispersionLaw) {
  constexpr int kPulses = 4;
  for (const bool is_complex : {true, false}) {
    const VoltagePulse pulse = wide_pulse(is_complex);
    const double sigma_s = pulse.width_s / kFwhmPerSigma;
    for (const std::int64_t first : {kBins / 8, kBins * 6 / 8}) {
      const double f = freq_of(pulse, first + kBins / 16);
      double centre_s = 0.0;
      for (std::uint64_t seed = 1; seed <= kPulses; ++seed) {
        const Made m = make(pulse, seed);
        auto spectrum = spectrum_of(m);
        for (std::int64_t j = 0; j < kBins; ++j)
          if (j < first || j >= first + kBins / 8) spectrum[j] = 0.0;
        centre_s += moments_of(m, series_of(spectrum), 0.0, 0.025).centre_s / kPulses;
      }
      // Of 0.5 MHz no dispersion is taken out: a sweep of 845 samples on top of sigma_t = 679, and each bin
      // of 1 / (2 sqrt(pi) sigma_t) has an energy of its own.
      const double spread_s = std::hypot(
          sigma_s, delay_s(pulse, f - 0.25) / std::sqrt(12.0) - delay_s(pulse, f + 0.25) / std::sqrt(12.0));
      const double n = pulse_independent_samples(1, 0.5e6, pulse.width_s) * kPulses;
      EXPECT_NEAR(centre_s, pulse.arrival_s + delay_s(pulse, f), 5.0 * spread_s / std::sqrt(n)) << f;
    }
  }
}

TEST(VoltagePulse, OneOrFourCoarseChannelsArriveTogether) {
  for (const bool is_complex : {true, false})
    for (const int n_coarse : {1, 4})
      for (int c = 0; c < n_coarse; ++c) {
        VoltagePulse pulse = wide_pulse(is_complex);
        pulse.coarse_width_mhz = 4.0 / n_coarse;
        pulse.freq_low_mhz = 1250.0 + c * pulse.coarse_width_mhz;
        pulse.arrival_s += dispersion_delay_s(pulse.dm_pc_cm3, pulse.freq_high_mhz(), 1254.0);
        const double sigma_s = pulse.width_s / kFwhmPerSigma;
        const Made m = make(pulse, 10 + c);
        auto spectrum = spectrum_of(m);
        dedisperse(pulse, 1250.0, spectrum);
        const double peak_s = wide_pulse().arrival_s + dispersion_delay_s(pulse.dm_pc_cm3, 1250.0, 1254.0);
        const Moments found =
            moments_of(m, series_of(spectrum), peak_s - 6.0 * sigma_s, peak_s + 6.0 * sigma_s);
        const double n = pulse_independent_samples(1, pulse.coarse_width_mhz * 1e6, pulse.width_s);
        EXPECT_NEAR(found.centre_s, peak_s, 5.0 * sigma_s / std::sqrt(2.0 * n)) << c << " of " << n_coarse;
      }
}

/// The optimal filter's S/N of one pulse in noise, two polarisations.
double filtered_snr(const VoltagePulsePlan& plan, const NormalTable& normal, Xoshiro256& random,
                    VoltagePulseScratch& scratch) {
  const int n_component = plan.n_component();
  Array<float, 1> v({plan.n_time * n_component}), noise({v.size()});
  double sum = 0.0, square = 0.0;
  for (int p = 0; p < 2; ++p) {
    voltage_pulse(plan, normal, random, scratch, v.view());
    normal.fill(random, noise.data(), noise.size());
    for (std::int64_t t = 0; t < plan.n_time; ++t) {
      const double u =
          static_cast<double>(plan.first_sample + t) / plan.pulse.sample_rate_hz() - plan.pulse.arrival_s;
      const double z = u / (plan.pulse.width_s / kFwhmPerSigma), shape = std::exp(-0.5 * z * z);
      double power = 0.0;
      for (int j = 0; j < n_component; ++j)
        power += std::pow(v(t * n_component + j) + noise(t * n_component + j) / std::sqrt(n_component), 2);
      sum += shape * (power - 1.0);
      square += shape * shape * (n_component == 2 ? 1.0 : 2.0);  // variance of |noise|^2
    }
  }
  return sum / std::sqrt(square);
}

TEST(VoltagePulse, TheOptimalFilterFindsTheSnrThatWasAskedFor) {
  constexpr int kPulses = 36;
  const NormalTable normal;
  for (const bool is_complex : {true, false}) {
    VoltagePulse pulse = wide_pulse(is_complex);
    pulse.dm_pc_cm3 = 0.0;
    pulse.width_s = 100e-6;
    pulse.peak_power = pulse_power_of_snr(15.0, 2, 4e6, pulse.width_s);
    const auto plan = make_voltage_pulse_plan(pulse);
    VoltagePulseScratch scratch(plan);
    Xoshiro256 random(77);
    double sum = 0.0, square = 0.0;
    for (int i = 0; i < kPulses; ++i) {
      const double snr = filtered_snr(plan, normal, random, scratch);
      sum += snr / kPulses;
      square += snr * snr / kPulses;
    }
    const double scatter = pulse_snr_scatter(pulse.peak_power);
    EXPECT_GT(scatter, 1.4);  // of its own noise, not the receiver's alone
    EXPECT_NEAR(sum, 15.0, 5.0 * scatter / std::sqrt(kPulses));
    EXPECT_NEAR(std::sqrt(square - sum * sum), scatter, 5.0 * scatter / std::sqrt(2.0 * kPulses));
  }
}

// 20 sigma in 2 x 32 MHz, 50 us: the integrals of p^2, p^2 (1 + p)^2 and p by numpy sums over 400001 steps.
TEST(VoltagePulse, PowerAndScatterAreTheIntegrals) {
  const double p0 = pulse_power_of_snr(20.0, 2, 32e6, 50e-6);
  EXPECT_NEAR(p0, 0.4075176, 1e-6);
  EXPECT_NEAR(pulse_snr_scatter(p0), 1.3352540, 1e-6);
  EXPECT_NEAR(pulse_independent_samples(2, 32e6, 50e-6), 4817.228, 1e-2);
  EXPECT_EQ(pulse_snr_scatter(0.0), 1.0);
}

TEST(VoltagePulse, DependsOnTheSeedAloneAndNotOnItsScratch) {
  const NormalTable normal;
  const auto plan = make_voltage_pulse_plan(wide_pulse());
  VoltagePulseScratch scratch(plan);
  Array<float, 1> again({plan.n_time * 2});
  for (const std::uint64_t seed : {9u, 1u}) {  // the first leaves its traces in the scratch
    Xoshiro256 random(seed);
    voltage_pulse(plan, normal, random, scratch, again.view());
  }
  const Made m = make(wide_pulse(), 1);
  EXPECT_TRUE(std::equal(again.data(), again.data() + again.size(), m.v.data()));
  const Made other = make(wide_pulse(), 2);
  EXPECT_FALSE(std::equal(again.data(), again.data() + again.size(), other.v.data()));
}

TEST(VoltagePulse, APulseOfNoPowerIsNothing) {
  VoltagePulse pulse = wide_pulse();
  pulse.peak_power = 0.0;
  const Made m = make(pulse);
  for (std::int64_t i = 0; i < m.v.size(); ++i) ASSERT_EQ(m.v(i), 0.0F);
}

std::string mistake(const VoltagePulse& pulse) {
  try {
    make_voltage_pulse_plan(pulse);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

TEST(VoltagePulse, RefusesWhatItCannotMake) {
  EXPECT_EQ(mistake(wide_pulse()), "accepted");
  VoltagePulse pulse = wide_pulse();
  pulse.width_s = 0.9e-6;
  EXPECT_NE(mistake(pulse).find("resolves 1e-06 s; use fewer coarse channels"), std::string::npos);
  pulse = wide_pulse();
  pulse.coarse_width_mhz = 400.0;
  pulse.dm_pc_cm3 = 1000.0;
  EXPECT_NE(mistake(pulse).find("DM 1000 pc/cm3 sweeps through a coarse channel of 400 MHz at 1250 MHz"),
            std::string::npos)
      << mistake(pulse);
  EXPECT_NE(mistake(pulse).find("67108864 are possible; use more coarse channels"), std::string::npos);
  const double nan = std::nan(""), inf = HUGE_VAL;
  for (double VoltagePulse::*field :
       {&VoltagePulse::freq_low_mhz, &VoltagePulse::coarse_width_mhz, &VoltagePulse::dm_pc_cm3,
        &VoltagePulse::width_s, &VoltagePulse::peak_power, &VoltagePulse::arrival_s})
    for (const double value : {nan, inf, -inf, field == &VoltagePulse::arrival_s ? nan : -1.0}) {
      pulse = wide_pulse();
      pulse.*field = value;
      EXPECT_THROW(make_voltage_pulse_plan(pulse), std::invalid_argument) << value;
    }
}

TEST(VoltagePulse, ShapesAndScratchMustBeThePlans) {
  const NormalTable normal;
  const auto plan = make_voltage_pulse_plan(wide_pulse());
  VoltagePulse longer = wide_pulse();
  longer.dm_pc_cm3 = 2000.0;
  VoltagePulseScratch scratch(plan), other(make_voltage_pulse_plan(longer));
  Array<float, 1> v({plan.n_time * 2}), shorter({plan.n_time});
  Xoshiro256 random(1);
  EXPECT_THROW(voltage_pulse(plan, normal, random, scratch, shorter.view()), std::invalid_argument);
  EXPECT_THROW(voltage_pulse(plan, normal, random, other, v.view()), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
