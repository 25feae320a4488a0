// VOEvent 2.0, https://www.ivoa.net/documents/VOEvent/20110711/; registers the format "voevent".
#include "io/voevent.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <vector>

#include "io/beam_name.hpp"
#include "io/candidate_table.hpp"
#include "io/event_files.hpp"
#include "io/exporter.hpp"
#include "io/iso_time.hpp"
#include "io/xml_tree.hpp"
#include "kernels/base/expect.hpp"
#include "kernels/base/sky.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

struct Param {
  const char *name, *type, *ucd, *unit;
  std::string value;  ///< empty: not known
};

std::string known(double value) { return std::isfinite(value) ? fmt::format("{:.10g}", value) : ""; }
std::string positive(double value) { return value > 0.0 ? known(value) : ""; }

std::vector<Param> observatory_params(const Observation& o, const Detection& d) {
  const std::string semi_axis = positive(0.5 * o.beam_fwhm_arcmin);
  return {
      {"beam_semi-major_axis", "float", "instr.beam;pos.errorEllipse;phys.angSize.smajAxis", "MM", semi_axis},
      {"beam_semi-minor_axis", "float", "instr.beam;pos.errorEllipse;phys.angSize.sminAxis", "MM", semi_axis},
      {"beam_rotation_angle", "float", "instr.beam;pos.errorEllipse;instr.offset", "Degrees",
       semi_axis.empty() ? "" : known(o.rotation_deg)},
      {"sampling_time", "float", "time.resolution", "ms", positive(o.sample_time_s * 1e3)},
      {"bandwidth", "float", "instr.bandwidth", "MHz", positive(o.bandwidth_mhz())},
      {"nchan", "float", "meta.number;em.freq;em.bin", "None", positive(o.n_chan)},
      {"centre_frequency", "float", "em.freq;instr", "MHz", positive(o.centre_mhz())},
      {"npol", "int", "", "None", positive(o.n_pol)},
      {"bits_per_sample", "int", "", "None", positive(o.n_bits)},
      {"gain", "float", "", "K/Jy", positive(o.gain_k_jy)},
      {"tsys", "float", "phot.antennaTemp", "K", positive(o.tsys_k)},
      {"backend", "", "", "", o.backend},
      {"beam", "", "", "", positive(d.best.beam)},
  };
}

std::vector<Param> observation_params(const Observation& o) {
  return {
      {"observation_start_MJD", "float", "obs.param;time.start", "MJD",
       o.start.day > 0 ? mjd_digits(o.start) : ""},
      {"target_name", "", "", "", o.source_name},
  };
}

std::vector<Param> event_params(const Observation& o, const Detection& d) {
  const bool is_placed = d.position.known();
  const GalacticPosition place = is_placed ? galactic(d.position) : GalacticPosition();
  return {
      {"dm", "float", "phys.dispMeasure", "pc/cm^3", known(d.best.dm_pc_cm3)},
      {"dm_error", "float", "stat.error;phys.dispMeasure", "pc/cm^3", positive(d.best.dm_err_pc_cm3)},
      {"width", "float", "time.duration;src.var.pulse", "ms", positive(d.best.width_s * 1e3)},
      {"snr", "float", "stat.snr", "", known(d.best.snr)},
      {"flux", "float", "phot.flux", "Jy", positive(o.flux_jy(d.best.snr, d.best.width_s))},
      {"gl", "float", "pos.galactic.lon", "Degrees", is_placed ? fmt::format("{:.6f}", place.l_deg) : ""},
      {"gb", "float", "pos.galactic.lat", "Degrees", is_placed ? fmt::format("{:.6f}", place.b_deg) : ""},
  };
}

// Inside one channel; NaN where their number is not known.
double smearing_ms(const Observation& o, double dm_pc_cm3) {
  if (o.n_chan <= 0) return std::numeric_limits<double>::quiet_NaN();
  const double channel_mhz = o.bandwidth_mhz() / o.n_chan;
  return 2e3 * kDispersionConstant * dm_pc_cm3 * channel_mhz / std::pow(o.centre_mhz(), 3);
}

