// FitsTable: a binary table of a FITS file, plain or compressed by fpack, read as raw bytes of rows.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/fits_expand.hpp"
#include "io/fits_file.hpp"
#include "io/raw_file.hpp"

namespace tianyan {

/// Plain tables are read with pread at the HDU's place in the file, so that one that was cut short is
/// readable up to its last whole row. Tables compressed by `fpack -table` (keyword ZTABLE) are expanded by
/// CFITSIO in memory, one tile of rows at a time (fpack's tiles are of 10 MB or one row).
class FitsTable {
 public:
  /// Of the file's current HDU.
  explicit FitsTable(FitsFile file);

  const FitsFile& header() const { return file_; }
  const RawFile& raw() const { return raw_; }
  std::int64_t n_row() const { return n_row_; }  ///< that the header promises
  /// Rows that the file really holds, from the first on.
  std::int64_t n_row_whole() const { return n_row_whole_; }
  std::int64_t row_bytes() const { return row_bytes_; }
  /// By name, in any case of letters; nullptr where there is none.
  const FitsColumn* find(const std::string& name) const;

  /// n bytes of a row from `offset` on, as they are in the file: big-endian.
  void read_bytes(std::int64_t row, std::int64_t offset, std::int64_t n, void* to);
  /// All elements of a numeric column in one row; `to` keeps its memory.
  void read_floats(std::int64_t row, const FitsColumn& column, std::vector<float>& to);
  std::vector<double> read_doubles(std::int64_t row, const FitsColumn& column);
  /// The first element of a numeric column in every whole row.
  std::vector<double> read_scalars(const FitsColumn& column);

 private:
  void read_columns(const std::string& form_keyword);
  std::int64_t count_whole_tiles(std::int64_t n_tile) const;

  FitsFile file_;
  RawFile raw_;
  std::vector<FitsColumn> columns_;
  std::int64_t n_row_ = 0, n_row_whole_ = 0, row_bytes_ = 0;
  std::int64_t data_start_ = 0;  ///< byte of the file where the table's data begin
  std::int64_t tile_rows_ = 0;   ///< 0: not compressed
  std::int64_t expanded_tile_ = -1;
  std::vector<FitsFile> expanded_;  ///< that tile, or nothing
  std::vector<unsigned char> scratch_;
};

}  // namespace tianyan
