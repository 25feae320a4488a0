// The sift of all beams' candidates over an hour: noise, crowds of interference, pulses in several beams.
//
// Counters: groups, bytes_candidate (the peak of memory, the candidates themselves left out, over their
// number; Linux only). Big-O is that of the numbers of candidates, one hour's density growing with them.
#include <malloc.h>

#include <fstream>
#include <string>
#include <vector>

#include "kernels/sift.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

constexpr int kBeams = 19;
constexpr double kScanS = 3600.0;
constexpr SiftParams kParams{4.0, 2.305e-3};

class Mix {
 public:
  explicit Mix(std::int64_t n) : n_(static_cast<std::size_t>(n)) {}

  /// 60 % noise, 30 % interference at DM 0 in all beams, most of it within a second, 10 % pulses.
  std::vector<SiftCandidate> make() {
    while (all_.size() < n_ * 6 / 10) add(beam(), kScanS * uniform(), 5000.0 * uniform(), width(), snr());
    while (all_.size() < n_ * 9 / 10) add_interference();
    while (all_.size() < n_) add_pulse();
    return std::move(all_);
  }

 private:
  double uniform() { return random_.uniform(); }
  double normal() {
    float x;
    normal_.fill(random_, &x, 1);
    return static_cast<double>(x);
  }
  int beam() { return 1 + static_cast<int>(random_.below(kBeams)); }
  double width() { return kSampleTimeS * std::exp2(12.0 * uniform()); }
  double snr() { return 7.0 - std::log(1.0 - uniform()) / 7.0; }

  void add(int beam, double time_s, double dm, double width_s, double snr) {
    const double time_err_s = 0.5 * width_s / snr, dm_err = 1.2 * width_s / snr / kParams.band_delay_s_per_dm;
    all_.push_back(
        {beam, time_s + time_err_s * normal(), time_err_s, dm + dm_err * normal(), dm_err, width_s, snr});
  }
  void add_interference() {
    const double time_s = uniform() < 0.5 ? 1000.0 + uniform() : kScanS * uniform(), width_s = width();
    const double strongest = 7.0 / (0.01 + uniform());
    for (int b = 1; b <= kBeams; ++b)
      add(b, time_s, 2.0 * std::abs(normal()), width_s, std::max(7.0, strongest * uniform()));
  }
  void add_pulse() {
    const double time_s = kScanS * uniform(), dm = 5000.0 * uniform(), width_s = width();
    const double strongest = 10.0 / (0.02 + uniform());
    const auto n_beam = 3 + random_.below(5);
    for (std::uint64_t b = 1; b <= n_beam; ++b)
      add(static_cast<int>(b), time_s, dm, width_s * std::exp2(0.5 * normal()),
          std::max(7.0, strongest / static_cast<double>(b * b)));
  }

  std::size_t n_;
  std::vector<SiftCandidate> all_;
  Xoshiro256 random_{1};
  NormalTable normal_;
};

/// VmRSS or VmHWM of this process, kB; 0 where the system does not say.
double status_kb(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string key, line; file >> key; std::getline(file, line))
    if (double kb; key == name + ":" && file >> kb) return kb;
  return 0.0;
}

double peak_bytes(const std::vector<SiftCandidate>& candidates) {
  malloc_trim(0);                                 // what others have left
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak counts from now on
  const double before_kb = status_kb("VmRSS");
  benchmark::DoNotOptimize(sift_groups(candidates, kParams));
  return 1024.0 * (status_kb("VmHWM") - before_kb);
}

void sift_all(benchmark::State& state, const std::vector<SiftCandidate>& candidates) {
  const double bytes = peak_bytes(candidates);
  std::vector<std::int32_t> group;
  for (auto _ : state) benchmark::DoNotOptimize(group = sift_groups(candidates, kParams));
  state.SetComplexityN(state.range(0));
  state.counters["groups"] = 1.0 + *std::max_element(group.begin(), group.end());
  state.counters["bytes_candidate"] = bytes / static_cast<double>(candidates.size());
}

void for_numbers(benchmark::internal::Benchmark* benchmark) {
  benchmark->RangeMultiplier(10)
      ->Range(10'000, 1'000'000)
      ->Complexity(benchmark::oNLogN)
      ->Unit(benchmark::kMillisecond);
}

void sift(benchmark::State& state) { sift_all(state, Mix(state.range(0)).make()); }
BENCHMARK(sift)->Apply(for_numbers);

/// All within a millisecond, at all DMs, of all widths: more and more that are near but do not match.
void sift_crowd(benchmark::State& state) {
  auto candidates = Mix(state.range(0)).make();
  for (auto& c : candidates) c.time_s *= 1e-3 / kScanS;
  sift_all(state, candidates);
}
BENCHMARK(sift_crowd)->Apply(for_numbers);

}  // namespace
}  // namespace tianyan
