// Simulated scans: what is put in is there, and nothing depends on threads, format or channel order.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "io/source.hpp"
#include "kernels/repack.hpp"
#include "pipeline/simulate.hpp"
#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {
namespace {

ScanSpec small_scan() {
  ScanSpec spec;
  spec.source_name = "TEST";
  spec.format = "fil";
  spec.n_chan = 64;
  spec.sample_time_s = 1e-3;
  spec.duration_s = 2.5;  // 2500 spectra: two whole blocks and a part
  return spec;
}

struct Values {
  StreamInfo info;
  Array<float, 2> x;  ///< [time][pol * n_chan + channel], recorded order
};

Values read_values(const std::string& path) {
  const auto source = open_source(path);
  const StreamInfo& info = source->info();
  RawBlock block;
  source->read(0, info.n_time, block);
  Values v{info, Array<float, 2>({info.n_time, std::int64_t{info.n_pol} * info.n_chan})};
  to_values(source->format(), info.n_pol, info.n_chan, block, v.x.view());
  return v;
}

Values simulated(const ScanSpec& spec, const TempDir& dir, const SimulateOptions& options = {}) {
  return read_values(simulate_scan(spec, dir.path(), options).at(0));
}

bool same(const Values& a, const Values& b) {
  return a.x.size() == b.x.size() && std::equal(a.x.data(), a.x.data() + a.x.size(), b.x.data());
}

/// Mean and standard deviation of column i.
std::pair<double, double> moments(const Values& v, std::int64_t i) {
  double sum = 0.0, square = 0.0;
  const std::int64_t n = v.x.shape(0);
  for (std::int64_t t = 0; t < n; ++t) sum += v.x(t, i);
  for (std::int64_t t = 0; t < n; ++t) square += std::pow(v.x(t, i) - sum / static_cast<double>(n), 2);
  return {sum / static_cast<double>(n), std::sqrt(square / static_cast<double>(n))};
}

TEST(Simulate, HeaderSaysWhatTheSpecAsks) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.beams = {7};
  spec.start_mjd = 59123.25;
  const StreamInfo info = simulated(spec, dir).info;
  EXPECT_EQ(info.n_time, 2500);
  EXPECT_EQ(info.n_chan, 64);
  EXPECT_DOUBLE_EQ(info.freq_low_mhz, 1000.0 + 0.5 * 500.0 / 64);
  EXPECT_DOUBLE_EQ(info.ref_freq_mhz(), 1500.0 - 0.5 * 500.0 / 64);
  EXPECT_EQ(info.start.day, 59123);
  EXPECT_NEAR(info.start.second, 21600.0, 1e-5);
  EXPECT_EQ(info.source_name, "TEST");
  EXPECT_EQ(info.beam, 7);
}

TEST(Simulate, FilesAreNamedAsFastNamesThem) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.beams = {3, 12};
  const auto paths = simulate_scan(spec, dir.path());
  EXPECT_EQ(paths, (std::vector<std::string>{dir.file("TEST_tracking-M03_0001.fil"),
                                             dir.file("TEST_tracking-M12_0001.fil")}));
  const auto truth = nlohmann::json::parse(read_text(dir.file("truth.json")));
  EXPECT_EQ(truth["beams"][1]["beam"], 12);
  EXPECT_EQ(truth["beams"][1]["file"], "TEST_tracking-M12_0001.fil");
}

TEST(Simulate, NoiseHasItsLevelsWithinTheGains) {
  const TempDir dir;
  const Values v = simulated(small_scan(), dir);
  double lowest = 1e9, highest = 0.0;
  for (int c = 0; c < v.info.n_chan; ++c) {
    const auto [mean, sigma] = moments(v, c);
    const double gain = mean / 96.0;
    lowest = std::min(lowest, gain);
    highest = std::max(highest, gain);
    // Rounding adds 1/12 to the variance; 5 standard errors of a sigma from 2500 samples.
    EXPECT_NEAR(sigma, std::hypot(12.0 * gain, std::sqrt(1.0 / 12.0)),
                5.0 * 12.0 * gain / std::sqrt(2.0 * 2500.0))
        << c;
  }
  EXPECT_GT(lowest, 0.79);
  EXPECT_LT(highest, 1.21);
  EXPECT_GT(highest - lowest, 0.15) << "the gains are all alike";
}

