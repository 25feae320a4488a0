// Directions on the sky.
#pragma once
#include <cmath>
#include <limits>

namespace tianyan {

/// J2000 (ICRS); NaN where unknown.
struct SkyPosition {
  double ra_deg = std::numeric_limits<double>::quiet_NaN();
  double dec_deg = std::numeric_limits<double>::quiet_NaN();

  bool known() const { return std::isfinite(ra_deg) && std::isfinite(dec_deg); }
};

/// On the plane that touches the sky at an origin (gnomonic): to the east and to the north.
struct SkyOffset {
  double east_arcmin = 0.0, north_arcmin = 0.0;

  double length_arcmin() const { return std::hypot(east_arcmin, north_arcmin); }
};

struct GalacticPosition {
  double l_deg = 0.0, b_deg = 0.0;
};

double separation_deg(const SkyPosition& a, const SkyPosition& b);

/// Gnomonic coordinates, radians told in arcmin:
///   east = cos(d) sin(a - a0) / D,  north = (cos(d0) sin(d) - sin(d0) cos(d) cos(a - a0)) / D,
///   D = sin(d0) sin(d) + cos(d0) cos(d) cos(a - a0)
/// NaN for a position 90 degrees and more from the origin.
SkyOffset offset_from(const SkyPosition& origin, const SkyPosition& position);
SkyPosition at_offset(const SkyPosition& origin, const SkyOffset& offset);

GalacticPosition galactic(const SkyPosition& position);

}  // namespace tianyan
