// Outlying channels by local medians.
#include "kernels/flag_channels.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/robust.hpp"

namespace tianyan {
namespace {

constexpr std::size_t kMedianStep = 8;  // channels that share their medians

// Deviations of the good channels from their neighbourhood's medians.
struct Deviations {
  std::vector<std::int64_t> channel;
  std::vector<double> mean, scale;
};

// Upper medians of stretches of values whose ends only move forward: the stretch is kept sorted.
class SlidingMedian {
 public:
  explicit SlidingMedian(std::vector<float> values) : values_(std::move(values)) {}
  double of(std::size_t begin, std::size_t end) {
    for (; end_ < end; ++end_) sorted_.insert(place_of(end_), values_[end_]);
    for (; begin_ < begin; ++begin_) sorted_.erase(place_of(begin_));
    return sorted_[sorted_.size() / 2];
  }

 private:
  // Counting has no branches: a few hundred values are not worth a bisection.
  std::vector<float>::iterator place_of(std::size_t i) {
    std::int32_t n_below = 0;
    for (const float v : sorted_) n_below += v < values_[i] ? 1 : 0;
    return sorted_.begin() + n_below;
  }
  std::vector<float> values_, sorted_;
  std::size_t begin_ = 0, end_ = 0;
};

Deviations local_deviations(View<const float, 1> mean, View<const float, 1> sigma,
                            View<const std::uint8_t, 1> good) {
  Deviations d;
  std::vector<float> means, sigmas;
  for (std::int64_t c = 0; c < good.shape(0); ++c) {
    if (good[c] == 0) continue;
    d.channel.push_back(c);
    means.push_back(mean[c]);
    sigmas.push_back(sigma[c]);
  }
  const std::size_t n = means.size();
  SlidingMedian level_near(means), spread_near(sigmas);
  for (std::size_t first = 0; first < n; first += kMedianStep) {
    const std::size_t last = std::min(n, first + kMedianStep),
                      begin = first - std::min<std::size_t>(first, kFlagHalfWindow),
                      end = std::min<std::size_t>(n, last + kFlagHalfWindow);
    const double level = level_near.of(begin, end), spread = spread_near.of(begin, end);
    for (std::size_t i = first; i < last; ++i) {
      d.mean.push_back((means[i] - level) / spread);
      d.scale.push_back(sigmas[i] / spread - 1.0);
    }
  }
  return d;
}

int flag_once(View<const float, 1> mean, View<const float, 1> sigma, View<const std::int64_t, 1> n_good,
              double threshold, View<std::uint8_t, 1> good) {
  const auto d = local_deviations(mean, sigma, good);
  if (d.channel.size() < 3) return 0;
  const double mean_scale = robust_spread(d.mean).deviation, sigma_scale = robust_spread(d.scale).deviation;
  int flagged = 0;
  for (std::size_t i = 0; i < d.channel.size(); ++i) {
    const auto n = static_cast<double>(n_good[d.channel[i]]);
    const double mean_limit = threshold * std::max(mean_scale, 1.0 / std::sqrt(n));
    const double sigma_limit = threshold * std::max(sigma_scale, 1.0 / std::sqrt(2.0 * n));
    if (std::abs(d.mean[i]) <= mean_limit && std::abs(d.scale[i]) <= sigma_limit) continue;
    good[d.channel[i]] = 0;
    ++flagged;
  }
  return flagged;
}

}  // namespace

int flag_unusable_channels(View<const float, 1> mean, View<const float, 1> sigma,
                           View<const std::int64_t, 1> n_good, View<std::uint8_t, 1> good) {
  const auto n = good.shape(0);
  expect(mean.shape(0) == n && sigma.shape(0) == n && n_good.shape(0) == n,
         "flagging {} channels by {} means, {} sigmas, {} counts", n, mean.shape(0), sigma.shape(0),
         n_good.shape(0));
  int flagged = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    const bool usable = n_good[c] > 0 && std::isfinite(mean[c]) && std::isfinite(sigma[c]) && sigma[c] > 0.0F;
    if (good[c] != 0 && !usable) {
      good[c] = 0;
      ++flagged;
    }
  }
  return flagged;
}

int flag_saturated_channels(View<const float, 1> mean, View<const float, 1> sigma, View<const double, 1> top,
                            double margin_sigma, View<std::uint8_t, 1> good) {
  const auto n = good.shape(0);
  expect(mean.shape(0) == n && sigma.shape(0) == n && top.shape(0) == n,
         "saturation of {} channels by {} means, {} sigmas, {} limits", n, mean.shape(0), sigma.shape(0),
         top.shape(0));
  int flagged = 0;
  for (std::int64_t c = 0; c < n; ++c)
    if (good[c] != 0 && top[c] - mean[c] < margin_sigma * sigma[c]) {
      good[c] = 0;
      ++flagged;
    }
  return flagged;
}

int flag_channels(View<const float, 1> mean, View<const float, 1> sigma, View<const std::int64_t, 1> n_good,
                  double threshold, View<std::uint8_t, 1> good) {
  expect(threshold > 0.0, "flagging channels above {} deviations; it must be positive", threshold);
  int flagged = flag_unusable_channels(mean, sigma, n_good, good);
  for (int pass = 0; pass < kFlagPasses; ++pass) {
    const int more = flag_once(mean, sigma, n_good, threshold, good);
    flagged += more;
    if (more == 0) break;
  }
  return flagged;
}

}  // namespace tianyan
