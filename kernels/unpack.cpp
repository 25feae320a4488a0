// Unpacking on the CPU: spectra are decoded along frequency, where they lie together, then turned in small
// tiles.
#include "kernels/unpack.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/packed_sample.hpp"
#include "kernels/sample_ops.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kTileTime = 32;  // of floats
// Spectra lie a page or more apart: unless they are asked for ahead, each is waited for. More of them than
// this would take each other's places in the caches.
constexpr std::int64_t kAhead = 32;

template <class T>
T load(const std::uint8_t* p, std::int64_t i) {
  T v;
  std::memcpy(&v, p + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return v;
}

// One sample of a spectrum; `i` counts samples from the spectrum's first byte.
float sample_at(const SampleFormat& f, const std::uint8_t* spectrum, std::int64_t i) {
  if (f.is_float) return load<float>(spectrum, i);
  if (f.n_bits == 16)
    return f.is_signed ? static_cast<float>(load<std::int16_t>(spectrum, i))
                       : static_cast<float>(load<std::uint16_t>(spectrum, i));
  if (f.n_bits == 8)
    return f.is_signed ? static_cast<float>(load<std::int8_t>(spectrum, i)) : static_cast<float>(spectrum[i]);
  const std::int64_t bit = i * f.n_bits;
  const int within = static_cast<int>(bit % 8);
  const int shift = f.high_bits_first ? 8 - f.n_bits - within : within;
  return static_cast<float>((spectrum[bit / 8] >> shift) & ((1 << f.n_bits) - 1));
}

template <class T>
void decode_as(const std::uint8_t* spectrum, std::int64_t first, std::int64_t n, float* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(load<T>(spectrum, first + i));
}

// Samples [first, first + n) of a spectrum; whole bytes are plain loops.
void decode(const SampleFormat& f, const std::uint8_t* spectrum, std::int64_t first, std::int64_t n,
            float* out) {
  if (f.is_float) {
    decode_as<float>(spectrum, first, n, out);
  } else if (f.n_bits == 16) {
    f.is_signed ? decode_as<std::int16_t>(spectrum, first, n, out)
                : decode_as<std::uint16_t>(spectrum, first, n, out);
  } else if (f.n_bits == 8) {
    f.is_signed ? decode_as<std::int8_t>(spectrum, first, n, out)
                : decode_as<std::uint8_t>(spectrum, first, n, out);
  } else {
    for (std::int64_t i = 0; i < n; ++i) out[i] = sample_at(f, spectrum, first + i);
  }
}

void calibrate(const UnpackPlan& plan, const CalibrationSpan& span, std::int64_t first, std::int64_t n,
               float* v) {
  const auto zero = static_cast<float>(plan.format.zero_offset);
  if (zero != 0.0F)
    for (std::int64_t i = 0; i < n; ++i) v[i] -= zero;
  if (!span.scale.empty())
    for (std::int64_t i = 0; i < n; ++i) v[i] *= span.scale[static_cast<std::size_t>(first + i)];
  if (!span.offset.empty())
    for (std::int64_t i = 0; i < n; ++i) v[i] += span.offset[static_cast<std::size_t>(first + i)];
}

std::int64_t recorded_index(const UnpackPlan& plan, std::int64_t p, std::int64_t c) {
  return recorded_index(plan.format, plan.n_chan, p, c);
}

// Recorded position of the lowest of n canonical channels from chan_begin, and whether they run backwards.
std::int64_t first_recorded(const UnpackPlan& plan, int chan_begin, std::int64_t n) {
  return plan.format.channels_descending ? plan.n_chan - chan_begin - n : chan_begin;
}

// The spectrum to ask for while t is decoded.
const std::uint8_t* ahead_of(const RawBlock& block, std::int64_t t) {
  return &block.samples(std::min(t + kAhead, block.n_time - 1), 0);
}

// Intensities of at most kTile channels at one time, in recorded order; asks for those of `ahead`.
void decode_spectrum(const UnpackPlan& plan, const CalibrationSpan& span, const std::uint8_t* spectrum,
                     const std::uint8_t* ahead, std::int64_t first, std::int64_t n, float* sum) {
  float one[kTile];
  for (int p = 0; p < plan.n_pol_summed; ++p) {
    const std::int64_t at = std::int64_t{p} * plan.n_chan + first;
    for (std::int64_t byte = at * plan.format.n_bits / 8; byte < (at + n) * plan.format.n_bits / 8;
         byte += 64)
      __builtin_prefetch(ahead + byte);
    float* v = p == 0 ? sum : one;
    decode(plan.format, spectrum, at, n, v);
    calibrate(plan, span, at, n, v);
    if (p > 0)
      for (std::int64_t i = 0; i < n; ++i) sum[i] += one[i];
  }
}

using Float4 = float __attribute__((vector_size(16)));

Float4 load4(const float* p) {
  Float4 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// Four channels at four times, in[i * stride + j], to out[j][i].
void turn_4x4(const float* in, std::int64_t stride, float* const out[4]) {
  const Float4 a = load4(in), b = load4(in + stride), c = load4(in + 2 * stride), d = load4(in + 3 * stride);
  const Float4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
               ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Float4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5),
               cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const Float4 turned[4] = {__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5),
                            __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
                            __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
                            __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
  for (int j = 0; j < 4; ++j) std::memcpy(out[j], &turned[j], sizeof(Float4));
}

// tile [time][n], recorded order -> x [channel][time], canonical order.
void turn_floats(const float* tile, std::int64_t n, std::int64_t n_time, bool descending, View<float, 2> x) {
  const auto row = [&](std::int64_t r) { return &x(descending ? n - 1 - r : r, 0); };
  const std::int64_t n4 = n / 4 * 4, t4 = n_time / 4 * 4;
  for (std::int64_t r = 0; r < n4; r += 4)
    for (std::int64_t t = 0; t < t4; t += 4) {
      float* const out[4] = {row(r) + t, row(r + 1) + t, row(r + 2) + t, row(r + 3) + t};
      turn_4x4(tile + t * n + r, n, out);
    }
  for (std::int64_t r = 0; r < n; ++r)
    for (std::int64_t t = r < n4 ? t4 : 0; t < n_time; ++t) row(r)[t] = tile[t * n + r];
}

template <class T>
void check(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<T, 2> x) {
  expect(chan_begin >= 0 && chan_begin + x.shape(0) <= plan.n_chan, "unpacking channels [{}, {}) of {}",
         chan_begin, chan_begin + x.shape(0), plan.n_chan);
  expect(x.rows_contiguous(), "unpacking needs contiguous rows");
  expect(x.shape(1) == block.n_time, "unpacking {} spectra into {}", block.n_time, x.shape(1));
  const std::int64_t bytes = std::int64_t{plan.n_pol} * plan.n_chan * plan.format.n_bits / 8;
  expect(block.samples.shape(1) == bytes && block.samples.shape(0) >= block.n_time,
         "unpacking spectra of {} bytes from {} x {}", bytes, block.samples.shape(0), block.samples.shape(1));
  expect(!block.spans.empty() && block.spans.front().begin == 0 && block.spans.back().end == block.n_time,
         "calibration spans do not cover a block of {} spectra", block.n_time);
}

template <class T>
void check_integers(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<T, 2> x) {
  check(plan, block, chan_begin, x);
  expect(!plan.format.is_float && plan.format.n_bits <= 8, "unpacking samples of {} bits into small integers",
         plan.format.n_bits);
  expect(sizeof(T) > 1 || plan.n_pol_summed == 1, "unpacking the sum of {} polarisations into bytes",
         plan.n_pol_summed);
}

// body(first recorded channel, its rows) over at most kTile channels at a time.
template <class T, class Body>
void for_blocks(const UnpackPlan& plan, int chan_begin, View<T, 2> x, const Body& body) {
  for (std::int64_t c = 0; c < x.shape(0); c += kTile) {
    const std::int64_t n = std::min(kTile, x.shape(0) - c);
    body(first_recorded(plan, static_cast<int>(chan_begin + c), n), x.slice(0, c, c + n));
  }
}

// kTile samples from `first` of a spectrum, counted from the lowest of the format; only n of them exist.
// Where they lie so in the spectrum, there; otherwise in `line`.
const std::uint8_t* decode_bytes(const UnpackPlan& plan, const std::uint8_t* spectrum, std::int64_t first,
                                 std::int64_t n, std::uint8_t* line) {
  const auto& f = plan.format;
  const int per_byte = 8 / f.n_bits;
  if (f.n_bits == 8 && !f.is_signed && n == kTile) return spectrum + first;
  if (f.n_bits == 8) {
    const std::uint8_t flip = f.is_signed ? 0x80 : 0;
    for (std::int64_t i = 0; i < n; ++i) line[i] = spectrum[first + i] ^ flip;
  } else if (first % per_byte == 0 && n == kTile) {
    const std::uint8_t* in = spectrum + first / per_byte;
    for (std::int64_t i = 0; i < kTile; i += per_byte)
      std::memcpy(line + i, plan.bytes[*in++].data(), 8);  // what is too much is overwritten
  } else {
    for (std::int64_t i = 0; i < n; ++i) line[i] = load_small(f, spectrum, first + i);
  }
  return line;
}

// Spectra [t, t + n_time) of one polarisation, turned: out[r * stride + i] is recorded channel first + r.
void turn_spectra(const UnpackPlan& plan, const RawBlock& block, std::int64_t t, std::int64_t n_time,
                  std::int64_t first, std::int64_t n, std::uint8_t* out, std::int64_t stride) {
  alignas(64) std::uint8_t tile[kTile * kTile], line[kTile + 8] = {};
  for (std::int64_t i = 0; i < n_time; ++i) {
    const std::uint8_t* ahead = ahead_of(block, t + i);
    __builtin_prefetch(ahead + first * plan.format.n_bits / 8);
    __builtin_prefetch(ahead + ((first + n) * plan.format.n_bits - 1) / 8);
    const std::uint8_t* in = decode_bytes(plan, &block.samples(t + i, 0), first, n, line);
    for (std::int64_t c = 0; c < kTile; c += 16) std::memcpy(tile + tile_index(c, i), in + c, 16);
  }
  turn_tile(tile, out, stride);
}

// The turned tiles of the polarisations, [recorded channel][time] -> rows, canonical order.
void write_rows(const std::uint8_t (*turned)[kTile * kTile], bool descending, View<std::uint8_t, 2> rows) {
  const std::int64_t n = rows.shape(0);
  for (std::int64_t r = 0; r < n; ++r)
    std::memcpy(&rows(descending ? n - 1 - r : r, 0), turned[0] + r * kTile,
                static_cast<std::size_t>(rows.shape(1)));
}
void write_rows(const std::uint8_t (*turned)[kTile * kTile], bool descending, View<std::int16_t, 2> rows) {
  const std::int64_t n = rows.shape(0), stride = rows.stride(0);
  add_tiles(turned[0], turned[1], n, rows.shape(1), &rows(descending ? n - 1 : 0, 0),
            descending ? -stride : stride);
}

template <class T>
void unpack_integers(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<T, 2> x) {
  check_integers(plan, block, chan_begin, x);
  const bool descending = plan.format.channels_descending;
  for_blocks(plan, chan_begin, x, [&](std::int64_t first, View<T, 2> rows) {
    alignas(64) std::uint8_t turned[2][kTile * kTile] = {};
    for (std::int64_t t = 0; t < block.n_time; t += kTile) {
      const std::int64_t n_time = std::min(kTile, block.n_time - t), stride = rows.stride(0);
      if constexpr (sizeof(T) == 1)
        if (n_time == kTile && rows.shape(0) == kTile) {
          turn_spectra(plan, block, t, kTile, first, kTile, descending ? &rows(kTile - 1, t) : &rows(0, t),
                       descending ? -stride : stride);
          continue;
        }
      for (int p = 0; p < plan.n_pol_summed; ++p)
        turn_spectra(plan, block, t, n_time, p * plan.n_chan + first, rows.shape(0), turned[p], kTile);
      write_rows(turned, descending, rows.slice(1, t, t + n_time));
    }
  });
}

// What each byte of packed samples holds.
std::array<std::array<std::uint8_t, 8>, 256> bytes_of(const SampleFormat& f) {
  std::array<std::array<std::uint8_t, 8>, 256> bytes{};
  for (std::size_t v = 0; v < 256 && f.n_bits < 8; ++v) {
    const std::uint8_t packed[8] = {static_cast<std::uint8_t>(v)};
    for (int i = 0; i < 8 / f.n_bits; ++i) bytes[v][static_cast<std::size_t>(i)] = load_small(f, packed, i);
  }
  return bytes;
}

}  // namespace

