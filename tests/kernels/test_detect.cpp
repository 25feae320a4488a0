// Detection: Stokes parameters of waves by hand, in both kinds of feed, fast against plain at awkward sizes,
// flagged samples, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <vector>

#include "kernels/detect.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Complex = std::complex<float>;
using enum PolProducts;
using enum FeedBasis;

Array<Complex, 1> noise(std::int64_t n, Xoshiro256& random) {
  Array<Complex, 1> x({n});
  for (std::int64_t i = 0; i < n; ++i) {
    const double re = gaussian(random), im = gaussian(random);
    x(i) = {static_cast<float>(re), static_cast<float>(im)};
  }
  return x;
}

std::vector<float> products_of(PolProducts products, FeedBasis basis, Complex a, Complex b) {
  Array<float, 2> sums({n_product(products), 1});
  add_products(products, basis, View<const Complex, 1>(&a, {1}), View<const Complex, 1>(&b, {1}),
               sums.view());
  return {sums.data(), sums.data() + sums.size()};
}

using Four = std::vector<float>;

TEST(Products, OfOnePairByHand) {
  // A = 1 + 2i, B = 3 - i: |A|^2 = 5, |B|^2 = 10, A* B = (1 - 2i)(3 - i) = 1 - 7i.
  const Complex a{1.0F, 2.0F}, b{3.0F, -1.0F};
  EXPECT_EQ(products_of(kIntensity, kLinear, a, b), Four{15.0F});
  EXPECT_EQ(products_of(kCoherence, kLinear, a, b), (Four{5.0F, 10.0F, 1.0F, -7.0F}));
  EXPECT_EQ(products_of(kCoherence, kCircular, a, b), (Four{5.0F, 10.0F, 1.0F, -7.0F}));
  EXPECT_EQ(products_of(kStokes, kLinear, a, b), (Four{15.0F, -5.0F, 2.0F, -14.0F}));
  EXPECT_EQ(products_of(kStokes, kCircular, a, b), (Four{15.0F, 2.0F, -14.0F, -5.0F}));
}

TEST(Products, OfPolarisedWavesInLinearFeeds) {
  // exp(+i w t): B = i has the field cos, -sin, from x to -y: clockwise towards the receiver, the IEEE's left
  // hand, and V = L - R > 0.
  EXPECT_EQ(products_of(kStokes, kLinear, 1.0F, 0.0F), (Four{1.0F, 1.0F, 0.0F, 0.0F}));
  EXPECT_EQ(products_of(kStokes, kLinear, 0.0F, 1.0F), (Four{1.0F, -1.0F, 0.0F, 0.0F}));
  EXPECT_EQ(products_of(kStokes, kLinear, 1.0F, 1.0F), (Four{2.0F, 0.0F, 2.0F, 0.0F}));
  EXPECT_EQ(products_of(kStokes, kLinear, 1.0F, -1.0F), (Four{2.0F, 0.0F, -2.0F, 0.0F}));
  EXPECT_EQ(products_of(kStokes, kLinear, 1.0F, Complex(0.0F, 1.0F)), (Four{2.0F, 0.0F, 0.0F, 2.0F}));
  EXPECT_EQ(products_of(kStokes, kLinear, 1.0F, Complex(0.0F, -1.0F)), (Four{2.0F, 0.0F, 0.0F, -2.0F}));
}

TEST(Products, OfPolarisedWavesInCircularFeeds) {
  EXPECT_EQ(products_of(kStokes, kCircular, 1.0F, 0.0F), (Four{1.0F, 0.0F, 0.0F, 1.0F}));   // left
  EXPECT_EQ(products_of(kStokes, kCircular, 0.0F, 1.0F), (Four{1.0F, 0.0F, 0.0F, -1.0F}));  // right
  EXPECT_EQ(products_of(kStokes, kCircular, 1.0F, 1.0F), (Four{2.0F, 2.0F, 0.0F, 0.0F}));   // along x
  EXPECT_EQ(products_of(kStokes, kCircular, 1.0F, Complex(0.0F, 1.0F)), (Four{2.0F, 0.0F, 2.0F, 0.0F}));
}

TEST(Products, BothKindsOfFeedGiveTheSameStokesParameters) {
  Xoshiro256 random(1);
  const auto x = noise(50, random), y = noise(50, random);
  for (std::int64_t i = 0; i < 50; ++i) {
    const Complex turned = Complex(0.0F, 1.0F) * y(i);
    const auto half = static_cast<float>(std::numbers::sqrt2 / 2.0);
    const auto linear = products_of(kStokes, kLinear, x(i), y(i)),
               circular = products_of(kStokes, kCircular, (x(i) - turned) * half, (x(i) + turned) * half);
    // Three roundings of each voltage and three of each product: 10 units of the intensity at most.
    for (std::size_t p = 0; p < 4; ++p)
      EXPECT_NEAR(linear[p], circular[p], 10.0F * 0x1p-23F * linear[0]) << p;
  }
}

