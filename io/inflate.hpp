// How long zlib's streams are when they are expanded, for libraries that believe what a file says of it.
#pragma once
#include <cstdint>
#include <span>

namespace tianyan {

enum class ZlibKind { kZlib, kGzip };

/// Bytes that a stream expands to before it ends or is damaged; where they are more than `most`, any number
/// above.
std::int64_t inflated_bytes(std::span<unsigned char> stream, ZlibKind kind, std::int64_t most);

}  // namespace tianyan
