// What S/N means where much is flagged: noise exceeds thresholds as often as a Gaussian does, pulses have the
// S/N that their samples with weight leave them, and red noise is no pulse.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "io/mask_file.hpp"
#include "io/sink.hpp"
#include "kernels/row_variance.hpp"
#include "pipeline/condition.hpp"
#include "pipeline/host_levels.hpp"
#include "tests/kernels/kernel_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

// Fractions that are flagged, half of each at random and half in bands.
struct Flagged {
  double channels = 0.0, times = 0.0;
};

// Flags of [0, n_time): channels for good, times in runs of 1 to 20 samples and of 200 to 1000.
struct RandomMask {
  std::vector<std::uint8_t> channel;  // 0 flagged
  std::vector<FlaggedTimes> times;

  RandomMask(int n_chan, std::int64_t n_time, const Flagged& flagged, Xoshiro256& random)
      : channel(static_cast<std::size_t>(n_chan), 1) {
    flag_channels_in(n_chan, 0.5 * flagged.channels, n_chan / 12, random);
    flag_channels_in(n_chan, flagged.channels, 1, random);
    std::vector<std::uint8_t> good(static_cast<std::size_t>(n_time), 1);
    flag_times_in(good, 0.5 * flagged.times, 200, 1000, random);
    flag_times_in(good, flagged.times, 1, 20, random);
    for (std::int64_t t = 0; t < n_time; ++t) {
      if (good[static_cast<std::size_t>(t)] != 0) continue;
      if (times.empty() || times.back().end != t) times.push_back({t, t});
      times.back().end = t + 1;
    }
  }

 private:
  static double bad_share(const std::vector<std::uint8_t>& good) {
    return static_cast<double>(std::count(good.begin(), good.end(), 0)) / static_cast<double>(good.size());
  }
  void flag_channels_in(int n_chan, double share, int width, Xoshiro256& random) {
    while (bad_share(channel) < share) {
      const auto first = random_between(random, 0, n_chan - width);
      std::fill_n(channel.begin() + first, width, std::uint8_t{0});
    }
  }
  static void flag_times_in(std::vector<std::uint8_t>& good, double share, int least, int most,
                            Xoshiro256& random) {
    while (bad_share(good) < share) {
      const auto length = random_between(random, least, most);
      const auto first = random_between(random, 0, std::ssize(good) - length);
      std::fill_n(good.begin() + first, length, std::uint8_t{0});
    }
  }
};

// One stretch of white noise through conditioning, the FDMT and every boxcar of every trial.
class NoiseStretch {
 public:
  static constexpr int kChannels = 512, kWindows = 8;
  static constexpr std::int64_t kWindow = 4096, kSamples = kWindows * kWindow;

  NoiseStretch(const Flagged& flagged, std::uint64_t seed)
      : random_(seed), mask_(kChannels, kSamples, flagged, random_) {
    info_.n_chan = kChannels;
    info_.freq_low_mhz = 1000.5;
    info_.channel_width_mhz = 500.0 / kChannels;
    info_.sample_time_s = 196.608e-6;
    info_.n_time = kSamples;
    times_ = Array<float, 1>({kSamples});
    share_ = Array<float, 1>({kSamples});
    for (auto* bins : {&weight_, &mean_}) *bins = Array<float, 2>({64, kSamples / kVarianceBin});
    condition();
    sample_shares(times_.cview(), share_.view());
  }

  // Adds the boxcars of all trials that exceed each threshold; returns how many boxcars there are.
  std::int64_t count(const std::vector<double>& thresholds, std::vector<std::int64_t>& exceed) {
    FdmtParams params;
    params.n_chan = kChannels;
    params.freq_low_mhz = info_.freq_low_mhz;
    params.channel_width_mhz = info_.channel_width_mhz;
    params.delay_begin = 0;
    params.delay_end = 512;
    params.max_abs = kQuantClip;
    const auto plan = make_fdmt_plan(params, 1024);
    const BoxcarPlan boxcar = make_boxcar_plan(0.0, 2048.0, std::int64_t{kChannels} * kQuantClip, 4.0,
                                               0.1 * kChannels * QuantLevels{}.variance);
    const auto n = (kSamples - plan.history() - boxcar.lag()) / 1024 * 1024;
    Array<std::int32_t, 2> rows({plan.n_trial(), n + boxcar.lag()});
    fdmt(plan, q_.cview().slice(1, 0, plan.history() + rows.shape(1)), rows.view());
    std::int64_t n_boxcar = 0;
    for (int trial = 0; trial < plan.n_trial(); ++trial)
      n_boxcar += count_row(params, boxcar, trial, rows.cview()[trial], thresholds, exceed);
    return n_boxcar;
  }

