// JSON as text.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tianyan {

/// With each byte that is no UTF-8 as U+FFFD: a file's name is whatever bytes somebody chose. Two documents
/// say the same where their texts are equal. On one line, or indented.
std::string dump_json(const nlohmann::json& document, int indent = -1);

}  // namespace tianyan
