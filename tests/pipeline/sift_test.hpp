// Beams with candidates for tests of the sift.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "kernels/beam_model.hpp"
#include "pipeline/sift.hpp"

namespace tianyan {

inline constexpr double kDm = 300.0;

inline SiftBeam beam_of(int number, double rotation_deg = 0.0) {
  SiftBeam beam;
  beam.beam = number;
  beam.info.n_chan = 1024;
  beam.info.channel_width_mhz = 500.0 / 1024;
  beam.info.freq_low_mhz = 1000.0 + 0.5 * beam.info.channel_width_mhz;
  beam.info.sample_time_s = 196.608e-6;
  beam.info.n_time = 100000;
  beam.info.start = {59000, 3600.0};
  beam.info.telescope = "FAST";
  const auto pointing = at_offset({83.633, 22.0145}, beam_offset(number, rotation_deg));
  beam.info.ra_deg = pointing.ra_deg;
  beam.info.dec_deg = pointing.dec_deg;
  beam.snr_min = 7.0;
  return beam;
}

inline std::vector<SiftBeam> all_beams(double rotation_deg = 0.0) {
  std::vector<SiftBeam> beams;
  for (int b = 1; b <= kNumBeams; ++b) beams.push_back(beam_of(b, rotation_deg));
  return beams;
}

inline void add(SiftBeam& beam, double time_s, double dm, double snr, double width_s = 2e-3) {
  Candidate c;
  c.beam = beam.beam;
  c.time_s = time_s;
  c.dm_pc_cm3 = dm;
  c.dm_err_pc_cm3 = 0.3 * 10.0 / snr;
  c.snr = c.snr_white = snr;
  c.width_s = width_s;
  c.ref_freq_mhz = beam.info.ref_freq_mhz();
  c.n_members = 5;
  beam.candidates.push_back(c);
}

// What beams see of a source at an offset from beam 1, above their threshold.
inline void add_source(std::vector<SiftBeam>& beams, const SkyOffset& at, double time_s, double dm,
                       double snr, double rotation_deg = 0.0) {
  const BeamModel model{1000.0, 1500.0};
  for (auto& beam : beams) {
    const auto o = beam_offset(beam.beam, rotation_deg);
    const double seen =
        snr * model.response(std::hypot(at.east_arcmin - o.east_arcmin, at.north_arcmin - o.north_arcmin));
    if (seen > beam.snr_min) add(beam, time_s, dm, seen);
  }
}

inline Sifted sifted(const std::vector<SiftBeam>& beams, const std::vector<KnownSource>& known = {},
                     const SiftConfig& config = {}) {
  return sift_candidates(config, {}, beams, known);
}

inline std::string text_of(const Detection& d) {
  std::string text = d.class_name();
  for (const auto& r : d.reasons) text += " | " + r;
  return text;
}

}  // namespace tianyan
