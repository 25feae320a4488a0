// ECSV tables, as the report reads the program's own and catalogues are.
#include <algorithm>
#include <stdexcept>

#include "io/ecsv.hpp"
#include "io/ecsv_reader.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

bool has_format(const Table& table) {
  const auto& columns = table.columns();
  return std::any_of(columns.begin(), columns.end(), [](const Column& c) { return !c.format.empty(); });
}

/// What is written of a table reads back, and is written the same, but for what formats leave out.
void run(std::string_view bytes) {
  Table table;
  try {
    table = parse_ecsv(std::string(bytes), "input");
  } catch (const std::runtime_error&) {
    return;
  }
  const std::string text = format_ecsv(table);
  if (!has_format(table))
    promise(format_ecsv(parse_ecsv(text, "again")) == text, "a table that was written reads back");
}

const bool kRegistered = register_fuzz_target({"ecsv", run});

}  // namespace
}  // namespace tianyan::fuzz