TEST(Products, AFullyPolarisedSignalHasNoUnpolarisedPart) {
  Xoshiro256 random(2);
  const auto x = noise(100, random), y = noise(100, random);
  for (std::int64_t i = 0; i < 100; ++i)
    for (const auto basis : {kLinear, kCircular}) {
      const auto s = products_of(kStokes, basis, x(i), y(i));
      const double i2 = double{s[0]} * s[0],
                   p2 = double{s[1]} * s[1] + double{s[2]} * s[2] + double{s[3]} * s[3];
      EXPECT_NEAR(i2, p2, 16.0 * 0x1p-24 * i2);  // each is good to 3 roundings of I, and squares double that
    }
}

TEST(AddProducts, EqualsTheReferenceToTheBitAndAccumulates) {
  Xoshiro256 random(3);
  for (const std::int64_t n : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130, 1000})
    for (const auto products : {kIntensity, kCoherence, kStokes})
      for (const auto basis : {kLinear, kCircular})
        for (const bool has_y : {true, false}) {
          if (!has_y && products != kIntensity) continue;
          PaddedRows<float> fast(n_product(products), n, random), plain(n_product(products), n, random);
          fill_uniform(fast.view(), 100, random);
          for (std::int64_t p = 0; p < n_product(products); ++p)
            for (std::int64_t c = 0; c < n; ++c) plain.view()(p, c) = fast.view()(p, c);
          for (int frame = 0; frame < 3; ++frame) {
            const auto x = noise(n + 1, random), y = noise(n + 1, random);
            const auto a = x.cview().slice(0, 1, n + 1),
                       b = has_y ? y.cview().slice(0, 1, n + 1) : View<const Complex, 1>();
            add_products(products, basis, a, b, fast.view());
            add_products_reference(products, basis, a, b, plain.view());
          }
          ASSERT_TRUE(equal(fast.cview(), plain.cview(), "product", "channel")) << n;
          ASSERT_TRUE(fast.gaps_untouched());
        }
}

struct Integrated {
  Array<float, 2> out;
  Array<std::int32_t, 1> n_good;
};
using Integrate = decltype(integrate_products);
Integrated integrated(Integrate* integrate, PolProducts products, const Array<Complex, 1>& x,
                      View<const Complex, 1> y, std::int64_t n_sum, const Array<std::uint8_t, 1>& good) {
  const std::int64_t n = x.size() / n_sum;
  Integrated result{Array<float, 2>({n_product(products), n}), Array<std::int32_t, 1>({n})};
  integrate(products, kLinear, x.cview(), y, n_sum, good.cview(), result.out.view(), result.n_good.view());
  return result;
}

TEST(IntegrateProducts, FlaggedSamplesAreMadeUpForByHand) {
  const auto x = array_of<Complex>({1.0F, 2.0F, {0.0F, 3.0F}, 4.0F, 5.0F, 6.0F}),
             y = array_of<Complex>({1.0F, 1.0F, 1.0F, 1.0F, 1.0F, 1.0F});
  const auto good = array_of<std::uint8_t>({1, 0, 7, 0, 0, 0});
  // The first and third sample: AA = (1 + 9) 3 / 2, CR = 1 3 / 2, CI = Im(-3i) 3 / 2; then nothing.
  const auto r = integrated(integrate_products, kCoherence, x, y.cview(), 3, good);
  EXPECT_EQ(values_of(r.n_good.cview()), (std::vector<std::int32_t>{2, 0}));
  EXPECT_EQ(values_of(r.out.cview()[0]), (Four{15.0F, 0.0F}));
  EXPECT_EQ(values_of(r.out.cview()[1]), (Four{3.0F, 0.0F}));
  EXPECT_EQ(values_of(r.out.cview()[2]), (Four{1.5F, 0.0F}));
  EXPECT_EQ(values_of(r.out.cview()[3]), (Four{-4.5F, 0.0F}));
}