void add_group(pugi::xml_node what, const char* name, const std::vector<Param>& params) {
  pugi::xml_node group;
  for (const Param& p : params) {
    if (p.value.empty()) continue;
    if (!group) group = add_element(what, "Group", {{"name", name}});
    add_element(
        group, "Param",
        {{"dataType", p.type}, {"name", p.name}, {"ucd", p.ucd}, {"unit", p.unit}, {"value", p.value}});
  }
}

/// YYMMDDhhmm.
std::string minute_digits(const Mjd& arrival) {
  const std::string iso = iso_time(arrival);
  return iso.substr(2, 2) + iso.substr(5, 2) + iso.substr(8, 2) + iso.substr(11, 2) + iso.substr(14, 2);
}

std::string event_name(const Mjd& arrival) {
  return fmt::format("FRB{}/{}", minute_digits(arrival), mjd_digits(arrival));
}

std::string ivorn(const DetectionList& list, std::size_t index) {
  const std::string name = event_name(list.detections[index].arrival);
  int n = 1;
  for (std::size_t i = 0; i < index; ++i) n += event_name(list.detections[i].arrival) == name ? 1 : 0;
  return fmt::format("ivo://{}#{}{}", list.publisher.ivo_authority, name, n > 1 ? fmt::format("/{}", n) : "");
}

bool is_authority(const std::string& text) {
  const std::size_t slash = text.find('/');
  return slash > 0 && slash != std::string::npos && slash + 1 < text.size() &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-/") ==
             std::string::npos;
}

pugi::xml_node add_root(pugi::xml_document& document, const DetectionList& list, std::size_t index) {
  const std::string& authority = list.publisher.ivo_authority;
  expect(is_authority(authority),
         "publisher's IVO authority '{}' is not \"institute/instrument\" in letters, digits and . _ ~ -",
         authority);
  return add_element(
      document, "voe:VOEvent",
      {{"xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"},
       {"xmlns:voe", "http://www.ivoa.net/xml/VOEvent/v2.0"},
       {"xsi:schemaLocation",
        "http://www.ivoa.net/xml/VOEvent/v2.0 http://www.ivoa.net/xml/VOEvent/VOEvent-v2.0.xsd"},
       {"version", "2.0"},
       {"role", authority.starts_with("example/") ? "test" : "observation"},
       {"ivorn", ivorn(list, index)}});
}

void add_who(pugi::xml_node event, const Publisher& publisher) {
  const pugi::xml_node who = add_element(event, "Who");
  const std::string institute = publisher.ivo_authority.substr(0, publisher.ivo_authority.find('/'));
  add_text(who, "AuthorIVORN", fmt::format("ivo://{}/contact", institute));
  const bool has_name = !publisher.author.empty() && publisher.author != "unknown";
  if (!has_name && publisher.contact.empty()) return;
  const pugi::xml_node author = add_element(who, "Author");
  if (!publisher.contact.empty()) add_text(author, "contactEmail", publisher.contact);
  if (has_name) add_text(author, "contactName", publisher.author);
}

void add_what(pugi::xml_node event, const Observation& o, const Detection& d) {
  const pugi::xml_node what = add_element(event, "What");
  add_group(what, "observatory parameters", observatory_params(o, d));
  add_group(what, "observation parameters", observation_params(o));
  add_group(what, "event parameters", event_params(o, d));
  add_group(what, "advanced parameters",
            {{"dispersion_smearing", "float", "", "ms", positive(smearing_ms(o, d.best.dm_pc_cm3))}});
}

