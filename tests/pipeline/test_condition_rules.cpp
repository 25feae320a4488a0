// Each rule of conditioning on and off: what it is for is flagged by it, noise is left alone, and whatever is
// flagged is zero and without weight.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numbers>

#include "kernels/quantise.hpp"
#include "kernels/quiet_means.hpp"
#include "pipeline/condition.hpp"
#include "pipeline/host_levels.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr int kChannels = 512;
constexpr std::int64_t kTimes = 16384;
constexpr double kSampleTime_s = 64e-6, kMean = 100.0, kSigma = 12.0;

StreamInfo stream(int n_chan = kChannels) {
  StreamInfo info;
  info.n_chan = n_chan;
  info.n_pol = 1;
  info.freq_low_mhz = 1000.0;
  info.channel_width_mhz = 500.0 / n_chan;
  info.sample_time_s = kSampleTime_s;
  return info;
}

std::uint8_t byte_of(double level) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(level, 0.0, 255.0)));
}

// Gaussian noise, drawn from a table of deviates to be quick, on a bandpass that scatters by 5 %.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : random_(seed), deviate_(std::size_t{1} << 16) {
    for (auto& d : deviate_) d = static_cast<float>(gaussian(random_));
    for (int c = 0; c < kChannels; ++c) gain_.push_back(1.0 + 0.05 * gaussian(random_));
  }
  /// x(c, t) is added to the noise, in sigma.
  RawBlock block(const std::function<double(int, std::int64_t)>& x = {}, std::int64_t n_time = kTimes) {
    RawBlock block;
    block.n_time = n_time;
    block.reserve(n_time, kChannels);
    for (std::int64_t t = 0; t < n_time; ++t)
      for (int c = 0; c < kChannels; ++c)
        block.samples(t, c) =
            byte_of(gain_[static_cast<std::size_t>(c)] * (kMean + kSigma * (next() + (x ? x(c, t) : 0.0))));
    block.spans = {{0, n_time, false, {}, {}, {}}};
    return block;
  }
  double next() {
    if (n_left_ == 0) {
      bits_ = random_();
      n_left_ = 4;
    }
    --n_left_;
    const auto at = bits_ & 0xffff;
    bits_ >>= 16;
    return deviate_[at];
  }

 private:
  Xoshiro256 random_;
  std::vector<float> deviate_;
  std::vector<double> gain_;  // beside it a small change of a channel's mean does not stand out
  std::uint64_t bits_ = 0;
  int n_left_ = 0;
};

// Channels [first, end) at the upper end of their digitiser's range.
void saturate(RawBlock& block, int first, int end, Noise& noise) {
  for (std::int64_t t = 0; t < block.n_time; ++t)
    for (int c = first; c < end; ++c) block.samples(t, c) = byte_of(247.0 + kSigma * noise.next());
}

RfiConfig no_rules() {
  RfiConfig config;
  config.saturated.enabled = config.channels.enabled = config.iqrm.enabled = config.zero_dm.enabled = false;
  config.zero_dm_filter.enabled = config.periodic.enabled = config.kurtosis.enabled = false;
  config.sum_threshold.enabled = config.beams.enabled = false;
  return config;
}

// One window, and all that conditioning says of it.
struct Window {
  Window(const RawBlock& block, const RfiConfig& config, int n_threads = 2, const SampleFormat& format = {},
         int n_chan = kChannels)
      : levels(stream(n_chan), format, kTimes, n_threads),
        conditioner(config, stream(n_chan), format, kTimes, n_threads, levels) {
    conditioner.allocate();
    const std::int64_t n_subband = std::ssize(conditioner.subbands()) - 1;
    q = Array<std::int8_t, 2>({n_chan, kTimes});
    levels.write_to(q.view());
    weight = Array<float, 2>({n_subband, kTimes / 8});
    mean = Array<float, 2>({n_subband, kTimes / 8});
    conditioner.process(block, weight.view(), mean.view());
    counts = conditioner.report().counts;
  }
  std::int64_t taken_by(FlagRule rule) const { return counts.of(rule); }
  /// Weight of each channel at a time, rules and times together.
  bool is_good(int c, std::int64_t t) const {
    const auto& w = conditioner.weights();
    const auto s = std::upper_bound(w.begin.begin(), w.begin.end(), t) - w.begin.begin() - 1;
    return w.row(static_cast<int>(s))[c] != 0 && conditioner.time_good()[t] != 0;
  }
  std::vector<float> zero_dm() const {
    Array<float, 1> z({kTimes});
    conditioner.zero_dm(z.view());
    return values_of(z.cview());
  }

