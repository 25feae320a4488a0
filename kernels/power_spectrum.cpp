// Power spectra of stretches.
#include "kernels/power_spectrum.hpp"

#include <algorithm>

namespace tianyan {
namespace {

std::int64_t checked_length(std::int64_t n) {
  expect(n >= 2 && n <= (1 << 28), "a power spectrum of {} samples", n);
  return n;
}

}  // namespace

PowerSpectrum::PowerSpectrum(std::int64_t n)
    : fft_(FftKind::kRealForward, checked_length(n)),
      stretch_({n}),
      spectrum_({n / 2 + 1}),
      sum_(static_cast<std::size_t>(n / 2), 0.0) {}

void PowerSpectrum::add(View<const float, 1> z) {
  const auto n = fft_.n();
  expect(z.shape(0) == n, "a stretch of {} samples for a spectrum of {}", z.shape(0), n);
  for (std::int64_t t = 0; t < n; ++t) stretch_(t) = z[t];
  fft_.run(stretch_.data(), spectrum_.data());
  for (std::size_t k = 0; k < sum_.size(); ++k) {
    const double re = spectrum_(k + 1).real(), im = spectrum_(k + 1).imag();
    sum_[k] += (re * re + im * im) / static_cast<double>(n);
  }
  ++n_stretch_;
}

std::vector<double> PowerSpectrum::power() const {
  if (n_stretch_ == 0) return {};
  auto mean = sum_;
  for (auto& v : mean) v /= static_cast<double>(n_stretch_);
  return mean;
}

}  // namespace tianyan
