// Coherent dedispersion: the chirp's sign and size by hand and by another program's numbers, overlap-save
// against one long transform, bursts that come back as they left, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/base/units.hpp"
#include "kernels/coherent.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Complex = std::complex<float>;
using Samples = std::vector<Complex>;

constexpr double kRoundoff = 0x1p-24;

View<const Complex, 1> view_of(const Samples& x, std::size_t begin, std::int64_t n) {
  return {x.data() + begin, {n}};
}
View<const Complex, 1> view_of(const Samples& x) { return view_of(x, 0, std::ssize(x)); }
View<Complex, 1> view_of(Samples& x) { return {x.data(), {std::ssize(x)}}; }

double norm_of(const Samples& x) {
  double sum = 0.0;
  for (const auto& v : x) sum += std::norm(std::complex<double>(v));
  return std::sqrt(sum);
}

// Of two transforms of n points, each log2(n) stages of 8 roundings (Higham 2002, theorem 24.2, with gamma_4
// (sqrt 2 + u) + u < 8 u), a product and a rounded chirp: of any sample, relative to the norm of all.
double transform_bound(std::int64_t n) {
  return (16.0 * std::ceil(std::log2(static_cast<double>(n))) + 6.0) * kRoundoff;
}

Samples noise(std::int64_t n, std::uint64_t seed) {
  Xoshiro256 random(seed);
  Samples x(static_cast<std::size_t>(n));
  for (auto& v : x) {
    const double re = gaussian(random), im = gaussian(random);
    v = {static_cast<float>(re), static_cast<float>(im)};
  }
  return x;
}

// out[t] = sum_k in[k] exp(sign 2 pi i k t / n)
std::vector<std::complex<double>> sum_of_turns(const std::vector<std::complex<double>>& in, double sign) {
  const std::size_t n = in.size();
  std::vector<std::complex<double>> root(n), out(n);
  for (std::size_t j = 0; j < n; ++j)
    root[j] =
        std::polar(1.0, sign * 2.0 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(n));
  for (std::size_t t = 0; t < n; ++t) {
    double re = 0.0, im = 0.0;
    for (std::size_t k = 0, j = 0; k < n; ++k, j = j + t < n ? j + t : j + t - n) {
      re += in[k].real() * root[j].real() - in[k].imag() * root[j].imag();
      im += in[k].real() * root[j].imag() + in[k].imag() * root[j].real();
    }
    out[t] = {re, im};
  }
  return out;
}

// The medium: every frequency of n circular samples delayed by its phase, in double, from the formula.
Samples disperse(const Samples& x, double dm, double freq_mhz, double rate_mhz) {
  const auto n = std::ssize(x);
  auto spectrum = sum_of_turns({x.begin(), x.end()}, -1.0);
  for (std::int64_t k = 0; k < n; ++k) {
    const double f = rate_mhz * static_cast<double>(k < n / 2 ? k : k - n) / static_cast<double>(n);
    const double cycles = 1e6 / 2.41e-4 * dm * f * f / (freq_mhz * freq_mhz * (freq_mhz + f));
    spectrum[static_cast<std::size_t>(k)] *=
        std::polar(1.0 / static_cast<double>(n), 2.0 * std::numbers::pi * cycles);
  }
  Samples y;
  for (const auto& v : sum_of_turns(spectrum, +1.0)) y.emplace_back(v);
  return y;
}

// All steps that fit into x; sample i of the result is sample n_before + i of x.
Samples dedisperse_all(const CoherentPlan& plan, std::int64_t channel, const Samples& x) {
  CoherentScratch scratch(plan.n_fft);
  Samples out, step(static_cast<std::size_t>(plan.n_valid));
  for (std::int64_t t = 0; t + plan.n_fft <= std::ssize(x); t += plan.n_valid) {
    dedisperse_step(plan, scratch, channel, view_of(x, static_cast<std::size_t>(t), plan.n_fft),
                    view_of(step));
    out.insert(out.end(), step.begin(), step.end());
  }
  return out;
}

