// Boxcars side by side, in powers of two.
#include "kernels/noise_scale.hpp"

#include <cmath>
#include <vector>

namespace tianyan {
namespace {

constexpr double kClipSquare = 2.25, kKappa = 0.7785, kLongMemory = 8192.0, kLeastBoxcars = 32.0;
constexpr double kErrorOfSquare = 1.66, kErrors = 3.0;

struct Boxcar {
  double sum = 0.0, variance = 0.0;
};

void add(const Boxcar& b, double width, double& square, double& weight) {
  const double y2 = b.sum * b.sum / b.variance;
  weight = std::min(weight + 1.0, std::max(kLeastBoxcars, kLongMemory / width));
  square += (std::min(y2, kClipSquare * square) / kKappa - square) / weight;
}

}  // namespace

NoiseFactors NoiseScale::factors() const {
  NoiseFactors noise = kWhiteNoise;
  for (int k = 0; k < kNoiseOctaves; ++k) {
    const auto at = static_cast<std::size_t>(std::clamp(k, kNoiseFirst, kNoiseLast) - kNoiseFirst);
    noise[static_cast<std::size_t>(k)] =
        std::sqrt(1.0 + std::max(0.0, square[at] - 1.0 - kErrors * kErrorOfSquare / std::sqrt(weight[at])));
  }
  return noise;
}

void update_noise_scale(const BoxcarPlan& plan, const VarianceTrack& track, View<const std::int32_t, 1> row,
                        NoiseScale& scale) {
  expect(row.shape(0) % kVarianceBin == 0 && row.rows_contiguous(), "noise of a run of {} samples, {} apart",
         row.shape(0), row.stride(0));
  const auto n_bin = row.shape(0) / kVarianceBin, first_bin = -track.begin / kVarianceBin;
  expect(first_bin >= 0 && first_bin + n_bin <= track.per_bin.shape(0) * track.bin_samples / kVarianceBin,
         "noise of {} bins after {}, a track of {} bins of {}", n_bin, first_bin, track.per_bin.shape(0),
         track.bin_samples);
  std::vector<Boxcar> boxcars(static_cast<std::size_t>(n_bin));
  const bool has_mean = track.mean_per_bin.shape(0) > 0;
  for (std::int64_t i = 0; i < n_bin; ++i) {
    std::int32_t sum = 0;
    for (int j = 0; j < kVarianceBin; ++j) sum += row[i * kVarianceBin + j];
    const auto at = (first_bin + i) * kVarianceBin;  // of the track
    double variance = 0.0;
    for (auto t = at / track.bin_samples; t < (at + kVarianceBin) / track.bin_samples; ++t)
      variance += double{track.per_bin[t]};
    boxcars[static_cast<std::size_t>(i)] = {
        sum - (has_mean ? double{track.mean_per_bin[first_bin + i]} : 0.0), variance};
  }
  for (int k = kNoiseFirst; k <= kNoiseLast && !boxcars.empty(); ++k) {
    const auto at = static_cast<std::size_t>(k - kNoiseFirst);
    const double width = std::ldexp(1.0, k);
    for (const auto& b : boxcars)
      if (b.sum < 0.0 && b.variance > 0.0 && b.variance >= plan.variance_min * width)
        add(b, width, scale.square[at], scale.weight[at]);
    for (std::size_t i = 0; i + 1 < boxcars.size(); i += 2)
      boxcars[i / 2] = {boxcars[i].sum + boxcars[i + 1].sum, boxcars[i].variance + boxcars[i + 1].variance};
    boxcars.resize(boxcars.size() / 2);
  }
}

}  // namespace tianyan
