// The mean power spectrum of stretches of a series, in units of white noise.
//
//   P[k] = mean over stretches of |sum_t z[t] exp(-2 pi i k t / n)|^2 / n,   k = 1 ... n / 2
//
// For white noise of variance 1, P is 1 on average; its scatter is 1 / sqrt(stretches). The mean, k = 0, is
// left out. By FFTW in single precision.
//
// numpy: np.mean([abs(np.fft.rfft(z))**2 / n for z in stretches], axis=0)[1:]
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/base/view.hpp"

namespace tianyan {

/// Not to be made in two threads at once: FFTW plans one transform at a time.
class PowerSpectrum {
 public:
  /// Of stretches of n >= 2 samples.
  explicit PowerSpectrum(std::int64_t n);
  ~PowerSpectrum();
  PowerSpectrum(PowerSpectrum&&) noexcept;

  /// z [n].
  void add(View<const float, 1> z);
  std::int64_t n_stretch() const { return n_stretch_; }
  /// P[1 ... n / 2]; empty before the first stretch.
  std::vector<double> power() const;

 private:
  struct Transform;
  std::unique_ptr<Transform> transform_;
  std::int64_t n_, n_stretch_ = 0;
  std::vector<double> sum_;
};

}  // namespace tianyan
