// Streams and events: queues of work, the lock around them and the errors that stay.
#include "tests/simt/streams.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

#include "tests/simt/memory.hpp"

namespace simt {
namespace {

std::recursive_mutex& lock() {
  static auto& mutex = *new std::recursive_mutex;  // outlives whatever is destroyed at the end
  return mutex;
}
auto& streams = *new std::set<CUstream_st*>;
auto& default_streams = *new std::map<int, CUstream_st>;
auto& broken = *new std::map<int, cudaError_t>;  // devices, and what they answer
thread_local int current_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

CUstream_st& default_stream(int device) {
  auto& stream = default_streams[device];
  stream.device = device;
  return stream;
}

void drain_blocking(int device) {
  for (auto* s : streams)
    if (s->device == device && s->is_blocking) drain(*s);
}

bool exists(const CUstream_st& stream) {
  return &stream == &default_stream(stream.device) || streams.count(const_cast<CUstream_st*>(&stream)) > 0;
}

/// How many devices there are, or why there are none: SIMT_DEVICES (1 where it is not set), SIMT_DRIVER=old.
cudaError_t count_devices(int& n) {
  n = 0;
  const char* driver = std::getenv("SIMT_DRIVER");
  if (driver != nullptr && std::strcmp(driver, "old") == 0) return cudaErrorInsufficientDriver;
  const char* text = std::getenv("SIMT_DEVICES");
  n = text != nullptr && *text != '\0' ? std::atoi(text) : 1;
  return n > 0 ? cudaSuccess : cudaErrorNoDevice;
}

}  // namespace

Entry::Entry() { lock().lock(); }
Entry::~Entry() { lock().unlock(); }

int device_in_use() { return current_device; }

cudaError_t state_of_device() {
  int n = 0;
  if (const auto e = count_devices(n); e != cudaSuccess) return failed(e);
  const auto found = broken.find(current_device);
  return found == broken.end() ? cudaSuccess : found->second;
}

cudaError_t failed(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

void break_device(int device, cudaError_t error) { broken.try_emplace(device, error); }

CUstream_st* find_stream(cudaStream_t stream) {
  if (stream == nullptr) return &default_stream(current_device);
  return streams.count(stream) > 0 ? stream : nullptr;
}

void push(CUstream_st& stream, Operation operation) {
  CUstream_st& main = default_stream(stream.device);
  if (&stream == &main)
    drain_blocking(stream.device);
  else if (stream.is_blocking)
    drain(main);
  stream.queue.push_back(std::move(operation));
  if (!options().lazy_streams) drain(stream);
}

bool step(CUstream_st& stream) {
  if (stream.queue.empty()) return false;
  const auto operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  const Access access;
  if (operation.waits_for != nullptr) drain_until(*operation.waits_for);
  if (operation.work && broken.count(stream.device) == 0) operation.work();
  return true;
}

void drain(CUstream_st& stream) {
  if (stream.queue.empty()) return;
  const Access access;
  while (step(stream)) {
  }
}

void drain_until(const Mark& mark) {
  if (mark.is_reached || !exists(*mark.stream)) return;
  const Access access;
  while (!mark.is_reached && step(*mark.stream)) {
  }
}

void drain_device(int device) {
  drain(default_stream(device));
  for (auto* s : streams)
    if (s->device == device) drain(*s);
}

}  // namespace simt

using namespace simt;

cudaError_t cudaPeekAtLastError() {
  const Entry entry;
  const auto found = broken.find(current_device);
  return found != broken.end() ? found->second : last_error;
}
cudaError_t cudaGetLastError() {
  const auto error = cudaPeekAtLastError();
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaGetDeviceCount(int* n) {
  const Entry entry;
  return failed(count_devices(*n));
}
cudaError_t cudaSetDevice(int device) {
  const Entry entry;
  int n = 0;
  if (const auto e = count_devices(n); e != cudaSuccess) return failed(e);
  if (device < 0 || device >= n) return failed(cudaErrorInvalidDevice);
  current_device = device;
  return state_of_device();
}
cudaError_t cudaGetDevice(int* device) {
  const Entry entry;
  *device = current_device;
  int n = 0;
  return failed(count_devices(n));
}
cudaError_t cudaDeviceSynchronize() {
  const Entry entry;
  drain_device(current_device);
  return state_of_device();
}
cudaError_t cudaDeviceReset() {
  const Entry entry;
  default_stream(current_device).queue.clear();
  std::erase_if(streams, [](CUstream_st* s) {
    const bool is_ours = s->device == current_device;
    if (is_ours) delete s;
    return is_ours;
  });
  release_all(current_device);
  broken.erase(current_device);
  last_error = cudaSuccess;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Entry entry;
  if (const auto e = state_of_device(); e != cudaSuccess) return e;
  *stream = new CUstream_st{current_device, (flags & cudaStreamNonBlocking) == 0, {}};
  streams.insert(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Entry entry;
  if (streams.count(stream) == 0) return failed(cudaErrorInvalidResourceHandle);
  drain(*stream);
  streams.erase(stream);
  delete stream;
  return state_of_device();
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Entry entry;
  CUstream_st* s = find_stream(stream);
  if (s == nullptr) return failed(cudaErrorInvalidResourceHandle);
  if (stream == nullptr) drain_blocking(current_device);
  drain(*s);
  return state_of_device();
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const Entry entry;
  CUstream_st* s = find_stream(stream);
  if (s == nullptr) return failed(cudaErrorInvalidResourceHandle);
  // Who asks again and again sees work go on.
  if (step(*s)) return failed(cudaErrorNotReady);
  return state_of_device();
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Entry entry;
  CUstream_st* s = find_stream(stream);
  if (s == nullptr || event == nullptr) return failed(cudaErrorInvalidResourceHandle);
  push(*s, {nullptr, event->mark});
  return state_of_device();
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  const Entry entry;
  if (const auto e = state_of_device(); e != cudaSuccess) return e;
  *event = new CUevent_st{current_device, (flags & cudaEventDisableTiming) == 0};
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Entry entry;
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Entry entry;
  CUstream_st* s = find_stream(stream);
  if (s == nullptr || event == nullptr || s->device != event->device)
    return failed(cudaErrorInvalidResourceHandle);
  event->mark = std::make_shared<Mark>(Mark{s, false, {}});
  push(*s, {[mark = event->mark] {
              mark->is_reached = true;
              mark->time = std::chrono::steady_clock::now();
            },
            nullptr});
  return state_of_device();
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Entry entry;
  drain_until(*event->mark);
  return state_of_device();
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Entry entry;
  if (!event->mark->is_reached) {
    if (exists(*event->mark->stream)) step(*event->mark->stream);
    return failed(cudaErrorNotReady);
  }
  return state_of_device();
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  const Entry entry;
  for (const auto* e : {begin, end}) {
    if (e->mark->stream == nullptr || !e->has_time) return failed(cudaErrorInvalidResourceHandle);
    if (!e->mark->is_reached) return failed(cudaErrorNotReady);
  }
  const std::chrono::duration<float, std::milli> between = end->mark->time - begin->mark->time;
  *milliseconds = std::max(between.count(), 1e-3F);
  return state_of_device();
}
