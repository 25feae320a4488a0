// From candidates to events: matching, and the rules in their order.
#include "pipeline/sift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "io/beam_name.hpp"
#include "io/candidate_table.hpp"
#include "kernels/base/units.hpp"
#include "kernels/beam_model.hpp"
#include "kernels/known_match.hpp"
#include "kernels/localise.hpp"
#include "kernels/sift.hpp"
#include "pipeline/sift_repetition.hpp"

namespace tianyan {
namespace {

struct Place {
  std::size_t entry, candidate;  // of the list of all, of its candidates
};

bool is_dm_zero(const SiftConfig& config, const StreamInfo& info, const Candidate& c) {
  return c.dm_pc_cm3 <= config.match_sigma * c.dm_err_pc_cm3 + 0.5 * c.width_s / info.band_delay_s_per_dm();
}

// At the frequency where a DM that is off leaves it as it is (kernels/sift.hpp).
double mid_time_s(const SiftBeam& beam, const Candidate& c, const Mjd& since) {
  return beam.info.start.seconds_since(since) + c.time_s +
         dispersion_delay_s(c.dm_pc_cm3, mid_freq_mhz(beam.info), c.ref_freq_mhz);
}

bool is_known(const SiftConfig& config, const std::vector<KnownSource>& known, Detection& d) {
  MatchQuery query;
  query.position = d.position;
  query.pos_err_deg = std::isfinite(d.pos_err_deg) ? d.pos_err_deg : 0.0;
  query.search_radius_deg = config.known_radius_arcmin / kArcminPerDeg;
  query.dm_pc_cm3 = d.best.dm_pc_cm3;
  query.dm_err_pc_cm3 = d.best.dm_err_pc_cm3;
  const auto match = match_known(query, known);
  if (!match) return false;
  d.source_class = SourceClass::kKnown;
  d.known_name = known[match->source].name;
  d.reasons = {match->reason};
  return true;
}

// The rules that hold for an event by itself, whatever its far beams, in their order. Where DM 0 was not
// among the trials of a measurement, its error says nothing about it.
void judge_measured(const SiftConfig& config, const std::vector<KnownSource>& known, const StreamInfo& info,
                    bool tried_dm_zero, SiftGroup& group) {
  Detection& d = group.detection;
  if (is_known(config, known, d)) return;
  const auto shape = group.shape_probability;
  if (tried_dm_zero && is_dm_zero(config, info, d.best)) {
    d.call_rfi(fmt::format("DM {:.2f} +- {:.2f}{} is consistent with zero", d.best.dm_pc_cm3,
                           d.best.dm_err_pc_cm3, d.is_refined ? ", at full resolution," : ""));
  } else if (shape && *shape < config.shape_probability) {
    d.call_rfi(fmt::format("strengths over {} beams are not those of a point source (p = {:.1e})",
                           d.beams.size(), *shape));
  } else {
    d.source_class = SourceClass::kAstrophysical;
    d.known_name.clear();
    d.reasons = {d.beams.size() == 1 ? fmt::format("dispersed, in {} alone", beam_name(d.beams.front()))
                                     : fmt::format("dispersed, in {} beams", d.beams.size())};
    if (shape) d.reasons.push_back(fmt::format("strengths as of a point source (p = {:.2g})", *shape));
  }
}

// The sift of one scan.
class ScanSift {
 public:
  ScanSift(const SiftConfig& config, const std::vector<SiftBeam>& beams, const SiftScan& scan,
           std::size_t scan_index, const std::vector<KnownSource>& known)
      : config_(config),
        beams_(beams),
        scan_(scan),
        scan_index_(scan_index),
        known_(known),
        beam_of_(beams.size()) {
    for (std::size_t b = 0; b < scan.beams.size(); ++b)
      for (const auto entry : scan.beams[b]) beam_of_[entry] = b;
  }

  /// Numbers its groups from `first` on.
  std::vector<SiftGroup> run(std::size_t first, std::vector<std::vector<std::size_t>>& group_of);

 private:
  struct Group {
    std::vector<Place> members;  // strongest first
    std::vector<Place> by_beam;  // the strongest of each beam of the scan, strongest first
  };

  const Candidate& at(const Place& p) const { return beams_[p.entry].candidates[p.candidate]; }
  std::vector<Group> match() const;
  SiftGroup judge(const Group& group) const;
  void set_place(const Group& group, SiftGroup& out) const;
  std::optional<std::string> far_beam(const Group& group) const;
  std::optional<Localisation> localised(const Group& group) const;
  void set_position(const Group& group, const std::optional<Localisation>& where, Detection& d) const;
  double threshold(const std::vector<std::size_t>& entries, double dm_pc_cm3, const Mjd& arrival) const;
  void find_repetitions(std::vector<SiftGroup>& groups) const;

