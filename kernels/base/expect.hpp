// Checks of preconditions: one line where the condition fails, with both values in the text.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tianyan {

/// Throws std::invalid_argument with the formatted text unless `condition` holds: the caller or the config is
/// wrong.
template <class... Args>
void expect(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) [[unlikely]]
    throw std::invalid_argument(fmt::format(text, std::forward<Args>(args)...));
}

/// Throws std::runtime_error with the formatted text unless `condition` holds: a file or a device is wrong.
template <class... Args>
void require(bool condition, fmt::format_string<Args...> text, Args&&... args) {
  if (!condition) [[unlikely]]
    throw std::runtime_error(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace tianyan
