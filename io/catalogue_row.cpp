// Finds a source's values among a row's columns, and checks them.
#include "io/catalogue_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <set>
#include <vector>

#include "io/key_values.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

constexpr double kNan = KnownSource::kUnknown;
constexpr double kDegPerHour = 15.0;
constexpr double kObliquityDeg =
    84381.406 / kArcsecPerDeg;  // at J2000, IERS 2010, as psrcat's ecliptic positions
constexpr double kMaxDm = 1e5;
constexpr std::size_t kMaxNotes = 5;

using Names = std::initializer_list<const char*>;

const Names kNameColumns = {"repeater_name", "repeater_of_objid", "name",     "psrb", "psrj", "jname",
                            "bname",         "frb_name",          "tns_name", "tns",  "frb",  "source",
                            "source_name",   "other_name"};
const Names kRaColumns = {"raj", "ra", "ra_deg", "rajd", "rop_raj"};
const Names kDecColumns = {"decj", "dec", "de", "dec_deg", "decjd", "decl", "rop_decj"};
const Names kDmColumns = {"dm", "dm_pc_cm3", "dm_fitb", "bonsai_dm", "rmp_dm"};
const Names kDmErrColumns = {"dm_err", "dm_error", "dm_err_pc_cm3", "dm_fitb_err", "rmp_dm_error"};

bool is_missing_text(const std::string& text) {
  const std::string word = lower_case(text);
  for (const char* none : {"", "*", "-9999", "-9999.0", "nan", "null", "--"})
    if (word == none) return true;
  return false;
}

struct Value {
  std::string column, text;
};

/// The first of the columns that has a value; empty where none has.
Value find(const CatalogueRow& row, const Names& columns) {
  for (const char* column : columns) {
    const auto at = row.values.find(column);
    if (at != row.values.end() && !is_missing_text(at->second)) return {column, at->second};
  }
  return {};
}

double number(const CatalogueRow& row, const Names& columns) {
  return parse_number(find(row, columns).text).value_or(kNan);
}

bool has_any(const CatalogueRow& row, const Names& columns) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const char* name) { return row.values.count(name); });
}

/// "05 34 31.97", "5h34m31.97s", "+22d00'52.06\"", "00:11" as their up to three numbers between blanks.
std::string between_blanks(std::string text) {
  for (char& c : text)
    if (std::string(":hmsd'\"").find(c) != std::string::npos) c = ' ';
  return trimmed(text);
}

/// Hours or degrees out of two or three sexagesimal numbers; none where it is something else.
std::optional<double> sexagesimal(const std::string& text) {
  std::array<double, 3> parts{};
  std::size_t n = 0, at = 0;
  const std::string words = between_blanks(text);
  for (; n < 3 && at < words.size(); ++n) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    const auto part = parse_number(words.substr(at, end - at));
    if (!part || (n > 0 && (*part < 0.0 || *part > 60.0))) return std::nullopt;
    parts[n] = *part;
    at = std::min(words.find_first_not_of(' ', end), words.size());
  }
  if (n < 2 || at < words.size()) return std::nullopt;
  const double magnitude = std::abs(parts[0]) + parts[1] / 60.0 + parts[2] / 3600.0;
  return words.front() == '-' ? -magnitude : magnitude;
}

bool is_in_hours(const CatalogueRow& row, const Value& ra) {
  const auto unit = row.units.find(ra.column);
  if (unit == row.units.end()) return false;
  const std::string name = lower_case(unit->second);
  return name == "h" || name == "hour" || name == "hours" || name == "hourangle" || name == "hms";
}

double ra_degrees(const CatalogueRow& row, const Value& ra) {
  if (const auto plain = parse_number(ra.text)) return is_in_hours(row, ra) ? *plain * kDegPerHour : *plain;
  const auto hours = sexagesimal(ra.text);
  return hours ? *hours * kDegPerHour : kNan;
}

double dec_degrees(const std::string& text) {
  if (const auto plain = parse_number(text)) return *plain;
  return sexagesimal(text).value_or(kNan);
}

/// x to the equinox, z to the pole: a rotation about x by the obliquity.
SkyPosition from_ecliptic(double longitude_deg, double latitude_deg) {
  const double l = longitude_deg * kRadPerDeg, b = latitude_deg * kRadPerDeg, e = kObliquityDeg * kRadPerDeg;
  const double x = std::cos(b) * std::cos(l);
  const double y = std::cos(e) * std::cos(b) * std::sin(l) - std::sin(e) * std::sin(b);
  const double z = std::sin(e) * std::cos(b) * std::sin(l) + std::cos(e) * std::sin(b);
  const double ra_deg = std::atan2(y, x) / kRadPerDeg;
  return {ra_deg < 0.0 ? ra_deg + 360.0 : ra_deg, std::atan2(z, std::hypot(x, y)) / kRadPerDeg};
}

SkyPosition read_position(const CatalogueRow& row) {
  const Value ra = find(row, kRaColumns), dec = find(row, kDecColumns);
  if (ra.text.empty() || dec.text.empty())
    return from_ecliptic(number(row, {"elong"}), number(row, {"elat"}));
  return {ra_degrees(row, ra), dec_degrees(dec.text)};
}

