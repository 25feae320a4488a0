// Files of spectra made of voltages: samples, scales, weights and headers, `tianyan channelize` as a user
// runs it, and the other commands on voltages.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>

#include "kernels/requantise.hpp"
#include "pipeline/channelize.hpp"
#include "pipeline/channelized_source.hpp"
#include "pipeline/open_input.hpp"
#include "tests/io/vdif_files.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

/// What a file or a Channelizer has, as values.
struct Spectra {
  StreamInfo info;
  SampleFormat format;
  std::vector<float> value, scale, weight;  ///< [time][column]: weight 0 where missing or flagged
  std::vector<std::uint8_t> raw;            ///< of 8 bits

  std::int64_t n_column() const { return std::int64_t{info.n_pol} * info.n_chan; }
  std::size_t at(std::int64_t t, std::int64_t column = 0) const {
    return static_cast<std::size_t>(t * n_column() + column);
  }
  bool has(std::int64_t t) const {  // any channel
    return std::any_of(&weight[at(t)], &weight[at(t)] + info.n_chan, [](float w) { return w != 0.0F; });
  }
  std::int64_t first_there() const {
    std::int64_t t = 0;
    while (!has(t)) ++t;
    return t;
  }
  std::int64_t end_there() const {
    std::int64_t t = info.n_time;
    while (!has(t - 1)) --t;
    return t;
  }
};

Spectra read_spectra(const std::string& path) {
  const auto source = open_source(path);
  RawBlock block;
  source->read(0, source->info().n_time, block);
  Spectra s{source->info(), source->format(), {}, {}, {}, {}};
  const auto n_column = s.n_column(), n_chan = std::int64_t{s.info.n_chan};
  const auto table = [](const std::vector<float>& values, std::int64_t i, float otherwise) {
    return values.empty() ? otherwise : values[static_cast<std::size_t>(i)];
  };
  for (const CalibrationSpan& span : block.spans)
    for (auto t = span.begin; t < span.end; ++t)
      for (std::int64_t i = 0; i < n_column; ++i) {
        const std::uint8_t* bytes = block.samples.data() + (t * n_column + i) * s.format.n_bits / 8;
        float raw = *bytes;
        if (s.format.is_float) std::memcpy(&raw, bytes, 4);
        s.scale.push_back(table(span.scale, i, 1.0F));
        s.value.push_back(span.scale.empty() ? raw : raw * s.scale.back() + table(span.offset, i, 0.0F));
        s.weight.push_back(span.missing ? 0.0F : table(span.weight, i % n_chan, 1.0F));
        if (!s.format.is_float) s.raw.push_back(*bytes);
      }
  return s;
}

/// All that the stage makes.
Spectra made_of(const std::vector<std::string>& paths, const Config& config, int d = 0) {
  const auto voltages = open_voltages(paths, 0, hints_of(config.voltages));
  Channelizer channelizer(config.channelize, voltages->info(), voltages->format());
  Spectra s{channelizer.info(d), channelizer.format(), {}, {}, {}, {}};
  Array<float, 3> values({channelizer.n_dm(), s.info.n_time, s.n_column()});
  Array<std::uint8_t, 2> good({s.info.n_time, channelizer.n_coarse()});
  channelizer.make(*voltages, 0, values.view(), good.view());
  const auto plane = values.cview()[d];
  s.value.assign(plane.data(), plane.data() + plane.size());
  for (std::int64_t t = 0; t < s.info.n_time; ++t)
    for (std::int64_t i = 0; i < s.n_column(); ++i)
      s.weight.push_back(good(t, i % s.info.n_chan / channelizer.channels_per_coarse()));
  return s;
}

/// 8 MHz in four coarse channels of 2 MHz for 0.04 s: 1.28 MB.
ScanSpec voltage_spec(const std::string& format, const std::vector<int>& beams = {1}) {
  ScanSpec spec;
  spec.source_name = "V";
  spec.format = format;
  spec.beams = beams;
  spec.freq_low_mhz = 1234.0;
  spec.freq_high_mhz = 1242.0;
  spec.duration_s = 0.04;
  spec.start_mjd = 59000.25;
  spec.voltages.n_coarse = 4;
  return spec;
}

/// 32 channels of 0.25 MHz, `n_sum` frames of 4 us to a spectrum.
Config small_channels(int n_sum, int n_bits = 32) {
  Config config;
  config.channelize.channels = 32;
  config.channelize.sample_time_s = 4e-6 * n_sum;
  config.channelize.n_bits = n_bits;
  config.limits.threads = 1;
  return config;
}

