// Variances of rows from subband weights.
#include "kernels/row_variance.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/boxcar.hpp"

namespace tianyan {
namespace {

constexpr int kMaxSubbands = 64;

// Channels with weight in each subband of one span.
std::vector<float> good_channels(const SpanWeights& w, int span, const std::vector<int>& bound) {
  std::vector<float> n(bound.size() - 1);
  for (std::size_t b = 0; b + 1 < bound.size(); ++b)
    n[b] = static_cast<float>(std::count_if(w.row(span) + bound[b], w.row(span) + bound[b + 1],
                                            [](std::uint8_t g) { return g != 0; }));
  return n;
}

}  // namespace

std::vector<int> variance_subbands(int n_chan) {
  expect(n_chan >= 1, "subbands of {} channels", n_chan);
  const int n = std::min(n_chan, kMaxSubbands);
  std::vector<int> bound;
  for (int b = 0; b <= n; ++b) bound.push_back(static_cast<int>(std::int64_t{b} * n_chan / n));
  return bound;
}

void subband_weights(const SpanWeights& w, View<const std::uint8_t, 1> time_good,
                     const std::vector<int>& bound, View<float, 2> weight) {
  const auto n_time = time_good.shape(0), n_bin = weight.shape(1);
  expect(n_time == n_bin * kVarianceBin && w.begin.back() == n_time,
         "weights of {} times, spans of {}, into {} bins", n_time, w.begin.back(), n_bin);
  expect(weight.shape(0) + 1 == static_cast<std::int64_t>(bound.size()), "weights of {} subbands into {}",
         bound.size() - 1, weight.shape(0));
  expect(bound.back() == w.n_chan, "weights of {} channels in subbands of {}", w.n_chan, bound.back());
  for (std::int64_t b = 0; b < weight.shape(0); ++b)
    for (std::int64_t i = 0; i < n_bin; ++i) weight(b, i) = 0.0F;
  for (int s = 0; s < w.n_span(); ++s) {
    const auto channels = good_channels(w, s, bound);
    for (auto t = w.begin[static_cast<std::size_t>(s)]; t < w.begin[static_cast<std::size_t>(s) + 1]; ++t)
      if (time_good[t] != 0)
        for (std::int64_t b = 0; b < weight.shape(0); ++b)
          weight(b, t / kVarianceBin) += channels[static_cast<std::size_t>(b)];
  }
}

void subband_shifts(const FdmtParams& params, const std::vector<int>& bound, int d,
                    View<std::int32_t, 1> shift_bins) {
  expect(shift_bins.shape(0) + 1 == static_cast<std::int64_t>(bound.size()), "shifts of {} subbands into {}",
         bound.size() - 1, shift_bins.shape(0));
  for (std::int64_t b = 0; b < shift_bins.shape(0); ++b) {
    const auto at = static_cast<std::size_t>(b);
    const double delay = exact_channel_delay(params, d, 0.5 * (bound[at] + bound[at + 1] - 1));
    shift_bins[b] = static_cast<std::int32_t>(std::lround(delay / kVarianceBin));
  }
}

void row_variance(View<const float, 2> weight, View<const std::int32_t, 1> shift_bins, std::int64_t first,
                  double scale, View<float, 1> per_bin) {
  const auto n = per_bin.shape(0);
  expect(shift_bins.shape(0) == weight.shape(0), "variance of {} subbands with {} shifts", weight.shape(0),
         shift_bins.shape(0));
  for (std::int64_t i = 0; i < n; ++i) per_bin[i] = 0.0F;
  for (std::int64_t b = 0; b < weight.shape(0); ++b) {
    const auto from = first + shift_bins[b];
    const auto begin = std::max<std::int64_t>(0, -from), end = std::min(n, weight.shape(1) - from);
    const float* in = weight[b].data() + from;
    for (auto i = begin; i < end; ++i) per_bin.data()[i] += in[i];
  }
  for (std::int64_t i = 0; i < n; ++i) per_bin[i] *= static_cast<float>(scale);
}

}  // namespace tianyan
