// Unpacking on a device, of samples of 8 bits or fewer to small integers; formulas and shapes are those of
// kernels/unpack.hpp.
#pragma once
#include "cuda/device.hpp"
#include "kernels/unpack.hpp"

namespace tianyan {

/// raw [time][byte of the spectrum], channels [chan_begin, chan_begin + x.shape(0)) -> x [channel][time]; the
/// same integers as on the host. Rows are contiguous.
void unpack(const UnpackPlan& plan, DeviceView<const std::uint8_t, 2> raw, int chan_begin,
            DeviceView<std::uint8_t, 2> x, const Stream& stream);
void unpack(const UnpackPlan& plan, DeviceView<const std::uint8_t, 2> raw, int chan_begin,
            DeviceView<std::int16_t, 2> x, const Stream& stream);

}  // namespace tianyan
