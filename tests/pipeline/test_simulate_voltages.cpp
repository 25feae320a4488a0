// Simulated voltages: noise, pulses and truth.json are what was asked for, whatever the threads and pieces.
#include "pipeline/simulate_voltages.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numbers>

#include "io/atomic_file.hpp"
#include "io/voltage_sink.hpp"
#include "kernels/voltage_pulse.hpp"
#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {
namespace {

using nlohmann::json;
using Samples = std::vector<std::int16_t>;

/// Writes [beam][coarse][pol][time * component] as int16, whatever the pieces were, behind nothing at all.
class PlainSink : public VoltageSink {
 public:
  PlainSink(const std::string& path, const VoltageInfo& info, std::size_t n_beam, const VoltageFormat& format)
      : file_(path), n_time_(info.n_time), n_component_(format.n_component()) {
    streams_.assign(n_beam * info.n_coarse * info.n_pol, {});
    n_stream_ = info.n_coarse * info.n_pol;
    n_pol_ = info.n_pol;
    highest_ = (1 << (format.n_bits - 1)) - 1;
  }
  void write(int b, View<const std::int16_t, 3> v) override {
    for (std::int64_t c = 0; c < v.shape(0); ++c)
      for (std::int64_t p = 0; p < v.shape(1); ++p) {
        Samples& stream = streams_[b * n_stream_ + c * n_pol_ + p];
        require(std::ssize(stream) % (64 * n_component_) == 0, "a piece that is not the last is no 64s");
        const std::int16_t *first = &v(c, p, 0), *last = first + v.shape(2);
        const auto [low, high] = std::minmax_element(first, last);
        require(*low >= -highest_ - 1 && *high <= highest_, "{} to {} is out of range", *low, *high);
        stream.insert(stream.end(), first, last);
      }
  }
  void finish() override {
    std::ofstream out(file_.temporary_path(), std::ios::binary);
    for (const Samples& stream : streams_) {
      require(std::ssize(stream) == n_time_ * n_component_, "{} values written", stream.size());
      out.write(reinterpret_cast<const char*>(stream.data()), 2 * std::ssize(stream));
    }
    out.close();
    file_.commit();
  }

