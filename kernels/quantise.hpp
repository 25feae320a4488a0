// Normalisation to int8 and downsampling: what makes dedispersion and boxcar sums integers, the same
// everywhere.
//
//   q[c][t] = clip(round((x[c][t] - mean[c]) kQuantSigma / sigma[c] - factor[c] wave[t]), -kQuantClip,
//                  kQuantClip) w[c][t]
//
// Integers r that stand for x = scale r + offset are (r - (mean - offset) / scale) kQuantSigma scale / sigma:
// the same float operations on r, and the same q where scale is 1 and offset 0.
//
// A step of sigma / 4 adds 1/12 of a level squared to a variance of 16: S/N falls by 1 - (1 + 1/192)^-1/2 =
// 0.26 %. Rounding is to nearest, ties to even, so no bias accumulates over thousands of channels.
//
//   half[c][t] = clip(round((q[c][2t] + q[c][2t + 1]) / 2^shift), -127, 127),   shift 0 or 1
//
// The shift keeps sigma between 4 and 8 levels; the variance of each octave is tracked exactly in
// QuantLevels.
//
// numpy: q = np.clip(np.rint((x - m[:, None]) * (4 / s[:, None])), -31, 31) * w
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"
#include "kernels/unpack.hpp"

namespace tianyan {

inline constexpr float kQuantSigma = 4.0F;
inline constexpr int kQuantClip = 31;

/// What an octave's int8 values are: levels per sigma of unit-variance noise, and their bound.
struct QuantLevels {
  double variance = kQuantSigma * kQuantSigma + 1.0 / 12.0;  ///< of one sample of pure noise, levels^2
  int max_abs = kQuantClip;
  int shift = 0;  ///< applied when this octave was made from the one before
  double noise_added =
      1.0 / 12.0 / (kQuantSigma * kQuantSigma);  ///< variance of all roundings over that of the noise
};
/// The levels after downsampling by two.
QuantLevels next_octave(const QuantLevels& fine);

/// A series that all channels share and that is taken away before rounding: factor[c] wave[t] levels of q
/// (kernels/zero_dm_filter.hpp). Nothing where `wave` is empty.
struct SharedWave {
  View<const std::int16_t, 1> wave;  ///< [time]
  View<const float, 1> factor;       ///< [channel], in the order of x
  bool any() const { return wave.shape(0) > 0; }
};

/// Of a channel: q = round((x - centre) gain); a gain of 0 where nothing can be told.
struct LevelScale {
  float centre = 0.0F, gain = 0.0F;
};
/// Of samples r that stand for scale r + offset, whose mean and sigma are calibrated.
constexpr LevelScale level_scale(float mean, float sigma, double scale = 1.0, double offset = 0.0) {
  const auto is_finite = [](float v) { return v - v == 0.0F; };
  const auto centre = static_cast<float>((mean - offset) / scale);
  const auto gain = static_cast<float>(kQuantSigma * scale / sigma);
  const bool usable = is_finite(centre) && is_finite(sigma) && sigma > 0.0F && is_finite(gain);
  return usable ? LevelScale{centre, gain} : LevelScale{};
}

/// x [channel][time] -> q [channel][time]; channel i of x is channel chan_begin + i of `weights`. Where
/// weight or sigma is zero, or mean or sigma is not finite, q is zero. Contiguous rows.
void normalise(View<const float, 2> x, View<const float, 1> mean, View<const float, 1> sigma,
               const SpanWeights& weights, int chan_begin, const SharedWave& shared, View<std::int8_t, 2> q);
void normalise_reference(View<const float, 2> x, View<const float, 1> mean, View<const float, 1> sigma,
                         const SpanWeights& weights, int chan_begin, const SharedWave& shared,
                         View<std::int8_t, 2> q);

/// The same of integers; mean and sigma are calibrated. T is std::uint8_t, or std::int16_t with values in [0,
/// 512), as unpack() makes them.
template <class T>
void normalise(View<const T, 2> x, const RowCalibration& calibration, View<const float, 1> mean,
               View<const float, 1> sigma, const SpanWeights& weights, int chan_begin,
               const SharedWave& shared, View<std::int8_t, 2> q);
void normalise_reference(View<const std::int16_t, 2> x, const RowCalibration& calibration,
                         View<const float, 1> mean, View<const float, 1> sigma, const SpanWeights& weights,
                         int chan_begin, const SharedWave& shared, View<std::int8_t, 2> q);

/// fine [channel][2 n] -> coarse [channel][n].
void downsample(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse);
void downsample_reference(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse);

}  // namespace tianyan
