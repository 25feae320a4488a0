// Binning of normalised samples.
#include "kernels/dynamic_spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tianyan {
namespace {

float snr_of(double sum, double count, double variance) {
  return count > 0.0 ? static_cast<float>(sum / std::sqrt(count * variance))
                     : std::numeric_limits<float>::quiet_NaN();
}

// count[t] = number of good times before t.
std::vector<std::int32_t> running_count(View<const std::uint8_t, 1> good) {
  std::vector<std::int32_t> count(static_cast<std::size_t>(good.shape(0)) + 1, 0);
  for (std::int64_t t = 0; t < good.shape(0); ++t)
    count[static_cast<std::size_t>(t) + 1] = count[static_cast<std::size_t>(t)] + (good[t] != 0 ? 1 : 0);
  return count;
}

// Samples [begin, end) of one channel, bin by bin: bin i holds the samples from origin + i step on. Flagged
// samples are zero in q.
void add_channel(const std::int8_t* q, double mean, std::int64_t begin, std::int64_t end, double origin,
                 const std::vector<std::int32_t>& n_good, std::int64_t b, SpectrumBins& bins) {
  const auto edge = [&](std::int64_t i) {
    return std::clamp(
        static_cast<std::int64_t>(std::ceil(origin + static_cast<double>(i) * bins.step_samples)), begin,
        end);
  };
  const auto bin_at = [&](std::int64_t t) {
    return std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::floor((static_cast<double>(t) - origin) / bins.step_samples)) - 1, 0,
        bins.n_bin());
  };
  for (auto i = bin_at(begin); i < bins.n_bin(); ++i) {
    const auto from = edge(i), to = edge(i + 1);
    if (from >= end) break;
    std::int32_t sum = 0;
    for (auto t = from; t < to; ++t) sum += q[t];
    const auto n = n_good[static_cast<std::size_t>(to)] - n_good[static_cast<std::size_t>(from)];
    bins.sum(b, i) += sum - mean * n;
    bins.count(b, i) += n;
  }
}

}  // namespace

SpectrumBins::SpectrumBins(double begin, double step, std::int64_t n_bin, std::vector<int> bands)
    : begin_sample(begin), step_samples(step), band(std::move(bands)) {
  expect(step > 0.0 && n_bin > 0 && band.size() >= 2, "spectrum of {} bins of {} samples, {} bands", n_bin,
         step, band.size());
  const auto n_band = static_cast<std::int64_t>(band.size()) - 1;
  sum = Array<double, 2>({n_band, n_bin});
  count = Array<double, 2>({n_band, n_bin});
}

void add_spectrum(View<const std::int8_t, 2> q, const SpanWeights& w, View<const std::uint8_t, 1> time_good,
                  std::int64_t first, View<const float, 1> channel_mean, View<const double, 1> delay,
                  SpectrumBins& bins) {
  expect(
      q.shape(0) == bins.band.back() && delay.shape(0) == q.shape(0) && channel_mean.shape(0) == q.shape(0),
      "spectrum of {} channels, {} delays, {} means, {} samples", bins.band.back(), delay.shape(0),
      channel_mean.shape(0), q.shape(0));
  expect(w.n_time() <= q.shape(1) && w.n_time() <= time_good.shape(0), "weights over {} samples for {}",
         w.n_time(), q.shape(1));
  const auto n_good = running_count(time_good.slice(0, 0, w.n_time()));
  for (std::int64_t b = 0; b < bins.n_band(); ++b)
    for (int c = bins.band[static_cast<std::size_t>(b)]; c < bins.band[static_cast<std::size_t>(b) + 1];
         ++c) {
      const double origin = bins.begin_sample + delay[c] - static_cast<double>(first);
      for (int s = 0; s < w.n_span(); ++s)
        if (w.row(s)[c] != 0)
          add_channel(q[c].data(), channel_mean[c], w.begin[static_cast<std::size_t>(s)],
                      w.begin[static_cast<std::size_t>(s) + 1], origin, n_good, b, bins);
    }
}

void spectrum_snr(const SpectrumBins& bins, double variance, View<float, 2> snr) {
  expect(snr.shape() == bins.sum.cview().shape(), "spectrum of {} x {} into {} x {}", bins.n_band(),
         bins.n_bin(), snr.shape(0), snr.shape(1));
  for (std::int64_t b = 0; b < bins.n_band(); ++b)
    for (std::int64_t i = 0; i < bins.n_bin(); ++i)
      snr(b, i) = snr_of(bins.sum(b, i), bins.count(b, i), variance);
}

void shifted_sums(const SpectrumBins& bins, View<const double, 1> shift_bins, std::int64_t first,
                  View<double, 1> sum, View<double, 1> count) {
  expect(shift_bins.shape(0) == bins.n_band() && sum.shape(0) == count.shape(0),
         "sums over {} bands with {} shifts into {} and {} bins", bins.n_band(), shift_bins.shape(0),
         sum.shape(0), count.shape(0));
  std::fill(sum.data(), sum.data() + sum.shape(0), 0.0);
  std::fill(count.data(), count.data() + count.shape(0), 0.0);
  for (std::int64_t b = 0; b < bins.n_band(); ++b) {
    const auto from = first + std::lround(shift_bins[b]);
    const auto begin = std::max<std::int64_t>(0, -from), end = std::min(sum.shape(0), bins.n_bin() - from);
    for (auto i = begin; i < end; ++i) {
      sum[i] += bins.sum(b, from + i);
      count[i] += bins.count(b, from + i);
    }
  }
}

void shifted_profile(const SpectrumBins& bins, View<const double, 1> shift_bins, double variance,
                     View<float, 1> snr) {
  expect(snr.shape(0) == bins.n_bin(), "profile of {} bins into {}", bins.n_bin(), snr.shape(0));
  Array<double, 1> sum({bins.n_bin()}), count({bins.n_bin()});
  shifted_sums(bins, shift_bins, 0, sum.view(), count.view());
  for (std::int64_t i = 0; i < bins.n_bin(); ++i) snr[i] = snr_of(sum(i), count(i), variance);
}

}  // namespace tianyan
