// FFTW plans behind one lock.
#include "kernels/fft.hpp"

#include <fftw3.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <utility>

#include "kernels/base/array.hpp"

namespace tianyan {
namespace {

/// FFTW's planner has one state for the process.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

fftwf_complex* as_fftw(std::complex<float>* p) { return reinterpret_cast<fftwf_complex*>(p); }
fftwf_complex* as_fftw(const std::complex<float>* p) { return as_fftw(const_cast<std::complex<float>*>(p)); }

fftwf_plan make_plan(FftKind kind, int n) {
  const unsigned flags = (n <= kLongestMeasuredFft ? FFTW_MEASURE : FFTW_ESTIMATE) | FFTW_PRESERVE_INPUT;
  Array<std::complex<float>, 1> in({n}), out({n});  // measuring writes them
  if (kind == FftKind::kRealForward)
    return fftwf_plan_dft_r2c_1d(n, reinterpret_cast<float*>(in.data()), as_fftw(out.data()), flags);
  const int sign = kind == FftKind::kForward ? FFTW_FORWARD : FFTW_BACKWARD;
  return fftwf_plan_dft_1d(n, as_fftw(in.data()), as_fftw(out.data()), sign, flags);
}

}  // namespace

Fft::Fft(FftKind kind, std::int64_t n) : kind_(kind), n_(n) {
  expect(n >= 1 && n <= std::int64_t{1} << 30, "a Fourier transform of {} points; 1 to 2^30 are possible", n);
  const std::lock_guard lock(planner());
  plan_ = make_plan(kind, static_cast<int>(n));
  require(plan_ != nullptr, "FFTW has no plan for {} points", n);
}

Fft::~Fft() {
  if (!plan_) return;
  const std::lock_guard lock(planner());
  fftwf_destroy_plan(static_cast<fftwf_plan>(plan_));
}

Fft::Fft(Fft&& other) noexcept
    : plan_(std::exchange(other.plan_, nullptr)), kind_(other.kind_), n_(other.n_) {}

Fft& Fft::operator=(Fft&& other) noexcept {
  std::swap(plan_, other.plan_);
  std::swap(kind_, other.kind_);
  std::swap(n_, other.n_);
  return *this;
}

void Fft::run(const float* in, std::complex<float>* out) const {
  expect(kind_ == FftKind::kRealForward, "real samples for a complex transform");
  fftwf_execute_dft_r2c(static_cast<fftwf_plan>(plan_), const_cast<float*>(in), as_fftw(out));
}

void Fft::run(const std::complex<float>* in, std::complex<float>* out) const {
  expect(kind_ != FftKind::kRealForward, "complex samples for a real transform");
  fftwf_execute_dft(static_cast<fftwf_plan>(plan_), as_fftw(in), as_fftw(out));
}

std::int64_t good_fft_size(std::int64_t at_least) {
  for (std::int64_t n = at_least < 1 ? 1 : at_least;; ++n) {
    auto rest = n;
    for (const int prime : {2, 3, 5, 7})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return n;
  }
}

void load_fft_wisdom(const std::string& path) {
  const std::lock_guard lock(planner());
  fftwf_import_wisdom_from_filename(path.c_str());
}

void save_fft_wisdom(const std::string& path) {
  const std::lock_guard lock(planner());
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  const bool is_written = fftwf_export_wisdom_to_filename(temporary.c_str()) != 0;
  if (!is_written || std::rename(temporary.c_str(), path.c_str()) != 0) std::remove(temporary.c_str());
}

}  // namespace tianyan
