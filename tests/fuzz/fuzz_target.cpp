// The list of targets, and inputs as files.
#include "tests/fuzz/fuzz_target.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace tianyan::fuzz {
namespace {

std::vector<FuzzTarget>& targets() {
  static std::vector<FuzzTarget> all;
  return all;
}

}  // namespace

bool register_fuzz_target(const FuzzTarget& target) {
  targets().push_back(target);
  return true;
}

std::vector<FuzzTarget> fuzz_targets() {
  auto all = targets();
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

const std::string& input_file(std::string_view bytes) {
  static const Folder folder;
  static const std::string path = folder.write("input", "");
  static const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const auto size = static_cast<ssize_t>(bytes.size());
  promise(file >= 0 && ::ftruncate(file, size) == 0 && ::pwrite(file, bytes.data(), bytes.size(), 0) == size,
          "an input as a file");
  return path;
}

Folder::Folder() : path_((std::filesystem::temp_directory_path() / "tianyan_fuzz_XXXXXX").string()) {
  promise(mkdtemp(path_.data()) != nullptr, "a temporary folder");
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, std::string_view bytes) const {
  const std::string path = path_ + "/" + name;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  promise(out.flush().good(), "a file in a temporary folder");
  return path;
}

std::pair<std::string_view, std::string_view> halves(std::string_view bytes) {
  constexpr std::string_view kBetween = "\n----\n";
  const auto at = bytes.find(kBetween);
  if (at == std::string_view::npos) return {bytes, {}};
  return {bytes.substr(0, at + 1), bytes.substr(at + kBetween.size())};
}

void promise(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

}  // namespace tianyan::fuzz
