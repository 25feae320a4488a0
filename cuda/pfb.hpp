// The polyphase filterbank on a device: frames of a block at a time. The formula, frames, order of channels
// and phases are those of kernels/pfb.hpp; sums over taps have the same bits, transforms are cuFFT's.
#pragma once
#include "cuda/fft.hpp"
#include "kernels/pfb.hpp"

namespace tianyan {

/// A host's plan, which must outlive it, with its taps and its transform on the device in use. Transforms are
/// always of n_batch frames: a frame is the same to the bit however many are asked for.
class DevicePfbPlan {
 public:
  DevicePfbPlan(const PfbPlan& plan, std::int64_t n_batch, const Stream& stream);

  const PfbPlan& host() const { return *plan_; }
  std::int64_t n_batch() const { return fft_.n_row(); }
  /// Floats of a folded frame.
  std::int64_t n_float() const { return plan_->n_fft * plan_->params.n_component(); }
  /// Bins that the transform gives: of real input the Nyquist frequency too.
  std::int64_t n_bin() const { return plan_->params.n_chan + (plan_->params.is_complex ? 0 : 1); }
  DeviceView<const float, 1> fold_taps() const { return fold_taps_.cview(); }
  const DeviceFft& fft() const { return fft_; }

 private:
  const PfbPlan* plan_;
  DeviceArray<float, 1> fold_taps_;
  DeviceFft fft_;
};

/// Memory of one stream.
struct DevicePfbScratch {
  DevicePfbScratch(const DevicePfbPlan& plan, const Stream& stream);
  static std::int64_t device_bytes(const PfbPlan& plan, std::int64_t n_batch);
  DeviceArray<float, 2> folded;                  ///< y [frame][float]
  DeviceArray<std::complex<float>, 2> spectrum;  ///< what the transform gives, [frame][bin]
};

/// y of frames first_frame + m into folded [m][plan.n_float()]; equal to the host's to the bit. x
/// [sample * component] holds the samples from first_sample on, contiguous. Throws std::invalid_argument
/// where x lacks samples of the frames.
void pfb_fold(const DevicePfbPlan& plan, DeviceView<const float, 1> x, std::int64_t first_sample,
              std::int64_t first_frame, DeviceView<float, 2> folded, const Stream& stream);

/// Frames first_frame + m into out [m][channel], channels contiguous; as many as there are. Rows that follow
/// each other without a gap save a copy of complex input of even n_chan. Throws as pfb_fold(), and where out
/// has not n_chan channels or the scratch is of another plan.
void pfb(const DevicePfbPlan& plan, DevicePfbScratch& scratch, DeviceView<const float, 1> x,
         std::int64_t first_sample, std::int64_t first_frame, DeviceView<std::complex<float>, 2> out,
         const Stream& stream);

}  // namespace tianyan
