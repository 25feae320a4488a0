// Scans: which beams looked at the sky at once, where, and how they answer to a source.
#pragma once
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/beam_layout.hpp"
#include "kernels/base/candidate.hpp"
#include "kernels/base/detection.hpp"
#include "kernels/base/sample_range.hpp"
#include "kernels/base/stream_info.hpp"
#include "kernels/beam_model.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

/// One beam's candidates and what is known of its stream, from a run or from a list.
struct SiftBeam {
  int beam = 0;  ///< 1..19, 0 unknown
  StreamInfo info;
  std::string file;                       ///< name of its first file, without directory
  int n_chan = 0, n_pol = 0, n_bits = 0;  ///< as recorded; 0: unknown, whatever `info` needs for its band
  double snr_min = 0.0;
  /// Searched from and to: what is not in between may be there unseen.
  double dm_min_pc_cm3 = 0.0, dm_max_pc_cm3 = std::numeric_limits<double>::infinity();
  std::vector<Candidate> candidates;
  std::vector<SampleRange> not_searched = {};  ///< nor of what arrives then

  /// Whether what arrives then, at the highest frequency, would have been seen.
  bool looked_at(const Mjd& when) const;
};

struct SiftScan {
  /// [beam of the scan]: its entries in the list of all, more than one where it was searched in several runs.
  std::vector<std::vector<std::size_t>> beams;
  Observation observation;
  bool has_layout = false;  ///< FAST's receiver, every beam known
  SkyTrack centre;  ///< where beam 1 looks, by the layout, seconds since observation.start; empty without one
  std::array<SkyOffset, kNumBeams> offsets{};
  BeamModel model;
  std::vector<std::string> remarks;  ///< what was assumed
};

/// Beams whose times overlap are one scan, whatever run they are of, and entries of one number that look at
/// one place are one beam. Without a layout a remark says why. Where headers give each beam a pointing of its
/// own, centre and rotation are those that fit them; where all give one, it is taken for that of beam 1 and
/// the rotation for sift.rotation_deg, or for 0 with a remark. Pointings are compared at the instant when the
/// last beam begins; the centre moves as the first beam does whose file says that it moves. By the time of
/// their beginning.
std::vector<SiftScan> make_scans(const SiftConfig& sift, const OutputConfig& output,
                                 const std::vector<SiftBeam>& beams);

/// "FAST" for FAST and for what says nothing: its receiver's layout holds.
bool has_fast_receiver(const std::string& telescope);

/// Where the telescope stands, by sift.site_itrf_m or its name; nothing where neither says.
std::optional<std::array<double, 3>> site_of(const SiftConfig& sift, const std::string& telescope);

}  // namespace tianyan
