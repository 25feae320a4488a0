// Calls of the CUDA runtime, checked.
#include "cuda/device.hpp"

#include <cstring>
#include <stdexcept>

#include "kernels/base/division.hpp"

namespace tianyan {
namespace {

DeviceInfo info_of(int index) {
  cudaDeviceProp p{};
  check_cuda(cudaGetDeviceProperties(&p, index), fmt::format("device {}", index));
  DeviceInfo info;
  info.index = index;
  info.name = p.name;
  info.major = p.major;
  info.minor = p.minor;
  info.n_multiprocessor = p.multiProcessorCount;
  info.memory_bytes = static_cast<std::int64_t>(p.totalGlobalMem);
  info.shared_bytes = static_cast<std::int64_t>(p.sharedMemPerBlockOptin);
  info.l2_bytes = p.l2CacheSize;
  return info;
}

}  // namespace

// From the folder of the source on.
std::string place_text(const SourcePlace& place) {
  const std::string path = place.file;
  const auto name = path.rfind('/');
  const auto folder = name == std::string::npos || name == 0 ? name : path.rfind('/', name - 1);
  return fmt::format("{}:{}", folder == std::string::npos ? path : path.substr(folder + 1), place.line);
}

void check_cuda(cudaError_t status, const std::string& what, const SourcePlace& place) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(fmt::format("{}: {}: {}", place_text(place), what, cudaGetErrorString(status)));
}

FoundDevices find_devices() {
  FoundDevices found;
  int n = 0;
  if (const auto status = cudaGetDeviceCount(&n); status != cudaSuccess) {
    cudaGetLastError();  // it is told, and does not stay for the next call
    found.why_none = cudaGetErrorString(status);
    return found;
  }
  for (int i = 0; i < n; ++i) found.devices.push_back(info_of(i));
  if (n == 0) found.why_none = "no CUDA device is there";
  return found;
}

DeviceInfo device_in_use() {
  int index = 0;
  check_cuda(cudaGetDevice(&index), "the device in use");
  DeviceInfo info = info_of(index);
  std::size_t free = 0, total = 0;
  check_cuda(cudaMemGetInfo(&free, &total), fmt::format("memory of device {}", index));
  info.free_bytes = static_cast<std::int64_t>(free);
  return info;
}

void use_device(int index) { check_cuda(cudaSetDevice(index), fmt::format("use of device {}", index)); }

void* allocate_device(std::int64_t bytes, const SourcePlace& place) {
  void* p = nullptr;
  check_cuda(cudaMalloc(&p, static_cast<std::size_t>(bytes)), fmt::format("{} bytes of device memory", bytes),
             place);
  return p;
}
void free_device(void* p) noexcept { cudaFree(p); }

void* allocate_pinned(std::int64_t bytes, const SourcePlace& place) {
  void* p = nullptr;
  check_cuda(cudaMallocHost(&p, static_cast<std::size_t>(bytes)),
             fmt::format("{} bytes of pinned memory", bytes), place);
  std::memset(p, 0, static_cast<std::size_t>(bytes));
  return p;
}
void free_pinned(void* p) noexcept { cudaFreeHost(p); }

Stream::Stream(const SourcePlace& place) {
  cudaStream_t s = nullptr;
  check_cuda(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), "a stream", place);
  owner_.reset(s);
}
void Stream::synchronise(const SourcePlace& place) const {
  check_cuda(cudaStreamSynchronize(get()), "work of a stream", place);
}

StreamEvent::StreamEvent(const SourcePlace& place) {
  cudaEvent_t e = nullptr;
  check_cuda(cudaEventCreateWithFlags(&e, cudaEventDefault), "an event", place);
  owner_.reset(e);
}
void StreamEvent::record(const Stream& stream, const SourcePlace& place) {
  check_cuda(cudaEventRecord(owner_.get(), stream.get()), "an event's record", place);
}
void StreamEvent::hold_back(const Stream& stream, const SourcePlace& place) const {
  check_cuda(cudaStreamWaitEvent(stream.get(), owner_.get(), 0), "a stream's wait for an event", place);
}
void StreamEvent::synchronise(const SourcePlace& place) const {
  check_cuda(cudaEventSynchronize(owner_.get()), "work before an event", place);
}
double StreamEvent::seconds_since(const StreamEvent& begin, const SourcePlace& place) const {
  float milliseconds = 0.0F;
  check_cuda(cudaEventElapsedTime(&milliseconds, begin.owner_.get(), owner_.get()),
             "the time between two events", place);
  return 1e-3 * static_cast<double>(milliseconds);
}

void copy_rows(const void* from, void* to, const CopyShape& shape, cudaMemcpyKind kind, const Stream& stream,
               const SourcePlace& place) {
  if (shape.row_bytes == 0 || shape.n_row == 0) return;
  const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
  check_cuda(cudaMemcpy2DAsync(to, size(shape.to_pitch_bytes), from, size(shape.from_pitch_bytes),
                               size(shape.row_bytes), size(shape.n_row), kind, stream.get()),
             fmt::format("a copy of {} x {} bytes", shape.n_row, shape.row_bytes), place);
}

void fill_bytes(void* to, std::int64_t bytes, int value, const Stream& stream, const SourcePlace& place) {
  check_cuda(cudaMemsetAsync(to, value, static_cast<std::size_t>(bytes), stream.get()),
             fmt::format("filling {} bytes", bytes), place);
}

void fill_rows(void* to, const CopyShape& shape, int value, const Stream& stream, const SourcePlace& place) {
  if (shape.row_bytes == 0 || shape.n_row == 0) return;
  check_cuda(cudaMemset2DAsync(to, static_cast<std::size_t>(shape.to_pitch_bytes), value,
                               static_cast<std::size_t>(shape.row_bytes),
                               static_cast<std::size_t>(shape.n_row), stream.get()),
             fmt::format("filling {} x {} bytes", shape.n_row, shape.row_bytes), place);
}

std::string launch_text(const Launch& launch) {
  return fmt::format("a launch of {} x {} x {} blocks of {} x {} x {} threads with {} bytes of shared memory",
                     launch.grid.x, launch.grid.y, launch.grid.z, launch.block.x, launch.block.y,
                     launch.block.z, launch.shared_bytes);
}

unsigned n_block(std::int64_t n, std::int64_t per_block) {
  const auto blocks = ceil_div(n, per_block);
  expect(n >= 0 && blocks <= 0x7FFFFFFF, "a grid of {} blocks; at most {} are possible", blocks, 0x7FFFFFFF);
  return static_cast<unsigned>(blocks);
}

}  // namespace tianyan