// Centre and standard deviation of |x|^2 along the samples.
struct Burst {
  double centre = 0.0, width = 0.0;
};
Burst burst_of(const Samples& x) {
  double sum = 0.0, first = 0.0, second = 0.0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double power = std::norm(x[t]), at = static_cast<double>(t);
    sum += power, first += power * at, second += power * at * at;
  }
  return {first / sum, std::sqrt(second / sum - first * first / sum / sum)};
}

// A tone, or noise where `random` is given, under a Gaussian envelope.
Samples gaussian_burst(std::int64_t n, double centre, double sigma, double cycles,
                       Xoshiro256* random = nullptr) {
  Samples x(static_cast<std::size_t>(n));
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double at = (static_cast<double>(t) - centre) / sigma;
    auto v = std::polar(std::exp(-0.25 * at * at), 2.0 * std::numbers::pi * cycles * static_cast<double>(t));
    if (random) v *= std::complex<double>(gaussian(*random), gaussian(*random));
    x[t] = static_cast<Complex>(v);
  }
  return x;
}

constexpr CoherentParams kNarrow{.n_chan = 3,
                                 .freq_low_mhz = 400.0,
                                 .channel_spacing_mhz = 0.25,
                                 .sample_rate_mhz = 0.25,
                                 .dm_pc_cm3 = 30.0};  // 243 samples

TEST(DispersionPhase, ByHandAndItsSlopeIsTheDelay) {
  // 10^6 / 2.41e-4 * 1 * 2^2 / (1000^2 * 1002) = 16.564... cycles
  EXPECT_NEAR(dispersion_phase_cycles(1.0, 1000.0, 2.0), 4e6 / 2.41e-4 / 1.002e9, 1e-12);
  EXPECT_EQ(dispersion_phase_cycles(1.0, 1000.0, 0.0), 0.0);
  for (const double offset : {-15.0, -3.0, 0.5, 15.0}) {
    const double step = 1e-3;  // MHz; the error of the slope is step^2 / 6 of phi''', 10^-9 of itself here
    const double slope = (dispersion_phase_cycles(100.0, 1250.0, offset + step) -
                          dispersion_phase_cycles(100.0, 1250.0, offset - step)) /
                         (2.0 * step);
    EXPECT_NEAR(-slope * 1e-6, dispersion_delay_s(100.0, 1250.0 + offset, 1250.0), 1e-9) << offset;
  }
}

TEST(Coherent, AgreesWithNumpy) {
  // numpy.fft.ifft(numpy.fft.fft(x) * numpy.exp(-2j * numpy.pi * phi)), phi by the header's formula at
  // numpy.fft.fftfreq(12, 1 / 1.25), f0 = 301 MHz, DM 0.02, K = 1 / 2.41e-4, printed to 7 decimals.
  const Samples expected{{3.3334378F, -1.5775551F}, {-0.5379764F, 0.2550174F},  {3.7922856F, -1.3178654F},
                         {1.7421608F, 1.4044188F},  {-3.9487043F, -0.2825809F}, {0.9572071F, -1.9385466F},
                         {2.7624471F, -0.6402757F}, {-4.1333703F, 2.7645575F},  {-1.4082741F, 0.0437350F},
                         {4.8150368F, -0.8772807F}, {-6.1024251F, 1.4808292F},  {-3.2718250F, -1.3144537F}};
  Samples x, whole(12), step(1);
  for (int t = 0; t < 12; ++t)
    x.emplace_back(static_cast<float>((7 * t + 3) % 11 - 5), static_cast<float>((5 * t + 1) % 7 - 3));
  const CoherentParams params{2, 300.0, 1.0, 1.25, 0.02};
  dedisperse_reference(params, 1, view_of(x), view_of(whole));
  const auto plan = make_coherent_plan(params, CoherentLengths{6, 5, 12, 1});
  CoherentScratch scratch(12);
  dedisperse_step(plan, scratch, 1, view_of(x), view_of(step));
  for (std::size_t t = 0; t < 12; ++t) EXPECT_LT(std::abs(whole[t] - expected[t]), 1e-6F) << t;
  EXPECT_LT(std::abs(step[0] - expected[6]), transform_bound(12) * norm_of(x));
}

