// Files of spectra made of voltages: samples, scales, weights.
#include "tests/pipeline/channelize_test.hpp"

namespace tianyan {
namespace {

TEST_F(ChannelizeCommandTest, FilesOf32BitsHoldWhatTheStageMakesInEveryFormat) {
  for (const char* format : {"raw", "dada", "voltages.h5"})
    for (const char* extension : {"fits", "fil", "h5"}) {
      SCOPED_TRACE(std::string(format) + " to " + extension);
      const auto path = voltages(format);
      const bool is_fits = std::string(extension) == "fits";
      const auto made = made_of({path}, small_channels(4));
      ASSERT_EQ(made.info.n_time, 2500);
      const auto spectra = file({path}, std::string("out.") + extension, small_channels(4));
      EXPECT_EQ(spectra.format.n_bits, 32);
      expect_same_stream(spectra, made, is_fits);
      expect_same_values(spectra, made, is_fits);
    }
}

TEST_F(ChannelizeCommandTest, FourProductsKeepTheirKindInPsrfits) {
  const auto path = voltages();
  for (const auto& [products, kind] :
       {std::pair{"iquv", PolKind::kStokes}, std::pair{"aabbcrci", PolKind::kCoherence}})
    for (const char* out : {"out.fits", "out.h5", "out.fil"}) {
      SCOPED_TRACE(std::string(products) + " to " + out);
      auto config = small_channels(8);
      config.channelize.products = products;
      const auto made = made_of({path}, config), spectra = file({path}, out, config);
      const bool is_fits = std::string(out) == "out.fits";
      EXPECT_EQ(spectra.info.n_pol, 4);
      if (is_fits) {
        EXPECT_EQ(spectra.format.pol_kind, kind);
      }
      expect_same_values(spectra, made, is_fits);
    }
}

// value = raw scale + offset to half a step, for floats to 1e-3 of a step: levels up to 256, and means of up
// to some tens of sigma, are rounded to 2^-24 of themselves.
TEST_F(ChannelizeCommandTest, EightBitsAreWithinHalfAStepWhereNothingIsClipped) {
  auto spec = voltage_spec("dada");
  spec.pulses = {{1.0, 20e-6, 400.0, 0.03, {}}};  // far beyond 8 bits
  const auto path = voltages(spec);
  for (const char* products : {"intensity", "iquv", "aabbcrci"}) {
    SCOPED_TRACE(products);
    auto config = small_channels(1, 8);
    config.channelize.products = products;
    const auto made = made_of({path}, config);
    const auto result = make({path}, "out.fits", config);
    const auto spectra = read_spectra(dir_.file("out.fits"));
    ASSERT_EQ(spectra.format.n_bits, 8);
    const auto first = made.first_there();
    std::int64_t n_clipped = 0, n_far = 0, n_wrong_sign = 0, n_negative = 0;
    for (std::int64_t t = 0; t < spectra.info.n_time; ++t)
      for (std::int64_t i = 0; i < spectra.n_column(); ++i) {
        const auto f = spectra.at(t, i);
        const double v = made.value[made.at(first + t, i)], step = spectra.scale[f];
        const double off = std::abs(v - spectra.value[f]) / step;
        const bool is_clipped = off > 0.501 && (spectra.raw[f] == 0 || spectra.raw[f] == 255);
        n_clipped += is_clipped;
        n_far += !is_clipped && off > 0.501;
        n_negative += v < 0.0;
        n_wrong_sign += std::abs(v) > 0.501 * step && v * spectra.value[f] < 0.0;
      }
    EXPECT_EQ(n_far, 0);
    EXPECT_EQ(n_wrong_sign, 0);
    const double n = static_cast<double>(spectra.value.size());
    EXPECT_NEAR(static_cast<double>(n_negative) / n,  // half of Q, U, V; of CR, CI
                std::string(products) == "intensity" ? 0.0
                : std::string(products) == "iquv"    ? 0.375
                                                     : 0.25,
                0.01);
    EXPECT_GT(n_clipped, 0);
    EXPECT_EQ(result.clipped_samples, n_clipped);
    EXPECT_EQ(result.samples, std::int64_t{10000} * spectra.info.n_pol * 32);
    std::set<float> scales;  // of one channel, at stretches [0, 4096), [4096, 8192), [8192, 10000)
    for (std::int64_t t = 0; t < spectra.info.n_time; ++t) {
      scales.insert(spectra.scale[spectra.at(t, 5)]);
      if (first + t == 4095 || first + t == 8191) {
        EXPECT_NE(spectra.scale[spectra.at(t, 5)], spectra.scale[spectra.at(t + 1, 5)]);
      }
    }
    EXPECT_EQ(scales.size(), 3U);
  }
}

// 64 frames to a spectrum: the mean power is (2 x 64)^1/2 = 11 sigma from zero, which then is no level of 8
// bits.
TEST_F(ChannelizeCommandTest, WhatIsMissingHasNoWeightAndIsNotClipped) {
  const auto paths = voltages_with_gap();
  const auto config = small_channels(64, 8);
  const auto made = made_of(paths, config);
  const auto first = made.first_there(), end = made.end_there();
  std::int64_t n_missing = 0;
  for (std::int64_t t = 0; t < made.info.n_time; ++t) n_missing += !made.has(t);
  ASSERT_NEAR(static_cast<double>(n_missing), 0.01 / 256e-6, 3.0);
  for (const char* out : {"out.fits", "out.fil", "out.h5"}) {
    SCOPED_TRACE(out);
    const bool is_fits = std::string(out) == "out.fits";
    const auto result = make(paths, out, config);
    EXPECT_EQ(result.missing_spectra, n_missing);
    EXPECT_EQ(result.clipped_samples, 0);  // 6 sigma below the mean of 128 degrees of freedom: 2e-12
    EXPECT_EQ(result.losses.n_gaps, 1);
    const auto spectra = read_spectra(dir_.file(out));
    expect_same_stream(spectra, made, is_fits);
    ASSERT_EQ(spectra.info.n_time, is_fits ? end - first : made.info.n_time);
    for (std::int64_t t = 0; t < spectra.info.n_time; ++t) {
      const bool has = made.has(t + (is_fits ? first : 0));
      if (is_fits) {
        EXPECT_EQ(spectra.has(t), has) << t;
        continue;
      }
      const auto* row = &spectra.raw[spectra.at(t)];
      EXPECT_EQ(std::all_of(row, row + 32, [](int level) { return level == 0; }), !has) << t;
    }
  }
}

/// Levels of whole columns by the formula of kernels/requantise.hpp, over spectra [0, n) with weight.
RequantTable levels_of(const Spectra& made, std::int64_t n) {
  RequantTable table;
  for (std::int64_t i = 0; i < made.n_column(); ++i) {
    double count = 0.0, sum = 0.0, squares = 0.0;
    for (std::int64_t t = 0; t < n; ++t) {
      if (made.weight[made.at(t, i)] == 0.0F) continue;
      const double v = made.value[made.at(t, i)];
      count += 1.0;
      sum += v;
      squares += v * v;
    }
    const double mean = sum / count, step = std::sqrt(squares / count - mean * mean) / 16.0;
    table.scale.push_back(static_cast<float>(step));
    table.offset.push_back(static_cast<float>(mean - 96.0 * step));
  }
  return table;
}

/// How many levels are not those of the table; 1e-3 of them may be off by one, where a rounding went the
/// other way.
void expect_levels(const Spectra& file, const Spectra& made, const RequantTable& table) {
  std::int64_t n_off = 0, n_wrong = 0;
  for (std::int64_t t = 0; t < file.info.n_time; ++t)
    for (std::int64_t i = 0; i < file.n_column(); ++i) {
      const auto c = static_cast<std::size_t>(i);
      const double level = (made.value[made.at(t, i)] - table.offset[c]) / table.scale[c];
      const int expected = made.weight[made.at(t, i)] == 0.0F
                               ? 0
                               : static_cast<int>(std::clamp(std::nearbyint(level), 0.0, 255.0));
      const int off = std::abs(file.raw[file.at(t, i)] - expected);
      n_off += off == 1;
      n_wrong += off > 1;
    }
  EXPECT_EQ(n_wrong, 0);
  EXPECT_LE(static_cast<double>(n_off), 1e-3 * static_cast<double>(file.value.size()));
}

TEST_F(ChannelizeCommandTest, AFormatWithoutScalesKeepsThoseOfTheFirstStretch) {
  const auto path = voltages();
  const auto config = small_channels(1, 8);
  const auto made = made_of({path}, config);
  const auto table = levels_of(made, kScaleSpectra);
  for (const char* out : {"out.fil", "out.h5"}) expect_levels(file({path}, out, config), made, table);
}

Config vdif_channels(int n_sum, int n_bits) {
  Config config = small_channels(n_sum, n_bits);
  config.channelize.channels = 16;
  config.voltages.band_low_mhz = 1234.0;
  config.voltages.sample_rate_hz = 2e6;
  return config;
}

// A third of the second coarse channel is lost, time by time, and the levels of its channels must not know.
TEST_F(ChannelizeCommandTest, LostCoarseChannelsDoNotTouchTheLevelsOfWhatIsThere) {
  const auto path = dir_.write("x-M01.vdif", vdif_without(60, [](int slot) { return slot % 3 == 1; }));
  const auto config = vdif_channels(64, 8);
  const auto made = made_of({path}, config);
  const auto table = levels_of(made, made.info.n_time);
  const auto result = make({path}, "out.fil", config);
  EXPECT_EQ(result.clipped_samples, 0);
  expect_levels(read_spectra(dir_.file("out.fil")), made, table);
  const auto fits = file({path}, "out.fits", config);
  const auto first = made.first_there();
  for (std::int64_t t = 0; t < fits.info.n_time; ++t)
    for (std::int64_t i = 0; i < 16; ++i) {
      ASSERT_EQ(fits.weight[fits.at(t, i)], made.weight[made.at(first + t, i)]) << t << " " << i;
      if (fits.weight[fits.at(t, i)] == 0.0F) continue;
      ASSERT_NEAR(fits.value[fits.at(t, i)], made.value[made.at(first + t, i)],
                  0.501 * fits.scale[fits.at(t, i)]);
    }
  EXPECT_NEAR(fits.scale[fits.at(0, 12)], table.scale[12], 1e-5 * table.scale[12]);
}

TEST_F(ChannelizeCommandTest, ACoarseChannelThatComesLateHasItsOwnLevelsInAFormatWithoutScales) {
  // The second coarse channel begins at 0.024 s, after the first stretch of 4096 spectra of 4 us.
  const auto path =
      dir_.write("x-M01.vdif", vdif_without(50, [](int slot) { return slot > 0 && slot < 30; }));
  auto config = vdif_channels(1, 8);
  const auto made = made_of({path}, config);
  const auto result = make({path}, "out.fil", config);
  const auto spectra = read_spectra(dir_.file("out.fil"));
  EXPECT_LT(static_cast<double>(result.clipped_samples), 1e-4 * static_cast<double>(spectra.value.size()));
}

TEST_F(ChannelizeCommandTest, DoesNotDependOnThreads) {
  const auto path = voltages("raw");
  for (const char* extension : {"fits", "fil"})
    for (const char* dms : {"[]", "[30.0]"}) {
      std::vector<std::string> bytes;
      for (const char* threads : {"1", "2"}) {
        const std::string out = std::string("t") + threads + "." + extension;
        const Outcome o = command(path, out,
                                  std::string("--overwrite --threads ") + threads +
                                      " --set 'channelize.coherent_dm_pc_cm3=" + dms + "'");
        ASSERT_EQ(o.exit_code, 0) << o.err;
        bytes.push_back(read_text(dir_.file(out)));
        if (const auto date = bytes.back().find("DATE    ="); date != std::string::npos)
          bytes.back().replace(date, 80, 80, ' ');
      }
      EXPECT_TRUE(bytes[0] == bytes[1]) << extension << dms;
    }
}

TEST_F(ChannelizeCommandTest, APartHoldsTheValuesOfTheWhole) {
  const auto path = voltages();
  auto config = small_channels(4);
  for (const bool is_coherent : {false, true}) {
    if (is_coherent) config.channelize.coherent_dm_pc_cm3 = {30.0};
    const auto made = made_of({path}, config);
    make({path}, "part.fil", config, 0.01, 0.015);
    const auto part = read_spectra(dir_.file("part.fil"));
    ASSERT_EQ(part.info.n_time, 938);  // 0.015 s are 937.5 spectra, halves away from zero
    EXPECT_NEAR(part.info.start.seconds_since(made.info.start), 625 * 16e-6, 4e-7);
    EXPECT_TRUE(std::equal(part.value.begin(), part.value.end(), &made.value[made.at(625)]));
  }
}

}  // namespace
}  // namespace tianyan
