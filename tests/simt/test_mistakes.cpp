// Each kind of mistake is found, and what is right is not complained of in many orders of execution.
#include "tests/simt/emulation_test.hpp"

namespace simt {
namespace {

class Mistake : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { cudaDeviceReset(); }
  void TearDown() override { cudaDeviceReset(); }
};

TEST_P(Mistake, IsFound) {
  const auto& c = GetParam();
  if (c.needs_checker && checker == nullptr) GTEST_SKIP() << "by the checker alone";
  auto answer = cudaSuccess;
  const auto said = said_by([&] { answer = c.wrong(); });
  EXPECT_NE(said.find(c.says), std::string::npos) << said;
  EXPECT_NE(answer, cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), answer) << "it stays";
}

TEST_P(Mistake, IsNotSeenWhereThereIsNone) {
  constexpr int kOrders = 40;  // each launch has its own
  const auto said = said_by([&] {
    for (int i = 0; i < kOrders; ++i) {
      EXPECT_EQ(GetParam().right(), cudaSuccess);
      cudaDeviceReset();
    }
  });
  EXPECT_EQ(said, "");
}

INSTANTIATE_TEST_SUITE_P(Kernels, Mistake, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace simt
