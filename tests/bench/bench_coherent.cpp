// Coherent dedispersion: a whole overlap-save step against its two transforms alone, alternating in one run,
// and detection and requantisation of what it makes.
#include <chrono>
#include <vector>

#include "kernels/coherent.hpp"
#include "kernels/detect.hpp"
#include "kernels/requantise.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

using Complex = std::complex<float>;

template <class F>
double seconds_of(F&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Array<Complex, 1> voltages(std::int64_t n) {
  Array<Complex, 1> x({n});
  const NormalTable normal;
  Xoshiro256 random(1);
  normal.fill(random, reinterpret_cast<float*>(x.data()), 2 * n);
  return x;
}

// fft_share: time of the two transforms over time of the step, 1 where nothing else takes time.
void coherent_step(benchmark::State& state) {
  const std::int64_t n_fft = state.range(0);
  const CoherentParams params{1, 1250.0, 0.1, 0.1, 1.5 * static_cast<double>(n_fft)};  // an eighth of n_fft
  const auto plan = make_coherent_plan(params, n_fft);
  CoherentScratch scratch(n_fft);
  const auto x = voltages(n_fft + 1);
  Array<Complex, 1> out({plan.n_valid});
  double step_s = 0.0, fft_s = 0.0;
  for (auto _ : state) {
    step_s +=
        seconds_of([&] { dedisperse_step(plan, scratch, 0, x.cview().slice(0, 1, n_fft + 1), out.view()); });
    fft_s += seconds_of([&] {
      plan.forward.run(x.data(), scratch.spectrum.data());
      plan.backward.run(scratch.spectrum.data(), scratch.samples.data());
    });
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["fft_share"] = fft_s / step_s;
  state.counters["n_valid"] = static_cast<double>(plan.n_valid);
  state.counters["samples_s"] = static_cast<double>(plan.n_valid * state.iterations()) / step_s;
}
BENCHMARK(coherent_step)->Arg(512)->Arg(4096)->Arg(65536)->Unit(benchmark::kMicrosecond);

void count_samples(benchmark::State& state, std::int64_t n) {
  state.counters["samples_s"] =
      benchmark::Counter(static_cast<double>(n * state.iterations()), benchmark::Counter::kIsRate);
}

void detect_spectrum(benchmark::State& state) {
  const auto products = static_cast<PolProducts>(state.range(0));
  const auto x = voltages(kChannels), y = voltages(kChannels);
  Array<float, 2> sums({n_product(products), kChannels});
  for (auto _ : state) add_products(products, FeedBasis::kLinear, x.cview(), y.cview(), sums.view());
  count_samples(state, kChannels);
}
BENCHMARK(detect_spectrum)->Arg(0)->Arg(1)->Arg(2)->Unit(benchmark::kMicrosecond);

void detect_channel(benchmark::State& state) {
  const std::int64_t n_sum = state.range(0), n = 1 << 16;
  const auto x = voltages(n), y = voltages(n);
  Array<std::uint8_t, 1> good({n});
  std::fill_n(good.data(), n, std::uint8_t{1});
  Array<float, 2> out({4, n / n_sum});
  Array<std::int32_t, 1> n_good({n / n_sum});
  for (auto _ : state)
    integrate_products(PolProducts::kStokes, FeedBasis::kLinear, x.cview(), y.cview(), n_sum, good.cview(),
                       out.view(), n_good.view());
  count_samples(state, n);
}
BENCHMARK(detect_channel)->Arg(1)->Arg(8)->Arg(64)->Arg(1024)->Unit(benchmark::kMicrosecond);

void requantise_spectra(benchmark::State& state) {
  Array<float, 2> x({256, kChannels});
  fill_noise(x.data(), x.size(), 1000.0F, 100.0F, 1000.0F);
  Array<std::uint8_t, 1> good({256});
  std::fill_n(good.data(), 256, std::uint8_t{1});
  const auto table = measure_levels(x.cview(), good.cview());
  Array<std::uint8_t, 2> raw({256, kChannels});
  for (auto _ : state) benchmark::DoNotOptimize(requantise(x.cview(), table, raw.view()));
  count_samples(state, x.size());
}
BENCHMARK(requantise_spectra)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tianyan
