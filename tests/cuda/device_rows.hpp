// Rows on a device as slices of a larger array are: they begin anywhere, and lie apart.
#pragma once
#include <cstring>

#include "tests/cuda/device_test.hpp"

namespace tianyan {

template <class T>
class DeviceRows {
 public:
  /// Of the output of a kernel.
  DeviceRows(std::int64_t n_row, std::int64_t n_column, const Stream& stream)
      : memory_({n_row, kLead + n_column + kGap}), n_column_(n_column) {
    if (memory_.size() > 0)
      fill_bytes(memory_.data(), memory_.size_bytes(), kMark, stream, SourcePlace::here());
  }
  /// Copies of the host's rows.
  DeviceRows(View<const T, 2> host, const Stream& stream) : DeviceRows(host.shape(0), host.shape(1), stream) {
    upload(host, view(), stream);
    stream.synchronise();
  }
  DeviceView<T, 2> view() const { return memory_.view().slice(1, kLead, kLead + n_column_); }
  DeviceView<const T, 2> cview() const { return view(); }

  /// The rows, once the stream has come so far; what is between them must be as it was.
  void to_host(View<T, 2> host, const Stream& stream) const {
    Array<T, 2> all({memory_.shape(0), memory_.shape(1)});
    download(memory_.cview(), all.view(), stream);
    stream.synchronise();
    T mark;
    std::memset(&mark, kMark, sizeof mark);
    for (std::int64_t r = 0; r < all.shape(0); ++r)
      for (std::int64_t i = 0; i < all.shape(1); ++i)
        if (i >= kLead && i < kLead + n_column_)
          host(r, i - kLead) = all(r, i);
        else
          EXPECT_EQ(all(r, i), mark) << "written beside row " << r;
  }

 private:
  static constexpr std::int64_t kLead = 3, kGap = 5;
  static constexpr int kMark = 0x5A;
  DeviceArray<T, 2> memory_;
  std::int64_t n_column_;
};

}  // namespace tianyan
