// Lists of known sources: ATNF database, CSV, tabs, ECSV.
#include <stdexcept>

#include "io/catalogue.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) try {
  const Catalogue catalogue = read_catalogue(input_file(bytes));
  for (const auto& source : catalogue.sources) promise(!source.name.empty(), "a source has a name");
} catch (const std::runtime_error&) {
}

const bool kRegistered = register_fuzz_target({"catalogue", run});

}  // namespace
}  // namespace tianyan::fuzz
