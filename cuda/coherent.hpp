// Coherent dedispersion on a device: steps of overlap-save, many rows at once. Formula, lengths and response
// are those of kernels/coherent.hpp; the product has the same bits, transforms are cuFFT's.
#pragma once
#include "cuda/fft.hpp"
#include "kernels/coherent.hpp"

namespace tianyan {

/// The lengths of a host's plan, and its response on the device in use.
class DeviceCoherentPlan {
 public:
  DeviceCoherentPlan(const CoherentPlan& plan, const Stream& stream);

  std::int64_t n_chan() const { return response_.shape(0); }
  std::int64_t n_fft() const { return response_.shape(1); }
  std::int64_t n_before() const { return n_before_; }
  std::int64_t n_valid() const { return n_valid_; }
  /// [channel][n_fft]
  DeviceView<const std::complex<float>, 2> response() const { return response_.cview(); }

 private:
  std::int64_t n_before_, n_valid_;
  DeviceArray<std::complex<float>, 2> response_;
};

/// Rows of a step: each is n_fft samples of one channel of one stream.
struct CoherentRows {
  std::int64_t n_row = 1;
  std::int64_t n_channel = 1;  ///< row r is of channel r % n_channel of those that a step is for
  std::int64_t in_pitch = 0;   ///< samples from row to row of the input; 0: n_fft
};

/// Memory of one stream; serves all plans of one n_fft.
struct DeviceCoherentScratch {
  /// Throws std::invalid_argument where rows are not whole sets of channels, and as DeviceFft.
  DeviceCoherentScratch(std::int64_t n_fft, const CoherentRows& rows);
  CoherentRows rows;
  DeviceFft forward, backward;
  DeviceArray<std::complex<float>, 2> spectrum;  ///< [row][n_fft]
};

/// The spectra of in [row][n_fft] into the scratch. Rows may overlap.
void forward_step(DeviceCoherentScratch& scratch, DeviceView<const std::complex<float>, 2> in,
                  const Stream& stream);

/// The scratch's spectra, dedispersed, into out [row][n_fft], without gaps: samples [n_before, n_before +
/// n_valid) of a row are what a step makes, the others have wrapped around. Row r is of the plan's channel
/// first_channel + r % n_channel.
void backward_step(const DeviceCoherentPlan& plan, const DeviceCoherentScratch& scratch,
                   std::int64_t first_channel, DeviceView<std::complex<float>, 2> out, const Stream& stream);

/// The first half of backward_step(): out[r][k] = spectrum[r][k] response[channel of r][k].
void multiply_by_response(const DeviceCoherentPlan& plan, const DeviceCoherentScratch& scratch,
                          std::int64_t first_channel, DeviceView<std::complex<float>, 2> out,
                          const Stream& stream);

}  // namespace tianyan
