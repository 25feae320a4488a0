// Levels of columns, and floats to bytes; plain loops that compilers vectorise.
#include "kernels/requantise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tianyan {
namespace {

// Columns whose sums stay in the first cache.
constexpr std::int64_t kColumnChunk = 256;

// Sums of differences from a first value, which keep their digits where the mean is large.
struct ColumnSums {
  std::array<float, kColumnChunk> origin{};
  std::array<std::int64_t, kColumnChunk> count{};
  std::array<double, kColumnChunk> sum{}, squares{};

  void add(const float* row, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      if (!std::isfinite(row[i])) continue;
      if (count[i]++ == 0) origin[i] = row[i];
      const double difference = static_cast<double>(row[i]) - origin[i];
      sum[i] += difference;
      squares[i] += difference * difference;
    }
  }
};

void levels_of(const ColumnSums& sums, std::int64_t i, double sigma_levels, double mean_level, float& scale,
               float& offset) {
  scale = 1.0F;
  offset = 0.0F;
  if (sums.count[i] == 0) return;
  const auto n = static_cast<double>(sums.count[i]);
  const double shift = sums.sum[i] / n, mean = sums.origin[i] + shift;
  const double step = std::sqrt(std::max(0.0, sums.squares[i] / n - shift * shift)) / sigma_levels;
  constexpr double kLeast = std::numeric_limits<float>::min(), kMost = std::numeric_limits<float>::max();
  const bool varies = step >= kLeast && step <= kMost;  // in float32
  if (varies) scale = static_cast<float>(step);
  offset = static_cast<float>(std::clamp(varies ? mean - mean_level * step : mean, -kMost, kMost));
}

void check_table(View<const float, 2> values, const RequantTable& table, View<std::uint8_t, 2> out) {
  expect(values.shape() == out.shape(), "{} x {} values into {} x {} bytes", values.shape(0), values.shape(1),
         out.shape(0), out.shape(1));
  expect(std::ssize(table.scale) == values.shape(1) && std::ssize(table.offset) == values.shape(1),
         "{} scales and {} offsets for {} columns", table.scale.size(), table.offset.size(), values.shape(1));
  expect(values.rows_contiguous() && out.rows_contiguous(), "rows of strides {} and {}; 1 is needed",
         values.stride(1), out.stride(1));
}

std::int64_t requantise_row(const float* v, const float* scale, const float* offset, std::uint8_t* raw,
                            std::int64_t n) {
  constexpr float kRound = 0x1.8p23F;  // sums with it are whole numbers, ties to even
  std::int32_t inside = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const float level = (v[i] - offset[i]) / scale[i];
    inside += static_cast<int>(level >= -0.5F) & static_cast<int>(level < 255.5F);
    const float above = level > 0.0F ? level : 0.0F;  // 0 where level is not a number
    const float clipped = above < 255.0F ? above : 255.0F;
    raw[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>((clipped + kRound) - kRound));
  }
  return n - inside;
}

}  // namespace

RequantTable measure_levels(View<const float, 2> values, View<const std::uint8_t, 1> good_times,
                            double sigma_levels, double mean_level) {
  expect(good_times.shape(0) == values.shape(0), "{} flags for {} times", good_times.shape(0),
         values.shape(0));
  expect(values.rows_contiguous(), "rows of stride {}; 1 is needed", values.stride(1));
  expect(std::isfinite(sigma_levels) && sigma_levels > 0.0, "{} levels per sigma; it must be positive",
         sigma_levels);
  expect(mean_level >= 0.0 && mean_level <= 255.0, "a mean at level {}; 0 to 255 are possible", mean_level);
  const std::int64_t n_column = values.shape(1);
  RequantTable table;
  table.scale.resize(static_cast<std::size_t>(n_column));
  table.offset.resize(static_cast<std::size_t>(n_column));
  for (std::int64_t begin = 0; begin < n_column; begin += kColumnChunk) {
    const std::int64_t n = std::min(kColumnChunk, n_column - begin);
    ColumnSums sums;
    for (std::int64_t t = 0; t < values.shape(0); ++t)
      if (good_times[t] != 0) sums.add(&values(t, begin), n);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(begin + i);
      levels_of(sums, i, sigma_levels, mean_level, table.scale[at], table.offset[at]);
    }
  }
  return table;
}

std::int64_t requantise(View<const float, 2> values, const RequantTable& table, View<std::uint8_t, 2> out) {
  check_table(values, table, out);
  std::int64_t n_clipped = 0;
  for (std::int64_t t = 0; t < values.shape(0); ++t)
    n_clipped += requantise_row(values[t].data(), table.scale.data(), table.offset.data(), out[t].data(),
                                values.shape(1));
  return n_clipped;
}

std::int64_t requantise_reference(View<const float, 2> values, const RequantTable& table,
                                  View<std::uint8_t, 2> out) {
  check_table(values, table, out);
  std::int64_t n_clipped = 0;
  for (std::int64_t t = 0; t < values.shape(0); ++t)
    for (std::int64_t i = 0; i < values.shape(1); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const float level = std::nearbyint((values(t, i) - table.offset[at]) / table.scale[at]);
      const bool inside = level >= 0.0F && level <= 255.0F;
      n_clipped += inside ? 0 : 1;
      out(t, i) = inside ? static_cast<std::uint8_t>(level) : level > 255.0F ? 255 : 0;
    }
  return n_clipped;
}

}  // namespace tianyan
