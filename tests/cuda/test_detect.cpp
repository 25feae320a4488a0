// Detection and integration, on the host and on a device.
#include "cuda/detect.hpp"

#include "tests/cuda/device_test.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Complex = std::complex<float>;

/// Voltages of one or two polarisations, [channel][time] or [frame][channel], and which of the times count.
struct Voltages {
  Array<Complex, 2> x, y;
  Array<std::uint8_t, 1> good;
};

/// [channel][product][i], and the counts.
struct Sums {
  Sums(std::int64_t n_chan, const Integration& how, std::int64_t n)
      : out({n_chan, n_product(how.products), n}), n_good({n}) {}
  Array<float, 3> out;
  Array<std::int32_t, 1> n_good;
};

struct HostDetect {
  static void times(const Integration& how, const Voltages& v, float scale, Sums& sums) {
    for (std::int64_t c = 0; c < sums.out.view().shape(0); ++c) {
      const auto y = v.y.size() > 0 ? v.y.cview()[c] : View<const Complex, 1>();
      integrate_products(how.products, how.basis, v.x.cview()[c], y, how.n_sum, v.good.cview(),
                         sums.out.view()[c], sums.n_good.view());
    }
    for (std::int64_t i = 0; i < sums.out.size(); ++i) sums.out.data()[i] = scale * sums.out.data()[i];
  }
  static void frames(const Integration& how, const Voltages& v, Sums& sums) {
    const auto n_chan = v.x.cview().shape(1);
    for (std::int64_t i = 0; i < sums.n_good.size(); ++i) {
      Array<float, 2> sum({n_product(how.products), n_chan});
      sums.n_good(i) = 0;
      for (auto m = i * how.n_sum; m < (i + 1) * how.n_sum; ++m) {
        if (v.good(m) == 0) continue;
        ++sums.n_good(i);
        const auto y = v.y.size() > 0 ? v.y.cview()[m] : View<const Complex, 1>();
        add_products(how.products, how.basis, v.x.cview()[m], y, sum.view());
      }
      const float scale = sums.n_good(i) > 0 ? 1.0F / static_cast<float>(sums.n_good(i)) : 0.0F;
      for (std::int64_t p = 0; p < sum.view().shape(0); ++p)
        for (std::int64_t c = 0; c < n_chan; ++c) sums.out(c, p, i) = scale * sum(p, c);
    }
  }
};
struct DeviceDetect {
  template <class Call>
  static void run(const Voltages& v, Sums& sums, const Call& call) {
    const Stream stream;
    const auto x = on_device(v.x.cview(), stream), y = on_device(v.y.cview(), stream);
    const auto good = on_device(v.good.cview(), stream);
    // As spectra lie: [i][product][channel].
    const auto n_chan = sums.out.view().shape(0), n_product = sums.out.view().shape(1),
               n = sums.n_good.size();
    const DeviceArray<float, 2> out({n, n_product * n_chan});
    const DeviceArray<std::int32_t, 1> n_good({n});
    const View<float, 3> cube(out.data(), {n_chan, n_product, n}, {1, n_chan, n_product * n_chan});
    call(x.cview(), y.cview(), good.cview(), DeviceView<float, 3>(cube), n_good.view(), stream);
    Array<float, 2> spectra({n, n_product * n_chan});
    to_host(out, spectra.view(), stream);
    to_host(n_good, sums.n_good.view(), stream);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t p = 0; p < n_product; ++p)
        for (std::int64_t c = 0; c < n_chan; ++c) sums.out(c, p, i) = spectra(i, p * n_chan + c);
  }
  static void times(const Integration& how, const Voltages& v, float scale, Sums& sums) {
    run(v, sums, [&](auto x, auto y, auto good, auto out, auto n_good, const Stream& stream) {
      integrate_products(how, x, y, good, scale, out, n_good, stream);
    });
  }
  static void frames(const Integration& how, const Voltages& v, Sums& sums) {
    run(v, sums, [&](auto x, auto y, auto good, auto out, auto n_good, const Stream& stream) {
      integrate_frames(how, x, y, good, out, n_good, stream);
    });
  }
};

template <class Backend>
class DetectOf : public testing::Test {};
using Backends = testing::Types<HostDetect, DeviceDetect>;
TYPED_TEST_SUITE(DetectOf, Backends);

constexpr Integration kKinds[] = {{PolProducts::kIntensity, FeedBasis::kLinear},
                                  {PolProducts::kCoherence, FeedBasis::kLinear},
                                  {PolProducts::kStokes, FeedBasis::kLinear},
                                  {PolProducts::kStokes, FeedBasis::kCircular}};

Array<Complex, 2> noise(std::int64_t n_row, std::int64_t n, Xoshiro256& random) {
  Array<Complex, 2> x({n_row, n});
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = {static_cast<float>(random.uniform() - 0.4), static_cast<float>(random.uniform() - 0.6)};
  return x;
}

