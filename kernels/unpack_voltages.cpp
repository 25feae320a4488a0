// Unpacking of voltages on the CPU: a piece is cut into runs at one stride, whole bytes of small components
// go by table.
#include "kernels/unpack_voltages.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

static_assert(std::endian::native == std::endian::little, "16-bit components are loaded as they lie");

using Wide = __int128;  // positions: their parts may be beyond 64 bits where their sum is not

constexpr std::int64_t kOneGroup = std::numeric_limits<std::int64_t>::max();

// What of each sample becomes which float: component k of the output, counted from its begin, is the code's
// value times sign[k % 2]. That is the conjugate of complex samples and (-1)^t of real ones.
struct Coding {
  VoltageCode code;
  int n_bits, n_component;
  std::array<float, 2> sign;

  std::int64_t sample_bits() const { return std::int64_t{n_bits} * n_component; }
};

Coding coding_of(const VoltageFormat& f, std::int64_t first_sample) {
  Coding coding{f.code, f.n_bits, f.n_component(), {1.0F, 1.0F}};
  if (f.is_inverted) coding.sign[f.is_complex || first_sample % 2 == 0 ? 1 : 0] = -1.0F;
  return coding;
}

void check_samples(const VoltageBlock& block, const VoltagePiece& p) {
  expect(p.begin >= 0 && p.begin <= p.end && p.end <= block.n_time,
         "a piece of samples [{}, {}) in a block of {}", p.begin, p.end, block.n_time);
  expect(p.n_coarse >= 1 && p.n_pol >= 1 && p.coarse_begin >= 0 && p.pol_begin >= 0,
         "a piece of {} coarse channels from {} and {} polarisations from {}", p.n_coarse, p.coarse_begin,
         p.n_pol, p.pol_begin);
}

// The lowest and the highest of some numbers.
struct Extent {
  Wide low = 0, high = 0;
  void include(Wide v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  void add(const Extent& other) {
    low += other.low;
    high += other.high;
  }
};

// Of q group_stride + r sample_stride, q = j / group, r = j % group, over j in [first, last]: linear in r
// within each group, and in q over whole groups, so that the ends are enough. q + r <= j < 2^63: it fits.
Extent extent_of_samples(const VoltagePiece& p, std::int64_t first, std::int64_t last) {
  const std::int64_t q0 = first / p.group_samples, r0 = first % p.group_samples;
  const std::int64_t q1 = last / p.group_samples, r1 = last % p.group_samples;
  const auto at = [&](std::int64_t q, std::int64_t r) {
    return Wide{q} * p.group_stride_bits + Wide{r} * p.sample_stride_bits;
  };
  Extent extent{at(q0, r0), at(q0, r0)};
  extent.include(at(q1, r1));
  if (q0 == q1) return extent;
  extent.include(at(q0, p.group_samples - 1));
  extent.include(at(q1, 0));
  if (q1 - q0 < 2) return extent;
  for (const std::int64_t q : {q0 + 1, q1 - 1})
    for (const std::int64_t r : {std::int64_t{0}, p.group_samples - 1}) extent.include(at(q, r));
  return extent;
}

Extent extent_of_axis(std::int64_t stride, int n) {
  Extent extent;
  extent.include(Wide{stride} * (n - 1));
  return extent;
}

void check_bits(const VoltageBlock& block, const VoltagePiece& p, int sample_bits) {
  const std::int64_t n = p.end - p.begin;
  expect(p.group_samples >= 1 && p.first_in_group >= 0 &&
             p.first_in_group <= std::numeric_limits<std::int64_t>::max() - n,
         "a piece of {} samples from number {} of groups of {}", n, p.first_in_group, p.group_samples);
  if (n == 0) return;
  Extent extent = extent_of_samples(p, p.first_in_group, p.first_in_group + n - 1);
  extent.add(extent_of_axis(p.coarse_stride_bits, p.n_coarse));
  extent.add(extent_of_axis(p.pol_stride_bits, p.n_pol));
  expect(p.first_bit + extent.low >= 0 &&
             p.first_bit + extent.high + sample_bits <= Wide{block.bytes.shape(0)} * 8,
         "a piece of samples [{}, {}) from bit {} reaches outside the block's {} bytes", p.begin, p.end,
         p.first_bit, block.bytes.shape(0));
}

void check(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol, std::int64_t begin,
           View<float, 1> v) {
  check_voltages(format, block);
  expect(coarse >= 0 && pol >= 0, "unpacking coarse channel {}, polarisation {}", coarse, pol);
  expect(v.rows_contiguous() && v.shape(0) % format.n_component() == 0,
         "unpacking samples of {} components into {} floats at a stride of {}", format.n_component(),
         v.shape(0), v.stride(0));
  const std::int64_t n = v.shape(0) / format.n_component();
  expect(begin >= 0 && begin <= block.n_time && n <= block.n_time - begin,
         "unpacking {} samples from {} of a block of {}", n, begin, block.n_time);
}

// The bit of the first sample of the first group, of which the piece may hold the end only.
Wide origin_of(const VoltagePiece& p, int coarse, int pol) {
  return Wide{p.first_bit} + Wide{coarse - p.coarse_begin} * p.coarse_stride_bits +
         Wide{pol - p.pol_begin} * p.pol_stride_bits;
}

// The samples of one stream in a piece: j, counted from the start of its first group, is at bit
// origin + (j / group) group_stride + (j % group) stride.
struct Samples {
  const std::uint8_t* bytes;
  Wide origin;
  std::int64_t group, group_stride, stride;

