// Highway bodies of the operations on samples: compiled once for each instruction set, dispatched at run
// time.
#include "kernels/sample_ops.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sample_ops.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void AddTiles(const uint8_t* HWY_RESTRICT a, const uint8_t* HWY_RESTRICT b, int64_t n_row, int64_t n,
              int16_t* HWY_RESTRICT out, int64_t stride) {
  const hn::CappedTag<int16_t, 32> d;
  const hn::Rebind<uint8_t, decltype(d)> half;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t r = 0; r < n_row; ++r, a += kTile, b += kTile, out += stride) {
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
      hn::StoreU(hn::Add(hn::PromoteTo(d, hn::LoadU(half, a + i)), hn::PromoteTo(d, hn::LoadU(half, b + i))),
                 d, out + i);
    for (; i < n; ++i) out[i] = static_cast<int16_t>(a[i] + b[i]);
  }
}

// Sixteen lanes, as many at a time as a vector holds; the run stays in the first cache.
void AddMomentsFloat(const float* x, int64_t n, float pivot, float low, float high, double* count,
                     double* sum, double* squares) {
  const hn::CappedTag<float, 16> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto vpivot = hn::Set(d, pivot), vlow = hn::Set(d, low), vhigh = hn::Set(d, high),
             one = hn::Set(d, 1.0F);
  float counts[16], sums[16], squared[16];
  const int64_t whole = n / 16 * 16;
  for (int64_t lane = 0; lane < 16; lane += lanes) {
    auto c = hn::Zero(d), s = c, q = c;
    for (int64_t i = lane; i < whole; i += 16) {
      const auto v = hn::Sub(hn::LoadU(d, x + i), vpivot);
      const auto keep = hn::And(hn::Gt(v, vlow), hn::Lt(v, vhigh));
      const auto kept = hn::IfThenElseZero(keep, v);
      c = hn::Add(c, hn::IfThenElseZero(keep, one));
      s = hn::Add(s, kept);
      q = hn::Add(q, hn::Mul(kept, kept));
    }
    hn::StoreU(c, d, counts + lane);
    hn::StoreU(s, d, sums + lane);
    hn::StoreU(q, d, squared + lane);
  }
  for (int64_t i = whole; i < n; ++i) {
    const float v = x[i] - pivot;
    if (!(v > low && v < high)) continue;
    counts[i - whole] += 1.0F;
    sums[i - whole] += v;
    squared[i - whole] += v * v;
  }
  for (int lane = 0; lane < 16; ++lane) {
    *count += counts[lane];
    *sum += sums[lane];
    *squares += squared[lane];
  }
}

using Floating = hn::ScalableTag<float>;

// Levels of float lanes: after 3 * 2^22 is added the lowest byte of the bits is the rounded integer.
template <class D>
struct Levels {
  D d;
  hn::Vec<D> mean, gain, low, high, round;
  HWY_ATTR Levels(float m, float g, float clip)
      : mean(hn::Set(d, m)),
        gain(hn::Set(d, g)),
        low(hn::Set(d, -clip)),
        high(hn::Set(d, clip)),
        round(hn::Set(d, 12582912.0F)) {}

  template <class V>
  HWY_ATTR HWY_INLINE auto Of(V x) const {
    return Rounded(hn::Mul(hn::Sub(x, mean), gain));
  }
  template <class V>
  HWY_ATTR HWY_INLINE auto Of(V x, V away) const {
    return Rounded(hn::Sub(hn::Mul(hn::Sub(x, mean), gain), away));
  }
  template <class V>
  HWY_ATTR HWY_INLINE auto Rounded(V v) const {
    return hn::BitCast(hn::RebindToSigned<D>(), hn::Add(hn::Min(hn::Max(v, low), high), round));
  }
};

// One sample of the integer moments.
void AddMoment(int x, int low, int high, IntegerMoments* m) {
  const int64_t v = x - low;
  if (v < 0 || v > high - low) return;
  m->n += 1;
  m->sum += v;
  m->squares += v * v;
}

#if HWY_TARGET == HWY_SCALAR  // processors without SSSE3: one sample at a time

void TurnTile(const uint8_t* tile, uint8_t* out, int64_t stride) {
  for (int64_t c = 0; c < kTile; ++c)
    for (int64_t t = 0; t < kTile; ++t) out[c * stride + t] = tile[tile_index(c, t)];
}

template <class T>
void AddMoments(const T* x, int64_t n, int64_t step, int low, int high, IntegerMoments* m) {
  for (int64_t i = 0; i < n; ++i)
    if (i % step < kMomentsRun) AddMoment(x[i], low, high, m);
}

template <class T>
void Quantise(const T* x, int64_t n, float mean, float gain, float clip, int8_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = quantised(static_cast<float>(x[i]), mean, gain, clip, 0.0F);
}

