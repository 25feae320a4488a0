// PSRFITS, also compressed by tiles or rows.
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/recordings.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) { read_spectra(bytes, "SIMPLE  = "); }
const bool kRegistered = register_fuzz_target({"psrfits", run});

}  // namespace
}  // namespace tianyan::fuzz