 private:
  void condition() {
    const NormalTable normal;
    HostLevels levels(info_, {}, kWindow, 2);
    Conditioner conditioner(RfiConfig{}, info_, {}, kWindow, 2, levels);
    conditioner.allocate();
    Array<std::int8_t, 2> q({kChannels, kWindow});
    levels.write_to(q.view());
    Array<float, 2> weight({64, kWindow / kVarianceBin}), mean({64, kWindow / kVarianceBin});
    std::vector<float> noise(kChannels);
    RawBlock block;
    block.reserve(kWindow, kChannels);
    for (std::int64_t first = 0; first < kSamples; first += kWindow) {
      block.first_sample = first;
      block.n_time = kWindow;
      block.spans = {{0, kWindow, false, {}, {}, {}}};
      for (std::int64_t t = 0; t < kWindow; ++t) {
        normal.fill(random_, noise.data(), kChannels);
        for (int c = 0; c < kChannels; ++c)
          block.samples(t, c) =
              static_cast<std::uint8_t>(std::lround(100.0F + 12.0F * noise[static_cast<std::size_t>(c)]));
      }
      measure(conditioner, block);
      conditioner.finish(nullptr, weight.view(), mean.view());
      conditioner.sample_weights(times_.view().slice(0, first, first + kWindow));
      for (int c = 0; c < kChannels; ++c) std::copy_n(&q(c, 0), kWindow, &q_(c, first));
      for (std::int64_t b = 0; b < 64; ++b) {
        std::copy_n(&weight(b, 0), weight.shape(1), &weight_(b, first / kVarianceBin));
        std::copy_n(&mean(b, 0), mean.shape(1), &mean_(b, first / kVarianceBin));
      }
    }
  }

  static constexpr int kSampleDelays = 32;  // as DmSearch has it

  void measure(Conditioner& conditioner, const RawBlock& block) const {
    Array<std::uint8_t, 2> rule({kWindow / kCellSamples, kChannels});
    for (std::int64_t k = 0; k < rule.shape(0); ++k)
      for (int c = 0; c < kChannels; ++c)
        rule(k, c) = mask_.channel[static_cast<std::size_t>(c)] != 0 ? 0 : 1;
    MaskWindow mask{rule.cview(), {}};
    for (const auto& run : mask_.times)
      if (run.end > block.first_sample && run.begin < block.first_sample + kWindow)
        mask.times.push_back({std::max(run.begin - block.first_sample, std::int64_t{0}),
                              std::min(run.end - block.first_sample, kWindow)});
    conditioner.measure(block, &mask);
  }

