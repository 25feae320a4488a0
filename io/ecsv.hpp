// ECSV 1.0: a table as comma-separated text under a YAML header, which astropy reads with units and metadata.
#pragma once
#include <string>

#include "io/table.hpp"

namespace tianyan {

/// The whole file as text. Missing values and NaN are written as "", which astropy reads as masked. String
/// cells are printable_text(): an ECSV row is one line. Texts of the header are valid_utf8(), with control
/// characters as YAML's escapes.
std::string format_ecsv(const Table& table);

/// As write_text_file().
void write_ecsv(const std::string& path, const Table& table);

}  // namespace tianyan
