// Heimdall's .cand ("heimdall" among the exchange formats): one row a pulse, by time, no header, nine columns
// between tabs, as its pipeline.cu writes for each beam and as readers of it count on:
//   snr
//   sample   k of the boxcar of 2^filter samples, see middle_of_boxcar(): [k - 2^filter / 2, ...)
//   time_s   k sample_time from the beginning of the first sample, here with the digits below a sample; at
//            the centre of the highest channel
//   filter   log2 of the width in samples, the nearest
//   dm_trial index of the DM trial. The detections do not have it: here, the index of the DM among those of
//            the file, ascending
//   dm       pc/cm3
//   members  events that belong to it
//   begin    first sample of its width and the one behind the last
//   end
// There is no column for the beam, which Heimdall has in the file's name: what reads nine columns refuses a
// tenth.
#include <algorithm>
#include <set>

#include "io/exporter.hpp"
#include "io/scan_files.hpp"
#include "io/text_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

using Dms = std::set<double>;

std::string format_row(const Detection& detection, double sample_time_s, const Dms& dms) {
  const Candidate& best = detection.best;
  const int filter = log2_width(best.width_s, sample_time_s);
  const NamedInstant at = named_instant(best.time_s, std::int64_t{1} << filter, sample_time_s);
  const std::int64_t n = width_samples(best.width_s, sample_time_s);
  const std::int64_t begin =
      std::max<std::int64_t>(0, named_instant(best.time_s, n, sample_time_s).sample - n / 2);
  return fmt::format("{:.2f}\t{}\t{:.6f}\t{}\t{}\t{:.4f}\t{}\t{}\t{}\n", best.snr, at.sample, at.time_s,
                     filter, std::distance(dms.begin(), dms.find(best.dm_pc_cm3)), best.dm_pc_cm3,
                     best.n_members, begin, begin + n);
}

void write_heimdall(const DetectionList& list, const std::string& directory) {
  for (const ScanFile& file : scan_files(list, directory, "detections", ".cand")) {
    Dms dms;
    for (const Detection* detection : file.detections) dms.insert(detection->best.dm_pc_cm3);
    std::string text;
    for (const Detection* detection : file.detections)
      text += format_row(*detection, file.sample_time_s, dms);
    write_text_file(file.path, text);
  }
}

const bool kIsRegistered = register_exporter({"heimdall", "detections.cand", false, write_heimdall});

}  // namespace
}  // namespace tianyan
