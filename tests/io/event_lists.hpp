// A small list of detections for the tests of exchange formats.
#pragma once
#include <string>
#include <vector>

#include "kernels/base/detection.hpp"

namespace tianyan::test {

inline Observation observation() {
  Observation o;
  o.telescope = "FAST";
  o.backend = "ROACH2 <a&b>";
  o.source_name = "G50.9+1.0";
  o.file = "G50.9+1.0_tracking-M01_0001.fits";  // of the beam that began first: no detection's
  o.freq_low_mhz = 1000.0;
  o.freq_high_mhz = 1500.0;
  o.n_chan = 4096;
  o.n_pol = 2;
  o.n_bits = 8;
  o.sample_time_s = 49.152e-6;
  o.start = {59000, 1.0};
  o.rotation_deg = 23.4;
  o.beam_fwhm_arcmin = 2.9;
  o.gain_k_jy = 16.0;
  o.tsys_k = 20.0;
  return o;
}

/// An S/N of 30 in two beams, everything known.
inline Detection strong_detection() {
  Detection d;
  d.id = "TY20200531T000004.500_M07";
  d.best = {7, 3.5, 565.25, 0.5, 30.0, 31.0, 0.001, 1499.93896484375, 12};
  d.is_refined = true;
  d.file = "G50.9+1.0_tracking-M07_0001.fits";
  d.file_start = {59000, 1.0};
  d.arrival = {59000, 4.5};
  d.beams = {7, 1};
  d.position = {83.633, 22.0145};
  d.pos_err_deg = 0.0125;
  d.inf_bary = Mjd{59000, 0.25};
  d.reasons = {"2 neighbouring beams", "DM above the Galaxy's <100 & more>"};
  return d;
}

/// Ten seconds later in one beam without a pointing; nothing known that need not be.
inline Detection bare_detection() {
  Detection d;
  d.id = "TY20200531T000014.500_M19";
  d.best = {19, 13.5, 100.0, 0.0, 10.0, 10.5, 0.002, 1499.93896484375, 3};
  d.arrival = {59000, 14.5};
  d.beams = {19};
  return d;
}

inline Detection known_pulse() {
  Detection d = bare_detection();
  d.id = "TY20200531T000024.500_M01";
  d.arrival = {59000, 24.5};
  d.source_class = SourceClass::kKnown;
  d.known_name = "B0531+21";
  d.reasons = {"within 2' and 0.1 pc/cm3 of B0531+21"};
  return d;
}

inline DetectionList event_list() {
  DetectionList list;
  list.publisher = {"Zhang \"San\" & Łukasz <FAST>", "frb@example.org", "cn.fast/19beam", "tianyan 0.1.0"};
  list.scans = {observation(), Observation()};
  list.detections = {strong_detection(), bare_detection(), known_pulse()};
  list.detections[1].scan = 1;
  return list;
}

}  // namespace tianyan::test
