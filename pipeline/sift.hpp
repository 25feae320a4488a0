// The sift: candidates of all beams become events, each with a class and the reasons for it.
//
// What matches (kernels/sift.hpp) is one event. Its class is the first of these that holds:
//   rfi         a beam that is no neighbour of the strongest one sees it with more than
//   sift.far_beam_fraction
//               of its S/N
//   known:NAME  position and DM are those of a source in a catalogue (kernels/known_match.hpp)
//   rfi         its DM is consistent with zero: DM <= n err + w / (2 B), n = sift.match_sigma, B the delay
//               across the band per unit of DM: a pulse without dispersion has no more
//   rfi         no point source has such strengths (kernels/localise.hpp), p < sift.shape_probability
//   rfi         with others of like DM it keeps time with the noise diode or the mains
//               (kernels/repetition.hpp), p < sift.repetition_probability
//   rfi         swept the wrong way: a negative DM gives a higher S/N, at full resolution
//   astrophysical
// Where an event is measured again, at full resolution, its class is that by what was measured; times are as
// they were for the noise diode and the mains.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/detection.hpp"
#include "kernels/base/known_source.hpp"
#include "pipeline/config.hpp"
#include "pipeline/detection_cutout.hpp"
#include "pipeline/sift_scan.hpp"

namespace tianyan {

/// An event with the candidates that it was made of.
struct SiftGroup {
  Detection detection;
  std::size_t home = 0;  ///< index of the strongest candidate's beam
  std::size_t best = 0;  ///< of that candidate among its beam's
  /// That a point source has such strengths; nothing where the scan has no layout or far beams have decided.
  std::optional<double> shape_probability = std::nullopt;
};

struct Sifted {
  std::vector<SiftScan> scans;
  std::vector<SiftGroup> groups;                   ///< strongest first
  std::vector<std::vector<std::size_t>> group_of;  ///< [beam][candidate]
  std::vector<std::string> remarks;
};

/// Groups and classes by what the candidates say.
Sifted sift_candidates(const SiftConfig& config, const OutputConfig& output,
                       const std::vector<SiftBeam>& beams, const std::vector<KnownSource>& known);

/// Takes what a detection is at full resolution, or says in a reason that it was not found there, and judges
/// again what depends on it: whether a known source is of that DM, too.
void take_refined(const SiftConfig& config, const std::vector<KnownSource>& known, const StreamInfo& info,
                  const Refined& refined, SiftGroup& group);

}  // namespace tianyan