UnpackPlan make_unpack_plan(const StreamInfo& info, const SampleFormat& format) {
  try {
    check_header(info, format, "unpack");
  } catch (
      const std::runtime_error& e) {  // files were checked when they were opened: here the caller is wrong
    throw std::invalid_argument(e.what());
  }
  const bool two = format.pol_kind == PolKind::kAaBb || format.pol_kind == PolKind::kCoherence;
  return {format, info.n_chan, info.n_pol, two ? 2 : 1, bytes_of(format)};
}

void unpack(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<float, 2> x) {
  check(plan, block, chan_begin, x);
  for_blocks(plan, chan_begin, x, [&](std::int64_t first, View<float, 2> rows) {
    float tile[kTileTime * kTile];
    const std::int64_t n = rows.shape(0);
    std::size_t s = 0;
    for (std::int64_t t = 0; t < block.n_time; t += kTileTime) {
      const std::int64_t n_time = std::min(kTileTime, block.n_time - t);
      for (std::int64_t i = 0; i < n_time; ++i) {
        while (block.spans[s].end <= t + i) ++s;
        decode_spectrum(plan, block.spans[s], &block.samples(t + i, 0), ahead_of(block, t + i), first, n,
                        tile + i * n);
      }
      turn_floats(tile, n, n_time, plan.format.channels_descending, rows.slice(1, t, t + n_time));
    }
  });
}

