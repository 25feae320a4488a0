// tianyan-bench: speed of every kernel at FAST's sizes, of the whole search, and of the machine itself.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
