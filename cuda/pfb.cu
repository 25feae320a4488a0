// The polyphase filterbank on a device: sums over the taps, the transform, channels in order.
#include "cuda/pfb.hpp"

#include <algorithm>

#include "kernels/base/division.hpp"
#include "kernels/pfb_fold.hpp"

namespace tianyan {
namespace {

constexpr int kThreads = 256;
constexpr int kFrames = 4;  // that a thread folds, with the same taps

/// Frames that follow each other, in floats.
struct FoldFrames {
  PfbFold fold;
  std::int64_t begin = 0;  // of frame 0 in x
  std::int64_t hop = 0;
  std::int64_t shift = 0;  // of frame 0
  // Where taps alternate in sign and a frame begins at an odd sample.
  bool is_first_negated = false, is_every_second_negated = false;

  __device__ bool is_negated(std::int64_t m) const {
    return is_first_negated != (is_every_second_negated && m % 2 != 0);
  }
};

// A block: kThreads neighbouring floats of kFrames frames.
__global__ void __launch_bounds__(kThreads)
    fold_frames(FoldFrames frames, DeviceView<const float, 1> taps, DeviceView<const float, 1> x,
                DeviceView<float, 2> folded) {
  const auto n = frames.fold.n, i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  const auto tap = frames.fold.tap_index(0, i), tap_step = frames.fold.tap_index(1, i) - tap;
  const auto first = static_cast<std::int64_t>(blockIdx.y) * kFrames;
  auto to = (frames.shift + first * frames.hop + i) % n;
  for (auto m = first; m < min(first + kFrames, folded.shape(0)); ++m) {
    const auto from = frames.begin + m * frames.hop + i;
    float sum = taps(tap) * x(from);
    for (std::int64_t t = 1; t < frames.fold.n_tap; ++t) sum += taps(tap + t * tap_step) * x(from + t * n);
    folded(m, to) = frames.is_negated(m) ? -sum : sum;
    to += frames.hop;  // at most n
    if (to >= n) to -= n;
  }
}

// A block: kThreads neighbouring channels of a frame.
__global__ void __launch_bounds__(kThreads)
    put_in_order(DeviceView<const float2, 2> bins, std::int64_t lowest, DeviceView<float2, 2> out) {
  const auto m = static_cast<std::int64_t>(blockIdx.y);
  const auto k = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= out.shape(1)) return;
  const auto bin = k + lowest;
  out(m, k) = bins(m, bin < out.shape(1) ? bin : bin - out.shape(1));
}

// Bins are in order of frequency after the transform.
bool alternates(const PfbParams& params) { return params.is_complex && params.n_chan % 2 == 0; }

void check_samples(const PfbPlan& plan, DeviceView<const float, 1> x, std::int64_t first_sample,
                   std::int64_t first_frame, std::int64_t n_frame) {
  const int n_component = plan.params.n_component();
  expect(x.rows_contiguous(), "samples with a stride of {}; they must be contiguous", x.stride(0));
  expect(x.shape(0) % n_component == 0, "{} floats are not complex samples", x.shape(0));
  const auto begin = plan.first_sample(first_frame), end = plan.end_sample(first_frame + n_frame - 1);
  const auto end_sample = first_sample + x.shape(0) / n_component;
  expect(first_sample <= begin && end <= end_sample, "frames of samples [{}, {}) out of [{}, {})", begin, end,
         first_sample, end_sample);
}

}  // namespace

DevicePfbPlan::DevicePfbPlan(const PfbPlan& plan, std::int64_t n_batch, const Stream& stream)
    : plan_(&plan),
      fold_taps_({plan.fold_taps.size()}),
      fft_(plan.params.is_complex ? FftKind::kForward : FftKind::kRealForward, plan.n_fft,
           {.n_row = n_batch}) {
  upload(plan.fold_taps.cview(), fold_taps_.view(), stream);
  stream.synchronise();  // the host's plan is free to go
}

