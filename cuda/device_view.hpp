// DeviceView: a View on memory of a device. No other type takes one, so that host and device memory are never
// mixed up.
#pragma once
#include <cuda_runtime.h>

#include "kernels/base/view.hpp"

namespace tianyan {

/// As View, for kernels: `view(i, j)` is element [i][j], strides count elements. The host may slice it, not
/// read it.
template <class T, int Rank>
class DeviceView {
 public:
  using Extents = std::array<std::int64_t, Rank>;

  DeviceView() = default;
  explicit DeviceView(const View<T, Rank>& on_device) : data_(on_device.data()) {
    for (int r = 0; r < Rank; ++r) {
      shape_[r] = on_device.shape(r);
      stride_[r] = on_device.stride(r);
    }
  }
  /// DeviceView<T> becomes DeviceView<const T> where it is asked for.
  operator DeviceView<const T, Rank>() const  // NOLINT(google-explicit-constructor)
      requires(!std::is_const_v<T>) {
    return DeviceView<const T, Rank>(as_view());
  }

  __host__ __device__ T* data() const { return data_; }
  __host__ __device__ std::int64_t shape(int r) const { return shape_[r]; }
  __host__ __device__ std::int64_t stride(int r) const { return stride_[r]; }

  template <class... Index>
  __device__ T& operator()(Index... index) const {
    static_assert(sizeof...(Index) == Rank);
    const std::int64_t at[] = {static_cast<std::int64_t>(index)...};
    std::int64_t offset = 0;
    for (int r = 0; r < Rank; ++r) offset += at[r] * stride_[r];
    return data_[offset];
  }

  std::int64_t size() const { return as_view().size(); }
  bool rows_contiguous() const { return as_view().rows_contiguous(); }
  /// Elements [begin, end) along `axis`; throws std::invalid_argument outside the shape.
  DeviceView slice(int axis, std::int64_t begin, std::int64_t end) const {
    return DeviceView(as_view().slice(axis, begin, end));
  }
  /// The i-th sub-view along the first axis.
  DeviceView<T, Rank - 1> operator[](std::int64_t i) const requires(Rank > 1) {
    return DeviceView<T, Rank - 1>(as_view()[i]);
  }

 private:
  View<T, Rank> as_view() const {
    Extents shape, stride;
    for (int r = 0; r < Rank; ++r) {
      shape[r] = shape_[r];
      stride[r] = stride_[r];
    }
    return {data_, shape, stride};
  }

  T* data_ = nullptr;
  std::int64_t shape_[Rank] = {}, stride_[Rank] = {};
};

}  // namespace tianyan
