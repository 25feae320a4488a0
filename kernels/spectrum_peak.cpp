// Fine DMs and boxcars in a binned spectrum.
#include "kernels/spectrum_peak.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace tianyan {
namespace {

constexpr double kWidthRatio = 1.1;
constexpr double kFitFraction = 0.8;  // of the highest S/N, down to which a parabola is fitted

// 1, 2, 3, ... then in steps of a tenth.
std::int64_t next_width(std::int64_t w) {
  return std::max(w + 1, static_cast<std::int64_t>(kWidthRatio * static_cast<double>(w)));
}

// before[i] = sum of x[k], k < i.
void running_sum(View<const double, 1> x, std::vector<double>& before) {
  before.assign(1, 0.0);
  for (std::int64_t i = 0; i < x.shape(0); ++i) before.push_back(before.back() + x[i]);
}

struct Profile {
  std::vector<double> sum, count;  // before bin i

  std::int64_t n_bin() const { return std::ssize(sum) - 1; }
  double snr(std::int64_t begin, std::int64_t width, double variance) const {
    const auto a = static_cast<std::size_t>(begin), b = static_cast<std::size_t>(begin + width);
    const double n = count[b] - count[a];
    return n > 0.0 ? (sum[b] - sum[a]) / std::sqrt(n * variance) : 0.0;
  }
};

SpectrumPeak best_boxcar(const Profile& profile, double centre, const PeakSearch& search, double variance) {
  SpectrumPeak best;
  for (std::int64_t w = 1; w <= search.width_max_bins; w = next_width(w)) {
    const double middle = centre - 0.5 * static_cast<double>(w);
    const auto first = std::max<std::int64_t>(0, std::llround(middle - search.reach_bins));
    const auto last =
        std::min(profile.n_bin() - w, static_cast<std::int64_t>(std::llround(middle + search.reach_bins)));
    for (auto i = first; i <= last; ++i) {
      const double snr = profile.snr(i, w, variance);
      if (snr > best.snr) best = {snr, static_cast<double>(i) + 0.5 * static_cast<double>(w), w};
    }
  }
  return best;
}

// Samples that each band has.
std::vector<double> band_counts(const SpectrumBins& bins) {
  std::vector<double> count;
  for (std::int64_t b = 0; b < bins.n_band(); ++b)
    count.push_back(std::accumulate(&bins.count(b, 0), &bins.count(b, 0) + bins.n_bin(), 0.0));
  return count;
}

// By how much the rounded shifts of the bands are greater than the shifts, on average.
double mean_rounding(View<const double, 1> shift, const std::vector<double>& weight) {
  double sum = 0.0, total = 0.0;
  for (std::int64_t b = 0; b < shift.shape(0); ++b) {
    const double w = weight[static_cast<std::size_t>(b)];
    sum += w * (std::round(shift[b]) - shift[b]);
    total += w;
  }
  return total > 0.0 ? sum / total : 0.0;
}

struct Parabola {
  double b = 0.0, a = 0.0;  // y = c + b u + a u^2
};

double determinant(const std::array<double, 9>& m) {
  return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
         m[2] * (m[3] * m[7] - m[4] * m[6]);
}

// Least squares, by Cramer's rule.
Parabola fit_parabola(const std::vector<double>& u, const std::vector<double>& y) {
  double s[5] = {}, m[3] = {};
  for (std::size_t i = 0; i < u.size(); ++i) {
    double power = 1.0;
    for (int k = 0; k < 5; ++k, power *= u[i]) {
      s[k] += power;
      if (k < 3) m[k] += power * y[i];
    }
  }
  const double all = determinant({s[0], s[1], s[2], s[1], s[2], s[3], s[2], s[3], s[4]});
  return {determinant({s[0], m[0], s[2], s[1], m[1], s[3], s[2], m[2], s[4]}) / all,
          determinant({s[0], s[1], m[0], s[1], s[2], m[1], s[2], s[3], m[2]}) / all};
}

}  // namespace

std::vector<SpectrumPeak> spectrum_peaks(const SpectrumBins& bins, const PeakSearch& search,
                                         double variance) {
  expect(std::ssize(search.delay_bins_per_dm) == bins.n_band() && search.width_max_bins >= 1,
         "peaks over {} bands with {} delays and widths to {} bins", bins.n_band(),
         search.delay_bins_per_dm.size(), search.width_max_bins);
  Array<double, 1> sum({bins.n_bin()}), count({bins.n_bin()}), shift({bins.n_band()});
  const auto weight = band_counts(bins);
  Profile profile;
  std::vector<SpectrumPeak> peaks;
  for (const double x : search.dm_offset_pc_cm3) {
    for (std::int64_t b = 0; b < bins.n_band(); ++b)
      shift(b) = x * search.delay_bins_per_dm[static_cast<std::size_t>(b)];
    shifted_sums(bins, shift.cview(), 0, sum.view(), count.view());
    running_sum(sum.cview(), profile.sum);
    running_sum(count.cview(), profile.count);
    peaks.push_back(
        best_boxcar(profile, search.centre_bin - x * search.mid_delay_bins_per_dm, search, variance));
    peaks.back().centre_bin += mean_rounding(shift.cview(), weight);
  }
  return peaks;
}

std::size_t highest_peak(const std::vector<SpectrumPeak>& peaks, std::size_t first, std::size_t last) {
  std::size_t best = first;
  for (auto d = first; d < last; ++d)
    if (peaks[d].snr > peaks[best].snr) best = d;
  return best;
}

DmFit fit_dm(const std::vector<SpectrumPeak>& peaks, const std::vector<double>& x, std::size_t best) {
  expect(peaks.size() == x.size() && best < x.size(), "fit about trial {} of {} with {} peaks", best,
         x.size(), peaks.size());
  const auto is_high = [&](std::size_t d) { return peaks[d].snr >= kFitFraction * peaks[best].snr; };
  std::size_t first = best, last = best;
  while (first > 0 && is_high(first - 1)) --first;
  while (last + 1 < x.size() && is_high(last + 1)) ++last;
  std::vector<double> u, squares;
  for (auto d = first; d <= last; ++d) {
    u.push_back(x[d] - x[best]);
    squares.push_back(peaks[d].snr * peaks[d].snr);
  }
  const auto fit = u.size() >= 3 ? fit_parabola(u, squares) : Parabola{};
  const double range = x.back() - x.front();
  const double vertex = -0.5 * fit.b / fit.a;
  const double error = fit.a < 0.0 ? 1.0 / std::sqrt(-fit.a) : std::numeric_limits<double>::infinity();
  if (!(error < range) || vertex < u.front() || vertex > u.back()) return {x[best], std::nullopt};
  return {x[best] + vertex, error};
}

}  // namespace tianyan
