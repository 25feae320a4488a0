// The variance of a dedispersed row from the weights of the samples that were really summed.
//
// The band is cut into at most 64 subbands; of each, how many samples count is kept in bins of kVarianceBin
// octave samples. A row of trial d sums subband b a delay D_b(d) later than its own time, so
//
//   V_row[i] = scale sum_b weight[b][i + round(D_b(d) / 8)]          one entry per bin of 8 samples
//
// with D_b(d) the exact delay at the middle of the subband. The position of a flagged stretch is good to the
// bin and to half the subband's own sweep; a mask that does not change in time is exact.
//
// Where the delays of all subbands are within a few bins of each other, flagged samples of one bin are not
// spread over the row, and within a bin some samples have all the weight: there each sample has its own
// variance,
//
//   V_row[t] = scale sum_b weight[b][(t + D_b(d)) // 8] share[t + round(D_b(d))],   share[t] = times[t] /
//   (sum of times over the bin of t)
//
// times[t] being the part of octave sample t that was not flagged.
//
// numpy: V = sum(weight[b, k + D[b] // 8 : k + D[b] // 8 + n] for b in range(B)) * scale
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/view.hpp"
#include "kernels/fdmt.hpp"
#include "kernels/unpack.hpp"

namespace tianyan {

/// Boundaries of the subbands: subband b is channels [bound[b], bound[b + 1]).
std::vector<int> variance_subbands(int n_chan);

/// weight[b][i] = number of samples with weight in channels of subband b and times [8 i, 8 i + 8). time_good
/// [time], whose length is a multiple of 8, multiplies the span weights.
void subband_weights(const SpanWeights& weights, View<const std::uint8_t, 1> time_good,
                     const std::vector<int>& bound, View<float, 2> weight);

/// mean[b][i] = sum of channel_mean[c] (kernels/quiet_means.hpp) over the samples that weight[b][i] counts:
/// row_variance() of it, with a scale of 1, is the mean of a row.
void subband_means(const SpanWeights& weights, View<const std::uint8_t, 1> time_good,
                   const std::vector<int>& bound, View<const float, 1> channel_mean, View<float, 2> mean);

/// Bins to add to a row's own bin for each subband, trial d.
void subband_shifts(const FdmtParams& params, const std::vector<int>& bound, int d,
                    View<std::int32_t, 1> shift_bins);

/// V_row of per_bin.shape(0) bins from column `first` of weight [subband][bin]; columns outside it weigh
/// nothing.
void row_variance(View<const float, 2> weight, View<const std::int32_t, 1> shift_bins, std::int64_t first,
                  double scale, View<float, 1> per_bin);

/// Samples to add to a row's own for each subband, trial d.
void subband_delays(const FdmtParams& params, const std::vector<int>& bound, int d,
                    View<std::int32_t, 1> delay_samples);

/// share[t] of times[t], whose length is a multiple of 8; 0 where the bin has none.
void sample_shares(View<const float, 1> times, View<float, 1> share);
/// True where some sample of a bin differs from its others; times as above.
bool has_mixed_bins(View<const float, 1> times);

/// V_row of per_sample.shape(0) samples from sample `first` of share [8 bin], weight [subband][bin]; what is
/// outside them weighs nothing.
void row_variance_samples(View<const float, 2> weight, View<const float, 1> share,
                          View<const std::int32_t, 1> delay_samples, std::int64_t first, double scale,
                          View<float, 1> per_sample);

}  // namespace tianyan
