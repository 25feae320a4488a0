// Power spectra by FFTW.
#include "kernels/power_spectrum.hpp"

#include <fftw3.h>

#include <algorithm>

namespace tianyan {

struct PowerSpectrum::Transform {
  float* in;
  fftwf_complex* out;
  fftwf_plan plan;

  explicit Transform(std::int64_t n)
      : in(fftwf_alloc_real(static_cast<std::size_t>(n))),
        out(fftwf_alloc_complex(static_cast<std::size_t>(n / 2 + 1))),
        plan(fftwf_plan_dft_r2c_1d(static_cast<int>(n), in, out, FFTW_ESTIMATE)) {}
  ~Transform() {
    fftwf_destroy_plan(plan);
    fftwf_free(in);
    fftwf_free(out);
  }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;
};

PowerSpectrum::PowerSpectrum(std::int64_t n) : n_(n) {
  expect(n >= 2 && n <= (1 << 28), "a power spectrum of {} samples", n);
  transform_ = std::make_unique<Transform>(n);
  sum_.assign(static_cast<std::size_t>(n / 2), 0.0);
}
PowerSpectrum::~PowerSpectrum() = default;
PowerSpectrum::PowerSpectrum(PowerSpectrum&&) noexcept = default;

void PowerSpectrum::add(View<const float, 1> z) {
  expect(z.shape(0) == n_, "a stretch of {} samples for a spectrum of {}", z.shape(0), n_);
  for (std::int64_t t = 0; t < n_; ++t) transform_->in[t] = z[t];
  fftwf_execute(transform_->plan);
  for (std::size_t k = 0; k < sum_.size(); ++k) {
    const double re = transform_->out[k + 1][0], im = transform_->out[k + 1][1];
    sum_[k] += (re * re + im * im) / static_cast<double>(n_);
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
