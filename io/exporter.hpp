// Exchange formats of detections: a new one is a new file with a write function and one register_exporter().
#pragma once
#include <string>
#include <vector>

#include "kernels/base/detection.hpp"

namespace tianyan {

struct ExportFormat {
  std::string name;    ///< as output.formats names it: "votable"
  std::string files;   ///< what it writes, relative to the run: "detections.vot", "events/ID.xml"
  bool one_file_each;  ///< for each detection, else one for all
  /// Writes under `directory`, whole or not at all (io/atomic_file.hpp); folders are made. With no detection
  /// a format of one file for all writes its header alone, a format of one file for each writes nothing.
  /// Throws std::runtime_error where a file cannot be written.
  void (*write)(const DetectionList& list, const std::string& directory);
};

bool register_exporter(const ExportFormat& format);
/// By name.
const std::vector<ExportFormat>& export_formats();
/// Throws std::invalid_argument, naming what there is, where no format has this name.
const ExportFormat& export_format(const std::string& name);

}  // namespace tianyan
