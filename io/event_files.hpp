// Exchange formats with one file for each event.
#pragma once
#include <cstddef>
#include <string>

#include "kernels/base/detection.hpp"

namespace tianyan {

/// The observation that detection `index` comes from. Throws std::invalid_argument where the list has no such
/// detection, or no such scan.
const Observation& observation_of(const DetectionList& list, std::size_t index);

/// Writes format(list, index) as DIRECTORY/events/ID.EXTENSION for each detection of class kAstrophysical: a
/// pulse of a known source is no alert.
void write_events(const DetectionList& list, const std::string& directory, const std::string& extension,
                  std::string (*format)(const DetectionList& list, std::size_t index));

}  // namespace tianyan
