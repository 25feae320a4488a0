// Headers of GUPPI raw files: FITS-like cards of 80 bytes before each block of voltages.
//
// Sources: the GUPPI status keywords (NRAO), and what the readers of others do: dspsr (GUPPIBlockFile,
// GUPPIFourBit, GUPPITwoBitCorrection), baseband (guppi), rawspec.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/key_values.hpp"
#include "io/raw_file.hpp"
#include "io/voltage_source.hpp"

namespace tianyan {

/// The cards from one byte of a file to END, and where the block's data begin behind them.
struct GuppiCards {
  KeyValues keys;
  std::int64_t data_offset = 0;
};
/// None where the file ends inside the header. `place` names the block in errors.
std::optional<GuppiCards> read_guppi_cards(const RawFile& file, std::int64_t offset,
                                           const std::string& place);

/// What holds for all blocks of a file.
struct GuppiHeader {
  VoltageInfo info;  ///< n_time 0; start is STT_*, which is not yet the first block's
  VoltageFormat format;
  bool channels_descending = false;
  bool is_time_first = false;  ///< PKTFMT SIMPLE: [time][channel][pol], else [channel][time][pol]
  std::int64_t block_bytes = 0;
  std::int64_t overlap_samples = 0;  ///< the last ones of a block are the first ones of the next
  std::vector<std::string> notes;

  /// Bits of all polarisations of one channel, one sample.
  std::int64_t cell_bits() const { return std::int64_t{info.n_pol} * format.sample_bits(); }
  std::int64_t spectrum_bits() const { return info.n_coarse * cell_bits(); }
  std::int64_t block_samples() const { return block_bytes * 8 / spectrum_bits(); }
  /// From one block's first sample to the next one's.
  std::int64_t hop_samples() const { return block_samples() - overlap_samples; }
};

/// NPOL 1 is one polarisation, 2 and 4 are two (4 counts real and imaginary parts). One channel is real
/// where TBIN is 1 / (2 OBSBW). Voltages of 8 and 16 bits are two's complement; 2 bits are four levels, the
/// first in the low bits. 4 bits are offset binary, the first in the low bits, where BACKEND is GUPPI or one
/// of its kin (dspsr), else two's complement, the real part in the high bits (rawspec). Throws
/// std::runtime_error.
GuppiHeader parse_guppi_header(const KeyValues& keys, const std::string& path, const VoltageHints& hints);

/// Of that, what no hint can mend: numbers of channels, polarisations and bits, the start, that there is a
/// bandwidth.
void check_guppi_layout(const KeyValues& keys);

/// The beam that the file's name says, else BEAM or IBEAM; 0 where none does.
int guppi_beam(const KeyValues& keys, const std::string& path, std::vector<std::string>& notes);

/// The cards before block number `block` of those that a sink writes: `block_samples` samples each,
/// n_samples in this one.
std::string make_guppi_header(const VoltageInfo& info, int beam, std::int64_t block,
                              std::int64_t block_samples, std::int64_t n_samples);

/// Samples that PKTIDX of a written file counts as one.
inline constexpr std::int64_t kGuppiPacketSamples = 64;

}  // namespace tianyan
