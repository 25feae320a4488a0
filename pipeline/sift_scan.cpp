// Scans from the streams of their beams.
#include "pipeline/sift_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "io/beam_name.hpp"
#include "kernels/base/units.hpp"
#include "kernels/site.hpp"

namespace tianyan {
namespace {

constexpr double kSamePointingDeg = 1.0 / kArcsecPerDeg;
constexpr double kOneBeamArcmin = 1.0;  // a third of its width

// Of FAST's 19-beam receiver (Jiang et al. 2020, RAA 20, 64).
constexpr double kFastGainKJy = 16.0, kFastTsysK = 20.0;

// What the config gives, or FAST's own; NaN where neither is.
double given_or_own(double given, bool is_fast, double own) {
  if (given > 0.0) return given;
  return is_fast ? own : std::numeric_limits<double>::quiet_NaN();
}

SkyPosition pointing_of(const SiftBeam& beam, const Mjd& when) {
  return beam.info.pointing_at(when.seconds_since(beam.info.start));
}

// Of a stream's pointing, less `offset`; times are since `start`.
SkyTrack centre_track(const StreamInfo& info, const SkyOffset& offset, const Mjd& start) {
  const SkyTrack fixed = {{0.0, {info.ra_deg, info.dec_deg}}};
  SkyTrack track = since(info.track.empty() ? fixed : info.track, start.seconds_since(info.start));
  for (auto& point : track)
    point.position = at_offset(point.position, {-offset.east_arcmin, -offset.north_arcmin});
  return track;
}

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

// When both have begun; NaN where one has no pointing.
double apart_arcmin(const SiftBeam& a, const SiftBeam& b) {
  const Mjd when = a.info.start.seconds_since(b.info.start) > 0.0 ? a.info.start : b.info.start;
  return kArcminPerDeg * separation_deg(pointing_of(a, when), pointing_of(b, when));
}

// Members in order of their numbers; those of one number and one place together.
std::vector<std::vector<std::size_t>> beams_of(std::vector<std::size_t> members,
                                               const std::vector<SiftBeam>& beams) {
  std::stable_sort(members.begin(), members.end(),
                   [&](std::size_t a, std::size_t b) { return beams[a].beam < beams[b].beam; });
  std::vector<std::vector<std::size_t>> groups;
  for (const auto i : members) {
    const auto is_same = [&](const std::vector<std::size_t>& group) {
      const SiftBeam& other = beams[group.front()];
      return other.beam == beams[i].beam && !(apart_arcmin(other, beams[i]) > kOneBeamArcmin);
    };
    const auto own = beams[i].beam == 0 ? groups.end() : std::find_if(groups.begin(), groups.end(), is_same);
    own == groups.end() ? groups.push_back({i}) : own->push_back(i);
  }
  return groups;
}

// Why the scan has no layout; empty where it has one.
std::string layout_fault(const SiftScan& scan, const std::vector<SiftBeam>& beams) {
  const auto& telescope = scan.observation.telescope;
  if (!has_fast_receiver(telescope)) return fmt::format("telescope \"{}\" is not FAST", telescope);
  const SiftBeam* last = nullptr;
  for (const auto& entries : scan.beams) {
    const SiftBeam& beam = beams[entries.front()];
    if (beam.beam < 1 || beam.beam > kNumBeams)
      return fmt::format("{} does not say which beam of the receiver it is of", beam.file);
    if (last != nullptr && last->beam == beam.beam)
      return fmt::format("{} and {} are both said to be of beam {}, and look at places {:.1f}' apart",
                         last->file, beam.file, beam_name(beam.beam), apart_arcmin(*last, beam));
    last = &beam;
  }
  return "";
}

// All beams that have a pointing have the same.
bool is_one_pointing(const std::vector<BeamPointing>& pointings) {
  return std::all_of(pointings.begin(), pointings.end(), [&](const BeamPointing& p) {
    return separation_deg(p.position, pointings.front().position) < kSamePointingDeg;
  });
}

// `guides` are the beams that have a pointing, those that move first.
void set_centre(const SiftConfig& sift, const std::vector<const SiftBeam*>& guides, const Mjd& when,
                SiftScan& scan) {
  std::vector<BeamPointing> pointings;
  for (const auto* beam : guides) pointings.push_back({beam->beam, pointing_of(*beam, when)});
  double rotation_deg = std::max(0.0, sift.rotation_deg);
  const auto measured = rotation_from_pointings(pointings);
  if (measured && sift.rotation_deg < 0.0) rotation_deg = *measured;
  scan.offsets = beam_offsets(rotation_deg);
  scan.observation.rotation_deg = rotation_deg;
  if (guides.empty()) return;
  const SiftBeam& first = *guides.front();
  const bool is_shared = pointings.size() > 1 && is_one_pointing(pointings);
  const auto offset = is_shared ? SkyOffset{} : scan.offsets[static_cast<std::size_t>(first.beam) - 1];
  scan.centre = centre_track(first.info, offset, scan.observation.start);
  if (pointings.size() == 1 || measured) return;
  if (!is_shared)
    scan.remarks.push_back(
        fmt::format("the pointings of the beams are not those of FAST's receiver: positions are taken from "
                    "beam {}'s",
                    beam_name(first.beam)));
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
  o.n_chan = beam.n_chan;
  o.n_pol = beam.n_pol;
  o.n_bits = beam.n_bits;
  o.sample_time_s = info.sample_time_s;
  o.start = info.start;
  const bool is_fast = !o.telescope.empty() && has_fast_receiver(o.telescope);
  o.gain_k_jy = given_or_own(output.gain_k_jy, is_fast, kFastGainKJy);
  o.tsys_k = given_or_own(output.tsys_k, is_fast, kFastTsysK);
  return o;
}

bool moves(const SiftBeam& beam) { return !beam.info.track.empty(); }

// The first entry of each beam that has a pointing; those that move first.
std::vector<const SiftBeam*> guides_of(const SiftScan& scan, const std::vector<SiftBeam>& beams,
                                       const Mjd& when) {
  std::vector<const SiftBeam*> guides;
  for (const auto& entries : scan.beams) {
    const auto known = std::find_if(entries.begin(), entries.end(),
                                    [&](std::size_t i) { return pointing_of(beams[i], when).known(); });
    if (known != entries.end()) guides.push_back(&beams[*known]);
  }
  std::stable_partition(guides.begin(), guides.end(), [](const SiftBeam* beam) { return moves(*beam); });
  return guides;
}

SiftScan scan_of(const SiftConfig& sift, const OutputConfig& output, const std::vector<SiftBeam>& beams,
                 std::vector<std::size_t> members) {
  SiftScan scan;
  const Mjd last_start = beams[members.back()].info.start;  // members are in order of time
  scan.observation = observation_of(sift, output, beams[members.front()]);
  scan.model = {scan.observation.freq_low_mhz, scan.observation.freq_high_mhz};
  scan.beams = beams_of(std::move(members), beams);
  const auto guides = guides_of(scan, beams, last_start);
  if (guides.empty()) scan.remarks.push_back("no header has a pointing: detections have no position");
  if (!guides.empty() && moves(*guides.front()))
    scan.remarks.push_back("the beams move over the sky: each position is that of its arrival time");
  const auto fault = layout_fault(scan, beams);
  scan.has_layout = fault.empty();
  if (scan.has_layout) {
    scan.observation.beam_fwhm_arcmin = scan.model.fwhm_arcmin();
    set_centre(sift, guides, last_start, scan);
  } else {
    scan.remarks.push_back(
        fault + ": beams are not compared by their places on the sky, and positions are where they point");
  }
  return scan;
}

}  // namespace

bool SiftBeam::looked_at(const Mjd& when) const {
  const auto sample =
      static_cast<std::int64_t>(std::floor(when.seconds_since(info.start) / info.sample_time_s));
  return std::none_of(not_searched.begin(), not_searched.end(),
                      [&](const SampleRange& r) { return r.begin <= sample && sample < r.end; });
}

bool has_fast_receiver(const std::string& telescope) {
  const Site* site = find_site(telescope);
  return site == nullptr ? telescope.empty() : site->name == "FAST";
}

std::optional<std::array<double, 3>> site_of(const SiftConfig& sift, const std::string& telescope) {
  const auto& own = sift.site_itrf_m;
  if (!own.empty()) return std::array<double, 3>{own[0], own[1], own[2]};
  const Site* site = find_site(telescope);
  return site == nullptr ? std::nullopt : std::optional(site->itrf_m);
}

std::vector<SiftScan> make_scans(const SiftConfig& sift, const OutputConfig& output,
                                 const std::vector<SiftBeam>& beams) {
  std::vector<SiftScan> scans;
  for (auto& members : overlapping(beams)) scans.push_back(scan_of(sift, output, beams, std::move(members)));
  return scans;
}

}  // namespace tianyan
