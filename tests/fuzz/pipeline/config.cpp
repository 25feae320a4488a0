// Configs, and what is printed of one.
#include <stdexcept>

#include "pipeline/config.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) {
  Config config;
  try {
    config = load_config(input_file(bytes));
  } catch (const std::runtime_error&) {
    return;
  } catch (const std::invalid_argument&) {  // what is wrong in a config is the caller's mistake
    return;
  }
  const std::string text = print_config(config);
  promise(print_config(load_config(input_file(text))) == text, "a config that was printed reads back");
}

const bool kRegistered = register_fuzz_target({"config", run});

}  // namespace
}  // namespace tianyan::fuzz
