// Binned dynamic spectra of normalised samples, as recorded or dedispersed, for plots and cut-outs.
//
//   sum[b][i]   = sum of q[c][t] - mean[c] over the channels c of band b and the samples t that have weight,
//                 with floor((t - delay[c] - begin) / step) = i
//   count[b][i] = number of those
//
// With delay = 0 it is the spectrum as recorded, with the delays of a DM the dedispersed one. Sample t stands
// in it by its middle, t + 1/2 sample times after the scan's beginning: over delays whose fractions are
// spread evenly, bin i is of times from begin + i step + 1/2 to begin + (i + 1) step + 1/2.
//
// numpy: i = ((t - delay[c] - begin) // step).astype(int); np.add.at(sum, (band[c], i), q[c, t] - mean[c])
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/bands.hpp"
#include "kernels/base/array.hpp"
#include "kernels/unpack.hpp"

namespace tianyan {

struct SpectrumBins {
  double begin_sample = 0.0;  ///< left edge of bin 0, samples of the scan; t is the middle of sample t
  double step_samples = 1.0;
  std::vector<int> band;        ///< band b is channels [band[b], band[b + 1])
  Array<double, 2> sum, count;  ///< [band][bin]

  SpectrumBins(double begin_sample, double step_samples, std::int64_t n_bin, std::vector<int> band);
  std::int64_t n_band() const { return sum.shape(0); }
  std::int64_t n_bin() const { return sum.shape(1); }
};

/// Adds q [channel][time], whose first sample is sample `first` of the scan and which is zero where it has no
/// weight. channel_mean, delay_samples [channel].
void add_spectrum(View<const std::int8_t, 2> q, const SpanWeights& weights,
                  View<const std::uint8_t, 1> time_good, std::int64_t first,
                  View<const float, 1> channel_mean, View<const double, 1> delay_samples, SpectrumBins& bins);

/// snr [band][bin] = sum / sqrt(count variance), NaN where nothing was counted.
void spectrum_snr(const SpectrumBins& bins, double variance, View<float, 2> snr);

/// Sums and counts over the bands, each shifted by shift_bins[b] (rounded), of the bins from `first` on that
/// the outputs [bin] hold; bins outside the spectrum count nothing.
void shifted_sums(const SpectrumBins& bins, View<const double, 1> shift_bins, std::int64_t first,
                  View<double, 1> sum, View<double, 1> count);

/// The same as snr [bin] of one row of a DM-time map, from bin 0 on; NaN where nothing was counted.
void shifted_profile(const SpectrumBins& bins, View<const double, 1> shift_bins, double variance,
                     View<float, 1> snr);

}  // namespace tianyan
