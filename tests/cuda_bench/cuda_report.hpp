// One page on how fast a device runs the kernels, to be sent back: JSON, and the same as text.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "tests/cuda_bench/cuda_kernels.hpp"

namespace tianyan {

struct CudaReportOptions {
  CudaSizes sizes = {};
  int n_call = 21;  ///< of each kernel
  std::int64_t copy_bytes = std::int64_t{1} << 30;
};

/// Of each device: its name and size, its measured rates of copying, and of each kernel the median, least and
/// most time of a call, the bytes and operations a second that it makes of it, which fraction of the rate of
/// copying the bytes are, and how many seconds of data it takes further in a second.
nlohmann::json cuda_report(const CudaReportOptions& options);
std::string cuda_report_text(const nlohmann::json& report);

}  // namespace tianyan
