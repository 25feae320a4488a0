// Highway bodies of the polyphase sum: compiled once for each instruction set, dispatched at run time.
#include "kernels/pfb_fold.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pfb_fold.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One block: its sums stay in registers.
HWY_INLINE void FoldBlock(const PfbFold& fold, const float* HWY_RESTRICT taps, const float* HWY_RESTRICT x,
                          float sign, float* HWY_RESTRICT y) {
  const hn::CappedTag<float, 16> d;
  constexpr int64_t kVectors = kFoldBlock / static_cast<int64_t>(hn::MaxLanes(d));
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> sum[kVectors];
  for (int64_t k = 0; k < kVectors; ++k)
    sum[k] = hn::Mul(hn::LoadU(d, taps + k * lanes), hn::LoadU(d, x + k * lanes));
  for (int64_t t = 1; t < fold.n_tap; ++t) {
    taps += kFoldBlock;
    x += fold.n;
    for (int64_t k = 0; k < kVectors; ++k)
      sum[k] = hn::Add(sum[k], hn::Mul(hn::LoadU(d, taps + k * lanes), hn::LoadU(d, x + k * lanes)));
  }
  const auto flip = hn::Set(d, sign);
  for (int64_t k = 0; k < kVectors; ++k) hn::StoreU(hn::Xor(sum[k], flip), d, y + k * lanes);
}

void Fold(const PfbFold& fold, const float* taps, const float* x, int64_t shift, bool is_negated, float* y) {
  const float sign = is_negated ? -0.0F : 0.0F;
  const int64_t split = fold.n - shift;  // from here on sums go to the beginning of y
  int64_t i = 0;
  for (; i + kFoldBlock <= split; i += kFoldBlock)
    FoldBlock(fold, taps + i * fold.n_tap, x + i, sign, y + shift + i);
  if (i < split && i + kFoldBlock <= fold.n) {
    float block[kFoldBlock];
    FoldBlock(fold, taps + i * fold.n_tap, x + i, sign, block);
    std::copy(block, block + (split - i), y + shift + i);
    std::copy(block + (split - i), block + kFoldBlock, y);
    i += kFoldBlock;
  }
  for (; i + kFoldBlock <= fold.n; i += kFoldBlock)
    FoldBlock(fold, taps + i * fold.n_tap, x + i, sign, y + i - split);
  for (; i < fold.n; ++i) {
    float sum = taps[fold.tap_index(0, i)] * x[i];
    for (int t = 1; t < fold.n_tap; ++t) sum += taps[fold.tap_index(t, i)] * x[t * fold.n + i];
    y[i < split ? i + shift : i - split] = is_negated ? -sum : sum;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {

HWY_EXPORT(Fold);

void pfb_fold(const PfbFold& fold, const float* taps, const float* x, std::int64_t shift, bool is_negated,
              float* y) {
  HWY_DYNAMIC_DISPATCH(Fold)(fold, taps, x, shift, is_negated, y);
}

}  // namespace tianyan
#endif
