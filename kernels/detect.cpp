// Products of polarisations, compiled once for each instruction set, and their sums over time.
#include "kernels/detect.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/detect.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#ifndef TIANYAN_DETECT_ONCE
#define TIANYAN_DETECT_ONCE
namespace tianyan {
// What becomes of a pair of samples.
enum class DetectForm { kOne, kTwo, kCoherence, kLinearStokes, kCircularStokes };
}  // namespace tianyan
#endif

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <DetectForm kForm>
constexpr int kProductsOf = kForm == DetectForm::kOne || kForm == DetectForm::kTwo ? 1 : 4;

template <class V>
HWY_INLINE V Power(V re, V im) {
  return hn::Add(hn::Mul(re, re), hn::Mul(im, im));
}

template <DetectForm kForm, class V>
HWY_INLINE void ProductsOf(V xr, V xi, V yr, V yi, V* p) {
  const V aa = Power(xr, xi);
  if constexpr (kForm == DetectForm::kOne) {
    p[0] = aa;
  } else if constexpr (kForm == DetectForm::kTwo) {
    p[0] = hn::Add(aa, Power(yr, yi));
  } else {
    const V bb = Power(yr, yi), re = hn::Add(hn::Mul(xr, yr), hn::Mul(xi, yi)),
            im = hn::Sub(hn::Mul(xr, yi), hn::Mul(xi, yr));
    constexpr bool kStokes = kForm != DetectForm::kCoherence,
                   kCircular = kForm == DetectForm::kCircularStokes;
    const V sum = hn::Add(aa, bb), difference = hn::Sub(aa, bb), re_2 = hn::Add(re, re),
            im_2 = hn::Add(im, im);
    p[0] = kStokes ? sum : aa;
    p[1] = !kStokes ? bb : kCircular ? re_2 : difference;
    p[2] = !kStokes ? re : kCircular ? im_2 : re_2;
    p[3] = !kStokes ? im : kCircular ? difference : im_2;
  }
}

// Products of one vector of samples, added to sums[p stride].
template <DetectForm kForm, class D>
HWY_INLINE void AddVector(D d, const float* x, const float* y, float* sums, int64_t stride) {
  using V = hn::Vec<D>;
  V xr, xi, yr, yi, product[4];
  hn::LoadInterleaved2(d, x, xr, xi);
  if constexpr (kForm == DetectForm::kOne) {
    yr = yi = hn::Zero(d);
  } else {
    hn::LoadInterleaved2(d, y, yr, yi);
  }
  ProductsOf<kForm>(xr, xi, yr, yi, product);
  for (int p = 0; p < kProductsOf<kForm>; ++p)
    hn::StoreU(hn::Add(hn::LoadU(d, sums + p * stride), product[p]), d, sums + p * stride);
}

template <DetectForm kForm>
void AddRows(const float* x, const float* y, float* sums, int64_t stride, int64_t n) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) AddVector<kForm>(d, x + 2 * i, y + 2 * i, sums + i, stride);
  for (; i < n; ++i) AddVector<kForm>(one, x + 2 * i, y + 2 * i, sums + i, stride);
}

