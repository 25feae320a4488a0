// The mean power spectrum of stretches of a series, in units of white noise.
//
//   P[k] = mean over stretches of |sum_t z[t] exp(-2 pi i k t / n)|^2 / n,   k = 1 ... n / 2
//
// For white noise of variance 1, P is 1 on average; its scatter is 1 / sqrt(stretches). The mean, k = 0, is
// left out.
//
// numpy: np.mean([abs(np.fft.rfft(z))**2 / n for z in stretches], axis=0)[1:]
#pragma once
#include <complex>
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/fft.hpp"

namespace tianyan {

class PowerSpectrum {
 public:
  /// Of stretches of n >= 2 samples.
  explicit PowerSpectrum(std::int64_t n);

  /// z [n].
  void add(View<const float, 1> z);
  std::int64_t n_stretch() const { return n_stretch_; }
  /// P[1 ... n / 2]; empty before the first stretch.
  std::vector<double> power() const;

 private:
  Fft fft_;
  Array<float, 1> stretch_;
  Array<std::complex<float>, 1> spectrum_;
  std::int64_t n_stretch_ = 0;
  std::vector<double> sum_;
};

}  // namespace tianyan