  std::int64_t bit(std::int64_t j) const {
    return static_cast<std::int64_t>(origin + Wide{j / group} * group_stride + Wide{j % group} * stride);
  }
};

// With one group in place of many wherever the stride is the same all through.
Samples samples_of(const VoltageBlock& block, const VoltagePiece& p, int coarse, int pol) {
  Samples s{block.bytes.data(), origin_of(p, coarse, pol), p.group_samples, p.group_stride_bits,
            p.sample_stride_bits};
  if (s.group == 1) s.stride = s.group_stride;
  if (s.group == 1 || Wide{s.group} * s.stride == s.group_stride) s.group = kOneGroup;
  return s;
}

// Bits [bit, bit + n_bits) wherever they begin.
unsigned bits_at(const std::uint8_t* bytes, std::int64_t bit, int n_bits) {
  const std::uint8_t* at = bytes + bit / 8;
  const int shift = static_cast<int>(bit % 8);
  unsigned word = at[0];
  if (shift + n_bits > 8) word |= static_cast<unsigned>(at[1]) << 8;
  if (shift + n_bits > 16) word |= static_cast<unsigned>(at[2]) << 16;
  return (word >> shift) & ((1U << n_bits) - 1);
}

void decode_any(const std::uint8_t* bytes, std::int64_t bit, std::int64_t stride, const Coding& coding,
                std::int64_t k, std::int64_t n, float* v) {
  for (std::int64_t i = 0; i < n; ++i)
    for (int m = 0; m < coding.n_component; ++m, ++k, ++v) {
      const unsigned bits = bits_at(bytes, bit + i * stride + m * coding.n_bits, coding.n_bits);
      *v = voltage_value(coding.code, coding.n_bits, bits) * coding.sign[k % 2];
    }
}

// A component of whole bytes: offset binary is two's complement with the highest bit turned, half a step up.
template <class T>
struct WholeBytes {
  unsigned turn;
  float offset;

