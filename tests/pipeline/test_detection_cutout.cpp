// Detections at full resolution: times and S/N against simulated pulses, what is not found, and images.
#include "pipeline/detection_cutout.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include "kernels/base/random.hpp"

#include "io/cutout_file.hpp"
#include "io/hdf5_attributes.hpp"
#include "io/hdf5_file.hpp"
#include "pipeline/result_json.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

constexpr double kBoxcarPerFwhm = kBestBoxcarSigmas / 2.354820045;

// Pulses of one width and DM, 0.25 s apart, at any place within a sample.
ScanSpec train(double width_samples, double dm, double snr, int n) {
  ScanSpec spec = small_scan();
  Xoshiro256 random(static_cast<std::uint64_t>(dm + 100.0 * width_samples));
  for (int i = 0; i < n; ++i)
    spec.pulses.push_back({dm,
                           width_samples * spec.sample_time_s,
                           snr,
                           0.5 + 0.25 * i + spec.sample_time_s * random.uniform(),
                           {1},
                           {}});
  spec.duration_s = 1.5 + 0.25 * n;
  return spec;
}

// What a search might say of a pulse: near its time, DM and width.
Candidate rough(const PulseSpec& pulse, const StreamInfo& info, Xoshiro256& random) {
  Candidate c;
  c.beam = 1;
  c.width_s = std::max(info.sample_time_s, pulse.width_s * kBoxcarPerFwhm * (0.8 + 0.4 * random.uniform()));
  const double dm_off = 0.5 * (random.uniform() - 0.5) * c.width_s / info.band_delay_s_per_dm();
  c.dm_pc_cm3 = pulse.dm_pc_cm3 + dm_off;
  c.dm_err_pc_cm3 = 0.2;
  c.time_s = pulse.time_s + 0.5 * (random.uniform() - 0.5) * c.width_s -
             dispersion_delay_s(dm_off, mid_freq_mhz(info), info.ref_freq_mhz());
  c.snr = c.snr_white = 0.9 * pulse.snr;
  c.ref_freq_mhz = info.ref_freq_mhz();
  return c;
}

// Without the rules that flag what is as strong as the pulses here.
Cutout cut(Source& source, const Candidate& c, bool with_wide = false) {
  Config config = small_config();
  config.rfi.zero_dm.enabled = config.rfi.sum_threshold.enabled = config.rfi.kurtosis.enabled = false;
  config.rfi.channels.enabled = config.rfi.periodic.enabled = false;
  return read_cutout(config, source, "", c, with_wide, 2);
}

// Bins are a sample or a 16th of the width, boxcars lie on a grid of half a bin, and noise moves them by
// less: one time is known to 0.35 samples at most, the mean of 40 to 0.06.
TEST(DetectionCutout, RefinedTimesAreThoseOfThePulsesMiddle) {
  const TempDir dir;
  constexpr int kPulses = 40;
  for (const auto& [width_samples, dm] : {std::pair{2.0, 300.0}, {6.0, 40.0}, {20.0, 300.0}}) {
    const auto spec = train(width_samples, dm, 200.0, kPulses);
    const auto source = open_source(simulate_scan(spec, dir.file(std::to_string(width_samples))).at(0));
    Xoshiro256 random(7);
    double error_samples = 0.0;
    for (const auto& pulse : spec.pulses) {
      const auto refined = refine(cut(*source, rough(pulse, source->info(), random)));
      ASSERT_TRUE(refined.found);
      error_samples += (refined.candidate.time_s - pulse.time_s) / spec.sample_time_s / kPulses;
    }
    EXPECT_NEAR(error_samples, 0.0, 0.1) << width_samples << " samples, DM " << dm;
  }
}

