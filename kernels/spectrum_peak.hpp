// The best boxcar of a pulse in a binned, dedispersed spectrum, for DMs near that of its dedispersion.
//
//   p_d[i] = sum_b sum[b][i + x_d D_b],   n_d[i] = sum_b count[b][i + x_d D_b]       (shifts rounded to bins)
//   snr_d  = max over w and i of  sum_{k < w} p_d[i + k] / sqrt(variance sum_{k < w} n_d[i + k])
//
// x_d is the change of DM, D_b the delay of band b against the reference frequency in bins per pc/cm3. Where
// a pulse arrived is best known at the frequency whose delay is D_mid, at which times and DMs of a fit are
// uncorrelated: boxcars begin so that their centres lie within `reach_bins` of centre_bin - x_d D_mid. The
// DM's error follows from how S/N falls beside its maximum: at one standard deviation the square of S/N is
// lower by one.
//
// Source: chi-square of a matched filter of free amplitude, chi2(x) = const - snr(x)^2.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/dynamic_spectrum.hpp"

namespace tianyan {

struct PeakSearch {
  std::vector<double> dm_offset_pc_cm3;   ///< x_d, ascending
  std::vector<double> delay_bins_per_dm;  ///< [band]: D_b
  double mid_delay_bins_per_dm = 0.0;     ///< D_mid
  double centre_bin = 0.0;                ///< of the pulse at x = 0; 0 is the left edge of bin 0
  double reach_bins = 0.0;
  std::int64_t width_max_bins = 1;
};

struct SpectrumPeak {
  double snr = 0.0;  ///< 0: nothing was counted
  /// Middle of the boxcar, and what the rounding of the bands' shifts is on average: of a pulse whose DM is
  /// x_d this is where it is at the reference frequency.
  double centre_bin = 0.0;
  std::int64_t width_bins = 0;
};

/// One peak for each d. Throws std::invalid_argument where sizes disagree.
std::vector<SpectrumPeak> spectrum_peaks(const SpectrumBins& bins, const PeakSearch& search, double variance);

/// Index of the highest S/N among d with first <= d < last; `first` where all are 0.
std::size_t highest_peak(const std::vector<SpectrumPeak>& peaks, std::size_t first, std::size_t last);

struct DmFit {
  double offset_pc_cm3 = 0.0;          ///< x
  std::optional<double> error_pc_cm3;  ///< none: the trials do not say
};

/// Vertex -b / 2a and standard deviation (-a)^-1/2 of the parabola c + b x + a x^2 that fits S/N^2 best over
/// the trials around the best one whose S/N is at least 0.8 of its. Noise roughens the S/N of boxcars from
/// trial to trial; the rise and fall of the whole is the pulse's. The best trial without an error where S/N
/// does not fall, or less than one standard deviation over all trials, or the vertex is beyond those that
/// were fitted.
DmFit fit_dm(const std::vector<SpectrumPeak>& peaks, const std::vector<double>& dm_offset_pc_cm3,
             std::size_t best);

}  // namespace tianyan