  HostLevels levels;
  Conditioner conditioner;
  Array<std::int8_t, 2> q;
  Array<float, 2> weight, mean;
  FlagCounts counts;
};

// Means of what is left, from the levels themselves.
Array<float, 1> quiet_means_of(const Window& run) {
  const auto n_chan = run.q.shape(0), n_cell = kTimes / kCellSamples;
  Array<std::int16_t, 2> sum({n_chan, n_cell});
  Array<std::uint8_t, 2> count({n_chan, n_cell}), rule({n_chan, n_cell});
  for (std::int64_t c = 0; c < n_chan; ++c)
    for (std::int64_t t = 0; t < kTimes; ++t) {
      sum(c, t / kCellSamples) = static_cast<std::int16_t>(sum(c, t / kCellSamples) + run.q(c, t));
      if (run.is_good(static_cast<int>(c), t)) ++count(c, t / kCellSamples);
    }
  Array<float, 1> mean({n_chan});
  quiet_means(sum.cview(), count.cview(), rule.cview(), QuantLevels{}.variance, mean.view());
  return mean;
}

// What is flagged is zero, counts agree with weights, means are those of what is left, and all is finite.
void expect_consistent(const Window& run, std::int64_t n_time = kTimes) {
  const auto& bound = run.conditioner.subbands();
  const auto& w = run.conditioner.weights();
  const auto mean = quiet_means_of(run);
  double n_all = 0.0;
  for (std::size_t b = 0; b + 1 < bound.size(); ++b) {
    double n_good = 0.0, n_weight = 0.0, left = 0.0;
    for (int c = bound[b]; c < bound[b + 1]; ++c) {
      double n = 0.0;
      for (int s = 0; s < w.n_span(); ++s)
        for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1];
             ++t) {
          const bool good = w.row(s)[c] != 0 && run.conditioner.time_good()[t] != 0;
          ASSERT_TRUE(good || run.q(c, t) == 0) << "channel " << c << " time " << t;
          n += good ? 1.0 : 0.0;
        }
      n_good += n;
      left += n * mean(c);
    }
    double mean_sum = 0.0;
    for (std::int64_t i = 0; i < kTimes / 8; ++i) {
      n_weight += run.weight(static_cast<std::int64_t>(b), i);
      const double m = run.mean(static_cast<std::int64_t>(b), i);
      ASSERT_TRUE(std::isfinite(m));
      mean_sum += m;
    }
    ASSERT_EQ(n_weight, n_good) << "subband " << b;
    // Floats of a mean below 1, in 2048 bins of at most 64 samples.
    ASSERT_NEAR(mean_sum, left, 1e-5 * (n_good + 1.0)) << "subband " << b;
    n_all += n_good;
  }
  EXPECT_EQ(run.counts.total, n_time * run.q.shape(0));
  EXPECT_EQ(run.counts.flagged(), run.counts.total - static_cast<std::int64_t>(n_all));
}

// A rule switched on alone and off again.
void expect_taken_only_by(FlagRule rule, const RawBlock& block, const RfiConfig& on, std::int64_t least,
                          std::int64_t most) {
  const Window with(block, on), without(block, no_rules());
  EXPECT_GE(with.taken_by(rule), least);
  EXPECT_LE(with.taken_by(rule), most);
  EXPECT_EQ(with.counts.flagged(), with.taken_by(rule));
  EXPECT_EQ(without.counts.flagged(), 0);
  expect_consistent(with);
  expect_consistent(without);
}

TEST(ConditionRules, LeaveNoiseAlone) {
  Noise noise(1);
  const auto block = noise.block();
  for (const bool all : {false, true}) {
    RfiConfig config;
    config.iqrm.enabled = config.zero_dm_filter.enabled = all;
    const Window run(block, config);
    EXPECT_LT(run.counts.fraction(), 0.002) << (all ? "all rules" : "defaults");
    expect_consistent(run);
  }
}

