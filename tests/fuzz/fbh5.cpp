// FBH5: spectra in HDF5.
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/recordings.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) { read_spectra(bytes, kHdf5Begins); }
const bool kRegistered = register_fuzz_target({"fbh5", run});

}  // namespace
}  // namespace tianyan::fuzz
