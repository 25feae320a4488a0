// Robust statistics that the flagging kernels share.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

namespace tianyan {

/// Standard deviation of Gaussian noise over its median absolute deviation.
inline constexpr double kSigmaPerMad = 1.4826;

/// The upper median of at least one value; their order is lost.
inline double median_of(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Median and 1.4826 times the median absolute deviation of at least one value.
struct RobustSpread {
  double centre = 0.0, deviation = 0.0;
};
inline RobustSpread robust_spread(std::vector<double> values) {
  RobustSpread spread;
  spread.centre = median_of(values);
  for (auto& v : values) v = std::abs(v - spread.centre);
  spread.deviation = kSigmaPerMad * median_of(values);
  return spread;
}

}  // namespace tianyan
