// Recordings of spectra and of voltages, opened and read as a search reads them.
#pragma once
#include <string_view>

namespace tianyan::fuzz {

/// Of one file, or of two with the line "----" between them, which are one stream then.
/// `begins`: how files of the target's format do, so that each target keeps to its own; "" where any may.
void read_spectra(std::string_view bytes, std::string_view begins);
void read_voltages(std::string_view bytes, std::string_view begins);

inline constexpr std::string_view kHdf5Begins = "\x89HDF\r\n\x1a\n";

}  // namespace tianyan::fuzz
