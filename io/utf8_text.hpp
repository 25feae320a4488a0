// Text that any XML, YAML or JSON reader takes.
#pragma once
#include <string>

namespace tianyan {

/// The text with each byte that begins no UTF-8 character, or one that XML forbids, as U+FFFD: names in
/// headers hold what somebody once typed.
std::string valid_utf8(const std::string& text);

/// The same with each control character (U+0000 to U+001F, U+007F to U+009F) as a space.
std::string printable_text(const std::string& text);

}  // namespace tianyan
