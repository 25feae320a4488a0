// VOTable 1.4: a table as XML that TOPCAT and astropy read with units, UCDs and reference frames.
#pragma once
#include <string>

#include "io/table.hpp"

namespace tianyan {

/// The whole file as text, cells as TABLEDATA (IVOA Recommendation VOTable 1.4).
///   - int64 is `long`, float64 `double`, a string `unicodeChar`. A float cell given as decimal digits is
///     written as it stands: a reader takes of them what a double holds.
///   - A missing value is an empty TD, which since VOTable 1.3 is null for every type; infinity is +Inf or
///     -Inf.
///   - Units turn from "pc / cm3" to VOUnits: "pc/cm**3".
///   - Columns with the names that our tables use get their UCD (UCD1+) and their frame: ICRS for
///     positions, UTC at the telescope or TDB at the barycentre for MJDs.
///   - Metadata: numbers are PARAMs, lists of numbers PARAM arrays, texts INFOs, lists of texts one INFO
///     each.
///   - Texts are made printable (io/utf8_text.hpp).
std::string format_votable(const Table& table);

}  // namespace tianyan
