// Baselines by asymmetrically reweighted penalised least squares.
#include "kernels/arpls.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tianyan {
namespace {

using Vector = std::vector<double>;

constexpr double kRounding = 1e-10;  // of the spread of y: deviations below are the solution's own error

// The elements from the first good one to the last, as differences from the first.
struct Problem {
  std::int64_t begin = 0;
  double offset = 0.0, spread = 0.0;  // y of the first element, and the largest difference from it
  Vector y;                           // 0 where not good
  std::vector<std::uint8_t> good;
};

Problem problem_of(View<const double, 1> y, View<const std::uint8_t, 1> good) {
  Problem p;
  std::int64_t end = good.shape(0);
  while (end > 0 && good[end - 1] == 0) --end;
  while (p.begin < end && good[p.begin] == 0) ++p.begin;
  if (p.begin < end) p.offset = y[p.begin];
  for (auto i = p.begin; i < end; ++i) {
    p.good.push_back(good[i]);
    p.y.push_back(good[i] == 0 ? 0.0 : y[i] - p.offset);
    p.spread = std::max(p.spread, std::abs(p.y.back()));
  }
  return p;
}

// (diag(w) + lambda D^T D) z = w y by L D L^T of the five diagonals; row i of L is below2[i], below1[i], 1.
// False where rounding leaves the matrix without a positive pivot.
bool solve_banded(double lambda, const Vector& w, const Vector& y, Vector& z) {
  const std::size_t n = w.size();
  Vector pivot(w), below1(n, 0.0), below2(n, 0.0);
  for (std::size_t i = 0; i + 2 < n; ++i) {
    pivot[i] += lambda;
    pivot[i + 1] += 4.0 * lambda;
    pivot[i + 2] += lambda;
    below1[i + 1] -= 2.0 * lambda;
    below1[i + 2] -= 2.0 * lambda;
    below2[i + 2] += lambda;
  }
  for (std::size_t i = 0; i < n; ++i) {
    z[i] = w[i] * y[i];
    if (i >= 2) {
      below1[i] -= below2[i] * below1[i - 1];
      below2[i] /= pivot[i - 2];
      pivot[i] -= below2[i] * below2[i] * pivot[i - 2];
      z[i] -= below2[i] * z[i - 2];
    }
    if (i >= 1) {
      below1[i] /= pivot[i - 1];
      pivot[i] -= below1[i] * below1[i] * pivot[i - 1];
      z[i] -= below1[i] * z[i - 1];
    }
    if (!(pivot[i] > 0.0)) return false;
  }
  for (std::size_t i = n; i-- > 0;) {
    z[i] /= pivot[i];
    if (i + 1 < n) z[i] -= below1[i + 1] * z[i + 1];
    if (i + 2 < n) z[i] -= below2[i + 2] * z[i + 2];
  }
  return true;
}

// The matrix as its definition says, with what it shall equal as its last column.
std::vector<Vector> full_equations(double lambda, const Vector& w, const Vector& y) {
  const std::size_t n = w.size();
  constexpr double kSecondDifference[] = {1.0, -2.0, 1.0};
  std::vector<Vector> a(n, Vector(n + 1, 0.0));
  for (std::size_t i = 0; i < n; ++i) {
    a[i][i] = w[i];
    a[i][n] = w[i] * y[i];
  }
  for (std::size_t first = 0; first + 2 < n; ++first)
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j)
        a[first + i][first + j] += lambda * kSecondDifference[i] * kSecondDifference[j];
  return a;
}

// The same solution by Gaussian elimination with pivots.
bool solve_dense(double lambda, const Vector& w, const Vector& y, Vector& z) {
  const std::size_t n = w.size();
  auto a = full_equations(lambda, w, y);
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t best = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[best][k])) best = i;
    std::swap(a[k], a[best]);
    if (a[k][k] == 0.0) return false;
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j <= n; ++j) a[i][j] -= factor * a[k][j];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    double sum = a[i][n];
    for (std::size_t j = i + 1; j < n; ++j) sum -= a[i][j] * z[j];
    z[i] = sum / a[i][i];
  }
  return true;
}

