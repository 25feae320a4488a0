// Repacking: the same samples in another packing, and recorded samples as calibrated values, channel by
// channel and polarisation by polarisation, as a conversion between file formats wants them.
//
//   repack:     out[t][p][r'] = in[t][p][r]            r' = r, or n_chan - 1 - r where the order turns
//   to_values:  out[t][p][r] = (in[t][p][r] - zero_offset) scale[span(t)][p][r] + offset[span(t)][p][r],
//               0 where the recorded weight is 0 or the span is missing
//
// numpy: out = in[:, :, ::-1 if turned else 1].astype(to);   out = np.where(w > 0, (in - zero) * scale +
// offset, 0)
#pragma once
#include <cstdint>

#include "kernels/base/raw_block.hpp"
#include "kernels/base/stream_info.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

/// True where `to` has an exact number for every sample of `from`, of each polarisation: CR, CI, Q, U and V
/// of 8 and 16 bits are signed whatever is_signed says.
bool holds_exactly(const SampleFormat& from, const SampleFormat& to);

/// in [time][byte of a spectrum in `from`] -> out [time][byte of a spectrum in `to`]. Throws
/// std::invalid_argument unless holds_exactly() and the shapes fit. Samples of 16 and 32 bits are in the
/// machine's byte order.
void repack(const SampleFormat& from, const SampleFormat& to, int n_pol, int n_chan,
            View<const std::uint8_t, 2> in, View<std::uint8_t, 2> out);
void repack_reference(const SampleFormat& from, const SampleFormat& to, int n_pol, int n_chan,
                      View<const std::uint8_t, 2> in, View<std::uint8_t, 2> out);

/// block's samples -> out [time][pol * n_chan + channel], recorded channel order. Returns the number of
/// samples set to 0 because they are flagged or missing.
std::int64_t to_values(const SampleFormat& format, int n_pol, int n_chan, const RawBlock& block,
                       View<float, 2> out);

}  // namespace tianyan
