// The runtime: streams and events, memory and copies, devices, and several threads of the host.
#include <array>
#include <cstdlib>
#include <thread>

#include "tests/simt/functions.hpp"

namespace simt {
namespace {

/// An environment variable, for as long as it lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

class Runtime : public Emulation {
 protected:
  void SetUp() override {
    Emulation::SetUp();
    cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
    cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
    cudaMallocHost(&pinned, 4 * sizeof(int));
    for (int i = 0; i < 4; ++i) pinned[i] = i;
  }
  void TearDown() override {
    cudaFreeHost(pinned);
    Emulation::TearDown();
  }
  static constexpr std::size_t kBytes = 4 * sizeof(int);
  cudaStream_t a = nullptr, b = nullptr;
  int* pinned = nullptr;
};
using Ints = std::vector<int>;

TEST_F(Runtime, DoesTheWorkOfAStreamInItsOrder) {
  int *x = device_ints({0, 0, 0, 0}), *y = device_ints({0, 0, 0, 0});
  cudaMemcpyAsync(x, pinned, kBytes, cudaMemcpyHostToDevice, a);
  start_increment(x, y, 4, a);
  start_increment(y, x, 4, a);
  cudaMemcpyAsync(pinned, x, kBytes, cudaMemcpyDeviceToHost, a);
  EXPECT_EQ(pinned[3], 3) << "nobody has waited";
  EXPECT_EQ(cudaStreamSynchronize(a), cudaSuccess);
  EXPECT_EQ(Ints(pinned, pinned + 4), (Ints{2, 3, 4, 5}));
}

TEST_F(Runtime, ShowsAStreamThatDoesNotWaitForAnother) {
  int *x = device_ints({-1, -1, -1, -1}), *y = device_ints({0, 0, 0, 0});
  cudaMemcpyAsync(x, pinned, kBytes, cudaMemcpyHostToDevice, a);
  start_increment(x, y, 4, b);
  cudaStreamSynchronize(b);
  EXPECT_EQ(host_ints(y, 4), (Ints{0, 0, 0, 0})) << "of the old values";
}

TEST_F(Runtime, HoldsAStreamBackUntilAnEvent) {
  int *x = device_ints({-1, -1, -1, -1}), *y = device_ints({0, 0, 0, 0});
  cudaEvent_t event = nullptr;
  cudaEventCreateWithFlags(&event, cudaEventDefault);
  cudaMemcpyAsync(x, pinned, kBytes, cudaMemcpyHostToDevice, a);
  cudaEventRecord(event, a);
  cudaStreamWaitEvent(b, event);
  cudaEventRecord(event, b);  // what was waited for stays what it was
  start_increment(x, y, 4, b);
  cudaStreamSynchronize(b);
  EXPECT_EQ(host_ints(y, 4), (Ints{1, 2, 3, 4}));
  cudaEventDestroy(event);
}

TEST_F(Runtime, ReadsPinnedMemoryLateAndOtherMemoryAtOnce) {
  int *x = device_ints({0, 0, 0, 0}), *y = device_ints({0, 0, 0, 0});
  Ints pageable{5, 6, 7, 8};
  cudaMemcpyAsync(x, pinned, kBytes, cudaMemcpyHostToDevice, a);
  cudaMemcpyAsync(y, pageable.data(), kBytes, cudaMemcpyHostToDevice, a);
  pinned[0] = 99;  // too early
  pageable[0] = 99;
  cudaStreamSynchronize(a);
  EXPECT_EQ(host_ints(x, 4), (Ints{99, 1, 2, 3}));
  EXPECT_EQ(host_ints(y, 4), (Ints{5, 6, 7, 8}));
}

TEST_F(Runtime, CopiesRowsInOneOperation) {
  int* x = device_ints(Ints(12, -1));
  const Ints rows{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(cudaMemcpy2DAsync(x + 1, 16, rows.data(), 8, 8, 3, cudaMemcpyHostToDevice, a), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(a), cudaErrorNotReady);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);
  EXPECT_EQ(cudaStreamQuery(a), cudaSuccess) << "who asks sees work go on, here all of it";
  EXPECT_EQ(host_ints(x, 12), (Ints{-1, 1, 2, -1, -1, 3, 4, -1, -1, 5, 6, -1}));
  Ints back(6);
  EXPECT_EQ(cudaMemcpy2DAsync(back.data(), 8, x + 1, 16, 8, 3, cudaMemcpyDeviceToHost, a), cudaSuccess);
  EXPECT_EQ(back, rows) << "to memory that is not pinned: done when the call returns";
  EXPECT_EQ(cudaMemset2DAsync(x + 2, 16, 0, 4, 3, a), cudaSuccess);
  cudaStreamSynchronize(a);
  EXPECT_EQ(host_ints(x, 12), (Ints{-1, 1, 0, -1, -1, 3, 0, -1, -1, 5, 0, -1}));
}

TEST_F(Runtime, RefusesCopiesBeyondAnEnd) {
  int* x = device_ints({0, 0, 0, 0});
  Ints host(8);
  const auto says = [&](auto call) {
    return said_by([&] { EXPECT_EQ(call(), cudaErrorInvalidValue); }).find("copy: ") != std::string::npos;
  };
  EXPECT_TRUE(says([&] { return cudaMemcpy(x, host.data(), 20, cudaMemcpyHostToDevice); }));
  EXPECT_TRUE(says([&] { return cudaMemcpy(host.data(), x + 1, 16, cudaMemcpyDeviceToHost); }));
  EXPECT_TRUE(says([&] { return cudaMemcpy(x, pinned + 1, 16, cudaMemcpyHostToDevice); })) << "of the host";
  EXPECT_TRUE(says([&] { return cudaMemcpy(host.data(), x, 16, cudaMemcpyHostToDevice); })) << "direction";
  EXPECT_TRUE(says([&] { return cudaMemcpy(x, x, 16, cudaMemcpyHostToDevice); }));
  EXPECT_TRUE(says([&] { return cudaMemcpy2DAsync(x, 8, host.data(), 4, 4, 3, cudaMemcpyHostToDevice, a); }));
  EXPECT_TRUE(says([&] { return cudaMemsetAsync(x, 0, 17, a); }));
  EXPECT_EQ(cudaMemcpy2DAsync(x, 8, host.data(), 4, 4, 2, cudaMemcpyHostToDevice, a), cudaSuccess);
  EXPECT_EQ(cudaMemcpy2DAsync(x, 4, host.data(), 8, 8, 1, cudaMemcpyHostToDevice, a), cudaErrorInvalidValue);
}

TEST_F(Runtime, RefusesToLaunchWithMemoryOfTheHost) {
  int* x = device_ints({0, 0, 0, 0});
  Ints host(4);
  const auto said = said_by([&] {
    EXPECT_EQ(start_increment(host.data(), x, 4, a), cudaErrorIllegalAddress);
    EXPECT_EQ(start_increment(x, pinned, 4, a), cudaErrorIllegalAddress);
  });
  EXPECT_NE(said.find("not memory of a device"), std::string::npos);
}

TEST_F(Runtime, KnowsWhatWasNeverWritten) {
  if (checker == nullptr) GTEST_SKIP() << "by the checker alone";
  int *x = nullptr, *y = nullptr;
  cudaMalloc(&x, kBytes);
  cudaMalloc(&y, kBytes);
  Ints host(4);
  cudaMemcpy(x, pinned, 3 * sizeof(int), cudaMemcpyHostToDevice);
  cudaMemcpy(y, x, kBytes, cudaMemcpyDeviceToDevice);
  EXPECT_EQ(cudaMemcpy(host.data(), y, 3 * sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
  start_increment(x, y, 3, nullptr);
  EXPECT_EQ(cudaMemcpy(host.data(), y, 3 * sizeof(int), cudaMemcpyDeviceToHost), cudaSuccess);
  const auto said = said_by(
      [&] { EXPECT_EQ(cudaMemcpy(host.data(), y, kBytes, cudaMemcpyDeviceToHost), cudaErrorLaunchFailure); });
  EXPECT_NE(said.find("nothing was written to byte 12 of row 0"), std::string::npos) << said;
}

TEST_F(Runtime, TimesEvents) {
  std::array<cudaEvent_t, 2> events{};
  for (auto& e : events) cudaEventCreate(&e);
  float milliseconds = 0.0F;
  EXPECT_EQ(cudaEventQuery(events[0]), cudaSuccess) << "never recorded";
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, events[0], events[1]), cudaErrorInvalidResourceHandle);
  int* x = device_ints({0, 0, 0, 0});
  cudaEventRecord(events[0], a);
  start_increment(x, x, 4, a);
  cudaEventRecord(events[1], a);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, events[0], events[1]), cudaErrorNotReady);
  int n_ask = 0;
  while (cudaEventQuery(events[1]) == cudaErrorNotReady) ++n_ask;
  EXPECT_EQ(n_ask, 3);
  cudaGetLastError();
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, events[0], events[1]), cudaSuccess);
  EXPECT_GT(milliseconds, 0.0F);
  for (auto* e : events) cudaEventDestroy(e);
}

