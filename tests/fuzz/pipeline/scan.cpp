// Scans to simulate, as TOML.
#include <stdexcept>

#include "pipeline/simulate.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) try { load_scan(input_file(bytes)); } catch (const std::runtime_error&) {
} catch (const std::invalid_argument&) {  // what is wrong in it is the caller's mistake
}

const bool kRegistered = register_fuzz_target({"scan", run});

}  // namespace
}  // namespace tianyan::fuzz
