// Interference by its directions: what is seen at once in beams that are not neighbours.
//
// A cell is a stretch of time of one subband of the reduced plane; y_i[s][t] is the sum of its normalised
// samples in beam i, in units of its standard deviation. For beam b, S_b is b itself and all beams given that
// are not its neighbours (kernels/base/beam_layout.hpp), less, cell by cell, those without weight there; n is
// how many are left:
//
//   T_b[s][t] = sum_{i in S_b} min(max(y_i[s][t], -kCoincidenceClip), kCoincidenceClip) / sqrt(n)
//
// Cell (s, t) is flagged in beam b where n >= 2 and |T_b| > threshold. In noise T_b has a variance of 0.9991:
// the clip takes the rest. Interference of height h in all beams gives h sqrt(n), about 3.6 h with all 19
// beams.
//
// The clip is what keeps the sky. A source that is in k beams of S_b adds at most k kCoincidenceClip /
// sqrt(n) to T_b, however bright it is; the noise of the others comes on top.
//
// k = 1 in every beam that sees a source, as long as those are neighbours of one another (one, two or three
// beams): at most 3.5 / sqrt(2), and 3.5 / sqrt(13) = 0.97 with all 19.
//
// k = 2 in a beam that is a neighbour of neither of two that see it: at most 7 / sqrt(n), 1.94 with all 19 (n
// is 13 for M01..M07, 15 or 16 for the others). k = 3 where three see it, 10.5 / sqrt(n). What is flagged
// there is a cell that the source is not in.
//
// A source above the clip in all six neighbours of its beam has k = 1 in its own beam, which keeps it, but 4
// in those neighbours, 14 / sqrt(13) = 3.88: with the noise they lose a quarter of its cells at a threshold
// of 4.5. Far away k is up to 7.
//
// numpy: T = np.clip(y[S], -3.5, 3.5).sum(0, where=has[S]) / np.sqrt(has[S].sum(0)); bad = abs(T) > threshold
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/view.hpp"

namespace tianyan {

/// Standard deviations of a cell that one beam can add or subtract.
inline constexpr float kCoincidenceClip = 3.5F;

/// beams[b]: its number, 1..19, each once, in any order: sums run in order of the numbers, so that none
/// changes a bit. y, good: [beam][subband][cell], contiguous along cells. good is 0 where a cell has no
/// weight, and is written 0 where flagged; what y holds without weight does not matter, and a NaN has none.
/// Returns how many cells of `good` were newly flagged. What is compared, in float, is n T^2 > threshold^2 n.
/// Throws std::invalid_argument for beams unknown or given twice, shapes that differ, a threshold that is not
/// positive.
std::int64_t flag_coincidences(const std::vector<int>& beams, View<const float, 3> y, double threshold,
                               View<std::uint8_t, 3> good);
std::int64_t flag_coincidences_reference(const std::vector<int>& beams, View<const float, 3> y,
                                         double threshold, View<std::uint8_t, 3> good);

}  // namespace tianyan
