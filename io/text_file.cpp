// Texts, written through an OutputFile.
#include "io/text_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "io/output_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {

void write_text_file(const std::string& path, const std::string& text) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  require(!error, "{}: its folder cannot be made: {}", path, error.message());
  OutputFile file(path);
  file.put(text.data(), text.size());
  file.commit();
}

std::string read_text_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  require(in.is_open() && !std::filesystem::is_directory(path), "{}: cannot be opened for reading", path);
  try {
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  } catch (const std::ios_base::failure& e) {  // of the buffer itself, which knows no file's name
    throw std::runtime_error(fmt::format("{}: cannot be read: {}", path, e.code().message()));
  }
}

}  // namespace tianyan