  explicit WholeBytes(VoltageCode code)
      : turn(code == VoltageCode::kOffsetBinary ? 1U << (8 * sizeof(T) - 1) : 0U),
        offset(code == VoltageCode::kOffsetBinary ? 0.5F : 0.0F) {}
  float operator()(const std::uint8_t* p) const {
    T raw;
    std::memcpy(&raw, p, sizeof raw);
    return static_cast<float>(static_cast<T>(static_cast<unsigned>(raw) ^ turn)) + offset;
  }
};

// Pairs of components, `apart` bytes from one to the other and `step` from pair to pair. Known strides are
// given as types, which lets the compiler use whole vectors.
template <class T, class Apart, class Step>
void decode_pairs(const std::uint8_t* p, Apart apart, Step step, const WholeBytes<T>& value, float sign0,
                  float sign1, std::int64_t n_pair, float* __restrict v) {
  for (std::int64_t i = 0; i < n_pair; ++i) {
    v[2 * i] = value(p + i * step) * sign0;
    v[2 * i + 1] = value(p + i * step + apart) * sign1;
  }
}

template <std::int64_t n>
using Known = std::integral_constant<std::int64_t, n>;

// n components at one stride, as pairs and one.
template <class T>
void decode_row(const std::uint8_t* p, std::int64_t step, const Coding& coding, std::int64_t k,
                std::int64_t n, float* v) {
  constexpr std::int64_t kSize = sizeof(T);
  const WholeBytes<T> value(coding.code);
  const float sign0 = coding.sign[k % 2], sign1 = coding.sign[(k + 1) % 2];
  if (step == kSize)
    decode_pairs<T>(p, Known<kSize>(), Known<2 * kSize>(), value, sign0, sign1, n / 2, v);
  else if (step == 2 * kSize)
    decode_pairs<T>(p, Known<2 * kSize>(), Known<4 * kSize>(), value, sign0, sign1, n / 2, v);
  else
    decode_pairs<T>(p, step, 2 * step, value, sign0, sign1, n / 2, v);
  if (n % 2 != 0) v[n - 1] = value(p + (n - 1) * step) * sign0;
}

template <class T>
void decode_whole(const std::uint8_t* p, std::int64_t step, const Coding& coding, std::int64_t k,
                  std::int64_t n, float* v) {
  constexpr std::int64_t kSize = sizeof(T);
  if (coding.n_component == 1) return decode_row<T>(p, step, coding, k, n, v);
  if (step == 2 * kSize) return decode_row<T>(p, kSize, coding, k, 2 * n, v);
  const WholeBytes<T> value(coding.code);
  const auto [sign0, sign1] = coding.sign;
  if (step == 4 * kSize)  // two polarisations in turn
    decode_pairs<T>(p, Known<kSize>(), Known<4 * kSize>(), value, sign0, sign1, n, v);
  else
    decode_pairs<T>(p, Known<kSize>(), step, value, sign0, sign1, n, v);
}

// The components of each byte, the first in the low bits.
template <int kBits>
using ByteTable = std::array<std::array<float, 8 / kBits>, 256>;

template <int kBits>
constexpr ByteTable<kBits> make_table(VoltageCode code) {
  ByteTable<kBits> table{};
  for (unsigned byte = 0; byte < 256; ++byte)
    for (unsigned i = 0; i < 8 / kBits; ++i)
      table[byte][i] = voltage_value(code, kBits, (byte >> (i * kBits)) & ((1U << kBits) - 1));
  return table;
}

constexpr std::array<ByteTable<2>, 3> kTwoBits = {make_table<2>(VoltageCode::kTwosComplement),
                                                  make_table<2>(VoltageCode::kOffsetBinary),
                                                  make_table<2>(VoltageCode::kFourLevel)};
constexpr std::array<ByteTable<4>, 2> kFourBits = {make_table<4>(VoltageCode::kTwosComplement),
                                                   make_table<4>(VoltageCode::kOffsetBinary)};

template <int kBits>
void decode_by_table(const ByteTable<kBits>& table, const std::uint8_t* p, std::int64_t step, float sign0,
                     float sign1, std::int64_t n_byte, float* __restrict v) {
  for (std::int64_t i = 0; i < n_byte; ++i, v += 8 / kBits) {
    const auto& values = table[p[i * step]];
    for (std::size_t m = 0; m < 8 / kBits; m += 2) {
      v[m] = values[m] * sign0;
      v[m + 1] = values[m + 1] * sign1;
    }
  }
}

// Whole bytes of components below 8 bits.
void decode_bytes(const std::uint8_t* p, std::int64_t step, const Coding& coding, std::int64_t k,
                  std::int64_t n_byte, float* v) {
  const float sign0 = coding.sign[k % 2], sign1 = coding.sign[(k + 1) % 2];
  const auto code = static_cast<std::size_t>(coding.code);
  if (coding.n_bits == 2)
    decode_by_table<2>(kTwoBits[code], p, step, sign0, sign1, n_byte, v);
  else
    decode_by_table<4>(kFourBits[code], p, step, sign0, sign1, n_byte, v);
}

// Samples [j, j + n) of which those of a byte lie in it side by side, and bytes `step` apart: what comes
// before the first whole byte and after the last is decoded one by one.
void decode_packed(const Samples& s, std::int64_t step, std::int64_t n_to_byte, const Coding& coding,
                   std::int64_t j, std::int64_t k, std::int64_t n, float* v) {
  const std::int64_t in_byte = 8 / coding.sample_bits();
  const std::int64_t head = std::min(n, n_to_byte), n_byte = (n - head) / in_byte;
  const std::int64_t tail = n - head - n_byte * in_byte, c = coding.n_component;
  const auto some = [&](std::int64_t i, std::int64_t count) {
    if (count > 0)
      decode_any(s.bytes, s.bit(j + i), coding.sample_bits(), coding, k + i * c, count, v + i * c);
  };
  some(0, head);
  if (n_byte > 0)
    decode_bytes(s.bytes + s.bit(j + head) / 8, step, coding, k + head * c, n_byte, v + head * c);
  some(n - tail, tail);
}

// Samples [j, j + n) of one group.
void decode_run(const Samples& s, const Coding& coding, std::int64_t j, std::int64_t k, std::int64_t n,
                float* v) {
  const std::int64_t bit = s.bit(j), step = s.stride / 8;
  const bool is_whole = bit % 8 == 0 && s.stride % 8 == 0;
  if (is_whole && coding.n_bits == 8)
    return decode_whole<std::int8_t>(s.bytes + bit / 8, step, coding, k, n, v);
  if (is_whole && coding.n_bits == 16)
    return decode_whole<std::int16_t>(s.bytes + bit / 8, step, coding, k, n, v);
  if (is_whole && coding.sample_bits() == 8) return decode_bytes(s.bytes + bit / 8, step, coding, k, n, v);
  const bool is_packed = s.stride == coding.sample_bits() && bit % s.stride == 0 && s.stride < 8;
  if (is_packed) return decode_packed(s, 1, (8 - bit % 8) % 8 / s.stride, coding, j, k, n, v);
  decode_any(s.bytes, bit, s.stride, coding, k, n, v);
}

// Each group is one byte, and bytes are at one stride.
bool has_byte_groups(const Samples& s, const Coding& coding) {
  return s.stride == coding.sample_bits() && s.group <= 8 && s.group * s.stride == 8 && s.origin % 8 == 0 &&
         s.group_stride % 8 == 0;
}

// Samples [i, i + n) of the piece to v, of which v[0] is component k of the output.
void decode_piece(const Samples& s, const Coding& coding, std::int64_t j, std::int64_t k, std::int64_t n,
                  float* v) {
  const std::int64_t c = coding.n_component;
  if (has_byte_groups(s, coding))
    return decode_packed(s, s.group_stride / 8, (s.group - j % s.group) % s.group, coding, j, k, n, v);
  for (std::int64_t i = 0; i < n;) {
    const std::int64_t n_run = std::min(n - i, s.group - (j + i) % s.group);
    decode_run(s, coding, j + i, k + i * c, n_run, v + i * c);
    i += n_run;
  }
}

}  // namespace

