// How complete a search is: injected pulses and what was found of them, as tables.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "io/table.hpp"
#include "kernels/base/candidate.hpp"
#include "pipeline/injection_spec.hpp"

namespace tianyan {

struct InjectionOutcome {
  InjectedPulse pulse;
  std::optional<Candidate> found;
  double predicted_snr = 0.0;  ///< mean S/N that the search should give it, in noise-free terms
};

/// Bounds of the probability p of which k of n trials succeeded.
struct BinomialInterval {
  double low = 0.0, high = 1.0;
};
/// Wilson's score interval for z = 1 (68.3 %; Wilson 1927, JASA 22, 209; recommended for small n by Brown,
/// Cai & DasGupta 2001, Stat. Sci. 16, 101):
///
///   (k + z^2 / 2 -+ z (k (n - k) / n + z^2 / 4)^1/2) / (n + z^2)
///
/// n > 0 and 0 <= k <= n, else std::invalid_argument.
BinomialInterval binomial_interval(std::int64_t k, std::int64_t n);

/// Edges of bins that cover all values, ascending, at least two. For S/N from a list of round numbers; else
/// kBins bins of equal ratio, or of equal width where a value is 0 (or all are equal: one bin of no width).
/// At least one value.
inline constexpr int kBins = 5;
std::vector<double> snr_edges(const std::vector<double>& snrs);
std::vector<double> ratio_edges(const std::vector<double>& values);
std::vector<double> even_edges(const std::vector<double>& values);

/// Rows of all, dm_pc_cm3, width_s and snr; of band_fraction and scattering_s where these vary. A bin is
/// [low, high), the last one of an axis [low, high]; a bin without pulses has no fraction.
Table completeness_table(const std::vector<InjectionOutcome>& outcomes);

/// A row for each pulse, in the given order.
Table injections_table(const std::vector<InjectionOutcome>& outcomes);

}  // namespace tianyan
