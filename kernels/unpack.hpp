// Unpacking: recorded samples to rows in canonical order, polarisations summed: float intensities,
//
//   x[c][t] = sum_p ((raw[t][p][r] - zero_offset) scale[span(t)][p][r] + offset[span(t)][p][r])
//
// or, where samples have 8 bits or fewer, the integers as they come, counted from the lowest of their format
// (`low` is -128 for signed bytes and otherwise 0), a quarter or half of the memory:
//
//   x[c][t] = sum_p (raw[t][p][r] - low)
//
// c counts channels from the lowest frequency, r is the same channel in recorded order; the sum runs over the
// polarisations that make Stokes I: AA and BB, or the first of IQUV, or the only one. It is taken in float32
// or int16: a sum of two uint8 never wraps. PSRFITS standard 6.1, DAT_SCL and DAT_OFFS.
//
// numpy: x = ((raw - zero) * scale + offset)[:, :n_sum].sum(1).T[::-1 if descending else 1]
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/base/raw_block.hpp"
#include "kernels/base/stream_info.hpp"
#include "kernels/base/view.hpp"
#include "kernels/span_weights.hpp"

namespace tianyan {

struct UnpackPlan {
  SampleFormat format;
  int n_chan = 0;
  int n_pol = 1;
  int n_pol_summed = 1;                                  ///< the first ones of the recorded order
  std::array<std::array<std::uint8_t, 8>, 256> bytes{};  ///< below 8 bits: the samples of each packed byte
};

/// Where polarisation p of canonical channel c is recorded in a spectrum.
constexpr std::int64_t recorded_index(const SampleFormat& format, int n_chan, std::int64_t p,
                                      std::int64_t c) {
  return p * n_chan + (format.channels_descending ? n_chan - 1 - c : c);
}

/// Throws std::invalid_argument where the format cannot be unpacked.
UnpackPlan make_unpack_plan(const StreamInfo& info, const SampleFormat& format);

/// Channels [chan_begin, chan_begin + x.shape(0)) of a block into x [channel][block.n_time], contiguous rows.
/// Samples of missing spans are unpacked as they come: weights say that they do not count. Integers are for
/// samples of at most 8 bits, bytes for one polarisation only. Throws std::invalid_argument for shapes that
/// do not fit.
void unpack(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<float, 2> x);
void unpack(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<std::uint8_t, 2> x);
void unpack(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<std::int16_t, 2> x);

/// The same, one sample at a time.
void unpack_reference(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<float, 2> x);
void unpack_reference(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<std::int16_t, 2> x);

/// Intensities of a block's integers: scale[c] x[c][t] + offset[c], canonical order.
struct RowCalibration {
  std::vector<double> scale, offset;

  /// Throws std::invalid_argument unless it is one of n_chan channels.
  void check(int n_chan) const;
};
/// Nothing where samples have more than 8 bits, where the tables of spans that are not missing differ, or
/// where those of two polarisations differ in scale.
std::optional<RowCalibration> row_calibration(const UnpackPlan& plan, const RawBlock& block);

/// Recorded weights of a block; neighbouring spans with equal weights are joined.
SpanWeights unpack_weights(const UnpackPlan& plan, const RawBlock& block);

}  // namespace tianyan
