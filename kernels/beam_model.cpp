// The turned layout, the pattern of a beam, and the fit of the one to pointings.
#include "kernels/beam_model.hpp"

#include <cmath>
#include <numbers>

#include "kernels/base/expect.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

constexpr double kFwhmArcminMhz = 2.9 * 1250.0;

// The layout turned and shifted.
struct Placement {
  double rotation_deg = 0.0;
  SkyOffset shift;  // of beam 1
  double worst_arcmin = 0.0;
};

SkyOffset turned(const SkyOffset& p, double rotation_deg) {
  const double c = std::cos(rotation_deg * kRadPerDeg), s = std::sin(rotation_deg * kRadPerDeg);
  return {p.east_arcmin * c + p.north_arcmin * s, p.north_arcmin * c - p.east_arcmin * s};
}

SkyOffset difference(const SkyOffset& a, const SkyOffset& b) {
  return {a.east_arcmin - b.east_arcmin, a.north_arcmin - b.north_arcmin};
}

SkyOffset mean_of(const std::vector<SkyOffset>& points) {
  SkyOffset mean;
  for (const auto& p : points) {
    mean.east_arcmin += p.east_arcmin / static_cast<double>(points.size());
    mean.north_arcmin += p.north_arcmin / static_cast<double>(points.size());
  }
  return mean;
}

Placement place(const std::vector<SkyOffset>& layout, const std::vector<SkyOffset>& seen) {
  const auto layout_mean = mean_of(layout), seen_mean = mean_of(seen);
  double cross = 0.0, dot = 0.0;
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const auto x = difference(layout[i], layout_mean), p = difference(seen[i], seen_mean);
    cross += x.north_arcmin * p.east_arcmin - x.east_arcmin * p.north_arcmin;
    dot += x.east_arcmin * p.east_arcmin + x.north_arcmin * p.north_arcmin;
  }
  Placement fit;
  fit.rotation_deg = std::atan2(cross, dot) / kRadPerDeg;
  fit.shift = difference(seen_mean, turned(layout_mean, fit.rotation_deg));
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const auto off = difference(difference(seen[i], fit.shift), turned(layout[i], fit.rotation_deg));
    // A NaN, of pointings half a sky apart, is the worst.
    if (!(off.length_arcmin() <= fit.worst_arcmin)) fit.worst_arcmin = off.length_arcmin();
  }
  return fit;
}

}  // namespace

SkyOffset beam_offset(int beam, double rotation_deg) {
  expect(1 <= beam && beam <= kNumBeams, "beam {} has no place: beams are 1..{}", beam, kNumBeams);
  expect(std::isfinite(rotation_deg), "the receiver is turned by {} degrees; it must be finite",
         rotation_deg);
  const auto& at = kBeamOffsets[static_cast<std::size_t>(beam - 1)];
  return turned({at.ra_arcmin, at.dec_arcmin}, rotation_deg);
}

std::array<SkyOffset, kNumBeams> beam_offsets(double rotation_deg) {
  std::array<SkyOffset, kNumBeams> offsets;
  for (int beam = 1; beam <= kNumBeams; ++beam)
    offsets[static_cast<std::size_t>(beam - 1)] = beam_offset(beam, rotation_deg);
  return offsets;
}

double BeamModel::response(double r_arcmin) const {
  expect(0.0 < freq_low_mhz && freq_low_mhz <= freq_high_mhz,
         "a beam from {} to {} MHz; the band must be positive and its lower edge first", freq_low_mhz,
         freq_high_mhz);
  expect(r_arcmin >= 0.0, "the response of a beam {} arcmin from its centre; a distance is not negative",
         r_arcmin);
  const double u_per_mhz = std::sqrt(4.0 * std::numbers::ln2) * r_arcmin / kFwhmArcminMhz;
  const double low = u_per_mhz * freq_low_mhz, high = u_per_mhz * freq_high_mhz;
  if (high - low < 1e-5) return std::exp(-0.25 * (low + high) * (low + high));
  // Far out both erf are 1 to rounding, and erfc is what still differs.
  const double area = low > 1.0 ? std::erfc(low) - std::erfc(high) : std::erf(high) - std::erf(low);
  return 0.5 * std::sqrt(std::numbers::pi) * area / (high - low);
}

double BeamModel::fwhm_arcmin() const { return kFwhmArcminMhz / (0.5 * (freq_low_mhz + freq_high_mhz)); }

std::optional<double> rotation_from_pointings(const std::vector<BeamPointing>& pointings) {
  std::vector<SkyOffset> layout, seen;
  std::vector<SkyPosition> positions;
  bool differ = false;
  for (const auto& [beam, position] : pointings) {
    const auto at = beam_offset(beam, 0.0);
    if (!position.known()) continue;
    layout.push_back(at);
    positions.push_back(position);
    differ = differ || difference(at, layout.front()).length_arcmin() > 0.0;
  }
  if (!differ) return std::nullopt;
  auto origin = positions.front();
  Placement fit;
  // North is another direction where the meridians have met a little more: the second pass measures it at
  // beam 1, the third at a beam 1 that is where it should be.
  for (int pass = 0; pass < 3; ++pass) {
    seen.clear();
    for (const auto& position : positions) seen.push_back(offset_from(origin, position));
    fit = place(layout, seen);
    if (!(fit.worst_arcmin <= kMaxPointingResidualArcmin)) return std::nullopt;
    origin = at_offset(origin, fit.shift);
  }
  return fit.rotation_deg;
}

}  // namespace tianyan
