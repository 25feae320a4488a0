// Means of cells in which no group of channels stands out.
#include "kernels/quiet_means.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tianyan {
namespace {

struct Total {
  std::int64_t sum = 0, n = 0;
  double mean() const { return n > 0 ? static_cast<double>(sum) / static_cast<double>(n) : 0.0; }
};

// A channel's cells with keep[k] != 0 and no rule.
Total total_of(const std::int16_t* sum, const std::uint8_t* count, const std::uint8_t* rule,
               const std::vector<std::uint8_t>& keep) {
  std::int32_t s = 0, n = 0;
  for (std::size_t k = 0; k < keep.size(); ++k) {
    const std::int32_t weight = rule[k] == 0 ? keep[k] : 0;
    s += weight * sum[k];
    n += weight * count[k];
  }
  return {s, n};
}

// Cells in which the group does not stand out, nor in their neighbours.
std::vector<std::uint8_t> quiet_cells(const std::vector<double>& x) {
  std::vector<std::uint8_t> keep(x.size(), 1);
  for (std::size_t k = 0; k < x.size(); ++k)
    if (std::abs(x[k]) > kQuietSigma)
      std::fill(keep.begin() + static_cast<std::ptrdiff_t>(k - std::min<std::size_t>(k, 1)),
                keep.begin() + static_cast<std::ptrdiff_t>(std::min(x.size(), k + 2)), std::uint8_t{0});
  return keep;
}

}  // namespace

void quiet_means(View<const std::int16_t, 2> sum, View<const std::uint8_t, 2> count,
                 View<const std::uint8_t, 2> rule, double variance, View<float, 1> mean) {
  expect(sum.shape() == count.shape() && sum.shape() == rule.shape() && mean.shape(0) == sum.shape(0),
         "means of {} x {} cells with counts of {} x {}, rules of {} x {}, into {}", sum.shape(0),
         sum.shape(1), count.shape(0), count.shape(1), rule.shape(0), rule.shape(1), mean.shape(0));
  expect(sum.rows_contiguous() && count.rows_contiguous() && rule.rows_contiguous(),
         "means of cells need contiguous rows");
  const auto n_cell = static_cast<std::size_t>(sum.shape(1));
  const std::vector<std::uint8_t> all(n_cell, 1);
  std::vector<double> x(n_cell), n(n_cell);
  for (std::int64_t first = 0; first < sum.shape(0); first += kQuietChannels) {
    const auto end = std::min(sum.shape(0), first + kQuietChannels);
    std::fill(x.begin(), x.end(), 0.0);
    std::fill(n.begin(), n.end(), 0.0);
    for (auto c = first; c < end; ++c) {
      const double m = total_of(sum[c].data(), count[c].data(), rule[c].data(), all).mean();
      for (std::size_t k = 0; k < n_cell; ++k) {
        const double weight = rule[c].data()[k] == 0 ? count[c].data()[k] : 0.0;
        x[k] += weight > 0.0 ? sum[c].data()[k] - m * weight : 0.0;
        n[k] += weight;
      }
    }
    for (std::size_t k = 0; k < n_cell; ++k) x[k] = n[k] > 0.0 ? x[k] / std::sqrt(variance * n[k]) : 0.0;
    const auto keep = quiet_cells(x);
    for (auto c = first; c < end; ++c) {
      const auto quiet = total_of(sum[c].data(), count[c].data(), rule[c].data(), keep);
      mean[c] = static_cast<float>(
          quiet.n > 0 ? quiet.mean() : total_of(sum[c].data(), count[c].data(), rule[c].data(), all).mean());
    }
  }
}

}  // namespace tianyan
