// Spectral kurtosis, its limits by Pearson's curves, and cells outside them.
#include "kernels/spectral_kurtosis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include "kernels/robust.hpp"

namespace tianyan {
namespace {

constexpr double kMaxSamples = 2147483648.0;

// n S2 / S1^2 - 1, for any n and sums: infinite or NaN where they make it so.
double excess_scatter(double n, double sum, double sum_squares) { return sum_squares / sum * n / sum - 1.0; }

double kurtosis_of(double n, double sum, double sum_squares, double shape) {
  return (n * shape + 1.0) / (n - 1.0) * excess_scatter(n, sum, sum_squares);
}

// Density f of z, the standardised SK, by Pearson's equation: f' / f = -(z + b1) / q(z), with q(z) = b0 + b1
// z
// + b2 z^2 > 0 on the support and the mode at z = -b1. In the variable u, dz = q du, nothing is singular even
// at the ends of the support:
//
//   dz / du = q(z),   d log f / du = -(z + b1),   d mass / du = f q(z)
struct PearsonCurve {
  double b0 = 1.0, b1 = 0.0, b2 = 0.0;
  double q(double z) const { return b0 + z * (b1 + z * b2); }
};

PearsonCurve pearson_curve(const KurtosisMoments& m) {
  const double skew = m.third / std::pow(m.second, 1.5), skew_squared = skew * skew,
               kurtosis = m.fourth / (m.second * m.second);
  const double scale = 10.0 * kurtosis - 12.0 * skew_squared - 18.0;
  return {(4.0 * kurtosis - 3.0 * skew_squared) / scale, skew * (kurtosis + 3.0) / scale,
          (2.0 * kurtosis - 3.0 * skew_squared - 6.0) / scale};
}

// Where the integration is: z, log f and the mass passed, with f = 1 at the mode.
using CurvePoint = std::array<double, 3>;

CurvePoint slope_at(const PearsonCurve& curve, const CurvePoint& p) {
  const double q = curve.q(p[0]);
  return {q, -(p[0] + curve.b1), std::exp(p[1]) * q};
}

CurvePoint moved(const CurvePoint& p, double step, const CurvePoint& slope) {
  return {p[0] + step * slope[0], p[1] + step * slope[1], p[2] + step * slope[2]};
}

// The classical step of fourth order (Runge & Kutta).
CurvePoint next_point(const PearsonCurve& curve, const CurvePoint& p, double step) {
  const auto k1 = slope_at(curve, p), k2 = slope_at(curve, moved(p, 0.5 * step, k1)),
             k3 = slope_at(curve, moved(p, 0.5 * step, k2)), k4 = slope_at(curve, moved(p, step, k3));
  CurvePoint next = p;
  for (std::size_t i = 0; i < p.size(); ++i) next[i] += step / 6.0 * (k1[i] + 2.0 * (k2[i] + k3[i]) + k4[i]);
  return next;
}

// A step is this part of a standard deviation near the mode, and changes q by no more than this part of it.
// The fifth power of log f's change over a step, over 120, is the error of its mass: 6e-7 at 3 deviations.
constexpr double kStep = 0.05;
// Neglected: densities below exp(-25) = 1e-11 of the tail's mass, and what double cannot hold.
constexpr double kLogNeglected = 25.0, kLogSmallest = -700.0;
constexpr int kHalvings = 40;  // of a step, to find a place within it

// Away from the mode, from `start` by `width` of u; start's mass is 0.
struct CurveStep {
  CurvePoint start{};
  double width = 0.0, mass = 0.0;
};

// From the mode to the density whose logarithm is `log_last`, upwards (direction 1) or downwards (-1).
std::vector<CurveStep> walk_from_mode(const PearsonCurve& curve, double direction, double log_last) {
  std::vector<CurveStep> steps;
  CurvePoint p{-curve.b1, 0.0, 0.0};
  while (p[1] > log_last) {
    const double rate = std::max(std::sqrt(curve.q(p[0])), std::abs(curve.b1 + 2.0 * curve.b2 * p[0])),
                 width = direction * kStep / rate;
    const auto next = next_point(curve, p, width);
    steps.push_back({p, width, std::abs(next[2])});
    p = {next[0], next[1], 0.0};  // a running sum would round a far tail away
  }
  return steps;
}

double mass_of(const std::vector<CurveStep>& steps) {
  double mass = 0.0;
  for (const auto& step : steps) mass += step.mass;
  return mass;
}

// The z up to which a step has `mass`, by halving.
double place_in_step(const PearsonCurve& curve, const CurveStep& step, double mass) {
  double near = 0.0, far = 1.0;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = 0.5 * (near + far);
    (std::abs(next_point(curve, step.start, middle * step.width)[2]) < mass ? near : far) = middle;
  }
  return next_point(curve, step.start, near * step.width)[0];
}

// The z beyond which there is `mass`: from the far end of `tail` to the mode, then outwards along `other`.
double beyond(const PearsonCurve& curve, const std::vector<CurveStep>& tail,
              const std::vector<CurveStep>& other, double mass) {
  double left = mass;
  for (auto step = tail.rbegin(); step != tail.rend(); left -= step->mass, ++step)
    if (step->mass >= left) return place_in_step(curve, *step, step->mass - left);
  for (auto step = other.begin(); step != other.end(); left -= step->mass, ++step)
    if (step->mass >= left) return place_in_step(curve, *step, left);
  return other.back().start[0];
}

// Limits for one shape, worked out once for each number of samples that occurs.
class LimitsByCount {
 public:
  explicit LimitsByCount(const KurtosisParams& params) : params_(params) {}
  const KurtosisLimits& of(std::int32_t n) {
    if (const auto known = known_.find(n); known != known_.end()) return known->second;
    auto limits = kurtosis_limits(n, params_.shape, params_.false_alarm);
    limits.high += params_.excess_allowed;
    return known_.emplace(n, limits).first->second;
  }

