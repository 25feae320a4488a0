// pugixml does the escaping.
#include "io/xml_tree.hpp"

#include <sstream>

#include "io/utf8_text.hpp"

namespace tianyan {

pugi::xml_node add_element(pugi::xml_node parent, const char* name, const XmlAttributes& attributes) {
  pugi::xml_node node = parent.append_child(name);
  for (const auto& [key, value] : attributes)
    if (!value.empty()) node.append_attribute(key).set_value(printable_text(value).c_str());
  return node;
}

pugi::xml_node add_text(pugi::xml_node parent, const char* name, const std::string& text) {
  pugi::xml_node node = parent.append_child(name);
  if (!text.empty()) node.text().set(printable_text(text).c_str());
  return node;
}

std::string xml_text(const pugi::xml_document& document) {
  std::ostringstream text;
  text << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  document.save(text, " ", pugi::format_indent | pugi::format_no_declaration, pugi::encoding_utf8);
  return text.str();
}

}  // namespace tianyan
