// Polyphase filterbank: one stream of voltages into n_chan narrow channels, still voltages.
//
// With N = n_fft = n_chan of complex, 2 n_chan of real input, hop = N over_den / over_num samples from frame
// to frame and W = n_tap N samples in each, frame m begins at sample s = m hop - lead, lead = floor((W - hop)
// / 2), and
//
//   X[m][k] = sum_n h[n] x[s + n] exp(-2 pi i f_k (s + n) / N),   n = 0 ... W - 1,  k = 0 ... n_chan - 1,
//   f_k     = k - floor(n_chan / 2) of complex, k of real input
//
// in units of the channel's width, the sampling rate / N: channel 0 is the lowest frequency, and the middle
// of the band that was sampled, where x is constant, is channel floor(n_chan / 2) of complex input. Real
// input has x constant in channel 0, and its Nyquist frequency is dropped. The sample x[0] has phase 0 in
// every channel, whatever the frame: X[.][k] is channel k's own baseband, sampled every hop samples, and a
// tone d channels above f_k turns by 2 pi d hop / N from frame to frame. The middle of the frame is that of
// the samples [m hop, (m + 1) hop), to half a sample.
//
//   h[n] = w(u) sinc(n_tap u),   u = (n - (W - 1) / 2) / W in (-1/2, 1/2),   sum_n h[n]^2 = 1
//
// is a low-pass filter as wide as a channel (6 dB down at its edge). One tap has no room for one: h[n] =
// w(u), a windowed Fourier transform, the plain one where w is rectangular. The windows are taken in the
// middle of each sample, so none is 0 at its ends:
//
//   Hann 0.5 + 0.5 cos(2 pi u),  Hamming 0.54 + 0.46 cos(2 pi u),  Kaiser I0(beta sqrt(1 - 4 u^2)) / I0(beta)
//
// White noise of variance s^2 (|x|^2 of complex samples) has E|X|^2 = s^2 in each channel. Channel 0 of real
// input is real: one degree of freedom in its power where the others have two, of the same mean.
//
// A tone is at least so much weaker, in dB, in channels whose middle is so many widths or more away than in
// one that has it in its middle (of 64 channels or more; of fewer up to 0.6 dB less). Channels beyond the two
// adjacent to a tone's own are 1.5 away at least; at the edge its own channel has it 6 dB weaker too:
//
//                        1.0    1.5    2.0    always below -60 from
//   4 taps, Hamming     -50.2  -67.9  -68.8   1.12
//   4 taps, Kaiser 8    -42.1  -83.6  -93.1   1.09
//   8 taps, Hamming     -63.9  -67.4  -72.1   0.81
//   8 taps, Kaiser 8    -83.1  -94.9 -100.9   0.80
//
// The sum is folded to y[j], j = (s + n) mod N, added in order of n: a circular shift in place of phases.
// Then one transform of N points: h[n] has the sign (-1)^n where N is even, so that its bins come out in
// order of frequency. Neither blocks, alignment, threads nor the instruction set change a bit of X.
//
// numpy: y = np.roll((h * x[s:s+W]).reshape(n_tap, N).sum(0), s % N); X = np.fft.fftshift(np.fft.fft(y)), or
//        np.fft.rfft(y)[:-1] of real input; w = np.hamming(2*W+1)[1::2], np.kaiser(2*W+1, beta)[1::2]
//
// Crochiere & Rabiner 1983, Multirate Digital Signal Processing, ch. 7; Price 2016, arXiv:1607.03579;
// windows: Harris 1978, Proc. IEEE 66, 51; Kaiser 1974, Proc. IEEE Int. Symp. Circuits & Systems, 20.
#pragma once
#include <complex>
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/sample_range.hpp"
#include "kernels/fft.hpp"

namespace tianyan {

enum class PfbWindow { kRectangular, kHann, kHamming, kKaiser };

struct PfbParams {
  std::int64_t n_chan = 4096;  ///< made of one stream
  int n_tap = 4;
  bool is_complex = true;  ///< the input; a complex sample is its real, then its imaginary component
  PfbWindow window = PfbWindow::kHamming;
  double kaiser_beta = 8.0;        ///< of kKaiser
  int over_num = 1, over_den = 1;  ///< channels are sampled over_num / over_den >= 1 times their width

  int n_component() const { return is_complex ? 2 : 1; }
};

inline constexpr std::int64_t kMaxPfbChannels = std::int64_t{1} << 24;
inline constexpr int kMaxPfbTaps = 256;
inline constexpr double kMaxKaiserBeta = 100.0;

struct PfbPlan {
  PfbParams params;
  std::int64_t n_fft = 0;
  std::int64_t hop = 0;       ///< samples
  std::int64_t n_window = 0;  ///< samples
  std::int64_t lead = 0;      ///< samples of frame m before sample m hop
  Array<float, 1> taps;       ///< h [n_window]
  Array<float, 1> fold_taps;  ///< h with its signs, of every component, in the order of kernels/pfb_fold.hpp
  Fft fft;

  /// The samples that frame m is made of, [first_sample(m), end_sample(m)). They begin before 0 in frame 0.
  std::int64_t first_sample(std::int64_t frame) const { return frame * hop - lead; }
  std::int64_t end_sample(std::int64_t frame) const { return first_sample(frame) + n_window; }
};

/// Throws std::invalid_argument unless 1 <= n_chan <= kMaxPfbChannels, 1 <= n_tap <= kMaxPfbTaps, 0 <=
/// kaiser_beta <= kMaxKaiserBeta, and hop is whole and at most n_fft.
PfbPlan make_pfb_plan(const PfbParams& params);

/// h [n_tap n_fft] in double precision. Throws as make_pfb_plan().
std::vector<double> pfb_taps(const PfbParams& params);

/// The frames all of whose samples lie in [first_sample, end_sample); none: begin == end.
SampleRange pfb_frames(const PfbPlan& plan, std::int64_t first_sample, std::int64_t end_sample);

/// Memory of one thread.
struct PfbScratch {
  explicit PfbScratch(const PfbPlan& plan);
  Array<std::complex<float>, 1> folded;    ///< y; of real input two samples in each element
  Array<std::complex<float>, 1> spectrum;  ///< what the transform gives
};

/// x [sample * component] holds the samples from first_sample on, contiguous; spectrum [channel], contiguous.
/// Neither needs alignment; a spectrum that lies on 64 bytes saves a copy of complex input of even n_chan.
/// Throws std::invalid_argument where x lacks samples of the frame, the spectrum has not n_chan channels, or
/// the scratch is of another plan.
void pfb_frame(const PfbPlan& plan, PfbScratch& scratch, View<const float, 1> x, std::int64_t first_sample,
               std::int64_t frame, View<std::complex<float>, 1> spectrum);

/// Frames first_frame + m into out [m][channel], channels contiguous, with one thread for each of `scratch`.
/// Throws as pfb_frame(), and without scratch.
void pfb(const PfbPlan& plan, std::vector<PfbScratch>& scratch, View<const float, 1> x,
         std::int64_t first_sample, std::int64_t first_frame, View<std::complex<float>, 2> out);

/// One frame as the formula has it, in double precision.
void pfb_reference(const PfbParams& params, View<const float, 1> x, std::int64_t first_sample,
                   std::int64_t frame, View<std::complex<double>, 1> spectrum);

}  // namespace tianyan