 private:
  KurtosisParams params_;
  std::map<std::int32_t, KurtosisLimits> known_;
};

void check_range(double n, double shape) {
  expect(n >= kMinKurtosisSamples && n <= kMaxSamples, "kurtosis of {} samples; {} to {} are known", n,
         kMinKurtosisSamples, kMaxSamples);
  expect(shape >= kMinKurtosisShape && shape <= kMaxKurtosisShape,
         "kurtosis of power with shape {}; {} to {} are known", shape, kMinKurtosisShape, kMaxKurtosisShape);
}

void check_false_alarm(double false_alarm) {
  expect(false_alarm > 0.0 && false_alarm < 1.0,
         "kurtosis limits at a false alarm probability of {}; it must be between 0 and 1", false_alarm);
}

template <class T>
void check_shape(const char* name, View<T, 2> x, View<const double, 2> sum) {
  expect(x.shape() == sum.shape(), "kurtosis of {} x {} sums with {} of {} x {}", sum.shape(0), sum.shape(1),
         name, x.shape(0), x.shape(1));
}

bool can_be_judged(std::uint8_t good, std::int32_t n, double sum) {
  return good != 0 && n >= kMinKurtosisSamples && !(sum <= 0.0);
}

}  // namespace

double spectral_kurtosis(double n, double sum, double sum_squares, double shape) {
  expect(
      n > 1.0 && sum > 0.0 && shape > 0.0,
      "kurtosis of {} samples with sum {} and shape {}; more than one sample and positive values are needed",
      n, sum, shape);
  return kurtosis_of(n, sum, sum_squares, shape);
}

KurtosisMoments kurtosis_moments(double n, double shape) {
  check_range(n, shape);
  const double k = shape, total = n * k, r = n / (n - 1.0);
  const double second = 2.0 * k * (k + 1.0) * n * r / ((total + 2.0) * (total + 3.0));
  const double third =
      4.0 * second * r * ((k + 4.0) * total - 5.0 * k - 2.0) / ((total + 4.0) * (total + 5.0));
  const double p = ((k + 1.0) * total + (3.0 * k + 68.0) * k + 125.0) * total * total -
                   ((93.0 * k + 245.0) * k + 32.0) * total + (84.0 * k + 48.0) * k + 24.0;
  const double fourth =
      6.0 * second * r * r * p / ((total + 4.0) * (total + 5.0) * (total + 6.0) * (total + 7.0));
  return {second, third, fourth};
}

KurtosisLimits kurtosis_limits(double n, double shape, double false_alarm) {
  check_false_alarm(false_alarm);
  const auto moments = kurtosis_moments(n, shape);
  const auto curve = pearson_curve(moments);
  const double log_last = std::max(std::log(false_alarm) - kLogNeglected, kLogSmallest);
  const auto down = walk_from_mode(curve, -1.0, log_last), up = walk_from_mode(curve, 1.0, log_last);
  const double tail = 0.5 * false_alarm * (mass_of(down) + mass_of(up)), sigma = std::sqrt(moments.second);
  return {1.0 + sigma * beyond(curve, down, up, tail), 1.0 + sigma * beyond(curve, up, down, tail)};
}

std::int64_t flag_kurtosis(const KurtosisParams& params, View<const double, 2> sum,
                           View<const double, 2> sum_squares, View<const std::int32_t, 2> n,
                           View<std::uint8_t, 2> good) {
  check_range(kMinKurtosisSamples, params.shape);
  check_false_alarm(params.false_alarm);
  expect(params.excess_allowed >= 0.0, "kurtosis may exceed its limit by {}; it must not be negative",
         params.excess_allowed);
  check_shape("sums of squares", sum_squares, sum);
  check_shape("counts", n, sum);
  check_shape("flags", good, sum);
  LimitsByCount limits_by_count(params);
  std::int64_t flagged = 0;
  for (std::int64_t c = 0; c < sum.shape(0); ++c)
    for (std::int64_t k = 0; k < sum.shape(1); ++k) {
      if (!can_be_judged(good(c, k), n(c, k), sum(c, k))) continue;
      const auto& limits = limits_by_count.of(n(c, k));
      const double sk = kurtosis_of(n(c, k), sum(c, k), sum_squares(c, k), params.shape);
      if (sk >= limits.low && sk <= limits.high) continue;
      good(c, k) = 0;
      ++flagged;
    }
  return flagged;
}

double kurtosis_shape(View<const double, 2> sum, View<const double, 2> sum_squares,
                      View<const std::int32_t, 2> n, View<const std::uint8_t, 2> good) {
  check_shape("sums of squares", sum_squares, sum);
  check_shape("counts", n, sum);
  check_shape("flags", good, sum);
  std::vector<double> shapes;
  for (std::int64_t c = 0; c < sum.shape(0); ++c)
    for (std::int64_t k = 0; k < sum.shape(1); ++k) {
      if (!can_be_judged(good(c, k), n(c, k), sum(c, k))) continue;
      const double count = n(c, k), excess = excess_scatter(count, sum(c, k), sum_squares(c, k));
      // Sums of equal values are off by up to n rounding errors, and so is this: no variance.
      if (!(excess > count * std::numeric_limits<double>::epsilon()) || !std::isfinite(excess)) continue;
      shapes.push_back(((count - 1.0) / excess - 1.0) / count);
    }
  return shapes.empty() ? 0.0 : median_of(shapes);
}

}  // namespace tianyan