TEST(Simulate, ThreadsDoNotChangeASample) {
  const TempDir one, three;
  EXPECT_TRUE(
      same(simulated(small_scan(), one, {.threads = 1}), simulated(small_scan(), three, {.threads = 3})));
  EXPECT_EQ(read_text(one.file("truth.json")), read_text(three.file("truth.json")));
}

TEST(Simulate, SeedsAndBeamsGiveOtherSamples) {
  const TempDir a, b;
  ScanSpec spec = small_scan();
  spec.beams = {1, 2};
  const auto paths = simulate_scan(spec, a.path());
  EXPECT_FALSE(same(read_values(paths[0]), read_values(paths[1])));
  spec.seed = 2;
  EXPECT_FALSE(same(read_values(paths[0]), simulated(spec, b)));
}

TEST(Simulate, ALongerScanBeginsWithTheSameSamples) {
  const TempDir a, b;
  const Values short_scan = simulated(small_scan(), a);
  ScanSpec spec = small_scan();
  spec.duration_s = 4.0;
  const Values long_scan = simulated(spec, b);
  EXPECT_TRUE(std::equal(short_scan.x.data(), short_scan.x.data() + short_scan.x.size(), long_scan.x.data()));
}

TEST(Simulate, AnyFormatHoldsTheSameSamples) {
  for (int n_bits : {1, 2, 4, 8, 16, 32}) {
    const TempDir fil, fits, h5;
    ScanSpec spec = small_scan();
    spec.n_bits = n_bits;
    const Values v = simulated(spec, fil);
    spec.format = "fits";
    EXPECT_TRUE(same(v, simulated(spec, fits))) << n_bits << " bits, fits";
    if (n_bits < 8) continue;  // FBH5 holds whole bytes
    spec.format = "h5";
    EXPECT_TRUE(same(v, simulated(spec, h5))) << n_bits << " bits, h5";
  }
}

TEST(Simulate, ChannelOrderOnlyTurnsTheChannels) {
  const TempDir up, down;
  ScanSpec spec = small_scan();
  const Values ascending = simulated(spec, up);
  spec.channels_descending = true;
  const Values descending = simulated(spec, down);
  EXPECT_DOUBLE_EQ(ascending.info.freq_low_mhz, descending.info.freq_low_mhz);
  for (std::int64_t t = 0; t < 2500; t += 7)
    for (int c = 0; c < 64; ++c) ASSERT_EQ(ascending.x(t, c), descending.x(t, 63 - c)) << t << " " << c;
}

/// S/N of the matched filter at the true DM, time and width, from values in units of each channel's sigma.
double matched_snr(const Values& v, const PulseSpec& p, const std::vector<int>& channels) {
  const double sigma_t = p.width_s / kFwhmPerSigma;
  double sum = 0.0, norm = 0.0;
  for (int c : channels) {
    const auto [mean, sigma] = moments(v, c);
    const double arrival =
        p.time_s + dispersion_delay_s(p.dm_pc_cm3, v.info.freq_mhz(c), v.info.ref_freq_mhz());
    for (std::int64_t t = 0; t < v.x.shape(0); ++t) {
      const double z = (static_cast<double>(t) * v.info.sample_time_s - arrival) / sigma_t;
      if (std::abs(z) > 6.0) continue;
      const double g = std::exp(-0.5 * z * z);
      sum += g * (v.x(t, c) - mean) / sigma;
      norm += g * g;
    }
  }
  return sum / std::sqrt(norm);
}

