// The part of YAML that headers of ECSV files use: block and flow lists and maps, quoted and plain scalars.
#pragma once
#include <string>
#include <vector>

namespace tianyan {

/// A value, or the lines of one that is not looked into yet.
struct YamlText {
  std::string path;  ///< with `line`, the place that errors name
  int line = 1;      ///< of the first line of `text`, from 1
  std::string text;  ///< lines, indented as far as they are below the first
};

struct YamlEntry {
  std::string key;
  YamlText value;
};

struct YamlNode {
  enum class Kind { kScalar, kList, kMap };

  Kind kind = Kind::kScalar;
  std::string tag;  ///< "!!omap", "!astropy.units.Unit", "&id001" or "*id001"; empty: none
  std::string text;
  bool is_quoted = false;  ///< of a scalar: a text whatever it looks like
  std::vector<std::string> keys;
  std::vector<YamlNode> items;  ///< of a list, or the values of `keys`

  /// The value of a map's key; nullptr where there is none.
  const YamlNode* find(const std::string& key) const;
};

// Each throws std::runtime_error "PATH:LINE: what" where the text is something else. Comments, several
// documents, literal blocks, complex keys and what aliases stand for are not read.

/// Entries of a block map ("key: value" lines), values not looked into.
std::vector<YamlEntry> yaml_entries(const YamlText& text);
/// Items of a block list ("- value" lines), after a tag where there is one.
std::vector<YamlText> yaml_items(const YamlText& text);
/// The whole value. Lists and maps may be nested 32 deep.
YamlNode parse_yaml(const YamlText& text);

}  // namespace tianyan
