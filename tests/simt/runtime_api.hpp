// CUDA's functions for the host, as far as this project uses them.
#pragma once
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "tests/simt/device_language.hpp"

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidDevicePointer = 17,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchFailure = 719
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
struct CUstream_st;
struct CUevent_st;
using cudaStream_t = CUstream_st*;
using cudaEvent_t = CUevent_st*;
inline constexpr unsigned cudaStreamDefault = 0, cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaEventDefault = 0, cudaEventDisableTiming = 2;
struct cudaLaunchAttribute;
struct cudaLaunchConfig_t {
  dim3 gridDim{}, blockDim{};
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
  cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};
struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
  int warpSize, maxThreadsPerBlock, maxThreadsPerMultiProcessor, multiProcessorCount;
  int major, minor, l2CacheSize, pciBusID, pciDeviceID, pciDomainID;
};

const char* cudaGetErrorString(cudaError_t);
const char* cudaGetErrorName(cudaError_t);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
cudaError_t cudaRuntimeGetVersion(int*);
cudaError_t cudaDriverGetVersion(int*);
cudaError_t cudaGetDeviceCount(int*);
cudaError_t cudaSetDevice(int);
cudaError_t cudaGetDevice(int*);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp*, int);
cudaError_t cudaDeviceSynchronize();
/// Also forgets the errors that stay until then; streams and memory of the device are gone.
cudaError_t cudaDeviceReset();
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaMalloc(void**, std::size_t);
cudaError_t cudaFree(void*);
cudaError_t cudaMallocHost(void**, std::size_t);
cudaError_t cudaFreeHost(void*);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t, cudaMemcpyKind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t, cudaMemcpyKind, cudaStream_t = nullptr);
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t row, std::size_t n_row, cudaMemcpyKind, cudaStream_t = nullptr);
cudaError_t cudaMemsetAsync(void*, int, std::size_t, cudaStream_t = nullptr);
cudaError_t cudaMemset2DAsync(void*, std::size_t pitch, int, std::size_t row, std::size_t n_row,
                              cudaStream_t = nullptr);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaStreamQuery(cudaStream_t);
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventQuery(cudaEvent_t);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end);

inline cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, 0); }
inline cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
template <class T>
cudaError_t cudaMalloc(T** p, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(p), bytes);
}
template <class T>
cudaError_t cudaMallocHost(T** p, std::size_t bytes) {
  return cudaMallocHost(reinterpret_cast<void**>(p), bytes);
}

namespace simt {

/// A kernel's arguments; a std::tuple's accessors would be seen by the access checker.
template <class... T>
struct Arguments;
template <>
struct Arguments<> {
  template <class Kernel, class... Done>
  __attribute__((no_sanitize_thread)) void pass(Kernel kernel, const Done&... done) const {
    kernel(done...);
  }
};
template <class Head, class... Tail>
struct Arguments<Head, Tail...> {
  Head head;
  Arguments<Tail...> tail;
  template <class Kernel, class... Done>
  __attribute__((no_sanitize_thread)) void pass(Kernel kernel, const Done&... done) const {
    tail.pass(kernel, done..., head);
  }
};
inline Arguments<> pack() { return {}; }
template <class Head, class... Tail>
Arguments<Head, Tail...> pack(const Head& head, const Tail&... tail) {
  return {head, pack(tail...)};
}

/// A kernel with its arguments, as the engine calls it once a thread.
struct Job {
  void (*run)(const void* self) = nullptr;
  std::shared_ptr<const void> self;
  std::size_t bytes = 0;
};
template <class... Parameter>
struct Call {
  void (*kernel)(Parameter...);
  Arguments<std::remove_cv_t<Parameter>...> arguments;
  __attribute__((no_sanitize_thread)) static void run(const void* self) {
    const auto& call = *static_cast<const Call*>(self);
    call.arguments.pass(call.kernel);
  }
};

bool is_device_memory(const void* p);
/// False for a pointer to, or a view of, memory that is not the device's.
template <class T>
bool may_be_passed(const T& argument) {
  const void* p = nullptr;
  if constexpr (std::is_pointer_v<T>)
    p = argument;
  else if constexpr (requires { static_cast<const void*>(argument.data()); })
    p = argument.data();
  const bool within = p >= static_cast<const void*>(&argument) && p < static_cast<const void*>(&argument + 1);
  return p == nullptr || within || is_device_memory(p);  // a std::array is passed by value
}
cudaError_t refuse_host_pointer();
cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, Job job);
cudaError_t allow_dynamic_shared(const void* kernel, int bytes);

}  // namespace simt

template <class... Parameter, class... Argument>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameter...),
                               Argument&&... arguments) {
  static_assert(sizeof...(Parameter) == sizeof...(Argument));
  static_assert((std::is_trivially_copyable_v<Parameter> && ...), "arguments are copied to the device");
  using Call = simt::Call<Parameter...>;
  auto call = std::make_shared<const Call>(Call{
      kernel, simt::pack(static_cast<std::remove_cv_t<Parameter>>(std::forward<Argument>(arguments))...)});
  bool fine = true;
  call->arguments.pass([&](const auto&... a) { fine = (simt::may_be_passed(a) && ...); });
  if (!fine) return simt::refuse_host_pointer();
  return simt::launch(*config, reinterpret_cast<const void*>(kernel), {&Call::run, call, sizeof(Call)});
}
template <class... Parameter>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameter...), cudaFuncAttribute, int value) {
  return simt::allow_dynamic_shared(reinterpret_cast<const void*>(kernel), value);
}
