// Chirps, their lengths, and overlap-save; the product of spectra is compiled once for each instruction set.
#include "kernels/coherent.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/coherent.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/base/units.hpp"

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// out[k] = a[k] b[k] of n complex numbers, as pairs of floats.
void Multiply(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, float* HWY_RESTRICT out, int64_t n) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; i + lanes <= 2 * n; i += lanes) {
    const auto x = hn::LoadU(d, a + i), y = hn::LoadU(d, b + i);
    const auto straight = hn::Mul(x, hn::DupEven(y)), crossed = hn::Mul(hn::Reverse2(d, x), hn::DupOdd(y));
    hn::StoreU(hn::OddEven(hn::Add(straight, crossed), hn::Sub(straight, crossed)), d, out + i);
  }
#endif
  for (; i < 2 * n; i += 2) {
    out[i] = a[i] * b[i] - a[i + 1] * b[i + 1];
    out[i + 1] = a[i + 1] * b[i] + a[i] * b[i + 1];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {
namespace {

HWY_EXPORT(Multiply);

constexpr std::int64_t kShortestChosenFft = 256;

void check_params(const CoherentParams& p) {
  expect(p.n_chan >= 1, "coherent dedispersion of {} channels", p.n_chan);
  expect(std::isfinite(p.freq_low_mhz) && std::isfinite(p.channel_spacing_mhz) &&
             std::isfinite(p.sample_rate_mhz) && p.channel_spacing_mhz > 0.0,
         "coherent dedispersion of channels {} MHz apart from {} MHz on, sampled at {} MHz",
         p.channel_spacing_mhz, p.freq_low_mhz, p.sample_rate_mhz);
  // Rates and spacings come from headers and agree to their digits.
  expect(p.sample_rate_mhz >= 0.999 * p.channel_spacing_mhz,
         "channels {} MHz apart sampled at {} MHz; at least their spacing is needed", p.channel_spacing_mhz,
         p.sample_rate_mhz);
  expect(p.freq_low_mhz - 0.5 * p.sample_rate_mhz > 0.0,
         "the lowest channel, at {} MHz and sampled at {} MHz, reaches 0 MHz", p.freq_low_mhz,
         p.sample_rate_mhz);
  expect(std::isfinite(p.dm_pc_cm3) && p.dm_pc_cm3 >= 0.0,
         "coherent dedispersion at DM {} pc/cm3; it must be at least 0", p.dm_pc_cm3);
}

void check_kernel(const CoherentParams& p, double kernel_samples, std::int64_t limit) {
  expect(
      kernel_samples <= static_cast<double>(limit),
      "DM too large: at {} pc/cm3 channel 0, at {} MHz and sampled at {} MHz, is spread over {:.0f} samples; "
      "{} are possible",
      p.dm_pc_cm3, p.freq_low_mhz, p.sample_rate_mhz, kernel_samples, limit);
}

// Delays within channel 0, samples: from its centre to its highest, from its lowest frequency to its centre.
struct Delays {
  double before = 0.0, after = 0.0;
};
Delays longest_delays(const CoherentParams& p) {
  const double centre = p.freq_low_mhz, half = 0.5 * p.sample_rate_mhz, rate_hz = 1e6 * p.sample_rate_mhz;
  return {rate_hz * dispersion_delay_s(p.dm_pc_cm3, centre, centre + half),
          rate_hz * dispersion_delay_s(p.dm_pc_cm3, centre - half, centre)};
}

// The smallest M of the header's E(M). Higher channels have smaller jumps j, and E grows up to j = 1/2.
double chirp_margin(const CoherentParams& p, double n_kernel) {
  if (!(n_kernel > 0.0)) return 0.0;
  const double half = 0.5 * p.sample_rate_mhz;
  const double jump = std::abs(dispersion_phase_cycles(p.dm_pc_cm3, p.freq_low_mhz, half) -
                               dispersion_phase_cycles(p.dm_pc_cm3, p.freq_low_mhz, -half));
  const double cosine = std::cos(2.0 * std::numbers::pi * std::min(jump, 0.5));
  const double limit = 2.0 * std::numbers::pi * std::numbers::pi * kChirpEnergyOutside / 1.5;
  double m = 1.0;
  while (1.0 / m + 1.0 / (m + n_kernel) - 2.0 * cosine * std::log1p(n_kernel / m) / n_kernel > limit)
    m += 1.0;
  return m;
}

// The least n log n / (n - n_kernel) over powers of two.
std::int64_t choose_fft(std::int64_t n_kernel) {
  std::int64_t best = 0;
  double least = 0.0;
  for (std::int64_t n = kShortestChosenFft; n <= kLongestCoherentFft; n *= 2) {
    if (n <= n_kernel) continue;
    const auto size = static_cast<double>(n);
    const double cost = size * std::log2(size) / static_cast<double>(n - n_kernel);
    if (best != 0 && cost >= least) continue;
    best = n;
    least = cost;
  }
  return best;
}

// Of frequency k of an n-point transform, in FFT order.
double offset_mhz(const CoherentParams& params, std::int64_t k, std::int64_t n) {
  return static_cast<double>(2 * k < n ? k : k - n) / static_cast<double>(n) * params.sample_rate_mhz;
}

// conj(H). Whole cycles go first: sines of large arguments are slow.
std::complex<double> chirp(const CoherentParams& params, std::int64_t channel, std::int64_t k,
                           std::int64_t n) {
  const double cycles =
      dispersion_phase_cycles(params.dm_pc_cm3, params.freq_mhz(channel), offset_mhz(params, k, n));
  return std::polar(1.0, -2.0 * std::numbers::pi * (cycles - std::rint(cycles)));
}

Array<std::complex<float>, 2> make_response(const CoherentParams& params, std::int64_t n_fft) {
  Array<std::complex<float>, 2> response({params.n_chan, n_fft});
  const double scale = 1.0 / static_cast<double>(n_fft);
  for (std::int64_t c = 0; c < params.n_chan; ++c)
    for (std::int64_t k = 0; k < n_fft; ++k)
      response(c, k) = static_cast<std::complex<float>>(scale * chirp(params, c, k, n_fft));
  return response;
}

void check_scratch(const CoherentPlan& plan, const CoherentScratch& scratch) {
  expect(scratch.samples.size() == plan.n_fft, "scratch of {} samples for a transform of {}",
         scratch.samples.size(), plan.n_fft);
}

// out[t] = sum_k in[k] root[k t mod n], of the n-th roots of 1.
std::vector<std::complex<double>> transform(const std::vector<std::complex<double>>& in, double sign) {
  const std::size_t n = in.size();
  std::vector<std::complex<double>> root(n), out(n);
  for (std::size_t j = 0; j < n; ++j)
    root[j] =
        std::polar(1.0, sign * 2.0 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(n));
  for (std::size_t t = 0; t < n; ++t)
    for (std::size_t k = 0, turn = 0; k < n; ++k) {
      out[t] += in[k] * root[turn];
      turn += turn + t < n ? t : t - n;  // k t mod n
    }
  return out;
}

}  // namespace

double dispersion_phase_cycles(double dm_pc_cm3, double freq_mhz, double offset_mhz) {
  constexpr double kMhzSecond = 1e6;  // cycles
  return kMhzSecond * kDispersionConstant * dm_pc_cm3 * offset_mhz * offset_mhz /
         (freq_mhz * freq_mhz * (freq_mhz + offset_mhz));
}

CoherentLengths coherent_lengths(const CoherentParams& params, std::int64_t n_fft_wanted) {
  check_params(params);
  expect(n_fft_wanted >= 0 && n_fft_wanted <= kLongestCoherentFft,
         "coherent dedispersion by transforms of {} samples; 1 to {}, or 0 for a choice", n_fft_wanted,
         kLongestCoherentFft);
  const auto delays = longest_delays(params);
  const double margin = chirp_margin(params, delays.before + delays.after);
  const double before = std::ceil(delays.before) + margin, after = std::ceil(delays.after) + margin;
  check_kernel(params, before + after, n_fft_wanted > 0 ? n_fft_wanted - 1 : kLongestCoherentFft / 2);
  CoherentLengths lengths{static_cast<std::int64_t>(before), static_cast<std::int64_t>(after), n_fft_wanted,
                          0};
  if (n_fft_wanted == 0) lengths.n_fft = choose_fft(lengths.n_before + lengths.n_after);
  lengths.n_valid = lengths.n_fft - lengths.n_before - lengths.n_after;
  return lengths;
}

std::int64_t response_bytes(const CoherentParams& params, std::int64_t n_fft) {
  return Array<std::complex<float>, 2>::size_bytes_of({params.n_chan, n_fft});
}

CoherentPlan make_coherent_plan(const CoherentParams& params, std::int64_t n_fft_wanted) {
  return make_coherent_plan(params, coherent_lengths(params, n_fft_wanted));
}

CoherentPlan make_coherent_plan(const CoherentParams& params, const CoherentLengths& lengths) {
  expect(lengths.n_fft >= 1 && lengths.n_fft <= kLongestCoherentFft,
         "coherent dedispersion by transforms of {} samples; 1 to {}", lengths.n_fft, kLongestCoherentFft);
  check_params(params);
  const auto needed = longest_delays(params);
  expect(static_cast<double>(lengths.n_before) >= needed.before &&
             static_cast<double>(lengths.n_after) >= needed.after,
         "DM {} pc/cm3 delays by {} samples before and {} after; steps have {} and {}", params.dm_pc_cm3,
         needed.before, needed.after, lengths.n_before, lengths.n_after);
  expect(lengths.n_valid >= 1 && lengths.n_before < lengths.n_fft && lengths.n_after < lengths.n_fft &&
             lengths.n_valid == lengths.n_fft - lengths.n_before - lengths.n_after,
         "steps of {} samples by transforms of {} with {} before and {} after", lengths.n_valid,
         lengths.n_fft, lengths.n_before, lengths.n_after);
  return {params,
          lengths.n_before,
          lengths.n_after,
          lengths.n_fft,
          lengths.n_valid,
          make_response(params, lengths.n_fft),
          Fft(FftKind::kForward, lengths.n_fft),
          Fft(FftKind::kBackward, lengths.n_fft)};
}

void forward_step(const CoherentPlan& plan, CoherentScratch& scratch, View<const std::complex<float>, 1> in) {
  expect(in.shape(0) == plan.n_fft && in.rows_contiguous(), "a step of {} samples, stride {}, for {}",
         in.shape(0), in.stride(0), plan.n_fft);
  check_scratch(plan, scratch);
  std::copy_n(in.data(), plan.n_fft, scratch.samples.data());  // steps begin anywhere, transforms do not
  plan.forward.run(scratch.samples.data(), scratch.spectrum.data());
}

void backward_step(const CoherentPlan& plan, CoherentScratch& scratch, std::int64_t channel,
                   View<std::complex<float>, 1> out) {
  expect(channel >= 0 && channel < plan.params.n_chan, "channel {} of {}", channel, plan.params.n_chan);
  expect(out.shape(0) == plan.n_valid && out.rows_contiguous(), "{} samples, stride {}, for the {} of a step",
         out.shape(0), out.stride(0), plan.n_valid);
  check_scratch(plan, scratch);
  HWY_DYNAMIC_DISPATCH(Multiply)
  (reinterpret_cast<const float*>(scratch.spectrum.data()),
   reinterpret_cast<const float*>(&plan.response(channel, 0)),
   reinterpret_cast<float*>(scratch.product.data()), plan.n_fft);
  plan.backward.run(scratch.product.data(), scratch.samples.data());
  std::copy_n(scratch.samples.data() + plan.n_before, plan.n_valid, out.data());
}

void dedisperse_step(const CoherentPlan& plan, CoherentScratch& scratch, std::int64_t channel,
                     View<const std::complex<float>, 1> in, View<std::complex<float>, 1> out) {
  forward_step(plan, scratch, in);
  backward_step(plan, scratch, channel, out);
}

void dedisperse_reference(const CoherentParams& params, std::int64_t channel,
                          View<const std::complex<float>, 1> in, View<std::complex<float>, 1> out) {
  check_params(params);
  const std::int64_t n = in.shape(0);
  expect(out.shape(0) == n, "{} samples from {}", out.shape(0), n);
  std::vector<std::complex<double>> x(static_cast<std::size_t>(n));
  for (std::int64_t t = 0; t < n; ++t) x[static_cast<std::size_t>(t)] = in[t];
  auto spectrum = transform(x, -1.0);
  for (std::int64_t k = 0; k < n; ++k)
    spectrum[static_cast<std::size_t>(k)] *= chirp(params, channel, k, n) / static_cast<double>(n);
  const auto y = transform(spectrum, +1.0);
  for (std::int64_t t = 0; t < n; ++t)
    out[t] = static_cast<std::complex<float>>(y[static_cast<std::size_t>(t)]);
}

}  // namespace tianyan
#endif
