// Streams and events: work is done where something waits for it, so that a wait that is missing shows.
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <memory>

#include "tests/simt/engine.hpp"

namespace simt {

/// A place in a stream's work.
struct Mark {
  CUstream_st* stream = nullptr;  ///< null: nothing was recorded
  bool is_reached = true;
  std::chrono::steady_clock::time_point time;
};
struct Operation {
  std::function<void()> work;       ///< or none
  std::shared_ptr<Mark> waits_for;  ///< or null
};

}  // namespace simt

struct CUstream_st {
  int device = 0;
  bool is_blocking = true;  ///< waits for the default stream, and the default stream for it
  std::deque<simt::Operation> queue;
};
struct CUevent_st {
  int device = 0;
  bool has_time = true;
  std::shared_ptr<simt::Mark> mark = std::make_shared<simt::Mark>();
};

namespace simt {

/// A thread of the host works on one device, and knows of its own last error; one lock serves all of them,
/// and a kernel runs under it.
class Entry {
 public:
  Entry();
  ~Entry();
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
};

int device_in_use();
/// cudaSuccess, or why nothing works: no device, or an error of the device in use that stays.
cudaError_t state_of_device();
/// Remembers the error for cudaGetLastError().
cudaError_t failed(cudaError_t error);
/// The device that runs fails from here on, as after a kernel's fault.
void break_device(int device, cudaError_t error);

/// The stream, or the default stream of the device in use; null where there is no such stream.
CUstream_st* find_stream(cudaStream_t stream);
void push(CUstream_st& stream, Operation operation);
void drain(CUstream_st& stream);
/// One operation; false where there was none.
bool step(CUstream_st& stream);
void drain_until(const Mark& mark);
void drain_device(int device);

}  // namespace simt
