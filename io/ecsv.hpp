// ECSV 1.0: a table as comma-separated text under a YAML header, which astropy reads with units and metadata.
#pragma once
#include <string>

#include "io/table.hpp"

namespace tianyan {

/// The whole file as text. Missing values and NaN are written as "", which astropy reads as masked. Line
/// breaks and other control characters inside a string cell become spaces: an ECSV row is one line.
std::string format_ecsv(const Table& table);

/// Writes the file under a temporary name and renames it: under its own name it is whole. Throws
/// std::runtime_error where it cannot be written.
void write_ecsv(const std::string& path, const Table& table);

}  // namespace tianyan
