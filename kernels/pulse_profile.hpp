// Profile of a pulse in time: a Gaussian scattered by a thin screen, of unit area.
//
//   h(u) = 1 / (2 tau) exp(s^2 / (2 tau^2) - u / tau) erfc((s / tau - u / s) / 2^1/2)
//
// is the Gaussian of standard deviation s convolved with exp(-u / tau) / tau, u >= 0; u counts from the peak
// that it would have unscattered. A tail shorter than kShortTail s is a shift by tau and a variance of tau^2
// more: what is left out is a skewness of 2 kShortTail^3 = 2.5e-4.
//
// numpy: scipy.stats.exponnorm(tau / s, scale=s).pdf(u)
#pragma once

namespace tianyan {

inline constexpr double kShortTail = 0.05;

struct PulseShape {
  double sigma_s = 0.0;  ///< > 0
  double tau_s = 0.0;    ///< e-fold of the tail; 0: none

  /// h(u), 1/s. Nothing is drawn outside [begin_s(), end_s()], where 1e-5 of the area is.
  double at(double u_s) const;
  double begin_s() const { return -kReach * sigma_s; }
  double end_s() const { return kReach * sigma_s + kTailReach * tau_s; }

  static constexpr double kReach = 6.0, kTailReach = 12.0;
};

}  // namespace tianyan
