// Without the CUDA backend there is nothing to measure of it.
#include <cstdio>

#include "tests/bench/cuda.hpp"

namespace tianyan {

void register_cuda_benchmarks() {}

int report_cuda(const std::string&) {
  std::fputs("tianyan-bench: this build has no CUDA backend, so there is no device to report on\n", stderr);
  return 1;
}

}  // namespace tianyan