TEST(ConditionRules, TakeSaturatedChannels) {
  Noise noise(2);
  auto block = noise.block();
  saturate(block, 100, 111, noise);
  auto config = no_rules();
  config.saturated.enabled = true;
  expect_taken_only_by(FlagRule::kSaturated, block, config, 11 * kTimes, 11 * kTimes);
}

TEST(ConditionRules, TakeChannelsThatStandOut) {
  Noise noise(3);
  const auto block = noise.block([&](int c, std::int64_t) {
    return c == 40 ? 5.0 : c == 17 ? noise.next() : 0.0;
  });
  auto config = no_rules();
  config.channels.enabled = true;
  expect_taken_only_by(FlagRule::kChannels, block, config, 2 * kTimes, 4 * kTimes);
  const Window run(block, config);
  for (const int c : {17, 40}) EXPECT_FALSE(run.is_good(c, 5000)) << c;
}

TEST(ConditionRules, TakeNoisyChannelsByIqrm) {
  Noise noise(4);
  const auto block = noise.block(
      [&](int c, std::int64_t) { return c == 17 || (c >= 200 && c < 206) ? 2.0 * noise.next() : 0.0; });
  auto config = no_rules();
  config.iqrm.enabled = true;
  config.iqrm.threshold_sigma = 6.0;
  expect_taken_only_by(FlagRule::kIqrm, block, config, 7 * kTimes, 8 * kTimes);
}

// A burst for a tenth of a piece, and a carrier under which the noise is a third.
TEST(ConditionRules, TakePiecesOfChannelsByKurtosis) {
  Noise noise(5);
  auto block =
      noise.block([](int c, std::int64_t t) { return c == 60 && t / 1024 == 4 && t % 10 == 0 ? 8.0 : 0.0; });
  for (std::int64_t t = 9 * 1024; t < 10 * 1024; ++t)
    block.samples(t, 300) = byte_of(kMean + kSigma / 3.0 * noise.next());
  auto config = no_rules();
  config.kurtosis.enabled = true;
  expect_taken_only_by(FlagRule::kKurtosis, block, config, 2 * 1024, 2 * 1024);
  const Window run(block, config);
  EXPECT_FALSE(run.is_good(60, 4 * 1024));
  EXPECT_FALSE(run.is_good(300, 10 * 1024 - 1));
  EXPECT_TRUE(run.is_good(300, 10 * 1024));
}

// 16-bit samples with a mean of 16,000 of their sigmas: the Gamma shape is 2.6e8, which no limit is known of.
TEST(ConditionRules, KurtosisSaysNothingOfNoiseThatIsSmallBesideItsMean) {
  Noise noise(6);
  RawBlock block;
  block.n_time = kTimes;
  block.reserve(kTimes, 2 * kChannels);
  for (std::int64_t t = 0; t < kTimes; ++t)
    for (int c = 0; c < kChannels; ++c) {
      const auto level = static_cast<std::uint16_t>(std::lround(48000.0 + 3.0 * noise.next()));
      std::memcpy(&block.samples(t, 2 * c), &level, sizeof level);
    }
  block.spans = {{0, kTimes, false, {}, {}, {}}};
  SampleFormat format;
  format.n_bits = 16;
  auto config = no_rules();
  config.kurtosis.enabled = true;
  const Window run(block, config, 2, format);
  EXPECT_EQ(run.counts.flagged(), 0);
}

TEST(ConditionRules, TakeRunsOfTimesBySumThreshold) {
  Noise noise(7);  // 16 sigma in each of 10 cells, where a pulse of S/N 500 has 22 in one
  const auto block =
      noise.block([](int c, std::int64_t t) { return c == 77 && t >= 6400 && t < 7040 ? 2.0 : 0.0; });
  auto config = no_rules();
  config.sum_threshold.enabled = true;
  expect_taken_only_by(FlagRule::kSumThreshold, block, config, 640, 640 + 6 * 64);
  EXPECT_FALSE(Window(block, config).is_good(77, 6500));
}

TEST(ConditionRules, TakeRunsOfChannelsBySumThreshold) {
  Noise noise(8);
  const auto block =
      noise.block([](int c, std::int64_t t) { return c >= 128 && c < 192 && t / 64 == 30 ? 0.75 : 0.0; });
  auto config = no_rules();
  config.sum_threshold.enabled = true;
  config.keep_snr = 50.0;
  expect_taken_only_by(FlagRule::kSumThreshold, block, config, 60 * 64, 80 * 64);
  EXPECT_FALSE(Window(block, config).is_good(160, 30 * 64));
}