void check_voltages(const VoltageFormat& format, const VoltageBlock& block) {
  expect(is_known(format), "voltages of {} bits in code {} cannot be unpacked", format.n_bits,
         static_cast<int>(format.code));
  for (const auto& p : block.pieces) {
    check_samples(block, p);
    check_bits(block, p, format.sample_bits());
  }
}

void unpack_voltages(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol,
                     std::int64_t begin, View<float, 1> v) {
  check(format, block, coarse, pol, begin, v);
  const std::int64_t c = format.n_component(), end = begin + v.shape(0) / c;
  const Coding coding = coding_of(format, block.first_sample + begin);
  std::int64_t reached = begin;  // what lies before it is decoded or zero
  for (const auto& p : block.pieces) {
    const std::int64_t from = std::max(begin, p.begin), to = std::min(end, p.end);
    if (from >= to || !p.holds(coarse, pol)) continue;
    if (from > reached) std::fill(v.data() + (reached - begin) * c, v.data() + (from - begin) * c, 0.0F);
    const std::int64_t k = (from - begin) * c;
    decode_piece(samples_of(block, p, coarse, pol), coding, p.first_in_group + from - p.begin, k, to - from,
                 v.data() + k);
    reached = std::max(reached, to);
  }
  std::fill(v.data() + (reached - begin) * c, v.data() + v.shape(0), 0.0F);
}

