// From candidates to events: matching, and the rules in their order.
#include "pipeline/sift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "io/beam_name.hpp"
#include "io/candidate_table.hpp"
#include "kernels/barycentre.hpp"
#include "kernels/beam_model.hpp"
#include "kernels/known_match.hpp"
#include "kernels/localise.hpp"
#include "kernels/repetition.hpp"
#include "kernels/sift.hpp"
#include "kernels/site.hpp"

namespace tianyan {
namespace {

constexpr double kArcminPerDeg = 60.0;

// Periods of interference. The mains' frequency wanders by 0.2 % within hours.
struct Repeater {
  const char* name;
  PeriodSpec period;
};
constexpr Repeater kRepeaters[] = {{"the noise diode", {0.201326592, 0.0}},
                                   {"the mains", {0.020, 2e-3}},
                                   {"twice the mains' frequency", {0.010, 2e-3}}};
constexpr double kInPhase = 0.1;          // of a period, either way
constexpr double kLikeDmFraction = 0.05;  // events that repeat have DMs within this, or
constexpr double kLikeDmPcCm3 = 1.0;      // within this of the next

struct Place {
  std::size_t beam, candidate;
};

bool is_dm_zero(const SiftConfig& config, const StreamInfo& info, const Candidate& c) {
  return c.dm_pc_cm3 <= config.match_sigma * c.dm_err_pc_cm3 + 0.5 * c.width_s / info.band_delay_s_per_dm();
}

void call_rfi(Detection& d, const std::string& reason) {
  d.source_class = SourceClass::kRfi;
  d.known_name.clear();
  d.reasons = {reason};
}

// The sift of one scan.
class ScanSift {
 public:
  ScanSift(const SiftConfig& config, const std::vector<SiftBeam>& beams, const SiftScan& scan,
           std::size_t scan_index, const std::vector<KnownSource>& known)
      : config_(config), beams_(beams), scan_(scan), scan_index_(scan_index), known_(known) {}

  /// Numbers its groups from `first` on.
  std::vector<SiftGroup> run(std::size_t first, std::vector<std::vector<std::size_t>>& group_of);

 private:
  struct Group {
    std::vector<Place> members;  // strongest first
    std::vector<Place> by_beam;  // the strongest of each beam, strongest first
  };

  const Candidate& at(const Place& p) const { return beams_[p.beam].candidates[p.candidate]; }
  std::vector<Group> match() const;
  SiftGroup judge(const Group& group) const;
  void set_place(const Group& group, SiftGroup& out) const;
  std::optional<std::string> far_beam(const Group& group) const;
  std::optional<Localisation> localised(const Group& group) const;
  void set_position(const Group& group, const std::optional<Localisation>& where, Detection& d) const;
  bool is_known(Detection& d) const;
  void find_repetitions(std::vector<SiftGroup>& groups) const;
  void judge_repetition(const std::vector<SiftGroup*>& alike) const;