TEST(ConditionRules, TakeBumpsOfTheBandpassBySumThreshold) {
  Noise noise(9);
  const auto block = noise.block([](int c, std::int64_t) { return c >= 300 && c < 330 ? 3.0 : 0.0; });
  auto config = no_rules();
  config.sum_threshold.enabled = true;
  expect_taken_only_by(FlagRule::kSumThreshold, block, config, 25 * kTimes, 34 * kTimes);
}

TEST(ConditionRules, TakeTimesAtWhichTheWholeBandRises) {
  Noise noise(10);
  const auto block = noise.block([](int, std::int64_t t) { return t >= 1000 && t < 1010 ? 1.5 : 0.0; });
  auto config = no_rules();
  config.zero_dm.enabled = true;
  expect_taken_only_by(FlagRule::kTimes, block, config, 10 * kChannels, 14 * kChannels);
}

double line_power(const std::vector<float>& z, double frequency_hz) {
  double a = 0.0, b = 0.0;
  for (std::size_t k = 0; k < z.size(); ++k) {
    const double phase = 2.0 * std::numbers::pi * frequency_hz * kSampleTime_s * static_cast<double>(k);
    a += z[k] * std::cos(phase);
    b += z[k] * std::sin(phase);
  }
  return (a * a + b * b) / static_cast<double>(z.size());
}

double mains(std::int64_t t) {
  const double phase = 2.0 * std::numbers::pi * 50.0 * kSampleTime_s * static_cast<double>(t);
  return 0.3 * std::sin(phase) + 0.1 * std::cos(3.0 * phase);
}

TEST(ConditionRules, NameThePeriodicLinesAndTakeThemOut) {
  Noise noise(11);
  const auto block = noise.block([](int, std::int64_t t) { return mains(t); });
  auto config = no_rules();
  const Window without(block, config);
  EXPECT_TRUE(without.conditioner.report().lines.empty());
  config.periodic.enabled = true;
  const Window with(block, config);
  const auto lines = with.conditioner.report().lines;
  for (const double frequency_hz : {50.0, 150.0}) {
    const auto line = std::find_if(lines.begin(), lines.end(), [&](const PeriodicCount& l) {
      return std::abs(l.frequency_hz - frequency_hz) < 1e-9;
    });
    ASSERT_NE(line, lines.end()) << frequency_hz;
    EXPECT_EQ(line->fundamental_hz, 50.0);
    EXPECT_EQ(line->harmonic, std::lround(frequency_hz / 50.0));
    EXPECT_EQ(line->n_window, 1);
    EXPECT_LT(line_power(with.zero_dm(), frequency_hz), 0.05 * line_power(without.zero_dm(), frequency_hz));
  }
  EXPECT_LE(lines.size(), 4U) << "the lowest harmonics of the diode may be near";
  EXPECT_EQ(with.counts.flagged(), 0);
  expect_consistent(with);
}

// Together with an impulse, which flags of times take and the lines do not see.
TEST(ConditionRules, TakeOutPeriodicLinesBesideAnImpulse) {
  Noise noise(12);
  const auto block =
      noise.block([](int, std::int64_t t) { return mains(t) + (t >= 3000 && t < 3010 ? 3.0 : 0.0); });
  auto config = no_rules();
  config.periodic.enabled = config.zero_dm.enabled = true;
  const Window run(block, config);
  EXPECT_GE(run.taken_by(FlagRule::kTimes), 10 * kChannels);
  EXPECT_LE(run.taken_by(FlagRule::kTimes), 16 * kChannels);
  expect_consistent(run);
}

TEST(ConditionRules, PeriodicLinesLeaveAWindowWithoutThemBitForBit) {
  Noise noise(13);
  const auto block = noise.block();
  RfiConfig config;
  const Window with(block, config);
  config.periodic.enabled = false;
  const Window without(block, config);
  EXPECT_TRUE(with.conditioner.report().lines.empty());
  EXPECT_TRUE(equal(with.q.cview(), without.q.cview(), "c", "t"));
  EXPECT_TRUE(equal(with.weight.cview(), without.weight.cview(), "b", "i"));
  EXPECT_TRUE(equal(with.mean.cview(), without.mean.cview(), "b", "i"));
}

