// Whether events repeat at a given period: the noise diode's, which is steady, or that of the mains, which
// wanders.
//
// Steady (instability 0): Rayleigh's test of the phases 2 pi t / P. What happens in one cycle is one event:
// cycle c = floor(t / P) has the direction of the sum of its events' phasors. n cycles with events,
//
//   R = |sum_c exp(i a_c)|,  p = p(n, R) of kernels/rayleigh.hpp
//
// Wandering: phases hold for kCoherentCycles / instability cycles, that is, until the period's changes have
// moved them by that many. The V-test, about 0, of the phases 2 pi (t_{i+1} - t_i) / P of those differences
// of consecutive events that are shorter than that and no shorter than P / 2:
//
//   u = sqrt(2 / n) sum cos(2 pi dt / P),  p = erfc(u / sqrt(2)) / 2
//
// Sources that are periodic by themselves make one difference over and over, and a third of all periods would
// pass for the mains. So differences of the same number of cycles, k = round(dt / P), are one, with the
// direction of the sum of their phasors, unless k <= kFreeCycles: what sparks in nearly every cycle has only
// those, and single pulses of such short periods are those of a few pulsars that are known.
//
// For times that are independent and uniform, phases within a cycle are uniform and independent, and so are
// the directions of their sums and, over times much longer than P, the phases of consecutive differences: p
// is uniform in [0, 1] (to 0.01 for n >= 5). At rates of an event a cycle and more, differences near P / 2
// are the most frequent and p is larger than uniform. In the far tail of the V-test p is too large, cosines
// being bounded.
//
// A burst, or the same event reported several times, is all within one or two cycles, or makes differences
// that are left out: it does not repeat. An event as wide as P has no phase, and is not to be among the
// times.
//
// numpy: a = 2 * np.pi * t / P; R = abs(np.exp(1j * a).sum())  # where no two are in one cycle
//        d = np.diff(t); d = d[(d >= P / 2) & (d < 0.1 * P / instability)]
//        u = np.sqrt(2 / d.size) * np.cos(2 * np.pi * d / P).sum()
// Source: Greenwood & Durand 1955 (Ann. Math. Statist. 26, 233) for the V-test.
#pragma once
#include <vector>

namespace tianyan {

/// Cycles or differences below which nothing is said.
inline constexpr int kMinRepetitions = 5;
inline constexpr double kCoherentCycles = 0.1;
inline constexpr double kFreeCycles = 3.0;

struct PeriodSpec {
  double period_s = 0.0;
  double instability = 0.0;  ///< relative changes of the period within a scan; 0: steady over all of it
};

/// The chance that times without that period look as periodic as these; 1 where there are fewer than
/// kMinRepetitions cycles or differences. time_s: ascending. Throws std::invalid_argument for times that are
/// not, or not finite, a period that is not positive, a negative instability.
double repetition_p_value(const std::vector<double>& time_s, const PeriodSpec& spec);

/// Of a period, either way.
inline constexpr double kInPhase = 0.1;

/// [event] Whether it is in phase with the others, by their mean phase. With n_j the number of events in the
/// cycle of event j,
///   S_i = sum_j exp(2 pi i t_j / P) / n_j  over P / 2 <= |t_j - t_i| < kCoherentCycles P / instability,
/// it is where S_i and exp(2 pi i t_i / P) are less than 2 pi kInPhase apart: no other cycle, no phase. An
/// event that has nothing to do with the period is in phase with a chance of 2 kInPhase. Throws as
/// repetition_p_value().
std::vector<bool> repetition_in_phase(const std::vector<double>& time_s, const PeriodSpec& spec);

}  // namespace tianyan
