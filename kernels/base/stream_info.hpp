// What is known of a stream of spectra before its first sample, and how its samples are stored.
#pragma once
#include <cstdint>
#include <limits>
#include <string>

#include "kernels/base/sample_range.hpp"
#include "kernels/base/sky_track.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

/// What the polarisation axis holds, in recorded order.
enum class PolKind {
  kIntensity,  ///< 1: 'AA+BB', 'INTEN', total power
  kAaBb,       ///< 2: two powers, I = AA + BB
  kCoherence,  ///< 4: 'AABBCRCI', I = AA + BB; CR and CI are signed
  kStokes      ///< 4: 'IQUV', I = the first; Q, U, V are signed
};

/// How one spectrum [pol][channel] is stored. A block of spectra is [time][pol][channel], channel fastest,
/// packed.
struct SampleFormat {
  int n_bits = 8;                    ///< 1, 2, 4, 8, 16 or 32
  bool is_float = false;             ///< 32 bits only
  bool is_signed = false;            ///< integers of 8 and 16 bits; below 8 bits samples are unsigned
  bool high_bits_first = false;      ///< below 8 bits: PSRFITS true, SIGPROC false
  bool channels_descending = false;  ///< recorded channel 0 is the highest frequency
  PolKind pol_kind = PolKind::kIntensity;
  double zero_offset = 0.0;  ///< value = (raw - zero_offset) * scale + offset

  bool operator==(const SampleFormat&) const = default;
};

struct StreamInfo {
  int n_chan = 0;
  int n_pol = 1;                   ///< as recorded; one after unpacking
  double freq_low_mhz = 0.0;       ///< centre of the lowest channel: c = 0 after unpacking
  double channel_width_mhz = 0.0;  ///< > 0
  double sample_time_s = 0.0;
  std::int64_t n_time = 0;  ///< spectra, gaps between files and rows included
  Mjd start;  ///< UTC at which the first sample begins: sample t covers [t, t + 1) sample_time_s from it
  double coherent_dm_pc_cm3 = 0.0;  ///< at which channels were dedispersed coherently before detection; 0 not
  std::string source_name;
  std::string telescope;
  std::string backend;
  std::string feed;  ///< of two polarisations: "LIN", "CIRC", or "" where unknown
  int beam = 0;      ///< 1..19, 0 unknown
  double ra_deg = std::numeric_limits<double>::quiet_NaN();  ///< J2000 pointing of this beam, NaN unknown
  double dec_deg = std::numeric_limits<double>::quiet_NaN();
  /// Where this beam looked while it moved, seconds since `start`, thinned; ra_deg and dec_deg are then where
  /// it looked at `start`. Empty: it did not move, or nothing says so.
  SkyTrack track;

  double freq_mhz(std::int64_t c) const { return freq_low_mhz + static_cast<double>(c) * channel_width_mhz; }
  /// Centre of the highest channel: the frequency that arrival times refer to.
  double ref_freq_mhz() const { return freq_mhz(n_chan - 1); }
  /// From the lowest channel to the highest, s per pc/cm3.
  double band_delay_s_per_dm() const { return dispersion_delay_s(1.0, freq_low_mhz, ref_freq_mhz()); }
  double duration_s() const { return static_cast<double>(n_time) * sample_time_s; }
  /// J2000, `time_s` after `start`.
  SkyPosition pointing_at(double time_s) const {
    return track.empty() ? SkyPosition{ra_deg, dec_deg} : position_at(track, time_s);
  }
  /// Takes a track on the clock of `start`; nothing where it does not move.
  void take_track(const SkyTrack& moving);
};

/// Bytes of one packed spectrum. Every Source has checked that n_pol * n_chan * n_bits is a multiple of 8.
constexpr std::int64_t spectrum_bytes(const StreamInfo& info, const SampleFormat& format) {
  return static_cast<std::int64_t>(info.n_pol) * info.n_chan * format.n_bits / 8;
}

/// Samples [range.begin, range.end) of the stream as one of their own.
StreamInfo part_of(StreamInfo info, const SampleRange& range);

/// Limits that a header must keep before anything is allocated from it. Throws std::runtime_error naming
/// `file`, the field, its value and what is allowed.
void check_header(const StreamInfo& info, const SampleFormat& format, const std::string& file);

}  // namespace tianyan
