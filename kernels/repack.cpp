// Repacking on the CPU: whole bytes where the layouts allow, sample by sample elsewhere.
#include "kernels/repack.hpp"

#include <algorithm>
#include <array>

#include "kernels/packed_sample.hpp"

namespace tianyan {
namespace {

bool is_signed_pol(const SampleFormat& f, int p) {
  if (f.n_bits < 8 || f.is_float) return false;
  return f.is_signed || (f.pol_kind == PolKind::kCoherence && p >= 2) ||
         (f.pol_kind == PolKind::kStokes && p >= 1);
}

int pols_of(PolKind kind) { return kind == PolKind::kIntensity ? 1 : kind == PolKind::kAaBb ? 2 : 4; }

// An integer, as whatever the format holds.
void save_as(const SampleFormat& f, std::uint8_t* spectrum, std::int64_t i, std::int32_t value) {
  if (f.is_float)
    save_sample<float>(spectrum, i, value);
  else
    save_integer(f, spectrum, i, value);
}

void check_repack(const SampleFormat& from, const SampleFormat& to, int n_pol, int n_chan,
                  const View<const std::uint8_t, 2>& in, const View<std::uint8_t, 2>& out) {
  expect(holds_exactly(from, to), "repack: samples of {} bits do not fit a format of {} bits exactly",
         from.n_bits, to.n_bits);
  const std::int64_t n = std::int64_t{n_pol} * n_chan;
  expect(n_pol == pols_of(from.pol_kind), "repack: {} polarisations for a format of {}", n_pol,
         pols_of(from.pol_kind));
  expect(n * from.n_bits % 8 == 0 && in.shape(1) == n * from.n_bits / 8,
         "repack: in has rows of {} bytes, not {} x {} bits", in.shape(1), n, from.n_bits);
  expect(n * to.n_bits % 8 == 0 && out.shape(1) == n * to.n_bits / 8,
         "repack: out has rows of {} bytes, not {} x {} bits", out.shape(1), n, to.n_bits);
  expect(in.shape(0) == out.shape(0), "repack: {} spectra in, {} out", in.shape(0), out.shape(0));
  expect(in.rows_contiguous() && out.rows_contiguous(), "repack: rows must be contiguous");
}

/// Byte -> the byte with its samples of n_bits in the opposite order.
std::array<std::uint8_t, 256> bit_order_table(int n_bits) {
  std::array<std::uint8_t, 256> table{};
  const int mask = (1 << n_bits) - 1;
  for (int byte = 0; byte < 256; ++byte)
    for (int bit = 0; bit < 8; bit += n_bits)
      table[byte] = static_cast<std::uint8_t>(table[byte] | ((byte >> bit) & mask) << (8 - n_bits - bit));
  return table;
}

void repack_spectrum(const SampleFormat& from, const SampleFormat& to, int n_pol, int n_chan,
                     const std::uint8_t* in, std::uint8_t* out) {
  const bool turned = from.channels_descending != to.channels_descending;
  for (int p = 0; p < n_pol; ++p) {
    const bool is_signed = is_signed_pol(from, p);
    for (int r = 0; r < n_chan; ++r) {
      const std::int64_t i = std::int64_t{p} * n_chan + r;
      const std::int64_t j = std::int64_t{p} * n_chan + (turned ? n_chan - 1 - r : r);
      if (from.is_float)
        save_sample<float>(out, j, load_sample<float>(in, i));
      else
        save_as(to, out, j, load_integer(from, is_signed, in, i));
    }
  }
}

const CalibrationSpan& span_at(const RawBlock& block, std::int64_t t) {
  for (const CalibrationSpan& span : block.spans)
    if (span.begin <= t && t < span.end) return span;
  throw std::invalid_argument(fmt::format("to_values: no span covers spectrum {} of {}", t, block.n_time));
}

}  // namespace

bool holds_exactly(const SampleFormat& from, const SampleFormat& to) {
  if (from.pol_kind != to.pol_kind) return false;
  if (from.is_float || to.is_float) return to.is_float;
  for (int p = 0; p < pols_of(from.pol_kind); ++p) {
    const bool from_signed = is_signed_pol(from, p), to_signed = is_signed_pol(to, p);
    if (from_signed && !to_signed) return false;
    if (to.n_bits < from.n_bits + (to_signed && !from_signed ? 1 : 0)) return false;
  }
  return true;
}

void repack(const SampleFormat& from, const SampleFormat& to, int n_pol, int n_chan,
            View<const std::uint8_t, 2> in, View<std::uint8_t, 2> out) {
  check_repack(from, to, n_pol, n_chan, in, out);
  const bool same_bytes = from.n_bits == to.n_bits && from.is_float == to.is_float &&
                          from.channels_descending == to.channels_descending;
  const bool same_bits = from.n_bits >= 8 || from.high_bits_first == to.high_bits_first;
  if (!same_bytes) return repack_reference(from, to, n_pol, n_chan, in, out);
  const auto table = bit_order_table(same_bits ? 8 : from.n_bits);
  for (std::int64_t t = 0; t < in.shape(0); ++t) {
    const std::uint8_t* row = &in(t, 0);
    if (same_bits)
      std::copy_n(row, in.shape(1), &out(t, 0));
    else
      std::transform(row, row + in.shape(1), &out(t, 0), [&table](std::uint8_t byte) { return table[byte]; });
  }
}

void repack_reference(const SampleFormat& from, const SampleFormat& to, int n_pol, int n_chan,
                      View<const std::uint8_t, 2> in, View<std::uint8_t, 2> out) {
  check_repack(from, to, n_pol, n_chan, in, out);
  for (std::int64_t t = 0; t < in.shape(0); ++t) {
    std::fill_n(&out(t, 0), out.shape(1), std::uint8_t{0});
    repack_spectrum(from, to, n_pol, n_chan, &in(t, 0), &out(t, 0));
  }
}

std::int64_t to_values(const SampleFormat& format, int n_pol, int n_chan, const RawBlock& block,
                       View<float, 2> out) {
  const std::int64_t n = std::int64_t{n_pol} * n_chan;
  expect(out.shape(0) == block.n_time && out.shape(1) == n, "to_values: out is {} x {}, not {} x {}",
         out.shape(0), out.shape(1), block.n_time, n);
  std::int64_t n_flagged = 0;
  for (std::int64_t t = 0; t < block.n_time; ++t) {
    const CalibrationSpan& span = span_at(block, t);
    const std::uint8_t* spectrum = &block.samples(t, 0);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const bool good =
          !span.missing && (span.weight.empty() || span.weight[static_cast<std::size_t>(i % n_chan)] != 0.0F);
      float v = format.is_float
                    ? load_sample<float>(spectrum, i)
                    : static_cast<float>(load_integer(
                          format, is_signed_pol(format, static_cast<int>(i / n_chan)), spectrum, i));
      v -= static_cast<float>(format.zero_offset);
      if (!span.scale.empty()) v *= span.scale[at];
      if (!span.offset.empty()) v += span.offset[at];
      out(t, i) = good ? v : 0.0F;
      n_flagged += good ? 0 : 1;
    }
  }
  return n_flagged;
}

}  // namespace tianyan
