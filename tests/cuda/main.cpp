// Runs the tests of CUDA kernels, or says why there is no device to run them on: exit code 77, a skipped
// test.
#include <gtest/gtest.h>

#include <cstdio>

#include "cuda/device.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const auto found = tianyan::find_devices();
  if (found.devices.empty()) {
    std::printf("skipped: %s\n", found.why_none.c_str());
    return 77;
  }
  std::printf("on %s\n", found.devices.front().name.c_str());
  return RUN_ALL_TESTS();
}