void unpack(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<std::uint8_t, 2> x) {
  unpack_integers(plan, block, chan_begin, x);
}

void unpack(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<std::int16_t, 2> x) {
  unpack_integers(plan, block, chan_begin, x);
}

void unpack_reference(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<float, 2> x) {
  check(plan, block, chan_begin, x);
  const auto& f = plan.format;
  for (const auto& span : block.spans)
    for (std::int64_t t = span.begin; t < span.end; ++t)
      for (std::int64_t c = 0; c < x.shape(0); ++c) {
        float sum = 0.0F;
        for (int p = 0; p < plan.n_pol_summed; ++p) {
          const auto at = static_cast<std::size_t>(recorded_index(plan, p, chan_begin + c));
          float v = sample_at(f, &block.samples(t, 0), static_cast<std::int64_t>(at));
          v -= static_cast<float>(f.zero_offset);
          if (!span.scale.empty()) v *= span.scale[at];
          if (!span.offset.empty()) v += span.offset[at];
          sum += v;
        }
        x(c, t) = sum;
      }
}

void unpack_reference(const UnpackPlan& plan, const RawBlock& block, int chan_begin,
                      View<std::int16_t, 2> x) {
  check_integers(plan, block, chan_begin, x);
  for (std::int64_t t = 0; t < block.n_time; ++t)
    for (std::int64_t c = 0; c < x.shape(0); ++c) {
      int sum = 0;
      for (int p = 0; p < plan.n_pol_summed; ++p)
        sum += load_small(plan.format, &block.samples(t, 0), recorded_index(plan, p, chan_begin + c));
      x(c, t) = static_cast<std::int16_t>(sum);
    }
}

