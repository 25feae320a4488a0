// The values of --set, one a line.
#include <stdexcept>

#include "pipeline/config.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) try {
  std::vector<std::string> set;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    set.emplace_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  print_config(load_config("", set));
} catch (const std::invalid_argument&) {
}

const bool kRegistered = register_fuzz_target({"setting", run});

}  // namespace
}  // namespace tianyan::fuzz