  // Starts are those of the search: every sample of a level.
  std::int64_t count_row(const FdmtParams& params, const BoxcarPlan& boxcar, int trial,
                         View<const std::int32_t, 1> row, const std::vector<double>& thresholds,
                         std::vector<std::int64_t>& exceed) const {
    const auto bound = variance_subbands(kChannels);
    const auto n = row.shape(0);
    const bool by_sample = params.delay_of(trial) < kSampleDelays;
    Array<std::int32_t, 1> shift({64}), delay({64});
    Array<float, 1> per_bin({by_sample ? n : n / kVarianceBin}), mean({n / kVarianceBin});
    Array<double, 1> prefix({per_bin.size() + 1}), mean_prefix({mean.size() + 1});
    subband_shifts(params, bound, params.delay_of(trial), shift.view());
    subband_delays(params, bound, params.delay_of(trial), delay.view());
    if (by_sample)
      row_variance_samples(weight_.cview(), share_.cview(), delay.cview(), 0, QuantLevels{}.variance,
                           per_bin.view());
    else
      row_variance(weight_.cview(), shift.cview(), 0, QuantLevels{}.variance, per_bin.view());
    row_variance(mean_.cview(), shift.cview(), 0, 1.0, mean.view());
    auto track = make_variance_track(boxcar, per_bin.cview(), n - boxcar.lag(), prefix.view());
    set_row_mean(mean.cview(), mean_prefix.view(), track);
    std::vector<std::int64_t> sum(static_cast<std::size_t>(n) + 1, 0);
    for (std::int64_t t = 0; t < n; ++t)
      sum[static_cast<std::size_t>(t) + 1] = sum[static_cast<std::size_t>(t)] + row[t];
    std::int64_t n_boxcar = 0;
    for (int level = 0; level < boxcar.n_level; ++level)
      for (int j = boxcar.first_width[level]; j < boxcar.end_width[level]; ++j) {
        const auto step = BoxcarPlan::decimation(level);
        const int width = kNarrowWidths[j] * static_cast<int>(step);
        const double least =
            thresholds.front() * std::sqrt(track.least[level] * width) + track.least_mean * width;
        for (std::int64_t t = 0; t + width <= n; t += step, ++n_boxcar) {
          const auto s = sum[static_cast<std::size_t>(t + width)] - sum[static_cast<std::size_t>(t)];
          if (static_cast<double>(s) < least) continue;
          const double snr = boxcar_snr(boxcar, track, s, t + track.begin, width);
          for (std::size_t i = 0; i < thresholds.size(); ++i) exceed[i] += snr > thresholds[i] ? 1 : 0;
        }
      }
    return n_boxcar;
  }

  Xoshiro256 random_;
  RandomMask mask_;
  StreamInfo info_;
  Array<std::int8_t, 2> q_{{kChannels, kSamples}};
  Array<float, 2> weight_, mean_;
  Array<float, 1> times_, share_;
};

double gaussian_tail(double sigmas) { return 0.5 * std::erfc(sigmas / std::sqrt(2.0)); }

// Boxcars overlap and share samples, but each exceeds a threshold with the chance of a Gaussian: the expected
// count is exact. TIANYAN_NOISE_BOXCARS=1e10 makes it as long as one has time for; the default tells 4 and 5
// sigma.
TEST(Significance, FlaggedNoiseExceedsThresholdsAsOftenAsAGaussian) {
  const char* wanted = std::getenv("TIANYAN_NOISE_BOXCARS");
  const double n_wanted = wanted != nullptr ? std::atof(wanted) : 1e8;
  const std::vector<double> thresholds = {4.0, 5.0, 6.0};
  for (const Flagged flagged : {Flagged{}, Flagged{0.3, 0.1}}) {
    std::vector<std::int64_t> exceed(thresholds.size(), 0);
    double n = 0.0;
    for (std::uint64_t seed = 1; n < n_wanted; ++seed)
      n += static_cast<double>(NoiseStretch(flagged, seed).count(thresholds, exceed));
    for (std::size_t i = 0; i < thresholds.size(); ++i) {
      const double expected = n * gaussian_tail(thresholds[i]);
      std::printf("%.0f %% of channels, %.0f %% of times: %lld of %.2e boxcars above %.0f, %.1f expected\n",
                  100.0 * flagged.channels, 100.0 * flagged.times, static_cast<long long>(exceed[i]), n,
                  thresholds[i], expected);
      if (expected < 300.0) continue;  // tens of boxcars share each excess: too few to tell
      EXPECT_GT(static_cast<double>(exceed[i]), 0.5 * expected) << thresholds[i];
      EXPECT_LT(static_cast<double>(exceed[i]), 2.0 * expected) << thresholds[i];
    }
  }
}

ScanSpec pulses_in_noise() {
  ScanSpec spec = small_scan();
  spec.sample_time_s = 98.304e-6;
  spec.duration_s = 27.0;
  Xoshiro256 random(300);
  for (int i = 0; i < 50; ++i)
    spec.pulses.push_back({50.0 + 500.0 * random.uniform(),
                           1e-3 * std::pow(8.0, random.uniform()),
                           30.0,
                           1.0 + 0.5 * (i + 0.1 * random.uniform()),
                           {1}});
  return spec;
}

