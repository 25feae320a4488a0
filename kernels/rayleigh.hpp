// Rayleigh's test: the chance that directions at random agree as well.
#pragma once
#include <algorithm>
#include <cmath>

namespace tianyan {

/// Of n directions whose unit vectors have a sum of length R, squared: R^2 = |sum_i exp(i a_i)|^2, in [0,
/// n^2].
///   p = exp(sqrt(1 + 4 n + 4 (n^2 - R^2)) - (1 + 2 n))
/// (Wilkie 1983, Appl. Statist. 32, 311; good to 0.001 from n = 10), at most 1.
/// numpy: np.exp(np.sqrt(1 + 4 * n + 4 * (n**2 - abs(np.exp(1j * a).sum())**2)) - (1 + 2 * n))
inline double rayleigh_p(double n, double sum_squared) {
  const double rest = std::max(0.0, n * n - sum_squared);
  return std::min(1.0, std::exp(std::sqrt(1.0 + 4.0 * n + 4.0 * rest) - (1.0 + 2.0 * n)));
}

}  // namespace tianyan