// Mean and deviation of what is below the baseline; a deviation of 0 where that is fewer than two elements.
struct Below {
  double mean = 0.0, deviation = 0.0;
};
Below below_baseline(const Problem& p, const Vector& z) {
  double n = 0.0, sum = 0.0, squares = 0.0;
  const auto for_each_negative = [&](const auto& add) {
    for (std::size_t i = 0; i < z.size(); ++i)
      if (p.good[i] != 0 && p.y[i] < z[i]) add(p.y[i] - z[i]);
  };
  for_each_negative([&](double d) {
    n += 1.0;
    sum += d;
  });
  if (n < 2.0) return {};
  const double mean = sum / n;
  for_each_negative([&](double d) { squares += (d - mean) * (d - mean); });
  return {mean, std::sqrt(squares / (n - 1.0))};
}

// New weights in place of the old; returns how much they changed, relative to the old.
double reweight(const Problem& p, const Vector& z, const Below& below, double least, Vector& w) {
  double change = 0.0, norm = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (p.good[i] == 0) continue;
    const double d = p.y[i] - z[i], above = d - (2.0 * below.deviation - below.mean);
    const double next = std::max(least, 1.0 / (1.0 + std::exp(2.0 * above / below.deviation)));
    change += (next - w[i]) * (next - w[i]);
    norm += w[i] * w[i];
    w[i] = next;
  }
  return std::sqrt(change / norm);
}

using Solve = bool (*)(double lambda, const Vector& w, const Vector& y, Vector& z);

// The baseline of a problem with at least one element.
Vector fit(const ArplsParams& params, const Problem& p, Solve solve) {
  const double least = std::min(1.0, kArplsLeastWeight * params.lambda);
  Vector w(p.good.size()), z(p.good.size(), 0.0), next(z);
  std::transform(p.good.begin(), p.good.end(), w.begin(), [](auto g) { return g == 0 ? 0.0 : 1.0; });
  for (int i = 0; i < params.max_iterations; ++i) {
    if (!solve(params.lambda, w, p.y, next)) break;
    z = next;
    const auto below = below_baseline(p, z);
    if (below.deviation <= kRounding * p.spread) break;
    if (reweight(p, z, below, least, w) < params.tolerance) break;
  }
  return z;
}

void fit_checked(const ArplsParams& params, View<const double, 1> y, View<const std::uint8_t, 1> good,
                 View<double, 1> baseline, Solve solve) {
  const auto n = y.shape(0);
  expect(good.shape(0) == n && baseline.shape(0) == n, "a baseline of {} values with {} weights into {}", n,
         good.shape(0), baseline.shape(0));
  expect(params.lambda > 0.0 && std::isfinite(params.lambda),
         "a baseline of stiffness {}; it must be positive", params.lambda);
  expect(params.tolerance > 0.0, "a baseline to a tolerance of {}; it must be positive", params.tolerance);
  expect(params.max_iterations >= 1, "a baseline by {} iterations; at least one is needed",
         params.max_iterations);
  const auto p = problem_of(y, good);
  const auto length = std::ssize(p.y);
  const Vector z = length > 0 ? fit(params, p, solve) : Vector{0.0};
  for (std::int64_t i = 0; i < n; ++i) {
    const auto nearest = std::clamp<std::int64_t>(i - p.begin, 0, std::max<std::int64_t>(length - 1, 0));
    baseline[i] = p.offset + z[static_cast<std::size_t>(nearest)];
  }
}

}  // namespace

void arpls(const ArplsParams& params, View<const double, 1> y, View<const std::uint8_t, 1> good,
           View<double, 1> baseline) {
  fit_checked(params, y, good, baseline, solve_banded);
}

void arpls_reference(const ArplsParams& params, View<const double, 1> y, View<const std::uint8_t, 1> good,
                     View<double, 1> baseline) {
  fit_checked(params, y, good, baseline, solve_dense);
}

}  // namespace tianyan