  const SiftConfig& config_;
  const std::vector<SiftBeam>& beams_;
  const SiftScan& scan_;
  std::size_t scan_index_;
  const std::vector<KnownSource>& known_;
  std::vector<std::size_t> beam_of_;  // [entry of the list of all]: beam of the scan
};

std::vector<ScanSift::Group> ScanSift::match() const {
  const StreamInfo& first = beams_[scan_.beams.front().front()].info;
  std::vector<SiftCandidate> all;
  std::vector<Place> places;
  for (const auto& entries : scan_.beams)
    for (const auto entry : entries) {
      const SiftBeam& beam = beams_[entry];
      for (std::size_t i = 0; i < beam.candidates.size(); ++i) {
        const Candidate& c = beam.candidates[i];
        all.push_back({beam.beam, mid_time_s(beam, c, first.start), arrival_error_s(c.width_s, c.snr),
                       c.dm_pc_cm3, c.dm_err_pc_cm3, c.width_s, c.snr});
        places.push_back({entry, i});
      }
    }
  const auto number = sift_groups(all, {config_.match_sigma, first.band_delay_s_per_dm()});
  std::vector<Group> groups;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto g = static_cast<std::size_t>(number[i]);
    if (g >= groups.size()) groups.resize(g + 1);
    groups[g].members.push_back(places[i]);
  }
  for (auto& group : groups) {
    std::stable_sort(group.members.begin(), group.members.end(),
                     [&](const Place& a, const Place& b) { return at(a).snr > at(b).snr; });
    for (const auto& p : group.members)
      if (std::none_of(group.by_beam.begin(), group.by_beam.end(),
                       [&](const Place& q) { return beam_of_[q.entry] == beam_of_[p.entry]; }))
        group.by_beam.push_back(p);
  }
  return groups;
}

void ScanSift::set_place(const Group& group, SiftGroup& out) const {
  const Place best = group.by_beam.front();
  out.home = best.entry;
  out.best = best.candidate;
  Detection& d = out.detection;
  d.scan = scan_index_;
  d.best = at(best);
  d.best.n_members = 0;
  for (const auto& p : group.members) d.best.n_members += at(p).n_members;
  const SiftBeam& beam = beams_[best.entry];
  d.file = beam.file;
  d.file_start = beam.info.start;
  d.arrival = d.file_start.plus_seconds(d.best.time_s);
  for (const auto& p : group.by_beam) d.beams.push_back(at(p).beam);
}

std::optional<std::string> ScanSift::far_beam(const Group& group) const {
  if (!scan_.has_layout) return std::nullopt;
  const Candidate& best = at(group.by_beam.front());
  for (const auto& p : group.by_beam) {
    const Candidate& c = at(p);
    if (c.beam == best.beam || are_neighbours(c.beam, best.beam)) continue;
    if (c.snr > config_.far_beam_fraction * best.snr)
      return fmt::format(
          "far beams at once: {} at S/N {:.1f} and {} at {:.1f}, {:.1f}' apart, {} beams in all",
          beam_name(best.beam), best.snr, beam_name(c.beam), c.snr, beam_separation_arcmin(best.beam, c.beam),
          group.by_beam.size());
  }
  return std::nullopt;
}

// The S/N that a beam would have seen at a DM and a time; infinite where it did not look.
double ScanSift::threshold(const std::vector<std::size_t>& entries, double dm_pc_cm3,
                           const Mjd& arrival) const {
  double least = std::numeric_limits<double>::infinity();
  for (const auto i : entries)
    if (beams_[i].dm_min_pc_cm3 <= dm_pc_cm3 && dm_pc_cm3 <= beams_[i].dm_max_pc_cm3 &&
        beams_[i].looked_at(arrival))
      least = std::min(least, beams_[i].snr_min);
  return least;
}

std::optional<Localisation> ScanSift::localised(const Group& group) const {
  if (!scan_.has_layout) return std::nullopt;
  const Candidate& best = at(group.by_beam.front());
  const Mjd arrival = beams_[group.by_beam.front().entry].info.start.plus_seconds(best.time_s);
  std::vector<BeamStrength> strengths;
  for (std::size_t b = 0; b < scan_.beams.size(); ++b) {
    const int beam = beams_[scan_.beams[b].front()].beam;
    const auto seen = std::find_if(group.by_beam.begin(), group.by_beam.end(),
                                   [&](const Place& p) { return beam_of_[p.entry] == b; });
    const double unseen_below = threshold(scan_.beams[b], best.dm_pc_cm3, arrival);
    if (seen != group.by_beam.end())
      strengths.push_back({beam, at(*seen).snr, true});
    else if (are_neighbours(beam, best.beam) && std::isfinite(unseen_below))
      strengths.push_back({beam, unseen_below, false});
  }
  LocaliseParams params;
  params.model = scan_.model;
  params.offsets = scan_.offsets;
  return localise(strengths, params);
}

void ScanSift::set_position(const Group& group, const std::optional<Localisation>& where,
                            Detection& d) const {
  const StreamInfo& info = beams_[group.by_beam.front().entry].info;
  const double mid_s =
      d.best.time_s + dispersion_delay_s(d.best.dm_pc_cm3, mid_freq_mhz(info), d.best.ref_freq_mhz);
  const auto centre =
      position_at(scan_.centre, info.start.plus_seconds(mid_s).seconds_since(scan_.observation.start));
  if (where && centre.known()) {
    d.position = at_offset(centre, where->offset);
    d.pos_err_deg = where->err_arcmin / kArcminPerDeg;
  } else {
    d.position = info.pointing_at(mid_s);
  }
}

SiftGroup ScanSift::judge(const Group& group) const {
  SiftGroup out;
  set_place(group, out);
  if (const auto far = far_beam(group)) {
    set_position(group, std::nullopt, out.detection);
    out.detection.call_rfi(*far);
    return out;
  }
  const auto where = localised(group);
  set_position(group, where, out.detection);
  if (where) out.shape_probability = where->probability;
  judge_measured(config_, known_, beams_[out.home].info, true, out);
  return out;
}

void ScanSift::find_repetitions(std::vector<SiftGroup>& groups) const {
  std::vector<TimedEvent> events;
  for (auto& g : groups)
    if (g.detection.source_class == SourceClass::kAstrophysical)
      events.push_back({mid_time_s(beams_[g.home], g.detection.best, scan_.observation.start), &g.detection});
  judge_repetitions(config_.repetition_probability, std::move(events));
}

std::vector<SiftGroup> ScanSift::run(std::size_t first, std::vector<std::vector<std::size_t>>& group_of) {
  std::vector<SiftGroup> groups;
  for (const auto& group : match()) {
    for (const auto& p : group.members) group_of[p.entry][p.candidate] = first + groups.size();
    groups.push_back(judge(group));
  }
  find_repetitions(groups);
  return groups;
}

// Strongest first over all scans; ids; what the candidates point to follows.
void order_groups(Sifted& sifted) {
  std::vector<std::size_t> order(sifted.groups.size()), rank(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const Candidate &x = sifted.groups[a].detection.best, &y = sifted.groups[b].detection.best;
    return std::tuple(-x.snr, x.beam, x.time_s, x.dm_pc_cm3, x.width_s) <
           std::tuple(-y.snr, y.beam, y.time_s, y.dm_pc_cm3, y.width_s);
  });
  std::vector<SiftGroup> groups;
  for (std::size_t r = 0; r < order.size(); ++r) {
    rank[order[r]] = r;
    groups.push_back(std::move(sifted.groups[order[r]]));
  }
  sifted.groups = std::move(groups);
  for (auto& beam : sifted.group_of)
    for (auto& g : beam) g = rank[g];
  std::map<std::string, int> n_seen;
  for (auto& g : sifted.groups) {
    auto& d = g.detection;
    d.id = detection_id(d.arrival, d.best.beam);
    if (const int n = ++n_seen[d.id]; n > 1) d.id += fmt::format("_{}", n);
  }
}

}  // namespace

