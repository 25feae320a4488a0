// The headers of a PSRFITS search-mode file: what its stream is, and where in a row its parts lie.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/fits_table.hpp"
#include "kernels/base/stream_info.hpp"

namespace tianyan {

struct PsrfitsHeader {
  StreamInfo info;  ///< n_time is not known yet; start is STT_IMJD + STT_SMJD + STT_OFFS, rows are not
  SampleFormat format;
  std::int64_t rows_n_time = 0;  ///< NSBLK: spectra in a row
  std::int64_t rows_before = 0;  ///< NSUBOFFS
  std::int64_t n_total = 0;      ///< NSTOT; 0 unknown
  const FitsColumn* data = nullptr;
  const FitsColumn* scale = nullptr;   ///< DAT_SCL; nullptr where there is none: 1
  const FitsColumn* offset = nullptr;  ///< DAT_OFFS; or 0
  const FitsColumn* weight = nullptr;  ///< DAT_WTS; or 1
  bool flips_top_bit = false;          ///< FITS' way to store unsigned 16-bit, or signed 8-bit, integers
  std::vector<std::string> notes;
};

struct PsrfitsTable {
  PsrfitsHeader header;
  FitsTable table;  ///< header points to its columns
};

/// Opens the file and reads both headers. Throws std::runtime_error for what is not, or not sound, PSRFITS.
PsrfitsTable open_psrfits(const std::string& path);

}  // namespace tianyan
