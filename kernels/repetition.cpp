// Rayleigh's test of phases and the V-test of differences.
#include "kernels/repetition.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <map>
#include <numbers>

#include "kernels/base/expect.hpp"
#include "kernels/rayleigh.hpp"

namespace tianyan {
namespace {

using Phasor = std::complex<double>;

Phasor phasor_of(double cycles) {
  return std::polar(1.0, 2.0 * std::numbers::pi * (cycles - std::floor(cycles)));
}

/// Its direction; 0 for the sum of opposites, which has none but rounding's.
Phasor direction_of(Phasor sum) {
  const double length = std::abs(sum);
  return length > 1e-9 ? sum / length : Phasor(0.0);
}

/// Directions of sums of phasors that share a key.
class Directions {
 public:
  void add(double key, Phasor phasor) { sums_[key] += phasor; }
  std::size_t size() const { return sums_.size(); }
  Phasor sum() const {
    Phasor total(0.0);
    for (const auto& [key, phasor] : sums_) total += direction_of(phasor);
    return total;
  }

 private:
  std::map<double, Phasor> sums_;
};

double steady_p(const std::vector<double>& time_s, double period_s) {
  Directions cycles;
  for (const double t : time_s) cycles.add(std::floor(t / period_s), phasor_of(t / period_s));
  if (cycles.size() < kMinRepetitions) return 1.0;
  return rayleigh_p(static_cast<double>(cycles.size()), std::norm(cycles.sum()));
}

double v_test_p(const std::vector<double>& time_s, const PeriodSpec& spec) {
  Directions far;
  double sum = 0.0;
  std::size_t n_free = 0;
  for (std::size_t i = 0; i + 1 < time_s.size(); ++i) {
    const double cycles = (time_s[i + 1] - time_s[i]) / spec.period_s;
    if (cycles < 0.5 || cycles * spec.instability >= kCoherentCycles) continue;
    if (const double whole = std::round(cycles); whole > kFreeCycles) {
      far.add(whole, phasor_of(cycles));
    } else {
      sum += phasor_of(cycles).real();
      ++n_free;
    }
  }
  const std::size_t n = n_free + far.size();
  if (n < kMinRepetitions) return 1.0;
  const double u = std::sqrt(2.0 / static_cast<double>(n)) * (sum + far.sum().real());
  return 0.5 * std::erfc(u / std::numbers::sqrt2);
}

void check(const std::vector<double>& time_s, const PeriodSpec& spec) {
  expect(std::isfinite(spec.period_s) && spec.period_s > 0.0 && std::isfinite(spec.instability) &&
             spec.instability >= 0.0,
         "repetition at a period of {} s that changes by {} of itself", spec.period_s, spec.instability);
  for (std::size_t i = 0; i < time_s.size(); ++i)
    expect(std::isfinite(time_s[i]) && (i == 0 || time_s[i - 1] <= time_s[i]),
           "repetition of times that do not ascend: event {} is at {} s after {} s", i, time_s[i],
           i == 0 ? time_s[i] : time_s[i - 1]);
}

/// Sums of the first i phasors, each over how many events its cycle has, so that every cycle counts once.
std::vector<Phasor> sums_before(const std::vector<double>& time_s, double period_s) {
  std::map<double, int> n_in_cycle;
  for (const double t : time_s) ++n_in_cycle[std::floor(t / period_s)];
  std::vector<Phasor> sums = {Phasor(0.0)};
  for (const double t : time_s)
    sums.push_back(sums.back() + phasor_of(t / period_s) / double(n_in_cycle[std::floor(t / period_s)]));
  return sums;
}

}  // namespace

double repetition_p_value(const std::vector<double>& time_s, const PeriodSpec& spec) {
  check(time_s, spec);
  return spec.instability > 0.0 ? v_test_p(time_s, spec) : steady_p(time_s, spec.period_s);
}

std::vector<bool> repetition_in_phase(const std::vector<double>& time_s, const PeriodSpec& spec) {
  check(time_s, spec);
  const auto sums = sums_before(time_s, spec.period_s);
  const double coherent_s = spec.instability > 0.0 ? kCoherentCycles * spec.period_s / spec.instability
                                                   : std::numeric_limits<double>::infinity();
  const auto begin = time_s.begin(), end = time_s.end();
  const auto sum_of = [&](auto from, auto to) { return sums[to - begin] - sums[from - begin]; };
  std::vector<bool> in_phase;
  for (const double t : time_s) {
    const auto first = std::upper_bound(begin, end, t - coherent_s);
    const auto last = std::lower_bound(begin, end, t + coherent_s);
    const auto own_first = std::upper_bound(begin, end, t - 0.5 * spec.period_s);
    const auto own_last = std::lower_bound(begin, end, t + 0.5 * spec.period_s);
    Phasor others(0.0);
    if (first < own_first) others += sum_of(first, own_first);
    if (own_last < last) others += sum_of(own_last, last);
    const double off = std::arg(direction_of(others) * std::conj(phasor_of(t / spec.period_s)));
    in_phase.push_back(std::abs(others) > 1e-9 && std::abs(off) < 2.0 * std::numbers::pi * kInPhase);
  }
  return in_phase;
}

}  // namespace tianyan
