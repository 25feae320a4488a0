// The emulated runtime: properties of devices, memory, copies and launches.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "tests/simt/memory.hpp"
#include "tests/simt/streams.hpp"

namespace simt {
namespace {

auto& allowed_shared = *new std::map<const void*, int>;  // by kernel

/// Bytes of a device: SIMT_MEMORY_BYTES, or 4 GiB.
std::size_t memory_bytes() {
  const char* text = std::getenv("SIMT_MEMORY_BYTES");
  return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : std::size_t{4} << 30;
}

/// Rows of bytes, from one pitch to another.
struct Copy {
  char* to;
  std::size_t to_pitch;
  const char* from;
  std::size_t from_pitch, row, n_row;

  std::size_t to_bytes() const { return (n_row - 1) * to_pitch + row; }
  std::size_t from_bytes() const { return (n_row - 1) * from_pitch + row; }
};

bool is_device(const Allocation* a) { return a != nullptr && a->device != kPinned; }

/// Whether all of the bytes are the device's, or all are not: what a direction says of one end of a copy.
cudaError_t check_end(const char* which, const char* p, std::size_t bytes, bool should_be_device) {
  const Allocation* begin = find_allocation(p, 1);
  if (is_device(begin) != should_be_device) {
    report("copy: %s is %s memory of the device", which, should_be_device ? "not" : "unexpectedly");
    return cudaErrorInvalidValue;
  }
  if (begin == nullptr || find_allocation(p, bytes) != nullptr) return cudaSuccess;
  report("copy: %s has not the %zu bytes, but %td", which, bytes, begin->data + begin->bytes - p);
  return cudaErrorInvalidValue;
}

cudaError_t check_copy(const Copy& copy, cudaMemcpyKind kind) {
  if (copy.row > copy.to_pitch || copy.row > copy.from_pitch) return cudaErrorInvalidValue;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (const auto e = check_end("the destination", copy.to, copy.to_bytes(), to_device); e != cudaSuccess)
    return e;
  return check_end("the source", copy.from, copy.from_bytes(), from_device);
}

void copy_rows(const Copy& copy, cudaMemcpyKind kind, int device) {
  for (std::size_t r = 0; r < copy.n_row; ++r) {
    char* to = copy.to + r * copy.to_pitch;
    const char* from = copy.from + r * copy.from_pitch;
    std::memcpy(to, from, copy.row);
    if (checker == nullptr) continue;
    if (kind == cudaMemcpyHostToDevice) checker->written(to, copy.row);
    if (kind == cudaMemcpyDeviceToDevice) checker->copied(to, from, copy.row);
    if (kind != cudaMemcpyDeviceToHost) continue;
    const auto first = checker->first_unwritten(from, copy.row);
    if (first == copy.row) continue;
    report("copy to the host: nothing was written to byte %zu of row %zu of %zu, of %zu bytes", first, r,
           copy.n_row, copy.row);
    break_device(device, cudaErrorLaunchFailure);
    return;
  }
}

cudaMemcpyKind direction(const Copy& copy) {
  const bool to = is_device(find_allocation(copy.to, 1)), from = is_device(find_allocation(copy.from, 1));
  if (to) return from ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice;
  return from ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost;
}

cudaError_t enqueue_copy(Copy copy, cudaMemcpyKind kind, cudaStream_t handle) {
  if (const auto e = state_of_device(); e != cudaSuccess) return e;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
  if (copy.row == 0 || copy.n_row == 0) return cudaSuccess;
  if (kind == cudaMemcpyDefault) kind = direction(copy);
  if (const auto e = check_copy(copy, kind); e != cudaSuccess) return failed(e);
  const int device = stream->device;
  const bool from_pageable = find_allocation(copy.from, 1) == nullptr;
  const bool to_pageable = find_allocation(copy.to, 1) == nullptr;
  if (from_pageable && !to_pageable) {  // is read before the call returns; pinned memory is read later
    auto stage = std::make_shared<std::vector<char>>(copy.from, copy.from + copy.from_bytes());
    copy.from = stage->data();
    push(*stream, {[=] {
                     copy_rows(copy, kind, device);
                     static_cast<void>(stage);
                   },
                   nullptr});
  } else {
    push(*stream, {[=] { copy_rows(copy, kind, device); }, nullptr});
  }
  if (to_pageable) drain(*stream);  // is written before the call returns
  return state_of_device();
}

cudaError_t enqueue_fill(void* to, std::size_t pitch, int value, std::size_t row, std::size_t n_row,
                         cudaStream_t handle) {
  if (const auto e = state_of_device(); e != cudaSuccess) return e;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
  if (row == 0 || n_row == 0) return cudaSuccess;
  auto* begin = static_cast<char*>(to);
  if (row > pitch) return failed(cudaErrorInvalidValue);
  if (const auto e = check_end("what is filled", begin, (n_row - 1) * pitch + row, true); e != cudaSuccess)
    return failed(e);
  push(*stream, {[=] {
                   for (std::size_t r = 0; r < n_row; ++r) {
                     std::memset(begin + r * pitch, value, row);
                     if (checker != nullptr) checker->written(begin + r * pitch, row);
                   }
                 },
                 nullptr});
  return state_of_device();
}

std::size_t shared_limit(const void* kernel) {
  const auto found = allowed_shared.find(kernel);
  return found == allowed_shared.end() ? kPlainShared : static_cast<std::size_t>(found->second);
}

/// Of compute capability 8.0.
bool is_possible(const cudaLaunchConfig_t& c) {
  const auto &b = c.blockDim, &g = c.gridDim;
  const auto threads = std::uint64_t{b.x} * b.y * b.z;
  return threads >= 1 && threads <= kMaxThreads && b.z <= 64 && g.x >= 1 && g.y >= 1 && g.z >= 1 &&
         g.x <= 0x7FFFFFFFU && g.y <= 65535 && g.z <= 65535;
}

void run_kernel(const cudaLaunchConfig_t& config, const Job& job, std::size_t limit, int device) {
  if (!run_grid(config, job, limit, device)) break_device(device, cudaErrorLaunchFailure);
  const auto damage = describe_damage(device);
  if (damage.empty()) return;
  report("out of bounds: a kernel wrote %s", damage.c_str());
  break_device(device, cudaErrorIllegalAddress);
}

}  // namespace

bool is_device_memory(const void* p) {
  const Entry entry;
  return is_device(find_allocation(p, 0));
}

cudaError_t refuse_host_pointer() {
  const Entry entry;
  report("a kernel was given a pointer that is not memory of a device");
  return failed(cudaErrorIllegalAddress);
}

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, Job job) {
  const Entry entry;
  if (const auto e = state_of_device(); e != cudaSuccess) return e;
  CUstream_st* stream = find_stream(config.stream);
  if (stream == nullptr || stream->device != device_in_use()) return failed(cudaErrorInvalidResourceHandle);
  if (!is_possible(config)) return failed(cudaErrorInvalidConfiguration);
  const auto limit = shared_limit(kernel);
  if (config.dynamicSmemBytes > limit) return failed(cudaErrorInvalidValue);
  const int device = stream->device;
  push(*stream, {[=] { run_kernel(config, job, limit, device); }, nullptr});
  return state_of_device();
}

