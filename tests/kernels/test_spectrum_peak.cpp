// Peaks of binned spectra: a pulse put in by hand, the plain formula, errors of DM, and what is refused.
#include "kernels/spectrum_peak.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/bands.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr int kBands = 16;
constexpr std::int64_t kBins = 128;

PeakSearch search_of(double half_range, int n_side, std::int64_t width_max) {
  PeakSearch s;
  for (int d = -n_side; d <= n_side; ++d) s.dm_offset_pc_cm3.push_back(half_range * d / n_side);
  for (int b = 0; b < kBands; ++b) s.delay_bins_per_dm.push_back(static_cast<double>(kBands - 1 - b));
  s.mid_delay_bins_per_dm = 0.5 * (kBands - 1);
  s.centre_bin = 64.0;
  s.reach_bins = 6.0;
  s.width_max_bins = width_max;
  return s;
}

SpectrumBins empty_bins() {
  SpectrumBins bins(0.0, 1.0, kBins, equal_bands(kBands, kBands));
  for (std::int64_t b = 0; b < kBands; ++b)
    for (std::int64_t i = 0; i < kBins; ++i) bins.count(b, i) = 1.0;
  return bins;
}

// `level` in `width` bins of every band, delayed by x (relative to the band's middle).
SpectrumBins pulse(double x, std::int64_t begin, std::int64_t width, double level) {
  SpectrumBins bins = empty_bins();
  for (std::int64_t b = 0; b < kBands; ++b) {
    const auto shift = std::lround(x * (static_cast<double>(kBands - 1 - b) - 0.5 * (kBands - 1)));
    for (std::int64_t i = 0; i < width; ++i) bins.sum(b, begin + shift + i) = level;
  }
  return bins;
}

TEST(SpectrumPeak, FindsThePulseAtItsDmWidthAndTime) {
  const auto bins = pulse(2.0, 62, 5, 3.0);
  const auto search = search_of(4.0, 4, 16);
  const auto peaks = spectrum_peaks(bins, search, 4.0);
  const auto best = highest_peak(peaks, 0, peaks.size());
  EXPECT_DOUBLE_EQ(search.dm_offset_pc_cm3[best], 2.0);
  EXPECT_EQ(peaks[best].width_bins, 5);
  // In the row of x = 2 all bands are at that of the highest one, 2 * 7.5 = 15 bins before the middle's.
  EXPECT_DOUBLE_EQ(peaks[best].centre_bin, 62.0 - 15.0 + 2.5);
  EXPECT_NEAR(peaks[best].snr, 3.0 * 5 * kBands / std::sqrt(4.0 * 5 * kBands), 1e-12);
}

// Shifts of 0 to 0.45 bins are all rounded to none: the band is read 0.225 bins too early on average where x
// is 0.03, and the boxcar stands as much too late in it.
TEST(SpectrumPeak, CentresDoNotDependOnHowShiftsAreRounded) {
  const auto search = search_of(0.03, 1, 16);
  const auto peaks = spectrum_peaks(pulse(0.0, 62, 5, 3.0), search, 4.0);
  ASSERT_EQ(peaks.size(), 3u);
  for (std::size_t d = 0; d < 3; ++d) {
    EXPECT_EQ(peaks[d].width_bins, 5);
    const double at_mid = peaks[d].centre_bin + search.dm_offset_pc_cm3[d] * search.mid_delay_bins_per_dm;
    EXPECT_NEAR(at_mid, 64.5, 1e-12) << d;
  }
}

TEST(SpectrumPeak, EqualsThePlainFormula) {
  Xoshiro256 random(11);
  SpectrumBins bins = empty_bins();
  for (std::int64_t b = 0; b < kBands; ++b)
    for (std::int64_t i = 0; i < kBins; ++i) {
      bins.count(b, i) = static_cast<double>(random_between(random, 0, 3));
      bins.sum(b, i) = bins.count(b, i) * random.uniform();
    }
  const auto search = search_of(1.0, 2, 3);
  const auto peaks = spectrum_peaks(bins, search, 2.0);
  ASSERT_EQ(peaks.size(), 5u);
  for (std::size_t d = 0; d < peaks.size(); ++d) {
    const double x = search.dm_offset_pc_cm3[d];
    double best = 0.0;
    for (std::int64_t w = 1; w <= 3; ++w)
      for (std::int64_t begin = 0; begin + w <= kBins; ++begin) {
        const double middle = search.centre_bin - 7.5 * x - 0.5 * static_cast<double>(w);
        if (begin < std::lround(middle - 6.0) || begin > std::lround(middle + 6.0)) continue;
        double sum = 0.0, count = 0.0;
        for (std::int64_t b = 0; b < kBands; ++b)
          for (auto i = begin; i < begin + w; ++i) {
            const auto j = i + std::lround(x * search.delay_bins_per_dm[static_cast<std::size_t>(b)]);
            if (j < 0 || j >= kBins) continue;
            sum += bins.sum(b, j);
            count += bins.count(b, j);
          }
        best = std::max(best, sum / std::sqrt(2.0 * count));
      }
    EXPECT_NEAR(peaks[d].snr, best, 1e-12) << x;  // sums of 48 terms of order one
  }
}

