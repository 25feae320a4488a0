// tianyan-bench: speed of every kernel at FAST's sizes, of the whole search, and of the machine itself.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "tests/bench/cuda.hpp"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--model") == 0) return tianyan::print_cuda_model();
    if (std::strncmp(argv[i], "--report", 8) == 0 && (argv[i][8] == '\0' || argv[i][8] == '='))
      return tianyan::report_cuda(argv[i][8] == '=' ? argv[i] + 9 : "");
  }
  tianyan::register_cuda_benchmarks();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
