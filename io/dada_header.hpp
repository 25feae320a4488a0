// Headers of DADA files: lines `KEY value # comment` of text, then voltages to the end of the file.
//
// Sources: PSRDADA's default header, dspsr (ASCIIObservation, MeerKATUnpacker), baseband (dada).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/raw_file.hpp"
#include "io/voltage_source.hpp"

namespace tianyan {

/// MeerKAT's beamformer sends heaps of so many samples: [heap][pol][channel][sample][component] (dspsr,
/// baseband).
inline constexpr std::int64_t kDadaHeapSamples = 256;

struct DadaHeader {
  VoltageInfo info;  ///< n_time 0; start is the file's, OBS_OFFSET included
  VoltageFormat format;
  bool channels_descending = false;
  bool has_heaps = false;          ///< else [time][channel][pol][component]
  std::int64_t size_bytes = 4096;  ///< of the header
  std::int64_t n_promised = -1;    ///< FILE_SIZE, bytes of data; -1 where it says nothing
  std::vector<std::string> notes;

  std::int64_t spectrum_bits() const {
    return std::int64_t{info.n_coarse} * info.n_pol * format.sample_bits();
  }
};

/// NBIT must be there, FREQ and BW where no hint stands for them; NDIM, NPOL, NCHAN are 1 where they are not,
/// TSAMP is what BW makes it. ENCODING is TWOSCOMPLEMENT or OFFSETBINARY; where it says nothing, two's
/// complement (as baseband and most of dspsr's unpackers have it), but four levels of 2 bits. Samples start
/// at MJD_START where it has 11 decimals (1 us) and is within 1 s of UTC_START, else at UTC_START +
/// PICOSECONDS; both plus OBS_OFFSET. Throws std::runtime_error.
DadaHeader read_dada_header(const RawFile& file, const VoltageHints& hints);

/// The beam that the file's name says, else BEAM; 0 where none does. Checks of the header what no hint can
/// mend, and throws as read_dada_header() does.
int read_dada_beam(const RawFile& file);

/// True where the text is a DADA header's.
bool is_dada_text(const std::vector<unsigned char>& head);

/// 4096 bytes, for info.n_time samples.
std::string make_dada_header(const VoltageInfo& info, int beam, const VoltageFormat& format);

}  // namespace tianyan
