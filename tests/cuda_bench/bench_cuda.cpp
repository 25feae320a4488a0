// The CUDA kernels in tianyan-bench.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <memory>

#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "tests/bench/bench.hpp"
#include "tests/bench/cuda.hpp"
#include "tests/cuda_bench/cuda_model.hpp"
#include "tests/cuda_bench/cuda_report.hpp"

namespace tianyan {
namespace {

// Times by the device's clock; an iteration is one call.
void time_kernel(benchmark::State& state, const NamedCudaKernel& named) {
  const auto kernel = named.make(CudaSizes{});
  double seconds = 0.0;
  for (auto _ : state) {
    const double call_s = call_seconds(kernel, 1).front();
    state.SetIterationTime(call_s);
    seconds += call_s;
  }
  const double per_s = static_cast<double>(state.iterations()) / seconds;
  state.counters["GB/s"] = kernel.work.bytes * per_s / 1e9;
  state.counters["Gop/s"] = kernel.work.operations * per_s / 1e9;
  state.counters["x_real_time"] = kernel.work.data_s * per_s;
}

}  // namespace

void register_cuda_benchmarks() {
  if (find_devices().devices.empty()) return;
  for (const auto& named : cuda_kernels())
    benchmark::RegisterBenchmark(("cuda/" + named.name).c_str(),
                                 [&named](benchmark::State& state) { time_kernel(state, named); })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
}

int report_cuda(const std::string& file) {
  try {
    const auto report = cuda_report({});
    std::fputs(cuda_report_text(report).c_str(), stdout);
    if (!file.empty()) write_text_file(file, dump_json(report, 1) + "\n");
    return report["devices"].empty() ? 1 : 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "tianyan-bench: %s\n", e.what());
    return 1;
  }
}

int print_cuda_model() {
  const auto info = fast_stream(std::int64_t{1} << 22);
  std::fputs(model_text(make_search_plan(Config{}, info), info, 8).c_str(), stdout);
  return 0;
}

}  // namespace tianyan
