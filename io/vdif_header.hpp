// The header of a VDIF frame (VLBI Data Interchange Format 1.1.1, Whitney et al. 2014, vlbi.org).
//
// Little-endian words of 32 bits; bits from the highest:
//   word 0  invalid 1, legacy 1, seconds since the reference epoch 30
//   word 1  unassigned 2, reference epoch 6 (half years since 2000), frame number within the second 24
//   word 2  version 3, log2(channels) 5, frame length in units of 8 bytes, header included 24
//   word 3  complex 1, bits of a component - 1: 5, thread 10, station 16
//   word 4  extended data version (EDV) 8, its data 24; words 5..7 its data; none of them in a legacy header
// EDV 1 and 3: word 4 unit 1 (kHz, MHz), rate of complex samples, or half the rate of real ones 23.
// EDV 4: word 4 bits 16..23 length of a mask of valid channels, words 6 and 7 the mask.
// Word 5 of these three is 0xacabfeed.
#pragma once
#include <cstdint>
#include <string>

#include "kernels/base/units.hpp"

namespace tianyan {

inline constexpr std::int64_t kVdifHeaderBytes = 32;  ///< to hand to parse_vdif_header(), also for legacy
inline constexpr int kVdifMaxThreads = 1024;

struct VdifHeader {
  bool is_invalid = false;  ///< also where EDV 4 masks any channel: a frame is taken whole or not at all
  bool is_legacy = false;
  std::int64_t second = 0;  ///< since the reference epoch
  int unassigned = 0;
  int epoch = 0;
  std::int64_t frame = 0;  ///< within the second
  int version = 0;
  int log2_chan = 0;
  std::int64_t frame_bytes = 0;  ///< header included
  bool is_complex = false;
  int n_bits = 0;  ///< of one component
  int thread = 0;
  int station = 0;
  int edv = 0;                  ///< -1 for a legacy header
  double sample_rate_hz = 0.0;  ///< complex or real samples; 0 where the header does not say

  std::int64_t header_bytes() const { return is_legacy ? 16 : kVdifHeaderBytes; }
  std::int64_t payload_bytes() const { return frame_bytes - header_bytes(); }
  /// Of a complete sample: all channels of the thread at one time.
  std::int64_t sample_bits() const { return (std::int64_t{n_bits} * (is_complex ? 2 : 1)) << log2_chan; }
};

/// From the first kVdifHeaderBytes bytes of a frame; any bytes will do.
VdifHeader parse_vdif_header(const unsigned char* bytes);

/// A header that could be one: unassigned bits are 0, the version is 0 or 1, the payload holds a sample.
bool is_plausible(const VdifHeader& header);

/// What the frames of one recording have in common: all but validity, time and thread.
bool same_recording(const VdifHeader& a, const VdifHeader& b);

/// UTC of a whole second. VDIF counts every second since its epoch, leap seconds too.
Mjd vdif_time(int epoch, std::int64_t second);

}  // namespace tianyan
