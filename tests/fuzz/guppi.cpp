// GUPPI raw: blocks with a header each.
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/recordings.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) { read_voltages(bytes, ""); }
const bool kRegistered = register_fuzz_target({"guppi", run});

}  // namespace
}  // namespace tianyan::fuzz
