// Where the 19 beams of FAST's receiver look, and which of them are neighbours.
//
// Beams are on a hexagonal grid: M01 in the middle, M02..M07 around it, M08..M19 around those. Offsets are
// those of the receiver at rotation 0; turning it turns all of them and leaves every separation as it is.
//
//   separation(a, b) = hypot(ra_arcmin[a] - ra_arcmin[b], dec_arcmin[a] - dec_arcmin[b])
//
// numpy: np.hypot(*(offset[a - 1] - offset[b - 1]))
#pragma once
#include <array>

namespace tianyan {

inline constexpr int kNumBeams = 19;
/// Beams closer than this are neighbours: the grid's step is 5.75', the next separation is 9.9'.
inline constexpr double kNeighbourArcmin = 6.5;

/// On the sky, from beam 1: east in right ascension, cos(dec) included, and north in declination.
struct BeamOffset {
  double ra_arcmin = 0.0, dec_arcmin = 0.0;
};

/// [beam - 1], at rotation 0.
inline constexpr std::array<BeamOffset, kNumBeams> kBeamOffsets = {{{0.0, 0.0},
                                                                    {5.74, 0.01},
                                                                    {2.88, -4.97},
                                                                    {-2.86, -4.98},
                                                                    {-5.74, -0.01},
                                                                    {-2.88, 4.97},
                                                                    {2.86, 4.98},
                                                                    {11.5, 0.01},
                                                                    {8.61, -4.96},
                                                                    {5.75, -9.93},
                                                                    {0.02, -9.94},
                                                                    {-5.71, -9.96},
                                                                    {-8.6, -4.99},
                                                                    {-11.5, -0.03},
                                                                    {-8.63, 4.95},
                                                                    {-5.77, 9.93},
                                                                    {-0.02, 9.94},
                                                                    {5.77, 9.93},
                                                                    {8.61, 4.98}}};

/// Between the centres of beams a and b, 1..19. Throws std::invalid_argument for any other: 0 is an unknown
/// beam.
double beam_separation_arcmin(int a, int b);

/// Closer than kNeighbourArcmin; a beam is not its own neighbour. Throws as beam_separation_arcmin().
bool are_neighbours(int a, int b);

}  // namespace tianyan
