// What a person with a new device runs and sends back, at sizes for the emulation.
#include <gtest/gtest.h>

#include "tests/cuda_bench/cuda_report.hpp"

namespace tianyan {
namespace {

TEST(CudaReport, MeasuresEveryKernel) {
  CudaReportOptions options;
  options.sizes = {64, 2048, 196e-6, 64, 64, 16};
  options.n_call = 3;
  options.copy_bytes = 1 << 16;
  const auto report = cuda_report(options);
  ASSERT_EQ(report["devices"].size(), 1U);
  const auto& kernels = report["devices"][0]["kernels"];
  ASSERT_EQ(kernels.size(), cuda_kernels().size());
  for (const auto& k : kernels) {
    EXPECT_GT(k["bytes"], 0.0) << k;
    EXPECT_LE(k["least_s"], k["median_s"]);
    EXPECT_LE(k["median_s"], k["most_s"]);
  }
  const auto text = cuda_report_text(report);
  for (const auto& named : cuda_kernels())
    EXPECT_NE(text.find("\n" + named.name + " "), std::string::npos) << text;
}

}  // namespace
}  // namespace tianyan