TEST(Coherent, AStepIsThePartOfTheReferenceThatDoesNotWrap) {
  Xoshiro256 random(1);
  for (const std::int64_t n_fft : {243, 420, 512}) {
    CoherentParams params{.n_chan = random_between(random, 1, 5),
                          .freq_low_mhz = 300.0 + 1000.0 * random.uniform(),
                          .channel_spacing_mhz = 0.1 + 0.1 * random.uniform()};
    params.sample_rate_mhz = params.channel_spacing_mhz * (1.0 + 0.3 * random.uniform());
    // A delay of 20 to 60 samples over channel 0.
    const double per_dm = 1e6 * params.sample_rate_mhz *
                          dispersion_delay_s(1.0, params.freq_low_mhz - 0.5 * params.sample_rate_mhz,
                                             params.freq_low_mhz + 0.5 * params.sample_rate_mhz);
    params.dm_pc_cm3 = (20.0 + 40.0 * random.uniform()) / per_dm;
    const auto plan = make_coherent_plan(params, n_fft);
    ASSERT_GT(plan.n_valid, 0);
    const auto x = noise(n_fft, static_cast<std::uint64_t>(n_fft));
    Samples whole(x.size()), step(static_cast<std::size_t>(plan.n_valid));
    CoherentScratch scratch(n_fft);
    for (std::int64_t c = 0; c < params.n_chan; ++c) {
      dedisperse_reference(params, c, view_of(x), view_of(whole));
      dedisperse_step(plan, scratch, c, view_of(x), view_of(step));
      for (std::int64_t t = 0; t < plan.n_valid; ++t)
        ASSERT_LT(
            std::abs(step[static_cast<std::size_t>(t)] - whole[static_cast<std::size_t>(plan.n_before + t)]),
            transform_bound(n_fft) * norm_of(x))
            << "n_fft " << n_fft << " channel " << c << " time " << t;
    }
  }
}

TEST(Coherent, ADispersedImpulseComesBackWhereItWas) {
  const auto plan = make_coherent_plan(kNarrow, 1024);
  Samples x(1024), out(static_cast<std::size_t>(plan.n_valid));
  const std::size_t at = 500;
  x[at] = {3.0F, -1.0F};
  const auto dispersed = disperse(x, 30.0, 400.25, 0.25);
  EXPECT_LT(std::abs(dispersed[at]), 0.3F * std::abs(x[at]));  // 1 / sqrt(243) is 0.064
  CoherentScratch scratch(1024);
  dedisperse_step(plan, scratch, 1, view_of(dispersed), view_of(out));
  for (std::size_t t = 0; t < out.size(); ++t)
    ASSERT_LT(std::abs(out[t] - x[t + static_cast<std::size_t>(plan.n_before)]),
              transform_bound(1024) * norm_of(x))
        << t;
}

TEST(Coherent, LowFrequenciesAreTakenAsLaterByTheirDelay) {
  // Tones of 0.08 MHz below and above the centre, 25 samples of sigma: 0.0016 MHz of bandwidth, which is
  // spread by 2 samples. The centroid of a symmetric line is at the delay of its centre, but for the
  // curvature of the delay over the line, far below the tenth of a sample that is asked for.
  for (const double offset : {-0.08, 0.08}) {
    const auto burst = gaussian_burst(1024, 512.0, 25.0, offset / 0.25);
    const double delay = 0.25e6 * dispersion_delay_s(30.0, 400.0 + offset, 400.0);
    EXPECT_EQ(delay > 0.0, offset < 0.0);
    const auto dispersed = disperse(burst, 30.0, 400.0, 0.25);
    EXPECT_NEAR(burst_of(dispersed).centre, 512.0 + delay, 0.1);
    const auto plan = make_coherent_plan(kNarrow, 1024);
    const auto out = dedisperse_all(plan, 0, dispersed);
    EXPECT_NEAR(burst_of(out).centre, 512.0 - static_cast<double>(plan.n_before), 0.01);
    EXPECT_NEAR(norm_of(out), norm_of(burst), 1e-3 * norm_of(burst));
  }
}

