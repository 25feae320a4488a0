// One-dimensional Fourier transforms in single precision, by FFTW; nothing is normalised.
//
//   forward   X[k] = sum_t x[t] exp(-2 pi i k t / n)       of real x: k = 0 ... n / 2
//   backward  x[t] = sum_k X[k] exp(+2 pi i k t / n)
//
// Plans of up to 2^16 points are measured once and remembered by the process, so equal transforms are the
// same to the bit; wisdom that is kept makes later processes alike too.
//
// numpy: np.fft.fft(x), np.fft.rfft(x), np.fft.ifft(x) * n
#pragma once
#include <complex>
#include <cstdint>
#include <string>

namespace tianyan {

enum class FftKind { kRealForward, kForward, kBackward };

/// Measuring longer ones takes longer than it saves.
inline constexpr std::int64_t kLongestMeasuredFft = std::int64_t{1} << 16;

/// A plan; safe to make in several threads, and to run in several threads at once.
class Fft {
 public:
  /// Throws std::invalid_argument unless 1 <= n <= 2^30, std::runtime_error where FFTW has no plan.
  Fft(FftKind kind, std::int64_t n);
  ~Fft();
  Fft(Fft&& other) noexcept;
  Fft& operator=(Fft&& other) noexcept;

  std::int64_t n() const { return n_; }
  /// `in` and `out` aligned as Array's memory is, not overlapping; `in` is kept. Of a kRealForward plan.
  void run(const float* in, std::complex<float>* out) const;
  /// Of the other kinds.
  void run(const std::complex<float>* in, std::complex<float>* out) const;

 private:
  void* plan_ = nullptr;
  FftKind kind_;
  std::int64_t n_ = 0;
};

/// The smallest n >= at_least whose only prime factors are 2, 3, 5 and 7.
std::int64_t good_fft_size(std::int64_t at_least);

/// What FFTW learnt, from and to a file. A file that is not there, or of another machine, teaches nothing.
void load_fft_wisdom(const std::string& path);
/// Through a temporary name; what cannot be written is not kept.
void save_fft_wisdom(const std::string& path);

}  // namespace tianyan
