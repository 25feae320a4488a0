// A look at the headers of a FITS file before CFITSIO sees them: it takes memory by their numbers before it
// checks them.
#pragma once
#include <string>

#include "io/raw_file.hpp"

namespace tianyan {

/// Number, from 1, of the HDU that is the binary table with that EXTNAME; 0 where there is none. The
/// mandatory keywords of all HDUs up to there must be numbers that FITS allows, and their data must be in the
/// file, else std::runtime_error naming file, HDU, keyword and value.
int find_fits_table(const RawFile& file, const std::string& extension);

}  // namespace tianyan
