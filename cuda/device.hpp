// A CUDA device: what there is, its memory, streams, events, copies and launches. Every call is checked: a
// failure is a std::runtime_error that says where it was, what was asked for and what the driver answered.
//
// A thread works on the device that it chose with use_device(), as the CUDA runtime has it; owners belong to
// the device that was in use when they were made.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cuda/device_view.hpp"
#include "kernels/base/array.hpp"

namespace tianyan {

/// Where in the source a call stands.
struct SourcePlace {
  const char* file = "";
  int line = 0;
  static SourcePlace here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// "cuda/fdmt.cu:42"
std::string place_text(const SourcePlace& place);

/// Throws std::runtime_error unless status is cudaSuccess: "cuda/fdmt.cu:42: 512 bytes of device memory: out
/// of memory".
void check_cuda(cudaError_t status, const std::string& what, const SourcePlace& place = SourcePlace::here());

struct DeviceInfo {
  int index = 0;
  std::string name;
  int major = 0, minor = 0;  ///< compute capability
  int n_multiprocessor = 0;
  std::int64_t memory_bytes = 0, free_bytes = 0;
  std::int64_t shared_bytes = 0;  ///< that a block may ask for
  std::int64_t l2_bytes = 0;
};

/// The devices that can be used; where there is none, why.
struct FoundDevices {
  std::vector<DeviceInfo> devices;
  std::string why_none;
};
FoundDevices find_devices();
/// Of the device in use.
DeviceInfo device_in_use();
/// The calling thread works on this device from here on.
void use_device(int index);

/// Memory of a device, or memory of the host that devices copy from and to without a detour.
void* allocate_device(std::int64_t bytes, const SourcePlace& place);
void free_device(void* p) noexcept;
void* allocate_pinned(std::int64_t bytes, const SourcePlace& place);
void free_pinned(void* p) noexcept;

/// Owner of a row-major array on the device in use; not initialised.
template <class T, int Rank>
class DeviceArray {
 public:
  using Extents = typename View<T, Rank>::Extents;

  DeviceArray() = default;
  explicit DeviceArray(const Extents& shape, const SourcePlace& place = SourcePlace::here()) {
    const auto bytes = Array<T, Rank>::size_bytes_of(shape);
    if (bytes > 0) owner_.reset(static_cast<T*>(allocate_device(bytes, place)));
    view_ = DeviceView<T, Rank>(View<T, Rank>(owner_.get(), shape));
  }
  DeviceView<T, Rank> view() const { return view_; }
  DeviceView<const T, Rank> cview() const { return view_; }
  T* data() const { return owner_.get(); }
  std::int64_t shape(int r) const { return view_.shape(r); }
  std::int64_t size() const { return view_.size(); }
  std::int64_t size_bytes() const { return size() * static_cast<std::int64_t>(sizeof(T)); }

 private:
  struct Free {
    void operator()(T* p) const { free_device(p); }
  };
  std::unique_ptr<T, Free> owner_;
  DeviceView<T, Rank> view_;
};

/// Owner of a row-major array on the host that devices copy from and to; zeroed.
template <class T, int Rank>
class PinnedArray {
 public:
  using Extents = typename View<T, Rank>::Extents;

  PinnedArray() = default;
  explicit PinnedArray(const Extents& shape, const SourcePlace& place = SourcePlace::here()) {
    const auto bytes = Array<T, Rank>::size_bytes_of(shape);
    if (bytes > 0) owner_.reset(static_cast<T*>(allocate_pinned(bytes, place)));
    view_ = View<T, Rank>(owner_.get(), shape);
  }
  View<T, Rank> view() const { return view_; }
  View<const T, Rank> cview() const { return view_; }
  T* data() const { return owner_.get(); }
  std::int64_t size() const { return view_.size(); }

 private:
  struct Free {
    void operator()(T* p) const { free_pinned(p); }
  };
  std::unique_ptr<T, Free> owner_;
  View<T, Rank> view_;
};

/// An order of work of its own; what is given to two streams may run at once.
class Stream {
 public:
  explicit Stream(const SourcePlace& place = SourcePlace::here());
  cudaStream_t get() const { return owner_.get(); }
  /// Waits until all that was given has been done; throws where some of it failed.
  void synchronise(const SourcePlace& place = SourcePlace::here()) const;

 private:
  struct Free {
    void operator()(cudaStream_t s) const { cudaStreamDestroy(s); }
  };
  std::unique_ptr<CUstream_st, Free> owner_;
};

/// A place in the work of a stream.
class StreamEvent {
 public:
  explicit StreamEvent(const SourcePlace& place = SourcePlace::here());
  void record(const Stream& stream, const SourcePlace& place = SourcePlace::here());
  /// What `stream` is given from here on waits for the place that was recorded last.
  void hold_back(const Stream& stream, const SourcePlace& place = SourcePlace::here()) const;
  void synchronise(const SourcePlace& place = SourcePlace::here()) const;
  /// Seconds from `begin`; both were recorded and have been reached.
  double seconds_since(const StreamEvent& begin, const SourcePlace& place = SourcePlace::here()) const;