class ChannelizeCommandTest : public CommandsTest {
 protected:
  /// What FFTW learns here is shared with the program, and forgotten with the tests.
  static void SetUpTestSuite() {
    const char* before = std::getenv("TIANYAN_CACHE");
    cache_before_ = before ? before : "";
    cache_ = std::make_unique<TempDir>();
    setenv("TIANYAN_CACHE", cache_->path().c_str(), 1);
  }
  static void TearDownTestSuite() {
    if (cache_before_.empty())
      unsetenv("TIANYAN_CACHE");
    else
      setenv("TIANYAN_CACHE", cache_before_.c_str(), 1);
    cache_.reset();
  }

  std::string voltages(const ScanSpec& spec, const std::string& dir = "scan") const {
    return simulate_scan(spec, dir_.file(dir), {1, true, nullptr}).at(0);
  }
  std::string voltages(const std::string& format = "dada") const { return voltages(voltage_spec(format)); }

  /// Two files with 0.01 s between them, of 0.02 s each.
  std::vector<std::string> voltages_with_gap() const {
    auto spec = voltage_spec("dada");
    spec.duration_s = 0.02;
    const auto first = voltages(spec, "a");
    spec.start_mjd += 0.03 / 86400.0;
    return {first, voltages(spec, "b")};
  }

  /// A GUPPI file of one block with the beginning of a second one behind it.
  static void append_half_a_block(const std::string& path) {
    const std::string block = read_text(path);
    const auto n_packet = open_voltages({path}, 0, {})->info().n_time / 64;
    std::string second = block.substr(0, block.size() / 2);
    second.replace(second.find("PKTIDX  ="), 80,
                   fmt::format("{:<80}", fmt::format("PKTIDX  = {:>20}", n_packet)));
    std::ofstream(path, std::ios::binary) << block << second;
  }

  ChannelizeResult make(const std::vector<std::string>& inputs, const std::string& out, const Config& config,
                        double start_s = 0.0, double duration_s = 0.0) const {
    ChannelizeRequest request;
    request.config = config;
    request.input = find_inputs(inputs).beams.at(0);
    request.path = dir_.file(out);
    request.overwrite = true;
    request.start_s = start_s;
    request.duration_s = duration_s;
    return channelize(request);
  }
  Spectra file(const std::vector<std::string>& inputs, const std::string& out, const Config& config) const {
    make(inputs, out, config);
    return read_spectra(dir_.file(out));
  }

  Outcome command(const std::string& input, const std::string& out, const std::string& more = "") const {
    return run("channelize '' '" + input + "' -o '" + dir_.file(out) +
               "' --set channelize.channels=32 --set channelize.sample_time_s=16e-6 --set limits.threads=1 " +
               more);
  }
  std::set<std::string> names_in(const std::string& dir) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir_.file(dir)))
      names.insert(entry.path().filename().string());
    return names;
  }
  /// One line with these parts, and no file.
  void expect_refused(const std::string& input, const std::string& out, const std::string& more,
                      int exit_code, const std::vector<std::string>& parts) const {
    const auto before = names_in("");
    const Outcome o = command(input, out, more);
    EXPECT_EQ(o.exit_code, exit_code) << more << o.err;
    for (const auto& part : parts) EXPECT_PRED2(contains, o.err, part) << more;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_EQ(o.out, "");
    auto after = names_in("");
    if (before.count("stderr.txt") == 0) after.erase("stderr.txt");
    EXPECT_EQ(after, before) << more;
  }

  static std::unique_ptr<TempDir> cache_;
  static std::string cache_before_;
};
std::unique_ptr<TempDir> ChannelizeCommandTest::cache_;
std::string ChannelizeCommandTest::cache_before_;

/// The stream's times and frequencies. PSRFITS stores nothing before the first and after the last spectrum
/// with weight: its start says so, to a nanosecond; the others have a start in double MJDs, to 0.4 us.
void expect_same_stream(const Spectra& file, const Spectra& made, bool is_fits) {
  const auto first = is_fits ? made.first_there() : 0, end = is_fits ? made.end_there() : made.info.n_time;
  EXPECT_EQ(file.info.n_time, end - first);
  EXPECT_EQ(file.info.n_chan, made.info.n_chan);
  EXPECT_EQ(file.info.n_pol, made.info.n_pol);
  EXPECT_NEAR(file.info.freq_low_mhz, made.info.freq_low_mhz, 1e-9);
  EXPECT_NEAR(file.info.ref_freq_mhz(), made.info.ref_freq_mhz(), 1e-9);
  EXPECT_DOUBLE_EQ(file.info.sample_time_s, made.info.sample_time_s);
  EXPECT_NEAR(file.info.start.seconds_since(made.info.start),
              static_cast<double>(first) * made.info.sample_time_s, is_fits ? 1e-9 : 4e-7);
  EXPECT_EQ(file.info.beam, made.info.beam);
  EXPECT_EQ(file.info.source_name, made.info.source_name);
}