template <class T>
void Quantise(const T* x, int64_t n, float mean, float gain, float clip, const int16_t* wave, float factor,
              int8_t* out) {
  for (int64_t i = 0; i < n; ++i)
    out[i] = quantised(static_cast<float>(x[i]), mean, gain, clip, factor * static_cast<float>(wave[i]));
}

#else

// Each zip of rows i and i + 8 rotates the eight bits of (row, column) by one; four swap row and column.
void TurnTile(const uint8_t* HWY_RESTRICT tile, uint8_t* HWY_RESTRICT out, int64_t stride) {
  const hn::CappedTag<uint8_t, 64> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t c = 0; c < kTile; c += 16)
    for (int64_t t = 0; t < kTile; t += lanes) {
      hn::Vec<decltype(d)> a[16], b[16];
      for (int i = 0; i < 16; ++i) a[i] = hn::Load(d, tile + tile_index(c, i) + t);
      const auto zip = [d](const auto& in, auto& zipped) HWY_ATTR {
        for (int i = 0; i < 8; ++i) {
          zipped[2 * i] = hn::InterleaveLower(d, in[i], in[i + 8]);
          zipped[2 * i + 1] = hn::InterleaveUpper(d, in[i], in[i + 8]);
        }
      };
      zip(a, b);
      zip(b, a);
      zip(a, b);
      zip(b, a);
      for (int i = 0; i < 16; ++i) hn::StoreU(a[i], d, out + (c + i) * stride + t);
    }
}

template <class D, class V>
int64_t Total(D d, V v) {
  hn::TFromD<D> lanes[hn::MaxLanes(d)];
  hn::StoreU(v, d, lanes);
  int64_t total = 0;
  for (size_t i = 0; i < hn::Lanes(d); ++i) total += static_cast<int64_t>(lanes[i]);
  return total;
}

// The vector sums of one call, at most kMaxMoments samples. A 32-bit lane of `squares` takes 2 * 2 * 255^2 of
// 16 or more bytes, or 2 * 511^2 of 8 or more int16, at a time: 2^14 / 16 * 2^18 = 2^28, or 2^14 / 8 * 2^19 =
// 2^30, in all. A 16-bit lane of `count` takes 2^14 / 8.
template <class T>
struct Sums;

template <>
struct Sums<uint8_t> {
  hn::CappedTag<uint8_t, 64> d;
  hn::Repartition<uint16_t, decltype(d)> d16;
  hn::Repartition<int16_t, decltype(d)> di16;
  hn::Repartition<int32_t, decltype(d)> d32;
  hn::Repartition<uint64_t, decltype(d)> d64;
  hn::Vec<decltype(d64)> count = hn::Zero(d64), sum = hn::Zero(d64);
  hn::Vec<decltype(d32)> squares = hn::Zero(d32), more = hn::Zero(d32);
  HWY_ATTR Sums() {}  // a constructor of the compiler's own would not be for this target

  template <class V>
  HWY_ATTR HWY_INLINE void Add(V kept, V keep) {
    count = hn::Add(count, hn::SumsOf8(keep));
    sum = hn::Add(sum, hn::SumsOf8(kept));
    const auto pairs = hn::BitCast(d16, kept);
    const auto even = hn::BitCast(di16, hn::And(pairs, hn::Set(d16, 0xFF))),
               odd = hn::BitCast(di16, hn::ShiftRight<8>(pairs));
    squares = hn::ReorderWidenMulAccumulate(d32, even, even, squares, more);
    squares = hn::ReorderWidenMulAccumulate(d32, odd, odd, squares, more);
  }
  HWY_ATTR void AddTo(IntegerMoments* m) const {
    m->n += Total(d64, count) / 255;
    m->sum += Total(d64, sum);
    m->squares += Total(d32, squares) + Total(d32, more);
  }
};

template <>
struct Sums<int16_t> {
  hn::CappedTag<uint16_t, 32> d;
  hn::Repartition<int16_t, decltype(d)> di16;
  hn::Repartition<int32_t, decltype(d)> d32;
  hn::Vec<decltype(d)> count = hn::Zero(d);
  hn::Vec<decltype(d32)> sum = hn::Zero(d32), more_sum = sum, squares = sum, more = sum;
  HWY_ATTR Sums() {}

  template <class V>
  HWY_ATTR HWY_INLINE void Add(V kept, V keep) {
    count = hn::Sub(count, keep);
    const auto v = hn::BitCast(di16, kept);
    sum = hn::ReorderWidenMulAccumulate(d32, v, hn::Set(di16, 1), sum, more_sum);
    squares = hn::ReorderWidenMulAccumulate(d32, v, v, squares, more);
  }
  HWY_ATTR void AddTo(IntegerMoments* m) const {
    m->n += Total(d, count);
    m->sum += Total(d32, sum) + Total(d32, more_sum);
    m->squares += Total(d32, squares) + Total(d32, more);
  }
};

