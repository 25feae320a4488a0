// Many one-dimensional Fourier transforms at once on a device, by cuFFT, in single precision. Signs and
// scales are those of kernels/fft.hpp.
#pragma once
#include <cufft.h>

#include <complex>

#include "cuda/device.hpp"
#include "kernels/fft.hpp"

namespace tianyan {

/// The same memory as rows of another type: floats as complex numbers, or those as the pairs that code for
/// devices reads. Throws std::invalid_argument where rows are not contiguous or not of whole elements.
template <class To, class From, int Rank>
DeviceView<To, Rank> rows_as(const DeviceView<From, Rank>& view) {
  static_assert(std::is_const_v<To> || !std::is_const_v<From>);
  expect(view.rows_contiguous(), "rows with a stride of {} as rows of another type", view.stride(Rank - 1));
  typename DeviceView<To, Rank>::Extents shape, stride;
  const auto whole = [](std::int64_t n) {
    const auto bytes = n * static_cast<std::int64_t>(sizeof(From)), size = std::int64_t{sizeof(To)};
    expect(bytes % size == 0, "{} bytes as elements of {}", bytes, size);
    return bytes / size;
  };
  for (int r = 0; r < Rank; ++r) {
    shape[r] = r < Rank - 1 ? view.shape(r) : whole(view.shape(r));
    stride[r] = r < Rank - 1 ? whole(view.stride(r)) : 1;
  }
  return DeviceView<To, Rank>(View<To, Rank>(reinterpret_cast<To*>(view.data()), shape, stride));
}

/// Rows of transforms: how many, and how far apart they begin, in elements.
struct FftRows {
  std::int64_t n_row = 1, in_pitch = 0, out_pitch = 0;
};

/// A plan and its work area, on the device in use. One stream at a time runs it.
class DeviceFft {
 public:
  /// A pitch of 0: rows follow each other. Throws std::invalid_argument unless 1 <= n <= 2^30, there is a row
  /// and both sides have fewer than 2^31 elements; std::runtime_error where cuFFT has no plan.
  DeviceFft(FftKind kind, std::int64_t n, const FftRows& rows,
            const SourcePlace& place = SourcePlace::here());

  std::int64_t n() const { return n_; }
  std::int64_t n_row() const { return rows_.n_row; }
  /// in [row][n], out [row][n / 2 + 1] of kRealForward, [row][n] of the other kinds, with the plan's pitches.
  /// `in` is kept; of the other kinds it may be `out` itself. The same input gives the same bits.
  void run(DeviceView<const float, 2> in, DeviceView<std::complex<float>, 2> out, const Stream& stream,
           const SourcePlace& place = SourcePlace::here()) const;
  void run(DeviceView<const std::complex<float>, 2> in, DeviceView<std::complex<float>, 2> out,
           const Stream& stream, const SourcePlace& place = SourcePlace::here()) const;

 private:
  struct Handle {
    static constexpr cufftHandle kNone = -1;
    cufftHandle value = kNone;
    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle();
  };
  template <class In>
  void check(const In& in, DeviceView<std::complex<float>, 2> out) const;

  std::unique_ptr<Handle> handle_;
  FftKind kind_;
  std::int64_t n_ = 0, n_out_ = 0;
  FftRows rows_;
};

}  // namespace tianyan
