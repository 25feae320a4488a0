// What is left of the channels' means after normalisation, measured where nothing shines.
//
// Detected power is skew, and coarsely digitised data are skew too: the mean that clipping finds is not quite
// the mean of all samples. What is left is the same in thousands of channels and would add up, so it is
// measured and taken from every dedispersed sum. A bright pulse must not be part of it: it would lower all
// that is within its window. With S[c][k] the sum of cell k of channel c, n[c][k] its samples with weight,
// m[c] = sum_k S / sum_k n, and groups g of kQuietChannels channels,
//
//   X[g][k] = sum_{c in g} (S[c][k] - m[c] n[c][k]) / sqrt(variance sum_{c in g} n[c][k])
//   mean[c] = sum_k S[c][k] / sum_k n[c][k]   over cells k without |X[g][j]| > kQuietSigma, j = k - 1, k, k +
//   1
//
// (over all cells where none is left). What a pulse keeps in the mean is then less than its group shows: a
// few thousandths of a deviation of a cell. Noise loses 2e-4 of its cells.
//
// numpy: X = ((S - m * n).reshape(-1, 8, K).sum(1)) / np.sqrt(variance * n.reshape(-1, 8, K).sum(1))
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr int kQuietChannels = 8;
inline constexpr double kQuietSigma = 4.0;

/// sum, count, rule: [channel][cell], of samples with weight but for those of cells with a rule; mean:
/// [channel], levels of a sample, 0 for a channel without weight. The first channel of a group is a multiple
/// of kQuietChannels from the first row. `variance` is that of a sample of noise.
void quiet_means(View<const std::int16_t, 2> sum, View<const std::uint8_t, 2> count,
                 View<const std::uint8_t, 2> rule, double variance, View<float, 1> mean);

}  // namespace tianyan
