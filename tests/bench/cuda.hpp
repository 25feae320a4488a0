// What tianyan-bench has of CUDA: with the backend in tests/cuda_bench, without it next to here.
#pragma once
#include <string>

namespace tianyan {

/// One benchmark for each kernel; none where there is no device.
void register_cuda_benchmarks();

/// Prints one page on every device, and writes it as JSON to `file` unless that is empty. Returns the exit
/// code: 1 without a device, which it says.
int report_cuda(const std::string& file);

/// Prints the model of docs/gpu.md for a beam of FAST.
int print_cuda_model();

}  // namespace tianyan
