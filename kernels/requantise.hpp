// Requantisation of detected spectra to bytes, with a scale and an offset for each column.
//
//   raw[t][i] = clip(round((value[t][i] - offset[i]) / scale[i]), 0, 255),   value = raw scale + offset
//   scale[i] = sigma[i] / sigma_levels,   offset[i] = mean[i] - mean_level scale[i]
//
// Columns are products and channels. Rounding is to nearest, ties to even, and adds scale^2 / 12 to the
// variance: at 16 levels per sigma S/N falls by 1 - (1 + 1 / 3072)^-1/2 = 0.016 %. Intensities have their
// tail above, so a mean at level 96 leaves 6 sigma below and 10 above; products of both signs want 128.
// Levels of other columns are measured on slices: values.slice(1, begin, end).
//
// numpy: np.clip(np.rint((v - offset) / scale), 0, 255).astype(np.uint8)
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr double kSigmaLevels = 16.0;
inline constexpr double kIntensityMeanLevel = 96.0;
inline constexpr double kSignedMeanLevel = 128.0;

/// Of each column: value = raw scale + offset. Scales are positive and finite, offsets finite.
struct RequantTable {
  std::vector<float> scale, offset;
};

/// Mean and standard deviation of each column of values [time][column] over the times with good_times[t] !=
/// 0, in double; values that are not finite do not count. A column that does not vary, or has no good value,
/// gets scale 1 and its value, or 0, as offset. Throws std::invalid_argument for shapes that differ,
/// sigma_levels that is not positive or a mean_level outside [0, 255].
RequantTable measure_levels(View<const float, 2> values, View<const std::uint8_t, 1> good_times,
                            double sigma_levels = kSigmaLevels, double mean_level = kIntensityMeanLevel);

/// values [time][column] -> out [time][column], contiguous rows. Returns how many were clipped: would have
/// rounded to less than 0 or more than 255. What is not a number becomes 0 and counts as clipped. Throws
/// std::invalid_argument for shapes that differ.
std::int64_t requantise(View<const float, 2> values, const RequantTable& table, View<std::uint8_t, 2> out);
std::int64_t requantise_reference(View<const float, 2> values, const RequantTable& table,
                                  View<std::uint8_t, 2> out);

}  // namespace tianyan
