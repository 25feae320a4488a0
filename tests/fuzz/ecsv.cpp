// ECSV tables, as the report reads the program's own and catalogues are.
#include <stdexcept>

#include "io/ecsv.hpp"
#include "io/ecsv_reader.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

/// What is written of a table reads back, and is written the same.
void run(std::string_view bytes) {
  Table table;
  try {
    table = parse_ecsv(std::string(bytes), "input");
  } catch (const std::runtime_error&) {
    return;
  }
  const std::string text = format_ecsv(table);
  promise(format_ecsv(parse_ecsv(text, "again")) == text, "a table that was written reads back");
}

const bool kRegistered = register_fuzz_target({"ecsv", run});

}  // namespace
}  // namespace tianyan::fuzz
