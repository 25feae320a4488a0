// Beam numbers out of file names.
#include "io/beam_name.hpp"

#include <fmt/format.h>

#include <cctype>
#include <filesystem>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

bool is_digit(const std::string& text, std::size_t at) {
  return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0;
}

}  // namespace

std::string beam_name(int beam) { return fmt::format("M{:02}", beam); }

int beam_from_name(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  for (std::size_t at = name.find("-M"); at != std::string::npos; at = name.find("-M", at + 1)) {
    if (!is_digit(name, at + 2) || !is_digit(name, at + 3) || is_digit(name, at + 4)) continue;
    const int beam = (name[at + 2] - '0') * 10 + (name[at + 3] - '0');
    if (beam >= 1 && beam <= kMaxBeam) return beam;
  }
  return 0;
}

int beam_of(const std::string& path, long long header_beam, std::vector<std::string>& notes) {
  const int named = beam_from_name(path);
  if (named != 0 && header_beam != 0 && header_beam != named)
    notes.push_back(fmt::format("{}: the header says beam {}, the name says {}: {} was taken", path,
                                header_beam, named, named));
  if (named != 0) return named;
  if (header_beam >= 0 && header_beam <= kMaxBeam) return static_cast<int>(header_beam);
  notes.push_back(fmt::format("{}: beam {} in the header; 1 to {} are known: taken as unknown", path,
                              header_beam, kMaxBeam));
  return 0;
}

void expect_beam(const std::string& path, int wanted, int beam) {
  expect(wanted == 0 || beam == 0 || wanted == beam, "{}: beam {} was asked for, it holds {}", path, wanted,
         beam);
}

}  // namespace tianyan
