// Fourier transforms: worked by hand, the sum in double precision at awkward sizes, there and back, and what
// is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/fft.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Complex = std::complex<float>;
using Complex64 = std::complex<double>;

constexpr std::int64_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 30, 100, 127, 255, 256};

Array<Complex, 1> random_signal(std::int64_t n, std::uint64_t seed) {
  Array<Complex, 1> x({n});
  Xoshiro256 random(seed);
  NormalTable().fill(random, reinterpret_cast<float*>(x.data()), 2 * n);
  return x;
}

// sum_t x[t] exp(sign 2 pi i k t / n)
std::vector<Complex64> sums(const std::vector<Complex64>& x, double sign) {
  const auto n = std::ssize(x);
  std::vector<Complex64> turn, out;
  for (std::int64_t j = 0; j < n; ++j)
    turn.push_back(
        std::polar(1.0, sign * 2.0 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(n)));
  for (std::int64_t k = 0; k < n; ++k) {
    Complex64 sum = 0.0;
    for (std::int64_t t = 0; t < n; ++t)
      sum += x[static_cast<std::size_t>(t)] * turn[static_cast<std::size_t>(k * t % n)];
    out.push_back(sum);
  }
  return out;
}

// A sum over all x, weights of modulus 1, in one step for each prime factor p of n. A step is a sum of p
// products: 2^-24 for the weight, sqrt(8) 2^-24 for the product, p - 1 additions.
double error_bound(const std::vector<Complex64>& x) {
  double sum = 0.0, operations = 0.0;
  for (const auto& v : x) sum += std::abs(v.real()) + std::abs(v.imag());
  auto rest = std::ssize(x);
  for (std::int64_t p = 2; rest > 1; ++p)
    for (; rest % p == 0; rest /= p) operations += static_cast<double>(p) + 3.0;
  return operations * sum * 0x1p-24;
}

std::vector<Complex64> in_double(const Array<Complex, 1>& x) { return {x.data(), x.data() + x.size()}; }

void expect_near(const Array<Complex, 1>& a, const std::vector<Complex64>& b, double tolerance) {
  for (std::int64_t k = 0; k < a.size(); ++k)
    EXPECT_LE(std::abs(Complex64(a(k)) - b[static_cast<std::size_t>(k)]), tolerance)
        << "[k=" << k << "] of " << b.size();
}

TEST(Fft, OfFourPointsIsThatWorkedByHand) {
  const auto x = array_of<Complex>({1.0F, {0.0F, 1.0F}, 0.0F, 2.0F});
  Array<Complex, 1> out({4});
  Fft(FftKind::kForward, 4).run(x.data(), out.data());
  EXPECT_EQ(values_of(out.cview()),
            (std::vector<Complex>{{3.0F, 1.0F}, {2.0F, 2.0F}, {-1.0F, -1.0F}, {0.0F, -2.0F}}));
  Fft(FftKind::kBackward, 4).run(x.data(), out.data());
  EXPECT_EQ(values_of(out.cview()),
            (std::vector<Complex>{{3.0F, 1.0F}, {0.0F, -2.0F}, {-1.0F, -1.0F}, {2.0F, 2.0F}}));
  const auto real = array_of<float>({1.0F, 5.0F, 0.0F, 2.0F});
  Array<Complex, 1> half({3});
  Fft(FftKind::kRealForward, 4).run(real.data(), half.data());
  EXPECT_EQ(values_of(half.cview()), (std::vector<Complex>{8.0F, {1.0F, -3.0F}, -6.0F}));
}

TEST(Fft, IsTheSumBothWaysAtAwkwardSizes) {
  for (const auto n : kSizes) {
    const auto x = random_signal(n, 1);
    const auto in = in_double(x);
    Array<Complex, 1> out({n});
    Fft(FftKind::kForward, n).run(x.data(), out.data());
    expect_near(out, sums(in, -1.0), error_bound(in));
    Fft(FftKind::kBackward, n).run(x.data(), out.data());
    expect_near(out, sums(in, 1.0), error_bound(in));
    EXPECT_EQ(in_double(x), in);  // is kept
  }
}

TEST(Fft, OfRealSamplesIsHalfOfThatOfComplexOnes) {
  for (const auto n : kSizes) {
    Array<float, 1> x({n});
    Xoshiro256 random(2);
    NormalTable().fill(random, x.data(), n);
    const std::vector<float> kept = values_of(x.cview());
    const std::vector<Complex64> in(kept.begin(), kept.end());
    Array<Complex, 1> out({n / 2 + 1});
    const Fft fft(FftKind::kRealForward, n);
    EXPECT_EQ(fft.n(), n);
    fft.run(x.data(), out.data());
    expect_near(out, sums(in, -1.0), error_bound(in));
    EXPECT_EQ(values_of(x.cview()), kept);
    EXPECT_EQ(out(0).imag(), 0.0F);
    EXPECT_TRUE(n % 2 != 0 || out(n / 2).imag() == 0.0F);
  }
}

