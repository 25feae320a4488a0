// The registry of exchange formats.
#include "io/exporter.hpp"

#include <algorithm>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

std::vector<ExportFormat>& registry() {
  static std::vector<ExportFormat> formats;
  return formats;
}

}  // namespace

bool register_exporter(const ExportFormat& format) {
  auto& all = registry();
  const auto after = [](const std::string& name, const ExportFormat& f) { return name < f.name; };
  all.insert(std::upper_bound(all.begin(), all.end(), format.name, after), format);
  return true;
}

const std::vector<ExportFormat>& export_formats() { return registry(); }

const ExportFormat& export_format(const std::string& name) {
  std::string known;
  for (const auto& f : export_formats()) {
    if (f.name == name) return f;
    known += (known.empty() ? "" : ", ") + f.name;
  }
  expect(false, "there is no output format '{}'; there are: {}", name, known);
  return export_formats().front();
}

}  // namespace tianyan
