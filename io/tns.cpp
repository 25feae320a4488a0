// TNS frb_report, after the sample of the bulk API (https://www.wis-tns.org/help); registers the format
// "tns".
#include "io/tns.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "io/event_files.hpp"
#include "io/exporter.hpp"
#include "io/iso_time.hpp"
#include "io/json_text.hpp"
#include "io/utf8_text.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

using json = nlohmann::ordered_json;

/// To ten digits; null where it is not known.
json known(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{:.10g}", value).c_str(), nullptr);
}
json positive(double value) { return value > 0.0 ? known(value) : json(nullptr); }

json coordinate(double value_deg, double error_deg) {
  return {{"value", known(value_deg)}, {"error", known(error_deg)}, {"units", "deg"}};
}

json photometry(const Observation& o, const Detection& d) {
  return {{"obsdate", iso_time(d.arrival, ' ')},
          {"flux", positive(o.flux_jy(d.best.snr, d.best.width_s))},
          {"flux_error", nullptr},
          {"flux_units", "8"},
          {"filter_value", nullptr},
          {"instrument_value", nullptr},
          {"snr", known(d.best.snr)},
          {"burst_width", known(d.best.width_s * 1e3)},
          {"burst_width_unitid", "23"},
          {"ref_freq", positive(o.centre_mhz())},
          {"ref_freq_unitid", "24"},
          {"inst_bandwidth", positive(o.bandwidth_mhz())},
          {"inst_bandwidth_unitid", "24"},
          {"channels_no", positive(o.n_chan)},
          {"sampling_time", positive(o.sample_time_s * 1e3)},
          {"sampling_time_unitid", "23"}};
}

std::string remarks_on(const DetectionList& list, const Observation& o, const Detection& d) {
  const std::string& software = list.publisher.software;
  return printable_text(
      fmt::format("Times are UTC at {} at {:.6f} MHz; barycentric_event_time is TDB at infinite frequency. "
                  "Found by {} in {} "
                  "beam(s); dispersion constant {} s MHz^2 cm^3 / pc.",
                  o.telescope.empty() ? "the telescope" : o.telescope, d.best.ref_freq_mhz,
                  software.empty() ? "tianyan" : software, d.beams.size(), kDispersionConstant));
}

json report_of(const DetectionList& list, const Observation& o, const Detection& d) {
  const std::string& author = list.publisher.author;
  const bool has_author = !author.empty() && author != "unknown";
  return {{"ra", coordinate(d.position.ra_deg, d.pos_err_deg)},
          {"dec", coordinate(d.position.dec_deg, d.pos_err_deg)},
          {"reporting_group_id", nullptr},
          {"discovery_data_source_id", nullptr},
          {"internal_name", printable_text(d.id)},
          {"at_type", "5"},
          {"reporter", has_author ? json(printable_text(author)) : json(nullptr)},
          {"discovery_datetime", iso_time(d.arrival, ' ')},
          {"barycentric_event_time", d.inf_bary ? json(iso_time(*d.inf_bary, ' ')) : json(nullptr)},
          {"dm", known(d.best.dm_pc_cm3)},
          {"dm_err", known(d.best.dm_err_pc_cm3)},
          {"dm_unitid", "25"},
          {"galactic_max_dm", nullptr},
          {"galactic_max_dm_model", nullptr},
          {"remarks", remarks_on(list, o, d)},
          {"photometry", {{"photometry_group", {{"0", photometry(o, d)}}}}}};
}

void write_tns(const DetectionList& list, const std::string& directory) {
  write_events(list, directory, "json", format_tns);
}

const bool kIsRegistered = register_exporter({"tns", "events/ID.json", true, write_tns});

}  // namespace

std::string format_tns(const DetectionList& list, std::size_t index) {
  const Observation& observation = observation_of(list, index);
  const json report = {{"frb_report", {{"0", report_of(list, observation, list.detections[index])}}}};
  return dump_json(report, 2) + "\n";
}

}  // namespace tianyan
