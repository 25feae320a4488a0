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

}  // namespace

SpectrumBins::SpectrumBins(double begin, double step, std::int64_t n_bin, std::vector<int> bands)
    : begin_sample(begin), step_samples(step), band(std::move(bands)) {
  expect(step > 0.0 && n_bin > 0 && band.size() >= 2, "spectrum of {} bins of {} samples, {} bands", n_bin,
         step, band.size());
  const auto n_band = static_cast<std::int64_t>(band.size()) - 1;
  sum = Array<double, 2>({n_band, n_bin});
  count = Array<double, 2>({n_band, n_bin});
}

std::vector<int> equal_bands(int n_chan, int n) {
  n = std::min(n, n_chan);
  std::vector<int> band;
  for (int b = 0; b <= n; ++b) band.push_back(static_cast<int>(std::int64_t{b} * n_chan / n));
  return band;
}

void add_spectrum(View<const std::int8_t, 2> q, const SpanWeights& w, View<const std::uint8_t, 1> time_good,
                  std::int64_t first, View<const double, 1> delay, SpectrumBins& bins) {
  expect(q.shape(0) == bins.band.back() && delay.shape(0) == q.shape(0),
         "spectrum of {} channels, {} delays, {} samples", bins.band.back(), delay.shape(0), q.shape(0));
  expect(w.begin.back() <= q.shape(1) && w.begin.back() <= time_good.shape(0),
         "weights over {} samples for {}", w.begin.back(), q.shape(1));
  for (std::int64_t b = 0; b < bins.n_band(); ++b)
    for (int c = bins.band[static_cast<std::size_t>(b)]; c < bins.band[static_cast<std::size_t>(b) + 1];
         ++c) {
      const double origin = static_cast<double>(first) - delay[c] - bins.begin_sample;
      for (int s = 0; s < w.n_span(); ++s) {
        if (w.row(s)[c] == 0) continue;
        const auto reach = static_cast<double>(bins.n_bin()) * bins.step_samples;
        const auto begin =
            std::max(w.begin[static_cast<std::size_t>(s)], static_cast<std::int64_t>(std::ceil(-origin)));
        const auto end = std::min(w.begin[static_cast<std::size_t>(s) + 1],
                                  static_cast<std::int64_t>(std::ceil(reach - origin)));
        for (auto t = begin; t < end; ++t) {
          if (time_good[t] == 0) continue;
          const auto i =
              std::min(static_cast<std::int64_t>((origin + static_cast<double>(t)) / bins.step_samples),
                       bins.n_bin() - 1);
          bins.sum(b, i) += q(c, t);
          bins.count(b, i) += 1.0;
        }
      }
    }
}

void spectrum_snr(const SpectrumBins& bins, double variance, View<float, 2> snr) {
  expect(snr.shape() == bins.sum.cview().shape(), "spectrum of {} x {} into {} x {}", bins.n_band(),
         bins.n_bin(), snr.shape(0), snr.shape(1));
  for (std::int64_t b = 0; b < bins.n_band(); ++b)
    for (std::int64_t i = 0; i < bins.n_bin(); ++i)
      snr(b, i) = snr_of(bins.sum(b, i), bins.count(b, i), variance);
}

void shifted_profile(const SpectrumBins& bins, View<const double, 1> shift_bins, double variance,
                     View<float, 1> snr) {
  expect(shift_bins.shape(0) == bins.n_band() && snr.shape(0) == bins.n_bin(),
         "profile of {} bands x {} into {} x {}", bins.n_band(), bins.n_bin(), shift_bins.shape(0),
         snr.shape(0));
  for (std::int64_t i = 0; i < bins.n_bin(); ++i) {
    double sum = 0.0, count = 0.0;
    for (std::int64_t b = 0; b < bins.n_band(); ++b) {
      const auto j = i + std::lround(shift_bins[b]);
      if (j < 0 || j >= bins.n_bin()) continue;
      sum += bins.sum(b, j);
      count += bins.count(b, j);
    }
    snr[i] = snr_of(sum, count, variance);
  }
}

}  // namespace tianyan
