// Exchange formats with one file for each event.
#include "io/event_files.hpp"

#include <fmt/format.h>

#include "io/text_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {

const Observation& observation_of(const DetectionList& list, std::size_t index) {
  expect(index < list.detections.size(), "detection {} of a list of {}", index, list.detections.size());
  const Detection& detection = list.detections[index];
  expect(detection.scan < list.scans.size(), "detection {} is of scan {}, of {} scans in the list",
         detection.id, detection.scan, list.scans.size());
  return list.scans[detection.scan];
}

void write_events(const DetectionList& list, const std::string& directory, const std::string& extension,
                  std::string (*format)(const DetectionList& list, std::size_t index)) {
  for (std::size_t i = 0; i < list.detections.size(); ++i) {
    const Detection& detection = list.detections[i];
    if (detection.source_class != SourceClass::kAstrophysical) continue;
    write_text_file(fmt::format("{}/events/{}.{}", directory, detection.id, extension), format(list, i));
  }
}

}  // namespace tianyan
