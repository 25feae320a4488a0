// Weights of channels over spans of time on a device (kernels/span_weights.hpp), one bit each.
#pragma once
#include "cuda/device.hpp"
#include "kernels/span_weights.hpp"

namespace tianyan {

/// What kernels read: channel c in span s, samples [begin[s], begin[s + 1]), is good where bit c % 32 of
/// bits[s][c / 32] is set.
struct DeviceWeights {
  DeviceView<const std::int64_t, 1> begin;
  DeviceView<const std::uint32_t, 2> bits;
  int n_chan = 0, n_span = 0;
  std::int64_t n_time = 0;

  __device__ bool is_good(int span, std::int64_t c) const {
    return (bits(span, c / 32) >> (c % 32) & 1) != 0;
  }
};

/// Room for the weights of a window on the device in use, whatever they are: in as many spans as samples.
class WeightsOnDevice {
 public:
  WeightsOnDevice() = default;
  WeightsOnDevice(int n_chan, std::int64_t window_samples);
  /// On the device, and as much in pinned memory.
  static std::int64_t footprint_bytes(int n_chan, std::int64_t window_samples);
  /// Throws std::invalid_argument for other channels, or more samples. Weights that were given before must
  /// have arrived: the stream has been waited for since.
  DeviceWeights upload(const SpanWeights& weights, const Stream& stream);

 private:
  PinnedArray<std::int64_t, 1> begin_;
  PinnedArray<std::uint32_t, 2> bits_;
  DeviceArray<std::int64_t, 1> device_begin_;
  DeviceArray<std::uint32_t, 2> device_bits_;
  int n_chan_ = 0;
};

}  // namespace tianyan
