// The functions that kernels call give what CUDA's give.
#include <bit>
#include <numeric>

#include "tests/simt/functions.hpp"

namespace simt {
namespace {

using Functions = Emulation;

std::vector<int> some_ints(std::size_t n) {
  std::vector<int> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<int>(i * i * 2654435761U) >> (i % 3 * 8);
  return values;
}

template <class F>
int reduced(const std::vector<int>& values, F f) {
  return std::accumulate(values.begin() + 1, values.end(), values[0], f);
}

TEST_F(Functions, ExchangeValuesWithinAWarp) {
  const auto in = some_ints(32);
  int* out = device_ints(std::vector<int>(kWarpResults * 32));
  ASSERT_EQ(try_warp(device_ints(in), out), cudaSuccess);
  const auto got = host_ints(out, kWarpResults * 32);
  const auto value = [&](int lane) { return in[static_cast<std::size_t>(lane)]; };
  for (int lane = 0; lane < 32; ++lane) {
    const auto result = [&](int r) { return got[static_cast<std::size_t>(r * 32 + lane)]; };
    EXPECT_EQ(result(0), value(3));
    EXPECT_EQ(result(1), value(lane / 8 * 8 + (lane + 1) % 8));
    EXPECT_EQ(result(2), value(lane < 2 ? lane : lane - 2));
    EXPECT_EQ(result(3), value(lane % 16 >= 14 ? lane : lane + 2));
    EXPECT_EQ(result(4), value(lane ^ 5));
    EXPECT_EQ(result(5), value(std::min(lane + 1, 31)));
    EXPECT_EQ(result(6), value(lane ^ 1));
  }
}

TEST_F(Functions, ReduceAWarp) {
  const auto in = some_ints(32);
  int* out = device_ints(std::vector<int>(kWarpResults * 32));
  ASSERT_EQ(try_warp(device_ints(in), out), cudaSuccess);
  const auto got = host_ints(out, kWarpResults * 32);
  using U = unsigned;
  const auto u = [](int x) { return static_cast<U>(x); };
  const auto bits = [&](auto f) {
    U sum = 0;
    for (std::size_t l = 0; l < 32; ++l) sum |= f(in[l]) ? 1U << l : 0U;
    return static_cast<int>(sum);
  };
  const int wanted[] = {
      bits([](int x) { return x > 0; }),
      1,
      0,
      0,
      static_cast<int>(reduced(in, [&](int a, int b) { return static_cast<int>(u(a) + u(b)); })),
      reduced(in, [](int a, int b) { return std::min(a, b); }),
      reduced(in, [](int a, int b) { return std::max(a, b); }),
      reduced(in, [&](int a, int b) { return static_cast<int>(std::min(u(a), u(b))); }),
      reduced(in, [&](int a, int b) { return static_cast<int>(std::max(u(a), u(b))); }),
      reduced(in, [](int a, int b) { return a & b; }) | 1,
      reduced(in, [](int a, int b) { return a | b; }) & 0xF0,
      reduced(in, [](int a, int b) { return a ^ b; }),
  };
  for (std::size_t lane = 0; lane < 32; ++lane)
    for (std::size_t r = 7; r < 19; ++r) {
      const int same = bits([&](int x) { return (x & 3) == (in[lane] & 3); });
      EXPECT_EQ(got[r * 32 + lane], r == 10 ? same : wanted[r - 7]) << "result " << r << " of lane " << lane;
    }
  for (std::size_t lane = 0; lane < 32; ++lane) {
    const U x = u(in[lane]);
    const int first = x == 0 ? 0 : std::countr_zero(x) + 1;
    EXPECT_EQ(got[19 * 32 + lane], std::popcount(x) + 100 * std::countl_zero(x) + 10000 * first);
  }
}

TEST_F(Functions, AtomicsOfAllTypes) {
  std::vector<int> in(320);
  std::iota(in.begin(), in.end(), -100);
  const AtomicResults zero{};
  AtomicResults* out = nullptr;
  cudaMalloc(&out, sizeof zero);
  cudaMemcpy(out, &zero, sizeof zero, cudaMemcpyHostToDevice);
  ASSERT_EQ(try_atomics(device_ints(in), 320, out), cudaSuccess);
  AtomicResults got{};
  ASSERT_EQ(cudaMemcpy(&got, out, sizeof got, cudaMemcpyDeviceToHost), cudaSuccess);
  const int sum = std::accumulate(in.begin(), in.end(), 0);
  EXPECT_EQ(got.sum, sum);
  EXPECT_EQ(got.most, 219);
  EXPECT_EQ(got.least, -100);
  EXPECT_EQ(got.bits, 0x7FFFFFFF);
  EXPECT_EQ(got.count, 320U);
  EXPECT_EQ(got.wide, 320ULL << 32);
  EXPECT_EQ(got.float_sum, static_cast<float>(sum));  // small integers: exact in any order
  EXPECT_EQ(got.double_sum, sum);
}

TEST_F(Functions, VotesAtBarriers) {
  int* out = device_ints({0, 0, 0, 0});
  ASSERT_EQ(try_votes(device_ints({1, 0, 3, 0, 5, 6, -1}), 7, out), cudaSuccess);
  EXPECT_EQ(host_ints(out, 4), (std::vector<int>{4, 1, 0, 1}));
  ASSERT_EQ(try_votes(device_ints({0, 0, 0}), 3, out), cudaSuccess);
  EXPECT_EQ(host_ints(out, 4), (std::vector<int>{0, 0, 0, 1}));
  ASSERT_EQ(try_votes(device_ints({2, 1}), 2, out), cudaSuccess);
  EXPECT_EQ(host_ints(out, 4), (std::vector<int>{2, 1, 1, 1}));
}

TEST_F(Functions, BlocksAndThreadsOfThreeAxes) {
  auto* n = reinterpret_cast<unsigned*>(device_ints({0, 0}));
  ASSERT_EQ(count_threads({2, 3, 5}, {4, 2, 3}, n), cudaSuccess);
  const int threads = 2 * 3 * 5 * 4 * 2 * 3;
  EXPECT_EQ(host_ints(reinterpret_cast<int*>(n), 2),
            (std::vector<int>{threads, threads * (threads - 1) / 2}));
}

TEST_F(Functions, LaunchesHaveTheDevicesLimits) {
  unsigned* n = reinterpret_cast<unsigned*>(device_ints({0, 0}));
  EXPECT_EQ(count_threads(1, 1025, n), cudaErrorInvalidConfiguration);
  EXPECT_EQ(count_threads(1, {8, 8, 17}, n), cudaErrorInvalidConfiguration);
  EXPECT_EQ(count_threads(1, {1, 1, 65}, n), cudaErrorInvalidConfiguration);
  EXPECT_EQ(count_threads({1, 65536}, 1, n), cudaErrorInvalidConfiguration);
  EXPECT_EQ(count_threads({0, 1}, 1, n), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration) << "told once";
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(count_threads(1, 1024, n), cudaSuccess);
}

TEST_F(Functions, SharedMemoryHasTheDevicesLimits) {
  EXPECT_EQ(use_shared(kPlainShared, false), cudaSuccess);
  EXPECT_EQ(use_shared(kPlainShared + 1, false), cudaErrorInvalidValue);
  EXPECT_EQ(use_shared(kMostShared, true), cudaSuccess);
  EXPECT_EQ(use_shared(kMostShared + 1, true), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace simt
