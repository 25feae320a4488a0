// Normalisation and downsampling on the CPU.
#include "kernels/quantise.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/row_ops.hpp"

namespace tianyan {
namespace {

bool usable(float mean, float sigma) { return std::isfinite(mean) && std::isfinite(sigma) && sigma > 0.0F; }

std::int8_t halve(int a, int b, int shift) {
  const int sum = a + b;
  const int half = shift == 0 ? sum : (sum + ((sum >> 1) & 1)) >> 1;  // ties to even
  return static_cast<std::int8_t>(std::min(std::max(half, -127), 127));
}

void check_normalise(View<const float, 2> x, View<const float, 1> mean, View<const float, 1> sigma,
                     const SpanWeights& w, int chan_begin, View<std::int8_t, 2> q) {
  expect(q.shape() == x.shape(), "normalising {} x {} samples into {} x {}", x.shape(0), x.shape(1),
         q.shape(0), q.shape(1));
  expect(mean.shape(0) == x.shape(0) && sigma.shape(0) == x.shape(0),
         "normalising {} channels by {} means, {} sigmas", x.shape(0), mean.shape(0), sigma.shape(0));
  expect(chan_begin >= 0 && chan_begin + x.shape(0) <= w.n_chan, "normalising channels [{}, {}) of {}",
         chan_begin, chan_begin + x.shape(0), w.n_chan);
  expect(w.n_span() >= 1 && w.begin.back() == x.shape(1), "weights over {} samples for {}", w.begin.back(),
         x.shape(1));
  expect(x.rows_contiguous() && q.rows_contiguous(), "normalising needs contiguous rows");
}

void check_downsample(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse) {
  expect(fine.shape(0) == coarse.shape(0) && fine.shape(1) == 2 * coarse.shape(1),
         "downsampling {} x {} samples into {} x {}", fine.shape(0), fine.shape(1), coarse.shape(0),
         coarse.shape(1));
  expect(shift == 0 || shift == 1, "downsampling with a shift of {}; 0 or 1 are possible", shift);
  expect(fine.rows_contiguous() && coarse.rows_contiguous(), "downsampling needs contiguous rows");
}

}  // namespace

QuantLevels next_octave(const QuantLevels& fine) {
  QuantLevels coarse;
  const double sum = 2.0 * fine.variance;
  coarse.shift = sum > 66.0 ? 1 : 0;
  // An integer sum is even or odd with equal chance; halving an odd one is off by half a level: 1/8 on
  // average.
  coarse.variance = coarse.shift == 0 ? sum : sum / 4.0 + 0.125;
  coarse.noise_added = fine.noise_added + (coarse.shift == 0 ? 0.0 : 0.125 / (sum / 4.0));
  coarse.max_abs = std::min(127, (2 * fine.max_abs) >> coarse.shift);
  return coarse;
}

void normalise(View<const float, 2> x, View<const float, 1> mean, View<const float, 1> sigma,
               const SpanWeights& w, int chan_begin, View<std::int8_t, 2> q) {
  check_normalise(x, mean, sigma, w, chan_begin, q);
  for (std::int64_t i = 0; i < x.shape(0); ++i)
    for (int s = 0; s < w.n_span(); ++s) {
      const auto begin = w.begin[static_cast<std::size_t>(s)], end = w.begin[static_cast<std::size_t>(s) + 1];
      std::int8_t* out = q[i].data();
      if (w.row(s)[chan_begin + i] == 0 || !usable(mean[i], sigma[i])) {
        std::fill(out + begin, out + end, std::int8_t{0});
        continue;
      }
      quantise_row(x[i].data() + begin, end - begin, mean[i], kQuantSigma / sigma[i],
                   static_cast<float>(kQuantClip), out + begin);
    }
}

void normalise_reference(View<const float, 2> x, View<const float, 1> mean, View<const float, 1> sigma,
                         const SpanWeights& w, int chan_begin, View<std::int8_t, 2> q) {
  check_normalise(x, mean, sigma, w, chan_begin, q);
  for (std::int64_t i = 0; i < x.shape(0); ++i)
    for (int s = 0; s < w.n_span(); ++s)
      for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1]; ++t) {
        const bool good = w.row(s)[chan_begin + i] != 0 && usable(mean[i], sigma[i]);
        const float v = good ? std::nearbyint((x(i, t) - mean[i]) * (kQuantSigma / sigma[i])) : 0.0F;
        q(i, t) = static_cast<std::int8_t>(std::clamp(v, -float{kQuantClip}, float{kQuantClip}));
      }
}

void downsample(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse) {
  check_downsample(fine, shift, coarse);
  for (std::int64_t c = 0; c < coarse.shape(0); ++c) {
    const std::int8_t* in = fine[c].data();
    std::int8_t* out = coarse[c].data();
    const std::int64_t n = coarse.shape(1);
    if (shift == 0)
      for (std::int64_t t = 0; t < n; ++t) out[t] = halve(in[2 * t], in[2 * t + 1], 0);
    else
      for (std::int64_t t = 0; t < n; ++t) out[t] = halve(in[2 * t], in[2 * t + 1], 1);
  }
}

void downsample_reference(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse) {
  check_downsample(fine, shift, coarse);
  for (std::int64_t c = 0; c < coarse.shape(0); ++c)
    for (std::int64_t t = 0; t < coarse.shape(1); ++t) {
      const double v = (fine(c, 2 * t) + fine(c, 2 * t + 1)) / (shift == 0 ? 1.0 : 2.0);
      coarse(c, t) = static_cast<std::int8_t>(std::clamp(std::nearbyint(v), -127.0, 127.0));
    }
}

}  // namespace tianyan