TEST_F(Runtime, SaysWhyThereIsNoDevice) {
  int n = 7;
  {
    const Environment none("SIMT_DEVICES", "0");
    EXPECT_EQ(cudaGetDeviceCount(&n), cudaErrorNoDevice);
    EXPECT_EQ(n, 0);
    void* p = nullptr;
    EXPECT_EQ(cudaMalloc(&p, 4), cudaErrorNoDevice);
  }
  const Environment old("SIMT_DRIVER", "old");
  EXPECT_EQ(cudaGetDeviceCount(&n), cudaErrorInsufficientDriver);
  EXPECT_STREQ(cudaGetErrorString(cudaErrorInsufficientDriver),
               "CUDA driver version is insufficient for CUDA runtime version");
  EXPECT_STREQ(cudaGetErrorName(cudaErrorNoDevice), "cudaErrorNoDevice");
}

TEST_F(Runtime, MemoryOfADeviceEnds) {
  const Environment limit("SIMT_MEMORY_BYTES", "1000");
  std::size_t free = 0, total = 0;
  char *x = nullptr, *y = nullptr;
  EXPECT_EQ(cudaMalloc(&x, 600), cudaSuccess);
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(free, 400U);
  EXPECT_EQ(total, 1000U);
  EXPECT_EQ(cudaMalloc(&y, 401), cudaErrorMemoryAllocation);
  EXPECT_EQ(y, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&y, 400), cudaSuccess) << "the error does not stay";
  EXPECT_EQ(cudaFree(x), cudaSuccess);
  cudaMemGetInfo(&free, &total);
  EXPECT_EQ(free, 600U);
  EXPECT_EQ(cudaFree(x), cudaErrorInvalidDevicePointer);
  cudaDeviceProp properties{};
  cudaGetDeviceProperties(&properties, 0);
  EXPECT_EQ(properties.totalGlobalMem, 1000U);
}

