// Tables compressed by `fpack -table`: tiles of rows, each column of a tile compressed by itself.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/fits_file.hpp"

namespace tianyan {

struct FitsColumn {
  std::string name;
  int number = 0;            ///< as CFITSIO counts: from 1
  char type = ' ';           ///< TFORM's letter: B I J K E D A X L C M P Q
  std::int64_t repeat = 0;   ///< elements in a row
  std::int64_t offset = 0;   ///< bytes from the beginning of a row
  std::int64_t n_bytes = 0;  ///< in a row
  double zero = 0.0;         ///< TZERO
  double scale = 1.0;        ///< TSCAL
};

/// Some columns of tiles [first_tile, first_tile + n_tile) of the compressed table that is the file's current
/// HDU, as a plain table in memory, its current HDU. CFITSIO does the expanding.
FitsFile expand_tiles(const FitsFile& compressed, const std::vector<FitsColumn>& columns,
                      std::int64_t first_tile, std::int64_t n_tile);

}  // namespace tianyan
