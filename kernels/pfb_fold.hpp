// The sum over the taps of a polyphase filterbank, vectorised with Highway and chosen at run time for the
// processor.
//
// Each sum is added in order of t, products rounded: every instruction set gives the same bits. Rows need no
// alignment. The output does not overlap the inputs.
#pragma once
#include <cstdint>

namespace tianyan {

/// Floats of one tap that are summed at once, and whose taps lie together.
inline constexpr std::int64_t kFoldBlock = 32;

struct PfbFold {
  int n_tap = 1;
  std::int64_t n = 0;  ///< floats of one tap
  /// Where the tap of float i, i in [0, n), of tap t lies: in order of block, tap, float.
  constexpr std::int64_t tap_index(std::int64_t t, std::int64_t i) const {
    const auto begin = i / kFoldBlock * kFoldBlock;
    const auto width = n - begin < kFoldBlock ? n - begin : kFoldBlock;
    return begin * n_tap + t * width + (i - begin);
  }
};

/// y[(i + shift) mod n] = +- sum_t taps[tap_index(t, i)] x[t n + i], i in [0, n), t in [0, n_tap), shift in
/// [0, n); minus where is_negated. x: [n_tap n], y: [n].
void pfb_fold(const PfbFold& fold, const float* taps, const float* x, std::int64_t shift, bool is_negated,
              float* y);

}  // namespace tianyan
