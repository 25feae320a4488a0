// Array: the owner of a block of memory, aligned to 64 bytes, move-only.
#pragma once
#include <limits>
#include <memory>
#include <new>

#include "kernels/base/view.hpp"

namespace tianyan {

/// Zeroed memory aligned to 64 bytes. Throws std::bad_alloc. Given back with the same size.
void* allocate_zeroed(std::int64_t bytes);
void free_zeroed(void* p, std::int64_t bytes);

/// A row-major array of trivially copyable elements, zeroed when made. Throws std::invalid_argument for
/// negative extents or a size that overflows, std::bad_alloc where memory is short.
template <class T, int Rank>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using Extents = typename View<T, Rank>::Extents;

  Array() = default;
  explicit Array(const Extents& shape) {
    const std::int64_t bytes = size_bytes_of(shape);
    if (bytes > 0) owner_ = Owner(static_cast<T*>(allocate_zeroed(bytes)), Free{bytes});
    view_ = View<T, Rank>(owner_.get(), shape);
  }

  View<T, Rank> view() { return view_; }
  View<const T, Rank> view() const { return view_; }
  View<const T, Rank> cview() const { return view_; }
  T* data() { return owner_.get(); }
  const T* data() const { return owner_.get(); }
  std::int64_t size() const { return view_.size(); }
  std::int64_t shape(int r) const { return view_.shape(r); }

  template <class... Index>
  T& operator()(Index... index) {
    return view_(index...);
  }
  template <class... Index>
  const T& operator()(Index... index) const {
    return view_(index...);
  }

  /// Bytes that an array of this shape takes, so that footprints are known before memory is.
  static std::int64_t size_bytes_of(const Extents& shape) {
    std::int64_t n = sizeof(T);
    for (auto s : shape) {
      expect(s >= 0, "an array cannot have {} elements along an axis", s);
      expect(s == 0 || n <= std::numeric_limits<std::int64_t>::max() / 2 / s,
             "array of this shape overflows");
      n *= s;
    }
    return n;
  }

 private:
  struct Free {
    std::int64_t bytes = 0;
    void operator()(T* p) const { free_zeroed(p, bytes); }
  };
  using Owner = std::unique_ptr<T, Free>;
  Owner owner_;
  View<T, Rank> view_;
};

}  // namespace tianyan
