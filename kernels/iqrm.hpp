// Flagging over frequency by lagged differences: the inter-quartile range mitigation (IQRM) of Morello,
// Rajwade & Stappers 2022, MNRAS 510, 1393.
//
// statistic[c] is any number that interference raises: a variance, a kurtosis. For each lag L of 1, 2, 3, 4,
// 6, 9, 13 ... up to `radius`, and each -L,
//
//   d[c] = statistic[c] - statistic[v],   v = min(max(c - L, 0), n_chan - 1)
//
// and v votes against c where d[c] - median(d) > threshold_sigma (q3 - q1) / 1.349, over all c. A second vote
// of the same v against the same c, from another lag at the ends of the band, does not count. Channel c is
// bad if one v at least that voted against it has cast fewer votes, in all, than c has received. That spares
// the good channels beside a low one: all their votes are from a channel that votes against many.
//
// A slope is the same difference everywhere, hence in the median. A band of interference up to as wide as the
// radius is found whole. Of a wider one, of one at the end of the band, or above a step of the statistic,
// only about radius / 2 channels next to the quiet ones are: give it a statistic without steps.
//
// numpy: d = s - s[np.clip(c - L, 0, n - 1)]; q1, m, q3 = np.percentile(d, [25, 50, 75]);
//        vote = d - m > threshold * (q3 - q1) / 1.349
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"

namespace tianyan {

struct IqrmParams {
  int radius = 0;                ///< the longest lag, channels; a tenth of the band is usual
  double threshold_sigma = 3.0;  ///< standard deviations of the differences, were they Gaussian
};

/// statistic, good: [channel]. Channels with good == 0 do not take part: the others, in order, count as
/// adjacent. First flags the good channels whose statistic is not finite; then, where 3 are left at least,
/// those above. Writes 0 in `good` and returns how many were newly flagged. Throws std::invalid_argument for
/// shapes that differ, or a radius or a threshold that is not positive.
int flag_iqrm(const IqrmParams& params, View<const float, 1> statistic, View<std::uint8_t, 1> good);

}  // namespace tianyan
