// Writing of JSON.
#include "io/json_text.hpp"

#include <nlohmann/json.hpp>

namespace tianyan {

std::string dump_json(const nlohmann::json& document, int indent) {
  return document.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tianyan