cudaError_t allow_dynamic_shared(const void* kernel, int bytes) {
  const Entry entry;
  if (const auto e = state_of_device(); e != cudaSuccess) return e;
  if (bytes < 0 || static_cast<std::size_t>(bytes) > kMostShared) return failed(cudaErrorInvalidValue);
  allowed_shared[kernel] = bytes;
  return cudaSuccess;
}

}  // namespace simt

using namespace simt;

namespace {

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};
#define ERROR_TEXT(error, text) \
  { error, #error, text }
constexpr ErrorText kErrors[] = {
    ERROR_TEXT(cudaSuccess, "no error"),
    ERROR_TEXT(cudaErrorInvalidValue, "invalid argument"),
    ERROR_TEXT(cudaErrorMemoryAllocation, "out of memory"),
    ERROR_TEXT(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    ERROR_TEXT(cudaErrorInvalidDevicePointer, "invalid device pointer"),
    ERROR_TEXT(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    ERROR_TEXT(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    ERROR_TEXT(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    ERROR_TEXT(cudaErrorInvalidDevice, "invalid device ordinal"),
    ERROR_TEXT(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    ERROR_TEXT(cudaErrorNotReady, "device not ready"),
    ERROR_TEXT(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    ERROR_TEXT(cudaErrorLaunchFailure, "unspecified launch failure"),
};
#undef ERROR_TEXT

ErrorText text_of(cudaError_t error) {
  for (const auto& e : kErrors)
    if (e.error == error) return e;
  return {error, "unrecognized error code", "unrecognized error code"};
}

cudaError_t allocate_checked(void** out, std::size_t bytes, int device) {
  if (const auto e = state_of_device(); e != cudaSuccess) return e;
  if (out == nullptr) return failed(cudaErrorInvalidValue);
  *out = nullptr;
  if (bytes == 0) return cudaSuccess;
  const bool fits =
      device == kPinned || bytes <= memory_bytes() - std::min(memory_bytes(), used_bytes(device));
  *out = fits ? allocate(bytes, device) : nullptr;
  return *out != nullptr ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}

cudaError_t release_checked(void* p, bool is_pinned) {
  if (p == nullptr) return cudaSuccess;
  const Allocation* a = find_allocation(p, 0);
  drain_device(is_device(a) ? a->device : device_in_use());
  if (!release(p, is_pinned))
    return failed(is_pinned ? cudaErrorInvalidValue : cudaErrorInvalidDevicePointer);
  return state_of_device();
}

}  // namespace

const char* cudaGetErrorName(cudaError_t error) { return text_of(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return text_of(error).text; }

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  const Entry entry;
  int n = 0;
  if (const auto e = cudaGetDeviceCount(&n); e != cudaSuccess) return e;
  if (device < 0 || device >= n) return failed(cudaErrorInvalidDevice);
  *p = {};
  std::snprintf(p->name, sizeof p->name, "emulation on the host, limits of sm_80");
  p->totalGlobalMem = memory_bytes();
  p->sharedMemPerBlock = kPlainShared;
  p->sharedMemPerBlockOptin = kMostShared;
  p->sharedMemPerMultiprocessor = kMostShared + 1024;
  p->warpSize = kWarpSize;
  p->maxThreadsPerBlock = kMaxThreads;
  p->maxThreadsPerMultiProcessor = 2048;
  p->multiProcessorCount = 4;
  p->major = 8;
  p->l2CacheSize = 1 << 20;
  p->pciBusID = device + 1;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Entry entry;
  if (const auto e = state_of_device(); e != cudaSuccess) return e;
  *total = memory_bytes();
  *free = *total - std::min(*total, used_bytes(device_in_use()));
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  const Entry entry;
  return allocate_checked(p, bytes, device_in_use());
}
cudaError_t cudaFree(void* p) {
  const Entry entry;
  return release_checked(p, false);
}
cudaError_t cudaMallocHost(void** p, std::size_t bytes) {
  const Entry entry;
  return allocate_checked(p, bytes, kPinned);
}
cudaError_t cudaFreeHost(void* p) {
  const Entry entry;
  return release_checked(p, true);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t row, std::size_t n_row, cudaMemcpyKind kind, cudaStream_t stream) {
  const Entry entry;
  return enqueue_copy(
      {static_cast<char*>(to), to_pitch, static_cast<const char*>(from), from_pitch, row, n_row}, kind,
      stream);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return cudaMemcpy2DAsync(to, bytes, from, bytes, bytes, 1, kind, stream);
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const Entry entry;
  if (const auto e = cudaMemcpyAsync(to, from, bytes, kind, nullptr); e != cudaSuccess) return e;
  return cudaStreamSynchronize(nullptr);
}
cudaError_t cudaMemset2DAsync(void* to, std::size_t pitch, int value, std::size_t row, std::size_t n_row,
                              cudaStream_t stream) {
  const Entry entry;
  return enqueue_fill(to, pitch, value, row, n_row, stream);
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  return cudaMemset2DAsync(to, bytes, value, bytes, 1, stream);
}
