// Lines of periodic interference in the zero-DM series of a window: the noise diode's square wave, mains.
//
// For a frequency f, with z'[k] = z[k] - mean(z) over the good samples g[k] = 1, phases w k = 2 pi f dt k:
//
//   A = sum_k g z' cos(w k),  B = sum_k g z' sin(w k)
//   (a, b): least squares of z' on a cos(w k) + b sin(w k) over the good samples, that is
//           [sum g cos^2, sum g cos sin; sum g cos sin, sum g sin^2] (a, b) = (A, B)
//   P = (a A + b B) / (2 sigma^2),   (a^2 + b^2) n_good / (4 sigma^2) where whole cycles are all good
//
// P is half of what the line takes from the sum of squares, in units of sigma^2: in white noise of standard
// deviation sigma it is exponential with mean 1, and P > p_0 has the chance exp(-p_0). sigma is 1.4826 MAD of
// (z[k + 1] - z[k]) / sqrt(2) over the pairs k = 0, 2, 4 ... of good samples, and at least the rounding of z,
// 12^-1/2: differences see neither slow noise nor a square wave, whatever its height.
//
// Red noise is more than sigma says at low frequencies, and P is divided by the level L >= 1 of its
// neighbourhood. P is taken at f +- 1/T and f +- 2/T of every line (T the window: there a line of a whole
// window leaks nothing), except where another line is within 0.75/T. L is the largest of 1 and of two medians
// of those powers, over the kLevelNear and the kLevelFar that are nearest in frequency, each over what it is
// on average where powers are exponential with mean 1. Few are needed where the spectrum is steep, more where
// they scatter.
//
// Lines leak into each other where the window does not hold whole cycles or samples are missing. So the lines
// with P > threshold are fitted and subtracted one by one, the strongest first, each to what the ones before
// it left; with those gone sigma is measured and the search made again, at most kPeriodicPasses times, until
// nothing is found and nothing that is left at a line found earlier would change it by half of its error. L
// and the last sigma are those of what then remains, and the lines with P / L > threshold are the result.
// Without any P > threshold in the first pass nothing else is done.
//
// The mean is taken first and not fitted along: a sine of c cycles that are not whole is off by at most 2 /
// (pi c)^2 of its amplitude for that.
//
// numpy: a, b = np.linalg.lstsq(np.c_[np.cos(w * k), np.sin(w * k)][g], zp[g], rcond=None)[0]
// Source: the normalised periodogram of Scargle 1982 (ApJ 263, 835), equation 10; here with the cross term of
// the normal equations in place of his shift in time.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr int kPeriodicPasses = 3;
inline constexpr std::size_t kLevelNear = 4, kLevelFar = 16;
/// Pairs of good samples below which sigma is not known and nothing is found.
inline constexpr std::int64_t kMinPeriodicPairs = 64;

/// Cosines and sines of a list of frequencies over half a block of kPhaseBlock samples about its centre, and
/// how phases go on from block to block.
inline constexpr std::int64_t kPhaseBlock = 128, kPhaseTile = 16;
struct PhaseTable {
  std::int64_t n = 0;        ///< frequencies
  std::vector<float> tiles;  ///< [tile of kPhaseTile frequencies][offset][cos, sin][frequency of the tile]
  std::vector<double> cos_first, sin_first, cos_step, sin_step;  ///< [frequency, tiles filled up]
};

/// Harmonic number `harmonic` (1 is the fundamental) of fundamentals_hz[fundamental].
struct PeriodicFrequency {
  double frequency_hz = 0.0;
  int fundamental = 0, harmonic = 0;
};

struct PeriodicPlan {
  double sample_time_s = 0.0;
  std::int64_t window_samples = 0;
  std::vector<PeriodicFrequency> lines;  ///< ascending in frequency
  std::vector<double> level_hz;          ///< where the level is measured, ascending
  PhaseTable at_lines, at_twice_lines, at_levels;
};

/// a cos(2 pi f t) + b sin(2 pi f t), t from the window's first sample; in units of z.
struct PeriodicLine {
  double frequency_hz = 0.0;
  int fundamental = 0, harmonic = 0;
  double cosine = 0.0, sine = 0.0;  ///< a, b
  double power = 0.0;               ///< P / L
};

/// Lines are all harmonics f <= max_hz below Nyquist with at least two cycles in the window. Of two closer
/// than half a resolution element 1/T the lower harmonic stays, and of two equal ones that of the earlier
/// fundamental: mains at 50 Hz, not the tenth harmonic of the diode. Throws std::invalid_argument for values
/// that are not positive and finite, or for a fundamental with more than 100,000 harmonics.
PeriodicPlan make_periodic_plan(const std::vector<double>& fundamentals_hz, double max_hz,
                                double sample_time_s, std::int64_t window_samples);

/// z, good: [time], of the plan's window. Bad samples (good = 0) are missing. Returns the significant
/// lines, ascending in frequency; a line whose cosine and sine the good samples do not tell apart is none.
/// Sums run in float over 64 terms and then in double, in an order that only the plan sets; phases step from
/// block to block in double, which adds less than 2^-51 a block. Every instruction set gives the same bits.
/// An amplitude comes out to about 1e-6 of itself plus 1e-6 of the rms of z / sqrt(n_good). Throws
/// std::invalid_argument for shapes that are not the plan's and a threshold that is not positive.
std::vector<PeriodicLine> find_periodic(const PeriodicPlan& plan, View<const std::int32_t, 1> z,
                                        View<const std::uint8_t, 1> good, double threshold_power);

/// wave[k] = sum over lines of a cos(2 pi f dt k) + b sin(2 pi f dt k), k in the window; 0 without lines.
/// Within 1e-6 of the sum of sqrt(a^2 + b^2). Throws std::invalid_argument for a length that is not the
/// plan's.
void periodic_waveform(const PeriodicPlan& plan, const std::vector<PeriodicLine>& lines, View<float, 1> wave);

}  // namespace tianyan
