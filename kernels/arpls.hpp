// The baseline under a spectrum: smooth, and not lifted by interference, which only ever adds power.
//
// Asymmetrically reweighted penalised least squares (Baek, Park, Ahn & Choo 2015, Analyst 140, 250; for
// interference at FAST: Zeng et al. 2021, MNRAS 500, 2969). The baseline z minimises
//
//   sum_i w[i] (y[i] - z[i])^2 + lambda sum_i (z[i] - 2 z[i+1] + z[i+2])^2,
//
// and the weights follow from what is left, d = y - z:
//
//   w[i] = 1 / (1 + exp(2 (d[i] - (2 s - m)) / s)),
//
// m and s being the mean and the standard deviation (of n - 1) of the negative d: what is below the baseline
// counts in full, what is more than a few s above it not at all. All weights begin at 1; the two steps
// alternate until |w - w_before| / |w_before| < tolerance. Features much longer than about 2 pi lambda^(1/4)
// elements are part of the baseline.
//
// numpy: z = np.linalg.solve(np.diag(w) + lam * D.T @ D, w * y), D = np.diff(np.eye(n), 2, axis=0)
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"

namespace tianyan {

struct ArplsParams {
  double lambda = 1e5;      ///< stiffness: elements^4, relative to a weight of 1
  double tolerance = 1e-3;  ///< of the weights, relative
  int max_iterations = 30;
};

/// Weights of good elements never fall below lambda times this: lines through the last few good elements
/// stay determined in double precision. It is 1e-7 for the usual lambda.
inline constexpr double kArplsLeastWeight = 1e-12;

/// y, good, baseline: [element], y in any unit: the baseline of a y + b is a times y's plus b for a > 0.
/// Elements with good = 0 have no weight and may hold anything; the baseline passes over them, and stays
/// level before the first good one and after the last. It is 0 where there is none. y[i] of good elements is
/// finite, below 1e150. The reweighting ends early where fewer than two d are negative or nothing but
/// rounding is left. Throws std::invalid_argument for shapes that differ, a lambda or tolerance that is not
/// positive, or no iterations.
void arpls(const ArplsParams& params, View<const double, 1> y, View<const std::uint8_t, 1> good,
           View<double, 1> baseline);

/// The same with the equations written out in full: O(n^3).
void arpls_reference(const ArplsParams& params, View<const double, 1> y, View<const std::uint8_t, 1> good,
                     View<double, 1> baseline);

}  // namespace tianyan