// Of strength 0 at one end of the band and twice the mean at the other.
double wave_in(int c, std::int64_t t) {
  return 0.6 * c / kChannels *
         std::sin(2.0 * std::numbers::pi * 3.3 * kSampleTime_s * static_cast<double>(t));
}

double share_of_wave(const Window& run, int c) {
  double a = 0.0, n = 0.0;
  for (std::int64_t t = 0; t < kTimes; ++t) {
    const double v = wave_in(kChannels, t);
    a += run.q(c, t) / 4.0 * v;
    n += v * v;
  }
  return a / n;
}

TEST(ConditionRules, ZeroDmFilterTakesAWaveOutOfEachChannelByItsOwnStrength) {
  Noise noise(14);
  const auto block = noise.block(wave_in);
  auto config = no_rules();
  const Window without(block, config);
  config.zero_dm_filter.enabled = true;
  const Window with(block, config);
  // Samples are in units of a deviation that the wave is part of. Each share is known to (16384 0.6^2 /
  // 2)^-1/2 = 0.018.
  for (const int c : {10, 250, 500}) {
    const double share = static_cast<double>(c) / kChannels;
    EXPECT_NEAR(share_of_wave(without, c), share / std::sqrt(1.0 + 0.18 * share * share), 0.08) << c;
    EXPECT_NEAR(share_of_wave(with, c), 0.0, 0.08) << c;
  }
  EXPECT_EQ(with.counts.flagged(), 0);
  expect_consistent(with);
}

// Samples are normalised again after times were flagged: those stay flagged, and are counted once.
TEST(ConditionRules, ZeroDmFilterKeepsTheFlagsOfTimes) {
  Noise noise(15);
  const auto block = noise.block(
      [](int c, std::int64_t t) { return wave_in(c, t) / 3.0 + (t >= 1000 && t < 1010 ? 2.0 : 0.0); });
  auto config = no_rules();
  config.zero_dm_filter.enabled = config.zero_dm.enabled = true;
  const Window run(block, config);
  EXPECT_GE(run.taken_by(FlagRule::kTimes), 10 * kChannels);
  for (std::int64_t t = 1000; t < 1010; ++t) EXPECT_FALSE(run.is_good(7, t)) << t;
  expect_consistent(run);
}

// An impulse that was flagged is no part of the wave, or the fit would be to what is no longer there.
TEST(ConditionRules, ZeroDmFilterIsNotWeakenedByAnImpulse) {
  Noise noise(17);
  const auto block =
      noise.block([](int c, std::int64_t t) { return wave_in(c, t) + (t >= 1024 && t < 1088 ? 3.0 : 0.0); });
  auto config = no_rules();
  config.zero_dm_filter.enabled = config.zero_dm.enabled = true;
  const Window run(block, config);
  EXPECT_GE(run.taken_by(FlagRule::kTimes), 64 * kChannels);
  for (const int c : {10, 250, 500}) EXPECT_NEAR(share_of_wave(run, c), 0.0, 0.08) << c;
}

TEST(ConditionRules, TakeTheCellsThatOtherBeamsSee) {
  Noise noise(16);
  const auto block = noise.block();
  Window run(block, no_rules());
  auto& conditioner = run.conditioner;
  const std::int64_t n_subband = std::ssize(conditioner.subbands()) - 1, n_cell = kTimes / kCellSamples;
  conditioner.measure(block, nullptr);
  Array<float, 2> sum({n_subband, n_cell});
  Array<std::uint8_t, 2> good({n_subband, n_cell});
  conditioner.subband_cells(sum.view(), good.view());
  double squares = 0.0;
  for (std::int64_t i = 0; i < sum.size(); ++i) {
    ASSERT_EQ(good.data()[i], 1);
    squares += sum.data()[i] * sum.data()[i];
  }
  EXPECT_NEAR(squares / static_cast<double>(sum.size()), 1.0, 0.05);  // in units of their own deviation
  good(3, 20) = good(5, 21) = 0;
  const auto beams = good.cview();
  conditioner.finish(&beams, run.weight.view(), run.mean.view());
  run.counts = conditioner.flags().counts();
  const auto& bound = conditioner.subbands();
  EXPECT_EQ(run.taken_by(FlagRule::kBeams), 64 * (bound[4] - bound[3] + bound[6] - bound[5]));
  EXPECT_FALSE(run.is_good(bound[3], 20 * 64));
  EXPECT_TRUE(run.is_good(bound[3], 21 * 64));
  expect_consistent(run);
  EXPECT_EQ(conditioner.report().counts.of(FlagRule::kBeams), run.taken_by(FlagRule::kBeams));
}

