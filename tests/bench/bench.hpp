// What the benchmarks share: FAST's sizes, noise, and the counters that each of them reports.
//
// An iteration is one statistics window of one beam, 16384 spectra or 0.805 s of data, on one thread where
// the name does not say otherwise: times of different kernels can be compared and added.
#pragma once
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>

#include "kernels/base/array.hpp"
#include "kernels/base/random.hpp"
#include "kernels/base/stream_info.hpp"
#include "kernels/unpack.hpp"

namespace tianyan {

inline constexpr int kChannels = 4096;
inline constexpr std::int64_t kWindow = 16384;  ///< spectra
inline constexpr int kSlab = 64;                ///< channels unpacked and normalised at once
inline constexpr int kTrials = 4096;
inline constexpr double kSampleTimeS = 49.152e-6;
inline constexpr double kWindowS = kWindow * kSampleTimeS;

/// Rates of this machine that bound the kernels; measured once, when first asked for. Additions are those of
/// one thread with the search's own loop, which sums four rows.
struct MachineLimits {
  double copy_bytes_s = 0.0;      ///< one thread, read and written, arrays larger than the last cache
  double copy_all_bytes_s = 0.0;  ///< all threads
  double additions_l1_s = 0.0;    ///< int16, rows in the first cache
  double additions_l2_s = 0.0;    ///< int16, rows in the second cache
  double additions32_l1_s = 0.0;  ///< int32, rows in the first cache
};
const MachineLimits& machine_limits();

/// Makes the argument of a benchmark 1, 2, 4, ... threads and all that the machine has.
void for_thread_counts(benchmark::internal::Benchmark* benchmark);

inline StreamInfo fast_stream(std::int64_t n_time, int n_pol = 1) {
  StreamInfo info;
  info.n_chan = kChannels;
  info.n_pol = n_pol;
  info.channel_width_mhz = 500.0 / kChannels;
  info.freq_low_mhz = 1000.0 + 0.5 * info.channel_width_mhz;
  info.sample_time_s = kSampleTimeS;
  info.n_time = n_time;
  info.start.day = 59000;
  return info;
}

/// Gaussian noise, rounded to integers within [mean - clip, mean + clip].
template <class T>
void fill_noise(T* out, std::int64_t n, float mean, float sigma, float clip) {
  const NormalTable normal;
  Xoshiro256 random(1);
  float noise[1024];
  for (std::int64_t i = 0; i < n; i += 1024) {
    const std::int64_t count = std::min<std::int64_t>(1024, n - i);
    normal.fill(random, noise, count);
    for (std::int64_t j = 0; j < count; ++j)
      out[i + j] = static_cast<T>(mean + std::clamp(std::rint(noise[j] * sigma), -clip, clip));
  }
}

/// Normalised samples [n_chan][n_time], as conditioning makes them.
inline Array<std::int8_t, 2> quantised_noise(std::int64_t n_chan, std::int64_t n_time) {
  Array<std::int8_t, 2> q({n_chan, n_time});
  fill_noise(q.data(), q.size(), 0.0F, 4.0F, 31.0F);
  return q;
}

/// Recorded bytes of one window, of one span.
inline void fill_window(const SampleFormat& format, int n_pol, RawBlock& block) {
  const auto info = fast_stream(kWindow, n_pol);
  block.n_time = kWindow;
  block.reserve(kWindow, spectrum_bytes(info, format));
  fill_noise(block.samples.data(), block.samples.size(), 128.0F, 16.0F, 100.0F);
  block.spans.assign(1, {});
  block.spans.front().end = kWindow;
}

/// All samples of the window count.
inline SpanWeights full_weights() {
  return {{0, kWindow}, std::vector<std::uint8_t>(static_cast<std::size_t>(kChannels), 1), kChannels};
}

/// Work of one iteration.
struct Work {
  double bytes = 0.0;  ///< that must come from or go to main memory or the last cache
  double additions = 0.0;
  int addend_bytes = 2;  ///< of the numbers that are added: 2 or 4
};

/// How near a kernel that does the work `per_s` times a second comes to the machine's rates of one thread:
/// `of_copy` is the fraction of the rate of copying, `of_adds_l1` and `of_adds_l2` are those of adding in the
/// first and second cache. Additions of 4 bytes are compared with the first cache alone.
inline void report_fractions(benchmark::State& state, const Work& work, double per_s) {
  const auto& limits = machine_limits();
  if (work.bytes > 0.0) {
    state.counters["GB/s"] = work.bytes * per_s / 1e9;
    state.counters["of_copy"] = work.bytes * per_s / limits.copy_bytes_s;
  }
  if (work.additions > 0.0) {
    const double additions_s = work.additions * per_s;
    state.counters["Gadd/s"] = additions_s / 1e9;
    state.counters["of_adds_l1"] =
        additions_s / (work.addend_bytes == 2 ? limits.additions_l1_s : limits.additions32_l1_s);
    if (work.addend_bytes == 2) state.counters["of_adds_l2"] = additions_s / limits.additions_l2_s;
  }
}

/// Times body(), the work of one window, in CPU time. `x_real_time` is seconds of data per second.
template <class Body>
void time_windows(benchmark::State& state, const Work& work, const Body& body) {
  machine_limits();  // not while the kernel's own time runs
  body();            // memory that is touched for the first time would count as the kernel's
  const auto begin = std::clock();
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  const double per_s = static_cast<double>(state.iterations()) / seconds;
  report_fractions(state, work, per_s);
  state.counters["x_real_time"] = kWindowS * per_s;
}

}  // namespace tianyan
