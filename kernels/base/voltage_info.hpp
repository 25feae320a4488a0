// What is known of a stream of sampled voltages before its first sample, and how its samples are coded.
#pragma once
#include <cstdint>
#include <limits>
#include <string>

#include "kernels/base/units.hpp"

namespace tianyan {

/// What the codes of a voltage mean. Scales are arbitrary: nothing downstream depends on them.
enum class VoltageCode {
  kTwosComplement,  ///< v = the signed integer
  kOffsetBinary,    ///< v = code - (2^n_bits - 1) / 2: all zeros is the most negative
  kFourLevel        ///< 2 bits, offset binary order: v = -3.3359, -1, +1, +3.3359 (Cooper 1970)
};

/// How one component of a voltage is stored; a complex sample is its real, then its imaginary component.
struct VoltageFormat {
  int n_bits =
      8;  ///< of one component: 2, 4, 8 or 16 (16: little-endian); below 8 the first is in the low bits
  bool is_complex = true;
  VoltageCode code = VoltageCode::kTwosComplement;
  bool is_inverted = false;  ///< the frequency falls within a coarse channel as the signal's rises

  int n_component() const { return is_complex ? 2 : 1; }
  int sample_bits() const { return n_bits * n_component(); }
  bool operator==(const VoltageFormat&) const = default;
};

/// Bits that a code can have.
bool is_known(const VoltageFormat& format);

/// Coarse channel c spans [band_low_mhz + c coarse_width_mhz, band_low_mhz + (c + 1) coarse_width_mhz), c = 0
/// the lowest, and is critically sampled: 1 / coarse_width for complex, 1 / (2 coarse_width) for real
/// samples.
struct VoltageInfo {
  int n_coarse = 1;
  int n_pol = 1;  ///< 1 or 2
  double band_low_mhz = 0.0;
  double coarse_width_mhz = 0.0;  ///< > 0
  double sample_time_s = 0.0;     ///< of one coarse channel
  std::int64_t n_time = 0;        ///< samples of each coarse channel, gaps included
  Mjd start;                      ///< UTC of the first sample
  std::string source_name;
  std::string telescope;
  std::string backend;
  int beam = 0;                                              ///< 1..19, 0 unknown
  double ra_deg = std::numeric_limits<double>::quiet_NaN();  ///< J2000 pointing of this beam, NaN unknown
  double dec_deg = std::numeric_limits<double>::quiet_NaN();

  double band_high_mhz() const { return band_low_mhz + n_coarse * coarse_width_mhz; }
  double duration_s() const { return static_cast<double>(n_time) * sample_time_s; }
};

/// Limits that a header must keep before anything is allocated from it: channels, polarisations, bits, a
/// positive bandwidth, sampling that is critical to 0.1 %. Throws std::runtime_error naming `file`, the
/// field, its value and what is allowed.
void check_voltage_header(const VoltageInfo& info, const VoltageFormat& format, const std::string& file);

}  // namespace tianyan
