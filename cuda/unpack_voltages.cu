// Unpacking of voltages on a device: a thread for each component.
#include "cuda/unpack_voltages.hpp"

namespace tianyan {
namespace {

constexpr int kThreads = 256;

// The last run of [begin, end) that begins at the sample or before it; none: begin - 1.
__device__ std::int64_t find_run(DeviceView<const VoltageRun, 1> runs, std::int64_t begin, std::int64_t end,
                                 std::int64_t sample) {
  while (begin < end) {
    const auto middle = begin + (end - begin) / 2;
    if (runs(middle).begin <= sample) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin - 1;
}

__device__ unsigned bits_at(DeviceView<const std::uint8_t, 1> bytes, std::int64_t bit, int n_bits) {
  const int shift = static_cast<int>(bit % 8), n_byte = (shift + n_bits + 7) / 8;
  unsigned bits = 0;
  for (int i = 0; i < n_byte; ++i) bits |= static_cast<unsigned>(bytes(bit / 8 + i)) << (8 * i);
  return (bits >> shift) & ((1U << n_bits) - 1U);
}

// A block: kThreads neighbouring components of one stream.
__global__ void __launch_bounds__(kThreads)
    unpack(VoltageFormat format, DeviceView<const std::uint8_t, 1> bytes,
           DeviceView<const VoltageRun, 1> runs, DeviceView<const std::int64_t, 1> first,
           std::int64_t first_sample, DeviceView<float, 2> v) {
  const auto s = static_cast<std::int64_t>(blockIdx.y);
  const auto k = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (k >= v.shape(1)) return;
  const int n_component = format.is_complex ? 2 : 1, component = static_cast<int>(k % n_component);
  const auto sample = first_sample + k / n_component;
  const auto r = find_run(runs, first(s), first(s + 1), sample);
  float value = 0.0F;
  if (r >= first(s) && sample < runs(r).end) {
    const auto bit = runs(r).bit(sample) + component * format.n_bits;
    value = voltage_value(format.code, format.n_bits, bits_at(bytes, bit, format.n_bits));
    const bool is_turned = format.is_complex ? component == 1 : sample % 2 != 0;
    if (format.is_inverted && is_turned) value = -value;
  }
  v(s, k) = value;
}

}  // namespace

void unpack_voltages(const VoltageFormat& format, DeviceView<const std::uint8_t, 1> bytes,
                     DeviceView<const VoltageRun, 1> runs, DeviceView<const std::int64_t, 1> first,
                     std::int64_t first_sample, DeviceView<float, 2> v, const Stream& stream) {
  expect(is_known(format), "voltages of {} bits in code {} cannot be unpacked", format.n_bits,
         static_cast<int>(format.code));
  expect(v.rows_contiguous() && v.shape(1) % format.n_component() == 0,
         "unpacking samples of {} components into {} floats at a stride of {}", format.n_component(),
         v.shape(1), v.stride(1));
  expect(first.shape(0) == v.shape(0) + 1, "{} streams with places for {}", v.shape(0), first.shape(0) - 1);
  const dim3 grid(n_block(v.shape(1), kThreads), n_block(v.shape(0), 1));
  launch({stream, grid, kThreads}, unpack, format, bytes, runs, first, first_sample, v);
}

}  // namespace tianyan
