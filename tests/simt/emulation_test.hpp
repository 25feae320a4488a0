// What the tests of the emulation share: kernels that are wrong in one way each, and what is said of them.
#pragma once
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/simt/engine.hpp"

namespace simt {

/// A kernel with a mistake, and the same without it; each returns what the device answers in the end.
struct Case {
  std::string name;
  cudaError_t (*wrong)();
  cudaError_t (*right)();
  std::string says;  ///< part of the report
  bool needs_checker;
};
std::vector<Case> cases();
inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// Devices are as new before and after each test.
class Emulation : public testing::Test {
 protected:
  void SetUp() override { cudaDeviceReset(); }
  void TearDown() override { cudaDeviceReset(); }
};

/// What `f` made the emulation say.
template <class F>
std::string said_by(F f) {
  testing::internal::CaptureStderr();
  f();
  return testing::internal::GetCapturedStderr();
}

/// Ints of a device, uploaded; freed with the device.
inline int* device_ints(const std::vector<int>& values) {
  int* p = nullptr;
  EXPECT_EQ(cudaMalloc(&p, values.size() * sizeof(int)), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(p, values.data(), values.size() * sizeof(int), cudaMemcpyHostToDevice), cudaSuccess);
  return p;
}
inline std::vector<int> host_ints(const int* p, std::size_t n) {
  std::vector<int> values(n);
  EXPECT_EQ(cudaMemcpy(values.data(), p, n * sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
  return values;
}

/// Blocks of a stream's kernel.
template <class... Parameter, class... Argument>
cudaError_t start(unsigned n_block, unsigned n_thread, cudaStream_t stream, void (*kernel)(Parameter...),
                  Argument... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = n_block;
  config.blockDim = n_thread;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, static_cast<Parameter>(arguments)...);
}

}  // namespace simt