// Most are good; all of the second sum are not, where there is one.
Voltages voltages(std::int64_t n_row, std::int64_t n_column, std::int64_t n_time, std::int64_t n_sum,
                  int n_pol, Xoshiro256& random) {
  Voltages v{noise(n_row, n_column, random), noise(n_pol == 2 ? n_row : 0, n_column, random),
             Array<std::uint8_t, 1>({n_time})};
  for (std::int64_t t = 0; t < n_time; ++t)
    v.good(t) = t / n_sum == 1 || random.uniform() < 0.2
                    ? 0
                    : static_cast<std::uint8_t>(random_between(random, 1, 255));
  return v;
}

TYPED_TEST(DetectOf, AddsStokesParametersByHand) {
  // A = 1, B = i twice: I = 2, U = 0, V = 2; then A = 2, B = 0 once, and one that does not count.
  Voltages v{Array<Complex, 2>({1, 4}), Array<Complex, 2>({1, 4}), array_of<std::uint8_t>({1, 1, 1, 0})};
  const Complex x[] = {1.0F, 1.0F, 2.0F, 9.0F}, y[] = {{0.0F, 1.0F}, {0.0F, 1.0F}, 0.0F, 9.0F};
  std::copy_n(x, 4, v.x.data());
  std::copy_n(y, 4, v.y.data());
  Integration how{PolProducts::kStokes, FeedBasis::kLinear, 2};
  Sums sums(1, how, 2);
  TypeParam::times(how, v, 0.5F, sums);
  const float wanted[4][2] = {{2.0F, 4.0F}, {0.0F, 4.0F}, {0.0F, 0.0F}, {2.0F, 0.0F}};  // 1/2 sum 2 / n_good
  for (int p = 0; p < 4; ++p)
    for (int i = 0; i < 2; ++i) EXPECT_EQ(sums.out(0, p, i), wanted[p][i]) << p << " " << i;
  EXPECT_EQ(sums.n_good(0), 2);
  EXPECT_EQ(sums.n_good(1), 1);
}

TYPED_TEST(DetectOf, IsTheHostsOverTimeToTheBit) {
  Xoshiro256 random(51);
  for (auto how : kKinds)
    for (const std::int64_t n_sum : {1, 3, 7, 8, 9, 31, 512, 531, 1030})
      for (const int n_pol : {1, 2}) {
        if (n_pol == 1 && how.products != PolProducts::kIntensity) continue;
        how.n_sum = n_sum;
        const auto n = n_sum > 100 ? 3 : random_between(random, 1, 70), n_chan = random_between(random, 1, 3);
        const auto v = voltages(n_chan, n * n_sum, n * n_sum, n_sum, n_pol, random);
        Sums sums(n_chan, how, n), wanted(n_chan, how, n);
        TypeParam::times(how, v, 0.3F, sums);
        HostDetect::times(how, v, 0.3F, wanted);
        ASSERT_EQ(values_of(sums.n_good.cview()), values_of(wanted.n_good.cview()));
        for (std::int64_t c = 0; c < n_chan; ++c)
          ASSERT_TRUE(equal(sums.out.cview()[c], wanted.out.cview()[c], "product", "sum"))
              << "sums of " << n_sum << ", channel " << c;
      }
}

TYPED_TEST(DetectOf, IsTheHostsOverFramesToTheBit) {
  Xoshiro256 random(52);
  for (auto how : kKinds)
    for (const std::int64_t n_sum : {1, 3, 40})
      for (const std::int64_t n_chan : {1, 255, 257})
        for (const int n_pol : {1, 2}) {
          if (n_pol == 1 && how.products != PolProducts::kIntensity) continue;
          how.n_sum = n_sum;
          const auto n = random_between(random, 1, 3);
          const auto v = voltages(n * n_sum, n_chan, n * n_sum, n_sum, n_pol, random);
          Sums sums(n_chan, how, n), wanted(n_chan, how, n);
          TypeParam::frames(how, v, sums);
          HostDetect::frames(how, v, wanted);
          ASSERT_EQ(values_of(sums.n_good.cview()), values_of(wanted.n_good.cview()));
          for (std::int64_t c = 0; c < n_chan; ++c)
            ASSERT_TRUE(equal(sums.out.cview()[c], wanted.out.cview()[c], "product", "sum"))
                << "sums of " << n_sum << ", channel " << c;
        }
}

TYPED_TEST(DetectOf, RefusesShapesThatDoNotFit) {
  Xoshiro256 random(53);
  Integration how{PolProducts::kCoherence, FeedBasis::kLinear, 3};
  const auto good = voltages(2, 6, 6, 3, 2, random), one = voltages(2, 6, 6, 3, 1, random),
             flags = voltages(2, 6, 5, 3, 2, random);
  Sums sums(2, how, 2), longer(2, how, 3), fewer(2, {}, 2);
  EXPECT_NO_THROW(TypeParam::times(how, good, 1.0F, sums));
  EXPECT_THROW(TypeParam::times(how, one, 1.0F, sums), std::invalid_argument);
  EXPECT_THROW(TypeParam::times(how, flags, 1.0F, sums), std::invalid_argument);
  EXPECT_THROW(TypeParam::times(how, good, 1.0F, longer), std::invalid_argument);
  EXPECT_THROW(TypeParam::times(how, good, 1.0F, fewer), std::invalid_argument);
  how.n_sum = 0;
  EXPECT_THROW(TypeParam::times(how, good, 1.0F, sums), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