void write_mask(const std::string& path, const StreamInfo& info, const RandomMask& mask) {
  FlagMaskInfo header;
  header.beam = 1;
  header.n_chan = info.n_chan;
  header.freq_low_mhz = info.freq_low_mhz;
  header.channel_width_mhz = info.channel_width_mhz;
  header.sample_time_s = info.sample_time_s;
  header.n_time = info.n_time;
  header.start = info.start;
  Array<std::uint8_t, 2> rule({header.n_cell(), info.n_chan});
  for (std::int64_t k = 0; k < rule.shape(0); ++k)
    for (int c = 0; c < info.n_chan; ++c) rule(k, c) = mask.channel[static_cast<std::size_t>(c)] != 0 ? 0 : 1;
  MaskWriter writer(path, header, false);
  writer.append(rule.cview());
  writer.add_times(mask.times);
  writer.finish();
}

// Fraction of a pulse's weighted squares that the mask leaves: S/N goes with its root.
double share_left(const StreamInfo& info, const RandomMask& mask, const PulseSpec& pulse) {
  std::vector<std::uint8_t> good(static_cast<std::size_t>(info.n_time), 1);
  for (const auto& run : mask.times)
    std::fill(good.begin() + run.begin, good.begin() + run.end, std::uint8_t{0});
  const double sigma = pulse.width_s / kFwhmPerSigma / info.sample_time_s;
  double kept = 0.0, all = 0.0;
  for (int c = 0; c < info.n_chan; ++c) {
    const double centre =
        (pulse.time_s + dispersion_delay_s(pulse.dm_pc_cm3, info.freq_mhz(c), info.ref_freq_mhz())) /
        info.sample_time_s;
    for (auto t = std::llround(centre - 3.0 * sigma); t <= std::llround(centre + 3.0 * sigma); ++t) {
      const double g = std::exp(-0.5 * std::pow((static_cast<double>(t) - centre) / sigma, 2));
      all += g * g;
      kept += g * g * mask.channel[static_cast<std::size_t>(c)] * good[static_cast<std::size_t>(t)];
    }
  }
  return kept / all;
}

// Flags of channels and of times so that together so much is flagged.
Flagged flags_of(double fraction) { return {0.75 * fraction, 0.25 * fraction / (1.0 - 0.75 * fraction)}; }

// The mean of 50 ratios has an error of 1 / (30 7) = 0.5 %, more where half is flagged; boxcars fit a pulse
// with holes a little less well than the whole one that the prediction knows.
TEST(Significance, PulsesHaveTheSnrThatTheirSamplesWithWeightLeaveThem) {
  const TempDir dir;
  const auto spec = pulses_in_noise();
  const auto inputs = simulate_scan(spec, dir.path());
  const auto info = scan_info(spec, 1);
  auto config = small_config();
  config.search.width_min_s = 5e-4;
  const auto plan = make_search_plan(config, info);
  for (const double fraction : {0.0, 0.1, 0.3, 0.5}) {
    Xoshiro256 random(7);
    const RandomMask mask(info.n_chan, info.n_time, flags_of(fraction), random);
    const auto name = std::to_string(std::lround(100.0 * fraction));
    write_mask(dir.file(name + ".h5"), info, mask);
    SearchRequest request{config, inputs, dir.file("run" + name), dir.file(name + ".h5")};
    request.quiet = true;
    run_search(request);
    const auto rows = candidates_of(request.run_directory);
    double ratio = 0.0;
    int n_found = 0, n_missed = 0;
    for (const auto& pulse : spec.pulses) {
      const double predicted = pulse.snr * expected_recovery(plan, pulse.dm_pc_cm3, pulse.width_s) *
                               std::sqrt(share_left(info, mask, pulse));
      const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
        return std::abs(row.time_s - pulse.time_s) < 0.02;
      });
      if (found == rows.end()) {
        n_missed += predicted > 9.0 ? 1 : 0;
        continue;
      }
      ++n_found;
      ratio += found->snr / predicted;
    }
    std::printf("%2.0f %% flagged: %d pulses, S/N over prediction %.4f\n", 100.0 * fraction, n_found,
                ratio / n_found);
    EXPECT_EQ(n_missed, 0) << fraction;
    EXPECT_GE(n_found, 45) << fraction;
    EXPECT_NEAR(ratio / n_found, 1.0, 0.03) << fraction;
  }
}

