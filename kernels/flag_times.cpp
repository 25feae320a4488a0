// Outlying times of the zero-DM series.
#include "kernels/flag_times.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/robust.hpp"
#include "kernels/sample_ops.hpp"

namespace tianyan {
namespace {

// Sums of whole cells of `scale` samples, with the standard deviation that their weights predict.
struct Cells {
  std::vector<double> sum, sigma;
};
Cells cells_of(View<const std::int32_t, 1> z, View<const float, 1> sigma_z, View<const std::uint8_t, 1> good,
               int scale) {
  Cells cells;
  for (std::int64_t t = 0; t + scale <= z.shape(0); t += scale) {
    double sum = 0.0, variance = 0.0;
    for (int i = 0; i < scale; ++i) {
      if (good[t + i] == 0) continue;
      sum += z[t + i];
      variance += double{sigma_z[t + i]} * sigma_z[t + i];
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

}  // namespace

void add_zero_dm(View<const std::int8_t, 2> q, View<std::int32_t, 1> z) {
  expect(q.shape(1) == z.shape(0), "zero-DM sum of {} samples into {}", q.shape(1), z.shape(0));
  expect(q.rows_contiguous() && z.rows_contiguous(), "zero-DM sums need contiguous rows");
  constexpr std::int64_t kRows = 256;
  for (std::int64_t c = 0; c < q.shape(0); c += kRows)
    add_columns(q[c].data(), std::min(kRows, q.shape(0) - c), q.stride(0), z.data(), z.shape(0));
}

void subtract_zero_dm(View<const std::int8_t, 1> q, View<std::int32_t, 1> z) {
  expect(q.shape(0) == z.shape(0), "subtracting {} samples from a zero-DM sum of {}", q.shape(0), z.shape(0));
  expect(q.rows_contiguous() && z.rows_contiguous(), "zero-DM sums need contiguous rows");
  for (std::int64_t t = 0; t < q.shape(0); ++t) z.data()[t] -= q.data()[t];
}

void add_zero_dm_reference(View<const std::int8_t, 2> q, View<std::int32_t, 1> z) {
  for (std::int64_t t = 0; t < q.shape(1); ++t)
    for (std::int64_t c = 0; c < q.shape(0); ++c) z[t] += q(c, t);
}

std::int64_t flag_times(View<const std::int32_t, 1> z, View<const float, 1> sigma_z, double threshold,
                        View<std::uint8_t, 1> good) {
  const auto n = z.shape(0);
  expect(sigma_z.shape(0) == n && good.shape(0) == n, "flagging {} times by {} sigmas into {}", n,
         sigma_z.shape(0), good.shape(0));
  expect(threshold > 0.0, "flagging times above {} deviations; it must be positive", threshold);
  std::int64_t flagged = 0;
  for (const int scale : kZeroDmScales) {
    const auto cells = cells_of(z, sigma_z, good, scale);
    const auto [centre, deviation] = spread_of(cells);
    for (std::size_t i = 0; i < cells.sum.size(); ++i) {
      if (!(cells.sigma[i] > 0.0)) continue;
      if (std::abs(cells.sum[i] / cells.sigma[i] - centre) <= threshold * deviation) continue;
      const auto cell = static_cast<std::int64_t>(i);
      for (auto t = std::max<std::int64_t>(0, (cell - 1) * scale); t < std::min(n, (cell + 2) * scale); ++t) {
        flagged += good[t];
        good[t] = 0;
      }
    }
  }
  return flagged;
}

}  // namespace tianyan
