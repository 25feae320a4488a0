// Voltages in HDF5.
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/recordings.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) { read_voltages(bytes, kHdf5Begins); }
const bool kRegistered = register_fuzz_target({"hdf5_voltages", run});

}  // namespace
}  // namespace tianyan::fuzz
