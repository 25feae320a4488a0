// Coherent dedispersion on a device: transforms around a product.
#include "cuda/coherent.hpp"

namespace tianyan {
namespace {

constexpr int kThreads = 256;

// A block: kThreads neighbouring frequencies of a row.
__global__ void __launch_bounds__(kThreads)
    multiply(DeviceView<const float2, 2> spectrum, DeviceView<const float2, 2> response,
             std::int64_t n_channel, DeviceView<float2, 2> out) {
  const auto r = static_cast<std::int64_t>(blockIdx.x);
  const auto k = static_cast<std::int64_t>(blockIdx.y) * kThreads + threadIdx.x;
  if (k >= out.shape(1)) return;
  const float2 a = spectrum(r, k), b = response(r % n_channel, k);
  out(r, k) = make_float2(a.x * b.x - a.y * b.y, a.y * b.x + a.x * b.y);
}

}  // namespace

DeviceCoherentPlan::DeviceCoherentPlan(const CoherentPlan& plan, const Stream& stream)
    : n_before_(plan.n_before), n_valid_(plan.n_valid), response_({plan.params.n_chan, plan.n_fft}) {
  upload(plan.response.cview(), response_.view(), stream);
  stream.synchronise();  // the host's plan is free to go
}

DeviceCoherentScratch::DeviceCoherentScratch(std::int64_t n_fft, const CoherentRows& of)
    : rows(of),
      forward(FftKind::kForward, n_fft, {.n_row = of.n_row, .in_pitch = of.in_pitch}),
      backward(FftKind::kBackward, n_fft, {.n_row = of.n_row}),
      spectrum({of.n_row, n_fft}) {
  expect(rows.n_channel >= 1 && rows.n_row % rows.n_channel == 0, "{} rows of {} channels", rows.n_row,
         rows.n_channel);
}

void forward_step(DeviceCoherentScratch& scratch, DeviceView<const std::complex<float>, 2> in,
                  const Stream& stream) {
  scratch.forward.run(in, scratch.spectrum.view(), stream);
}

void multiply_by_response(const DeviceCoherentPlan& plan, const DeviceCoherentScratch& scratch,
                          std::int64_t first_channel, DeviceView<std::complex<float>, 2> out,
                          const Stream& stream) {
  const auto n_channel = scratch.rows.n_channel, n_row = scratch.rows.n_row;
  expect(first_channel >= 0 && first_channel <= plan.n_chan() - n_channel, "channels [{}, {}) of {}",
         first_channel, first_channel + n_channel, plan.n_chan());
  expect(scratch.spectrum.shape(1) == plan.n_fft(), "scratch of {} samples for a transform of {}",
         scratch.spectrum.shape(1), plan.n_fft());
  expect(out.shape(0) == n_row && out.shape(1) == plan.n_fft() && out.rows_contiguous(),
         "{} x {} samples, stride {}, for steps of {} x {}", out.shape(0), out.shape(1), out.stride(1), n_row,
         plan.n_fft());
  const auto response = plan.response().slice(0, first_channel, first_channel + n_channel);
  const dim3 grid(n_block(n_row, 1), n_block(plan.n_fft(), kThreads));
  launch({stream, grid, kThreads}, multiply, rows_as<const float2>(scratch.spectrum.cview()),
         rows_as<const float2>(response), n_channel, rows_as<float2>(out));
}

void backward_step(const DeviceCoherentPlan& plan, const DeviceCoherentScratch& scratch,
                   std::int64_t first_channel, DeviceView<std::complex<float>, 2> out, const Stream& stream) {
  expect(out.stride(0) == out.shape(1), "rows of {} samples, {} apart", out.shape(1), out.stride(0));
  multiply_by_response(plan, scratch, first_channel, out, stream);
  scratch.backward.run(out, out, stream);
}

}  // namespace tianyan
