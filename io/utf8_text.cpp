// UTF-8 after RFC 3629, characters after XML 1.0 (production 2).
#include "io/utf8_text.hpp"

#include <cstdint>

namespace tianyan {
namespace {

/// Length of the character that begins at text[i]; 0 where none does.
std::size_t character_length(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return std::uint32_t{static_cast<unsigned char>(text[k])}; };
  const std::uint32_t lead = byte(i);
  if (lead < 0x80) return 1;
  const std::size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || i + n > text.size()) return 0;
  std::uint32_t code = lead & (0x7fu >> n);
  for (std::size_t k = i + 1; k < i + n; ++k) {
    if ((byte(k) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(k) & 0x3f);
  }
  const std::uint32_t least = n == 2 ? 0x80 : n == 3 ? 0x800 : 0x10000;
  const bool is_forbidden = (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff;
  return code < least || code > 0x10ffff || is_forbidden ? 0 : n;
}

}  // namespace

std::string valid_utf8(const std::string& text) {
  std::string valid;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = character_length(text, i);
    if (n == 0)
      valid += "\xef\xbf\xbd";
    else
      valid.append(text, i, n);
    i += n == 0 ? 1 : n;
  }
  return valid;
}

std::string printable_text(const std::string& text) {
  const std::string valid = valid_utf8(text);
  std::string printable;
  for (std::size_t i = 0; i < valid.size(); ++i) {
    const auto byte = static_cast<unsigned char>(valid[i]);
    const bool is_c1 = byte == 0xc2 && static_cast<unsigned char>(valid[i + 1]) < 0xa0;
    printable += is_c1 || byte < 0x20 || byte == 0x7f ? ' ' : valid[i];
    if (is_c1) ++i;
  }
  return printable;
}

}  // namespace tianyan
