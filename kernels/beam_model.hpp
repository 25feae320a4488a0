// Where the beams look when the receiver is turned, how they answer to a point source, and by how much the
// receiver was turned, from where headers say that its beams looked.
#pragma once
#include <array>
#include <optional>
#include <vector>

#include "kernels/base/beam_layout.hpp"
#include "kernels/base/sky.hpp"

namespace tianyan {

/// Of beam 1..19 from beam 1, the receiver turned by `rotation_deg` from north through east (anticlockwise
/// as seen on the sky), (x, y) being kBeamOffsets:
///   east = x cos(rotation) + y sin(rotation),  north = y cos(rotation) - x sin(rotation)
/// FAST turns its receiver by 0, 23.4 or 53.4 degrees. That it counts them in this sense has not been checked
/// against headers: rotation_from_pointings() does not depend on it, a configured angle does.
/// Throws std::invalid_argument for any other beam, and for a rotation that is not finite.
SkyOffset beam_offset(int beam, double rotation_deg);

/// [beam - 1].
std::array<SkyOffset, kNumBeams> beam_offsets(double rotation_deg);

/// Power pattern of one beam over a band, relative to its centre, for a source of flat spectrum:
///   g(r, f) = exp(-4 ln2 r^2 / fwhm(f)^2),  fwhm(f) = 2.9' x 1250 MHz / f  (Jiang et al. 2020)
///   G(r) = mean of g over the band = sqrt(pi)/2 (erf(u(high)) - erf(u(low))) / (u(high) - u(low)),
///   u(f) = sqrt(4 ln2) r / fwhm(f)
/// Where the u differ by less than 1e-5 it is g at their mean. Error: 1e-10 at most, by rounding (two erf to
/// an ulp, over 1e-5) or by the mean (1e-10 / 12). All beams are taken as alike and round; sidelobes are not
/// in it.
struct BeamModel {
  double freq_low_mhz = 1000.0, freq_high_mhz = 1500.0;  ///< edges of the band

  /// In (0, 1], of a source `r_arcmin` from the beam's centre. Throws std::invalid_argument unless
  /// 0 < freq_low_mhz <= freq_high_mhz and r >= 0.
  double response(double r_arcmin) const;
  /// At the centre of the band.
  double fwhm_arcmin() const;
};

/// Where a beam looked, by its header.
struct BeamPointing {
  int beam = 0;
  SkyPosition position;
};

/// Pointings that are off the turned layout by more are no layout.
inline constexpr double kMaxPointingResidualArcmin = 0.5;

/// Rotation in (-180, 180] that takes the layout to the pointings p_i (of one instant) of beams b_i, in the
/// plane that touches the sky at beam 1: the least squares over rotation and shift together, which is
///   rotation = atan2(sum_i (y_i e_i - x_i n_i), sum_i (x_i e_i + y_i n_i)),
/// (e_i, n_i) being p_i and (x_i, y_i) kBeamOffsets[b_i], each less its mean over i.
/// Beam 1 need not be among them: the plane is moved to where the layout puts it. Unknown positions do not
/// count. Empty where fewer than two different beams are left, and where any is off by more than
/// kMaxPointingResidualArcmin: files of FAST often all carry the position of beam 1.
/// Throws std::invalid_argument for a beam that is not 1..19.
std::optional<double> rotation_from_pointings(const std::vector<BeamPointing>& pointings);

}  // namespace tianyan
