// The scattered Gaussian, in forms that neither overflow nor cancel.
#include "kernels/pulse_profile.hpp"

#include <cmath>
#include <numbers>

namespace tianyan {
namespace {

double gaussian(double u, double variance) {
  return std::exp(-0.5 * u * u / variance) / std::sqrt(2.0 * std::numbers::pi * variance);
}

}  // namespace

double PulseShape::at(double u_s) const {
  if (u_s < begin_s() || u_s > end_s()) return 0.0;
  if (tau_s < kShortTail * sigma_s) return gaussian(u_s - tau_s, sigma_s * sigma_s + tau_s * tau_s);
  // The exponent is at most 1 / (2 kShortTail^2) + kReach / kShortTail = 320, the argument of erfc at
  // most 19.
  const double ratio = sigma_s / tau_s, z = (ratio - u_s / sigma_s) / std::numbers::sqrt2;
  const double tail = z < -5.0 ? 2.0 : std::erfc(z);  // within 2e-12
  return 0.5 / tau_s * std::exp(0.5 * ratio * ratio - u_s / tau_s) * tail;
}

}  // namespace tianyan