 private:
  AtomicFile file_;
  std::vector<Samples> streams_;
  std::int64_t n_time_;
  int n_component_, n_stream_ = 0, n_pol_ = 0, highest_ = 0;
};

std::unique_ptr<VoltageSink> create_plain(const std::string& path, const VoltageInfo& info,
                                          const std::vector<int>& beams, const VoltageFormat& format) {
  return std::make_unique<PlainSink>(path, info, beams.size(), format);
}

const bool kRegistered = register_voltage_sink({"plain", ".plain", false, create_plain}) &&
                         register_voltage_sink({"plain beams", ".plains", true, create_plain});

/// 4 coarse channels of 1 MHz for 40000 samples: 9 blocks and a part.
ScanSpec small_scan(bool is_complex = true) {
  ScanSpec spec;
  spec.source_name = "TEST";
  spec.format = "plain";
  spec.freq_low_mhz = 1250.0;
  spec.freq_high_mhz = 1254.0;
  spec.duration_s = 0.04;
  spec.voltages.n_coarse = 4;
  spec.voltages.is_complex = is_complex;
  return spec;
}

/// Streams [coarse][pol] of the values of a file of one beam.
std::vector<Samples> read_streams(const std::string& path, const ScanSpec& spec) {
  const std::string bytes = read_text(path);
  const auto n_stream = static_cast<std::size_t>(spec.voltages.n_coarse * spec.voltages.n_pol);
  const std::size_t n = bytes.size() / 2 / n_stream;
  std::vector<Samples> streams(n_stream, Samples(n));
  for (std::size_t s = 0; s < n_stream; ++s) std::memcpy(streams[s].data(), bytes.data() + 2 * n * s, 2 * n);
  return streams;
}

std::vector<Samples> simulated(const ScanSpec& spec, const SimulateOptions& options = {}) {
  const TempDir dir;
  return read_streams(simulate_scan(spec, dir.path(), options).at(0), spec);
}

json truth_of(const ScanSpec& spec) {
  const TempDir dir;
  simulate_scan(spec, dir.path());
  return json::parse(read_text(dir.file("truth.json")));
}

TEST(SimulateVoltages, TheBandSaysHowTheyAreSampled) {
  ScanSpec spec = small_scan();
  spec.start_mjd = 59123.25;
  const VoltageInfo info = voltage_scan_info(spec, 7);
  EXPECT_EQ(info.n_coarse, 4);
  EXPECT_EQ(info.n_pol, 2);
  EXPECT_EQ(info.band_low_mhz, 1250.0);
  EXPECT_EQ(info.coarse_width_mhz, 1.0);
  EXPECT_DOUBLE_EQ(info.sample_time_s, 1e-6);
  EXPECT_EQ(info.n_time, 40000);
  EXPECT_EQ(info.start.day, 59123);
  EXPECT_NEAR(info.start.second, 21600.0, 1e-5);
  EXPECT_EQ(info.source_name, "TEST");
  EXPECT_EQ(info.beam, 7);
  EXPECT_EQ(scan_length(spec), 40000);
  spec.voltages.is_complex = false;
  EXPECT_DOUBLE_EQ(voltage_scan_info(spec, 7).sample_time_s, 0.5e-6);
  EXPECT_EQ(scan_length(spec), 80000);
  EXPECT_EQ(voltage_scan_format(spec), (VoltageFormat{.n_bits = 8, .is_complex = false}));
}

TEST(SimulateVoltages, FilesAreOneABeamOrOneForAll) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.beams = {3, 12};
  spec.pulses = {{50.0, 500e-6, 40.0, 0.01, {12}}};
  const auto apart = simulate_scan(spec, dir.path());
  EXPECT_EQ(apart, (std::vector<std::string>{dir.file("TEST_tracking-M03_0001.plain"),
                                             dir.file("TEST_tracking-M12_0001.plain")}));
  spec.format = "plains";
  const auto together = simulate_scan(spec, dir.path());
  EXPECT_EQ(together, std::vector<std::string>{dir.file("TEST_voltages.plains")});
  EXPECT_TRUE(read_text(together[0]) == read_text(apart[0]) + read_text(apart[1]));
  const json truth = json::parse(read_text(dir.file("truth.json")));
  EXPECT_EQ(truth["beams"][1]["beam"], 12);
  EXPECT_EQ(truth["beams"][1]["file"], "TEST_voltages.plains");
  EXPECT_EQ(truth["beams"][0]["pulses"].size(), 0u);
  EXPECT_EQ(truth["beams"][1]["pulses"].size(), 1u);
}

TEST(SimulateVoltages, ThreadsDoNotChangeASample) {
  for (const bool is_complex : {true, false}) {
    ScanSpec spec = small_scan(is_complex);
    spec.voltages.n_coarse = 2;
    spec.pulses = {{50.0, 500e-6, 40.0, 0.01, {}}};
    EXPECT_TRUE(simulated(spec, {.threads = 1}) == simulated(spec, {.threads = 3}));
    spec.pulses.clear();
    const auto noise = simulated(spec);
    spec.seed = 2;
    EXPECT_FALSE(simulated(spec) == noise);
  }
}

// Two polarisations of complex samples come in pieces of 2^22 samples, one in pieces of 2^23.
TEST(SimulateVoltages, APulseGoesOnInTheNextPiece) {
  ScanSpec spec = small_scan();
  spec.voltages.n_coarse = 1;
  spec.freq_high_mhz = 1266.0;
  spec.duration_s = 4250000.0 / 16e6;
  spec.pulses = {{20.0, 20e-6, 200.0, 4190000.0 / 16e6, {}}};  // 21344 samples lifted by a fifth
  const auto two = simulated(spec);
  spec.voltages.n_pol = 1;
  spec.pulses[0].snr /= std::numbers::sqrt2;  // the same p0, to the last bit but one
  const auto one = simulated(spec);
  std::int64_t n_different = 0;
  for (std::size_t i = 0; i < one[0].size(); ++i) n_different += one[0][i] != two[0][i] ? 1 : 0;
  EXPECT_LE(n_different, 1);
  double power = 0.0;  // of the sweep's last three quarters, after 2^22 samples
  for (std::size_t i = 2 << 22; i < (2 << 22) + 32000; ++i) power += std::pow(one[0][i] / 16.0, 2) / 32000.0;
  EXPECT_GT(power, 1.0 + 5.0 * std::sqrt(2.0 / 32000.0));
}