void Add(DetectForm form, const float* x, const float* y, float* sums, int64_t stride, int64_t n) {
  switch (form) {
    case DetectForm::kOne:
      return AddRows<DetectForm::kOne>(x, x, sums, stride, n);
    case DetectForm::kTwo:
      return AddRows<DetectForm::kTwo>(x, y, sums, stride, n);
    case DetectForm::kCoherence:
      return AddRows<DetectForm::kCoherence>(x, y, sums, stride, n);
    case DetectForm::kLinearStokes:
      return AddRows<DetectForm::kLinearStokes>(x, y, sums, stride, n);
    case DetectForm::kCircularStokes:
      return AddRows<DetectForm::kCircularStokes>(x, y, sums, stride, n);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {
namespace {

HWY_EXPORT(Add);

DetectForm form_of(PolProducts products, FeedBasis basis, bool has_y) {
  if (products == PolProducts::kIntensity) return has_y ? DetectForm::kTwo : DetectForm::kOne;
  if (products == PolProducts::kCoherence) return DetectForm::kCoherence;
  return basis == FeedBasis::kLinear ? DetectForm::kLinearStokes : DetectForm::kCircularStokes;
}

void check_voltages(PolProducts products, View<const std::complex<float>, 1> x,
                    View<const std::complex<float>, 1> y) {
  expect(y.shape(0) == x.shape(0) || (y.shape(0) == 0 && products == PolProducts::kIntensity),
         "{} products of {} samples of one and {} of the other polarisation", n_product(products), x.shape(0),
         y.shape(0));
  expect(x.rows_contiguous() && y.rows_contiguous(), "voltages with strides {} and {}; 1 is needed",
         x.stride(0), y.stride(0));
}

void check_sums(PolProducts products, View<const std::complex<float>, 1> x,
                View<const std::complex<float>, 1> y, View<float, 2> sums) {
  check_voltages(products, x, y);
  expect(sums.shape(0) == n_product(products) && sums.shape(1) == x.shape(0) && sums.rows_contiguous(),
         "sums of {} products, {} channels, stride {}, for {} of {}", sums.shape(0), sums.shape(1),
         sums.stride(1), n_product(products), x.shape(0));
}

void check_integration(PolProducts products, View<const std::complex<float>, 1> x,
                       View<const std::complex<float>, 1> y, std::int64_t n_sum,
                       View<const std::uint8_t, 1> good, View<float, 2> out, View<std::int32_t, 1> n_good) {
  check_voltages(products, x, y);
  expect(n_sum >= 1 && n_sum <= std::numeric_limits<std::int32_t>::max(), "sums of {} samples", n_sum);
  expect(x.shape(0) % n_sum == 0 && x.shape(0) / n_sum == out.shape(1) && n_good.shape(0) == out.shape(1),
         "{} samples in sums of {} for {} sums and {} counts", x.shape(0), n_sum, out.shape(1),
         n_good.shape(0));
  expect(good.shape(0) == x.shape(0) && good.rows_contiguous(), "{} flags, stride {}, for {} samples",
         good.shape(0), good.stride(0), x.shape(0));
  expect(out.shape(0) == n_product(products) && out.rows_contiguous() && n_good.rows_contiguous(),
         "room for {} products, stride {}, of {}", out.shape(0), out.stride(1), n_product(products));
}

const float* floats(const std::complex<float>* p) { return reinterpret_cast<const float*>(p); }

// Products of up to kDetectTile samples of one channel; flagged samples are 0.
struct DetectTile {
  std::array<std::array<float, kDetectTile>, 4> product;

  void fill(DetectForm form, int n_row, const std::complex<float>* x, const std::complex<float>* y,
            const std::uint8_t* good, std::int64_t n) {
    for (int p = 0; p < n_row; ++p) std::fill_n(product[p].data(), n, 0.0F);
    HWY_DYNAMIC_DISPATCH(Add)(form, floats(x), floats(y), product[0].data(), kDetectTile, n);
    if (std::memchr(good, 0, static_cast<std::size_t>(n)) == nullptr) return;
    for (int p = 0; p < n_row; ++p)
      for (std::int64_t j = 0; j < n; ++j) product[p][j] = good[j] != 0 ? product[p][j] : 0.0F;
  }
};

// Eight parts, whatever the processor: the same bits everywhere.
double sum_in_parts(const float* v, std::int64_t n) {
  double sum = 0.0;
  const std::int64_t j = n / 8 * 8;
  for (std::int64_t i = j; i < n; ++i) sum += v[i];
  if (j == 0) return sum;
  std::array<float, 8> part{};
  for (std::int64_t i = 0; i < j; i += 8)
    for (int k = 0; k < 8; ++k) part[k] += v[i + k];
  for (const float s : part) sum += s;
  return sum;
}

std::int32_t count_good(const std::uint8_t* good, std::int64_t n) {
  std::int32_t count = 0;
  for (std::int64_t j = 0; j < n; ++j) count += good[j] != 0 ? 1 : 0;
  return count;
}

float scaled(double sum, std::int64_t n_sum, std::int32_t n_good) {
  return n_good == 0 ? 0.0F : static_cast<float>(sum * static_cast<double>(n_sum) / n_good);
}

PairProducts products_at(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                         View<const std::complex<float>, 1> y, std::int64_t t) {
  const auto b = y.shape(0) > 0 ? y[t] : std::complex<float>();
  return products_of(products, basis, x[t].real(), x[t].imag(), b.real(), b.imag());
}

}  // namespace

void add_products(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                  View<const std::complex<float>, 1> y, View<float, 2> sums) {
  check_sums(products, x, y, sums);
  HWY_DYNAMIC_DISPATCH(Add)
  (form_of(products, basis, y.shape(0) > 0), floats(x.data()), floats(y.data()), sums.data(), sums.stride(0),
   x.shape(0));
}

void add_products_reference(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                            View<const std::complex<float>, 1> y, View<float, 2> sums) {
  check_sums(products, x, y, sums);
  for (std::int64_t c = 0; c < x.shape(0); ++c) {
    const auto product = products_at(products, basis, x, y, c);
    for (int p = 0; p < n_product(products); ++p) sums(p, c) += product.value[p];
  }
}

void integrate_products(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                        View<const std::complex<float>, 1> y, std::int64_t n_sum,
                        View<const std::uint8_t, 1> good, View<float, 2> out, View<std::int32_t, 1> n_good) {
  check_integration(products, x, y, n_sum, good, out, n_good);
  const auto form = form_of(products, basis, y.shape(0) > 0);
  const int n_row = n_product(products);
  // A tile holds many short sums, or a part of one long one.
  const std::int64_t per_tile = std::max<std::int64_t>(1, kDetectTile / n_sum);
  DetectTile tile;
  for (std::int64_t first = 0; first < out.shape(1); first += per_tile) {
    const std::int64_t count = std::min(per_tile, out.shape(1) - first), end = (first + count) * n_sum;
    std::array<double, 4> sum{};
    for (std::int64_t i = first; i < first + count; ++i)
      n_good[i] = count_good(good.data() + i * n_sum, n_sum);
    for (std::int64_t t = first * n_sum; t < end; t += kDetectTile) {
      const std::int64_t n = std::min(kDetectTile, end - t);
      const auto* second = y.shape(0) > 0 ? y.data() + t : nullptr;
      tile.fill(form, n_row, x.data() + t, second, good.data() + t, n);
      for (int p = 0; p < n_row; ++p) {
        const float* row = tile.product[p].data();
        if (count == 1) sum[p] += sum_in_parts(row, n);
        for (std::int64_t i = 0; count > 1 && i < count; ++i)
          out(p, first + i) = scaled(sum_in_parts(row + i * n_sum, n_sum), n_sum, n_good[first + i]);
      }
    }
    for (int p = 0; count == 1 && p < n_row; ++p) out(p, first) = scaled(sum[p], n_sum, n_good[first]);
  }
}

void integrate_products_reference(PolProducts products, FeedBasis basis, View<const std::complex<float>, 1> x,
                                  View<const std::complex<float>, 1> y, std::int64_t n_sum,
                                  View<const std::uint8_t, 1> good, View<float, 2> out,
                                  View<std::int32_t, 1> n_good) {
  check_integration(products, x, y, n_sum, good, out, n_good);
  for (std::int64_t i = 0; i < out.shape(1); ++i) {
    std::array<double, 4> sum{};
    n_good[i] = 0;
    for (std::int64_t t = i * n_sum; t < (i + 1) * n_sum; ++t) {
      if (good[t] == 0) continue;
      ++n_good[i];
      const auto product = products_at(products, basis, x, y, t);
      for (int p = 0; p < n_product(products); ++p) sum[p] += product.value[p];
    }
    for (int p = 0; p < n_product(products); ++p) out(p, i) = scaled(sum[p], n_sum, n_good[i]);
  }
}

}  // namespace tianyan
#endif
