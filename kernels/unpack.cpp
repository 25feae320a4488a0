// Unpacking on the CPU: spectra are decoded along frequency, where they lie together, then turned in small
// tiles.
#include "kernels/unpack.hpp"

#include <algorithm>
#include <cstring>

namespace tianyan {
namespace {

constexpr std::int64_t kTileTime = 32;

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

// Samples [first, first + n) of a spectrum. The common case is a plain loop over bytes.
void decode(const SampleFormat& f, const std::uint8_t* spectrum, std::int64_t first, std::int64_t n,
            float* out) {
  if (f.n_bits == 8 && !f.is_signed) {
    const std::uint8_t* p = spectrum + first;
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(p[i]);
  } else if (f.is_float) {
    std::memcpy(out, spectrum + first * 4, static_cast<std::size_t>(n) * 4);
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

// Recorded position of the lowest of n canonical channels from chan_begin, and whether they run backwards.
std::int64_t first_recorded(const UnpackPlan& plan, int chan_begin, std::int64_t n) {
  return plan.format.channels_descending ? plan.n_chan - chan_begin - n : chan_begin;
}

// Intensities of the channels at one time, in recorded order.
void decode_spectrum(const UnpackPlan& plan, const CalibrationSpan& span, const std::uint8_t* spectrum,
                     std::int64_t first, std::int64_t n, float* sum, float* one) {
  for (int p = 0; p < plan.n_pol_summed; ++p) {
    const std::int64_t at = std::int64_t{p} * plan.n_chan + first;
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
void turn_tile(const float* tile, std::int64_t n, std::int64_t n_time, bool descending, View<float, 2> x) {
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

void check(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<float, 2> x) {
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

}  // namespace

UnpackPlan make_unpack_plan(const StreamInfo& info, const SampleFormat& format) {
  try {
    check_header(info, format, "unpack");
  } catch (
      const std::runtime_error& e) {  // files were checked when they were opened: here the caller is wrong
    throw std::invalid_argument(e.what());
  }
  const bool two = format.pol_kind == PolKind::kAaBb || format.pol_kind == PolKind::kCoherence;
  return {format, info.n_chan, info.n_pol, two ? 2 : 1};
}

std::int64_t unpack_scratch_floats(std::int64_t n_channels) { return (kTileTime + 1) * n_channels; }

void unpack(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<float, 2> x,
            View<float, 1> scratch) {
  check(plan, block, chan_begin, x);
  const std::int64_t n = x.shape(0), first = first_recorded(plan, chan_begin, n);
  expect(scratch.shape(0) >= unpack_scratch_floats(n), "unpack scratch of {} floats; {} needed",
         scratch.shape(0), unpack_scratch_floats(n));
  float* tile = scratch.data();
  float* one = tile + kTileTime * n;
  const std::int64_t byte_begin = first * plan.format.n_bits / 8,
                     byte_end = (first + n) * plan.format.n_bits / 8;
  std::size_t s = 0;
  for (std::int64_t t = 0; t < block.n_time; t += kTileTime) {
    const std::int64_t n_time = std::min(kTileTime, block.n_time - t);
    // Spectra lie a page or more apart: unless they are asked for ahead, each is waited for.
    for (std::int64_t i = t + kTileTime; i < std::min(t + 2 * kTileTime, block.n_time); ++i)
      for (std::int64_t byte = byte_begin; byte < byte_end; byte += 64)
        __builtin_prefetch(&block.samples(i, byte));
    for (std::int64_t i = 0; i < n_time; ++i) {
      while (block.spans[s].end <= t + i) ++s;
      decode_spectrum(plan, block.spans[s], &block.samples(t + i, 0), first, n, tile + i * n, one);
    }
    turn_tile(tile, n, n_time, plan.format.channels_descending, x.slice(1, t, t + n_time));
  }
}

void unpack_reference(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<float, 2> x) {
  check(plan, block, chan_begin, x);
  const auto& f = plan.format;
  for (const auto& span : block.spans)
    for (std::int64_t t = span.begin; t < span.end; ++t)
      for (std::int64_t c = 0; c < x.shape(0); ++c) {
        float sum = 0.0F;
        for (int p = 0; p < plan.n_pol_summed; ++p) {
          const std::int64_t r = f.channels_descending ? plan.n_chan - 1 - (chan_begin + c) : chan_begin + c;
          const auto at = static_cast<std::size_t>(std::int64_t{p} * plan.n_chan + r);
          float v = sample_at(f, &block.samples(t, 0), static_cast<std::int64_t>(at));
          v -= static_cast<float>(f.zero_offset);
          if (!span.scale.empty()) v *= span.scale[at];
          if (!span.offset.empty()) v += span.offset[at];
          sum += v;
        }
        x(c, t) = sum;
      }
}

SpanWeights unpack_weights(const UnpackPlan& plan, const RawBlock& block) {
  SpanWeights w;
  w.n_chan = plan.n_chan;
  w.begin.push_back(0);
  std::vector<std::uint8_t> row(static_cast<std::size_t>(plan.n_chan));
  for (const auto& span : block.spans) {
    std::fill(row.begin(), row.end(), static_cast<std::uint8_t>(span.missing ? 0 : 1));
    if (!span.missing && !span.weight.empty())
      for (int c = 0; c < plan.n_chan; ++c) {
        const int r = plan.format.channels_descending ? plan.n_chan - 1 - c : c;
        row[static_cast<std::size_t>(c)] = span.weight[static_cast<std::size_t>(r)] > 0.0F;
      }
    if (w.n_span() > 0 && std::equal(row.begin(), row.end(), w.row(w.n_span() - 1))) {
      w.begin.back() = span.end;
    } else {
      w.good.insert(w.good.end(), row.begin(), row.end());
      w.begin.push_back(span.end);
    }
  }
  return w;
}

}  // namespace tianyan