 private:
  struct Free {
    void operator()(cudaEvent_t e) const { cudaEventDestroy(e); }
  };
  std::unique_ptr<CUevent_st, Free> owner_;
};

/// Rows of bytes from one pitch to another, in the stream's order. The host's memory must stay as it is until
/// the stream has come so far.
struct CopyShape {
  std::int64_t row_bytes = 0, n_row = 0, from_pitch_bytes = 0, to_pitch_bytes = 0;
};
void copy_rows(const void* from, void* to, const CopyShape& shape, cudaMemcpyKind kind, const Stream& stream,
               const SourcePlace& place);
void fill_bytes(void* to, std::int64_t bytes, int value, const Stream& stream, const SourcePlace& place);

/// Shape of a copy between views of equal shapes and contiguous rows; throws std::invalid_argument for
/// others.
template <class From, class To, int Rank>
CopyShape copy_shape(const From& from, const To& to, std::int64_t element_bytes) {
  for (int r = 0; r < Rank; ++r)
    expect(from.shape(r) == to.shape(r), "copying {} elements of axis {} to {}", from.shape(r), r,
           to.shape(r));
  expect(from.rows_contiguous() && to.rows_contiguous(), "copies need contiguous rows");
  static_assert(Rank == 1 || Rank == 2, "copies of one or two axes");
  if constexpr (Rank == 1)
    return {from.shape(0) * element_bytes, 1, from.shape(0) * element_bytes, to.shape(0) * element_bytes};
  else
    return {from.shape(1) * element_bytes, from.shape(0), from.stride(0) * element_bytes,
            to.stride(0) * element_bytes};
}

template <class T, int Rank>
void upload(const View<T, Rank>& from, const DeviceView<std::remove_const_t<T>, Rank>& to,
            const Stream& stream, const SourcePlace& place = SourcePlace::here()) {
  copy_rows(from.data(), to.data(), copy_shape<View<T, Rank>, decltype(to), Rank>(from, to, sizeof(T)),
            cudaMemcpyHostToDevice, stream, place);
}
template <class T, int Rank>
void download(const DeviceView<T, Rank>& from, const View<std::remove_const_t<T>, Rank>& to,
              const Stream& stream, const SourcePlace& place = SourcePlace::here()) {
  copy_rows(from.data(), to.data(), copy_shape<DeviceView<T, Rank>, decltype(to), Rank>(from, to, sizeof(T)),
            cudaMemcpyDeviceToHost, stream, place);
}
/// Within the device.
template <class T, int Rank>
void copy(const DeviceView<T, Rank>& from, const DeviceView<std::remove_const_t<T>, Rank>& to,
          const Stream& stream, const SourcePlace& place = SourcePlace::here()) {
  copy_rows(from.data(), to.data(), copy_shape<DeviceView<T, Rank>, decltype(to), Rank>(from, to, sizeof(T)),
            cudaMemcpyDeviceToDevice, stream, place);
}
/// All bits zero.
template <class T, int Rank>
void fill_zero(const DeviceArray<T, Rank>& array, const Stream& stream,
               const SourcePlace& place = SourcePlace::here()) {
  if (array.size() > 0) fill_bytes(array.data(), array.size_bytes(), 0, stream, place);
}

/// The same of contiguous rows.
void fill_rows(void* to, const CopyShape& shape, int value, const Stream& stream, const SourcePlace& place);
template <class T>
void fill_zero(const DeviceView<T, 2>& view, const Stream& stream,
               const SourcePlace& place = SourcePlace::here()) {
  fill_rows(view.data(), copy_shape<DeviceView<T, 2>, DeviceView<T, 2>, 2>(view, view, sizeof(T)), 0, stream,
            place);
}

/// How a kernel is launched.
struct Launch {
  const Stream& stream;
  dim3 grid, block;
  std::int64_t shared_bytes = 0;  ///< dynamic shared memory
  SourcePlace place = SourcePlace::here();
};
std::string launch_text(const Launch& launch);

/// Dynamic shared memory above 48 KiB must be allowed kernel by kernel.
inline constexpr std::int64_t kPlainSharedBytes = 48 * 1024;

/// launch({stream, grid, block}, kernel, arguments...); an empty grid is nothing to do.
template <class... Parameter, class... Argument>
void launch(const Launch& how, void (*kernel)(Parameter...), Argument&&... arguments) {
  if (how.grid.x == 0 || how.grid.y == 0 || how.grid.z == 0) return;
  if (how.shared_bytes > kPlainSharedBytes)
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(how.shared_bytes)),
               launch_text(how), how.place);
  cudaLaunchConfig_t config{};
  config.gridDim = how.grid;
  config.blockDim = how.block;
  config.dynamicSmemBytes = static_cast<std::size_t>(how.shared_bytes);
  config.stream = how.stream.get();
  check_cuda(
      cudaLaunchKernelEx(&config, kernel, static_cast<Parameter>(std::forward<Argument>(arguments))...),
      launch_text(how), how.place);
  check_cuda(cudaPeekAtLastError(), launch_text(how), how.place);
}

/// Blocks of `per_block` that cover n; throws std::invalid_argument where a grid cannot have as many.
unsigned n_block(std::int64_t n, std::int64_t per_block);

}  // namespace tianyan
