// Expanding of zlib's streams into nothing.
#include "io/inflate.hpp"

#include <zlib.h>

#include <array>
#include <new>

namespace tianyan {

bool inflates_to(std::span<unsigned char> bytes, ZlibKind kind, std::int64_t n) {
  std::array<unsigned char, 1 << 15> expanded;
  z_stream stream{};
  if (inflateInit2(&stream, kind == ZlibKind::kGzip ? 15 + 16 : 15) != Z_OK) throw std::bad_alloc();
  stream.next_in = bytes.data();
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::int64_t n_there = 0;
  int status = Z_OK;
  while (status == Z_OK && n_there <= n) {
    stream.next_out = expanded.data();
    stream.avail_out = static_cast<uInt>(expanded.size());
    status = inflate(&stream, Z_NO_FLUSH);
    n_there += std::ssize(expanded) - stream.avail_out;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && n_there == n;
}

}  // namespace tianyan