/// "25 arcmin", "0.8 arcsec", "1.2 deg"; a plain number where the position is plain degrees.
double angle_deg(const CatalogueRow& row, const Value& error, bool is_plain) {
  const std::string text = trimmed(error.text);
  const auto unit_at = std::min(text.find_first_of(" adm"), text.size());
  const auto value = parse_number(text.substr(0, unit_at));
  std::string unit = trimmed(text.substr(unit_at));
  const auto of_column = row.units.find(error.column);
  if (unit.empty() && of_column != row.units.end()) unit = of_column->second;
  if (!value || (unit.empty() && !is_plain)) return kNan;
  if (unit.starts_with("arcmin")) return *value / kArcminPerDeg;
  if (unit.starts_with("arcsec")) return *value / kArcsecPerDeg;
  return unit.empty() || unit.starts_with("deg") ? *value : kNan;
}

/// The error given as a radius, else out of those of ra (as they stand, without cos dec) and dec.
double position_error_deg(const CatalogueRow& row, const SkyPosition& position) {
  const double radius = angle_deg(row, find(row, {"pos_err_deg"}), true);
  if (!std::isnan(radius)) return radius;
  const bool is_plain = parse_number(find(row, kRaColumns).text).has_value();
  return std::hypot(angle_deg(row, find(row, {"ra_err"}), is_plain) * std::cos(position.dec_deg * kRadPerDeg),
                    angle_deg(row, find(row, {"dec_err", "decl_err"}), is_plain));
}

/// One blank between words, and none at the ends.
std::string tidy(const std::string& text) {
  std::string name;
  for (const char c : trimmed(text))
    if (c != ' ' || name.back() != ' ') name += c;
  return name;
}

void read_names(const CatalogueRow& row, KnownSource& source) {
  for (const char* column : kNameColumns) {
    const std::string name = tidy(find(row, {column}).text);
    if (name.empty() || name == source.name) continue;
    if (source.name.empty())
      source.name = name;
    else if (std::count(source.other_names.begin(), source.other_names.end(), name) == 0)
      source.other_names.push_back(name);
  }
}

/// P = 1 / F, Pdot = -F1 / F^2.
void read_rotation(const CatalogueRow& row, KnownSource& source) {
  const double f0 = number(row, {"f0"}), f1 = number(row, {"f1"});
  source.period_s = number(row, {"p0", "period_s", "period"});
  source.period_dot = number(row, {"p1", "period_dot"});
  if (std::isnan(source.period_s)) source.period_s = 1.0 / f0;
  if (std::isnan(source.period_dot)) source.period_dot = -f1 / (f0 * f0);
  source.epoch_mjd = number(row, {"pepoch", "epoch_mjd"});
  const std::string binary = lower_case(find(row, {"binary"}).text);
  source.is_binary = !binary.empty() && binary != "0" && binary != "false";
}

KnownSource read_source(const CatalogueRow& row) {
  KnownSource source;
  read_names(row, source);
  source.position = read_position(row);
  source.pos_err_deg = position_error_deg(row, source.position);
  source.dm_pc_cm3 = number(row, kDmColumns);
  source.dm_err_pc_cm3 = number(row, kDmErrColumns);
  read_rotation(row, source);
  return source;
}

/// Why the source cannot be used; "" where it can.
std::string fault(const KnownSource& source) {
  const auto& [ra, dec] = source.position;
  if (source.name.empty()) return "a row has no name";
  if (!source.position.known()) return source.name + " has no position";
  if (ra < 0.0 || ra > 360.0 || std::abs(dec) > 90.0)
    return fmt::format("{} is at ra {} deg, dec {} deg", source.name, ra, dec);
  if (std::isnan(source.dm_pc_cm3)) return source.name + " has no DM";
  if (!(source.dm_pc_cm3 > 0.0 && source.dm_pc_cm3 < kMaxDm))
    return fmt::format("{} has a DM of {} pc/cm3", source.name, source.dm_pc_cm3);
  if (source.period_s <= 0.0) return fmt::format("{} has a period of {} s", source.name, source.period_s);
  return "";
}

}  // namespace

void add_source(const CatalogueRow& row, Catalogue& catalogue) {
  KnownSource source = read_source(row);
  const std::string why = fault(source);
  if (why.empty()) {
    catalogue.sources.push_back(std::move(source));
  } else {
    ++catalogue.n_skipped;
    catalogue.notes.push_back(row.place + ": " + why);
  }
}

bool has_source_columns(const CatalogueRow& row) {
  const bool has_position = (has_any(row, kRaColumns) && has_any(row, kDecColumns)) ||
                            (has_any(row, {"elong"}) && has_any(row, {"elat"}));
  return has_any(row, kNameColumns) && has_position && has_any(row, kDmColumns);
}

void finish_catalogue(const std::string& path, Catalogue& catalogue) {
  std::set<std::string> names;
  const auto is_repeated = [&](const KnownSource& source) { return !names.insert(source.name).second; };
  std::vector<KnownSource> kept;
  for (KnownSource& source : catalogue.sources)
    if (!is_repeated(source)) kept.push_back(std::move(source));
  catalogue.n_repeated = static_cast<std::int64_t>(catalogue.sources.size() - kept.size());
  catalogue.sources = std::move(kept);
  if (catalogue.notes.size() <= kMaxNotes) return;
  const std::size_t n_more = catalogue.notes.size() - kMaxNotes;
  catalogue.notes.resize(kMaxNotes);
  catalogue.notes.push_back(fmt::format("{}: {} more rows are skipped", path, n_more));
}

}  // namespace tianyan