double mean_product(const Samples& a, const Samples& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum / static_cast<double>(a.size());
}

TEST(SimulateVoltages, NoiseIsWhiteInEveryStream) {
  for (const bool is_complex : {true, false}) {
    const auto v = simulated(small_scan(is_complex));
    // 80000 values a stream, of variance 256 and 1/12 of rounding: 5 standard errors.
    const double variance = 256.0 + 1.0 / 12.0, error = 5.0 * variance / std::sqrt(80000.0);
    for (std::size_t a = 0; a < v.size(); ++a)
      for (std::size_t b = 0; b <= a; ++b)
        EXPECT_NEAR(mean_product(v[a], v[b]), a == b ? variance : 0.0,
                    error * (a == b ? std::sqrt(2.0) : 1.0));
    for (const std::int64_t lag : {1, 2, 4096, 8192}) {  // components, neighbours, blocks
      const Samples late(v[0].begin() + lag, v[0].end()), early(v[0].begin(), v[0].end() - lag);
      EXPECT_NEAR(mean_product(early, late), 0.0, error * 1.1) << lag;
    }
  }
}

TEST(SimulateVoltages, BitsHaveTheirSigmaAndWhatIsClippedCounts) {
  ScanSpec spec = small_scan();
  const auto moments = [&spec](int n_bits, double sigma) {
    spec.voltages.n_bits = n_bits;
    spec.voltages.sigma = sigma;
    const Samples v = simulated(spec)[0];
    return mean_product(v, v);
  };
  const double error = 5.0 * std::sqrt(2.0 / 80000.0);
  EXPECT_NEAR(moments(16, 0.0) / 1e6, 1.0, error);
  EXPECT_NEAR(moments(16, 300.0) / 9e4, 1.0, error);
  // Clipped at -2.9 and 2.5 sigma: 2.3 % less than 2.98^2 + 1/12 (the sum over the 16 codes' chances).
  EXPECT_NEAR(moments(4, 0.0), 8.7615, 8.7615 * error);
  EXPECT_NEAR(moments(2, 0.0), 4 * 0.066807 + 0.241730 + 0.308538, 2.0 * error);  // P of -2, -1, 1
  // Beyond -2.5 and 1.5 sigma.
  const double n = 8 * 80000, share = 0.006210 + 0.066807;
  EXPECT_NEAR(truth_of(spec)["beams"][0]["n_clipped"].get<double>(), n * share, 5.0 * std::sqrt(n * share));
  spec.voltages.n_bits = 8;
  EXPECT_EQ(truth_of(spec)["beams"][0]["n_clipped"], 0);
}

/// |v|^2 of sample t, of both polarisations, in units in which noise has 2.
double power_at(const std::vector<Samples>& v, const ScanSpec& spec, int c, std::int64_t t) {
  const int n_component = spec.voltages.is_complex ? 2 : 1;
  double power = 0.0;
  for (int p = 0; p < 2; ++p)
    for (int j = 0; j < n_component; ++j) power += std::pow(v[c * 2 + p][t * n_component + j] / 1000.0, 2);
  return power / n_component;
}