TEST(Simulate, APulseHasItsSnrAtItsDmAndTime) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.pulses = {{300.0, 10e-3, 50.0, 0.6, {}}};
  spec.lines = {{1100.0, 1150.0, 3.0, {}}};
  const Values v = simulated(spec, dir);
  std::vector<int> good;
  for (int c = 0; c < 64; ++c)
    if (v.info.freq_mhz(c) < 1100.0 || v.info.freq_mhz(c) > 1150.0) good.push_back(c);
  // Noise of the filter is 1; the pulse itself lifts each channel's mean and sigma by about 2 %.
  EXPECT_NEAR(matched_snr(v, spec.pulses[0], good), 50.0, 5.0);
  PulseSpec elsewhere = spec.pulses[0];
  elsewhere.time_s = 0.7;
  EXPECT_LT(std::abs(matched_snr(v, elsewhere, good)), 6.0);
  elsewhere = spec.pulses[0];
  elsewhere.dm_pc_cm3 = 600.0;
  EXPECT_LT(matched_snr(v, elsewhere, good), 15.0);
}

TEST(Simulate, TwoPolarisationsSumToThePulsesSnr) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.n_pol = 2;
  spec.pulses = {{300.0, 10e-3, 50.0, 0.6, {}}};
  Values v = simulated(spec, dir);
  std::vector<int> channels;
  for (int c = 0; c < 64; ++c) channels.push_back(c);
  for (std::int64_t t = 0; t < v.x.shape(0); ++t)
    for (int c : channels) v.x(t, c) += v.x(t, 64 + c);
  EXPECT_NEAR(matched_snr(v, spec.pulses[0], channels), 50.0, 5.0);
}

TEST(Simulate, CrossProductsAreSignedNoiseAroundZero) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.format = "fits";
  spec.n_pol = 4;
  const Values v = simulated(spec, dir);
  for (std::int64_t i = 128; i < 256; i += 9) {
    const auto [mean, sigma] = moments(v, i);
    EXPECT_NEAR(mean, 0.0, 5.0 * 14.4 / std::sqrt(2500.0));
    EXPECT_GT(sigma, 9.0);
  }
}

TEST(Simulate, SignalsAppearInTheirBeamsAlone) {
  const TempDir with, without;
  ScanSpec spec = small_scan();
  spec.beams = {1, 2};
  const auto plain = simulate_scan(spec, without.path());
  spec.pulses = {{100.0, 10e-3, 50.0, 0.6, {1}}};
  spec.lines = {{1200.0, 1210.0, 3.0, {1}}};
  spec.impulses = {{1.0, 5e-3, 2.0, {1}}};
  const auto paths = simulate_scan(spec, with.path());
  EXPECT_FALSE(same(read_values(paths[0]), read_values(plain[0])));
  EXPECT_TRUE(same(read_values(paths[1]), read_values(plain[1])));
}

TEST(Simulate, AnImpulseLiftsAllChannelsAtOnce) {
  const TempDir with, without;
  ScanSpec spec = small_scan();
  spec.n_bits = 32;
  const Values plain = simulated(spec, without);
  spec.impulses = {{1.001, 4e-3, 2.0, {}}};  // spectra 999 to 1002
  const Values v = simulated(spec, with);
  for (std::int64_t t = 990; t < 1010; ++t)
    for (int c : {0, 31, 63}) {
      const double gain = v.x(t, c) == plain.x(t, c) ? 0.0 : 1.0;
      EXPECT_EQ(gain, t >= 999 && t <= 1002 ? 1.0 : 0.0) << t;
    }
}

TEST(Simulate, ALineLiftsItsChannelsAlone) {
  const TempDir with, without;
  ScanSpec spec = small_scan();
  const Values plain = simulated(spec, without);
  spec.lines = {{1200.0, 1250.0, 4.0, {}}};
  const Values v = simulated(spec, with);
  for (int c = 0; c < 64; ++c) {
    const bool in_line = v.info.freq_mhz(c) >= 1200.0 && v.info.freq_mhz(c) <= 1250.0;
    const auto [mean, sigma] = moments(plain, c);
    EXPECT_EQ(moments(v, c).first > mean + 3.0 * sigma, in_line) << c;
  }
}

TEST(Simulate, TruthSaysWhetherAPulseIsComplete) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  spec.pulses = {{300.0, 10e-3, 20.0, 0.5, {}}, {300.0, 10e-3, 20.0, 2.2, {}}};  // the sweep takes 0.69 s
  simulate_scan(spec, dir.path());
  const auto truth = nlohmann::json::parse(read_text(dir.file("truth.json")));
  EXPECT_EQ(truth["beams"][0]["pulses"][0]["complete"], true);
  EXPECT_EQ(truth["beams"][0]["pulses"][1]["complete"], false);
  EXPECT_NEAR(truth["beams"][0]["pulses"][0]["sweep_s"].get<double>(), 0.67, 0.03);
}

