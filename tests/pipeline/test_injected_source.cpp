// Injected pulses as samples: their profile, their amplitude in every packing, and that a sample is the same
// whatever is read with it.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/add_intensity.hpp"
#include "kernels/base/random.hpp"
#include "kernels/base/units.hpp"
#include "kernels/pulse_profile.hpp"
#include "kernels/repack.hpp"
#include "pipeline/injected_source.hpp"
#include "pipeline/simulate.hpp"
#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {
namespace {

// h by the plain sum of its convolution, steps of 1e-3 of the shorter scale.
double convolved(double u, double sigma, double tau) {
  double sum = 0.0;
  const double step = 1e-3 * std::min(sigma, tau);
  for (double v = 0.5 * step; v < 40.0 * tau; v += step)
    sum += step * std::exp(-v / tau) / tau * std::exp(-0.5 * (u - v) * (u - v) / (sigma * sigma));
  return sum / (sigma * std::sqrt(2.0 * M_PI));
}

TEST(PulseProfile, IsAGaussianConvolvedWithAnExponential) {
  for (const double tau : {0.06, 1.0, 3.0})
    for (const double u : {-2.0, 0.0, 0.7, 4.0}) {
      // The sum's error is that of the midpoint rule, 1e-6 relative, and nothing else.
      const PulseShape shape{1.0, tau};
      EXPECT_NEAR(shape.at(u) / convolved(u, 1.0, tau), 1.0, 1e-5) << tau << " " << u;
    }
}

TEST(PulseProfile, HasUnitAreaMeanTauAndTheSumOfTheVariances) {
  for (const double tau : {0.0, 1e-3, 0.049, 0.051, 0.5, 20.0}) {
    const PulseShape shape{0.8, tau};
    double area = 0.0, mean = 0.0, square = 0.0;
    const double step = 1e-3;
    for (double u = shape.begin_s() + 0.5 * step; u < shape.end_s(); u += step) {
      area += step * shape.at(u);
      mean += step * shape.at(u) * u;
      square += step * shape.at(u) * u * u;
    }
    // What is left out has e^-12 = 6e-6 of the area, at 12 tau to 13 tau: 1e-4 of tau, 1.2e-3 of its square.
    EXPECT_NEAR(area, 1.0, 1e-5) << tau;
    EXPECT_NEAR(mean, tau, 1e-4 * tau + 1e-6) << tau;
    EXPECT_NEAR(square - mean * mean, 0.64 + tau * tau, 1.3e-3 * tau * tau + 1e-5) << tau;
  }
}

SampleFormat packed(int n_bits, PolKind kind = PolKind::kIntensity) {
  SampleFormat f;
  f.n_bits = n_bits;
  f.is_float = n_bits == 32;
  f.pol_kind = kind;
  return f;
}

StreamInfo info_of(int n_chan, int n_pol) {
  StreamInfo info;
  info.n_chan = n_chan;
  info.n_pol = n_pol;
  info.freq_low_mhz = 1000.0;
  info.channel_width_mhz = 500.0 / n_chan;
  info.sample_time_s = 1e-3;
  return info;
}

TEST(AddIntensity, OfWholeLevelsIsExactAndClips) {
  SampleFormat f = packed(2);
  f.high_bits_first = true;
  f.channels_descending = true;
  const auto plan = make_unpack_plan(info_of(4, 1), f);
  std::uint8_t byte = 0b00'01'10'11;  // channels 3, 2, 1, 0
  const std::vector<float> lift = {1.0F, 1.0F, 2.0F};
  add_intensity(plan, {}, 1, 5, 1, View<const float, 1>(lift.data(), {3}), &byte);
  EXPECT_EQ(byte, 0b10'10'11'11);
}

TEST(AddIntensity, IsSharedByPolarisationsInTheirOwnScalesAndLeavesTheOthers) {
  const auto plan = make_unpack_plan(info_of(2, 4), packed(8, PolKind::kCoherence));
  std::vector<std::uint8_t> spectrum = {10, 10, 20, 20, 1, 2, 3, 4};
  CalibrationSpan span;
  span.scale = {0.5F, 1.0F, 0.25F, 0.0F, 1.0F, 1.0F, 1.0F, 1.0F};
  const std::vector<float> lift = {4.0F, 6.0F};  // 2 and 3 in each polarisation
  add_intensity(plan, span, 1, 0, 0, View<const float, 1>(lift.data(), {2}), spectrum.data());
  EXPECT_EQ(spectrum, (std::vector<std::uint8_t>{14, 13, 28, 20, 1, 2, 3, 4}));
}

TEST(AddIntensity, OfPartsOfALevelIsRightOnAverage) {
  constexpr int kChan = 4096;
  const auto plan = make_unpack_plan(info_of(kChan, 1), packed(8));
  const std::vector<float> lift(kChan, 0.3F);
  double sum = 0.0;
  for (int t = 0; t < 16; ++t) {
    std::vector<std::uint8_t> spectrum(kChan, 100);
    add_intensity(plan, {}, 7, t, 0, View<const float, 1>(lift.data(), {kChan}), spectrum.data());
    for (const auto v : spectrum) sum += v - 100.0;
  }
  const double n = 16.0 * kChan;
  EXPECT_NEAR(sum / n, 0.3, 5.0 * std::sqrt(0.3 * 0.7 / n));
}

TEST(AddIntensity, RefusesChannelsThatDoNotExist) {
  const auto plan = make_unpack_plan(info_of(2, 1), packed(8));
  std::uint8_t spectrum[2] = {};
  const std::vector<float> lift(2);
  EXPECT_THROW(add_intensity(plan, {}, 1, 0, 1, View<const float, 1>(lift.data(), {2}), spectrum),
               std::invalid_argument);
}

/// 64 channels over FAST's band, 1 ms, 4 s of noise.
ScanSpec noise_scan(int n_bits, int n_pol) {
  ScanSpec spec;
  spec.n_chan = 64;
  spec.sample_time_s = 1e-3;
  spec.duration_s = 4.0;
  spec.n_bits = n_bits;
  spec.n_pol = n_pol;
  return spec;
}

Array<float, 2> intensities(Source& source) {
  RawBlock block;
  source.read(0, source.info().n_time, block);
  Array<float, 2> x({source.info().n_chan, source.info().n_time});
  unpack(make_unpack_plan(source.info(), source.format()), block, 0, x.view());
  return x;
}

double deviation(View<const float, 1> x) {
  double sum = 0.0, square = 0.0;
  const auto n = static_cast<double>(x.shape(0));
  for (std::int64_t t = 0; t < x.shape(0); ++t) sum += x[t];
  for (std::int64_t t = 0; t < x.shape(0); ++t) square += std::pow(x[t] - sum / n, 2);
  return std::sqrt(square / n);
}

InjectedPulse undispersed(double snr) {
  InjectedPulse pulse;
  pulse.time_s = 2.0;
  pulse.width_s = 0.03;
  pulse.snr = snr;
  return pulse;
}

// S/N that a filter matched to the known Gaussian finds in what was added: snr = sum_t g(t) sum_c d[c][t] /
// sigma[c] / (n_chan sum_t g^2)^1/2.
struct Filtered {
  double snr, error;
};
Filtered filtered(Source& before, Source& after, const InjectedPulse& pulse) {
  const auto x = intensities(before), y = intensities(after);
  const double n_chan = static_cast<double>(x.shape(0)), sigma_s = pulse.width_s / kFwhmPerSigma;
  double sum = 0.0, norm = 0.0, roundings = 0.0;
  std::vector<double> sigmas;
  for (std::int64_t c = 0; c < x.shape(0); ++c) sigmas.push_back(deviation(x.cview()[c]));
  for (std::int64_t t = 0; t < x.shape(1); ++t) {
    const double u = (static_cast<double>(t) + 0.5) * 1e-3 - pulse.time_s;
    const double g = std::exp(-0.5 * u * u / (sigma_s * sigma_s));
    norm += g * g;
    for (std::int64_t c = 0; c < x.shape(0); ++c) {
      const double sigma = sigmas[static_cast<std::size_t>(c)];
      sum += g * (y(c, t) - x(c, t)) / sigma;
      roundings += g * g * 0.25 * 2.0 / (sigma * sigma);  // at most, of two polarisations
    }
    if (u > 6.0 * sigma_s) break;
  }
  return {sum / std::sqrt(n_chan * norm), std::sqrt(roundings / (n_chan * norm))};
}

TEST(InjectedSource, HasTheSnrThatWasAskedForInEveryPacking) {
  for (const auto& [bits, pols] :
       {std::pair{32, 1}, {16, 2}, {8, 1}, {8, 2}, {8, 4}, {4, 2}, {2, 1}, {1, 1}}) {
    const TempDir dir;
    const auto path = simulate_scan(noise_scan(bits, pols), dir.path()).front();
    const auto pulse = undispersed(15.0);
    const auto before = open_source(path), inner = open_source(path);
    InjectedSource after(*inner, {pulse});
    const auto found = filtered(*before, after, pulse);
    // Each sigma is measured from 2048 samples, the mean of 64 of them to 1 / (4096 64)^1/2 = 0.2 %. Fewer
    // than 8 bits: the share of full codes, at most 1/2, is known to 1 / 2048^1/2 = 2.2 % in each channel.
    const double scale = bits < 8 ? 0.003 * std::sqrt(2.0) : 0.002;
    EXPECT_NEAR(found.snr, 15.0, 5.0 * std::hypot(found.error, 15.0 * scale)) << bits << " bits " << pols;
  }
}

TEST(InjectedSource, OfAPartOfTheBandHasTheSameSumInFewerChannels) {
  const TempDir dir;
  const auto path = simulate_scan(noise_scan(32, 1), dir.path()).front();
  auto pulse = undispersed(20.0);
  pulse.band_fraction = 0.25;
  pulse.band_position = 1.0;
  const auto before = open_source(path), inner = open_source(path);
  InjectedSource after(*inner, {pulse});
  EXPECT_NEAR(filtered(*before, after, pulse).snr, 20.0, 5.0 * 20.0 / std::sqrt(4096.0 * 16.0));
  const auto x = intensities(*before), y = intensities(after);
  for (std::int64_t c = 0; c < 64; ++c) EXPECT_EQ(x(c, 2000) != y(c, 2000), c >= 48) << c;
}

// Dispersion, smearing and scattering: what is added to a channel has the delay and the variance of its
// model.
TEST(InjectedSource, ArrivesWithItsDelayAndWidthInEachChannel) {
  const TempDir dir;
  const auto path = simulate_scan(noise_scan(32, 1), dir.path()).front();
  InjectedPulse pulse;
  pulse.time_s = 0.5;
  pulse.dm_pc_cm3 = 300.0;
  pulse.width_s = 0.005;
  pulse.snr = 1000.0;
  pulse.scattering_s = 0.01;
  const auto before = open_source(path), inner = open_source(path);
  InjectedSource after(*inner, {pulse});
  const auto x = intensities(*before), y = intensities(after);
  const auto info = before->info();
  for (const int c : {0, 31, 63}) {
    double sum = 0.0, mean = 0.0, square = 0.0;
    for (std::int64_t t = 0; t < info.n_time; ++t) {
      const double d = y(c, t) - x(c, t), at = (static_cast<double>(t) + 0.5) * 1e-3;
      sum += d;
      mean += d * at;
      square += d * at * at;
    }
    mean /= sum;
    const double f = info.freq_mhz(c), half = 0.5 * info.channel_width_mhz;
    const double tau = 0.01 * std::pow(f / 1000.0, -4.0);
    const double smear = dispersion_delay_s(300.0, f - half, f + half);
    const double variance = std::pow(0.005 / kFwhmPerSigma, 2) + (smear * smear + 1e-6) / 12.0 + tau * tau;
    // The tail beyond 12 tau, and float32 samples of about 96 that are good to 4e-6 of what is added.
    EXPECT_NEAR(mean, 0.5 + dispersion_delay_s(300.0, f, info.ref_freq_mhz()) + tau, 2e-4 * tau + 1e-5) << c;
    EXPECT_NEAR(square / sum - mean * mean, variance, 5e-3 * variance) << c;
  }
}

/// A stream in memory, with whatever spans.
class MemorySource final : public Source {
 public:
  MemorySource(StreamInfo info, SampleFormat format) : info_(std::move(info)), format_(format) {
    bytes_.resize(static_cast<std::size_t>(info_.n_time * row_bytes()));
    Xoshiro256 random(5);
    for (auto& b : bytes_) b = static_cast<std::uint8_t>(random());
  }
  const StreamInfo& info() const override { return info_; }
  const SampleFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "memory"; }
  void read(std::int64_t first, std::int64_t n, RawBlock& out) override {
    expect(first >= 0 && first + n <= info_.n_time, "samples [{}, {})", first, first + n);
    out.first_sample = first;
    out.n_time = n;
    out.reserve(n, row_bytes());
    std::copy_n(bytes_.data() + first * row_bytes(), n * row_bytes(), out.samples.data());
    out.spans.clear();
    for (auto span : spans) {
      span.begin = std::clamp<std::int64_t>(span.begin - first, 0, n);
      span.end = std::clamp<std::int64_t>(span.end - first, 0, n);
      if (span.begin < span.end) out.spans.push_back(span);
    }
  }
  std::vector<CalibrationSpan> spans;

 private:
  std::int64_t row_bytes() const { return spectrum_bytes(info_, format_); }
  StreamInfo info_;
  SampleFormat format_;
  std::vector<std::uint8_t> bytes_;
  std::vector<InputFile> files_;
  Losses losses_;
};

MemorySource memory_source(int n_bits, int n_pol) {
  auto info = info_of(16, n_pol);
  info.n_time = 7000;
  MemorySource source(info, packed(n_bits, n_pol == 2 ? PolKind::kAaBb : PolKind::kIntensity));
  CalibrationSpan a, gap, b;
  a.begin = 0, a.end = gap.begin = 3000, gap.end = b.begin = 3100, b.end = 7000;
  gap.missing = true;
  a.scale.assign(static_cast<std::size_t>(16 * n_pol), 0.5F);
  b.scale.assign(static_cast<std::size_t>(16 * n_pol), 2.0F);
  source.spans = {a, gap, b};
  return source;
}

std::vector<InjectedPulse> overlapping_pulses() {
  std::vector<InjectedPulse> pulses;
  for (const double time_s : {0.3, 2.6, 2.62, 5.0, 6.99}) {
    InjectedPulse p;
    p.time_s = time_s;
    p.dm_pc_cm3 = 200.0;
    p.width_s = 0.02;
    p.snr = 30.0;
    p.scattering_s = 0.02;
    pulses.push_back(p);
  }
  return pulses;
}

TEST(InjectedSource, GivesTheSameBytesWhateverIsReadInWhichOrderByHowManyThreads) {
  for (const int n_bits : {1, 2, 4, 8, 16})
    for (const int n_pol : {1, 2}) {
      auto inner = memory_source(n_bits, n_pol);
      InjectedSource all(inner, overlapping_pulses());
      RawBlock whole, part;
      all.read(0, 7000, whole);
      const auto row = whole.samples.shape(1);
      InjectedSource source(inner, overlapping_pulses());
      source.use_threads(3);
      Xoshiro256 random(static_cast<std::uint64_t>(n_bits));
      for (int i = 0; i < 12; ++i) {
        const auto first = static_cast<std::int64_t>(random.below(7000));
        const auto n = 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(7000 - first)));
        source.read(first, n, part);
        EXPECT_EQ(std::memcmp(part.samples.data(), whole.samples.data() + first * row,
                              static_cast<std::size_t>(n * row)),
                  0)
            << n_bits << " bits, samples " << first << " + " << n;
        if (i == 5) source.release();
      }
    }
}

TEST(InjectedSource, LeavesGapsAndEverythingElseAsItWas) {
  auto inner = memory_source(8, 1);
  InjectedSource source(inner, overlapping_pulses());
  RawBlock before, after;
  inner.read(0, 7000, before);
  source.read(0, 7000, after);
  int n_changed = 0;
  const auto band = injection_band(inner.info());
  for (std::int64_t t = 0; t < 7000; ++t) {
    bool is_in = false;
    for (const auto& model : source.models()) {
      const auto range = model.samples(band, 7000);
      is_in = is_in || (t >= range.begin && t < range.end);
    }
    const bool changed = std::memcmp(&before.samples(t, 0), &after.samples(t, 0), 16) != 0;
    EXPECT_TRUE(!changed || (is_in && (t < 3000 || t >= 3100))) << t;
    n_changed += changed ? 1 : 0;
  }
  EXPECT_GT(n_changed, 500);
}

}  // namespace
}  // namespace tianyan
