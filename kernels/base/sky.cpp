// Spherical trigonometry, as ERFA does it.
#include "kernels/base/sky.hpp"

#include <erfa.h>

#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

constexpr double kRadPerArcmin = kRadPerDeg / kArcminPerDeg;

}  // namespace

double separation_deg(const SkyPosition& a, const SkyPosition& b) {
  return eraSeps(a.ra_deg * kRadPerDeg, a.dec_deg * kRadPerDeg, b.ra_deg * kRadPerDeg,
                 b.dec_deg * kRadPerDeg) /
         kRadPerDeg;
}

SkyOffset offset_from(const SkyPosition& origin, const SkyPosition& position) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double xi = 0.0, eta = 0.0;
  if (eraTpxes(position.ra_deg * kRadPerDeg, position.dec_deg * kRadPerDeg, origin.ra_deg * kRadPerDeg,
               origin.dec_deg * kRadPerDeg, &xi, &eta) != 0)
    return {kNone, kNone};
  return {xi / kRadPerArcmin, eta / kRadPerArcmin};
}

SkyPosition at_offset(const SkyPosition& origin, const SkyOffset& offset) {
  double ra = 0.0, dec = 0.0;
  eraTpsts(offset.east_arcmin * kRadPerArcmin, offset.north_arcmin * kRadPerArcmin,
           origin.ra_deg * kRadPerDeg, origin.dec_deg * kRadPerDeg, &ra, &dec);
  return {ra / kRadPerDeg, dec / kRadPerDeg};
}

GalacticPosition galactic(const SkyPosition& position) {
  double l = 0.0, b = 0.0;
  eraIcrs2g(position.ra_deg * kRadPerDeg, position.dec_deg * kRadPerDeg, &l, &b);
  return {l / kRadPerDeg, b / kRadPerDeg};
}

}  // namespace tianyan
