// What the tests of the polyphase filterbank share: samples, frames, the reference and its bound.
#pragma once
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "kernels/pfb.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {

using Complex = std::complex<float>;
using Complex64 = std::complex<double>;
inline constexpr double kTwoPi = 2.0 * std::numbers::pi;

// Samples [first, first + n) as floats, begun at any offset from the alignment of an array.
struct Samples {
  Samples(std::int64_t first_sample, std::int64_t n, int n_component, std::int64_t offset = 0)
      : first(first_sample), memory({n * n_component + offset}), at(offset) {}
  View<float, 1> view() { return memory.view().slice(0, at, memory.size()); }
  View<const float, 1> cview() const { return memory.cview().slice(0, at, memory.size()); }
  std::int64_t first;
  Array<float, 1> memory;
  std::int64_t at;
};

inline Samples noise(std::int64_t first, std::int64_t n, int n_component, std::uint64_t seed) {
  Samples x(first, n, n_component);
  Xoshiro256 random(seed);
  static const NormalTable normal;  // slow to make
  normal.fill(random, x.memory.data(), x.memory.size());
  return x;
}

// All that frames [begin, end) need.
inline Samples noise_of(const PfbPlan& plan, std::int64_t begin, std::int64_t end, std::uint64_t seed) {
  const auto first = plan.first_sample(begin);
  return noise(first, plan.end_sample(end - 1) - first, plan.params.n_component(), seed);
}

inline std::vector<Complex> frame_of(const PfbPlan& plan, const Samples& x, std::int64_t frame) {
  PfbScratch scratch(plan);
  Array<Complex, 1> spectrum({plan.params.n_chan});
  pfb_frame(plan, scratch, x.cview(), x.first, frame, spectrum.view());
  return values_of(spectrum.cview());
}

inline Array<Complex, 2> frames_of(const PfbPlan& plan, const Samples& x, std::int64_t n_frame) {
  std::vector<PfbScratch> scratch;
  scratch.emplace_back(plan);
  Array<Complex, 2> out({n_frame, plan.params.n_chan});
  pfb(plan, scratch, x.cview(), x.first, 0, out.view());
  return out;
}

inline std::vector<Complex64> reference_of(const PfbParams& params, const Samples& x, std::int64_t frame) {
  Array<Complex64, 1> spectrum({params.n_chan});
  pfb_reference(params, x.cview(), x.first, frame, spectrum.view());
  return values_of(spectrum.cview());
}

// Rounding of a frame, u = 2^-24 for each operation, relative to S = sum_n |h[n]| (|Re x| + |Im x|): the tap
// and the product once each, n_tap - 1 additions; then each bin is a sum of all y, weights of modulus 1, in
// one step for each prime factor p of n_fft. A step is a sum of p products: u for the weight, sqrt(8) u for
// the product, p - 1 additions. Whoever reads it rounds once more.
inline double error_bound(const PfbPlan& plan, const Samples& x, std::int64_t frame) {
  const int n_component = plan.params.n_component();
  double operations = plan.params.n_tap + 2.0, sum = 0.0;
  std::int64_t rest = plan.n_fft;
  for (std::int64_t p = 2; rest > 1; ++p)
    for (; rest % p == 0; rest /= p) operations += static_cast<double>(p) + 3.0;
  const auto begin = (plan.first_sample(frame) - x.first) * n_component;
  for (std::int64_t i = 0; i < plan.n_window * n_component; ++i)
    sum += std::abs(plan.taps(i / n_component) * x.cview()[begin + i]);
  return operations * sum * 0x1p-24;
}

}  // namespace tianyan
