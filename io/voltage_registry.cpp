// The formats of voltages that are known: each file of a format registers itself, here they are found by
// content or by extension.
#include <algorithm>

#include "io/atomic_file.hpp"
#include "io/raw_file.hpp"
#include "io/voltage_sink.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

std::vector<VoltageSourceFormat>& source_formats() {
  static std::vector<VoltageSourceFormat> formats;
  return formats;
}

std::vector<VoltageSinkFormat>& sink_formats() {
  static std::vector<VoltageSinkFormat> formats;
  return formats;
}

const VoltageSourceFormat* find_format(const std::string& path) {
  const auto head = read_head(RawFile(path));
  for (const auto& format : source_formats())
    if (format.probe(path, head)) return &format;
  return nullptr;
}

}  // namespace

bool register_voltage_format(const VoltageSourceFormat& format) {
  source_formats().push_back(format);
  return true;
}

bool register_voltage_sink(const VoltageSinkFormat& format) {
  sink_formats().push_back(format);
  return true;
}

const VoltageSourceFormat* voltage_format_of(const std::string& path) {
  try {
    return find_format(path);
  } catch (const std::runtime_error&) {  // whoever opens the file will say what is wrong with it
    return nullptr;
  }
}

const VoltageSourceFormat& known_voltage_format(const std::string& path) {
  const VoltageSourceFormat* format = find_format(path);
  require(format != nullptr, "{}: no known format of voltages; known are {}", path,
          fmt::join(voltage_format_names(), ", "));
  return *format;
}

std::vector<std::string> voltage_format_names() {
  std::vector<std::string> names;
  for (const auto& format : source_formats()) names.push_back(format.name);
  std::sort(names.begin(), names.end());
  return names;
}

const VoltageSinkFormat& voltage_sink_format_for(const std::string& path) {
  std::vector<std::string> known;
  for (const auto& format : sink_formats()) {
    if (path.ends_with(format.extension)) return format;
    known.push_back(fmt::format("{} ({})", format.extension, format.name));
  }
  std::sort(known.begin(), known.end());
  throw std::invalid_argument(
      fmt::format("{}: the name must end with the extension of a format: {}", path, fmt::join(known, ", ")));
}

std::unique_ptr<VoltageSink> create_voltage_sink(const std::string& path, const VoltageInfo& info,
                                                 const std::vector<int>& beams, const VoltageFormat& format,
                                                 bool overwrite) {
  const auto& known = voltage_sink_format_for(path);
  check_output_path(path, overwrite);
  expect(!beams.empty() && (beams.size() == 1 || known.holds_beams), "{}: {} beams; a {} file holds one",
         path, beams.size(), known.name);
  expect(format.code == VoltageCode::kTwosComplement, "{}: voltages are written as two's complement", path);
  check_voltage_header(info, format, path);
  return known.create(path, info, beams, format);
}

}  // namespace tianyan