  const SiftConfig& config_;
  const std::vector<SiftBeam>& beams_;
  const SiftScan& scan_;
  std::size_t scan_index_;
  const std::vector<KnownSource>& known_;
};

std::vector<ScanSift::Group> ScanSift::match() const {
  const StreamInfo& first = beams_[scan_.beams.front()].info;
  std::vector<SiftCandidate> all;
  std::vector<Place> places;
  for (const auto b : scan_.beams) {
    const SiftBeam& beam = beams_[b];
    const double since = beam.info.start.seconds_since(first.start);
    for (std::size_t i = 0; i < beam.candidates.size(); ++i) {
      const Candidate& c = beam.candidates[i];
      const double delay_s = dispersion_delay_s(c.dm_pc_cm3, mid_freq_mhz(beam.info), c.ref_freq_mhz);
      all.push_back({beam.beam, since + c.time_s + delay_s, arrival_error_s(c.width_s, c.snr), c.dm_pc_cm3,
                     c.dm_err_pc_cm3, c.width_s, c.snr});
      places.push_back({b, i});
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
                       [&](const Place& q) { return at(q).beam == at(p).beam; }))
        group.by_beam.push_back(p);
  }
  return groups;
}

void ScanSift::set_place(const Group& group, SiftGroup& out) const {
  const Place best = group.by_beam.front();
  out.home = best.beam;
  out.best = best.candidate;
  Detection& d = out.detection;
  d.scan = scan_index_;
  d.best = at(best);
  d.best.n_members = 0;
  for (const auto& p : group.members) d.best.n_members += at(p).n_members;
  d.arrival = beams_[best.beam].info.start.plus_seconds(d.best.time_s);
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

std::optional<Localisation> ScanSift::localised(const Group& group) const {
  if (!scan_.has_layout) return std::nullopt;
  const int home = at(group.by_beam.front()).beam;
  std::vector<BeamStrength> strengths;
  for (const auto b : scan_.beams) {
    const int beam = beams_[b].beam;
    const auto seen =
        std::find_if(group.by_beam.begin(), group.by_beam.end(), [&](const Place& p) { return p.beam == b; });
    if (seen != group.by_beam.end())
      strengths.push_back({beam, at(*seen).snr, true});
    else if (are_neighbours(beam, home))
      strengths.push_back({beam, beams_[b].snr_min, false});
  }
  LocaliseParams params;
  params.model = scan_.model;
  params.offsets = scan_.offsets;
  return localise(strengths, params);
}

void ScanSift::set_position(const Group& group, const std::optional<Localisation>& where,
                            Detection& d) const {
  const StreamInfo& info = beams_[group.by_beam.front().beam].info;
  if (where && scan_.centre.known()) {
    d.position = at_offset(scan_.centre, where->offset);
    d.pos_err_deg = where->err_arcmin / kArcminPerDeg;
  } else {
    d.position = {info.ra_deg, info.dec_deg};
  }
}

bool ScanSift::is_known(Detection& d) const {
  MatchQuery query;
  query.position = d.position;
  query.pos_err_deg = std::isfinite(d.pos_err_deg) ? d.pos_err_deg : 0.0;
  query.search_radius_deg = config_.known_radius_arcmin / kArcminPerDeg;
  query.dm_pc_cm3 = d.best.dm_pc_cm3;
  query.dm_err_pc_cm3 = d.best.dm_err_pc_cm3;
  if (!query.position.known()) return false;
  const auto match = match_known(query, known_);
  if (!match) return false;
  d.source_class = SourceClass::kKnown;
  d.known_name = known_[match->source].name;
  d.reasons = {match->reason};
  return true;
}

SiftGroup ScanSift::judge(const Group& group) const {
  SiftGroup out;
  set_place(group, out);
  Detection& d = out.detection;
  if (const auto far = far_beam(group)) {
    set_position(group, std::nullopt, d);
    call_rfi(d, *far);
    return out;
  }
  const auto where = localised(group);
  set_position(group, where, d);
  if (is_known(d)) return out;
  if (is_dm_zero(config_, beams_[out.home].info, d.best)) {
    call_rfi(d, fmt::format("DM {:.2f} is consistent with zero", d.best.dm_pc_cm3));
  } else if (where && where->probability < config_.shape_probability) {
    call_rfi(d, fmt::format("strengths over {} beams are not those of a point source (p = {:.1e})",
                            d.beams.size(), where->probability));
  } else {
    d.reasons = {d.beams.size() == 1 ? fmt::format("dispersed, in {} alone", beam_name(d.beams.front()))
                                     : fmt::format("dispersed, in neighbouring beams")};
    if (where && where->dof > 0)
      d.reasons.push_back(fmt::format("strengths as of a point source (p = {:.2g})", where->probability));
  }
  return out;
}

// Of one DM: in phase, all that are near the mean phase are interference.
void ScanSift::judge_repetition(const std::vector<SiftGroup*>& alike) const {
  for (const auto& repeater : kRepeaters) {
    const double period_s = repeater.period.period_s;
    std::vector<std::pair<double, SiftGroup*>> timed;
    for (auto* g : alike)
      if (g->detection.source_class == SourceClass::kAstrophysical &&
          g->detection.best.width_s < 0.25 * period_s)
        timed.emplace_back(g->detection.arrival.seconds_since(scan_.observation.start), g);
    std::sort(timed.begin(), timed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<double> time_s;
    for (const auto& t : timed) time_s.push_back(t.first);
    const double p = repetition_p_value(time_s, repeater.period);
    if (p >= config_.repetition_probability) continue;
    for (std::size_t i = 0; i < timed.size(); ++i) {
      const auto in_phase_with = [&](std::size_t j) {
        return std::abs(std::remainder(time_s[i] - time_s[j], period_s)) < kInPhase * period_s;
      };
      if ((i > 0 && in_phase_with(i - 1)) || (i + 1 < timed.size() && in_phase_with(i + 1)))
        call_rfi(timed[i].second->detection, fmt::format("one of {} that keep time with {} (p = {:.1e})",
                                                         timed.size(), repeater.name, p));
    }
  }
}

void ScanSift::find_repetitions(std::vector<SiftGroup>& groups) const {
  std::vector<SiftGroup*> by_dm;
  for (auto& g : groups)
    if (g.detection.source_class == SourceClass::kAstrophysical) by_dm.push_back(&g);
  const auto dm_of = [](const SiftGroup* g) { return g->detection.best.dm_pc_cm3; };
  std::stable_sort(by_dm.begin(), by_dm.end(), [&](auto* a, auto* b) { return dm_of(a) < dm_of(b); });
  std::vector<SiftGroup*> alike;
  for (auto* g : by_dm) {
    if (!alike.empty() &&
        dm_of(g) - dm_of(alike.back()) > std::max(kLikeDmPcCm3, kLikeDmFraction * dm_of(g))) {
      judge_repetition(alike);
      alike.clear();
    }
    alike.push_back(g);
  }
  judge_repetition(alike);
}

std::vector<SiftGroup> ScanSift::run(std::size_t first, std::vector<std::vector<std::size_t>>& group_of) {
  std::vector<SiftGroup> groups;
  for (const auto& group : match()) {
    for (const auto& p : group.members) group_of[p.beam][p.candidate] = first + groups.size();
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

// The widest pulse says how well times are known.
std::string phase_reason(const std::vector<const Detection*>& detections, const KnownSource& source) {
  std::vector<Mjd> times;
  double time_err_s = 0.0;
  for (const auto* d : detections) {
    times.push_back(*d->inf_bary);
    time_err_s = std::max(time_err_s, 0.5 * d->best.width_s);
  }
  return phase_consistency(times, time_err_s, source).reason;
}

std::optional<std::array<double, 3>> site_of(const SiftConfig& config, const Observation& observation) {
  if (!config.site_itrf_m.empty())
    return std::array<double, 3>{config.site_itrf_m[0], config.site_itrf_m[1], config.site_itrf_m[2]};
  const Site* site = find_site(observation.telescope);
  return site == nullptr ? std::nullopt : std::optional(site->itrf_m);
}

void set_barycentric_times(const SiftConfig& config, Sifted& sifted) {
  for (std::size_t s = 0; s < sifted.scans.size(); ++s) {
    const auto& telescope = sifted.scans[s].observation.telescope;
    const auto site = site_of(config, sifted.scans[s].observation);
    if (!site)
      sifted.remarks.push_back(
          fmt::format("no barycentric times: telescope \"{}\" is not known; name it with sift.telescope or "
                      "sift.site_itrf_m",
                      telescope));
    for (auto& g : sifted.groups) {
      Detection& d = g.detection;
      if (site && d.scan == s && d.source_class != SourceClass::kRfi && d.position.known())
        d.inf_bary = infinite_frequency_barycentric(d.arrival, d.best.ref_freq_mhz, d.best.dm_pc_cm3,
                                                    d.position, *site);
    }
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
    sifted.remarks.insert(sifted.remarks.end(), scan.remarks.begin(), scan.remarks.end());
  }
  order_groups(sifted);
  return sifted;
}

void take_refined(const SiftConfig& config, const StreamInfo& info, const Refined& refined,
                  SiftGroup& group) {
  Detection& d = group.detection;
  const auto n_members = d.best.n_members;
  d.best = refined.candidate;
  d.best.n_members = n_members;
  d.is_refined = true;
  d.arrival = info.start.plus_seconds(d.best.time_s);
  if (d.source_class != SourceClass::kAstrophysical) return;
  if (refined.wrong_way_snr > d.best.snr_white + 1.0)
    call_rfi(d, fmt::format("swept the wrong way: S/N {:.1f} at DM {:.2f}, {:.1f} at {:.2f}",
                            refined.wrong_way_snr, refined.wrong_way_dm_pc_cm3, d.best.snr_white,
                            d.best.dm_pc_cm3));
  else if (is_dm_zero(config, info, d.best))
    call_rfi(d, fmt::format("DM {:.2f} +- {:.2f}, at full resolution, is consistent with zero",
                            d.best.dm_pc_cm3, d.best.dm_err_pc_cm3));
}

void finish_times(const SiftConfig& config, const std::vector<KnownSource>& known, Sifted& sifted) {
  set_barycentric_times(config, sifted);
  std::map<std::string, std::vector<const Detection*>> pulses;
  for (const auto& g : sifted.groups)
    if (g.detection.source_class == SourceClass::kKnown && g.detection.inf_bary)
      pulses[g.detection.known_name].push_back(&g.detection);
  std::map<std::string, std::string> reasons;
  for (const auto& [name, detections] : pulses) {
    const auto source =
        std::find_if(known.begin(), known.end(), [&](const KnownSource& k) { return k.name == name; });
    reasons[name] = phase_reason(detections, *source);
  }
  for (auto& g : sifted.groups)
    if (const auto found = reasons.find(g.detection.known_name);
        found != reasons.end() && !found->second.empty())
      g.detection.reasons.push_back(found->second);
}

}  // namespace tianyan