TEST(Coherent, ABurstOfNoiseIsBroadenedByTheFormulaAndComesBack) {
  // Over white noise the group delay is even over the band: its deviation is that of a uniform distribution
  // of the formula's length, and the deviations add in squares. 20 sigma of burst hold few degrees of
  // freedom: one in five for the width, so widths before and after are compared, and the broadening to a
  // tenth.
  Xoshiro256 random(3);
  const auto burst = gaussian_burst(1024, 512.0, 20.0, 0.0, &random);
  const auto dispersed = disperse(burst, 60.0, 400.5, 0.25);
  const double length = 0.25e6 / 2.41e-4 * 60.0 * (std::pow(400.375, -2) - std::pow(400.625, -2));
  EXPECT_NEAR(length, 484.0, 1.0);
  const double before = burst_of(burst).width;
  EXPECT_NEAR(burst_of(dispersed).width, std::hypot(before, length / std::sqrt(12.0)),
              0.1 * length / std::sqrt(12.0));
  auto params = kNarrow;
  params.dm_pc_cm3 = 60.0;
  const auto plan = make_coherent_plan(params, 1024);
  const auto out = dedisperse_all(plan, 2, dispersed);
  // Rounding that is even over n_valid samples would add (transform_bound n)^2 / 12 of the energy: nothing.
  EXPECT_NEAR(burst_of(out).width, before, 1e-3 * before);
  EXPECT_NEAR(burst_of(out).centre, burst_of(burst).centre - static_cast<double>(plan.n_before), 1e-2);
  EXPECT_NEAR(norm_of(out), norm_of(burst), 1e-4 * norm_of(burst));
}

TEST(Coherent, StepsOfAnySizeGiveWhatOneLongTransformGives) {
  // What differs is the part of the kernel that is farther away than n_before and n_after, in one transform
  // or in the other: at most 2 kChirpEnergyOutside of the variance of white noise, 2 here, where a sample is
  // next to the end of its step. 2000 samples stay within 5 of these deviations.
  const auto x = noise(2500, 4);
  const auto whole_plan = make_coherent_plan(kNarrow, 2048);
  const auto whole = dedisperse_all(whole_plan, 1, x);
  for (const std::int64_t n_fft : {420, 512, 1024}) {
    const auto plan = make_coherent_plan(kNarrow, n_fft);
    const auto steps = dedisperse_all(plan, 1, x);
    ASSERT_GT(std::ssize(steps), 1000);
    double sum = 0.0;
    for (std::size_t t = 0; t < std::min(steps.size(), whole.size()); ++t) {
      const double difference = std::abs(steps[t] - whole[t]);
      ASSERT_LT(difference, 5.0 * std::sqrt(2.0 * kChirpEnergyOutside * 2.0)) << n_fft << " " << t;
      sum += difference * difference;
    }
    EXPECT_LT(sum / static_cast<double>(steps.size()), 2.0 * kChirpEnergyOutside * 2.0) << n_fft;
  }
}

TEST(Coherent, WhereAStepBeginsDoesNotMatter) {
  const auto x = noise(4000, 5);
  const auto plan = make_coherent_plan(kNarrow, 1024);
  const auto first = dedisperse_all(plan, 0, x);
  for (const std::int64_t shift : {1, 7, 300}) {
    const auto later = dedisperse_all(plan, 0, Samples(x.begin() + shift, x.end()));
    for (std::size_t t = 0; t < 1000; ++t)
      ASSERT_LT(std::abs(later[t] - first[t + static_cast<std::size_t>(shift)]),
                5.0 * std::sqrt(2.0 * kChirpEnergyOutside * 2.0))
          << shift << " " << t;
  }
}

TEST(Coherent, NoDispersionChangesNothing) {
  auto params = kNarrow;
  params.dm_pc_cm3 = 0.0;
  const auto plan = make_coherent_plan(params);
  EXPECT_EQ(plan.n_valid, plan.n_fft);
  EXPECT_EQ(plan.n_before + plan.n_after, 0);
  const auto x = noise(plan.n_fft * 3, 6);
  const auto out = dedisperse_all(plan, 2, x);
  ASSERT_EQ(out.size(), x.size());
  for (std::size_t t = 0; t < x.size(); ++t)
    ASSERT_LT(std::abs(out[t] - x[t]), transform_bound(plan.n_fft) * norm_of(x)) << t;
}

