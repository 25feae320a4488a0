// One row of a catalogue as named texts, and the source that it describes.
#pragma once
#include <map>
#include <string>

#include "io/catalogue.hpp"

namespace tianyan {

/// Values and units by the lower-case names of their columns.
struct CatalogueRow {
  std::string place;  ///< "PATH:LINE"
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> units;
};

/// Adds the source to the catalogue, or counts and notes why there is none. Names of columns, units and
/// missing values are as read_catalogue says.
void add_source(const CatalogueRow& row, Catalogue& catalogue);

/// Whether these columns can make a source: a name, a position and a DM.
bool has_source_columns(const CatalogueRow& row);

/// Drops repeated names and shortens the notes, once all rows are in.
void finish_catalogue(const std::string& path, Catalogue& catalogue);

}  // namespace tianyan
