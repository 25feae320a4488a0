// FitsTable: where columns lie, raw rows, tiles of compressed tables.
#include "io/fits_table.hpp"

#include <strings.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

static_assert(std::endian::native == std::endian::little, "FITS is big-endian, this machine is not");

constexpr int kMaxColumns = 999;
constexpr std::int64_t kMaxTileBytes = std::int64_t{1} << 40;

std::int64_t element_bytes(char type) {
  switch (type) {
    case 'I':
      return 2;
    case 'J':
    case 'E':
      return 4;
    case 'K':
    case 'D':
    case 'C':
    case 'P':
      return 8;
    case 'M':
    case 'Q':
      return 16;
    default:
      return 1;  // B, A, L
  }
}

template <class T>
double big_endian(const unsigned char* bytes) {
  std::array<unsigned char, sizeof(T)> reversed;
  std::reverse_copy(bytes, bytes + sizeof(T), reversed.begin());
  return static_cast<double>(std::bit_cast<T>(reversed));
}

double element(char type, const unsigned char* bytes) {
  switch (type) {
    case 'I':
      return big_endian<std::int16_t>(bytes);
    case 'J':
      return big_endian<std::int32_t>(bytes);
    case 'K':
      return big_endian<std::int64_t>(bytes);
    case 'E':
      return big_endian<float>(bytes);
    case 'D':
      return big_endian<double>(bytes);
    default:
      return *bytes;
  }
}

void set_form(FitsColumn& column, const std::string& form, const std::string& path) {
  char* end = nullptr;
  const long long repeat = std::strtoll(form.c_str(), &end, 10);
  column.repeat = end == form.c_str() ? 1 : repeat;
  column.type = *end;
  require(column.repeat >= 0 && column.repeat <= (std::int64_t{1} << 40) &&
              std::strchr("LXBIJKAEDCMPQ", column.type) != nullptr && column.type != '\0',
          "{}: column {} has the format '{}', which is not known", path, column.name, form);
  column.n_bytes = column.type == 'X' ? (column.repeat + 7) / 8 : column.repeat * element_bytes(column.type);
}

}  // namespace

FitsTable::FitsTable(FitsFile file) : file_(std::move(file)), raw_(file_.path()) {
  const bool is_compressed = file_.is_true("ZTABLE");
  read_columns(is_compressed ? "ZFORM" : "TFORM");
  LONGLONG header_start = 0, data_start = 0, data_end = 0;
  int status = 0;
  fits_get_hduaddrll(file_.get(), &header_start, &data_start, &data_end, &status);
  file_.check(status, "find the data");
  data_start_ = data_start;
  n_row_ = file_.required_integer(is_compressed ? "ZNAXIS2" : "NAXIS2");
  row_bytes_ = file_.required_integer(is_compressed ? "ZNAXIS1" : "NAXIS1");
  const std::string& path = file_.path();
  require(n_row_ > 0, "{}: the table {} has {} rows", path, file_.text("EXTNAME"), n_row_);
  const std::int64_t n_bytes = columns_.empty() ? 0 : columns_.back().offset + columns_.back().n_bytes;
  require(n_bytes == row_bytes_, "{}: the columns of table {} take {} bytes, its rows have {}", path,
          file_.text("EXTNAME"), n_bytes, row_bytes_);
  require(row_bytes_ > 0, "{}: the rows of table {} are empty", path, file_.text("EXTNAME"));
  if (!is_compressed) {
    n_row_whole_ = std::clamp<std::int64_t>((raw_.size_bytes() - data_start_) / row_bytes_, 0, n_row_);
    return;
  }
  tile_rows_ = file_.required_integer("ZTILELEN");
  require(tile_rows_ > 0 && tile_rows_ <= kMaxTileBytes / row_bytes_,
          "{}: compressed in tiles of {} rows of {} bytes", path, tile_rows_, row_bytes_);
  require(file_.integer("ZPCOUNT").value_or(0) == 0,
          "{}: compressed, with columns of variable length: expand it first", path);
  const std::int64_t n_tile = count_whole_tiles(file_.required_integer("NAXIS2"));
  n_row_whole_ = n_tile > n_row_ / tile_rows_ ? n_row_ : n_tile * tile_rows_;
}

