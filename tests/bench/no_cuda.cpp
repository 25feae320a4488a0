// Without the CUDA backend there is nothing to measure of it.
#include <cstdio>

#include "tests/bench/cuda.hpp"

namespace tianyan {

void register_cuda_benchmarks() {}

namespace {
int complain() {
  std::fputs("tianyan-bench: this build has no CUDA backend\n", stderr);
  return 1;
}
}  // namespace

int report_cuda(const std::string&) { return complain(); }
int print_cuda_model() { return complain(); }

}  // namespace tianyan