TEST(Coherent, SeveralDmsShareOneForwardTransform) {
  auto small = kNarrow;
  small.dm_pc_cm3 = 12.0;
  const auto lengths = coherent_lengths(kNarrow, 1024);
  const auto a = make_coherent_plan(kNarrow, lengths), b = make_coherent_plan(small, lengths);
  const auto x = noise(1024, 7);
  const auto n = static_cast<std::size_t>(lengths.n_valid);
  Samples a_alone(n), b_alone(n), a_shared(n), b_shared(n);
  CoherentScratch scratch(1024);
  dedisperse_step(a, scratch, 1, view_of(x), view_of(a_alone));
  dedisperse_step(b, scratch, 1, view_of(x), view_of(b_alone));
  forward_step(b, scratch, view_of(x));
  backward_step(b, scratch, 1, view_of(b_shared));
  backward_step(a, scratch, 1, view_of(a_shared));
  EXPECT_EQ(a_alone, a_shared);
  EXPECT_EQ(b_alone, b_shared);
  EXPECT_NE(a_alone, b_alone);
}

// Of every channel's kernel, by transforming the response back.
double energy_outside(const CoherentPlan& plan, std::int64_t c) {
  Array<Complex, 1> kernel({plan.n_fft});
  plan.backward.run(&plan.response(c, 0), kernel.data());
  double outside = 0.0;
  for (std::int64_t s = plan.n_before + 1; s < plan.n_fft - plan.n_after; ++s)
    outside += std::norm(kernel(s));
  return outside;
}

TEST(CoherentLengths, LeaveLessThanAThousandthOfTheKernelsEnergyOutside) {
  // Narrow and wide channels; 20 MHz at 1 GHz is where the terms of both edges of the band add up.
  const CoherentParams cases[] = {{2, 301.0, 1.0, 1.25, 0.02},         {2, 1000.0, 0.5, 0.5, 400.0},
                                  {2, 1000.0, 0.4, 0.48828125, 450.0}, {2, 400.0, 0.024, 0.024, 1000.0},
                                  {2, 1000.0, 20.0, 20.0, 0.06},       {1, 1000.0, 100.0, 100.0, 0.0005}};
  for (const auto& params : cases) {
    const auto lengths = coherent_lengths(params, 4096);
    // Transforms four times longer than the kernel, and hardly longer, where its ends meet around the circle.
    for (const std::int64_t n_fft :
         {std::int64_t{4096}, std::int64_t{lengths.n_before + lengths.n_after < 400 ? 512 : 1280}}) {
      const auto plan = make_coherent_plan(params, n_fft);
      for (std::int64_t c = 0; c < params.n_chan; ++c) {
        EXPECT_LT(energy_outside(plan, c), (n_fft == 4096 ? 1.0 : 2.0) * kChirpEnergyOutside)
            << params.freq_low_mhz << " " << params.dm_pc_cm3;
        double energy = 0.0;
        for (std::int64_t k = 0; k < plan.n_fft; ++k) energy += std::norm(plan.response(c, k));
        EXPECT_NEAR(energy * static_cast<double>(plan.n_fft), 1.0, 1e-6);
      }
    }
  }
}

TEST(CoherentLengths, AreDelaysOfTheLowestChannelAndAMargin) {
  // 0.5 MHz at 1000 MHz, DM 1000: 1037.1 and 1037.9 samples by the formula, worked out apart; E(M) falls
  // below 10^-3 / 1.5 near 1.5 / (2 pi^2 10^-3) = 76.
  const auto lengths = coherent_lengths({64, 1000.0, 0.5, 0.5, 1000.0});
  EXPECT_EQ(lengths.n_after - lengths.n_before, 1);
  EXPECT_NEAR(static_cast<double>(lengths.n_before), 1037.0 + 76.0, 10.0);
  EXPECT_EQ(lengths.n_valid, lengths.n_fft - lengths.n_before - lengths.n_after);
  // n log2(n) / (n - 2227): 8192 gives 17.9, 16384 16.2, 32768 16.1, 65536 16.6.
  EXPECT_EQ(lengths.n_fft, 32768);
  EXPECT_EQ(response_bytes({64, 1000.0, 0.5, 0.5, 1000.0}, 32768), 64 * 32768 * 8);
  EXPECT_EQ(make_coherent_plan(kNarrow, 512).response.size() * 8, response_bytes(kNarrow, 512));
}

