// How the emulation runs: from the environment.
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/simt/engine.hpp"

namespace simt {
namespace {

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

const Options& options() {
  static const Options found = [] {
    const auto order = environment("SIMT_ORDER", "random");
    Options o{};
    o.order = order == "forward" ? Order::forward : order == "reverse" ? Order::reverse : Order::random;
    o.seed = std::strtoull(environment("SIMT_SEED", "1").c_str(), nullptr, 10);
    o.lazy_streams = environment("SIMT_STREAMS", "lazy") == "lazy";
    o.protect = environment("SIMT_PROTECT", "1") == "1";
    return o;
  }();
  return found;
}

void report(const char* format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "SIMT: %s\n", text);
}

}  // namespace simt
