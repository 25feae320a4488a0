// SIGPROC filterbank files.
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/recordings.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) { read_spectra(bytes, ""); }
const bool kRegistered = register_fuzz_target({"sigproc", run});

}  // namespace
}  // namespace tianyan::fuzz
