// Conditioning of one window: integers against floats, threads, and what was flagged.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "kernels/flag_times.hpp"
#include "pipeline/condition.hpp"
#include "pipeline/host_levels.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kTimes = 4096;

struct Conditioned {
  Array<std::int8_t, 2> q;
  Array<float, 2> weight, mean;
  std::vector<std::uint8_t> time_good;
  FlagCounts counts;
};

StreamInfo stream(int n_chan, int n_pol) {
  StreamInfo info;
  info.n_chan = n_chan;
  info.n_pol = n_pol;
  info.freq_low_mhz = 1000.0;
  info.channel_width_mhz = 1.0;
  info.sample_time_s = 1e-4;
  return info;
}

Conditioned conditioned(const RawBlock& block, const SampleFormat& format, int n_chan, int n_threads) {
  RfiConfig config;
  const auto info = stream(n_chan, format.pol_kind == PolKind::kAaBb ? 2 : 1);
  HostLevels levels(info, format, kTimes, n_threads);
  Conditioner conditioner(config, info, format, kTimes, n_threads, levels);
  conditioner.allocate();
  const std::int64_t n_subband = std::ssize(conditioner.subbands()) - 1;
  Conditioned out{Array<std::int8_t, 2>({n_chan, kTimes}),
                  Array<float, 2>({n_subband, kTimes / 8}),
                  Array<float, 2>({n_subband, kTimes / 8}),
                  {},
                  {}};
  levels.write_to(out.q.view());
  conditioner.process(block, out.weight.view(), out.mean.view());
  out.time_good = values_of(conditioner.time_good());
  out.counts = conditioner.report().counts;
  return out;
}

// Noise of n_pol bytes a channel with an impulse in all channels, two channels that stand out, and a gap.
RawBlock noisy_block(int n_chan, int n_pol, std::int64_t n_time, Xoshiro256& random) {
  RawBlock block;
  block.n_time = n_time;
  block.reserve(n_time, n_chan * n_pol);
  for (std::int64_t t = 0; t < n_time; ++t)
    for (std::int64_t i = 0; i < n_chan * n_pol; ++i) {
      const auto c = i % n_chan;
      double v = 100.0 + 12.0 * gaussian(random) * (c == 17 ? 2.0 : 1.0) + (c == 40 ? 60.0 : 0.0);
      if (t >= 1000 && t < 1010) v += 20.0;
      block.samples(t, i) = static_cast<std::uint8_t>(std::lround(std::clamp(v, 0.0, 255.0)));
    }
  block.spans = {{0, 512, false, {}, {}, {}}, {512, 777, true, {}, {}, {}}, {777, n_time, false, {}, {}, {}}};
  return block;
}

// The same samples in 16 bits, which are unpacked to floats.
RawBlock widened(const RawBlock& block) {
  RawBlock wide;
  wide.n_time = block.n_time;
  wide.spans = block.spans;
  wide.reserve(block.n_time, 2 * block.samples.shape(1));
  for (std::int64_t t = 0; t < block.n_time; ++t)
    for (std::int64_t i = 0; i < block.samples.shape(1); ++i) wide.samples(t, 2 * i) = block.samples(t, i);
  return wide;
}

TEST(Condition, BytesBecomeWhatTheSameFloatsDo) {
  Xoshiro256 random(1);
  for (int n_pol : {1, 2})
    for (int n_chan : {100, 256})
      for (std::int64_t n_time : {kTimes, std::int64_t{3000}}) {
        SampleFormat format;
        format.channels_descending = n_chan == 100;
        format.pol_kind = n_pol == 2 ? PolKind::kAaBb : PolKind::kIntensity;
        const auto block = noisy_block(n_chan, n_pol, n_time, random);
        const auto integers = conditioned(block, format, n_chan, 1);
        format.n_bits = 16;
        const auto floats = conditioned(widened(block), format, n_chan, 1);
        // Means differ by up to 1.5e-5 sigma, 6e-5 levels: of the 100 values of a channel, one in 10^4 has a
        // limit between two levels as near.
        std::int64_t n_differ = 0;
        for (std::int64_t i = 0; i < floats.q.size(); ++i) {
          n_differ += integers.q.data()[i] != floats.q.data()[i];
          ASSERT_LE(std::abs(integers.q.data()[i] - floats.q.data()[i]), 1);
        }
        EXPECT_LE(n_differ, floats.q.size() / 1000);
        EXPECT_EQ(integers.time_good, floats.time_good);
        EXPECT_TRUE(equal(integers.weight.cview(), floats.weight.cview(), "b", "i"));
        EXPECT_EQ(integers.counts.of(FlagRule::kChannels), floats.counts.of(FlagRule::kChannels));
        EXPECT_GE(integers.counts.of(FlagRule::kChannels), 2 * (n_time - 265));
        EXPECT_EQ(integers.counts.of(FlagRule::kRecorded), 265 * n_chan);
        EXPECT_GE(integers.counts.of(FlagRule::kTimes), 10 * (n_chan - 12));
      }
}

TEST(Condition, DoesNotDependOnThreads) {
  Xoshiro256 random(2);
  const auto block = noisy_block(300, 1, kTimes, random);
  const auto one = conditioned(block, {}, 300, 1), three = conditioned(block, {}, 300, 3);
  EXPECT_TRUE(equal(one.q.cview(), three.q.cview(), "c", "t"));
  EXPECT_TRUE(equal(one.weight.cview(), three.weight.cview(), "b", "i"));
  EXPECT_TRUE(equal(one.mean.cview(), three.mean.cview(), "b", "i"));
  EXPECT_EQ(one.time_good, three.time_good);
}

// What is flagged is zero, and the means are those of what is left.
TEST(Condition, MeansAreOfWhatIsNotFlagged) {
  Xoshiro256 random(3);
  const auto out = conditioned(noisy_block(64, 1, 3000, random), {}, 64, 2);
  for (int c = 0; c < 64; ++c) {  // of 64 channels each is a subband
    double sum = 0.0, n = 0.0, first = 0.0;
    for (std::int64_t t = 0; t < kTimes; ++t) {
      sum += out.q(c, t);
      if (out.time_good[static_cast<std::size_t>(t)] == 0) {
        ASSERT_EQ(out.q(c, t), 0);
      }
    }
    for (std::int64_t i = 0; i < kTimes / 8; ++i) n += out.weight(c, i);
    first = out.mean(c, 0);
    EXPECT_FLOAT_EQ(static_cast<float>(first), n > 0.0 ? 8.0F * static_cast<float>(sum / n) : 0.0F) << c;
  }
}

}  // namespace
}  // namespace tianyan