// A pulse so long that the sweep through a coarse channel, 43 us, is nothing beside its 2 ms.
TEST(SimulateVoltages, TheOptimalFilterFindsThePulsesSnr) {
  for (const bool is_complex : {true, false}) {
    ScanSpec spec = small_scan(is_complex);
    spec.duration_s = 0.08;
    spec.voltages.n_bits = 16;
    for (int i = 0; i < 3; ++i) spec.pulses.push_back({10.0, 2e-3, 40.0, 0.015 + 0.022 * i, {}});
    const auto v = simulated(spec, {.threads = 2});
    const VoltageInfo info = voltage_scan_info(spec, 1);
    double mean = 0.0, scatter = 0.0;
    for (const PulseSpec& pulse : spec.pulses) {
      double sum = 0.0, square = 0.0;
      for (int c = 0; c < 4; ++c)
        for (std::int64_t t = 0; t < info.n_time; ++t) {
          const double arrival_s = pulse.time_s + dispersion_delay_s(pulse.dm_pc_cm3, 1250.5 + c, 1254.0);
          const double z = (static_cast<double>(t) * info.sample_time_s - arrival_s) * kFwhmPerSigma / 2e-3;
          if (std::abs(z) > 6.0) continue;
          const double shape = std::exp(-0.5 * z * z);
          sum += shape * (power_at(v, spec, c, t) - 2.0);
          square += shape * shape * (is_complex ? 2.0 : 4.0);
        }
      mean += sum / std::sqrt(square) / 3.0;
      scatter = pulse_snr_scatter(pulse_power_of_snr(40.0, 2, 4e6, 2e-3));
    }
    EXPECT_NEAR(mean, 40.0, 5.0 * scatter / std::sqrt(3.0));
  }
}

// Far above the noise. Its centre in a coarse channel scatters by the spread of the swept pulse over the root
// of its independent samples.
TEST(SimulateVoltages, CoarseChannelsAreReachedByTheDispersionLaw) {
  for (const bool is_complex : {true, false}) {
    ScanSpec spec = small_scan(is_complex);
    spec.voltages.n_bits = 16;
    spec.voltages.sigma = 1000.0;
    spec.pulses = {{1000.0, 400e-6, 3000.0, 0.005, {}}};
    const auto v = simulated(spec);
    const VoltageInfo info = voltage_scan_info(spec, 1);
    for (int c = 0; c < 4; ++c) {
      const auto delay_s = [&](double f) { return dispersion_delay_s(1000.0, f, 1254.0); };
      const double peak_s = 0.005 + delay_s(1250.5 + c), sweep_s = delay_s(1250.0 + c) - delay_s(1251.0 + c);
      const double sigma_s = 400e-6 / kFwhmPerSigma, reach_s = 0.5 * sweep_s + 6.0 * sigma_s;
      double energy = 0.0, moment = 0.0;
      for (std::int64_t t = 0; t < info.n_time; ++t) {
        const double since_s = static_cast<double>(t) * info.sample_time_s - peak_s;
        if (std::abs(since_s) > reach_s) continue;
        energy += power_at(v, spec, c, t) - 2.0;
        moment += (power_at(v, spec, c, t) - 2.0) * since_s;
      }
      const double n = pulse_independent_samples(2, 1e6, 400e-6);
      EXPECT_NEAR(moment / energy, 0.0, 5.0 * std::hypot(sigma_s, sweep_s / std::sqrt(12.0)) / std::sqrt(n))
          << c;
    }
  }
}

