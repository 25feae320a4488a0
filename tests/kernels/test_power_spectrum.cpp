// The mean power spectrum: white noise, a sine, numpy's answer, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "kernels/power_spectrum.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

View<const float, 1> view_of(const std::vector<float>& z) { return {z.data(), {std::ssize(z)}}; }

// numpy: np.mean([abs(np.fft.rfft(z))**2 / n for z in stretches], axis=0)[1:]
TEST(PowerSpectrum, IsThatOfNumpy) {
  const std::vector<float> a{3, -1, 4, 1, -5, 9, 2, -6}, b{2, 7, -1, 8, -2, 8, 1, -8};
  const double even[] = {9.661796564403577, 28.625, 52.08820343559643, 14.125};
  const double odd[] = {2.8692640814657184, 12.109942675317978, 41.09222181464488};
  for (std::int64_t n : {8, 7}) {
    PowerSpectrum spectrum(n);
    spectrum.add(view_of(a).slice(0, 0, n));
    spectrum.add(view_of(b).slice(0, 0, n));
    const auto power = spectrum.power();
    ASSERT_EQ(std::ssize(power), n / 2);
    for (std::size_t k = 0; k < power.size(); ++k)  // floats: 2^-24 log2(8) of each of two amplitudes
      EXPECT_NEAR(power[k], n == 8 ? even[k] : odd[k], 52.0 * 8.0 * 0x1p-24) << n << " " << k;
  }
}

// Each P is the mean of 300 exponentials (of k = n / 2: of squares), whose deviation is 1 / sqrt(300); the
// mean of all is that of 300 * 127 of them.
TEST(PowerSpectrum, OfWhiteNoiseIsOne) {
  Xoshiro256 random(1);
  constexpr int kStretches = 300, kN = 256;
  PowerSpectrum spectrum(kN);
  std::vector<float> z(kN);
  for (int i = 0; i < kStretches; ++i) {
    for (auto& v : z) v = static_cast<float>(7.0 + gaussian(random));  // a level is in k = 0 alone
    spectrum.add(view_of(z));
  }
  EXPECT_EQ(spectrum.n_stretch(), kStretches);
  double mean = 0.0, scatter = 0.0;
  const auto power = spectrum.power();
  for (std::size_t k = 0; k + 1 < power.size(); ++k) {
    mean += power[k] / 127.0;
    scatter += (power[k] - 1.0) * (power[k] - 1.0) / 127.0;
    EXPECT_NEAR(power[k], 1.0, 5.0 / std::sqrt(kStretches)) << k;
  }
  EXPECT_NEAR(mean, 1.0, 5.0 / std::sqrt(kStretches * 127.0));
  EXPECT_NEAR(scatter * kStretches, 1.0, 5.0 * std::sqrt(2.0 / 127.0));
  EXPECT_NEAR(power.back(), 1.0, 5.0 * std::sqrt(2.0 / kStretches));
}

TEST(PowerSpectrum, OfASineIsAQuarterOfItsSquareTimesItsLengthInOneBin) {
  for (std::int64_t n : {100, 101, 128}) {
    PowerSpectrum spectrum(n);
    std::vector<float> z;
    for (std::int64_t t = 0; t < n; ++t)
      z.push_back(static_cast<float>(
          3.0 *
          std::cos(2.0 * std::numbers::pi * 9.0 * static_cast<double>(t) / static_cast<double>(n) + 0.7)));
    spectrum.add(view_of(z));
    const auto power = spectrum.power();
    // Samples of up to 3 that are off by 2^-25 of that, as white noise; and as much again in the transform.
    for (std::size_t k = 0; k < power.size(); ++k)
      EXPECT_NEAR(power[k], k == 8 ? 9.0 * static_cast<double>(n) / 4.0 : 0.0, k == 8 ? 1e-3 : 1e-9)
          << n << " " << k;
  }
}

TEST(PowerSpectrum, OfTwoSamplesIsTheirDifference) {
  PowerSpectrum spectrum(2);
  spectrum.add(view_of({5.0F, 2.0F}));
  EXPECT_EQ(spectrum.power(), (std::vector<double>{4.5}));
  auto moved = std::move(spectrum);
  moved.add(view_of({1.0F, 1.0F}));
  EXPECT_EQ(moved.power(), (std::vector<double>{2.25}));
}

TEST(PowerSpectrum, StretchesMayBeStrided) {
  const std::vector<float> z{3, 0, -1, 0, 4, 0, 1, 0}, plain{3, -1, 4, 1};
  PowerSpectrum strided(4), contiguous(4);
  strided.add(View<const float, 1>(z.data(), {4}, {2}));
  contiguous.add(view_of(plain));
  EXPECT_EQ(strided.power(), contiguous.power());
}

TEST(PowerSpectrum, IsEmptyBeforeItsFirstStretch) {
  const PowerSpectrum spectrum(64);
  EXPECT_EQ(spectrum.n_stretch(), 0);
  EXPECT_TRUE(spectrum.power().empty());
}

TEST(PowerSpectrum, RefusesLengthsThatAreNoneAndThatDiffer) {
  EXPECT_THROW(PowerSpectrum(1), std::invalid_argument);
  EXPECT_THROW(PowerSpectrum(0), std::invalid_argument);
  EXPECT_THROW(PowerSpectrum(-4), std::invalid_argument);
  EXPECT_THROW(PowerSpectrum((1 << 28) + 1), std::invalid_argument);
  PowerSpectrum spectrum(4);
  EXPECT_THROW(spectrum.add(view_of({1, 2, 3})), std::invalid_argument);
  EXPECT_EQ(spectrum.n_stretch(), 0);
}

}  // namespace
}  // namespace tianyan
