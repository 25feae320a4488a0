// What the tests of files of spectra made of voltages share: small recordings, values of files, a fixture.
#pragma once
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

inline Spectra read_spectra(const std::string& path) {
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
inline Spectra made_of(const std::vector<std::string>& paths, const Config& config, int d = 0) {
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
inline ScanSpec voltage_spec(const std::string& format, const std::vector<int>& beams = {1}) {
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
inline Config small_channels(int n_sum, int n_bits = 32) {
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
inline std::unique_ptr<TempDir> ChannelizeCommandTest::cache_;
inline std::string ChannelizeCommandTest::cache_before_;

/// The stream's times and frequencies. PSRFITS stores nothing before the first and after the last spectrum
/// with weight: its start says so, to a nanosecond; the others have a start in double MJDs, to 0.4 us.
inline void expect_same_stream(const Spectra& file, const Spectra& made, bool is_fits) {
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
inline void expect_same_values(const Spectra& file, const Spectra& made, bool is_fits) {
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
/// Two polarisations of two coarse channels of 2 MHz, without the second coarse channel where `lost` says.
inline std::string vdif_without(int n_slot, const std::function<bool(int slot)>& lost) {
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

}  // namespace tianyan
