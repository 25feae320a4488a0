// PRESTO's .singlepulse, then the line "----" and its .inf.
#include <stdexcept>

#include "io/singlepulse.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

void run(std::string_view bytes) try {
  static const Folder folder;
  const auto [list, inf] = halves(bytes);
  folder.write("list.inf", inf);
  read_inf(folder.path() + "/list.inf");
  read_singlepulse(folder.write("list.singlepulse", list));
} catch (const std::runtime_error&) {
}

const bool kRegistered = register_fuzz_target({"singlepulse", run});

}  // namespace
}  // namespace tianyan::fuzz