// S/N 500 over 1024 channels is 16 in each: twice what it is with FAST's 4096.
TEST(Significance, BrightPulsesAreNotFlaggedAway) {
  const TempDir dir;
  auto spec = small_scan();
  spec.n_chan = 1024;
  spec.duration_s = 16.0;
  spec.pulses = {{50.0, 2e-3, 500.0, 1.0, {}},
                 {150.0, 5e-3, 500.0, 3.5, {}},
                 {400.0, 10e-3, 500.0, 6.0, {}},
                 {1500.0, 4e-3, 500.0, 9.0, {}}};
  auto config = small_config();
  config.search.dm_max_pc_cm3 = 1600.0;
  const auto summary = search_into(dir.file("run"), simulate_scan(spec, dir.path()), config);
  const auto rows = candidates_of(dir.file("run"));
  EXPECT_EQ(summary.n_candidate, 4);
  const auto plan = make_search_plan(config, scan_info(spec, 1));
  for (const auto& pulse : spec.pulses) {
    double snr = 0.0;
    for (const auto& row : rows)
      if (std::abs(row.time_s - pulse.time_s) < 0.02) snr = row.snr;
    const double predicted = pulse.snr * expected_recovery(plan, pulse.dm_pc_cm3, pulse.width_s);
    EXPECT_NEAR(snr / predicted, 1.0, 0.05) << pulse.dm_pc_cm3;
  }
}

// A scan of 8-bit noise whose whole band wanders: a random walk that is drawn back within 0.3 s.
void write_red_scan(const std::string& path, double step_sigma) {
  const auto spec = small_scan();
  auto info = scan_info(spec, 1);
  info.n_time = 1 << 17;
  const auto sink = create_sink(path, info, SampleFormat{}, false);
  const NormalTable normal;
  Xoshiro256 random(11);
  std::vector<float> noise(static_cast<std::size_t>(info.n_chan));
  RawBlock block;
  block.n_time = 1024;
  block.reserve(block.n_time, info.n_chan);
  block.spans = {{0, block.n_time, false, {}, {}, {}}};
  double level = 0.0;
  for (std::int64_t first = 0; first < info.n_time; first += block.n_time) {
    block.first_sample = first;
    for (std::int64_t t = 0; t < block.n_time; ++t) {
      level = level * (1.0 - 1.0 / 1500.0) + step_sigma * gaussian(random);
      normal.fill(random, noise.data(), info.n_chan);
      for (int c = 0; c < info.n_chan; ++c)
        block.samples(t, c) = static_cast<std::uint8_t>(std::clamp<long>(
            std::lround(100.0 + 12.0 * (double{noise[static_cast<std::size_t>(c)]} + level)), 0, 255));
    }
    sink->write(block);
  }
  sink->finish();
}

// By the weights alone the wandering is a pulse of 0.1 s again and again; by the running estimate it is
// noise, but for what comes before it is known.
TEST(Significance, RedNoiseIsNoPulse) {
  const TempDir dir;
  write_red_scan(dir.file("red.fil"), 8e-4);
  auto config = small_config();
  config.search.running_noise = false;
  search_into(dir.file("white"), {dir.file("red.fil")}, config);
  config.search.running_noise = true;
  search_into(dir.file("running"), {dir.file("red.fil")}, config);
  const auto without = candidates_of(dir.file("white")), with = candidates_of(dir.file("running"));
  std::printf("%zu false detections by the weights alone, %zu with the running estimate\n", without.size(),
              with.size());
  EXPECT_GE(without.size(), 8U);
  EXPECT_LE(5 * with.size(), without.size());
}

}  // namespace
}  // namespace tianyan
