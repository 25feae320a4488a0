// The polyphase filterbank, in samples of the stream per second, beside FFTW's own batched transform of the
// same samples: what the filter and its order of channels cost.
#include <fftw3.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <complex>
#include <ctime>
#include <string>
#include <vector>

#include "kernels/pfb.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kFrames = 512;  // 16 MiB in, 16 MiB out

// What a run makes spectra of, and where they go.
struct Band {
  Band(bool is_complex, int n_tap)
      : plan(make_pfb_plan({.n_chan = kChannels, .n_tap = n_tap, .is_complex = is_complex})),
        x({(plan.n_window + (kFrames - 1) * plan.hop) * plan.params.n_component()}),
        out({kFrames, kChannels}) {
    fill_noise(x.data(), x.size(), 0.0F, 20.0F, 127.0F);
    std::fill_n(out.data(), out.size(), std::complex<float>(1.0F));  // takes its pages
  }
  double n_sample() const { return static_cast<double>(kFrames * plan.hop); }

  PfbPlan plan;
  Array<float, 1> x;
  Array<std::complex<float>, 2> out;
};

class Filterbank {
 public:
  Filterbank(Band& band, int n_threads) : band_(band) {
    for (int i = 0; i < n_threads; ++i) scratch_.emplace_back(band.plan);
  }
  void run() { pfb(band_.plan, scratch_, band_.x.cview(), band_.plan.first_sample(0), 0, band_.out.view()); }

 private:
  Band& band_;
  std::vector<PfbScratch> scratch_;
};

// Each thread has its share of the batch. The Nyquist channel of real input takes a line of its own, so that
// rows stay aligned.
class Batch {
 public:
  Batch(Band& band, int n_threads)
      : band_(band),
        n_threads_(n_threads),
        n_each_(static_cast<int>(kFrames / n_threads)),
        n_bin_(band.plan.params.is_complex ? band.plan.n_fft : band.plan.n_fft / 2 + 8),
        out_({kFrames * n_bin_}) {
    const int n[] = {static_cast<int>(band.plan.n_fft)};
    Array<float, 1> in({n_each_ * float_step()});  // planning overwrites it
    plan_ = band.plan.params.is_complex
                ? fftwf_plan_many_dft(1, n, n_each_, as_complex(in.data()), nullptr, 1, n[0], bins(0),
                                      nullptr, 1, n[0], FFTW_FORWARD, FFTW_MEASURE)
                : fftwf_plan_many_dft_r2c(1, n, n_each_, in.data(), nullptr, 1, n[0], bins(0), nullptr, 1,
                                          static_cast<int>(n_bin_), FFTW_MEASURE | FFTW_PRESERVE_INPUT);
    std::fill_n(out_.data(), out_.size(), std::complex<float>(1.0F));
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() { fftwf_destroy_plan(plan_); }

  void run() {
#pragma omp parallel for schedule(static) num_threads(n_threads_)
    for (int i = 0; i < n_threads_; ++i) {
      float* in = band_.x.data() + std::int64_t{i} * n_each_ * float_step();
      if (band_.plan.params.is_complex)
        fftwf_execute_dft(plan_, as_complex(in), bins(i));
      else
        fftwf_execute_dft_r2c(plan_, in, bins(i));
    }
  }

 private:
  static fftwf_complex* as_complex(float* x) { return reinterpret_cast<fftwf_complex*>(x); }
  std::int64_t float_step() const { return band_.plan.n_fft * band_.plan.params.n_component(); }
  fftwf_complex* bins(int part) {
    return reinterpret_cast<fftwf_complex*>(out_.data() + std::int64_t{part} * n_each_ * n_bin_);
  }

  Band& band_;
  int n_threads_, n_each_;
  std::int64_t n_bin_;
  Array<std::complex<float>, 1> out_;
  fftwf_plan plan_ = nullptr;
};

template <class Work>
void time_samples(benchmark::State& state, bool is_complex, int n_tap) {
  Band band(is_complex, n_tap);
  Work work(band, static_cast<int>(state.range(0)));
  work.run();
  for (auto _ : state) work.run();
  state.counters["samples/s"] =
      benchmark::Counter(band.n_sample(), benchmark::Counter::kIsIterationInvariantRate);
}

// Of the wall, and of all processors.
struct Seconds {
  double wall = 0.0, processor = 0.0;
};

template <class Work>
Seconds seconds_of(Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  const auto begin_clock = std::clock();
  work.run();
  benchmark::ClobberMemory();
  const double processor = static_cast<double>(std::clock() - begin_clock) / CLOCKS_PER_SEC;
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), processor};
}

double median_of(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

// Both in turn, so that other work on the machine meets both: the medians of the ratios of their rates, by
// the wall `of_fftw`, by processor time `of_fftw_cpu`.
void compare(benchmark::State& state, bool is_complex, int n_tap) {
  Band band(is_complex, n_tap);
  Filterbank filterbank(band, static_cast<int>(state.range(0)));
  Batch batch(band, static_cast<int>(state.range(0)));
  seconds_of(filterbank);
  seconds_of(batch);
  std::vector<double> wall, processor;
  for (auto _ : state) {
    const auto theirs = seconds_of(batch), ours = seconds_of(filterbank);
    wall.push_back(theirs.wall / ours.wall);
    processor.push_back(theirs.processor / ours.processor);
  }
  state.counters["of_fftw"] = median_of(wall);
  state.counters["of_fftw_cpu"] = median_of(processor);
}

template <class Body>
void add(const std::string& name, const Body& body) {
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->ArgName("threads")
      ->Apply(for_thread_counts)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

const bool added = [] {
  for (const bool is_complex : {true, false}) {
    const std::string band = is_complex ? "complex_4096" : "real_8192";
    for (const int n_tap : {4, 8})
      add("pfb/" + band + "/" + std::to_string(n_tap) + "tap",
          [=](benchmark::State& state) { time_samples<Filterbank>(state, is_complex, n_tap); });
    add("pfb/fftw_batched_" + band,
        [=](benchmark::State& state) { time_samples<Batch>(state, is_complex, 1); });
    add("pfb/compared_" + band + "/4tap", [=](benchmark::State& state) { compare(state, is_complex, 4); });
  }
  return true;
}();

}  // namespace
}  // namespace tianyan