void unpack_voltages_reference(const VoltageFormat& format, const VoltageBlock& block, int coarse, int pol,
                               std::int64_t begin, View<float, 1> v) {
  check(format, block, coarse, pol, begin, v);
  const std::int64_t n_component = format.n_component();
  for (std::int64_t k = 0; k < v.shape(0); ++k) {
    v[k] = 0.0F;
    const std::int64_t t = begin + k / n_component, m = k % n_component;
    for (const auto& p : block.pieces) {
      if (t < p.begin || t >= p.end || !p.holds(coarse, pol)) continue;
      const std::int64_t j = p.first_in_group + t - p.begin;
      const auto first = static_cast<std::int64_t>(
          origin_of(p, coarse, pol) + Wide{j / p.group_samples} * p.group_stride_bits +
          Wide{j % p.group_samples} * p.sample_stride_bits + m * format.n_bits);
      unsigned bits = 0;
      for (int i = 0; i < format.n_bits; ++i)
        bits |= ((block.bytes((first + i) / 8) >> ((first + i) % 8)) & 1U) << i;
      v[k] = voltage_value(format.code, format.n_bits, bits);
      const bool is_odd = format.is_complex ? m == 1 : (block.first_sample + t) % 2 != 0;
      if (format.is_inverted && is_odd) v[k] = -v[k];
    }
  }
}

std::vector<SampleRange> missing_samples(const VoltageBlock& block, int coarse, int n_pol) {
  expect(coarse >= 0 && n_pol >= 1, "missing samples of coarse channel {}, {} polarisations", coarse, n_pol);
  for (const auto& p : block.pieces) check_samples(block, p);
  std::vector<SampleRange> all, covered;
  for (int pol = 0; pol < n_pol; ++pol) {
    covered.clear();
    for (const auto& p : block.pieces)
      if (p.holds(coarse, pol) && p.begin < p.end) covered.push_back({p.begin, p.end});
    covered.push_back({block.n_time, block.n_time});
    std::ranges::sort(covered, {}, &SampleRange::begin);
    std::int64_t reached = 0;
    for (const auto& [begin, end] : covered) {
      if (begin > reached) all.push_back({reached, begin});
      reached = std::max(reached, end);
    }
  }
  return joined(std::move(all));
}

}  // namespace tianyan
