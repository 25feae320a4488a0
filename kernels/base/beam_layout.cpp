// Separations of beams.
#include "kernels/base/beam_layout.hpp"

#include <cmath>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

const BeamOffset& offset_of(int beam) {
  expect(1 <= beam && beam <= kNumBeams, "beam {} has no place: beams are 1..{}", beam, kNumBeams);
  return kBeamOffsets[static_cast<std::size_t>(beam - 1)];
}

}  // namespace

double beam_separation_arcmin(int a, int b) {
  const auto &p = offset_of(a), &q = offset_of(b);
  return std::hypot(p.ra_arcmin - q.ra_arcmin, p.dec_arcmin - q.dec_arcmin);
}

bool are_neighbours(int a, int b) { return beam_separation_arcmin(a, b) < kNeighbourArcmin && a != b; }

}  // namespace tianyan