// Impulses of 8 ms in a window of 0.8 s lift the means of all channels by up to 0.015 of their deviation, and
// the sum over a boxcar of n samples by 0.015 (256 n)^1/2 of its own, 0.6 to 2.3: the search takes what is
// left of the means from its sums, and so must the measurement. 40 pulses know their mean S/N to 0.7 %.
TEST(DetectionCutout, RefinedSnrIsNotBelowTheSearches) {
  const TempDir dir;
  ScanSpec spec = small_scan();
  Xoshiro256 random(11);
  for (int i = 0; i < 40; ++i)
    spec.pulses.push_back({50.0 + 500.0 * random.uniform(),
                           1e-3 * std::pow(16.0, random.uniform()),
                           25.0,
                           1.0 + 0.7 * (i + 0.1 * random.uniform()),
                           {1},
                           {}});
  spec.duration_s = 31.0;
  for (int i = 0; i < 31; ++i) spec.impulses.push_back({0.5 + i, 8e-3, 1.5, {}});
  const auto files = simulate_scan(spec, dir.path());
  search_into(dir.file("run"), files, small_config());
  const auto source = open_source(files.at(0));
  double searched = 0.0, refined = 0.0;
  int n = 0;
  const auto results = load_ledger(dir.file("run"));
  for (const auto& c : results.at(0).candidates) {
    if (c.snr < 15.0) continue;
    searched += c.snr_white;
    refined += refine(read_cutout(small_config(), *source, "", c, false, 2)).candidate.snr_white;
    ++n;
  }
  EXPECT_GE(n, 38);
  EXPECT_GT(refined / searched, 0.99);
  EXPECT_NEAR(refined / n, 0.943 * 25.0, 0.04 * 0.943 * 25.0);  // what a boxcar has of a Gaussian's
}

TEST(DetectionCutout, SaysWhereItHasNotFoundThePulse) {
  const TempDir dir;
  const auto spec = train(6.0, 300.0, 50.0, 1);
  const auto source = open_source(simulate_scan(spec, dir.path()).at(0));
  Xoshiro256 random(7);
  auto c = rough(spec.pulses[0], source->info(), random);
  EXPECT_TRUE(refine(cut(*source, c)).found);
  c.time_s += 0.5;  // where there is nothing
  const auto refined = refine(cut(*source, c));
  EXPECT_FALSE(refined.found);
  EXPECT_GT(refined.peak_snr, 0.0);
  EXPECT_LT(refined.peak_snr, 0.5 * c.snr_white);
  EXPECT_EQ(refined.candidate.time_s, c.time_s);
  EXPECT_EQ(refined.candidate.dm_pc_cm3, c.dm_pc_cm3);
}

TEST(DetectionCutout, TriesDmZeroOnlyWhereItIsNear) {
  const TempDir dir;
  const auto spec = train(6.0, 40.0, 50.0, 1);
  const auto source = open_source(simulate_scan(spec, dir.path()).at(0));
  Xoshiro256 random(7);
  auto c = rough(spec.pulses[0], source->info(), random);
  EXPECT_FALSE(refine(cut(*source, c)).tried_dm_zero);  // 8 widths are 5 pc/cm3 of delay
  c.dm_pc_cm3 = 3.0;
  EXPECT_TRUE(refine(cut(*source, c)).tried_dm_zero);
}