void add_position(pugi::xml_node coords, const Detection& d) {
  const pugi::xml_node position = add_element(coords, "Position2D", {{"unit", "deg"}});
  add_text(position, "Name1", "RA");
  add_text(position, "Name2", "Dec");
  const pugi::xml_node value = add_element(position, "Value2");
  add_text(value, "C1", fmt::format("{:.6f}", d.position.ra_deg));
  add_text(value, "C2", fmt::format("{:.6f}", d.position.dec_deg));
  add_text(position, "Error2Radius",
           std::isfinite(d.pos_err_deg) ? fmt::format("{:.6f}", d.pos_err_deg) : "NaN");
}

void add_where_when(pugi::xml_node event, const Observation& o, const Detection& d) {
  const pugi::xml_node where = add_element(event, "WhereWhen");
  const pugi::xml_node location = add_element(where, "ObsDataLocation");
  add_element(location, "ObservatoryLocation", {{"id", o.telescope}});
  const pugi::xml_node observation = add_element(location, "ObservationLocation");
  add_element(observation, "AstroCoordSystem", {{"id", "UTC-FK5-GEO"}});
  const pugi::xml_node coords = add_element(observation, "AstroCoords", {{"coord_system_id", "UTC-FK5-GEO"}});
  const pugi::xml_node time = add_element(coords, "Time", {{"unit", "s"}});
  add_text(add_element(time, "TimeInstant"), "ISOTime", iso_time(d.arrival));
  if (d.position.known()) add_position(coords, d);
  add_text(where, "Description",
           fmt::format("ISOTime is the arrival at the telescope, not at the geocentre, at {:.6f} MHz. "
                       "Error2Radius holds the source with a probability of 68 %.",
                       d.best.ref_freq_mhz));
}

void add_how(pugi::xml_node event, const DetectionList& list, const Detection& d) {
  const pugi::xml_node how = add_element(event, "How");
  add_text(how, "Description",
           fmt::format("Single-pulse search by {}; dispersion constant {} s MHz^2 cm^3 / pc",
                       list.publisher.software.empty() ? "tianyan" : list.publisher.software,
                       kDispersionConstant));
  if (!d.file.empty()) add_text(how, "Description", fmt::format("Found in {}", d.file));
}

void add_why(pugi::xml_node event, const Detection& d) {
  const pugi::xml_node why =
      add_element(event, "Why", {{"importance", fmt::format("{:.4f}", d.best.snr / (d.best.snr + 10.0))}});
  add_text(why, "Concept", "Signal-to-noise ratio");
  add_text(why, "Description", "importance = snr / (snr + 10)");
  for (const std::string& reason : d.reasons) add_text(why, "Description", reason);
  add_text(why, "Name", "FRB" + minute_digits(d.arrival).substr(0, 6));
}

std::string description_of(const Detection& d) {
  std::vector<std::string> names;
  for (const int beam : d.beams) names.push_back(beam_name(beam));
  std::string text = fmt::format("{}: a dispersed pulse", d.id);
  if (!names.empty()) text += fmt::format(" in {}", fmt::join(names, " "));
  if (d.inf_bary)
    text += fmt::format("; at infinite frequency at the barycentre at MJD {} TDB", mjd_digits(*d.inf_bary));
  return text + ".";
}

void write_voevents(const DetectionList& list, const std::string& directory) {
  write_events(list, directory, "xml", format_voevent);
}

const bool kIsRegistered = register_exporter({"voevent", "events/ID.xml", true, write_voevents});

}  // namespace

std::string format_voevent(const DetectionList& list, std::size_t index) {
  const Observation& observation = observation_of(list, index);
  const Detection& detection = list.detections[index];
  pugi::xml_document document;
  const pugi::xml_node event = add_root(document, list, index);
  add_who(event, list.publisher);
  add_what(event, observation, detection);
  add_where_when(event, observation, detection);
  add_how(event, list, detection);
  add_why(event, detection);
  add_text(event, "Description", description_of(detection));
  return xml_text(document);
}

}  // namespace tianyan
