// Whether zlib's streams are as long as a file says, for libraries that believe it.
#pragma once
#include <cstdint>
#include <span>

namespace tianyan {

enum class ZlibKind { kZlib, kGzip };

/// True where the stream is whole and expands to n bytes.
bool inflates_to(std::span<unsigned char> stream, ZlibKind kind, std::int64_t n);

}  // namespace tianyan