TEST(CoherentLengths, OversamplingCountsTheOuterParts) {
  const auto critical = coherent_lengths({1, 400.0, 0.25, 0.25, 30.0}, 1024),
             oversampled = coherent_lengths({1, 400.0, 0.25, 0.5, 30.0}, 4096);
  // Twice the band at twice the rate: four times the samples.
  const double ratio = static_cast<double>(oversampled.n_after) / static_cast<double>(critical.n_after);
  EXPECT_GT(ratio, 2.5);
  EXPECT_LT(ratio, 4.0);  // the margin does not grow
}

std::string refusal_of(const CoherentParams& params, std::int64_t n_fft) {
  try {
    coherent_lengths(params, n_fft);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

TEST(Coherent, RefusesADmWhoseKernelIsTooLongAndSaysHowLong) {
  const auto text = refusal_of(kNarrow, 256);
  for (const char* part : {"DM too large", "30 pc/cm3", "400 MHz", "channel 0", "255 are possible"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  auto params = kNarrow;
  params.dm_pc_cm3 = 1e5;
  EXPECT_NE(refusal_of(params, 0).find("DM too large"), std::string::npos);
  params.dm_pc_cm3 = 1e300;
  EXPECT_NE(refusal_of(params, 0).find("DM too large"), std::string::npos);
}

TEST(Coherent, RefusesParametersThatMakeNoSense) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double dm : {-1.0, nan, inf}) EXPECT_NE(refusal_of({1, 400.0, 0.25, 0.25, dm}, 0), "") << dm;
  for (const CoherentParams& p : std::vector<CoherentParams>{{0, 400.0, 0.25, 0.25, 1.0},
                                                             {1, 0.1, 0.25, 0.25, 1.0},
                                                             {1, nan, 0.25, 0.25, 1.0},
                                                             {1, 400.0, 0.0, 0.25, 1.0},
                                                             {1, 400.0, 0.25, nan, 1.0},
                                                             {1, 400.0, 0.25, 0.2, 1.0}})
    EXPECT_NE(refusal_of(p, 0), "") << p.freq_low_mhz << " " << p.channel_spacing_mhz;
  EXPECT_NE(refusal_of(kNarrow, -1), "");
  EXPECT_NE(refusal_of(kNarrow, kLongestCoherentFft + 1), "");
  EXPECT_EQ(refusal_of(kNarrow, 0), "");
}

TEST(Coherent, RefusesLengthsAndShapesThatDoNotFit) {
  EXPECT_THROW(make_coherent_plan(kNarrow, CoherentLengths{100, 200, 1024, 724}), std::invalid_argument);
  EXPECT_THROW(make_coherent_plan(kNarrow, CoherentLengths{200, 200, 1024, 600}), std::invalid_argument);
  EXPECT_THROW(make_coherent_plan(kNarrow, CoherentLengths{200, 200, 0, -400}), std::invalid_argument);
  const auto plan = make_coherent_plan(kNarrow, 512);
  Samples x(512), out(static_cast<std::size_t>(plan.n_valid)), shorter(out.size() - 1);
  CoherentScratch scratch(512), other(1024);
  EXPECT_NO_THROW(dedisperse_step(plan, scratch, 2, view_of(x), view_of(out)));
  EXPECT_THROW(dedisperse_step(plan, scratch, 3, view_of(x), view_of(out)), std::invalid_argument);
  EXPECT_THROW(dedisperse_step(plan, scratch, -1, view_of(x), view_of(out)), std::invalid_argument);
  EXPECT_THROW(dedisperse_step(plan, other, 0, view_of(x), view_of(out)), std::invalid_argument);
  EXPECT_THROW(dedisperse_step(plan, scratch, 0, view_of(out), view_of(out)), std::invalid_argument);
  EXPECT_THROW(dedisperse_step(plan, scratch, 0, view_of(x), view_of(shorter)), std::invalid_argument);
  EXPECT_THROW(dedisperse_reference(kNarrow, 0, view_of(x), view_of(out)), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
