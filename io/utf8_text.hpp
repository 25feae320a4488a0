// Text that any XML or JSON reader takes.
#pragma once
#include <string>

namespace tianyan {

/// The text with each control character as a space, and each byte that begins no UTF-8 character, or one that
/// XML forbids, as U+FFFD: names in headers hold what somebody once typed.
std::string printable_text(const std::string& text);

}  // namespace tianyan
