// What the lists of pulses of other programs have in common: a file for each scan, rows in order of time, and
// times that are counted in samples.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/detection.hpp"

namespace tianyan {

/// One file of a list, for one scan.
struct ScanFile {
  std::string path;
  double sample_time_s = 0.0;                ///< of the scan; 0 only where the list has no scan at all
  std::vector<const Detection*> detections;  ///< of the scan, by time, then by DM
};

/// "DIRECTORY/STEM.SUFFIX" for a list of one scan or none; "DIRECTORY/STEM_scan0.SUFFIX", "_scan1", ... for
/// one of more, numbered as the column `scan` of detections.ecsv. Each scan has a file, empty lists included;
/// the directory is made. Throws std::invalid_argument for a detection of a scan that is not in the list, a
/// sample time that is not positive, or a width or time that is not finite.
std::vector<ScanFile> scan_files(const DetectionList& list, const std::string& directory,
                                 const std::string& stem, const std::string& suffix);

/// Throws as scan_files() does for the same reasons.
void check_detections(const DetectionList& list);

/// To the nearest sample, at least 1.
std::int64_t width_samples(double width_s, double sample_time_s);
/// log2 of the width in samples, to the nearest integer, at least 0.
int log2_width(double width_s, double sample_time_s);

/// From the beginning of the sample k by which PRESTO and Heimdall name a boxcar of n samples to its middle,
/// in samples. Theirs covers [k - n / 2, k + n - n / 2), n / 2 rounded down: its middle is the beginning of
/// sample k where n is even, and half a sample later where n is odd. Sample k itself covers [k, k + 1).
constexpr double middle_of_boxcar(std::int64_t n) { return n % 2 == 0 ? 0.0 : 0.5; }

/// The instant by which those programs name a boxcar of n samples: k sample_time_s where the pulse lies on
/// their grid, and what is nearest to k otherwise.
struct NamedInstant {
  double time_s = 0.0;
  std::int64_t sample = 0;  ///< nearest to time_s
};

/// time_s = max(0, middle_s - middle_of_boxcar(n) sample_time_s), from the beginning of the first sample as
/// middle_s is.
NamedInstant named_instant(double middle_s, std::int64_t n, double sample_time_s);

}  // namespace tianyan
