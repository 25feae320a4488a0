// Coherent dedispersion inside channels: the medium's transfer function is undone on voltages, by
// overlap-save (Hankins & Rickett 1975; Lorimer & Kramer 2004, section 5.3).
//
//   H(f0 + f) = exp(+2 pi i phi(f)),   phi(f) = 10^6 K DM f^2 / (f0^2 (f0 + f))     cycles, f and f0 in MHz
//
// for signals exp(+2 pi i f t) whose frequency f, from the channel's centre f0, rises with the sky's. The
// sign: a delay tau turns exp(+2 pi i f t) into exp(+2 pi i f (t - tau)), so phases fall with f by tau, and
//
//   tau(f) = -d phi / df = K DM (1 / (f0 + f)^2 - 1 / f0^2)
//
// is positive below f0: low frequencies come late, and f0 itself stays where it is. Dedispersion is conj(H):
//
//   out[t] = sum_s g[s] in[t - s],   g[s] = sum_k conj(H(f_k)) exp(+2 pi i k s / n_fft) / n_fft
//   f_k = k sample_rate / n_fft for k < n_fft / 2, else (k - n_fft) sample_rate / n_fft
//
// over the whole sampled band, |f| <= sample_rate / 2. What a channel has aliased into it is moved as what it
// looks like. g lies in s = -tau(-sample_rate / 2) ... -tau(+sample_rate / 2), N samples, and rings beyond
// both ends as the band has edges. Integrating by parts, m samples beyond an end each edge of the band gives
// a term,
//
//   2 pi g = 1 / m - exp(2 pi i j) / (m + N),   j = phi(+sample_rate / 2) - phi(-sample_rate / 2) cycles
//
// up to its phase, an upper limit within the Fresnel scale N^1/2. Beyond M samples on both sides lies
//
//   E(M) = (1 / M + 1 / (M + N) - 2 cos(2 pi j) log(1 + N / M) / N) / (2 pi^2)
//
// of the energy of g, which is 1. The margin is the smallest M with E <= kChirpEnergyOutside / 1.5: a few
// samples where N is small, 76 where it is large, at most 304. The 1.5 is for transforms, on whose circle the
// ends also meet the other way around: one a few times longer than N stays below kChirpEnergyOutside, one
// that is hardly longer below twice that. Samples in the middle of a step see less.
//
// numpy: np.fft.ifft(np.fft.fft(x) * np.exp(-2j * np.pi * phi))[n_before:n_before + n_valid]
#pragma once
#include <complex>
#include <cstdint>

#include "kernels/base/array.hpp"
#include "kernels/fft.hpp"

namespace tianyan {

inline constexpr double kChirpEnergyOutside = 1e-3;  ///< of the kernel's, beyond n_before and n_after
inline constexpr std::int64_t kLongestCoherentFft = std::int64_t{1} << 20;

/// phi(offset_mhz), cycles, of a channel at freq_mhz; freq_mhz + offset_mhz > 0.
double dispersion_phase_cycles(double dm_pc_cm3, double freq_mhz, double offset_mhz);

/// Channels of complex samples.
struct CoherentParams {
  std::int64_t n_chan = 1;
  double freq_low_mhz = 0.0;         ///< centre of channel 0, the lowest
  double channel_spacing_mhz = 0.0;  ///< > 0
  double sample_rate_mhz = 0.0;      ///< of one channel; more than the spacing where oversampled
  double dm_pc_cm3 = 0.0;

  double freq_mhz(std::int64_t c) const {
    return freq_low_mhz + static_cast<double>(c) * channel_spacing_mhz;
  }
};

/// How far a sample's dependence reaches, the same for all channels: those of channel 0, the longest.
struct CoherentLengths {
  std::int64_t n_before = 0;  ///< samples before: the delay from f0 to the highest frequency, and a margin
  std::int64_t n_after = 0;   ///< samples after: the delay from the lowest frequency to f0, and a margin
  std::int64_t n_fft = 0;
  std::int64_t n_valid = 0;  ///< n_fft - n_before - n_after, samples that a step makes
};

/// Lengths without any memory. n_fft_wanted = 0 chooses the power of two, 2^8 to 2^20, with the least n_fft
/// log(n_fft) / n_valid, of which the kernel may take half. Throws std::invalid_argument for parameters that
/// are not positive or not finite, a band that reaches 0 MHz, sampling below the spacing, a DM that is
/// negative or whose kernel is too long.
CoherentLengths coherent_lengths(const CoherentParams& params, std::int64_t n_fft_wanted = 0);

/// Bytes of a plan's response.
std::int64_t response_bytes(const CoherentParams& params, std::int64_t n_fft);

struct CoherentPlan {
  CoherentParams params;
  std::int64_t n_before, n_after, n_fft, n_valid;
  Array<std::complex<float>, 2> response;  ///< conj(H(f_k)) / n_fft, [channel][n_fft], k in FFT order
  Fft forward, backward;
};
CoherentPlan make_coherent_plan(const CoherentParams& params, std::int64_t n_fft_wanted = 0);
/// With the lengths of the largest of several DMs, so that their plans share forward transforms. Throws as
/// coherent_lengths(), and where the lengths are shorter than the delays of params.
CoherentPlan make_coherent_plan(const CoherentParams& params, const CoherentLengths& lengths);

/// One per thread; serves all plans of one n_fft.
struct CoherentScratch {
  explicit CoherentScratch(std::int64_t n_fft) : samples({n_fft}), spectrum({n_fft}), product({n_fft}) {}
  Array<std::complex<float>, 1> samples, spectrum, product;
};

/// in [n_fft]: samples t0 - n_before ... t0 + n_valid + n_after of one channel, contiguous -> out [n_valid]:
/// samples t0 ... dedispersed, contiguous. Throws std::invalid_argument for other shapes, a channel that is
/// not there, or scratch of another n_fft.
void dedisperse_step(const CoherentPlan& plan, CoherentScratch& scratch, std::int64_t channel,
                     View<const std::complex<float>, 1> in, View<std::complex<float>, 1> out);

/// dedisperse_step in two: the spectrum of `in` into the scratch once, then out of it for each plan of equal
/// lengths.
void forward_step(const CoherentPlan& plan, CoherentScratch& scratch, View<const std::complex<float>, 1> in);
void backward_step(const CoherentPlan& plan, CoherentScratch& scratch, std::int64_t channel,
                   View<std::complex<float>, 1> out);

/// in [n] -> out [n]: one circular transform of all samples in double precision, term by term; n^2 terms.
void dedisperse_reference(const CoherentParams& params, std::int64_t channel,
                          View<const std::complex<float>, 1> in, View<std::complex<float>, 1> out);

}  // namespace tianyan
