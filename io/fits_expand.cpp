// A few tiles of a compressed table, put into a small compressed table of their own, which CFITSIO expands as
// a whole.
#include "io/fits_expand.hpp"

#include <strings.h>

#include <algorithm>
#include <cerrno>

#include "io/inflate.hpp"
#include "io/rice.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kMaxRatio = 1100;  // gzip has 1032 at most

/// An empty table of compressed cells, one row a tile.
void create_packed(const FitsFile& packed, const std::vector<FitsColumn>& columns, std::int64_t n_tile) {
  std::vector<std::string> names;
  for (const auto& column : columns) names.push_back(column.name);
  char form[] = "1QB";
  std::vector<char*> types, forms;
  for (auto& name : names) {
    types.push_back(name.data());
    forms.push_back(form);
  }
  int status = 0;
  fits_create_img(packed.get(), BYTE_IMG, 0, nullptr, &status);
  fits_create_tbl(packed.get(), BINARY_TBL, n_tile, static_cast<int>(columns.size()), types.data(),
                  forms.data(), nullptr, nullptr, &status);
  packed.check(status, "expand it in memory");
}

/// The keywords that say how the cells of these columns are compressed.
void put_compression(const FitsFile& packed, const FitsFile& from, const std::vector<FitsColumn>& columns,
                     std::int64_t n_row) {
  int status = 0, yes = 1;
  const auto put = [&](const std::string& keyword, LONGLONG value) {
    fits_update_key(packed.get(), TLONGLONG, keyword.c_str(), &value, nullptr, &status);
  };
  const auto put_text = [&](const std::string& keyword, std::string value) {
    fits_update_key(packed.get(), TSTRING, keyword.c_str(), value.data(), nullptr, &status);
  };
  LONGLONG row_bytes = 0;
  for (const auto& column : columns) row_bytes += column.n_bytes;
  fits_update_key(packed.get(), TLOGICAL, "ZTABLE", &yes, nullptr, &status);
  put("ZTILELEN", from.required_integer("ZTILELEN"));
  put("ZNAXIS1", row_bytes);
  put("ZNAXIS2", n_row);
  put("ZPCOUNT", 0);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    put_text(fmt::format("ZFORM{}", i + 1), from.text(fmt::format("ZFORM{}", columns[i].number)));
    put_text(fmt::format("ZCTYP{}", i + 1), from.text(fmt::format("ZCTYP{}", columns[i].number)));
  }
  packed.check(status, "expand it in memory");
}

/// CFITSIO takes no other types.
bool is_rice_of(const FitsColumn& column, const std::vector<unsigned char>& bytes, std::int64_t n_row) {
  const int integer_bytes = column.type == 'J' ? 4 : column.type == 'I' ? 2 : column.type == 'B' ? 1 : 0;
  return integer_bytes == 0 || is_whole_rice(bytes, integer_bytes, column.repeat * n_row);
}

/// The compressed bytes of a column in a tile. CFITSIO writes and reads beyond its buffers where they
/// expand to another number of bytes than the table says.
std::vector<unsigned char> read_cell(const FitsFile& from, const FitsColumn& of, std::int64_t tile,
                                     std::int64_t n_row) {
  const FitsLock lock;
  const int column = of.number;
  const std::int64_t n_expanded = of.n_bytes * n_row;
  LONGLONG n = 0, at = 0;
  int status = 0;
  fits_clear_errmsg();  // what expanding has tried and done without
  errno = 0;
  fits_read_descriptll(from.get(), column, tile + 1, &n, &at, &status);
  from.check(status, fmt::format("find tile {}", tile + 1));
  require(n >= 0 && n <= (LONGLONG{1} << 31), "{}: tile {} has {} compressed bytes", from.path(), tile + 1,
          n);
  require(n_expanded == 0 || (n > 0 && n_expanded / kMaxRatio <= n),
          "{}: tile {} is damaged: {} bytes do not expand to {}", from.path(), tile + 1, n, n_expanded);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(n));
  fits_read_col(from.get(), TBYTE, column, tile + 1, 1, n, nullptr, bytes.data(), nullptr, &status);
  from.check(status, fmt::format("read tile {}", tile + 1));
  const std::string method = from.text(fmt::format("ZCTYP{}", column));
  const bool is_gzip = strncasecmp(method.c_str(), "GZIP", 4) == 0,
             is_rice = strncasecmp(method.c_str(), "RICE", 4) == 0;
  require(n_expanded == 0 || ((!is_gzip || inflates_to(bytes, ZlibKind::kGzip, n_expanded)) &&
                              (!is_rice || is_rice_of(of, bytes, n_row))),
          "{}: tile {} is damaged: it does not expand to {} bytes", from.path(), tile + 1, n_expanded);
  return bytes;
}

}  // namespace

FitsFile expand_tiles(const FitsFile& compressed, const std::vector<FitsColumn>& columns,
                      std::int64_t first_tile, std::int64_t n_tile) {
  const FitsFile packed = FitsFile::in_memory(compressed.path());
  create_packed(packed, columns, n_tile);
  const std::int64_t tile_rows = compressed.required_integer("ZTILELEN");
  const std::int64_t n_row =
      std::min(n_tile * tile_rows, compressed.required_integer("ZNAXIS2") - first_tile * tile_rows);
  put_compression(packed, compressed, columns, n_row);
  int status = 0;
  for (std::int64_t tile = 0; tile < n_tile; ++tile)
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::int64_t tile_n_row = std::min(tile_rows, n_row - tile * tile_rows);
      auto bytes = read_cell(compressed, columns[i], first_tile + tile, tile_n_row);
      fits_write_col(packed.get(), TBYTE, static_cast<int>(i) + 1, tile + 1, 1, std::ssize(bytes),
                     bytes.data(), &status);
      packed.check(status, "expand it in memory");
    }
  FitsFile plain = FitsFile::in_memory(compressed.path());
  fits_create_img(plain.get(), BYTE_IMG, 0, nullptr, &status);
  fits_uncompress_table(packed.get(), plain.get(), &status);
  plain.check(status, fmt::format("expand tile {}", first_tile + 1));
  return plain;
}

}  // namespace tianyan
