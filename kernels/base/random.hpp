// Random numbers that are the same on every machine: xoshiro256++ streams and Gaussian noise by table.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tianyan {

/// splitmix64 (Steele, Lea & Flood 2014): spreads a counter over 64 bits.
constexpr std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// xoshiro256++ (Blackman & Vigna 2019). Different (seed, stream, block) give unrelated sequences, so that
/// work can be cut anywhere.
class Xoshiro256 {
 public:
  explicit Xoshiro256(std::uint64_t seed, std::uint64_t stream = 0, std::uint64_t block = 0) {
    std::uint64_t state = seed;
    state = splitmix64(state) ^ stream;
    state = splitmix64(state) ^ block;
    for (auto& word : s_) word = splitmix64(state);
  }

  std::uint64_t operator()() {
    const std::uint64_t result = rotl(s_[0] + s_[3], 23) + s_[0];
    const std::uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = rotl(s_[3], 45);
    return result;
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }
  /// In [0, n), n > 0; biased by less than n / 2^64.
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>((*this)()) * n) >> 64);
  }

 private:
  static constexpr std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::array<std::uint64_t, 4> s_;
};

/// Gaussian noise of mean 0 and sigma 1: the sum of two draws from a table of 4096 quantiles of a Gaussian of
/// variance 1/2. Entries are multiples of 2^-16, so sums are exact in float32. Excess kurtosis -0.01; no
/// value beyond 5.2 sigma.
class NormalTable {
 public:
  NormalTable() {
    std::vector<double> quantile(kSize);
    double variance = 0.0;
    for (int i = 0; i < kSize; ++i) {
      quantile[i] = normal_quantile((i + 0.5) / kSize);
      variance += quantile[i] * quantile[i] / kSize;
    }
    for (int i = 0; i < kSize; ++i)
      value_[i] = static_cast<float>(std::round(quantile[i] * std::sqrt(0.5 / variance) * 65536.0) / 65536.0);
  }

  /// out[i], i in [0, n): two samples from each 64 bits.
  void fill(Xoshiro256& random, float* out, std::int64_t n) const {
    std::int64_t i = 0;
    for (; i + 1 < n; i += 2) {
      const std::uint64_t bits = random();
      out[i] = draw(bits);
      out[i + 1] = draw(bits >> 24);
    }
    if (i < n) out[i] = draw(random());
  }

 private:
  static constexpr int kSize = 4096;

  float draw(std::uint64_t bits) const { return value_[bits & 4095] + value_[(bits >> 12) & 4095]; }

  /// Bisection on the error function: slow and plain, for a table made once.
  static double normal_quantile(double p) {
    double low = -10.0, high = 10.0;
    for (int i = 0; i < 60; ++i) {
      const double mid = 0.5 * (low + high);
      (0.5 * std::erfc(-mid / std::sqrt(2.0)) < p ? low : high) = mid;
    }
    return 0.5 * (low + high);
  }

  std::array<float, kSize> value_;
};

}  // namespace tianyan
