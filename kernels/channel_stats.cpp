// Clipped mean and standard deviation on the CPU.
#include "kernels/channel_stats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/row_ops.hpp"

namespace tianyan {
namespace {

constexpr double kSigmaOfClippedGaussian = 0.98658;
constexpr std::int64_t kFloatRun = 4096;

struct Moments {
  double n = 0.0, sum = 0.0, sum_squares = 0.0;
  double mean() const { return n > 0.0 ? sum / n : 0.0; }
  double sigma() const { return n > 0.0 ? std::sqrt(std::max(0.0, sum_squares / n - mean() * mean())) : 0.0; }
};

// The samples of a channel that have weight, with low < x - pivot < high; `sparse` takes one run in
// kSparseStep.
Moments moments_of(View<const float, 1> x, const SpanWeights& w, int c, float pivot, float low, float high,
                   bool sparse) {
  Moments m;
  const std::int64_t run = sparse ? kSparseRun : kFloatRun, step = sparse ? kSparseStep : kFloatRun;
  for (int s = 0; s < w.n_span(); ++s) {
    if (w.row(s)[c] == 0) continue;
    const auto end = w.begin[static_cast<std::size_t>(s) + 1];
    for (auto t = w.begin[static_cast<std::size_t>(s)]; t < end; t += step)
      clipped_moments(x.data() + t, std::min(run, end - t), pivot, low, high, &m.n, &m.sum, &m.sum_squares);
  }
  return m;
}

std::int64_t count_good(const SpanWeights& w, int c) {
  std::int64_t n = 0;
  for (int s = 0; s < w.n_span(); ++s)
    if (w.row(s)[c] != 0)
      n += w.begin[static_cast<std::size_t>(s) + 1] - w.begin[static_cast<std::size_t>(s)];
  return n;
}

float first_good(View<const float, 1> x, const SpanWeights& w, int c) {
  for (int s = 0; s < w.n_span(); ++s)
    if (w.row(s)[c] != 0) return x[w.begin[static_cast<std::size_t>(s)]];
  return 0.0F;
}

void check(View<const float, 2> x, const SpanWeights& w, int chan_begin, View<float, 1> mean,
           View<float, 1> sigma, View<std::int64_t, 1> n_good) {
  expect(chan_begin >= 0 && chan_begin + x.shape(0) <= w.n_chan, "statistics of channels [{}, {}) of {}",
         chan_begin, chan_begin + x.shape(0), w.n_chan);
  expect(w.n_span() >= 1 && w.begin.back() == x.shape(1), "weights over {} samples for {}", w.begin.back(),
         x.shape(1));
  expect(mean.shape(0) == x.shape(0) && sigma.shape(0) == x.shape(0) && n_good.shape(0) == x.shape(0),
         "statistics of {} channels into {}, {}, {}", x.shape(0), mean.shape(0), sigma.shape(0),
         n_good.shape(0));
  expect(x.rows_contiguous(), "statistics need contiguous rows");
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool all_finite(const float* x, std::int64_t n) {
  std::uint32_t found = 0;  // an exponent of all ones is a NaN or an infinity
  for (std::int64_t i = 0; i < n; ++i)
    found |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(x[i]) & 0x7F800000U) == 0x7F800000U);
  return found == 0;
}

bool all_finite(View<const float, 1> x, const SpanWeights& w, int c) {
  bool finite = true;
  for (int s = 0; s < w.n_span() && finite; ++s) {
    const auto begin = w.begin[static_cast<std::size_t>(s)], end = w.begin[static_cast<std::size_t>(s) + 1];
    finite = w.row(s)[c] == 0 || all_finite(x.data() + begin, end - begin);
  }
  return finite;
}

// The passes; `moments(pivot, low, high, sparse)` sums up the good samples within them.
template <class MomentsOf>
void clip(double start, std::int64_t n_good, const MomentsOf& moments, float& mean, float& sigma) {
  double location = start, scale = 0.0;
  for (int pass = 0; pass < kSparsePasses + kFullPasses; ++pass) {
    const bool sparse = pass < kSparsePasses;
    const float half = scale > 0.0 ? static_cast<float>(kClipSigma * scale) : kInfinity;
    const auto pivot = static_cast<float>(location);
    const Moments m = moments(pivot, -half, half, sparse);
    const bool clipped = scale > 0.0 && (sparse || m.n < static_cast<double>(n_good));
    location = pivot + m.mean();
    scale = m.sigma() / (clipped ? kSigmaOfClippedGaussian : 1.0);
  }
  mean = static_cast<float>(location);
  sigma = static_cast<float>(scale);
}

}  // namespace

void channel_stats(View<const float, 2> x, const SpanWeights& w, int chan_begin, View<float, 1> mean,
                   View<float, 1> sigma, View<std::int64_t, 1> n_good) {
  check(x, w, chan_begin, mean, sigma, n_good);
  for (std::int64_t i = 0; i < x.shape(0); ++i) {
    const int c = chan_begin + static_cast<int>(i);
    n_good[i] = count_good(w, c);
    mean[i] = sigma[i] = kNan;
    if (!all_finite(x[i], w, c)) continue;
    const auto moments = [&](float pivot, float low, float high, bool sparse) {
      return moments_of(x[i], w, c, pivot, low, high, sparse);
    };
    clip(first_good(x[i], w, c), n_good[i], moments, mean[i], sigma[i]);
  }
}

void channel_stats_reference(View<const float, 2> x, const SpanWeights& w, int chan_begin,
                             View<float, 1> mean, View<float, 1> sigma, View<std::int64_t, 1> n_good) {
  check(x, w, chan_begin, mean, sigma, n_good);
  for (std::int64_t i = 0; i < x.shape(0); ++i) {
    const int c = chan_begin + static_cast<int>(i);
    n_good[i] = count_good(w, c);
    mean[i] = sigma[i] = kNan;
    if (!all_finite(x[i], w, c)) continue;
    const auto moments = [&](float pivot, float low, float high, bool sparse) {
      Moments m;
      for (int s = 0; s < w.n_span(); ++s) {
        const auto begin = w.begin[static_cast<std::size_t>(s)];
        for (auto t = begin; t < w.begin[static_cast<std::size_t>(s) + 1] && w.row(s)[c] != 0; ++t) {
          const float v = x(i, t) - pivot;
          if ((sparse && (t - begin) % kSparseStep >= kSparseRun) || !(v > low && v < high)) continue;
          m.n += 1.0;
          m.sum += v;
          m.sum_squares += double{v} * v;
        }
      }
      return m;
    };
    clip(first_good(x[i], w, c), n_good[i], moments, mean[i], sigma[i]);
  }
}

}  // namespace tianyan