/// Values to the bit where they have weight; elsewhere no weight, or zeros in formats without weights.
void expect_same_values(const Spectra& file, const Spectra& made, bool is_fits) {
  const auto first = is_fits ? made.first_there() : 0;
  std::int64_t n_wrong = 0;
  for (std::int64_t t = 0; t < file.info.n_time; ++t)
    for (std::int64_t i = 0; i < file.n_column(); ++i) {
      const auto f = file.at(t, i), m = made.at(first + t, i);
      if (made.weight[m] == 0.0F)
        n_wrong += is_fits ? file.weight[f] != 0.0F : file.value[f] != 0.0F;
      else
        n_wrong += file.weight[f] != 1.0F || file.value[f] != made.value[m];
    }
  EXPECT_EQ(n_wrong, 0);
}

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

/// Two polarisations of two coarse channels of 2 MHz, without the second coarse channel where `lost` says.
std::string vdif_without(int n_slot, const std::function<bool(int slot)>& lost) {
  test::VdifMaker maker;
  maker.threads = {0, 1, 2, 3};
  maker.payload_bytes = 1600;  // 1600 samples
  maker.fps = 1250;
  std::string bytes;
  for (int slot = 0; slot < n_slot; ++slot)
    for (const int thread : maker.threads)
      if (thread < 2 || !lost(slot)) bytes += maker.frame(slot, thread);
  return bytes;
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

TEST_F(ChannelizeCommandTest, TheCommandWritesThoseFilesAndSaysWhat) {
  const auto path = voltages();
  const Outcome o = command(path, "out.fits", "--set channelize.n_bits=32 --threads 1");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_PRED2(contains, o.out, dir_.file("out.fits") + "\n");
  EXPECT_PRED2(contains, o.out, "2500 spectra of 16.0000 us, 32 channels of 0.2500000 MHz, 1 product\n");
  expect_same_values(read_spectra(dir_.file("out.fits")), made_of({path}, small_channels(4)), true);
  auto spec = voltage_spec("dada");
  spec.pulses = {{1.0, 20e-6, 400.0, 0.03, {}}};
  const Outcome clipped = command(voltages(spec), "out.fil", "--set channelize.sample_time_s=4e-6");
  const auto result = make({voltages(spec)}, "same.fil", small_channels(1, 8));
  EXPECT_GT(result.clipped_samples, 0);
  EXPECT_PRED2(contains, clipped.out,
               std::to_string(result.clipped_samples) + " of 320000 samples were beyond 8 bits");
  EXPECT_TRUE(read_text(dir_.file("out.fil")) == read_text(dir_.file("same.fil")));
}

constexpr const char* kReadByAstropy = R"(
import sys, warnings, numpy as np
warnings.simplefilter('error')
from astropy.io import fits
path, values, first, bits = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
want = np.fromfile(values, '<f4').reshape(-1, 4, 32)
with fits.open(path) as f:
    f.verify('exception')
    p, h, t = f[0].header, f['SUBINT'].header, f['SUBINT'].data
    assert h['POL_TYPE'] == 'IQUV' and h['NPOL'] == 4 and h['NCHAN'] == 32 and h['NBITS'] == bits
    assert p['CHAN_DM'] == 30.0 and p['OBS_MODE'] == 'SEARCH' and p['TELESCOP'] == 'FAST' and p['IBEAM'] == 1
    assert h['TBIN'] == 4e-6 and h['CHAN_BW'] == 0.25 and abs(p['OBSBW'] - 8) < 1e-9
    start_s = p['STT_SMJD'] + p['STT_OFFS']
    assert p['STT_IMJD'] == 59000 and abs(start_s - 21600 - first * 4e-6) < 1e-9, start_s
    # Channel k of 8 in a complex coarse channel is k - 4 widths from its centre, 1235 MHz in the first.
    assert np.allclose(t['DAT_FREQ'], 1234 + 0.25 * np.arange(32), rtol=0, atol=1e-9)
    n, got = h['NSBLK'], []
    for row in t:
        v, scale = row['DATA'].reshape(n, 4, 32).astype(float), row['DAT_SCL'].reshape(4, 32).astype(float)
        k = int(round(row['OFFS_SUB'] / h['TBIN'] - n / 2))
        assert (row['DAT_WTS'] == 1).all() and k == len(got)
        v = v * scale + row['DAT_OFFS'].reshape(4, 32)
        m = row['N_VALID']
        off = np.abs(v[:m] - want[first + k:first + k + m]) / scale
        raw = row['DATA'].reshape(n, 4, 32)[:m]
        assert off.max() == 0 if bits == 32 else off[(raw > 0) & (raw < 255)].max() < 0.501, off.max()
        got.extend(v[:m])
    assert len(got) == int(sys.argv[5]) == h['NSTOT'], len(got)
print('good')
)";

