// View: a strided window on memory that somebody else owns. Kernels take and return nothing else.
#pragma once
#include <array>
#include <cstdint>
#include <type_traits>

#include "kernels/base/expect.hpp"

namespace tianyan {

/// `view(i, j)` is element [i][j]; the last index is the fastest. Strides count elements, not bytes.
template <class T, int Rank>
class View {
 public:
  using Extents = std::array<std::int64_t, Rank>;

  View() = default;
  View(T* data, const Extents& shape, const Extents& stride) : data_(data), shape_(shape), stride_(stride) {}
  /// Contiguous, row-major.
  View(T* data, const Extents& shape) : data_(data), shape_(shape) {
    std::int64_t step = 1;
    for (int r = Rank - 1; r >= 0; --r) {
      stride_[r] = step;
      step *= shape_[r];
    }
  }
  /// View<T> becomes View<const T> where it is asked for.
  operator View<const T, Rank>() const  // NOLINT(google-explicit-constructor)
      requires(!std::is_const_v<T>) {
    return {data_, shape_, stride_};
  }

  T* data() const { return data_; }
  std::int64_t shape(int r) const { return shape_[r]; }
  std::int64_t stride(int r) const { return stride_[r]; }
  const Extents& shape() const { return shape_; }
  std::int64_t size() const {
    std::int64_t n = 1;
    for (auto s : shape_) n *= s;
    return n;
  }

  template <class... Index>
  T& operator()(Index... index) const {
    static_assert(sizeof...(Index) == Rank);
    const Extents at{static_cast<std::int64_t>(index)...};
    std::int64_t offset = 0;
    for (int r = 0; r < Rank; ++r) offset += at[r] * stride_[r];
    return data_[offset];
  }

  /// The i-th sub-view along the first axis.
  View<T, Rank - 1> operator[](std::int64_t i) const requires(Rank > 1) {
    std::array<std::int64_t, Rank - 1> shape, stride;
    for (int r = 1; r < Rank; ++r) {
      shape[r - 1] = shape_[r];
      stride[r - 1] = stride_[r];
    }
    return {data_ + i * stride_[0], shape, stride};
  }
  T& operator[](std::int64_t i) const requires(Rank == 1) { return data_[i * stride_[0]]; }

  /// Elements [begin, end) along `axis`; throws std::invalid_argument outside the shape.
  View slice(int axis, std::int64_t begin, std::int64_t end) const {
    expect(0 <= begin && begin <= end && end <= shape_[axis], "slice [{}, {}) of axis {} with {} elements",
           begin, end, axis, shape_[axis]);
    View v = *this;
    v.data_ += begin * stride_[axis];
    v.shape_[axis] = end - begin;
    return v;
  }

  /// True where the last axis is contiguous: `&v(i, 0)` may be used as a plain row.
  bool rows_contiguous() const { return stride_[Rank - 1] == 1 || shape_[Rank - 1] <= 1; }

 private:
  T* data_ = nullptr;
  Extents shape_{}, stride_{};
};

}  // namespace tianyan