void RowCalibration::check(int n_chan) const {
  expect(std::ssize(scale) == n_chan && std::ssize(offset) == n_chan,
         "calibrations of {} and {} channels for {}", scale.size(), offset.size(), n_chan);
}

std::optional<RowCalibration> row_calibration(const UnpackPlan& plan, const RawBlock& block) {
  const auto& f = plan.format;
  if (f.is_float || f.n_bits > 8) return std::nullopt;
  const CalibrationSpan* only = nullptr;
  for (const auto& span : block.spans) {
    if (span.missing) continue;
    if (only == nullptr) only = &span;
    if (span.scale != only->scale || span.offset != only->offset) return std::nullopt;
  }
  const auto n_chan = static_cast<std::size_t>(plan.n_chan);
  RowCalibration rows{std::vector<double>(n_chan, 1.0), std::vector<double>(n_chan, 0.0)};
  for (std::size_t c = 0; c < n_chan; ++c)
    for (int p = 0; p < plan.n_pol_summed; ++p) {
      const auto at = static_cast<std::size_t>(recorded_index(plan, p, static_cast<std::int64_t>(c)));
      const double scale = only == nullptr || only->scale.empty() ? 1.0 : double{only->scale[at]};
      if (p > 0 && scale != rows.scale[c]) return std::nullopt;
      rows.scale[c] = scale;
      rows.offset[c] += only == nullptr || only->offset.empty() ? 0.0 : double{only->offset[at]};
      rows.offset[c] -= scale * (f.zero_offset + (f.is_signed ? 128.0 : 0.0));
    }
  return rows;
}

SpanWeights unpack_weights(const UnpackPlan& plan, const RawBlock& block) {
  SpanWeights w;
  w.n_chan = plan.n_chan;
  w.begin.push_back(0);
  std::vector<std::uint8_t> row(static_cast<std::size_t>(plan.n_chan));
  for (const auto& span : block.spans) {
    std::fill(row.begin(), row.end(), static_cast<std::uint8_t>(span.missing ? 0 : 1));
    if (!span.missing && !span.weight.empty())
      for (int c = 0; c < plan.n_chan; ++c)
        row[static_cast<std::size_t>(c)] =
            span.weight[static_cast<std::size_t>(recorded_index(plan, 0, c))] > 0.0F;
    if (span.end > span.begin) w.append(span.end - span.begin, row.data());
  }
  return w;
}

}  // namespace tianyan
