// The candidate list of `your` ("your" among the exchange formats), of which your_candmaker.py makes cut-outs
// for FETCH. One file for all scans, strongest first, for each row names the file that its time is of:
//   file            the first file of the strongest beam
//   snr
//   stime           s from the beginning of the file's first sample to the middle of the pulse, at the centre
//                   of the highest channel: the cut-out is centred on it
//   width           log2 of the width in samples, an integer: it is read as 2 ** width samples
//   dm              pc/cm3
//   label           1 a pulse, 0 interference
//   chan_mask_path  empty: none
//   num_files       1: only `file` itself is opened. Where the scan goes on in further files of its beam and
//                   the pulse is in one of those, put their number here
#include <filesystem>

#include "io/exporter.hpp"
#include "io/scan_files.hpp"
#include "io/text_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

/// In double quotes, with those inside doubled, where the text needs it.
std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string format_row(const Detection& detection, const Observation& scan) {
  const Candidate& best = detection.best;
  return fmt::format("{},{:.2f},{:.9f},{},{:.4f},{},,1\n", csv_text(detection.file), best.snr, best.time_s,
                     log2_width(best.width_s, scan.sample_time_s), best.dm_pc_cm3,
                     detection.source_class == SourceClass::kRfi ? 0 : 1);
}

void write_your_csv(const DetectionList& list, const std::string& directory) {
  check_detections(list);
  std::filesystem::create_directories(directory);
  std::string text = "file,snr,stime,width,dm,label,chan_mask_path,num_files\n";
  for (const Detection& detection : list.detections)
    text += format_row(detection, list.scans[detection.scan]);
  write_text_file(directory + "/your.csv", text);
}

const bool kIsRegistered = register_exporter({"your", "your.csv", false, write_your_csv});

}  // namespace
}  // namespace tianyan