// Something for each rule at once.
RawBlock spoiled_block(Noise& noise) {
  auto block = noise.block([&](int c, std::int64_t t) {
    double x = mains(t) / 3.0;
    if (c >= 100 && c < 103) x += 12.5;
    if (c == 40) x += 5.0;
    if (c == 17) x += noise.next();
    if (c == 60 && t / 1024 == 4 && t % 10 == 0) x += 8.0;
    if (c == 77 && t >= 6400 && t < 7040) x += 1.3;
    if (t >= 1000 && t < 1010) x += 1.5;
    return x;
  });
  block.spans = {{0, 512, false, {}, {}, {}}, {512, 777, true, {}, {}, {}}, {777, kTimes, false, {}, {}, {}}};
  return block;
}

RfiConfig all_rules() {
  RfiConfig config;
  config.iqrm.enabled = config.zero_dm_filter.enabled = true;
  config.bands.mhz = {{1100.0, 1105.0}};
  return config;
}

TEST(ConditionRules, DoNotDependOnThreads) {
  Noise noise(17);
  const auto block = spoiled_block(noise);
  for (const auto& config : {RfiConfig{}, all_rules()}) {
    const Window one(block, config, 1), three(block, config, 3);
    EXPECT_TRUE(equal(one.q.cview(), three.q.cview(), "c", "t"));
    EXPECT_TRUE(equal(one.weight.cview(), three.weight.cview(), "b", "i"));
    EXPECT_TRUE(equal(one.mean.cview(), three.mean.cview(), "b", "i"));
    EXPECT_EQ(one.counts.by_rule, three.counts.by_rule);
  }
}

TEST(ConditionRules, TakeTheirShareOfWhatSeveralAreFor) {
  Noise noise(18);
  const auto block = spoiled_block(noise);
  const Window run(block, all_rules());
  for (const auto rule : {FlagRule::kRecorded, FlagRule::kBands, FlagRule::kSaturated, FlagRule::kChannels,
                          FlagRule::kTimes, FlagRule::kKurtosis, FlagRule::kSumThreshold})
    EXPECT_GT(run.taken_by(rule), 0) << kFlagRuleNames[static_cast<std::size_t>(rule)];
  EXPECT_EQ(run.taken_by(FlagRule::kRecorded), 265 * kChannels);
  expect_consistent(run);
}

// A given mask comes before all rules, and nothing of it is counted again.
TEST(ConditionRules, LeaveToTheMaskWhatItTook) {
  Noise noise(19);
  const auto block = spoiled_block(noise);
  RfiConfig config;
  Window run(block, config);
  Array<std::uint8_t, 2> rule({kTimes / kCellSamples, kChannels});
  run.conditioner.flags().rules(rule.view());
  const MaskWindow mask{rule.cview(), run.conditioner.flags().flagged_times()};
  Window again(block, no_rules());
  again.conditioner.measure(block, &mask);
  again.conditioner.finish(nullptr, again.weight.view(), again.mean.view());
  again.counts = again.conditioner.flags().counts();
  expect_consistent(again);
  EXPECT_EQ(again.counts.flagged(), run.counts.flagged());
  EXPECT_EQ(again.taken_by(FlagRule::kMask), again.counts.flagged() - again.taken_by(FlagRule::kRecorded));
  for (std::int64_t t = 0; t < kTimes; t += 7)
    for (int c = 0; c < kChannels; ++c) ASSERT_EQ(again.is_good(c, t), run.is_good(c, t)) << c << " " << t;
}

void expect_nothing_left(const RawBlock& block, const RfiConfig& config, const char* what) {
  const Window run(block, config);
  EXPECT_EQ(run.counts.fraction(), 1.0) << what;
  for (std::int64_t i = 0; i < run.q.size(); ++i) ASSERT_EQ(run.q.data()[i], 0) << what;
  for (std::int64_t i = 0; i < run.weight.size(); ++i) {
    ASSERT_EQ(run.weight.data()[i], 0.0F) << what;
    ASSERT_EQ(run.mean.data()[i], 0.0F) << what;
  }
  for (const float z : run.zero_dm()) ASSERT_EQ(z, 0.0F) << what;
}

