// Files that are one text.
#pragma once
#include <string>

namespace tianyan {

/// Writes the file whole or not at all; folders above it are made. Throws std::runtime_error where it cannot
/// be written.
void write_text_file(const std::string& path, const std::string& text);

/// The whole of a file; throws std::runtime_error naming `path` where it cannot be read.
std::string read_text_file(const std::string& path);

}  // namespace tianyan