TEST(SimulateVoltages, TruthSaysWhatWasPutIn) {
  ScanSpec spec = small_scan();
  spec.pulses = {{100.0, 500e-6, 40.0, 0.01, {}}, {1000.0, 500e-6, 4.0, 0.03, {}}};  // sweeps of 1.7, 17 ms
  const json truth = truth_of(spec);
  EXPECT_EQ(truth["band_low_mhz"], 1250.0);
  EXPECT_EQ(truth["n_coarse"], 4);
  EXPECT_EQ(truth["coarse_width_mhz"], 1.0);
  EXPECT_EQ(truth["sample_time_s"], 1e-6);
  EXPECT_EQ(truth["n_time"], 40000);
  EXPECT_EQ(truth["is_complex"], true);
  EXPECT_EQ(truth["sigma"], 16.0);
  EXPECT_EQ(truth["ref_freq_mhz"], 1254.0);
  EXPECT_PRED2(contains, truth["time_reference"].get<std::string>(), "upper edge of the band");
  const json& pulse = truth["pulses"][0];
  EXPECT_EQ(pulse["dm_pc_cm3"], 100.0);
  EXPECT_EQ(pulse["snr"], 40.0);
  EXPECT_EQ(pulse["time_s"], 0.01);
  EXPECT_EQ(pulse["ref_freq_mhz"], 1254.0);
  EXPECT_EQ(pulse["complete"], true);
  EXPECT_EQ(truth["pulses"][1]["complete"], false);
  EXPECT_NEAR(pulse["sweep_s"].get<double>(), 1.691462e-3, 1e-9);  // 414937.76 (1250^-2 - 1254^-2)
  const double sigma_s = 500e-6 / 2.3548200450309493;
  const double p0 = 40.0 / std::sqrt(2.0 * 4e6 * sigma_s * std::sqrt(std::numbers::pi));
  EXPECT_NEAR(pulse["p0"].get<double>(), p0, 1e-9);
  EXPECT_NEAR(pulse["energy_self_noise"].get<double>(),
              1.0 / std::sqrt(2.0 * 4e6 * 2.0 * std::sqrt(std::numbers::pi) * sigma_s), 1e-9);
  EXPECT_EQ(pulse["snr_scatter"], pulse_snr_scatter(p0));
  EXPECT_EQ(truth["beams"][0]["pulses"][0]["p0"], pulse["p0"]);
}

TEST(SimulateVoltages, RefusesToReplaceAFileUnlessAsked) {
  const TempDir dir;
  simulate_scan(small_scan(), dir.path());
  EXPECT_THROW(simulate_scan(small_scan(), dir.path()), std::runtime_error);
  EXPECT_NO_THROW(simulate_scan(small_scan(), dir.path(), {.overwrite = true}));
}

TEST(SimulateVoltages, ProgressEndsAtTheScansLength) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.beams = {1, 2};
  std::int64_t last = 0, all = 0;
  simulate_scan(spec, dir.path(), {.threads = 1, .progress = [&](std::int64_t done, std::int64_t total) {
                                     last = done;
                                     all = total;
                                   }});
  EXPECT_EQ(last, 80000);
  EXPECT_EQ(all, 80000);
}

