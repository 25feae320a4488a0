// Barycentric times and phases of detections.
#include "pipeline/sift_times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "kernels/barycentre.hpp"
#include "kernels/known_match.hpp"

namespace tianyan {
namespace {

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

void set_barycentric_times(const SiftConfig& config, Sifted& sifted) {
  std::set<std::string> unknown_telescopes;
  int n_undated = 0;
  for (auto& g : sifted.groups) {
    Detection& d = g.detection;
    if (d.source_class == SourceClass::kRfi || !d.position.known()) continue;
    const auto& telescope = sifted.scans[d.scan].observation.telescope;
    const auto site = site_of(config, telescope);
    if (!site)
      unknown_telescopes.insert(telescope);
    else if (!has_barycentric_time(d.arrival))
      ++n_undated;
    else
      d.inf_bary =
          infinite_frequency_barycentric(d.arrival, d.best.ref_freq_mhz, d.best.dm_pc_cm3, d.position, *site);
  }
  for (const auto& telescope : unknown_telescopes)
    sifted.remarks.push_back(
        fmt::format("no barycentric times: telescope \"{}\" is not known; name it with sift.telescope or "
                    "sift.site_itrf_m",
                    telescope));
  if (n_undated > 0)
    sifted.remarks.push_back(fmt::format(
        "no barycentric times of {} detections: they are not dated in the years 1972 to 2099", n_undated));
}

}  // namespace

void finish_times(const SiftConfig& config, const std::vector<KnownSource>& known, Sifted& sifted) {
  set_barycentric_times(config, sifted);
  std::map<std::string, std::vector<const Detection*>> pulses;
  for (const auto& g : sifted.groups)
    if (g.detection.source_class == SourceClass::kKnown && g.detection.inf_bary)
      pulses[g.detection.known_name].push_back(&g.detection);
  std::map<std::string, std::string> reasons;
  for (const auto& of : pulses) {
    const auto source =
        std::find_if(known.begin(), known.end(), [&](const KnownSource& k) { return k.name == of.first; });
    reasons[of.first] = phase_reason(of.second, *source);
  }
  for (auto& g : sifted.groups)
    if (const auto found = reasons.find(g.detection.known_name);
        found != reasons.end() && !found->second.empty())
      g.detection.reasons.push_back(found->second);
}

}  // namespace tianyan
