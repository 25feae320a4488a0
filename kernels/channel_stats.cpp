// Clipped mean and standard deviation on the CPU.
#include "kernels/channel_stats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/sample_ops.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kFloatRun = 4096;

// body(begin, end) of the spans in which a channel has weight.
template <class Body>
void for_good_spans(const SpanWeights& w, int c, const Body& body) {
  for (int s = 0; s < w.n_span(); ++s)
    if (w.row(s)[c] != 0)
      body(w.begin[static_cast<std::size_t>(s)], w.begin[static_cast<std::size_t>(s) + 1]);
}

// The samples of a channel that have weight, further than `half` from `location` not, where half > 0;
// `sparse` takes one run in kSparseStep.
ClippedMoments moments_of(View<const float, 1> x, const SpanWeights& w, int c, double location, double half,
                          bool sparse) {
  const auto pivot = static_cast<float>(location);
  const float high = half > 0.0 ? static_cast<float>(half) : std::numeric_limits<float>::infinity();
  ClippedMoments m{pivot};
  const std::int64_t run = sparse ? kSparseRun : kFloatRun, step = sparse ? kSparseStep : kFloatRun;
  for_good_spans(w, c, [&](std::int64_t begin, std::int64_t end) {
    for (auto t = begin; t < end; t += step)
      add_moments(x.data() + t, std::min(run, end - t), pivot, -high, high, &m.n, &m.sum, &m.sum_squares);
  });
  return m;
}

template <class T>
ClippedMoments moments_of(View<const T, 1> x, const SpanWeights& w, int c, double location, double half,
                          bool sparse) {
  const auto in = bounds_within(location, half, sizeof(T) == 1 ? 255 : 511);
  IntegerMoments m;
  if (in.low <= in.high)
    for_good_spans(w, c, [&](std::int64_t begin, std::int64_t end) {
      for (auto t = begin; t < end; t += kMaxMoments)
        add_moments(x.data() + t, std::min(kMaxMoments, end - t), sparse ? kSparseStep : kMomentsRun, in.low,
                    in.high, &m);
    });
  return integer_moments(m.n, m.sum + in.low * m.n, m.squares + in.low * (2 * m.sum + in.low * m.n),
                         location);
}

std::int64_t count_good(const SpanWeights& w, int c) {
  std::int64_t n = 0;
  for_good_spans(w, c, [&](std::int64_t begin, std::int64_t end) { n += end - begin; });
  return n;
}

float first_good(View<const float, 1> x, const SpanWeights& w, int c) {
  for (int s = 0; s < w.n_span(); ++s)
    if (w.row(s)[c] != 0) return x[w.begin[static_cast<std::size_t>(s)]];
  return 0.0F;
}

template <class T>
void check(View<const T, 2> x, const SpanWeights& w, int chan_begin, View<float, 1> mean,
           View<float, 1> sigma, View<std::int64_t, 1> n_good) {
  expect(chan_begin >= 0 && chan_begin + x.shape(0) <= w.n_chan, "statistics of channels [{}, {}) of {}",
         chan_begin, chan_begin + x.shape(0), w.n_chan);
  expect(w.n_span() >= 1 && w.n_time() == x.shape(1), "weights over {} samples for {}", w.n_time(),
         x.shape(1));
  expect(mean.shape(0) == x.shape(0) && sigma.shape(0) == x.shape(0) && n_good.shape(0) == x.shape(0),
         "statistics of {} channels into {}, {}, {}", x.shape(0), mean.shape(0), sigma.shape(0),
         n_good.shape(0));
  expect(x.rows_contiguous(), "statistics need contiguous rows");
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool all_finite(const float* x, std::int64_t n) {
  std::uint32_t found = 0;  // an exponent of all ones is a NaN or an infinity
  for (std::int64_t i = 0; i < n; ++i)
    found |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(x[i]) & 0x7F800000U) == 0x7F800000U);
  return found == 0;
}

bool all_finite(View<const float, 1> x, const SpanWeights& w, int c) {
  bool finite = true;
  for_good_spans(w, c, [&](std::int64_t begin, std::int64_t end) {
    finite = finite && all_finite(x.data() + begin, end - begin);
  });
  return finite;
}

// The passes; `moments(location, half, sparse)` sums up the good samples within them.
template <class MomentsOf>
Gaussian clip(double start, std::int64_t n_good, const MomentsOf& moments) {
  Gaussian g{start, 0.0};
  for (int pass = 0; pass < kSparsePasses + kFullPasses; ++pass) {
    const bool sparse = pass < kSparsePasses;
    g = next_pass(g, moments(g.mean, kClipSigma * g.sigma, sparse), sparse, n_good);
  }
  return g;
}

