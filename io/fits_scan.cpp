// Walks from header to header: cards of 80 characters in blocks of 2880 bytes (FITS standard 4.0, sections 3
// and 4).
#include "io/fits_scan.hpp"

#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kBlock = 2880, kCard = 80;
constexpr std::int64_t kMaxHeader = 10'000 * kBlock;
constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max() / 2;

/// One header: what stands behind "KEYWORD = ", by keyword.
class Header {
 public:
  Header(const RawFile& file, std::int64_t begin, int number)
      : where_(fmt::format("{}, HDU {}", file.path(), number)), end_(begin) {
    std::string block(kBlock, ' ');
    for (bool is_end = false; !is_end; end_ += kBlock) {
      require(end_ + kBlock <= file.size_bytes() && end_ - begin < kMaxHeader,
              "{}: cut short: its header has no end", where_);
      file.read(end_, kBlock, block.data());
      for (std::int64_t at = 0; at < kBlock && !is_end; at += kCard)
        is_end = take(block.substr(static_cast<std::size_t>(at), kCard));
    }
    const char* wanted = number == 1 ? "SIMPLE" : "XTENSION";
    require(first_ == wanted, "{}: its header begins with '{}', not {}", where_, first_, wanted);
  }

  const std::string& where() const { return where_; }
  std::int64_t end() const { return end_; }

  std::string text(const std::string& keyword) const {
    const auto at = values_.find(keyword);
    if (at == values_.end()) return "";
    const std::size_t begin = at->second.find('\'');
    if (begin == std::string::npos) return "";
    const std::string quoted = at->second.substr(begin + 1, at->second.find('\'', begin + 1) - begin - 1);
    return quoted.substr(0, quoted.find_last_not_of(' ') + 1);
  }

  std::int64_t integer(const std::string& keyword, std::int64_t min, std::int64_t max) const {
    const auto at = values_.find(keyword);
    require(at != values_.end(), "{}: keyword {} is missing", where_, keyword);
    const char* text = at->second.c_str();
    char* end = nullptr;
    const std::int64_t value = std::strtoll(text, &end, 10);
    const bool is_number = end != text && (*end == ' ' || *end == '/' || *end == '\0');
    require(is_number && value >= min && value <= max, "{}: {} is {}; integers from {} to {} are possible",
            where_, keyword, at->second.substr(at->second.find_first_not_of(' ') % at->second.size(), 20),
            min, max);
    return value;
  }

  /// Bytes of the data behind the header, without what fills their last block.
  std::int64_t data_bytes() const {
    const std::int64_t n_axis = integer("NAXIS", 0, 999);
    std::int64_t n = n_axis == 0 ? 0 : std::abs(integer("BITPIX", -64, 64)) / 8;
    for (std::int64_t axis = 1; axis <= n_axis; ++axis)
      n = product(n, integer(fmt::format("NAXIS{}", axis), 0, kHuge));
    return is_extension() && n_axis > 0 ? std::min(kHuge, n + integer("PCOUNT", 0, kHuge)) : n;
  }

  bool is_extension() const { return first_ == "XTENSION"; }
  bool is_table() const { return is_extension() && text("XTENSION") == "BINTABLE"; }

 private:
  static std::int64_t product(std::int64_t a, std::int64_t b) {
    return b != 0 && a > kHuge / b ? kHuge : a * b;
  }

  /// True where the card is the last.
  bool take(const std::string& card) {
    const std::string keyword = card.substr(0, card.substr(0, 8).find_last_not_of(' ') + 1);
    if (first_.empty()) first_ = keyword;
    if (card.compare(8, 2, "= ") == 0) {
      const std::string value = card.substr(10);
      // CFITSIO has no room for so long a word as the name of a column.
      require(value.find_first_of(" '/") != std::string::npos, "{}: {} is '{:.20}...', which is no value",
              where_, keyword, value);
      values_.emplace(keyword, value);
    }
    return keyword == "END";
  }

  std::string where_;
  std::int64_t end_;
  std::string first_;  ///< keyword of the first card
  std::map<std::string, std::string> values_;
};

}  // namespace

int find_fits_table(const RawFile& file, const std::string& extension) {
  std::int64_t begin = 0;
  for (int number = 1; begin < file.size_bytes(); ++number) {
    const Header header(file, begin, number);
    const std::int64_t n_bytes = header.data_bytes();
    if (header.is_table()) {
      header.integer("TFIELDS", 0, 999);
      header.integer("NAXIS1", 0, kHuge);
      header.integer("NAXIS2", 0, kHuge);
      if (strcasecmp(header.text("EXTNAME").c_str(), extension.c_str()) == 0) return number;
    }
    require(n_bytes <= file.size_bytes() - header.end(),
            "{}: cut short: {} bytes of data, its header promises {}", header.where(),
            file.size_bytes() - header.end(), n_bytes);
    begin = header.end() + (n_bytes + kBlock - 1) / kBlock * kBlock;
  }
  return 0;
}

}  // namespace tianyan