TEST_F(ChannelizeCommandTest, AstropyReadsThePsrfitsFiles) {
  if (std::system("/usr/bin/python3 -c 'import astropy.io.fits, numpy' >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "/usr/bin/python3 with astropy is missing";
  const auto path = voltages();
  const auto program = dir_.write("program.py", kReadByAstropy);
  for (const int n_bits : {8, 32}) {
    auto config = small_channels(1, n_bits);
    config.channelize.products = "iquv";
    config.channelize.coherent_dm_pc_cm3 = {30.0};
    const auto made = made_of({path}, config);
    make({path}, "out.fits", config);
    dir_.write("values",
               std::string(reinterpret_cast<const char*>(made.value.data()), 4 * made.value.size()));
    const auto first = made.first_there(), n = made.end_there() - first;
    EXPECT_GT(first, 0);
    const auto arguments =
        fmt::format("{} {} {} {} {}", dir_.file("out.fits"), dir_.file("values"), first, n_bits, n);
    EXPECT_EQ(
        std::system(
            ("/usr/bin/python3 " + program + " " + arguments + " >" + dir_.file("said") + " 2>&1").c_str()),
        0);
    EXPECT_EQ(read_text(dir_.file("said")), "good\n") << n_bits;
  }
}

TEST_F(ChannelizeCommandTest, SeveralDmsAreAFileEach) {
  const auto path = voltages();
  const std::string dms = "--set 'channelize.coherent_dm_pc_cm3=[12.5, 30.0]'";
  fs::create_directories(dir_.file("out"));
  const Outcome o = command(path, "out/x.fits", "--set channelize.n_bits=32 " + dms);
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_EQ(names_in("out"), (std::set<std::string>{"x_DM12.50.fits", "x_DM30.00.fits"}));
  EXPECT_PRED2(contains, o.out, "x_DM12.50.fits\n" + dir_.file("out/x_DM30.00.fits") + "\n2500 spectra");
  auto config = small_channels(4);
  config.channelize.coherent_dm_pc_cm3 = {12.5, 30.0};
  for (int d = 0; d < 2; ++d) {
    const auto spectra = read_spectra(dir_.file(d == 0 ? "out/x_DM12.50.fits" : "out/x_DM30.00.fits"));
    EXPECT_EQ(spectra.info.coherent_dm_pc_cm3, d == 0 ? 12.5 : 30.0);
    expect_same_values(spectra, made_of({path}, config, d), true);
  }
  const Outcome search = run("search '' '" + path + "' -o '" + dir_.file("run") + "' -q " + dms);
  EXPECT_EQ(search.exit_code, 2);
  EXPECT_PRED2(contains, search.err, "channelize.coherent_dm_pc_cm3 has 2 values");
  EXPECT_FALSE(fs::exists(dir_.file("run")));
  // One is there already: neither is made.
  fs::remove(dir_.file("out/x_DM12.50.fits"));
  EXPECT_EQ(command(path, "out/x.fits", dms).exit_code, 1);
  EXPECT_EQ(names_in("out"), std::set<std::string>{"x_DM30.00.fits"});
}

TEST_F(ChannelizeCommandTest, DmsThatWouldBeOneFileAreRefused) {
  const auto path = voltages();
  for (const char* dms : {"[12.5, 12.5]", "[12.501, 12.502]"})
    expect_refused(path, "out.fits", std::string("--set 'channelize.coherent_dm_pc_cm3=") + dms + "'", 2,
                   {"out_DM12.50.fits", "coherent_dm_pc_cm3"});
}

TEST_F(ChannelizeCommandTest, ABeamOfAFileOfManyIsThatBeam) {
  const auto all = voltages(voltage_spec("voltages.h5", {1, 3, 8}), "all");
  const auto alone = voltages(voltage_spec("dada", {3}), "alone");
  const Outcome o = command(all, "three.fits", "--beam 3 --set channelize.n_bits=32");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const auto spectra = read_spectra(dir_.file("three.fits"));
  EXPECT_EQ(spectra.info.beam, 3);
  expect_same_values(spectra, made_of({alone}, small_channels(4)), true);
  expect_refused(all, "x.fits", "", 2, {"beams 1, 3, 8", "--beam"});
  expect_refused(all, "x.fits", "--beam 2", 2, {"beams 1, 3, 8", "not 2"});
  expect_refused(alone, "x.fits", "--beam -3", 2, {"beams 3", "not -3"});
}

TEST_F(ChannelizeCommandTest, WhatCannotWorkIsOneLineAndNoFile) {
  const auto path = voltages();
  const auto set = [](const std::string& text) { return "--set '" + text + "'"; };
  const auto refused = [&](const std::string& more, const std::vector<std::string>& parts) {
    expect_refused(path, "out.fits", more, 2, parts);
  };
  refused(set("channelize.channels=30"), {"channelize.channels = 30", "4 coarse channels"});
  refused(set("channelize.oversampling=\"4/0\""), {"channelize.oversampling", "4/3"});
  refused(set("channelize.oversampling=\"two\""), {"channelize.oversampling", "two"});
  refused(set("channelize.oversampling=\"0.5\""), {"channelize.oversampling", "0.5"});
  refused(set("channelize.oversampling=\"7/5\""), {"7 / 5", "not whole"});  // of 8 channels: no whole hop
  refused(set("channelize.coherent_dm_pc_cm3=[1e5]") + set(" channelize.channels=4").replace(0, 5, " --set"),
          {"DM"});
  refused(set("channelize.coherent_dm_pc_cm3=[-1.0]"), {"channelize.coherent_dm_pc_cm3"});
  refused(set("channelize.n_bits=16"), {"channelize.n_bits = 16", "8", "32"});
  refused(set("limits.memory_bytes=100000"), {"limits.memory_bytes"});
  refused(set("channelize.chanels=32"), {"channelize.channels"});
  refused("--start-s 0.05", {"0.05", "0.04"});
  refused("--start-s -0.01", {"-0.01"});
  refused("--start-s 0.03 --duration-s 0.02", {"0.03", "0.02"});
  for (const char* products : {"iquv", "aabbcrci"})
    expect_refused(path, "out.fil", set(std::string("channelize.products=\"") + products + "\""), 2,
                   {"out.fil", ".fits", "channelize.n_bits = 32"});
  expect_refused(path, "out.dat", "", 2, {"out.dat", ".fits (PSRFITS)"});
  expect_refused(path, "nowhere/out.fits", "", 1, {"nowhere/out.fits"});
  expect_refused(dir_.file("none.dada"), "out.fits", "", 1, {"none.dada"});
  auto spec = voltage_spec("dada");
  spec.voltages.n_pol = 1;
  expect_refused(voltages(spec, "one"), "out.fits", set("channelize.products=\"iquv\""), 2,
                 {"iquv", "two polarisations"});
}

TEST_F(ChannelizeCommandTest, SpectraAndVoltagesAreSentToTheirCommands) {
  expect_refused(scan("fits"), "out.fits", "", 2, {"tianyan convert"});
  const Outcome o = run("convert '" + voltages() + "' -o '" + dir_.file("out.fits") + "'");
  EXPECT_EQ(o.exit_code, 2);
  EXPECT_PRED2(contains, o.err, "tianyan channelize");
  EXPECT_FALSE(fs::exists(dir_.file("out.fits")));
}

TEST_F(ChannelizeCommandTest, AFileThatIsThereStaysUnlessOverwritten) {
  const auto path = voltages();
  for (const char* name : {"there.fits", "there.fil", "there.h5"}) {
    const auto there = dir_.write(name, "precious");
    expect_refused(path, name, "", 1, {name, "exists"});
    EXPECT_EQ(read_text(there), "precious");
    const Outcome failed = command(path, name, "--overwrite --set channelize.channels=30");
    EXPECT_EQ(failed.exit_code, 2);
    EXPECT_EQ(read_text(there), "precious");
    EXPECT_EQ(command(path, name, "--overwrite").exit_code, 0);
    EXPECT_EQ(read_spectra(there).info.n_chan, 32);
  }
}

TEST_F(ChannelizeCommandTest, AFrequencyThatNoHeaderHasIsAskedFor) {
  const auto path = dir_.write("scan.vdif", vdif_without(5, [](int) { return false; }));
  const std::string rate = "--set voltages.sample_rate_hz=2e6 ";
  expect_refused(path, "out.fits", rate, 2, {"voltages.band_low_mhz"});
  const Outcome info = run("info '" + path + "' " + rate);
  EXPECT_EQ(info.exit_code, 0) << info.err;
  EXPECT_PRED2(contains, info.out, "voltages.band_low_mhz");
  ASSERT_EQ(command(path, "out.fits", rate + "--set voltages.band_low_mhz=1400").exit_code, 0);
  EXPECT_NEAR(open_source(dir_.file("out.fits"))->info().freq_low_mhz, 1400.0, 1e-9);
}

TEST_F(ChannelizeCommandTest, VoltagesCutShortAreMadeWithExitCode3) {
  const auto whole = voltages("raw"), path = dir_.file("cut-M01.raw");
  fs::copy_file(whole, path);
  append_half_a_block(path);
  const Outcome o = command(path, "out.fits", "--set channelize.n_bits=32");
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_PRED2(contains, o.err, "cut short");
  const auto info = run("info '" + path + "'");
  EXPECT_EQ(info.exit_code, 3);
  EXPECT_PRED2(contains, info.out, "cut short");
  expect_same_values(read_spectra(dir_.file("out.fits")), made_of({whole}, small_channels(4)), true);
}

TEST_F(ChannelizeCommandTest, ASignalLeavesNoFile) {
  auto spec = voltage_spec("dada");
  spec.duration_s = 0.4;
  const auto path = voltages(spec);
  fs::create_directories(dir_.file("out"));
  for (const char* name : {"x.fits", "x.fil", "x.h5"}) {
    // Temporary names are there from before the first stretch of 4096 spectra until after the last.
    const Outcome o =
        run("channelize '' '" + path + "' -o '" + dir_.file("out/") + name +
                "' --threads 1 --set channelize.channels=32 --set channelize.sample_time_s=4e-6 "
                "--set 'channelize.coherent_dm_pc_cm3=[1.0, 2.0]'",
            "(while [ -z \"$(ls -A '" + dir_.file("out") +
                "')\" ]; do sleep 0.002; done; kill -TERM $$) & exec ");
    EXPECT_EQ(o.exit_code, 75) << name << o.err;
    EXPECT_PRED2(contains, o.err, "nothing was kept");
    EXPECT_TRUE(names_in("out").empty()) << *names_in("out").begin();
  }
}

TEST_F(ChannelizeCommandTest, AFullDiskLeavesNoFile) {
  const auto path = voltages();
  fs::create_directories(dir_.file("out"));
  for (const char* name : {"x.fits", "x.fil", "x.h5"}) {
    const Outcome o = run("channelize '' '" + path + "' -o '" + dir_.file("out/") + name + "'",
                          "trap '' XFSZ; ulimit -f 8; ");
    EXPECT_EQ(o.exit_code, 1) << name << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_TRUE(names_in("out").empty()) << *names_in("out").begin();
  }
}

TEST_F(ChannelizeCommandTest, InfoShowsVoltages) {
  const auto path = voltages(voltage_spec("voltages.h5", {2, 5}));
  const Outcome text = run("info '" + path + "'");
  ASSERT_EQ(text.exit_code, 0) << text.err;
  for (const char* part :
       {"beam 2", "beam 5", "HDF5 voltages", "80000 voltages", "1234.000000 to 1242.000000 MHz",
        "4 coarse channels of 2.0000000 MHz", "8 bits, complex, 2 polarisations", "MJD 59000.25", "none"})
    EXPECT_PRED2(contains, text.out, part);
  const json beams = json::parse(run("info --json '" + path + "'").out)["beams"];
  ASSERT_EQ(beams.size(), 2U);
  const json& b = beams[1];
  EXPECT_EQ(b["beam"], 5);
  EXPECT_EQ(b["is_voltage"], true);
  EXPECT_EQ(b["is_complex"], true);
  EXPECT_EQ(b["is_inverted"], false);
  EXPECT_EQ(b["n_coarse"], 4);
  EXPECT_EQ(b["n_pol"], 2);
  EXPECT_EQ(b["n_bits"], 8);
  EXPECT_EQ(b["n_time"], 80000);
  EXPECT_EQ(b["band_low_mhz"], 1234.0);
  EXPECT_EQ(b["band_high_mhz"], 1242.0);
  EXPECT_EQ(b["coarse_width_mhz"], 2.0);
  EXPECT_EQ(b["files"].size(), 1U);
  EXPECT_EQ(json::parse(run("info --json '" + scan("fil") + "'").out)["beams"][0]["is_voltage"], false);
}

TEST_F(ChannelizeCommandTest, PlanCountsSmearingFromTheCoherentDm) {
  const auto path = voltages();
  const auto smearing = [&](const std::string& more) {
    const Outcome o =
        run("plan '' '" + path +
            "' --json --set channelize.channels=32 --set channelize.sample_time_s=64e-6 --set "
            "search.dm_min_pc_cm3=190 --set search.dm_max_pc_cm3=210 --set search.width_min_s=2e-4 " +
            more);
    EXPECT_EQ(o.exit_code, 0) << o.err;
    double largest = 0.0;
    const json plans = json::parse(o.out);
    for (const auto& pass : plans.at(0).at("passes"))
      largest = std::max(largest, pass["loss"]["smearing"].get<double>());
    return largest;
  };
  // At 1238 MHz 0.25 MHz are 8.3 us x 0.25 x 200 / 1.9 = 0.22 ms, of variance 0.22^2 / 12 against (0.2
  // / 2.355)^2: 1 - (1 + 0.56)^-1/4 = 0.1.
  const double without = smearing(""), with = smearing("--set 'channelize.coherent_dm_pc_cm3=[200.0]'");
  EXPECT_NEAR(without, 0.1, 0.03);
  EXPECT_LT(with, 1e-3);
  EXPECT_NEAR(smearing("--set 'channelize.coherent_dm_pc_cm3=[400.0]'"), without, 0.02);
}

class SearchVoltagesTest : public ChannelizeCommandTest {
 protected:
  /// 0.2 s, 6.4 MB, with a pulse.
  static ScanSpec pulse_spec(const std::string& format) {
    auto spec = voltage_spec(format);
    spec.duration_s = 0.2;
    spec.pulses = {{600.0, 5e-4, 30.0, 0.08, {}}};
    return spec;
  }
  static std::string how(int taps, int n_bits = 32) {
    return fmt::format(
        " --threads 1 --set channelize.channels=64 --set channelize.sample_time_s=64e-6 --set "
        "channelize.taps={} "
        "--set 'channelize.coherent_dm_pc_cm3=[{}]' --set channelize.n_bits={} ",
        taps, taps == 1 ? "" : "600.0", n_bits);
  }
  Outcome search(const std::string& input, const std::string& out, const std::string& more) const {
    return run(
        "search '' " + input + " -o '" + dir_.file(out) +
        "' -q --set output.plots=false --set search.dm_min_pc_cm3=500 --set search.dm_max_pc_cm3=700 --set "
        "search.width_min_s=3e-4 " +
        more);
  }
  std::string rows(const std::string& out) const { return rows_of(dir_.file(out + "/candidates.ecsv")); }
  json report(const std::string& out) const {
    return json::parse(read_text(dir_.file(out + "/report.json")))["beams"][0];
  }
};

// A plain Fourier transform has no window that reaches beyond the ends of the scan, so that both streams
// begin with the same spectrum.
TEST_F(SearchVoltagesTest, GivesTheRowsOfTheSpectraMadeOfThem) {
  const auto path = voltages(pulse_spec("raw"));
  ASSERT_EQ(run("channelize '' '" + path + "' -o '" + dir_.file("s-M01.fits") + "'" + how(1)).exit_code, 0);
  for (const auto& [input, out] :
       {std::pair{path, "voltages"}, std::pair{dir_.file("s-M01.fits"), "spectra"}}) {
    const Outcome o = search("'" + input + "'", out, how(1));
    ASSERT_EQ(o.exit_code, 0) << o.err;
  }
  EXPECT_EQ(rows("voltages"), rows("spectra"));
  EXPECT_EQ(detections_of(dir_.file("voltages")).size(), 1U);
  EXPECT_EQ(report("voltages")["format"], "GUPPI");
  EXPECT_EQ(search("'" + path + "'", "voltages", how(1) + "--resume").exit_code, 0);
  EXPECT_EQ(report("voltages")["threads"], 0) << "from the ledger";
  EXPECT_EQ(rows("voltages"), rows("spectra"));
  fs::remove_all(dir_.file("voltages/ledger"));
  EXPECT_EQ(search("'" + path + "'", "voltages", how(1) + "--resume").exit_code, 0);
  EXPECT_NE(report("voltages")["threads"], 0);
  EXPECT_EQ(rows("voltages"), rows("spectra"));
}

// PSRFITS begins at the first spectrum with weight: statistics are of other stretches, S/N differs by some
// per cent.
TEST_F(SearchVoltagesTest, FindsTheSamePulseWhereFilesBeginLater) {
  const auto path = voltages(pulse_spec("dada"));
  ASSERT_EQ(run("channelize '' '" + path + "' -o '" + dir_.file("s-M01.fits") + "'" + how(4, 8)).exit_code,
            0);
  ASSERT_EQ(search("'" + path + "'", "voltages", how(4)).exit_code, 0);
  ASSERT_EQ(search("'" + dir_.file("s-M01.fits") + "'", "spectra", how(4)).exit_code, 0);
  const auto a = detections_of(dir_.file("voltages")), b = detections_of(dir_.file("spectra"));
  ASSERT_EQ(a.size(), 1U);
  ASSERT_EQ(b.size(), 1U);
  EXPECT_NEAR(a[0].snr, b[0].snr, 0.05 * b[0].snr);
  EXPECT_NEAR(a[0].mjd, b[0].mjd, 3 * 64e-6 / 86400.0);
  EXPECT_NEAR(a[0].dm_pc_cm3, b[0].dm_pc_cm3, b[0].dm_err_pc_cm3);
}

TEST_F(SearchVoltagesTest, ReportNamesWhatIsMissingInSpectra) {
  auto spec = pulse_spec("raw");
  spec.duration_s = 0.1;
  const auto first = voltages(spec, "a");
  spec.start_mjd += 0.12 / 86400.0;
  spec.pulses.clear();
  const auto second = voltages(spec, "b");
  append_half_a_block(second);
  const Outcome o = search("'" + first + "' '" + second + "'", "run", how(4));
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_PRED2(contains, o.err, "cut short");
  const auto losses = report("run")["losses"];
  EXPECT_EQ(losses["cut_short"], true);
  EXPECT_EQ(losses["n_gaps"], 1);
  EXPECT_NEAR(losses["gap_samples"].get<double>(), 0.02 / 64e-6, 1.0);  // spectra, rounded up
  EXPECT_GT(losses["lost_bytes"].get<std::int64_t>(), 0);
  EXPECT_EQ(losses["notes"].size(), 2U);
  EXPECT_GE(report("run")["flags"]["recorded_samples"].get<std::int64_t>(), 312 * 64);
  const auto files = report("run")["files"];
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0]["n_time"], 1562);
  EXPECT_NEAR(files[1]["first_sample"].get<double>(), 1875.0, 1.0);
}

