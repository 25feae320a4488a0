// Growing an XML document; all text in it is made printable (io/utf8_text.hpp).
#pragma once
#include <pugixml.hpp>
#include <string>
#include <utility>
#include <vector>

namespace tianyan {

/// Name and value, in the order written; an empty value is left out.
using XmlAttributes = std::vector<std::pair<const char*, std::string>>;

/// As the parent's last child.
pugi::xml_node add_element(pugi::xml_node parent, const char* name, const XmlAttributes& attributes = {});
pugi::xml_node add_text(pugi::xml_node parent, const char* name, const std::string& text);

/// UTF-8, with an XML declaration, indented.
std::string xml_text(const pugi::xml_document& document);

}  // namespace tianyan