// A pulse in one band alone, that of the frequency at which times do not change with DM: every DM has its
// S/N, so that none can be told from the others.
TEST(DetectionCutout, KeepsItsErrorWhereNoDmIsBetterThanAnother) {
  const TempDir dir;
  const auto spec = train(20.0, 300.0, 50.0, 1);
  const auto source = open_source(simulate_scan(spec, dir.path()).at(0));
  Xoshiro256 random(7);
  const auto c = rough(spec.pulses[0], source->info(), random);
  auto cutout = cut(*source, c);
  auto& fine = cutout.fine;
  const double mid = dispersion_delay_s(1.0, mid_freq_mhz(cutout.info), cutout.info.ref_freq_mhz()) /
                     cutout.info.sample_time_s / fine.step_samples;
  std::int64_t nearest = 0;
  for (std::int64_t b = 0; b < fine.n_band(); ++b) {
    if (std::abs(cutout.delay_bins_per_dm(fine, b) - mid) <
        std::abs(cutout.delay_bins_per_dm(fine, nearest) - mid))
      nearest = b;
    for (std::int64_t i = 0; i < fine.n_bin(); ++i) fine.sum(b, i) = fine.count(b, i) = 0.0;
  }
  for (std::int64_t i = 0; i < fine.n_bin(); ++i) fine.count(nearest, i) = 1.0;
  for (std::int64_t i = -8; i < 8; ++i) fine.sum(nearest, fine.n_bin() / 2 + i) = 100.0;
  const auto refined = refine(cutout);
  ASSERT_TRUE(refined.found);
  const double moved = std::abs(refined.candidate.dm_pc_cm3 - c.dm_pc_cm3);
  EXPECT_NEAR(refined.candidate.dm_err_pc_cm3, std::max(c.dm_err_pc_cm3, moved), 1e-9);
}

// [row][column] of a square image.
std::vector<float> image_of(const std::string& path, const char* name) {
  const Hdf5Lock lock;
  const Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path, "open");
  const Hdf5Id data(H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, path, name);
  std::vector<float> image(static_cast<std::size_t>(kCutoutSize * kCutoutSize));
  check_hdf5(H5Dread(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, image.data()), path, "read");
  return image;
}

std::int64_t width_of(const std::string& path) {
  const Hdf5Lock lock;
  const Hdf5Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path, "open");
  return Hdf5Attributes(file, path).integer("width");
}

// Cells are made by the width that the search found; the detection's own is another.
TEST(DetectionCutout, ImagesHaveTheTimeAxisThatTheirFileSays) {
  const TempDir dir;
  const auto spec = train(40.0, 300.0, 100.0, 1);
  const auto source = open_source(simulate_scan(spec, dir.path()).at(0));
  Xoshiro256 random(7);
  auto c = rough(spec.pulses[0], source->info(), random);
  c.width_s = 24.0 * spec.sample_time_s;
  c.dm_pc_cm3 += 3.0;  // 7 ms of delay across the band, the pulse's middle where it was
  c.time_s = spec.pulses[0].time_s - dispersion_delay_s(3.0, mid_freq_mhz(source->info()), c.ref_freq_mhz);
  const auto cutout = cut(*source, c, true);
  Detection d;
  d.id = "pulse";
  d.best = refine(cutout).candidate;
  d.is_refined = true;
  EXPECT_GT(d.best.width_s, 36.0 * spec.sample_time_s);
  Observation scan;
  scan.freq_low_mhz = 1000.0;
  scan.freq_high_mhz = 1500.0;
  scan.n_chan = 256;
  scan.sample_time_s = spec.sample_time_s;
  export_cutout(dir.file("pulse.h5"), cutout, d, scan);
  EXPECT_EQ(width_of(dir.file("pulse.h5")), 24);
  // Its profile over the cells: the middle is where cell 128 begins, to half a cell; the standard deviation
  // is 40 / 2.355 samples in cells of 12, of which noise lets the square be known to 0.12.
  const auto image = image_of(dir.file("pulse.h5"), "data_freq_time");
  double sum = 0.0, moment = 0.0, square = 0.0;
  for (std::int64_t i = 123; i < 133; ++i)
    for (std::int64_t f = 0; f < kCutoutSize; ++f) {
      const double v = image[static_cast<std::size_t>(i * kCutoutSize + f)];
      const double u = static_cast<double>(i) + 0.5 - 128.0;
      sum += v, moment += u * v, square += u * u * v;
    }
  const double sigma = 40.0 / 2.3548 / 12.0;
  EXPECT_NEAR(moment / sum, 0.0, 0.6);
  EXPECT_NEAR(square / sum - moment * moment / sum / sum, sigma * sigma + 1.0 / 12.0, 0.4);
}

}  // namespace
}  // namespace tianyan