TEST_F(ChannelizeCommandTest, ADirectoryMayHoldVoltagesOfManyBeamsAndOtherFiles) {
  auto spec = voltage_spec("voltages.h5", {1, 3});
  voltages(spec, "mixed");
  voltages(voltage_spec("raw", {5}), "mixed");
  ScanSpec spectra;
  spectra.n_chan = 32;
  spectra.duration_s = 0.1;
  spectra.beams = {7};
  simulate_scan(spectra, dir_.file("mixed"), {1, true, nullptr});
  dir_.write("mixed/notes.txt", "not a scan");
  const Outcome o = run("info --json '" + dir_.file("mixed") + "'");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const json found = json::parse(o.out);
  std::vector<std::pair<int, bool>> beams;
  for (const auto& b : found["beams"]) beams.emplace_back(b["beam"], b["is_voltage"]);
  EXPECT_EQ(beams, (std::vector<std::pair<int, bool>>{{1, true}, {3, true}, {5, true}, {7, false}}));
  EXPECT_EQ(found["skipped"].size(), 2U);  // truth.json and the notes
  EXPECT_EQ(command(dir_.file("mixed"), "five.fits", "--beam 5").exit_code, 0);
  EXPECT_EQ(read_spectra(dir_.file("five.fits")).info.beam, 5);
  const Outcome seven = command(dir_.file("mixed"), "seven.fits", "--beam 7");
  EXPECT_EQ(seven.exit_code, 2);
  EXPECT_PRED2(contains, seven.err, "tianyan convert");
  fs::copy_file(dir_.file("five.fits"), dir_.file("mixed/again-M05.fits"));
  for (const char* arguments : {"info ", "channelize '' ", "search '' "}) {
    const bool is_info = std::string(arguments) == "info ";
    const Outcome both = run(arguments + ("'" + dir_.file("mixed") + "'") +
                             (is_info ? "" : " -o '" + dir_.file("both.fits") + "'"));
    EXPECT_EQ(both.exit_code, 2) << arguments << both.err;
    EXPECT_PRED2(contains, both.err, "again-M05.fits");
    EXPECT_PRED2(contains, both.err, "voltages and spectra");
  }
  EXPECT_FALSE(fs::exists(dir_.file("both.fits")));
}

}  // namespace
}  // namespace tianyan
