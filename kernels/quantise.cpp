// Normalisation and downsampling on the CPU.
#include "kernels/quantise.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/level_ops.hpp"
#include "kernels/sample_ops.hpp"

namespace tianyan {
namespace {

// Levels of integer rows whose statistics are calibrated.
auto calibrated_levels(const RowCalibration& calibration, View<const float, 1> mean,
                       View<const float, 1> sigma, const SpanWeights& w, int chan_begin) {
  calibration.check(w.n_chan);
  return [&calibration, mean, sigma, chan_begin](std::int64_t i) {
    const auto c = static_cast<std::size_t>(chan_begin + i);
    return level_scale(mean[i], sigma[i], calibration.scale[c], calibration.offset[c]);
  };
}

template <class T>
void check_normalise(View<const T, 2> x, View<const float, 1> mean, View<const float, 1> sigma,
                     const SpanWeights& w, int chan_begin, const SharedWave& shared, View<std::int8_t, 2> q) {
  expect(q.shape() == x.shape(), "normalising {} x {} samples into {} x {}", x.shape(0), x.shape(1),
         q.shape(0), q.shape(1));
  expect(mean.shape(0) == x.shape(0) && sigma.shape(0) == x.shape(0),
         "normalising {} channels by {} means, {} sigmas", x.shape(0), mean.shape(0), sigma.shape(0));
  expect(chan_begin >= 0 && chan_begin + x.shape(0) <= w.n_chan, "normalising channels [{}, {}) of {}",
         chan_begin, chan_begin + x.shape(0), w.n_chan);
  expect(w.n_span() >= 1 && w.n_time() == x.shape(1), "weights over {} samples for {}", w.n_time(),
         x.shape(1));
  expect(!shared.any() || (shared.wave.shape(0) == x.shape(1) && shared.factor.shape(0) == x.shape(0)),
         "a wave of {} samples and {} factors for {} x {} samples", shared.wave.shape(0),
         shared.factor.shape(0), x.shape(0), x.shape(1));
  expect(x.rows_contiguous() && q.rows_contiguous() && shared.wave.rows_contiguous(),
         "normalising needs contiguous rows");
}

// level_at(i) is the level of channel i of x.
template <class T, class LevelAt>
void normalise_rows(View<const T, 2> x, const SpanWeights& w, int chan_begin, const LevelAt& level_at,
                    const SharedWave& shared, View<std::int8_t, 2> q) {
  for (std::int64_t i = 0; i < x.shape(0); ++i) {
    const LevelScale level = level_at(i);
    std::int8_t* out = q[i].data();
    for (int s = 0; s < w.n_span(); ++s) {
      const auto begin = w.begin[static_cast<std::size_t>(s)], end = w.begin[static_cast<std::size_t>(s) + 1];
      if (w.row(s)[chan_begin + i] == 0 || level.gain == 0.0F)
        std::fill(out + begin, out + end, std::int8_t{0});
      else if (shared.any())
        quantise(x[i].data() + begin, end - begin, level.centre, level.gain, float{kQuantClip},
                 shared.wave.data() + begin, shared.factor[i], out + begin);
      else
        quantise(x[i].data() + begin, end - begin, level.centre, level.gain, float{kQuantClip}, out + begin);
    }
  }
}

template <class T, class LevelAt>
void normalise_rows_reference(View<const T, 2> x, const SpanWeights& w, int chan_begin,
                              const LevelAt& level_at, const SharedWave& shared, View<std::int8_t, 2> q) {
  for (std::int64_t i = 0; i < x.shape(0); ++i)
    for (int s = 0; s < w.n_span(); ++s)
      for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1]; ++t) {
        const auto [centre, gain] = level_at(i);
        const bool good = w.row(s)[chan_begin + i] != 0 && gain != 0.0F;
        const float away = shared.any() ? shared.factor[i] * static_cast<float>(shared.wave[t]) : 0.0F;
        const float v = good ? std::nearbyint((static_cast<float>(x(i, t)) - centre) * gain - away) : 0.0F;
        q(i, t) = static_cast<std::int8_t>(std::clamp(v, -float{kQuantClip}, float{kQuantClip}));
      }
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
               const SpanWeights& w, int chan_begin, const SharedWave& shared, View<std::int8_t, 2> q) {
  check_normalise(x, mean, sigma, w, chan_begin, shared, q);
  const auto level_at = [&](std::int64_t i) { return level_scale(mean[i], sigma[i]); };
  normalise_rows(x, w, chan_begin, level_at, shared, q);
}

void normalise_reference(View<const float, 2> x, View<const float, 1> mean, View<const float, 1> sigma,
                         const SpanWeights& w, int chan_begin, const SharedWave& shared,
                         View<std::int8_t, 2> q) {
  check_normalise(x, mean, sigma, w, chan_begin, shared, q);
  const auto level_at = [&](std::int64_t i) { return level_scale(mean[i], sigma[i]); };
  normalise_rows_reference(x, w, chan_begin, level_at, shared, q);
}

template <class T>
void normalise(View<const T, 2> x, const RowCalibration& calibration, View<const float, 1> mean,
               View<const float, 1> sigma, const SpanWeights& w, int chan_begin, const SharedWave& shared,
               View<std::int8_t, 2> q) {
  check_normalise(x, mean, sigma, w, chan_begin, shared, q);
  normalise_rows(x, w, chan_begin, calibrated_levels(calibration, mean, sigma, w, chan_begin), shared, q);
}
template void normalise(View<const std::uint8_t, 2>, const RowCalibration&, View<const float, 1>,
                        View<const float, 1>, const SpanWeights&, int, const SharedWave&,
                        View<std::int8_t, 2>);
template void normalise(View<const std::int16_t, 2>, const RowCalibration&, View<const float, 1>,
                        View<const float, 1>, const SpanWeights&, int, const SharedWave&,
                        View<std::int8_t, 2>);

void normalise_reference(View<const std::int16_t, 2> x, const RowCalibration& calibration,
                         View<const float, 1> mean, View<const float, 1> sigma, const SpanWeights& w,
                         int chan_begin, const SharedWave& shared, View<std::int8_t, 2> q) {
  check_normalise(x, mean, sigma, w, chan_begin, shared, q);
  normalise_rows_reference(x, w, chan_begin, calibrated_levels(calibration, mean, sigma, w, chan_begin),
                           shared, q);
}

void downsample(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse) {
  check_downsample(fine, shift, coarse);
  for (std::int64_t c = 0; c < coarse.shape(0); ++c)
    halve_row(fine[c].data(), coarse.shape(1), shift, coarse[c].data());
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
