// Scans from the streams of their beams.
#include "pipeline/sift_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "kernels/site.hpp"

namespace tianyan {
namespace {

constexpr double kSamePointingDeg = 1.0 / 3600.0;

double number_or_nan(double v) { return v > 0.0 ? v : std::numeric_limits<double>::quiet_NaN(); }

SkyPosition pointing_of(const SiftBeam& beam) { return {beam.info.ra_deg, beam.info.dec_deg}; }

// Indices of beams, those of one scan together, by time.
std::vector<std::vector<std::size_t>> overlapping(const std::vector<SiftBeam>& beams) {
  std::vector<std::size_t> order(beams.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto begin = [&](std::size_t i) {
    return beams[i].info.start.seconds_since(beams[order[0]].info.start);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return beams[a].info.start.seconds_since(beams[b].info.start) < 0.0;
  });
  std::vector<std::vector<std::size_t>> scans;
  double end = -std::numeric_limits<double>::infinity();
  for (const auto i : order) {
    if (begin(i) >= end) scans.emplace_back();
    scans.back().push_back(i);
    end = std::max(end, begin(i) + beams[i].info.duration_s());
  }
  return scans;
}

bool is_known_once(const std::vector<std::size_t>& members, const std::vector<SiftBeam>& beams) {
  std::set<int> seen;
  return std::all_of(members.begin(), members.end(), [&](std::size_t i) {
    return beams[i].beam >= 1 && beams[i].beam <= kNumBeams && seen.insert(beams[i].beam).second;
  });
}

// All beams that have a pointing have the same.
bool is_one_pointing(const std::vector<BeamPointing>& pointings) {
  return std::all_of(pointings.begin(), pointings.end(), [&](const BeamPointing& p) {
    return separation_deg(p.position, pointings.front().position) < kSamePointingDeg;
  });
}

void set_centre(const SiftConfig& sift, const std::vector<BeamPointing>& pointings, SiftScan& scan) {
  double rotation_deg = std::max(0.0, sift.rotation_deg);
  const auto measured = rotation_from_pointings(pointings);
  if (measured && sift.rotation_deg < 0.0) rotation_deg = *measured;
  scan.offsets = beam_offsets(rotation_deg);
  scan.observation.rotation_deg = rotation_deg;
  if (pointings.empty()) {
    scan.remarks.push_back("no header has a pointing: detections have no position");
    return;
  }
  const auto& first = pointings.front();
  const auto offset = scan.offsets[static_cast<std::size_t>(first.beam) - 1];
  const bool is_shared = pointings.size() > 1 && is_one_pointing(pointings);
  scan.centre =
      is_shared ? first.position : at_offset(first.position, {-offset.east_arcmin, -offset.north_arcmin});
  if (pointings.size() == 1 || measured) return;
  if (!is_shared)
    scan.remarks.push_back(
        fmt::format("the pointings of the beams are not those of FAST's receiver: positions are taken from "
                    "beam M{:02d}'s",
                    first.beam));
  else if (sift.rotation_deg < 0.0)
    scan.remarks.push_back(
        "all beams' headers have the same pointing, which is taken for beam M01's, and the receiver for not "
        "turned: where it was, set sift.rotation_deg");
}

Observation observation_of(const SiftConfig& sift, const OutputConfig& output, const SiftBeam& beam) {
  const StreamInfo& info = beam.info;
  Observation o;
  o.telescope = sift.telescope.empty() ? info.telescope : sift.telescope;
  o.backend = info.backend;
  o.source_name = info.source_name;
  o.file = beam.file;
  o.freq_low_mhz = info.freq_low_mhz - 0.5 * info.channel_width_mhz;
  o.freq_high_mhz = info.ref_freq_mhz() + 0.5 * info.channel_width_mhz;
  o.n_chan = info.n_chan;
  o.n_pol = info.n_pol;
  o.n_bits = beam.n_bits;
  o.sample_time_s = info.sample_time_s;
  o.start = info.start;
  o.gain_k_jy = number_or_nan(output.gain_k_jy);
  o.tsys_k = number_or_nan(output.tsys_k);
  return o;
}

SiftScan scan_of(const SiftConfig& sift, const OutputConfig& output, const std::vector<SiftBeam>& beams,
                 std::vector<std::size_t> members) {
  SiftScan scan;
  scan.observation = observation_of(sift, output, beams[members.front()]);
  scan.model = {scan.observation.freq_low_mhz, scan.observation.freq_high_mhz};
  scan.has_layout = has_fast_receiver(scan.observation.telescope) && is_known_once(members, beams);
  std::stable_sort(members.begin(), members.end(),
                   [&](std::size_t a, std::size_t b) { return beams[a].beam < beams[b].beam; });
  if (scan.has_layout) {
    scan.observation.beam_fwhm_arcmin = scan.model.fwhm_arcmin();
    std::vector<BeamPointing> pointings;
    for (const auto i : members)
      if (pointing_of(beams[i]).known()) pointings.push_back({beams[i].beam, pointing_of(beams[i])});
    set_centre(sift, pointings, scan);
  }
  scan.beams = std::move(members);
  return scan;
}

}  // namespace

bool has_fast_receiver(const std::string& telescope) {
  const Site* site = find_site(telescope);
  return site == nullptr ? telescope.empty() : site->name == "FAST";
}

std::vector<SiftScan> make_scans(const SiftConfig& sift, const OutputConfig& output,
                                 const std::vector<SiftBeam>& beams) {
  std::vector<SiftScan> scans;
  for (auto& members : overlapping(beams)) scans.push_back(scan_of(sift, output, beams, std::move(members)));
  return scans;
}

}  // namespace tianyan
