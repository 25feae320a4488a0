// The sift: candidates of all beams that are one event become one group.
//
// Groups are seeded, not chained, so that a crowd of interference does not swallow what is near it. In order
// of significance (higher S/N, then narrower, earlier, of lower DM, of the lower beam, of smaller errors),
// each candidate that has no group yet is the seed of one and takes every candidate without a group that
// matches it. With n = n_sigma, B = band_delay_s_per_dm, candidates i and j match where
//
//   |t_i - t_j|     <= (w_i + w_j) / 2     + n hypot(time_err_i, time_err_j)
//   |DM_i - DM_j|   <= (w_i + w_j) / (2 B) + n hypot(dm_err_i, dm_err_j)
//   |ln(w_i / w_j)| <= min(ln 2 + hypot(e_i, e_j), ln kSiftMaxWidthRatio),  e = -2 ln(1 - 2 n^2 / snr^2)
//
// Their boxcars touch, at their arrival and across the band (a change of DM counts by the delay that it makes
// there): what is left beyond n standard deviations is for profiles that are not the boxcar and change with
// the beam. e is how far noise moves a width. A boxcar r times too wide or too narrow for a rectangular pulse
// has q = r^-1/2 of its S/N, and q is also how far the noises of the two correlate, so the wrong one is
// higher by n sigma of the difference where
//
//   snr (1 - q) <= n sqrt(2 (1 - q)),  that is  1 - q <= 2 n^2 / snr^2,  ln r = -2 ln q
//
// which is any r (e infinite) where snr <= sqrt(2) n. The factor of 2 on top is for pulses that are smooth: a
// Gaussian's S/N is so flat in width that 4 sigma at S/N 7, 8 and 10 are boxcars 16, 7.5 and 3.9 times too
// wide, or 22, 10 and 5.2 times too narrow; 2 exp(e) is 16.6, 8.0 and 4.3. The bound keeps what is weak and
// narrow out of what is very wide and lies over it.
//
// The beam is not looked at: whether a group's beams are neighbours on the sky is for those who class it.
//
// Candidates of different scans or beams are on one time axis, and a time is that at the frequency where the
// errors of time and DM are not correlated, 1/f^2 being the weighted mean of 1/f^2 over the band: a DM that
// is off then leaves the time as it is. From a time at f_ref it is
//
//   t = t_ref + dispersion_delay_s(DM, f, f_ref)
//
// numpy, for the seed s and free[j]: group[free & (abs(t - t[s]) <= ...) & ...] = number
#pragma once
#include <cstdint>
#include <vector>

namespace tianyan {

/// The most by which the widths of two candidates of one event differ.
inline constexpr double kSiftMaxWidthRatio = 16.0;

/// What one candidate brings, of any beam.
struct SiftCandidate {
  int beam = 0;
  double time_s = 0.0, time_err_s = 0.0;  ///< since an instant common to all, at the frequency said above
  double dm_pc_cm3 = 0.0, dm_err_pc_cm3 = 0.0;
  double width_s = 0.0;
  double snr = 0.0;
};

struct SiftParams {
  double n_sigma = 4.0;
  double band_delay_s_per_dm = 0.0;  ///< K (f_low^-2 - f_high^-2), s per pc/cm3
};

/// True where the two match, whichever comes first. Throws as sift_groups().
bool sift_match(const SiftCandidate& a, const SiftCandidate& b, const SiftParams& params);

/// group[i]: number of candidate i's group, 0 that of the most significant seed, 1 of the next and so on.
/// The order of the candidates changes nothing but the order of the result. A seed looks at those candidates
/// only whose time and DM are within reach of it, whose errors and widths are of like size: their number is
/// bounded by how many seeds there is room for between two that match, so that crowds do not cost more, and
/// the whole is O(N log N). About 110 bytes a candidate. Throws std::invalid_argument for values that are not
/// finite, widths, S/N or a band delay that are not positive, negative errors or n_sigma, and 2^31
/// candidates.
std::vector<std::int32_t> sift_groups(const std::vector<SiftCandidate>& candidates, const SiftParams& params);
std::vector<std::int32_t> sift_groups_reference(const std::vector<SiftCandidate>& candidates,
                                                const SiftParams& params);

}  // namespace tianyan
