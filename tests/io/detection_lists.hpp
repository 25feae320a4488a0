// A small list of detections, whose times are on the grid of samples, and one of nothing.
#pragma once
#include "kernels/base/detection.hpp"

namespace tianyan::test {

inline constexpr double kSampleTime_s = 1.0 / 16384;  ///< exact, and so are its multiples

/// Middle of the pulse and width in samples.
inline Detection detection_at(double middle, int width, double dm_pc_cm3, double snr) {
  Detection detection;
  detection.id = "TY20200531T000004.000_M01";
  detection.best.beam = 1;
  detection.best.time_s = middle * kSampleTime_s;
  detection.best.width_s = width * kSampleTime_s;
  detection.best.dm_pc_cm3 = dm_pc_cm3;
  detection.best.dm_err_pc_cm3 = 0.5;
  detection.best.snr = snr;
  detection.best.snr_white = snr + 1.0;
  detection.best.ref_freq_mhz = 1499.75;
  detection.best.n_members = width + 10;
  detection.file = "J1234+56_tracking-M01_0001.fits";
  detection.file_start = {59000, 0.0};
  detection.arrival = {59000, 4.0};
  detection.beams = {1};
  return detection;
}

inline Observation small_scan() {
  Observation scan;
  scan.telescope = "FAST";
  scan.backend = "ROACH2";
  scan.source_name = "J1234+56";
  scan.file = "J1234+56_tracking-M02_0001.fits";  // of the beam that began first: no detection's
  scan.freq_low_mhz = 1000.0;
  scan.freq_high_mhz = 1500.0;
  scan.n_chan = 1000;
  scan.n_pol = 1;
  scan.n_bits = 8;
  scan.sample_time_s = kSampleTime_s;
  scan.start = {59000, 0.0};
  return scan;
}

/// Strongest first: boxcars of 1, 2, 3 and 8 samples; the last two of one DM.
inline DetectionList small_list() {
  DetectionList list;
  list.scans = {small_scan()};
  list.detections = {detection_at(40000.0, 8, 565.25, 31.5), detection_at(70000.5, 1, 26.75, 12.25),
                     detection_at(123456.5, 3, 3000.5, 9.0), detection_at(20000.0, 2, 3000.5, 7.5)};
  list.detections[2].source_class = SourceClass::kKnown;
  list.detections[2].known_name = "B0531+21";
  return list;
}

/// The same scan twice; the second has the second and third detection.
inline DetectionList list_of_two_scans() {
  DetectionList list = small_list();
  list.scans.push_back(small_scan());
  for (const auto d : {1, 2}) {
    list.detections[d].scan = 1;
    list.detections[d].file = "other, \"scan\".fil";
  }
  return list;
}

}  // namespace tianyan::test