TEST_F(Runtime, DevicesHaveMemoryAndStreamsOfTheirOwn) {
  const Environment two("SIMT_DEVICES", "2");
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
  int* first = device_ints({1, 2, 3, 4});
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  int* second = device_ints({5, 6, 7, 8});
  EXPECT_EQ(start_increment(second, second, 4, a), cudaErrorInvalidResourceHandle) << "of device 0";
  cudaStream_t c = nullptr;
  cudaStreamCreateWithFlags(&c, cudaStreamNonBlocking);
  EXPECT_EQ(start_increment(second, second, 4, c), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(c), cudaSuccess);
  EXPECT_EQ(host_ints(second, 4), (Ints{6, 7, 8, 9}));
  std::thread([&] {  // begins with device 0
    int device = -1;
    cudaGetDevice(&device);
    EXPECT_EQ(device, 0);
    EXPECT_EQ(start_increment(first, first, 4, a), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(a), cudaSuccess);
  })
      .join();
  if (checker != nullptr) {
    const auto said = said_by([&] {
      start_increment(first, second, 4, c);
      EXPECT_EQ(cudaStreamSynchronize(c), cudaErrorLaunchFailure);
    });
    EXPECT_NE(said.find("memory of another device"), std::string::npos) << said;
  }
  cudaDeviceReset();
  cudaSetDevice(0);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess) << "a device's errors are its own";
}

TEST_F(Runtime, ServesThreadsOfTheHostThatWorkAtOnce) {
  constexpr int kThreads = 4, kRounds = 30;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([i] {
      cudaStream_t stream = nullptr;
      cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
      int* x = device_ints(Ints(100, i));
      for (int r = 0; r < kRounds; ++r) {
        EXPECT_EQ(start_increment(x, x, 100, stream), cudaSuccess);
        if (r % 3 == 0) {
          EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
        }
      }
      cudaStreamSynchronize(stream);
      EXPECT_EQ(host_ints(x, 100), Ints(100, i + kRounds));
      cudaFree(x);
      cudaStreamDestroy(stream);
    });
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace simt
