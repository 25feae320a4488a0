// Taps, frames and the reference of the polyphase filterbank.
#include "kernels/pfb.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/base/division.hpp"
#include "kernels/pfb_fold.hpp"

namespace tianyan {
namespace {

constexpr double kTwoPi = 2.0 * std::numbers::pi;
constexpr std::uintptr_t kAlignment = 64;  // of Array's memory, which the transform asks for

std::int64_t fft_size(const PfbParams& params) {
  return params.is_complex ? params.n_chan : 2 * params.n_chan;
}
std::int64_t hop_of(const PfbParams& params) { return fft_size(params) * params.over_den / params.over_num; }
std::int64_t lead_of(const PfbParams& params) {
  return (params.n_tap * fft_size(params) - hop_of(params)) / 2;
}

void check_params(const PfbParams& params) {
  expect(params.n_chan >= 1 && params.n_chan <= kMaxPfbChannels,
         "a filterbank of {} channels; 1 to {} are possible", params.n_chan, kMaxPfbChannels);
  expect(params.n_tap >= 1 && params.n_tap <= kMaxPfbTaps, "a filterbank of {} taps; 1 to {} are possible",
         params.n_tap, kMaxPfbTaps);
  expect(params.kaiser_beta >= 0.0 && params.kaiser_beta <= kMaxKaiserBeta,
         "a Kaiser window of beta {}; 0 to {} is possible", params.kaiser_beta, kMaxKaiserBeta);
  expect(params.over_den >= 1 && params.over_num >= params.over_den,
         "oversampling by {} / {}; it must be 1 at least, of positive numbers", params.over_num,
         params.over_den);
  expect(fft_size(params) * params.over_den % params.over_num == 0,
         "oversampling by {} / {}: {} {} samples a frame are not whole", params.over_num, params.over_den,
         fft_size(params), params.is_complex ? "complex" : "real");
}

// The modified Bessel function of order 0, by its series: all terms are positive.
double bessel_i0(double x) {
  double sum = 1.0, term = 1.0;
  for (int k = 1; term > sum * 1e-17; ++k) {
    term *= 0.25 * x * x / (static_cast<double>(k) * k);
    sum += term;
  }
  return sum;
}

double sinc(double x) { return x == 0.0 ? 1.0 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double window_at(const PfbParams& params, double u) {
  switch (params.window) {
    case PfbWindow::kHann:
      return 0.5 + 0.5 * std::cos(kTwoPi * u);
    case PfbWindow::kHamming:
      return 0.54 + 0.46 * std::cos(kTwoPi * u);
    case PfbWindow::kKaiser:
      return bessel_i0(params.kaiser_beta * std::sqrt(1.0 - 4.0 * u * u)) / bessel_i0(params.kaiser_beta);
    default:
      return 1.0;
  }
}

// Bins are in order of frequency after the transform, if h alternates.
bool alternates(const PfbParams& params) { return params.is_complex && params.n_chan % 2 == 0; }

Array<float, 1> ordered_taps(const PfbParams& params, const std::vector<double>& h) {
  const auto n_fft = fft_size(params);
  const auto n_component = params.n_component();
  Array<float, 1> taps({params.n_tap * n_fft * n_component});
  const PfbFold fold{params.n_tap, n_fft * n_component};
  for (std::int64_t t = 0; t < params.n_tap; ++t)
    for (std::int64_t i = 0; i < fold.n; ++i) {
      const auto n = t * n_fft + i / n_component;
      const auto tap = static_cast<float>(h[static_cast<std::size_t>(n)]);
      taps(fold.tap_index(t, i)) = alternates(params) && n % 2 != 0 ? -tap : tap;
    }
  return taps;
}

void check_samples(View<const float, 1> x, int n_component, std::int64_t first_sample, std::int64_t begin,
                   std::int64_t end) {
  expect(x.rows_contiguous(), "samples with a stride of {}; they must be contiguous", x.stride(0));
  expect(x.shape(0) % n_component == 0, "{} floats are not complex samples", x.shape(0));
  const auto end_sample = first_sample + x.shape(0) / n_component;
  expect(first_sample <= begin && end <= end_sample, "frames of samples [{}, {}) out of [{}, {})", begin, end,
         first_sample, end_sample);
}

void check_scratch(const PfbPlan& plan, const PfbScratch& scratch) {
  const auto n = plan.params.n_chan, n_bin = n + (plan.params.is_complex ? 0 : 1);
  expect(scratch.folded.size() == n && scratch.spectrum.size() == n_bin,
         "scratch memory of {} and {} elements for a filterbank that takes {} and {}", scratch.folded.size(),
         scratch.spectrum.size(), n, n_bin);
}

// x: the frame's samples, which begin at `sample`.
void fold_frame(const PfbPlan& plan, const float* x, std::int64_t sample, PfbScratch& scratch) {
  const auto n_component = plan.params.n_component();
  pfb_fold({plan.params.n_tap, plan.n_fft * n_component}, plan.fold_taps.data(), x,
           n_component * floor_mod(sample, plan.n_fft), alternates(plan.params) && sample % 2 != 0,
           reinterpret_cast<float*>(scratch.folded.data()));
}

void make_frame(const PfbPlan& plan, PfbScratch& scratch, const float* x, std::int64_t sample,
                std::complex<float>* out) {
  fold_frame(plan, x, sample, scratch);
  auto* folded = scratch.folded.data();
  auto* bins = scratch.spectrum.data();
  if (alternates(plan.params) && reinterpret_cast<std::uintptr_t>(out) % kAlignment == 0)
    return plan.fft.run(folded, out);
  if (plan.params.is_complex) {
    plan.fft.run(folded, bins);
  } else {
    plan.fft.run(reinterpret_cast<const float*>(folded), bins);
  }
  const auto n = plan.params.n_chan;
  const auto lowest = plan.params.is_complex && n % 2 != 0 ? (n + 1) / 2 % n : 0;
  std::rotate_copy(bins, bins + lowest, bins + n, out);
}

}  // namespace

std::vector<double> pfb_taps(const PfbParams& params) {
  check_params(params);
  const auto n_window = static_cast<double>(params.n_tap * fft_size(params));
  std::vector<double> h(static_cast<std::size_t>(params.n_tap * fft_size(params)));
  double squares = 0.0;
  for (std::size_t n = 0; n < h.size(); ++n) {
    const double u = (static_cast<double>(n) - 0.5 * (n_window - 1.0)) / n_window;
    h[n] = window_at(params, u) * (params.n_tap == 1 ? 1.0 : sinc(params.n_tap * u));
    squares += h[n] * h[n];
  }
  for (auto& tap : h) tap /= std::sqrt(squares);
  return h;
}

PfbPlan make_pfb_plan(const PfbParams& params) {
  const auto h = pfb_taps(params);
  const auto n_fft = fft_size(params);
  PfbPlan plan{.params = params,
               .n_fft = n_fft,
               .hop = hop_of(params),
               .n_window = params.n_tap * n_fft,
               .lead = lead_of(params),
               .taps = Array<float, 1>({params.n_tap * n_fft}),
               .fold_taps = ordered_taps(params, h),
               .fft = Fft(params.is_complex ? FftKind::kForward : FftKind::kRealForward, n_fft)};
  for (std::int64_t n = 0; n < plan.n_window; ++n)
    plan.taps(n) = static_cast<float>(h[static_cast<std::size_t>(n)]);
  return plan;
}

SampleRange pfb_frames(const PfbPlan& plan, std::int64_t first_sample, std::int64_t end_sample) {
  const auto begin = ceil_div(first_sample + plan.lead, plan.hop);
  const auto end = floor_div(end_sample - plan.n_window + plan.lead, plan.hop) + 1;
  return {begin, std::max(begin, end)};
}

PfbScratch::PfbScratch(const PfbPlan& plan)
    : folded({plan.params.n_chan}), spectrum({plan.params.n_chan + (plan.params.is_complex ? 0 : 1)}) {}

void pfb_frame(const PfbPlan& plan, PfbScratch& scratch, View<const float, 1> x, std::int64_t first_sample,
               std::int64_t frame, View<std::complex<float>, 1> spectrum) {
  expect(spectrum.rows_contiguous(), "a spectrum with a stride of {}; it must be contiguous",
         spectrum.stride(0));
  expect(spectrum.shape(0) == plan.params.n_chan, "a spectrum of {} channels from a filterbank of {}",
         spectrum.shape(0), plan.params.n_chan);
  const auto sample = plan.first_sample(frame);
  const int n_component = plan.params.n_component();
  check_samples(x, n_component, first_sample, sample, plan.end_sample(frame));
  check_scratch(plan, scratch);
  make_frame(plan, scratch, x.data() + (sample - first_sample) * n_component, sample, spectrum.data());
}

void pfb(const PfbPlan& plan, std::vector<PfbScratch>& scratch, View<const float, 1> x,
         std::int64_t first_sample, std::int64_t first_frame, View<std::complex<float>, 2> out) {
  const auto n_frame = out.shape(0);
  const int n_component = plan.params.n_component();
  expect(!scratch.empty(), "a filterbank without scratch memory; each thread needs one");
  expect(out.shape(1) == plan.params.n_chan && out.rows_contiguous(),
         "spectra of {} channels, {} apart, from a filterbank of {}; they must be contiguous", out.shape(1),
         out.stride(1), plan.params.n_chan);
  for (const auto& one : scratch) check_scratch(plan, one);
  if (n_frame == 0) return;
  check_samples(x, n_component, first_sample, plan.first_sample(first_frame),
                plan.end_sample(first_frame + n_frame - 1));
#pragma omp parallel for schedule(static) num_threads(static_cast <int>(scratch.size()))
  for (std::int64_t m = 0; m < n_frame; ++m) {
    const auto sample = plan.first_sample(first_frame + m);
    make_frame(plan, scratch[static_cast<std::size_t>(omp_get_thread_num())],
               x.data() + (sample - first_sample) * n_component, sample, out[m].data());
  }
}

void pfb_reference(const PfbParams& params, View<const float, 1> x, std::int64_t first_sample,
                   std::int64_t frame, View<std::complex<double>, 1> spectrum) {
  const auto h = pfb_taps(params);
  const auto n_fft = fft_size(params), n_window = params.n_tap * n_fft;
  const auto sample = frame * hop_of(params) - lead_of(params);
  check_samples(x, params.n_component(), first_sample, sample, sample + n_window);
  std::vector<std::complex<double>> turn, hx;  // exp(-2 pi i j / n_fft); h x
  for (std::int64_t j = 0; j < n_fft; ++j)
    turn.push_back(std::polar(1.0, -kTwoPi * static_cast<double>(j) / static_cast<double>(n_fft)));
  for (std::int64_t n = 0; n < n_window; ++n) {
    const auto i = (sample - first_sample + n) * params.n_component();
    hx.push_back(h[static_cast<std::size_t>(n)] *
                 std::complex<double>(x[i], params.is_complex ? x[i + 1] : 0.0F));
  }
  for (std::int64_t k = 0; k < params.n_chan; ++k) {
    const auto f = floor_mod(params.is_complex ? k - params.n_chan / 2 : k, n_fft);
    auto j = f * floor_mod(sample, n_fft) % n_fft;
    spectrum[k] = 0.0;
    for (const auto& value : hx) {
      spectrum[k] += value * turn[static_cast<std::size_t>(j)];
      j += f < n_fft - j ? f : f - n_fft;
    }
  }
}

}  // namespace tianyan