Sifted sift_candidates(const SiftConfig& config, const OutputConfig& output,
                       const std::vector<SiftBeam>& beams, const std::vector<KnownSource>& known) {
  Sifted sifted;
  sifted.scans = make_scans(config, output, beams);
  for (const auto& beam : beams) sifted.group_of.emplace_back(beam.candidates.size());
  for (std::size_t s = 0; s < sifted.scans.size(); ++s) {
    const auto& scan = sifted.scans[s];
    auto groups = ScanSift(config, beams, scan, s, known).run(sifted.groups.size(), sifted.group_of);
    std::move(groups.begin(), groups.end(), std::back_inserter(sifted.groups));
    for (const auto& remark : scan.remarks)
      if (std::find(sifted.remarks.begin(), sifted.remarks.end(), remark) == sifted.remarks.end())
        sifted.remarks.push_back(remark);
  }
  order_groups(sifted);
  return sifted;
}

void take_refined(const SiftConfig& config, const std::vector<KnownSource>& known, const StreamInfo& info,
                  const Refined& refined, SiftGroup& group) {
  Detection& d = group.detection;
  const auto n_members = d.best.n_members;
  if (refined.found) {
    d.best = refined.candidate;
    d.best.n_members = n_members;
    d.is_refined = true;
    d.arrival = info.start.plus_seconds(d.best.time_s);
    if (d.source_class != SourceClass::kRfi)
      judge_measured(config, known, info, refined.tried_dm_zero, group);
  } else {
    d.reasons.push_back(fmt::format("not measured again: S/N {:.1f} at full resolution", refined.peak_snr));
  }
  if (d.source_class == SourceClass::kAstrophysical && refined.wrong_way_snr > d.best.snr_white + 1.0)
    d.call_rfi(fmt::format("swept the wrong way: S/N {:.1f} at DM {:.2f}, {:.1f} at {:.2f}",
                           refined.wrong_way_snr, refined.wrong_way_dm_pc_cm3, d.best.snr_white,
                           d.best.dm_pc_cm3));
}

}  // namespace tianyan
