// Recorded spectra on their way to a device: through pinned memory, so that copying on the host and the bus
// work at once.
#pragma once
#include "cuda/device.hpp"

namespace tianyan {

class PinnedUpload {
 public:
  PinnedUpload() = default;
  /// Of rows of at most row_bytes.
  PinnedUpload(std::int64_t row_bytes, int n_threads);
  /// Of pinned memory.
  static std::int64_t footprint_bytes(std::int64_t row_bytes);
  /// Contiguous rows. When it returns `from` has been read; `to` is complete in the stream's order.
  void operator()(View<const std::uint8_t, 2> from, DeviceView<std::uint8_t, 2> to, const Stream& stream);

 private:
  struct Piece {
    PinnedArray<std::uint8_t, 1> bytes;
    StreamEvent sent;
  };
  int n_threads_ = 1;
  std::vector<Piece> pieces_;
};

}  // namespace tianyan