void FitsTable::read_columns(const std::string& form_keyword) {
  const std::int64_t n = file_.required_integer("TFIELDS");
  require(n >= 0 && n <= kMaxColumns, "{}: table of {} columns", file_.path(), n);
  std::int64_t offset = 0;
  for (int i = 1; i <= static_cast<int>(n); ++i) {
    FitsColumn column;
    column.number = i;
    column.name = file_.text(fmt::format("TTYPE{}", i));
    set_form(column, file_.text(fmt::format("{}{}", form_keyword, i)), file_.path());
    column.zero = file_.number(fmt::format("TZERO{}", i)).value_or(0.0);
    column.scale = file_.number(fmt::format("TSCAL{}", i)).value_or(1.0);
    column.offset = offset;
    offset += column.n_bytes;
    columns_.push_back(column);
  }
}

const FitsColumn* FitsTable::find(const std::string& name) const {
  for (const auto& column : columns_)
    if (strcasecmp(column.name.c_str(), name.c_str()) == 0) return &column;
  return nullptr;
}

void FitsTable::read_bytes(std::int64_t row, std::int64_t offset, std::int64_t n, void* to) {
  if (tile_rows_ == 0) {
    raw_.read(data_start_ + row * row_bytes_ + offset, n, to);
    return;
  }
  const std::int64_t tile = row / tile_rows_;
  if (tile != expanded_tile_) {
    expanded_.clear();
    expanded_tile_ = -1;
    expanded_.push_back(expand_tiles(file_, columns_, tile, 1));
    expanded_tile_ = tile;
  }
  int status = 0;
  fits_read_tblbytes(expanded_[0].get(), row - tile * tile_rows_ + 1, offset + 1, n,
                     static_cast<unsigned char*>(to), &status);
  expanded_[0].check(status, fmt::format("read row {}", row + 1));
}

void FitsTable::read_floats(std::int64_t row, const FitsColumn& column, std::vector<float>& to) {
  scratch_.resize(static_cast<std::size_t>(column.n_bytes));
  read_bytes(row, column.offset, column.n_bytes, scratch_.data());
  to.resize(static_cast<std::size_t>(column.repeat));
  const std::int64_t step = element_bytes(column.type);
  for (std::int64_t i = 0; i < column.repeat; ++i)
    to[static_cast<std::size_t>(i)] = static_cast<float>(element(column.type, scratch_.data() + i * step));
}

std::vector<double> FitsTable::read_doubles(std::int64_t row, const FitsColumn& column) {
  scratch_.resize(static_cast<std::size_t>(column.n_bytes));
  read_bytes(row, column.offset, column.n_bytes, scratch_.data());
  std::vector<double> values;
  const std::int64_t step = element_bytes(column.type);
  for (std::int64_t i = 0; i < column.repeat; ++i)
    values.push_back(element(column.type, scratch_.data() + i * step));
  return values;
}

std::vector<double> FitsTable::read_scalars(const FitsColumn& column) {
  std::vector<double> values;
  std::array<unsigned char, 16> bytes;
  const std::int64_t n = element_bytes(column.type);
  if (tile_rows_ == 0) {
    for (std::int64_t row = 0; row < n_row_whole_; ++row) {
      raw_.read(data_start_ + row * row_bytes_ + column.offset, n, bytes.data());
      values.push_back(element(column.type, bytes.data()));
    }
    return values;
  }
  const FitsFile table = expand_tiles(file_, {column}, 0, (n_row_whole_ + tile_rows_ - 1) / tile_rows_);
  for (std::int64_t row = 0; row < n_row_whole_; ++row) {
    int status = 0;
    fits_read_tblbytes(table.get(), row + 1, 1, n, bytes.data(), &status);
    table.check(status, "read column " + column.name);
    values.push_back(element(column.type, bytes.data()));
  }
  return values;
}

/// Tiles whose compressed bytes lie within the file for every column.
std::int64_t FitsTable::count_whole_tiles(std::int64_t n_tile) const {
  const std::int64_t left = raw_.size_bytes() - data_start_, row_bytes = file_.required_integer("NAXIS1");
  require(n_tile >= 0 && row_bytes > 0 && n_tile <= left / row_bytes,
          "{}: cut short: its compressed table cannot be read", raw_.path());
  const std::int64_t heap = file_.integer("THEAP").value_or(n_tile * row_bytes);
  require(heap >= 0 && heap <= left, "{}: THEAP is {}; there are {} bytes of data", raw_.path(), heap, left);
  for (std::int64_t tile = 0; tile < n_tile; ++tile)
    for (const auto& column : columns_) {
      LONGLONG length = 0, at = 0;
      int status = 0;
      fits_read_descriptll(file_.get(), column.number, tile + 1, &length, &at, &status);
      file_.check(status, fmt::format("find tile {} of column {}", tile + 1, column.name));
      if (length < 0 || at < 0 || at > left - heap || length > left - heap - at) return tile;
    }
  return n_tile;
}

}  // namespace tianyan