/// What check_scan says against a spec.
std::string mistake(const ScanSpec& spec) {
  try {
    check_scan(spec);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

TEST(SimulateVoltages, RefusesPulsesThatCannotBeMade) {
  ScanSpec spec = small_scan();
  spec.pulses = {{100.0, 3e-6, 40.0, 0.01, {}}};
  EXPECT_PRED2(contains, mistake(spec), "pulse[1]: a pulse of 3e-06 s in a coarse channel of 1 MHz");
  spec.pulses = {{100.0, 500e-6, 40.0, 0.05, {}}};
  EXPECT_PRED2(contains, mistake(spec),
               "pulse[1]: time_s = 0.05 s with width_s = 0.0005 s is not in the scan");
  spec = small_scan();
  spec.voltages.n_coarse = 1;
  spec.freq_high_mhz = 1750.0;
  spec.pulses = {{10.0, 500e-6, 40.0, 0.01, {}}, {1000.0, 500e-6, 40.0, 0.01, {}}};
  EXPECT_PRED2(contains, mistake(spec), "pulse[2]: a pulse of 0.0005 s and DM 1000 pc/cm3 sweeps through");
  EXPECT_PRED2(contains, mistake(spec), "use more coarse channels");
  spec.voltages.n_coarse = 512;
  EXPECT_EQ(mistake(spec), "accepted");
}

TEST(SimulateVoltages, RefusesWhatVoltagesDoNotHave) {
  ScanSpec spec = small_scan();
  spec.lines = {{1251.0, 1252.0, 3.0, {}}};
  EXPECT_PRED2(contains, mistake(spec), "1 [[line]] and 0 [[impulse]] cannot be put in");
  spec = small_scan();
  spec.impulses = {{0.01, 1e-3, 3.0, {}}};
  EXPECT_PRED2(contains, mistake(spec), "0 [[line]] and 1 [[impulse]] cannot be put in");
  spec = small_scan();
  spec.n_chan = 64;
  spec.n_bits = 16;
  spec.n_pol = 2;
  spec.mean = spec.sigma = 10.0;
  spec.sample_time_s = 1e-3;
  spec.channels_descending = true;
  for (const char* key :
       {"n_chan", "n_bits", "n_pol", "mean", "sigma", "sample_time_s", "channels_descending"})
    EXPECT_PRED2(contains, mistake(spec), std::string("scan.") + key + " does not apply to voltages");
  spec = ScanSpec{};
  spec.voltages.n_coarse = 4;
  EXPECT_PRED2(contains, mistake(spec), "[voltages] does not apply to spectra (scan.format = \"fits\")");
}

TEST(SimulateVoltages, RefusesWhatCannotBeSampled) {
  const auto with = [](auto change) {
    ScanSpec spec = small_scan();
    change(spec);
    return mistake(spec);
  };
  EXPECT_PRED2(contains, with([](ScanSpec& s) { s.voltages.n_bits = 3; }), "n_bits = 3: 2, 4, 8 or 16");
  EXPECT_PRED2(contains, with([](ScanSpec& s) { s.voltages.n_pol = 4; }), "n_pol = 4: 1 or 2");
  EXPECT_PRED2(contains, with([](ScanSpec& s) { s.voltages.n_coarse = 0; }), "n_coarse = 0: 1 to 4096");
  EXPECT_PRED2(contains, with([](ScanSpec& s) { s.voltages.sigma = -1.0; }), "must not be negative");
  EXPECT_PRED2(contains, with([](ScanSpec& s) { s.duration_s = 1e-7; }), "shorter than a sample of 1e-06 s");
  EXPECT_PRED2(contains, with([](ScanSpec& s) { s.freq_high_mhz = 1000.0; }), "is not below");
  EXPECT_PRED2(contains, with([](ScanSpec& s) { s.beams = {20}; }), "1 to 19");
}

TEST(SimulateVoltages, AFormatThatNobodyWritesIsRefusedWithThoseKnown) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.format = "tape";
  try {
    simulate_scan(spec, dir.path());
    FAIL() << "accepted";
  } catch (const std::invalid_argument& e) {
    EXPECT_PRED2(contains, e.what(), ".plain (plain)");
  }
  EXPECT_FALSE(std::filesystem::exists(dir.file("truth.json")));
}

TEST(ScanSpec, ReadsTheShippedVoltages) {
  const ScanSpec spec = load_scan(TIANYAN_SOURCE_DIR "/configs/voltages_scan.toml", {"voltages.n_bits=4"});
  EXPECT_EQ(spec.format, "raw");
  EXPECT_EQ(spec.voltages.n_bits, 4);
  EXPECT_EQ(spec.voltages.n_coarse, 1);
  EXPECT_EQ(scan_length(spec), 9600000);
  ASSERT_EQ(spec.pulses.size(), 1u);
  EXPECT_LT(spec.pulses[0].time_s + dispersion_delay_s(500.0, 1234.0, 1266.0), spec.duration_s);
}

TEST(ScanSpec, MistakesInVoltagesNameTheLine) {
  const TempDir dir;
  const std::string path =
      dir.write("scan.toml", "[scan]\nformat = \"raw\"\n[voltages]\nn_pols = 2\nn_bits = 32\n");
  try {
    load_scan(path);
    FAIL() << "accepted";
  } catch (const std::invalid_argument& e) {
    EXPECT_PRED2(contains, e.what(), "scan.toml:4: unknown key 'voltages.n_pols'; the nearest known one is");
    EXPECT_PRED2(contains, e.what(), "scan.toml:5: voltages.n_bits = 32 is out of range");
  }
}

}  // namespace
}  // namespace tianyan
