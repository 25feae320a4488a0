// Files of scans, and times in samples.
#include "io/scan_files.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <tuple>

#include "kernels/base/expect.hpp"

namespace tianyan {

void check_detections(const DetectionList& list) {
  for (std::size_t s = 0; s < list.scans.size(); ++s)
    expect(list.scans[s].sample_time_s > 0.0 && std::isfinite(list.scans[s].sample_time_s),
           "scan {}: the sample time is {} s; it must be positive", s, list.scans[s].sample_time_s);
  for (const Detection& d : list.detections) {
    expect(d.scan < list.scans.size(), "detection {} is of scan {}; the list has {}", d.id, d.scan,
           list.scans.size());
    expect(std::isfinite(d.best.time_s) && std::isfinite(d.best.width_s),
           "detection {}: time {} s and width {} s must be finite", d.id, d.best.time_s, d.best.width_s);
  }
}

std::vector<ScanFile> scan_files(const DetectionList& list, const std::string& directory,
                                 const std::string& stem, const std::string& suffix) {
  check_detections(list);
  std::filesystem::create_directories(directory);
  const std::size_t n_file = std::max<std::size_t>(1, list.scans.size());
  std::vector<ScanFile> files(n_file);
  for (std::size_t s = 0; s < n_file; ++s) {
    files[s].path =
        fmt::format("{}/{}{}{}", directory, stem, n_file > 1 ? fmt::format("_scan{}", s) : "", suffix);
    if (s < list.scans.size()) files[s].sample_time_s = list.scans[s].sample_time_s;
  }
  for (const Detection& d : list.detections) files[d.scan].detections.push_back(&d);
  const auto key = [](const Detection* d) { return std::tie(d->best.time_s, d->best.dm_pc_cm3, d->id); };
  for (ScanFile& file : files)
    std::sort(file.detections.begin(), file.detections.end(),
              [&](const Detection* a, const Detection* b) { return key(a) < key(b); });
  return files;
}

std::int64_t width_samples(double width_s, double sample_time_s) {
  return std::max<std::int64_t>(1, std::llround(width_s / sample_time_s));
}

int log2_width(double width_s, double sample_time_s) {
  return static_cast<int>(std::lround(std::log2(std::max(1.0, width_s / sample_time_s))));
}

NamedInstant named_instant(double middle_s, std::int64_t n, double sample_time_s) {
  const double time_s = std::max(0.0, middle_s - middle_of_boxcar(n) * sample_time_s);
  return {time_s, std::llround(time_s / sample_time_s)};
}

}  // namespace tianyan
