// Outlying times of the zero-DM series.
#include "kernels/flag_times.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/level_ops.hpp"
#include "kernels/robust.hpp"

namespace tianyan {
namespace {

// The whole sum, its noise, and what counts of it.
struct Series {
  View<const std::int32_t, 1> z;
  View<const float, 1> sigma;
  View<const std::uint8_t, 1> good;
};

// Sums of whole cells of `scale` samples, with the standard deviation that their weights predict.
struct Cells {
  std::vector<double> sum, sigma;
};
Cells cells_of(const Series& series, int scale) {
  Cells cells;
  for (std::int64_t t = 0; t + scale <= series.z.shape(0); t += scale) {
    double sum = 0.0, variance = 0.0;
    for (auto i = t; i < t + scale; ++i) {
      if (series.good[i] == 0) continue;
      sum += series.z[i];
      variance += double{series.sigma[i]} * series.sigma[i];
    }
    cells.sum.push_back(sum);
    cells.sigma.push_back(std::sqrt(variance));
  }
  return cells;
}

// Robust centre and deviation of the cells that have weight, in units of their predicted deviation.
RobustSpread spread_of(const Cells& cells) {
  std::vector<double> y;
  for (std::size_t i = 0; i < cells.sum.size(); ++i)
    if (cells.sigma[i] > 0.0) y.push_back(cells.sum[i] / cells.sigma[i]);
  if (y.size() < 8) return {0.0, 1.0};
  const auto spread = robust_spread(std::move(y));
  return {spread.centre, std::max(1.0, spread.deviation)};
}

// A cell of the bands, in units of each band's noise. At least one of its samples has weight.
std::vector<double> bands_of_cell(const ZeroDmBands& bands, const Series& series, std::int64_t begin,
                                  std::int64_t end) {
  std::vector<double> y;
  std::int64_t n = 0;
  for (auto t = begin; t < end; ++t) n += series.good[t] != 0 && series.sigma[t] > 0.0F ? 1 : 0;
  for (std::int64_t b = 0; b < bands.z.shape(0); ++b) {
    if (!(bands.sigma[b] > 0.0F)) continue;
    double sum = 0.0;
    for (auto t = begin; t < end; ++t) sum += series.good[t] != 0 ? bands.z(b, t) : 0;
    y.push_back(sum / (bands.sigma[b] * std::sqrt(static_cast<double>(n))));
  }
  return y;
}

// True where much of the band takes part in an excursion of the whole sum by `t_cell` deviations.
bool is_broad(std::vector<double> y, double t_cell) {
  if (t_cell < 0.0) {
    for (auto& v : y) v = -v;
    t_cell = -t_cell;
  }
  const auto n = static_cast<double>(y.size());
  if (y.size() < static_cast<std::size_t>(kMinBands)) return true;
  const auto high = std::count_if(y.begin(), y.end(), [](double v) { return v > kBandSigma; });
  return static_cast<double>(high) >= kBandFraction * n || median_of(y) * std::sqrt(n) > kBandShare * t_cell;
}

// Where the cells of `scale` samples begin that stand out, in much of the band.
std::vector<std::int64_t> outlying_cells(const Series& series, const ZeroDmBands& bands, double threshold,
                                         int scale) {
  const auto cells = cells_of(series, scale);
  const auto [centre, deviation] = spread_of(cells);
  std::vector<std::int64_t> begins;
  for (std::size_t i = 0; i < cells.sum.size(); ++i) {
    if (!(cells.sigma[i] > 0.0)) continue;
    const double y = cells.sum[i] / cells.sigma[i] - centre;
    const auto begin = static_cast<std::int64_t>(i) * scale;
    if (std::abs(y) > threshold * deviation &&
        is_broad(bands_of_cell(bands, series, begin, begin + scale), y))
      begins.push_back(begin);
  }
  return begins;
}

}  // namespace

void add_zero_dm(View<const std::int8_t, 2> q, View<std::int16_t, 1> z) {
  expect(q.shape(1) == z.shape(0), "zero-DM sum of {} samples into {}", q.shape(1), z.shape(0));
  expect(q.rows_contiguous() && z.rows_contiguous(), "zero-DM sums need contiguous rows");
  expect(q.shape(0) <= 256, "a zero-DM sum of {} channels; 256 fit 16 bits", q.shape(0));
  add_columns(q.data(), q.shape(0), q.stride(0), z.data(), z.shape(0));
}

void subtract_zero_dm(View<const std::int8_t, 1> q, View<std::int16_t, 1> z) {
  expect(q.shape(0) == z.shape(0), "subtracting {} samples from a zero-DM sum of {}", q.shape(0), z.shape(0));
  expect(q.rows_contiguous() && z.rows_contiguous(), "zero-DM sums need contiguous rows");
  for (std::int64_t t = 0; t < q.shape(0); ++t)
    z.data()[t] = static_cast<std::int16_t>(z.data()[t] - q.data()[t]);
}

void add_zero_dm_reference(View<const std::int8_t, 2> q, View<std::int16_t, 1> z) {
  for (std::int64_t t = 0; t < q.shape(1); ++t)
    for (std::int64_t c = 0; c < q.shape(0); ++c) z[t] = static_cast<std::int16_t>(z[t] + q(c, t));
}

void sum_bands(View<const std::int16_t, 2> zb, View<std::int32_t, 1> z) {
  expect(zb.shape(1) == z.shape(0) && zb.rows_contiguous() && z.rows_contiguous(),
         "sum of bands of {} samples into {}, in contiguous rows", zb.shape(1), z.shape(0));
  std::fill(z.data(), z.data() + z.shape(0), 0);
  for (std::int64_t b = 0; b < zb.shape(0); ++b) {
    const std::int16_t* row = zb[b].data();
    for (std::int64_t t = 0; t < z.shape(0); ++t) z.data()[t] += row[t];
  }
}

std::int64_t flag_times(View<const std::int32_t, 1> z, View<const float, 1> sigma_z, const ZeroDmBands& bands,
                        double threshold, View<std::uint8_t, 1> good) {
  const auto n = z.shape(0);
  expect(sigma_z.shape(0) == n && good.shape(0) == n, "flagging {} times by {} sigmas into {}", n,
         sigma_z.shape(0), good.shape(0));
  expect(bands.z.shape(0) == bands.sigma.shape(0) && (bands.z.shape(0) == 0 || bands.z.shape(1) == n),
         "flagging {} times with {} bands of {} times and {} sigmas", n, bands.z.shape(0), bands.z.shape(1),
         bands.sigma.shape(0));
  expect(threshold > 0.0, "flagging times above {} deviations; it must be positive", threshold);
  std::int64_t flagged = 0;
  for (const int scale : kZeroDmScales)
    for (const auto begin : outlying_cells({z, sigma_z, good}, bands, threshold, scale))
      for (auto t = std::max<std::int64_t>(0, begin - scale); t < std::min(n, begin + 2 * scale); ++t) {
        flagged += good[t];
        good[t] = 0;
      }
  return flagged;
}

}  // namespace tianyan
