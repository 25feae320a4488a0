// Where a pulse came from, by how strong it was in which beams, and whether a point source can look so.
//
// A source of S/N A on the axis of a beam, at p, is expected with A G_b(p) in beam b, G_b(p) = G(|p - p_b|)
// of kernels/beam_model.hpp. Beams know their gain to gain_err and have sidelobes of about `sidelobe`, so
// that the S/N there, S_b, is Gaussian about A G_b with
//   V_b = 1 + (gain_err A G_b)^2 + (sidelobe min(A, kMostLit S_max))^2,   S_max: of the strongest beam
// Sidelobes stop growing at kMostLit = 10: a source far from every axis would otherwise explain any strengths
// by its sidelobes, those of interference too.
//
//   L(p, A) = prod_{b detected} exp(-(S_b - A G_b)^2 / (2 V_b)) / sqrt(V_b)
//           x prod_{b not} Phi((T_b - A G_b) / sqrt(V_b)),            T_b: the threshold, Phi: normal cdf
//   P(p) ~ integral dA A^-2.5 L(p, A)                                 (Euclidean counts; any p alike)
//
// over the disc where the strongest beam's G is 0.01 and more (about 4'); in one Gaussian beam 0.01^1.5, that
// is 0.1 % of all sources, are further out. The integral is Laplace's in ln A, about the maximum by Fisher
// scoring. Cells of fwhm / 15 (0.2') cover the disc; those that count are split into four until 40 are within
// a factor of e^0.5 of the highest, which is one standard deviation, so that a cell is a third of one or less
// (of its mean over directions: P may be a strip).
//
// Result: the mean of P, which is the estimate of least squared error, and which, unlike the mode, moves
// little where P is flat (one beam) or has two peaks (two beams seen and no more); err is the radius about it
// that holds 68 % of P. The 68 % are of sources with Euclidean counts: were every S/N as frequent, sources
// seen by one beam alone would be further off its axis than P has them.
#pragma once
#include <array>
#include <vector>

#include "kernels/base/beam_layout.hpp"
#include "kernels/base/sky.hpp"
#include "kernels/beam_model.hpp"

namespace tianyan {

/// `snr` of a beam that did not see the pulse is the threshold below which it stayed.
struct BeamStrength {
  int beam = 0;
  double snr = 0.0;
  bool detected = false;
};

/// Sidelobes are as those of a source of this times the strongest beam's S/N at most.
inline constexpr double kMostLit = 10.0;

struct LocaliseParams {
  BeamModel model;
  std::array<SkyOffset, kNumBeams> offsets = beam_offsets(0.0);  ///< [beam - 1], from any one origin
  double gain_err = 0.1;   ///< standard deviation of a beam's gain, and of the model's, relative
  double sidelobe = 0.02;  ///< standard deviation of what the model leaves out, relative to the axis
};

struct Localisation {
  SkyOffset offset;            ///< from the origin of LocaliseParams::offsets
  double err_arcmin = 0.0;     ///< radius that holds 68 %; what the telescope's pointing adds is not in it
  double amplitude_snr = 0.0;  ///< S/N on the axis of a beam: exp of the mean of ln A
  double chi2 = 0.0;           ///< at the maximum of A^-1.5 L
  int dof = 0;                 ///< see localise()
  double probability = 1.0;    ///< of so large a chi2 from a point source
};

/// chi2 = sum_{b detected} (S_b - A G_b)^2 / V_b + sum_{b not, A G_b > T_b} (A G_b - T_b)^2 / V_b
/// A beam of the second sum has noise of at least its term: its term is smaller than a chi2 of one degree.
/// Beams are astray that are detected with A G_b < S_b / 2, by sidelobes or noise for the most part: k of
/// them, of n that could be (k and those not detected with T_b - A G_b < 4 sqrt(V_b)).
///   dof = max(n_detected - 3, k, 1) + number of terms of the second sum
///   probability = min(1, C(n, k) Q(dof / 2, chi2 / 2))
/// C(n, k), the ways to choose the beams astray, bounds what it adds to chance that they are seen because
/// they are the highest of n. Beams not given do not count. For 19 beams it takes 4 ms where one or two saw
/// the source, 10 ms where many did, at most some 50. Throws std::invalid_argument where none is detected,
/// for a beam not 1..19 or given twice, an S/N or threshold not within (0, 1e9), negative errors, an offset
/// that is not finite, a band that BeamModel refuses or whose edges differ by more than a factor of 10.
Localisation localise(const std::vector<BeamStrength>& strengths, const LocaliseParams& params);

/// P(chi2 >= x) with n >= 1 degrees of freedom, x >= 0, by the finite sum for whole n:
///   Q(n/2, h) = Q_0 + sum_k h^k e^-h / Gamma(k + 1),  h = x / 2,  k from 0 (n even; Q_0 = 0) or 1/2 (n odd;
///   Q_0 = erfc(sqrt(h))) in steps of 1 to n/2 - 1; all terms positive, so good to n ulp or so.
/// Throws std::invalid_argument for any other n or x.
double chi2_tail(double x, int n);

}  // namespace tianyan