std::int64_t DevicePfbScratch::device_bytes(const PfbPlan& plan, std::int64_t n_batch) {
  const auto n_bin = plan.params.n_chan + (plan.params.is_complex ? 0 : 1);
  return Array<float, 2>::size_bytes_of({n_batch, plan.n_fft * plan.params.n_component()}) +
         Array<std::complex<float>, 2>::size_bytes_of({n_batch, n_bin});
}

// Zeros: a batch that is not full is transformed all the same.
DevicePfbScratch::DevicePfbScratch(const DevicePfbPlan& plan, const Stream& stream)
    : folded({plan.n_batch(), plan.n_float()}), spectrum({plan.n_batch(), plan.n_bin()}) {
  fill_zero(folded, stream);
}

void pfb_fold(const DevicePfbPlan& plan, DeviceView<const float, 1> x, std::int64_t first_sample,
              std::int64_t first_frame, DeviceView<float, 2> folded, const Stream& stream) {
  const auto& host = plan.host();
  const auto n_frame = folded.shape(0);
  expect(folded.shape(1) == plan.n_float() && folded.rows_contiguous(), "{} floats for a sum of {}",
         folded.shape(1), plan.n_float());
  if (n_frame == 0) return;
  check_samples(host, x, first_sample, first_frame, n_frame);
  const int n_component = host.params.n_component();
  const auto sample = host.first_sample(first_frame);
  const FoldFrames frames{.fold = {host.params.n_tap, plan.n_float()},
                          .begin = (sample - first_sample) * n_component,
                          .hop = host.hop * n_component,
                          .shift = floor_mod(sample, host.n_fft) * n_component,
                          .is_first_negated = alternates(host.params) && sample % 2 != 0,
                          .is_every_second_negated = alternates(host.params) && host.hop % 2 != 0};
  const dim3 grid(n_block(plan.n_float(), kThreads), n_block(n_frame, kFrames));
  launch({stream, grid, kThreads}, fold_frames, frames, plan.fold_taps(), x, folded);
}

void pfb(const DevicePfbPlan& plan, DevicePfbScratch& scratch, DeviceView<const float, 1> x,
         std::int64_t first_sample, std::int64_t first_frame, DeviceView<std::complex<float>, 2> out,
         const Stream& stream) {
  const auto& params = plan.host().params;
  const auto n_chan = params.n_chan;
  expect(out.shape(1) == n_chan && out.rows_contiguous(),
         "spectra of {} channels, {} apart, from a filterbank of {}; they must be contiguous", out.shape(1),
         out.stride(1), n_chan);
  expect(scratch.folded.shape(0) == plan.n_batch() && scratch.folded.shape(1) == plan.n_float() &&
             scratch.spectrum.shape(1) == plan.n_bin(),
         "scratch of {} x {} floats and {} bins for {} x {} and {}", scratch.folded.shape(0),
         scratch.folded.shape(1), scratch.spectrum.shape(1), plan.n_batch(), plan.n_float(), plan.n_bin());
  if (out.shape(0) > 0) check_samples(plan.host(), x, first_sample, first_frame, out.shape(0));
  const auto lowest = params.is_complex && n_chan % 2 != 0 ? (n_chan + 1) / 2 % n_chan : 0;
  for (std::int64_t m = 0; m < out.shape(0); m += plan.n_batch()) {
    const auto n = std::min(plan.n_batch(), out.shape(0) - m);
    const auto rows = out.slice(0, m, m + n);
    pfb_fold(plan, x, first_sample, first_frame + m, scratch.folded.view().slice(0, 0, n), stream);
    const bool is_direct = alternates(params) && n == plan.n_batch() && out.stride(0) == n_chan;
    const auto bins = is_direct ? rows : scratch.spectrum.view();
    if (params.is_complex) {
      plan.fft().run(rows_as<const std::complex<float>>(scratch.folded.cview()), bins, stream);
    } else {
      plan.fft().run(scratch.folded.cview(), bins, stream);
    }
    if (is_direct) continue;
    const dim3 grid(n_block(n_chan, kThreads), n_block(n, 1));
    launch({stream, grid, kThreads}, put_in_order,
           rows_as<const float2>(scratch.spectrum.cview().slice(0, 0, n)), lowest, rows_as<float2>(rows));
  }
}

}  // namespace tianyan
