// Adding to packed samples, one by one: pulses cover few of them.
#include "kernels/add_intensity.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/base/random.hpp"
#include "kernels/packed_sample.hpp"

namespace tianyan {
namespace {

struct Codes {
  std::int64_t low, high;
};
Codes codes_of(const SampleFormat& f) {
  const std::int64_t n = std::int64_t{1} << f.n_bits;
  return f.is_signed ? Codes{-n / 2, n / 2 - 1} : Codes{0, n - 1};
}

double uniform(std::uint64_t row, std::uint64_t column) {
  std::uint64_t state = row + column;
  return static_cast<double>(splitmix64(state) >> 11) * 0x1p-53;
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
        save_sample<float>(spectrum, i, load_sample<float>(spectrum, i) + d);
        continue;
      }
      const double u = uniform(row, static_cast<std::uint64_t>(std::int64_t{p} * plan.n_chan + c));
      const double step = std::clamp(std::floor(d + u), -65536.0, 65536.0);
      const std::int64_t v = load_integer(plan.format, plan.format.is_signed, spectrum, i);
      save_integer(plan.format, spectrum, i,
                   static_cast<std::int32_t>(std::clamp(v + static_cast<std::int64_t>(step), low, high)));
    }
}

std::int64_t count_full(const UnpackPlan& plan, const RawBlock& block, View<std::int64_t, 1> count) {
  expect(!plan.format.is_float && count.shape(0) == plan.n_chan, "full codes of {} channels into {}",
         plan.n_chan, count.shape(0));
  const std::int64_t high = codes_of(plan.format).high;
  std::int64_t n = 0;
  for (const auto& span : block.spans)
    for (auto t = span.begin; t < span.end && !span.missing; ++t, n += plan.n_pol_summed)
      for (int p = 0; p < plan.n_pol_summed; ++p)
        for (std::int64_t c = 0; c < plan.n_chan; ++c)
          count[c] += load_integer(plan.format, plan.format.is_signed, &block.samples(t, 0),
                                   recorded_index(plan, p, c)) == high
                          ? 1
                          : 0;
  return n;
}

}  // namespace tianyan