template <class T>
void AddMoments(const T* HWY_RESTRICT x, int64_t n, int64_t step, int low, int high, IntegerMoments* m) {
  Sums<T> sums;
  const auto d = sums.d;
  using Lane = hn::TFromD<decltype(sums.d)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto vlow = hn::Set(d, static_cast<Lane>(low)), width = hn::Set(d, static_cast<Lane>(high - low));
  int64_t begin = 0;
  for (; begin + kMomentsRun <= n; begin += step)
    for (int64_t i = 0; i < kMomentsRun; i += lanes) {
      const auto v = hn::Sub(hn::LoadU(d, reinterpret_cast<const Lane*>(x) + begin + i), vlow);
      const auto keep = hn::VecFromMask(d, hn::Eq(hn::Min(v, width), v));  // below `low` wraps to above
      sums.Add(hn::And(v, keep), keep);
    }
  sums.AddTo(m);
  for (; begin < n; ++begin) AddMoment(x[begin], low, high, m);
}

inline auto Floats(const float* x) {
  const hn::ScalableTag<float> d;
  return hn::LoadU(d, x);
}
inline auto Floats(const int16_t* x) {
  const hn::ScalableTag<float> d;
  return hn::ConvertTo(
      d, hn::PromoteTo(hn::RebindToSigned<decltype(d)>(), hn::LoadU(hn::Rebind<int16_t, decltype(d)>(), x)));
}

template <class T>
void Quantise(const T* HWY_RESTRICT x, int64_t n, float mean, float gain, float clip,
              int8_t* HWY_RESTRICT out) {
  const Levels<Floating> levels(mean, gain, clip);
  const hn::RebindToUnsigned<decltype(levels.d)> d32;
  const hn::Rebind<uint8_t, decltype(d32)> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d32));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::TruncateTo(d8, hn::BitCast(d32, levels.Of(Floats(x + i)))), d8,
               reinterpret_cast<uint8_t*>(out) + i);
  for (; i < n; ++i) out[i] = quantised(static_cast<float>(x[i]), mean, gain, clip, 0.0F);
}

// Lane by lane, four bytes become four floats, four levels and four bytes again: nothing crosses lanes.
void Quantise(const uint8_t* HWY_RESTRICT x, int64_t n, float mean, float gain, float clip,
              int8_t* HWY_RESTRICT out) {
  const Levels<Floating> levels(mean, gain, clip);
  const auto d = levels.d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Repartition<uint8_t, decltype(d)> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d8));
  const auto byte = hn::Set(d32, 0xFF);
  const auto level = [&](auto v) HWY_ATTR { return levels.Of(hn::ConvertTo(d, v)); };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::BitCast(d32, hn::LoadU(d8, x + i));
    const auto unsigned_v = hn::BitCast(hn::RebindToUnsigned<decltype(d)>(), v);
    const auto v0 = level(hn::And(v, byte)), v1 = level(hn::And(hn::ShiftRight<8>(v), byte)),
               v2 = level(hn::And(hn::ShiftRight<16>(v), byte)),
               v3 = level(hn::BitCast(d32, hn::ShiftRight<24>(unsigned_v)));
    const auto low = hn::Or(hn::And(v0, byte), hn::ShiftLeft<8>(hn::And(v1, byte))),
               high = hn::Or(hn::ShiftLeft<16>(hn::And(v2, byte)), hn::ShiftLeft<24>(v3));
    hn::StoreU(hn::BitCast(d8, hn::Or(low, high)), d8, reinterpret_cast<uint8_t*>(out) + i);
  }
  for (; i < n; ++i) out[i] = quantised(static_cast<float>(x[i]), mean, gain, clip, 0.0F);
}

inline auto Promoted(const uint8_t* x) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> d32;
  return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(hn::Rebind<uint8_t, decltype(d)>(), x)));
}
inline auto Promoted(const float* x) { return Floats(x); }
inline auto Promoted(const int16_t* x) { return Floats(x); }

template <class T>
void Quantise(const T* HWY_RESTRICT x, int64_t n, float mean, float gain, float clip,
              const int16_t* HWY_RESTRICT wave, float factor, int8_t* HWY_RESTRICT out) {
  const Levels<Floating> levels(mean, gain, clip);
  const hn::RebindToUnsigned<decltype(levels.d)> d32;
  const hn::Rebind<uint8_t, decltype(d32)> d8;
  const auto vfactor = hn::Set(levels.d, factor);
  const auto lanes = static_cast<int64_t>(hn::Lanes(d32));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = levels.Of(Promoted(x + i), hn::Mul(vfactor, Floats(wave + i)));
    hn::StoreU(hn::TruncateTo(d8, hn::BitCast(d32, v)), d8, reinterpret_cast<uint8_t*>(out) + i);
  }
  for (; i < n; ++i)
    out[i] = quantised(static_cast<float>(x[i]), mean, gain, clip, factor * static_cast<float>(wave[i]));
}