TEST(Fft, ThereAndBackIsNTimesTheSamples) {
  for (const auto n : kSizes) {
    const auto x = random_signal(n, 3);
    auto in = in_double(x);
    Array<Complex, 1> there({n}), back({n});
    Fft(FftKind::kForward, n).run(x.data(), there.data());
    Fft(FftKind::kBackward, n).run(there.data(), back.data());
    const double tolerance = error_bound(in_double(there)) + static_cast<double>(n) * error_bound(in);
    for (auto& v : in) v *= static_cast<double>(n);
    expect_near(back, in, tolerance);
  }
}

TEST(Fft, EqualPlansGiveEqualBitsInAnyThread) {
  constexpr std::int64_t kN = 360;
  const auto x = random_signal(kN, 4);
  Array<Complex, 1> first({kN});
  const Fft shared(FftKind::kForward, kN);
  shared.run(x.data(), first.data());
  std::vector<Array<Complex, 1>> out;
  for (int i = 0; i < 8; ++i) out.emplace_back(Array<Complex, 1>::Extents{kN});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&, i] {
        auto* to = out[static_cast<std::size_t>(i)].data();
        if (i % 2 == 0)
          shared.run(x.data(), to);
        else
          Fft(FftKind::kForward, kN).run(x.data(), to);
      });
  }
  for (const auto& spectrum : out) EXPECT_EQ(values_of(spectrum.cview()), values_of(first.cview()));
}

TEST(Fft, MayBeMoved) {
  Fft a(FftKind::kForward, 2);
  Fft b(std::move(a));
  Fft c(FftKind::kRealForward, 16);
  c = std::move(b);
  EXPECT_EQ(c.n(), 2);
  const auto x = array_of<Complex>({3.0F, 1.0F});
  Array<Complex, 1> out({2});
  c.run(x.data(), out.data());
  EXPECT_EQ(values_of(out.cview()), (std::vector<Complex>{4.0F, 2.0F}));
}

TEST(Fft, RefusesLengthsThatAreNoneAndSamplesOfTheOtherKind) {
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-4}, (std::int64_t{1} << 30) + 1})
    for (const auto kind : {FftKind::kRealForward, FftKind::kForward, FftKind::kBackward})
      EXPECT_THROW(Fft(kind, n), std::invalid_argument);
  Array<float, 1> real({4});
  Array<Complex, 1> x({4}), out({4});
  EXPECT_THROW(Fft(FftKind::kForward, 4).run(real.data(), out.data()), std::invalid_argument);
  EXPECT_THROW(Fft(FftKind::kBackward, 4).run(real.data(), out.data()), std::invalid_argument);
  EXPECT_THROW(Fft(FftKind::kRealForward, 4).run(x.data(), out.data()), std::invalid_argument);
}

TEST(GoodFftSize, IsTheNextOfSmallPrimes) {
  constexpr std::pair<int, int> kNext[] = {{-3, 1},    {0, 1},       {1, 1},       {2, 2},      {11, 12},
                                           {13, 14},   {17, 18},     {101, 105},   {127, 128},  {211, 216},
                                           {343, 343}, {1025, 1029}, {4096, 4096}, {4097, 4116}};
  for (const auto& [n, good] : kNext) EXPECT_EQ(good_fft_size(n), good) << n;
}

TEST(FftWisdom, IsReadBackAndMissingOrBrokenFilesTeachNothing) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "tianyan_fft_wisdom";
  std::filesystem::remove_all(folder);
  const auto file = folder / "wisdom";
  EXPECT_NO_THROW(load_fft_wisdom(file.string()));
  EXPECT_NO_THROW(save_fft_wisdom(file.string()));  // the folder is not there
  EXPECT_FALSE(std::filesystem::exists(file));
  std::filesystem::create_directory(folder);
  const Fft learnt(FftKind::kForward, 48);
  save_fft_wisdom(file.string());
  EXPECT_GT(std::filesystem::file_size(file), 0U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);  // no temporary is left
  EXPECT_NO_THROW(load_fft_wisdom(file.string()));
  std::ofstream(file) << "not wisdom";
  EXPECT_NO_THROW(load_fft_wisdom(file.string()));
  EXPECT_EQ(Fft(FftKind::kForward, 48).n(), 48);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tianyan