// Statistics of float rows by sums(channel of x, channel, location, half, sparse).
template <class SumsOf>
void float_stats(View<const float, 2> x, const SpanWeights& w, int chan_begin, const SumsOf& sums,
                 View<float, 1> mean, View<float, 1> sigma, View<std::int64_t, 1> n_good) {
  check(x, w, chan_begin, mean, sigma, n_good);
  for (std::int64_t i = 0; i < x.shape(0); ++i) {
    const int c = chan_begin + static_cast<int>(i);
    n_good[i] = count_good(w, c);
    mean[i] = sigma[i] = kNan;
    if (!all_finite(x[i], w, c)) continue;
    const auto g = clip(first_good(x[i], w, c), n_good[i], [&](double location, double half, bool sparse) {
      return sums(x[i], c, location, half, sparse);
    });
    mean[i] = static_cast<float>(g.mean);
    sigma[i] = static_cast<float>(g.sigma);
  }
}

// The same of integers, whose statistics are calibrated.
template <class T, class SumsOf>
void integer_stats(View<const T, 2> x, const RowCalibration& calibration, const SpanWeights& w,
                   int chan_begin, const SumsOf& sums, View<float, 1> mean, View<float, 1> sigma,
                   View<std::int64_t, 1> n_good) {
  check(x, w, chan_begin, mean, sigma, n_good);
  calibration.check(w.n_chan);
  for (std::int64_t i = 0; i < x.shape(0); ++i) {
    const int c = chan_begin + static_cast<int>(i);
    n_good[i] = count_good(w, c);
    mean[i] = sigma[i] = 0.0F;
    if (n_good[i] == 0) continue;
    const auto g = clip(0.0, n_good[i], [&](double location, double half, bool sparse) {
      return sums(x[i], c, location, half, sparse);
    });
    const auto at = static_cast<std::size_t>(c);
    const auto of_intensities = calibrated(g, calibration.scale[at], calibration.offset[at]);
    mean[i] = static_cast<float>(of_intensities.mean);
    sigma[i] = static_cast<float>(of_intensities.sigma);
  }
}

// Sums about `pivot` of the good samples that keep(x) says, sample by sample.
template <class T, class Keep>
ClippedMoments plain_moments(View<const T, 1> x, const SpanWeights& w, int c, T pivot, bool sparse,
                             const Keep& keep) {
  ClippedMoments m{static_cast<double>(pivot)};
  for_good_spans(w, c, [&](std::int64_t begin, std::int64_t end) {
    for (auto t = begin; t < end; ++t)
      if ((!sparse || (t - begin) % kSparseStep < kSparseRun) && keep(x[t])) m.add(x[t] - pivot);
  });
  return m;
}

}  // namespace

void channel_stats(View<const float, 2> x, const SpanWeights& w, int chan_begin, View<float, 1> mean,
                   View<float, 1> sigma, View<std::int64_t, 1> n_good) {
  const auto sums = [&](View<const float, 1> row, int c, double location, double half, bool sparse) {
    return moments_of(row, w, c, location, half, sparse);
  };
  float_stats(x, w, chan_begin, sums, mean, sigma, n_good);
}

template <class T>
void channel_stats(View<const T, 2> x, const RowCalibration& calibration, const SpanWeights& w,
                   int chan_begin, View<float, 1> mean, View<float, 1> sigma, View<std::int64_t, 1> n_good) {
  const auto sums = [&](View<const T, 1> row, int c, double location, double half, bool sparse) {
    return moments_of<T>(row, w, c, location, half, sparse);
  };
  integer_stats(x, calibration, w, chan_begin, sums, mean, sigma, n_good);
}
template void channel_stats(View<const std::uint8_t, 2>, const RowCalibration&, const SpanWeights&, int,
                            View<float, 1>, View<float, 1>, View<std::int64_t, 1>);
template void channel_stats(View<const std::int16_t, 2>, const RowCalibration&, const SpanWeights&, int,
                            View<float, 1>, View<float, 1>, View<std::int64_t, 1>);

void channel_stats_reference(View<const float, 2> x, const SpanWeights& w, int chan_begin,
                             View<float, 1> mean, View<float, 1> sigma, View<std::int64_t, 1> n_good) {
  const auto sums = [&](View<const float, 1> row, int c, double location, double half, bool sparse) {
    const auto pivot = static_cast<float>(location), high = static_cast<float>(half);
    return plain_moments<float>(row, w, c, pivot, sparse,
                                [&](float v) { return !(half > 0.0) || std::abs(v - pivot) < high; });
  };
  float_stats(x, w, chan_begin, sums, mean, sigma, n_good);
}

void channel_stats_reference(View<const std::int16_t, 2> x, const RowCalibration& calibration,
                             const SpanWeights& w, int chan_begin, View<float, 1> mean, View<float, 1> sigma,
                             View<std::int64_t, 1> n_good) {
  const auto sums = [&](View<const std::int16_t, 1> row, int c, double location, double half, bool sparse) {
    const auto keep = [&](double v) { return !(half > 0.0) || (v > location - half && v < location + half); };
    auto m = plain_moments<std::int16_t>(row, w, c, 0, sparse, keep);
    if (m.n == 0.0) m.pivot = location;
    return m;
  };
  integer_stats(x, calibration, w, chan_begin, sums, mean, sigma, n_good);
}

}  // namespace tianyan