TEST(Simulate, RefusesToReplaceAFileUnlessAsked) {
  const TempDir dir;
  simulate_scan(small_scan(), dir.path());
  EXPECT_THROW(simulate_scan(small_scan(), dir.path()), std::runtime_error);
  EXPECT_NO_THROW(simulate_scan(small_scan(), dir.path(), {.overwrite = true}));
}

/// What load_scan or simulate_scan says against a spec.
std::string mistake(const std::string& text) {
  const TempDir dir;
  try {
    load_scan(dir.write("scan.toml", text));
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

TEST(ScanSpec, ReadsTheShippedDemo) {
  const ScanSpec spec = load_scan(TIANYAN_SOURCE_DIR "/configs/demo_scan.toml", {"scan.seed=5"});
  EXPECT_EQ(spec.beams, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(spec.n_chan, 4096);
  EXPECT_EQ(scan_info(spec, 1).n_time, 32768);
  EXPECT_EQ(spec.seed, 5);
  ASSERT_EQ(spec.pulses.size(), 1u);
  EXPECT_EQ(spec.pulses[0].dm_pc_cm3, 565.0);
  EXPECT_EQ(spec.pulses[0].beams, std::vector<int>{1});
  EXPECT_EQ(spec.lines.size(), 3u);
  EXPECT_EQ(spec.impulses.size(), 1u);
}

TEST(ScanSpec, MistakesInTablesNameTheTableAndTheLine) {
  const std::string text = mistake(
      "[[pulse]]\ndm_pc_cm3 = 5.0\nwidth_s = 1e-3\nsnr = 9.0\ntime_s = 0.1\n"
      "[[pulse]]\ndm = 5.0\nwidth_s = 1e-3\nsnr = \"9 sigma\"\ntime_s = 0.1\n");
  EXPECT_PRED2(contains, text, "pulse[2].dm_pc_cm3 is missing");
  EXPECT_PRED2(contains, text,
               "scan.toml:7: unknown key 'pulse[2].dm'; the nearest known one is 'pulse[2].dm_pc_cm3'");
  EXPECT_PRED2(contains, text, "scan.toml:9: pulse[2].snr wants a number");
  EXPECT_PRED2(contains, mistake("pulse = 3"), "'pulse' wants tables: [[pulse]]");
}

TEST(ScanSpec, RefusesWhatDoesNotFitTogether) {
  EXPECT_PRED2(contains, mistake("scan.freq_low_mhz = 1600.0"), "is not below scan.freq_high_mhz");
  EXPECT_PRED2(contains, mistake("scan.n_bits = 3"), "1, 2, 4, 8, 16 or 32");
  EXPECT_PRED2(contains, mistake("scan.n_pol = 3"), "1, 2 or 4");
  EXPECT_PRED2(contains, mistake("scan.n_chan = 3\nscan.n_bits = 2"), "whole bytes");
  EXPECT_PRED2(contains, mistake("scan.beams = [1, 1]"), "named once");
  EXPECT_PRED2(contains, mistake("scan.beams = [20]"), "1 to 19");
  EXPECT_PRED2(contains, mistake("[[pulse]]\ndm_pc_cm3=5.0\nwidth_s=1e-3\nsnr=9.0\ntime_s=0.1\nbeams=[2]"),
               "beam 2 is not one of scan.beams");
  EXPECT_PRED2(contains, mistake("[[pulse]]\ndm_pc_cm3=5.0\nwidth_s=1e-3\nsnr=9.0\ntime_s=7.0"),
               "not in the scan of 1 s");
  EXPECT_PRED2(contains, mistake("[[line]]\nfreq_low_mhz=1600.0\nfreq_high_mhz=1700.0\nlevel_sigma=3.0"),
               "no channel's centre");
}

}  // namespace
}  // namespace tianyan
