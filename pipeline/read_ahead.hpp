// Reads the windows of a beam on a thread of its own, ahead of the search, through one bounded queue.
#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "io/source.hpp"
#include "kernels/base/sample_range.hpp"

namespace tianyan {

/// Blocks move: whoever holds one owns it. A full queue blocks the producer, which is the only backpressure.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}
  /// False when the consumer has gone: stop producing.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return items_.size() < capacity_ || closed_; });
    if (closed_) return false;
    items_.push_back(std::move(item));
    changed_.notify_all();
    return true;
  }
  /// Nothing when the producer has finished; throws what stopped it.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !items_.empty() || closed_; });
    if (items_.empty()) {
      if (failure_) std::rethrow_exception(failure_);
      return std::nullopt;
    }
    T item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return item;
  }
  void close(std::exception_ptr failure = nullptr) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (failure) failure_ = failure;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  std::size_t capacity_;
  bool closed_ = false;
  std::exception_ptr failure_;
};

/// Windows of n samples of a range of a source, from its begin on; the last one may be shorter.
class ReadAhead {
 public:
  static constexpr int kWindowsInFlight = 1;  ///< of two buffers, one is with the search or being read

  ReadAhead(Source& source, SampleRange range, std::int64_t window_samples)
      : source_(source),
        range_(range),
        window_(window_samples),
        filled_(kWindowsInFlight),
        empty_(kWindowsInFlight + 2) {
    for (int i = 0; i < kWindowsInFlight + 1; ++i) empty_.push(RawBlock{});
    thread_ = std::thread([this] { run(); });
  }
  ~ReadAhead() {
    filled_.close();
    empty_.close();
    thread_.join();
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  static std::int64_t footprint_bytes(std::int64_t window_samples, std::int64_t spectrum_bytes) {
    return (kWindowsInFlight + 1) * window_samples * spectrum_bytes;
  }

  std::optional<RawBlock> next() { return filled_.pop(); }
  /// Hands a buffer back to be filled again.
  void give_back(RawBlock block) { empty_.push(std::move(block)); }

 private:
  void run() {
    try {
      for (std::int64_t t = range_.begin; t < range_.end; t += window_) {
        auto block = empty_.pop();
        if (!block) return;
        source_.read(t, std::min(window_, range_.end - t), *block);
        if (!filled_.push(std::move(*block))) return;
      }
      filled_.close();
    } catch (...) {
      filled_.close(std::current_exception());
    }
  }

  Source& source_;
  SampleRange range_;
  std::int64_t window_;
  BoundedQueue<RawBlock> filled_, empty_;
  std::thread thread_;
};

}  // namespace tianyan
