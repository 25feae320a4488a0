// The stage from voltages to spectra: against a direct sum, however it is asked, where voltages are missing.
#include <gtest/gtest.h>

#include "kernels/base/random.hpp"
#include "pipeline/channelized_source.hpp"
#include "pipeline/channelizer.hpp"
#include "tests/pipeline/voltages_test.hpp"

namespace tianyan {
namespace {

ChannelizeConfig small_filterbank(int channels) {
  ChannelizeConfig config;
  config.channels = channels;
  config.sample_time_s = 1e-9;  // one frame
  return config;
}

MemoryVoltages noise(const VoltageInfo& info, bool is_complex, std::uint64_t seed = 1) {
  Xoshiro256 random(seed);
  const auto draw = [&random] { return 200.0 * (random.uniform() + random.uniform() - 1.0); };
  return MemoryVoltages(info, is_complex, [&](int, int, std::int64_t) {
    const double re = draw();
    return std::complex<double>(re, draw());
  });
}

struct Spectra {
  Array<float, 3> power;        ///< [dm][time][product, channel]
  Array<std::uint8_t, 2> good;  ///< [time][coarse]
};

Spectra make(Channelizer& channelizer, VoltageSource& source, std::int64_t first, std::int64_t n) {
  const StreamInfo info = channelizer.info();
  Spectra s{Array<float, 3>({channelizer.n_dm(), n, std::int64_t{info.n_pol} * info.n_chan}),
            Array<std::uint8_t, 2>({n, channelizer.n_coarse()})};
  channelizer.make(source, first, s.power.view(), s.good.view());
  return s;
}

Spectra make_all(Channelizer& channelizer, VoltageSource& source) {
  return make(channelizer, source, 0, channelizer.info().n_time);
}

/// Spectra [first, first + n) of `part` are those of `whole`, to the bit.
void expect_part(const Spectra& whole, const Spectra& part, std::int64_t first) {
  for (std::int64_t d = 0; d < part.power.shape(0); ++d)
    for (std::int64_t t = 0; t < part.power.shape(1); ++t) {
      ASSERT_EQ(std::memcmp(&part.power(d, t, 0), &whole.power(d, first + t, 0),
                            static_cast<std::size_t>(part.power.shape(2)) * sizeof(float)),
                0)
          << "DM " << d << ", spectrum " << first + t;
      ASSERT_TRUE(
          std::equal(&part.good(t, 0), &part.good(t, 0) + part.good.shape(1), &whole.good(first + t, 0)));
    }
}

TEST(Channelizer, IsTheMeanPowerOfTheFrames) {
  for (const bool is_complex : {true, false})
    for (const int n_pol : {1, 2}) {
      auto source = noise(voltage_info(2, 4.0, n_pol, 3000, is_complex), is_complex);
      ChannelizeConfig config = small_filterbank(2 * 12);
      config.sample_time_s = 3 * 12 / 4e6;  // three frames
      Channelizer channelizer(config, source.info(), source.format());
      channelizer.use_threads(2);
      const auto info = channelizer.info();
      EXPECT_EQ(info.n_chan, 24);
      EXPECT_DOUBLE_EQ(info.sample_time_s, 9e-6);
      EXPECT_EQ(info.n_time, source.info().n_time / (is_complex ? 36 : 72));
      const auto spectra = make_all(channelizer, source);
      PfbParams params;
      params.n_chan = 12;
      params.is_complex = is_complex;
      const auto n_component = is_complex ? 2 : 1;
      for (const std::int64_t t : {std::int64_t{1}, std::int64_t{7}, info.n_time - 2})
        for (int c = 0; c < 2; ++c) {
          std::vector<double> expected(12, 0.0);
          for (int p = 0; p < n_pol; ++p) {
            std::vector<float> x;
            const auto from = (std::int64_t{c} * n_pol + p) * source.info().n_time * n_component;
            for (std::int64_t i = 0; i < source.info().n_time * n_component; ++i)
              x.push_back(source.samples()[static_cast<std::size_t>(from + i)]);
            for (int j = 0; j < 3; ++j) {
              Array<std::complex<double>, 1> frame({12});
              pfb_reference(params, View<const float, 1>(x.data(), {std::ssize(x)}), 0, 3 * t + j,
                            frame.view());
              for (int k = 0; k < 12; ++k) expected[static_cast<std::size_t>(k)] += std::norm(frame(k)) / 3.0;
            }
          }
          // Rounding of float32 in sums of 48 terms and 8 steps of additions of the transform: below 1e-5 of
          // the mean power, 2 (or 1) x 200^2 / 3 for a component of this noise.
          for (int k = 0; k < 12; ++k)
            EXPECT_NEAR(spectra.power(0, t, c * 12 + k), expected[static_cast<std::size_t>(k)],
                        1e-5 * n_pol * 200.0 * 200.0)
                << t << " " << c << " " << k;
        }
    }
}

TEST(Channelizer, DoesNotDependOnHowItIsAskedNorOnThreads) {
  for (const bool is_coherent : {false, true})
    for (const bool is_complex : {true, false}) {
      auto source = noise(voltage_info(3, 2.0, 2, 20000, is_complex), is_complex);
      source.lose({5000, 5100});
      ChannelizeConfig config = small_filterbank(3 * 10);
      config.sample_time_s = 4 * 10 / 2e6;
      config.products = "iquv";
      config.oversampling = "5/4";
      if (is_coherent) config.coherent_dm_pc_cm3 = {100.0, 300.0};
      Channelizer one(config, source.info(), source.format());
      one.use_threads(1);
      const auto whole = make_all(one, source);
      Channelizer three(config, source.info(), source.format());
      three.use_threads(3);
      expect_part(whole, make_all(three, source), 0);
      const auto n_time = one.info().n_time;
      for (std::int64_t first = 0, n = 1; first < n_time; first += n, n = n * 2 + 1)
        expect_part(whole, make(three, source, first, std::min(n, n_time - first)), first);
    }
}

TEST(Channelizer, GivesItsMemoryBackAndTakesItAgain) {
  auto source = noise(voltage_info(2, 2.0, 2, 8000, true), true);
  ChannelizeConfig config = small_filterbank(2 * 8);
  config.coherent_dm_pc_cm3 = {50.0};
  Channelizer channelizer(config, source.info(), source.format());
  channelizer.use_threads(2);
  const auto bytes = channelizer.footprint_bytes();
  const auto whole = make_all(channelizer, source);
  channelizer.release();
  expect_part(whole, make_all(channelizer, source), 0);
  channelizer.use_threads(4);
  EXPECT_GT(channelizer.footprint_bytes(), bytes);
  expect_part(whole, make_all(channelizer, source), 0);
}

TEST(Channelizer, SeveralDmsInOnePassAreEachByItself) {
  auto source = noise(voltage_info(1, 4.0, 2, 30000, true), true);
  ChannelizeConfig config = small_filterbank(8);
  config.coherent_dm_pc_cm3 = {300.0, 100.0};
  Channelizer both(config, source.info(), source.format());
  both.use_threads(2);
  EXPECT_EQ(both.n_dm(), 2);
  EXPECT_EQ(both.info(1).coherent_dm_pc_cm3, 100.0);
  const auto spectra = make_all(both, source);
  for (int d = 0; d < 2; ++d) {
    config.coherent_dm_pc_cm3 = {d == 0 ? 300.0 : 100.0};
    Channelizer single(config, source.info(), source.format());
    single.use_threads(2);
    const auto alone = make_all(single, source);
    // The larger DM's transforms are the same ones. The smaller DM by itself has a shorter kernel, of whose
    // energy 8e-4 are cut off (kernels/coherent.hpp): up to 2 (8e-4)^1/2 of the power, which is wholly
    // different at another DM.
    const double tolerance = d == 0 ? 0.0 : 0.06 * 2 * 2 * 200.0 * 200.0 / 6.0;
    for (std::int64_t t = 0; t < spectra.power.shape(1); ++t) {
      if (spectra.good(t, 0) == 0) continue;
      ASSERT_EQ(alone.good(t, 0), 1);
      for (int k = 0; k < 8; ++k)
        ASSERT_NEAR(spectra.power(d, t, k), alone.power(0, t, k), tolerance) << d << " " << t;
    }
  }
}

TEST(Channelizer, WhatIsMissingHasNoWeight) {
  // Frames of 16 samples, windows of 64 about them: frame m looks at [16 m - 24, 16 m + 40).
  auto source = noise(voltage_info(2, 1.0, 1, 1600, true), true);
  source.lose({800, 801});
  ChannelizeConfig config = small_filterbank(2 * 16);
  config.sample_time_s = 16e-6;
  Channelizer channelizer(config, source.info(), source.format());
  channelizer.use_threads(2);
  const auto spectra = make_all(channelizer, source);
  for (std::int64_t m = 0; m < 100; ++m) {
    const bool is_whole = 16 * m - 24 >= 0 && 16 * m + 40 <= 1600;
    const bool is_hit = 16 * m - 24 <= 800 && 800 < 16 * m + 40;
    for (int c = 0; c < 2; ++c) EXPECT_EQ(spectra.good(m, c), is_whole && !is_hit ? 1 : 0) << "frame " << m;
  }
  // Four frames a spectrum: it counts where two do, and is the mean of those.
  config.sample_time_s = 64e-6;
  Channelizer coarser(config, source.info(), source.format());
  coarser.use_threads(2);
  const auto means = make_all(coarser, source);
  for (std::int64_t t = 0; t < 25; ++t) {
    int n_good = 0;
    double sum = 0.0;
    for (std::int64_t m = 4 * t; m < 4 * t + 4; ++m)
      if (spectra.good(m, 0) != 0) {
        ++n_good;
        sum += spectra.power(0, m, 5);
      }
    EXPECT_EQ(means.good(t, 0), n_good >= 2 ? 1 : 0) << "spectrum " << t;
    if (n_good == 0) continue;
    EXPECT_NEAR(means.power(0, t, 5), sum / n_good, 1e-5 * sum) << "spectrum " << t;
  }
}

TEST(Channelizer, ATimeWithoutOneCoarseChannelKeepsTheOthers) {
  Array<std::uint8_t, 2> good({5, 2});
  const std::uint8_t rows[5][2] = {{0, 0}, {1, 1}, {1, 1}, {1, 0}, {0, 0}};
  for (int t = 0; t < 5; ++t) std::copy_n(rows[t], 2, &good(t, 0));
  const auto spans = spans_of(good.cview(), 3);
  ASSERT_EQ(spans.size(), 4u);
  EXPECT_TRUE(spans[0].missing && spans[3].missing);
  EXPECT_EQ(spans[1].begin, 1);
  EXPECT_EQ(spans[1].end, 3);
  EXPECT_TRUE(!spans[1].missing && spans[1].weight.empty());
  EXPECT_EQ(spans[2].weight, (std::vector<float>{1, 1, 1, 0, 0, 0}));
}

/// The channel with most power of a tone at `sky_mhz`, in the middle of the scan.
std::int64_t channel_of_tone(double sky_mhz, bool is_complex, bool is_inverted, StreamInfo& info) {
  const auto voltages = voltage_info(2, 8.0, 1, 4096, is_complex);
  const auto tone = [&](int c, int, std::int64_t t) -> std::complex<double> {
    const double low_mhz = voltages.band_low_mhz + c * voltages.coarse_width_mhz;
    if (sky_mhz < low_mhz || sky_mhz >= low_mhz + voltages.coarse_width_mhz) return 0.0;
    const double zero_mhz = is_complex ? low_mhz + 4.0 : is_inverted ? low_mhz + 8.0 : low_mhz;
    const double signal_mhz = is_inverted ? zero_mhz - sky_mhz : sky_mhz - zero_mhz;
    return 1000.0 * std::polar(1.0, 2.0 * std::numbers::pi * signal_mhz * 1e6 * voltages.sample_time_s *
                                        static_cast<double>(t));
  };
  MemoryVoltages source(voltages, is_complex, tone, is_inverted);
  Channelizer channelizer(small_filterbank(2 * 16), source.info(), source.format());
  channelizer.use_threads(1);
  info = channelizer.info();
  const auto spectra = make_all(channelizer, source);
  const float* row = &spectra.power(0, info.n_time / 2, 0);
  return std::max_element(row, row + info.n_chan) - row;
}

TEST(Channelizer, ATonesChannelIsAtItsSkyFrequency) {
  for (const bool is_complex : {true, false})
    for (const bool is_inverted : {false, true})
      for (const double sky_mhz : {1201.1, 1204.0, 1206.6, 1209.4, 1214.9}) {
        StreamInfo info;
        const auto c = channel_of_tone(sky_mhz, is_complex, is_inverted, info);
        EXPECT_LE(std::abs(info.freq_mhz(c) - sky_mhz), 0.5 * info.channel_width_mhz)
            << sky_mhz << (is_complex ? " complex" : " real") << (is_inverted ? ", inverted" : "");
      }
}

TEST(Channelizer, ChannelsComeNearFastsByThemselves) {
  const auto channels = [](int n_coarse, double width_mhz) {
    const auto info = voltage_info(n_coarse, width_mhz, 2, 1000000, true);
    return Channelizer(ChannelizeConfig{}, info, VoltageFormat{}).info().n_chan;
  };
  EXPECT_EQ(channels(1, 500.0), 4096);
  EXPECT_EQ(channels(32, 15.625), 4096);
  EXPECT_EQ(channels(1024, 0.390625), 4096);
  EXPECT_EQ(channels(4, 0.05), 4);  // narrower than that already
}

TEST(Channelizer, RefusesWhatCannotWork) {
  const auto info = voltage_info(4, 4.0, 1, 100000, true);
  const auto with = [&](auto change) {
    ChannelizeConfig config;
    VoltageInfo voltages = info;
    change(config, voltages);
    return [config, voltages] { Channelizer(config, voltages, VoltageFormat{}); };
  };
  EXPECT_THROW(with([](auto& c, auto&) { c.channels = 30; })(), std::invalid_argument);
  EXPECT_THROW(with([](auto& c, auto&) { c.products = "iquv"; })(), std::invalid_argument);
  EXPECT_THROW(with([](auto& c, auto&) {
                 c.coherent_dm_pc_cm3 = {1e5};
                 c.channels = 4;
               })(),
               std::invalid_argument);
  EXPECT_THROW(with([](auto& c, auto&) {
                 c.oversampling = "7/5";
                 c.channels = 32;
               })(),
               std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
