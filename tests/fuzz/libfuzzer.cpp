// tianyan-fuzz: libFuzzer on the target that the environment variable TIANYAN_FUZZ_TARGET names, which the
// processes that libFuzzer starts inherit.
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tests/fuzz/fuzz_target.hpp"

namespace {

void (*run)(std::string_view) = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* wanted = std::getenv("TIANYAN_FUZZ_TARGET");
  std::string known;
  for (const auto& target : tianyan::fuzz::fuzz_targets()) {
    known += " " + target.name;
    if (wanted != nullptr && target.name == wanted) run = target.run;
  }
  if (run != nullptr) return 0;
  std::cerr << "tianyan-fuzz: TIANYAN_FUZZ_TARGET is to be one of" << known << '\n';
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  run({reinterpret_cast<const char*>(data), size});
  return 0;
}