TEST(IntegrateProducts, EqualsTheReferenceAtAwkwardLengths) {
  Xoshiro256 random(4);
  for (const std::int64_t n_sum : {1, 2, 3, 7, 8, 9, 64, 255, 256, 257, 511, 512, 513, 1024, 1500})
    for (const auto products : {kIntensity, kCoherence, kStokes}) {
      const std::int64_t n = n_sum * random_between(random, 1, 1 + 2000 / n_sum);
      const auto x = noise(n, random), y = noise(n, random);
      Array<std::uint8_t, 1> good({n});
      for (std::int64_t t = 0; t < n; ++t) good(t) = random.uniform() < 0.8 ? 255 : 0;
      const auto fast = integrated(integrate_products, products, x, y.cview(), n_sum, good),
                 plain = integrated(integrate_products_reference, products, x, y.cview(), n_sum, good);
      const auto power = integrated(integrate_products_reference, kIntensity, x, y.cview(), n_sum, good);
      for (std::int64_t i = 0; i < fast.out.shape(1); ++i) {
        ASSERT_EQ(fast.n_good(i), plain.n_good(i));
        // At most 512 / 8 additions in a row, on terms that the intensity bounds, and the last rounding.
        const float tolerance = 66.0F * 0x1p-24F * power.out(0, i);
        for (std::int64_t p = 0; p < fast.out.shape(0); ++p)
          ASSERT_NEAR(fast.out(p, i), plain.out(p, i), tolerance) << n_sum << " " << p << " " << i;
      }
    }
}

TEST(IntegrateProducts, WhatIsFlaggedHasNoSayWhateverItHolds) {
  Xoshiro256 random(5);
  auto x = noise(600, random);
  Array<std::uint8_t, 1> good({600});
  for (std::int64_t t = 0; t < 600; ++t) good(t) = t % 5 != 2;
  const auto before = integrated(integrate_products, kIntensity, x, {}, 30, good);
  for (std::int64_t t = 2; t < 600; t += 5) x(t) = {std::numeric_limits<float>::quiet_NaN(), 1e30F};
  const auto after = integrated(integrate_products, kIntensity, x, {}, 30, good);
  EXPECT_TRUE(equal(before.out.cview(), after.out.cview(), "product", "sum"));
  EXPECT_EQ(after.n_good(3), 24);
}

TEST(IntegrateProducts, TheMeanDoesNotDependOnFlags) {
  Xoshiro256 random(6);
  Array<Complex, 1> x({640});
  for (std::int64_t t = 0; t < 640; ++t) x(t) = std::polar(2.0F, static_cast<float>(t));
  Array<std::uint8_t, 1> good({640});
  for (std::int64_t t = 0; t < 640; ++t) good(t) = random.uniform() < 0.5;
  const auto r = integrated(integrate_products, kIntensity, x, {}, 64, good);
  for (std::int64_t i = 0; i < 10; ++i) EXPECT_NEAR(r.out(0, i), 256.0F, 70.0F * 0x1p-24F * 256.0F);
}

TEST(Products, RefuseShapesThatDoNotFit) {
  Array<Complex, 1> x({12}), shorter({11});
  Array<float, 2> one({1, 12}), four({4, 12}), sums({4, 3}), narrow({4, 2});
  Array<std::uint8_t, 1> good({12}), few({11});
  Array<std::int32_t, 1> n_good({3}), two({2});
  const View<const Complex, 1> none;
  EXPECT_NO_THROW(add_products(kStokes, kLinear, x.cview(), x.cview(), four.view()));
  EXPECT_NO_THROW(add_products(kIntensity, kLinear, x.cview(), none, one.view()));
  EXPECT_THROW(add_products(kStokes, kLinear, x.cview(), none, four.view()), std::invalid_argument);
  EXPECT_THROW(add_products(kCoherence, kLinear, x.cview(), none, four.view()), std::invalid_argument);
  EXPECT_THROW(add_products(kStokes, kLinear, x.cview(), shorter.cview(), four.view()),
               std::invalid_argument);
  EXPECT_THROW(add_products(kStokes, kLinear, x.cview(), x.cview(), one.view()), std::invalid_argument);
  EXPECT_THROW(add_products(kIntensity, kLinear, shorter.cview(), none, one.view()), std::invalid_argument);
  const auto integrate = [&](std::int64_t n_sum, const auto& flags, auto& out, auto& count) {
    integrate_products(kStokes, kLinear, x.cview(), x.cview(), n_sum, flags.cview(), out.view(),
                       count.view());
  };
  EXPECT_NO_THROW(integrate(4, good, sums, n_good));
  EXPECT_THROW(integrate(4, few, sums, n_good), std::invalid_argument);
  EXPECT_THROW(integrate(4, good, narrow, n_good), std::invalid_argument);
  EXPECT_THROW(integrate(4, good, sums, two), std::invalid_argument);
  EXPECT_THROW(integrate(5, good, sums, n_good), std::invalid_argument);
  EXPECT_THROW(integrate(0, good, sums, n_good), std::invalid_argument);
  EXPECT_THROW(integrate(1, good, one, n_good), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
