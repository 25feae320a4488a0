// Plans of cuFFT, checked.
#include "cuda/fft.hpp"

#include <algorithm>

namespace tianyan {
namespace {

void check_fft(cufftResult status, const std::string& what, const SourcePlace& place) {
  if (status == CUFFT_ALLOC_FAILED) check_cuda(cudaErrorMemoryAllocation, what, place);
  require(status == CUFFT_SUCCESS, "{}: {}: cuFFT's error {}", place_text(place), what,
          static_cast<int>(status));
}

cufftType type_of(FftKind kind) { return kind == FftKind::kRealForward ? CUFFT_R2C : CUFFT_C2C; }

cufftComplex* as_cufft(std::complex<float>* p) { return reinterpret_cast<cufftComplex*>(p); }
cufftComplex* as_cufft(const std::complex<float>* p) { return as_cufft(const_cast<std::complex<float>*>(p)); }

}  // namespace

DeviceFft::Handle::~Handle() {
  if (value != kNone) cufftDestroy(value);
}

DeviceFft::DeviceFft(FftKind kind, std::int64_t n, const FftRows& rows, const SourcePlace& place)
    : kind_(kind), n_(n), n_out_(kind == FftKind::kRealForward ? n / 2 + 1 : n), rows_(rows) {
  expect(n >= 1 && n <= std::int64_t{1} << 30, "a Fourier transform of {} points; 1 to 2^30 are possible", n);
  if (rows.in_pitch == 0) rows_.in_pitch = n_;
  if (rows.out_pitch == 0) rows_.out_pitch = n_out_;
  const auto longest = std::max(rows_.in_pitch, rows_.out_pitch);
  expect(rows.n_row >= 1 && rows_.in_pitch >= 1 && rows_.out_pitch >= n_out_ &&
             longest <= INT32_MAX / rows.n_row,
         "{} rows of Fourier transforms of {} points, {} and {} elements apart; fewer than 2^31 elements are "
         "possible",
         rows.n_row, n, rows_.in_pitch, rows_.out_pitch);
  int n_in[] = {static_cast<int>(n)}, n_out[] = {static_cast<int>(n_out_)};
  auto handle = std::make_unique<Handle>();
  check_fft(cufftPlanMany(&handle->value, 1, n_in, n_in, 1, static_cast<int>(rows_.in_pitch), n_out, 1,
                          static_cast<int>(rows_.out_pitch), type_of(kind), static_cast<int>(rows.n_row)),
            fmt::format("{} Fourier transforms of {} points", rows.n_row, n), place);
  handle_ = std::move(handle);
}

template <class In>
void DeviceFft::check(const In& in, DeviceView<std::complex<float>, 2> out) const {
  expect(in.shape(0) == rows_.n_row && out.shape(0) == rows_.n_row && in.shape(1) == n_ &&
             out.shape(1) == n_out_,
         "Fourier transforms of {} x {} into {} x {} elements by a plan for {} x {} into {} x {}",
         in.shape(0), in.shape(1), out.shape(0), out.shape(1), rows_.n_row, n_, rows_.n_row, n_out_);
  expect(in.rows_contiguous() && out.rows_contiguous() &&
             (rows_.n_row == 1 || (in.stride(0) == rows_.in_pitch && out.stride(0) == rows_.out_pitch)),
         "Fourier transforms of rows {} and {} apart by a plan for {} and {}", in.stride(0), out.stride(0),
         rows_.in_pitch, rows_.out_pitch);
}

void DeviceFft::run(DeviceView<const float, 2> in, DeviceView<std::complex<float>, 2> out,
                    const Stream& stream, const SourcePlace& place) const {
  expect(kind_ == FftKind::kRealForward, "real samples for a complex transform");
  check(in, out);
  check_fft(cufftSetStream(handle_->value, stream.get()), "a stream for Fourier transforms", place);
  check_fft(cufftExecR2C(handle_->value, const_cast<float*>(in.data()), as_cufft(out.data())),
            "Fourier transforms", place);
}

void DeviceFft::run(DeviceView<const std::complex<float>, 2> in, DeviceView<std::complex<float>, 2> out,
                    const Stream& stream, const SourcePlace& place) const {
  expect(kind_ != FftKind::kRealForward, "complex samples for a real transform");
  check(in, out);
  check_fft(cufftSetStream(handle_->value, stream.get()), "a stream for Fourier transforms", place);
  check_fft(cufftExecC2C(handle_->value, as_cufft(in.data()), as_cufft(out.data()),
                         kind_ == FftKind::kForward ? CUFFT_FORWARD : CUFFT_INVERSE),
            "Fourier transforms", place);
}

}  // namespace tianyan
