// Headers of text, a key and a value at a time, and the angles and names in them.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/voltage_info.hpp"

namespace tianyan {

/// Keys and values of one header; errors are std::runtime_error with the file, the key and its value.
class KeyValues {
 public:
  /// `place` begins every error: a path, or a path and where in it.
  explicit KeyValues(std::string place) : place_(std::move(place)) {}
  /// The first value of a key stays. Values are made printable (io/utf8_text.hpp).
  void add(const std::string& key, const std::string& value);

  const std::string& place() const { return place_; }
  bool has(const std::string& key) const { return values_.count(key) > 0; }
  /// "" where there is none.
  std::string text(const std::string& key) const;
  /// The same; "" also for '*', 'unset' and 'unknown'.
  std::string known_text(const std::string& key) const;
  /// None where the key is missing; an error where its value is no finite number.
  std::optional<double> number(const std::string& key) const;
  std::optional<std::int64_t> integer(const std::string& key) const;
  double required_number(const std::string& key) const;
  std::int64_t required_integer(const std::string& key, std::int64_t min, std::int64_t max) const;

 private:
  std::string place_;
  std::map<std::string, std::string> values_;
};

/// A whole text as a number; none where it is something else, or not finite.
std::optional<double> parse_number(const std::string& text);
std::optional<std::int64_t> parse_integer(const std::string& text);
/// "59000.25" from 0 to 1000000; day and fraction each on their own: a double has too few digits for both.
std::optional<Mjd> parse_mjd(const std::string& text);
/// Without the blanks at both ends.
std::string trimmed(const std::string& text);
/// A to Z in lower case.
std::string lower_case(std::string text);

/// "-12:34:56.7" in its own unit (hours or degrees); NaN where it is no such thing.
double parse_sexagesimal(const std::string& text);
/// The reverse, to 1e-6 s: "-12:34:56.700000", with a '+' where `with_sign`.
std::string format_sexagesimal(double value, bool with_sign);
/// Right ascension as hours, 00:00:00 to 23:59:59.999999, of an angle in degrees.
std::string format_ra(double ra_deg);

/// Position of the pointing out of two sexagesimal texts, hours and degrees. What is no position adds a line
/// to `notes`; 0, 0 is what programs write that do not know it.
void read_position(const KeyValues& header, const char* ra_key, const char* dec_key, VoltageInfo& info,
                   std::vector<std::string>& notes);

}  // namespace tianyan