#endif

void AddMomentsU8(const uint8_t* x, int64_t n, int64_t step, int low, int high, IntegerMoments* m) {
  AddMoments(x, n, step, low, high, m);
}
void AddMomentsI16(const int16_t* x, int64_t n, int64_t step, int low, int high, IntegerMoments* m) {
  AddMoments(x, n, step, low, high, m);
}

void QuantiseFloatLess(const float* x, int64_t n, float mean, float gain, float clip, const int16_t* wave,
                       float factor, int8_t* out) {
  Quantise(x, n, mean, gain, clip, wave, factor, out);
}
void QuantiseU8Less(const uint8_t* x, int64_t n, float mean, float gain, float clip, const int16_t* wave,
                    float factor, int8_t* out) {
  Quantise(x, n, mean, gain, clip, wave, factor, out);
}
void QuantiseI16Less(const int16_t* x, int64_t n, float mean, float gain, float clip, const int16_t* wave,
                     float factor, int8_t* out) {
  Quantise(x, n, mean, gain, clip, wave, factor, out);
}

void QuantiseFloat(const float* x, int64_t n, float mean, float gain, float clip, int8_t* out) {
  Quantise(x, n, mean, gain, clip, out);
}
void QuantiseU8(const uint8_t* x, int64_t n, float mean, float gain, float clip, int8_t* out) {
  Quantise(x, n, mean, gain, clip, out);
}
void QuantiseI16(const int16_t* x, int64_t n, float mean, float gain, float clip, int8_t* out) {
  Quantise(x, n, mean, gain, clip, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {

HWY_EXPORT(TurnTile);
HWY_EXPORT(AddTiles);
HWY_EXPORT(AddMomentsU8);
HWY_EXPORT(AddMomentsI16);
HWY_EXPORT(AddMomentsFloat);
HWY_EXPORT(QuantiseFloat);
HWY_EXPORT(QuantiseU8);
HWY_EXPORT(QuantiseI16);
HWY_EXPORT(QuantiseFloatLess);
HWY_EXPORT(QuantiseU8Less);
HWY_EXPORT(QuantiseI16Less);

void turn_tile(const std::uint8_t* tile, std::uint8_t* out, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(TurnTile)(tile, out, stride);
}
void add_tiles(const std::uint8_t* a, const std::uint8_t* b, std::int64_t n_row, std::int64_t n,
               std::int16_t* out, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(AddTiles)(a, b, n_row, n, out, stride);
}
void add_moments(const std::uint8_t* x, std::int64_t n, std::int64_t step, int low, int high,
                 IntegerMoments* moments) {
  HWY_DYNAMIC_DISPATCH(AddMomentsU8)(x, n, step, low, high, moments);
}
void add_moments(const std::int16_t* x, std::int64_t n, std::int64_t step, int low, int high,
                 IntegerMoments* moments) {
  HWY_DYNAMIC_DISPATCH(AddMomentsI16)(x, n, step, low, high, moments);
}
void add_moments(const float* x, std::int64_t n, float pivot, float low, float high, double* count,
                 double* sum, double* squares) {
  HWY_DYNAMIC_DISPATCH(AddMomentsFloat)(x, n, pivot, low, high, count, sum, squares);
}
void quantise(const float* x, std::int64_t n, float mean, float gain, float clip, std::int8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantiseFloat)(x, n, mean, gain, clip, out);
}
void quantise(const std::uint8_t* x, std::int64_t n, float mean, float gain, float clip, std::int8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantiseU8)(x, n, mean, gain, clip, out);
}
void quantise(const std::int16_t* x, std::int64_t n, float mean, float gain, float clip, std::int8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantiseI16)(x, n, mean, gain, clip, out);
}
void quantise(const float* x, std::int64_t n, float mean, float gain, float clip, const std::int16_t* wave,
              float factor, std::int8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantiseFloatLess)(x, n, mean, gain, clip, wave, factor, out);
}
void quantise(const std::uint8_t* x, std::int64_t n, float mean, float gain, float clip,
              const std::int16_t* wave, float factor, std::int8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantiseU8Less)(x, n, mean, gain, clip, wave, factor, out);
}
void quantise(const std::int16_t* x, std::int64_t n, float mean, float gain, float clip,
              const std::int16_t* wave, float factor, std::int8_t* out) {
  HWY_DYNAMIC_DISPATCH(QuantiseI16Less)(x, n, mean, gain, clip, wave, factor, out);
}

}  // namespace tianyan
#endif