TEST(ConditionRules, HaveNothingToSayWhereEverythingIsFlagged) {
  Noise noise(20);
  auto block = noise.block();
  for (auto config : {RfiConfig{}, all_rules()}) {
    block.spans[0].missing = false;
    config.bands.mhz = {{900.0, 1600.0}};
    expect_nothing_left(block, config, "bands over everything");
    config.bands.mhz = {};
    block.spans[0].missing = true;
    expect_nothing_left(block, config, "a gap");
  }
  block.spans[0].missing = false;
  saturate(block, 0, kChannels, noise);
  expect_nothing_left(block, RfiConfig{}, "all saturated");
  for (const int code : {0, 93, 255}) {
    std::fill(block.samples.data(), block.samples.data() + block.samples.size(),
              static_cast<std::uint8_t>(code));
    expect_nothing_left(block, all_rules(), "constant data");
  }
}

TEST(ConditionRules, AShortLastWindowAfterAWholeOneIsConsistent) {
  Noise noise(21);
  const auto whole = noise.block();
  for (const auto& config : {RfiConfig{}, all_rules()})
    for (const std::int64_t n_time : {std::int64_t{1}, std::int64_t{1000}, kTimes - 7}) {
      Window run(whole, config);
      auto last = noise.block({}, n_time);
      last.first_sample = kTimes;
      run.conditioner.process(last, run.weight.view(), run.mean.view());
      run.counts = run.conditioner.flags().counts();
      expect_consistent(run, n_time);
      const auto report = run.conditioner.report();
      EXPECT_EQ(report.n_window(), 2);
      EXPECT_EQ(report.counts.total, (kTimes + n_time) * kChannels);
      EXPECT_LT(run.counts.fraction(), 0.05 + (config.bands.mhz.empty() ? 0.0 : 0.012)) << n_time;
    }
}

// The first channels of the same samples.
TEST(ConditionRules, WorkOnAnyNumberOfChannels) {
  Noise noise(22);
  const auto block = spoiled_block(noise);
  for (const int n_chan : {1, 2, 3, 7, 42, 65, 130}) {
    RawBlock narrow;
    narrow.n_time = block.n_time;
    narrow.spans = block.spans;
    narrow.reserve(block.n_time, n_chan);
    for (std::int64_t t = 0; t < block.n_time; ++t)
      std::copy_n(&block.samples(t, 0), n_chan, &narrow.samples(t, 0));
    for (auto config : {RfiConfig{}, all_rules()}) {
      config.bands.mhz = {};
      expect_consistent(Window(narrow, config, 2, {}, n_chan));
    }
  }
}

void conditioner_of(const RfiConfig& config, std::int64_t window_samples = kTimes) {
  HostLevels levels(stream(), {}, window_samples, 1);
  const Conditioner conditioner(config, stream(), {}, window_samples, 1, levels);
}

TEST(ConditionRules, RefuseWhatTheyCannotWorkWith) {
  RfiConfig config;
  config.sum_threshold.longest = 513;
  EXPECT_THROW(conditioner_of(config), std::invalid_argument);
  config = {};
  for (const double shape : {0.3, 2e8}) {
    config.kurtosis.shape = shape;
    config.kurtosis.enabled = true;
    EXPECT_THROW(conditioner_of(config), std::invalid_argument);
    config.kurtosis.enabled = false;
    EXPECT_NO_THROW(conditioner_of(config));
  }
  config = {};
  config.periodic.fundamentals_hz = {-50.0};
  EXPECT_THROW(conditioner_of(config), std::invalid_argument);
  EXPECT_THROW(conditioner_of(RfiConfig{}, 1000), std::invalid_argument) << "no whole cells";
}

TEST(ConditionRules, RefuseBandsOfAnotherReceiver) {
  RfiConfig config;
  config.bands.mhz = {{1600.0, 1700.0}};
  try {
    conditioner_of(config);
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& e) {
    for (const char* part : {"rfi.bands.mhz", "1600", "1700", "999.512-1499.512"})
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace tianyan
