// Variances of rows from subband weights.
#include "kernels/row_variance.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/bands.hpp"
#include "kernels/boxcar.hpp"
#include "kernels/row_ops.hpp"

namespace tianyan {
namespace {

constexpr int kMaxSubbands = 64;

// Sum over the good channels of each subband of one span of value(c).
template <class Value>
std::vector<float> sum_channels(const SpanWeights& w, int span, const std::vector<int>& bound,
                                const Value& value) {
  std::vector<float> sum(bound.size() - 1);
  for (std::size_t b = 0; b + 1 < bound.size(); ++b)
    for (int c = bound[b]; c < bound[b + 1]; ++c)
      if (w.row(span)[c] != 0) sum[b] += value(c);
  return sum;
}

// out[b][i] = sum of value(c) over the good samples of bin i.
template <class Value>
void sum_subbands(const SpanWeights& w, View<const std::uint8_t, 1> time_good, const std::vector<int>& bound,
                  const Value& value, View<float, 2> out) {
  const auto n_time = time_good.shape(0), n_bin = out.shape(1);
  expect(n_time == n_bin * kVarianceBin && w.n_time() == n_time,
         "weights of {} times, spans of {}, into {} bins", n_time, w.n_time(), n_bin);
  expect(out.shape(0) + 1 == static_cast<std::int64_t>(bound.size()), "weights of {} subbands into {}",
         bound.size() - 1, out.shape(0));
  expect(bound.front() == 0 && bound.back() == w.n_chan, "subbands of channels [{}, {}), weights of {}",
         bound.front(), bound.back(), w.n_chan);
  for (std::int64_t b = 0; b < out.shape(0); ++b) std::fill(&out(b, 0), &out(b, 0) + n_bin, 0.0F);
  std::vector<float> n_good(static_cast<std::size_t>(n_bin));
  std::vector<float> channels;
  for (int s = 0; s < w.n_span(); ++s) {
    if (s == 0 || !std::equal(w.row(s), w.row(s) + w.n_chan, w.row(s - 1)))
      channels = sum_channels(w, s, bound, value);
    const auto begin = w.begin[static_cast<std::size_t>(s)], end = w.begin[static_cast<std::size_t>(s) + 1];
    const auto first = begin / kVarianceBin, last = (end + kVarianceBin - 1) / kVarianceBin;
    std::fill(n_good.begin() + first, n_good.begin() + last, 0.0F);
    for (auto t = begin; t < end; ++t)
      n_good[static_cast<std::size_t>(t / kVarianceBin)] += time_good[t] != 0 ? 1.0F : 0.0F;
    for (std::int64_t b = 0; b < out.shape(0); ++b)
      for (auto i = first; i < last; ++i)
        (&out(b, 0))[i] += channels[static_cast<std::size_t>(b)] * n_good[static_cast<std::size_t>(i)];
  }
}

}  // namespace

std::vector<int> variance_subbands(int n_chan) { return equal_bands(n_chan, kMaxSubbands); }

void subband_weights(const SpanWeights& w, View<const std::uint8_t, 1> time_good,
                     const std::vector<int>& bound, View<float, 2> weight) {
  sum_subbands(
      w, time_good, bound, [](int) { return 1.0F; }, weight);
}

void subband_means(const SpanWeights& w, View<const std::uint8_t, 1> time_good, const std::vector<int>& bound,
                   View<const float, 1> channel_mean, View<float, 2> mean) {
  expect(channel_mean.shape(0) == w.n_chan, "means of {} channels for {}", channel_mean.shape(0), w.n_chan);
  sum_subbands(
      w, time_good, bound, [&](int c) { return channel_mean[c]; }, mean);
}

void subband_delays(const FdmtParams& params, const std::vector<int>& bound, int d,
                    View<std::int32_t, 1> delay_samples) {
  expect(delay_samples.shape(0) + 1 == static_cast<std::int64_t>(bound.size()),
         "delays of {} subbands into {}", bound.size() - 1, delay_samples.shape(0));
  for (std::int64_t b = 0; b < delay_samples.shape(0); ++b) {
    const auto at = static_cast<std::size_t>(b);
    delay_samples[b] = static_cast<std::int32_t>(
        std::lround(exact_channel_delay(params, d, 0.5 * (bound[at] + bound[at + 1] - 1))));
  }
}

void sample_shares(View<const float, 1> times, View<float, 1> share) {
  expect(times.shape(0) == share.shape(0) && times.shape(0) % kVarianceBin == 0,
         "shares of {} samples into {}", times.shape(0), share.shape(0));
  for (std::int64_t t = 0; t < times.shape(0); t += kVarianceBin) {
    float sum = 0.0F;
    for (int i = 0; i < kVarianceBin; ++i) sum += times[t + i];
    for (int i = 0; i < kVarianceBin; ++i) share[t + i] = sum > 0.0F ? times[t + i] / sum : 0.0F;
  }
}

bool has_mixed_bins(View<const float, 1> times) {
  for (std::int64_t t = 0; t < times.shape(0); t += kVarianceBin)
    for (int i = 1; i < kVarianceBin; ++i)
      if (times[t + i] != times[t]) return true;
  return false;
}

void row_variance_samples(View<const float, 2> weight, View<const float, 1> share,
                          View<const std::int32_t, 1> delay_samples, std::int64_t first, double scale,
                          View<float, 1> per_sample) {
  const auto n = per_sample.shape(0), n_sample = share.shape(0);
  expect(delay_samples.shape(0) == weight.shape(0) && n_sample == weight.shape(1) * kVarianceBin,
         "variance of {} subbands of {} bins with {} delays and {} shares", weight.shape(0), weight.shape(1),
         delay_samples.shape(0), n_sample);
  std::fill(per_sample.data(), per_sample.data() + n, 0.0F);
  for (std::int64_t b = 0; b < weight.shape(0); ++b) {
    const auto from = first + delay_samples[b];
    const auto begin = std::clamp<std::int64_t>(-from, 0, n),
               end = std::clamp<std::int64_t>(n_sample - from, 0, n);
    const float* bins = weight[b].data();
    for (auto i = begin; i < end; ++i) per_sample[i] += bins[(from + i) / kVarianceBin] * share[from + i];
  }
  for (std::int64_t i = 0; i < n; ++i) per_sample[i] *= static_cast<float>(scale);
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
  const auto n = per_bin.shape(0), n_subband = weight.shape(0);
  expect(shift_bins.shape(0) == n_subband && n_subband <= kMaxSubbands,
         "variance of {} subbands with {} shifts; at most {} are possible", n_subband, shift_bins.shape(0),
         kMaxSubbands);
  const float* rows[kMaxSubbands];
  bool inside = true;
  for (std::int64_t b = 0; b < n_subband; ++b) {
    const auto from = first + shift_bins[b];
    inside = inside && from >= 0 && from + n <= weight.shape(1);
    rows[b] = weight[b].data() + from;
  }
  if (inside)
    return sum_rows(rows, static_cast<int>(n_subband), static_cast<float>(scale), per_bin.data(), n);
  for (std::int64_t i = 0; i < n; ++i) {
    float sum = 0.0F;
    for (std::int64_t b = 0; b < n_subband; ++b) {
      const auto at = first + shift_bins[b] + i;
      sum += at >= 0 && at < weight.shape(1) ? weight(b, at) : 0.0F;
    }
    per_bin[i] = sum * static_cast<float>(scale);
  }
}

}  // namespace tianyan
