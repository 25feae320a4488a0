// What a sift makes of candidates: detections, and the observations that they come from. Every exchange
// format is written from these.
#pragma once
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/candidate.hpp"
#include "kernels/base/sky.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

enum class SourceClass { kAstrophysical, kRfi, kKnown };

/// One event, in whatever beams it was seen.
struct Detection {
  std::string id;        ///< "TY20200531T000004.000_M01"; a file name as it stands
  std::size_t scan = 0;  ///< index into DetectionList::scans
  Candidate best;        ///< in its strongest beam; refined at full resolution where is_refined
  bool is_refined = false;
  std::string file;        ///< name of the first file of best's beam, without its directory
  Mjd file_start;          ///< UTC at which its first sample begins: best.time_s counts from it
  Mjd arrival;             ///< topocentric UTC, at the centre of the highest channel (best.ref_freq_mhz)
  std::vector<int> beams;  ///< that saw it, strongest first
  SkyPosition position;
  double pos_err_deg = std::numeric_limits<double>::quiet_NaN();  ///< radius of the 68 % region
  std::optional<Mjd> inf_bary;                                    ///< barycentric TDB at infinite frequency
  SourceClass source_class = SourceClass::kAstrophysical;
  std::string known_name;            ///< of kKnown
  std::vector<std::string> reasons;  ///< why it is of its class, one short phrase each

  std::string class_name() const {
    if (source_class == SourceClass::kKnown) return "known:" + known_name;
    return source_class == SourceClass::kRfi ? "rfi" : "astrophysical";
  }
  /// Interference, whatever it was taken for.
  void call_rfi(const std::string& reason) {
    source_class = SourceClass::kRfi;
    known_name.clear();
    reasons = {reason};
  }
  /// All of them, "; " between one and the next.
  std::string reasons_text() const {
    std::string text;
    for (const auto& reason : reasons) text += (text.empty() ? "" : "; ") + reason;
    return text;
  }
};

/// How a scan was observed, as its headers say.
struct Observation {
  std::string telescope, backend, source_name;
  std::string file;  ///< that names the scan: its earliest beam's first; a Detection has its own beam's
  double freq_low_mhz = 0.0, freq_high_mhz = 0.0;  ///< edges of the band
  int n_chan = 0, n_pol = 0, n_bits = 0;           ///< as recorded; 0: unknown
  double sample_time_s = 0.0;
  Mjd start;                                                    ///< UTC, of the earliest beam's first sample
  double rotation_deg = 0.0;                                    ///< of the receiver
  double beam_fwhm_arcmin = 0.0;                                ///< at the centre of the band
  double gain_k_jy = std::numeric_limits<double>::quiet_NaN();  ///< NaN: unknown, and no flux is given
  double tsys_k = std::numeric_limits<double>::quiet_NaN();

  double bandwidth_mhz() const { return freq_high_mhz - freq_low_mhz; }
  double centre_mhz() const { return 0.5 * (freq_low_mhz + freq_high_mhz); }
  /// Mean flux density over a boxcar of this S/N and width (radiometer equation, two polarisations summed):
  ///   S = snr tsys / (gain sqrt(2 bandwidth width)), Jy; NaN where gain or tsys is unknown.
  double flux_jy(double snr, double width_s) const {
    return snr * tsys_k / (gain_k_jy * std::sqrt(2.0 * bandwidth_mhz() * 1e6 * width_s));
  }
};

/// Who reports, for formats that ask.
struct Publisher {
  std::string author = "unknown", contact;    ///< a name, an e-mail address
  std::string ivo_authority = "example/frb";  ///< "inst/instr" of an IVORN
  std::string software;                       ///< "tianyan 0.1.0"
};

/// Detections that are worth showing (astrophysical and known), strongest first.
struct DetectionList {
  Publisher publisher;
  std::vector<Observation> scans;
  std::vector<Detection> detections;
};

}  // namespace tianyan