TEST(SpectrumPeak, DmIsTheVertexAndItsErrorWhereSnrSquaredHasFallenByOne) {
  // snr^2 = 100 - (x - 0.03)^2 / s^2 with s = 0.7: the best trial is that of 0, the vertex at 0.03.
  std::vector<SpectrumPeak> peaks;
  std::vector<double> x;
  for (int d = -40; d <= 40; ++d) {
    x.push_back(0.1 * d);
    peaks.push_back({std::sqrt(100.0 - (x.back() - 0.03) * (x.back() - 0.03) / 0.49), 0.0, 1});
  }
  EXPECT_NEAR(fit_dm(peaks, x, 40).offset_pc_cm3, 0.03, 1e-9);
  EXPECT_NEAR(fit_dm(peaks, x, 40).error_pc_cm3.value(), 0.7, 1e-9);
  const std::vector<SpectrumPeak> half(peaks.begin() + 40, peaks.end());  // one side alone
  EXPECT_NEAR(fit_dm(half, {x.begin() + 40, x.end()}, 0).error_pc_cm3.value(), 0.7, 1e-9);
}

TEST(SpectrumPeak, WithoutAFallThereIsNoErrorOfDm) {
  std::vector<double> x;
  std::vector<SpectrumPeak> flat, rising, alone, wide;
  for (int d = -40; d <= 40; ++d) {
    x.push_back(0.1 * d);
    flat.push_back({10.0, 0.0, 1});
    rising.push_back({10.0 + x.back(), 0.0, 1});
    alone.push_back({d == -10 ? 10.0 : 5.0, 0.0, 1});
    wide.push_back({std::sqrt(100.0 - x.back() * x.back() / 81.0), 0.0, 1});  // falls by one in 9 of 8 pc/cm3
  }
  for (const auto& [peaks, best] : {std::pair{flat, 30}, {rising, 80}, {alone, 30}, {wide, 40}}) {
    const auto fit = fit_dm(peaks, x, static_cast<std::size_t>(best));
    EXPECT_EQ(fit.offset_pc_cm3, x[static_cast<std::size_t>(best)]);
    EXPECT_FALSE(fit.error_pc_cm3.has_value());
  }
}

// Standard deviation of DMs over many noisy Gaussian pulses, in units of the mean error that S/N's fall
// gives.
double scatter_over_error(double snr, double sigma_bins) {
  Xoshiro256 random(5);
  const NormalTable normal;
  std::vector<float> noise(kBins);
  const auto search = search_of(3.0, 240, 32);
  double squares = 0.0, errors = 0.0;
  constexpr int kPulses = 200;
  const double level = snr / std::sqrt(kBands * sigma_bins * std::sqrt(3.14159265358979));
  for (int n = 0; n < kPulses; ++n) {
    auto bins = empty_bins();
    for (std::int64_t b = 0; b < kBands; ++b) {
      normal.fill(random, noise.data(), kBins);
      for (std::int64_t i = 0; i < kBins; ++i) {
        const double u = (static_cast<double>(i) + 0.5 - 64.0) / sigma_bins;
        bins.sum(b, i) = noise[static_cast<std::size_t>(i)] + level * std::exp(-0.5 * u * u);
      }
    }
    const auto peaks = spectrum_peaks(bins, search, 1.0);
    const auto best = highest_peak(peaks, 0, peaks.size());
    const auto fit = fit_dm(peaks, search.dm_offset_pc_cm3, best);
    squares += fit.offset_pc_cm3 * fit.offset_pc_cm3 / kPulses;
    errors += fit.error_pc_cm3.value() / kPulses;
  }
  return std::sqrt(squares) / errors;
}

// For a matched filter it is 1; of boxcars, whose width and start are free as well, DMs scatter somewhat
// more. 200 pulses know their rms to 5 %.
TEST(SpectrumPeak, DmsScatterByTheirError) {
  for (const double snr : {12.0, 30.0}) {
    const double ratio = scatter_over_error(snr, 4.0);
    EXPECT_GT(ratio, 0.7) << snr;
    EXPECT_LT(ratio, 1.6) << snr;
  }
}

TEST(SpectrumPeak, NothingCountedIsNoPeak) {
  const SpectrumBins bins(0.0, 1.0, kBins, equal_bands(kBands, kBands));
  for (const auto& peak : spectrum_peaks(bins, search_of(1.0, 1, 4), 1.0)) EXPECT_EQ(peak.snr, 0.0);
}

TEST(SpectrumPeak, SizesMustAgree) {
  auto search = search_of(1.0, 1, 4);
  search.delay_bins_per_dm.pop_back();
  EXPECT_THROW(spectrum_peaks(empty_bins(), search, 1.0), std::invalid_argument);
  search = search_of(1.0, 1, 0);
  EXPECT_THROW(spectrum_peaks(empty_bins(), search, 1.0), std::invalid_argument);
  EXPECT_THROW(fit_dm({{1.0, 0.0, 1}}, {0.0}, 1), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
