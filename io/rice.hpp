// Whether Rice-coded integers are whole: CFITSIO's decoder goes on behind the end of those that are not.
#pragma once
#include <cstdint>
#include <span>

namespace tianyan {

/// True where the bytes hold n integers of 1, 2 or 4 bytes each, as FITS codes them in blocks of 32 (FITS
/// standard 4.0, 10.4.1; CFITSIO, ricecomp.c).
bool is_whole_rice(std::span<const unsigned char> bytes, int integer_bytes, std::int64_t n);

}  // namespace tianyan
