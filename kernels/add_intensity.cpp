// Adding to packed samples, one by one: pulses cover few of them.
#include "kernels/add_intensity.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/base/random.hpp"

namespace tianyan {
namespace {

struct Codes {
  std::int64_t low, high;
};
Codes codes_of(const SampleFormat& f) {
  const std::int64_t n = std::int64_t{1} << f.n_bits;
  return f.is_signed ? Codes{-n / 2, n / 2 - 1} : Codes{0, n - 1};
}

int shift_of(const SampleFormat& f, std::int64_t i) {
  const int within = static_cast<int>(i * f.n_bits % 8);
  return f.high_bits_first ? 8 - f.n_bits - within : within;
}

template <class T, class Change>
void change_as(std::uint8_t* spectrum, std::int64_t i, const Change& change) {
  T v;
  std::memcpy(&v, spectrum + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  v = static_cast<T>(change(std::int64_t{v}));
  std::memcpy(spectrum + i * static_cast<std::int64_t>(sizeof(T)), &v, sizeof(T));
}

// Integer sample i of a spectrum becomes change(sample).
template <class Change>
void change_integer(const SampleFormat& f, std::uint8_t* spectrum, std::int64_t i, const Change& change) {
  if (f.n_bits == 16)
    return f.is_signed ? change_as<std::int16_t>(spectrum, i, change)
                       : change_as<std::uint16_t>(spectrum, i, change);
  if (f.n_bits == 8)
    return f.is_signed ? change_as<std::int8_t>(spectrum, i, change)
                       : change_as<std::uint8_t>(spectrum, i, change);
  std::uint8_t& byte = spectrum[i * f.n_bits / 8];
  const int shift = shift_of(f, i), mask = (1 << f.n_bits) - 1;
  const auto v = static_cast<int>(change(std::int64_t{(byte >> shift) & mask}));
  byte = static_cast<std::uint8_t>((byte & ~(mask << shift)) | v << shift);
}

double uniform(std::uint64_t row, std::uint64_t column) {
  std::uint64_t state = row + column;
  return static_cast<double>(splitmix64(state) >> 11) * 0x1p-53;
}

void add_float(std::uint8_t* spectrum, std::int64_t i, double d) {
  float v;
  std::memcpy(&v, spectrum + i * 4, 4);
  v = static_cast<float>(v + d);
  std::memcpy(spectrum + i * 4, &v, 4);
}

std::int64_t recorded_index(const UnpackPlan& plan, std::int64_t p, std::int64_t c) {
  return p * plan.n_chan + (plan.format.channels_descending ? plan.n_chan - 1 - c : c);
}

}  // namespace

void add_intensity(const UnpackPlan& plan, const CalibrationSpan& span, std::uint64_t seed,
                   std::int64_t sample, int chan_begin, View<const float, 1> lift, std::uint8_t* spectrum) {
  expect(chan_begin >= 0 && chan_begin + lift.shape(0) <= plan.n_chan,
         "intensity for channels [{}, {}) of {}", chan_begin, chan_begin + lift.shape(0), plan.n_chan);
  const auto [low, high] = codes_of(plan.format);
  std::uint64_t row = seed ^ static_cast<std::uint64_t>(sample);
  row = splitmix64(row);
  for (int p = 0; p < plan.n_pol_summed; ++p)
    for (std::int64_t k = 0; k < lift.shape(0); ++k) {
      if (lift[k] == 0.0F) continue;
      const std::int64_t c = chan_begin + k, i = recorded_index(plan, p, c);
      const double scale = span.scale.empty() ? 1.0 : double{span.scale[static_cast<std::size_t>(i)]};
      if (scale == 0.0) continue;
      const double d = lift[k] / (plan.n_pol_summed * scale);
      if (plan.format.is_float) {
        add_float(spectrum, i, d);
        continue;
      }
      const double u = uniform(row, static_cast<std::uint64_t>(std::int64_t{p} * plan.n_chan + c));
      const double step = std::clamp(std::floor(d + u), -65536.0, 65536.0);
      change_integer(plan.format, spectrum, i, [&, lo = low, hi = high](std::int64_t v) {
        return std::clamp(v + static_cast<std::int64_t>(step), lo, hi);
      });
    }
}

std::int64_t count_full(const UnpackPlan& plan, const RawBlock& block, View<std::int64_t, 1> count) {
  expect(!plan.format.is_float && count.shape(0) == plan.n_chan, "full codes of {} channels into {}",
         plan.n_chan, count.shape(0));
  const std::int64_t high = codes_of(plan.format).high;
  std::int64_t n = 0;
  std::vector<std::uint8_t> spectrum(static_cast<std::size_t>(block.samples.shape(1)));
  for (const auto& span : block.spans)
    for (auto t = span.begin; t < span.end && !span.missing; ++t, n += plan.n_pol_summed) {
      std::copy_n(&block.samples(t, 0), spectrum.size(), spectrum.data());
      for (int p = 0; p < plan.n_pol_summed; ++p)
        for (std::int64_t c = 0; c < plan.n_chan; ++c)
          change_integer(plan.format, spectrum.data(), recorded_index(plan, p, c), [&](std::int64_t v) {
            count[c] += v == high ? 1 : 0;
            return v;
          });
    }
  return n;
}

}  // namespace tianyan
