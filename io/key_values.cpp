// Parses the values of text headers.
#include "io/key_values.hpp"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "io/utf8_text.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr double kUnitsPerSecond = 1e6;  // seconds of angles and of time are written to a millionth

template <class T>
std::optional<T> parse(const std::string& text) {
  T value{};
  const char* begin = text.data();
  const char* const end = begin + text.size();
  if (begin != end && *begin == '+') ++begin;  // which std::from_chars does not take
  const auto [rest, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::string format_units(std::int64_t units) {
  const std::int64_t per_second = static_cast<std::int64_t>(kUnitsPerSecond);
  const std::int64_t seconds = units / per_second;
  return fmt::format("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60,
                     units % per_second);
}

}  // namespace

void KeyValues::add(const std::string& key, const std::string& value) {
  values_.try_emplace(key, printable_text(value));
}

std::string KeyValues::text(const std::string& key) const {
  const auto at = values_.find(key);
  return at == values_.end() ? "" : at->second;
}

std::string KeyValues::known_text(const std::string& key) const {
  const std::string value = text(key);
  for (const char* unknown : {"*", "unset", "unknown"})
    if (strcasecmp(value.c_str(), unknown) == 0) return "";
  return value;
}

std::optional<double> KeyValues::number(const std::string& key) const {
  if (!has(key)) return std::nullopt;
  const auto value = parse_number(text(key));
  require(value.has_value(), "{}: {} is '{}'; a number is needed", place_, key, text(key));
  return value;
}

std::optional<std::int64_t> KeyValues::integer(const std::string& key) const {
  if (!has(key)) return std::nullopt;
  const auto value = parse_integer(text(key));
  require(value.has_value(), "{}: {} is '{}'; an integer is needed", place_, key, text(key));
  return value;
}

double KeyValues::required_number(const std::string& key) const {
  require(has(key), "{}: the header has no {}", place_, key);
  return *number(key);
}

std::int64_t KeyValues::required_integer(const std::string& key, std::int64_t min, std::int64_t max) const {
  require(has(key), "{}: the header has no {}", place_, key);
  const std::int64_t value = *integer(key);
  require(value >= min && value <= max, "{}: {} is {}; {} to {} are possible", place_, key, value, min, max);
  return value;
}

std::optional<double> parse_number(const std::string& text) {
  const auto value = parse<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::int64_t> parse_integer(const std::string& text) { return parse<std::int64_t>(text); }

std::optional<Mjd> parse_mjd(const std::string& text) {
  const std::size_t dot = std::min(text.find('.'), text.size());
  const auto day = parse_integer(text.substr(0, dot));
  const auto fraction = parse_number("0" + (dot < text.size() ? text.substr(dot) : ".0"));
  if (!day || *day < 0 || *day > 1'000'000 || !fraction || *fraction < 0.0 || *fraction >= 1.0)
    return std::nullopt;
  return Mjd{*day, *fraction * kSecondsPerDay};
}

std::string trimmed(const std::string& text) {
  const char* const blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

double parse_sexagesimal(const std::string& text) {
  double whole = 0.0, minutes = 0.0, seconds = 0.0;
  const bool is_angle = std::sscanf(text.c_str(), "%lf:%lf:%lf", &whole, &minutes, &seconds) == 3 &&
                        minutes >= 0.0 && minutes < 60.0 && seconds >= 0.0 && seconds < 60.0;
  if (!is_angle) return std::numeric_limits<double>::quiet_NaN();
  const double magnitude = std::abs(whole) + minutes / 60.0 + seconds / 3600.0;
  return text.front() == '-' ? -magnitude : magnitude;
}

std::string format_sexagesimal(double value, bool with_sign) {
  const std::string sign = value < 0.0 ? "-" : with_sign ? "+" : "";
  return sign + format_units(std::llround(std::abs(value) * 3600.0 * kUnitsPerSecond));
}

std::string format_ra(double ra_deg) {
  const auto circle = static_cast<std::int64_t>(24 * 3600 * kUnitsPerSecond);
  const std::int64_t units = std::llround(std::fmod(ra_deg, 360.0) / 15.0 * 3600.0 * kUnitsPerSecond);
  return format_units((units % circle + circle) % circle);
}

void read_position(const KeyValues& header, const char* ra_key, const char* dec_key, VoltageInfo& info,
                   std::vector<std::string>& notes) {
  const std::string ra = header.known_text(ra_key), dec = header.known_text(dec_key);
  if (ra.empty() && dec.empty()) return;
  const double ra_hours = parse_sexagesimal(ra), dec_deg = parse_sexagesimal(dec);
  if (ra_hours == 0.0 && dec_deg == 0.0) return;
  if (ra_hours >= 0.0 && ra_hours < 24.0 && std::abs(dec_deg) <= 90.0) {
    info.ra_deg = ra_hours * 15.0;
    info.dec_deg = dec_deg;
  } else {
    notes.push_back(fmt::format("{}: {} '{}' and {} '{}' are no position: taken as unknown", header.place(),
                                ra_key, ra, dec_key, dec));
  }
}

}  // namespace tianyan
