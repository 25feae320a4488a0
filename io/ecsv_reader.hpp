// Reads ECSV 1.0 tables, as io/ecsv.hpp and astropy write them.
#pragma once
#include <string>

#include "io/table.hpp"

namespace tianyan {

/// The table of a file that begins with "# %ECSV". A table written by write_ecsv comes back so that
/// format_ecsv gives the same text: columns with types, units, descriptions and formats, meta entries of the
/// kinds that MetaValue has, rows.
///   Types:  int8 ... uint64 and bool (0, 1) are int64; float16 ... float128 are float64, whose cells are
///           doubles whatever digits they were written with; all others (subtypes too) are strings, as they
///           stand.
///   Cells:  empty is missing (std::monostate), of strings too; "nan" is NaN.
///   Format: left out where it is no printf conversion of the column's type, as astropy's '{:.2f}' is not.
///   Meta:   text, integers (bool: 0, 1), floats, lists of text and lists of numbers; entries of other shapes
///           and the meta of columns are left out.
/// Delimiters are ' ' (where the header names none) and ','. Serialized columns of astropy (Time, SkyCoord)
/// come as the plain columns that they are written in.
/// Throws std::runtime_error "PATH:LINE: what" where the file is something else or a cell is not of its
/// column's type.
Table read_ecsv(const std::string& path);

/// The same of a text; `path` is for errors.
Table parse_ecsv(const std::string& text, const std::string& path);

/// Whether the text begins as every ECSV file does.
bool is_ecsv(const std::string& text);

}  // namespace tianyan
