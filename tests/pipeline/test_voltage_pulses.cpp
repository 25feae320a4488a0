// Pulses in voltages, from `simulate` to spectra and to candidates: widths, times and S/N as put in.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "io/ecsv.hpp"
#include "kernels/base/units.hpp"
#include "pipeline/channelizer.hpp"
#include "pipeline/open_input.hpp"
#include "pipeline/plan.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

/// One pulse in 32 MHz about 1250 MHz, so strong that receiver noise hardly matters.
ScanSpec strong_pulse(double dm_pc_cm3, double width_s, double duration_s) {
  ScanSpec spec;
  spec.source_name = "PULSE";
  spec.format = "dada";
  spec.freq_low_mhz = 1234.0;
  spec.freq_high_mhz = 1266.0;
  spec.duration_s = duration_s;
  spec.voltages.sigma = 4.0;  // levels, of which the pulse's peak has some tens
  spec.pulses = {{dm_pc_cm3, width_s, 4000.0, 0.03, {}}};
  return spec;
}

/// The band's power against time at the top channel, delays between channels taken out to a sample.
struct Profile {
  std::vector<double> power;
  double sample_time_s = 0.0, top_mhz = 0.0;

  double time_s(std::size_t t) const { return (static_cast<double>(t) + 0.5) * sample_time_s; }
  bool is_near(std::size_t t, double about_s, double reach_s) const {
    return std::abs(time_s(t) - about_s) <= reach_s;
  }

  /// Mean and standard deviation of time, s, within `reach_s` of `about_s`; the noise is the mean from there
  /// to three times as far.
  std::pair<double, double> moments(double about_s, double reach_s) const {
    double floor = 0.0, sum = 0.0, first = 0.0, second = 0.0;
    std::int64_t n_floor = 0;
    for (std::size_t t = 0; t < power.size(); ++t) {
      if (is_near(t, about_s, reach_s) || !is_near(t, about_s, 3.0 * reach_s)) continue;
      floor += power[t];
      ++n_floor;
    }
    for (std::size_t t = 0; t < power.size(); ++t) {
      if (!is_near(t, about_s, reach_s)) continue;
      const double above = power[t] - floor / static_cast<double>(n_floor), at_s = time_s(t) - about_s;
      sum += above;
      first += above * at_s;
      second += above * at_s * at_s;
    }
    const double mean = first / sum;
    return {about_s + mean, std::sqrt(second / sum - mean * mean)};
  }
};

Profile profile_of(const ScanSpec& spec, const ChannelizeConfig& config) {
  const TempDir dir;
  const auto paths = simulate_scan(spec, dir.path());
  const auto voltages = open_voltages(paths, 1, {});
  Channelizer channelizer(config, voltages->info(), voltages->format());
  channelizer.use_threads(2);
  const StreamInfo info = channelizer.info();
  Array<float, 3> power({1, info.n_time, info.n_chan});
  Array<std::uint8_t, 2> good({info.n_time, channelizer.n_coarse()});
  channelizer.make(*voltages, 0, power.view(), good.view());
  Profile profile{std::vector<double>(static_cast<std::size_t>(info.n_time), 0.0), info.sample_time_s,
                  info.ref_freq_mhz()};
  for (std::int64_t c = 1; c < info.n_chan; ++c) {  // channel 0 straddles the band's edge
    const auto delay =
        std::llround(dispersion_delay_s(spec.pulses[0].dm_pc_cm3, info.freq_mhz(c), info.ref_freq_mhz()) /
                     info.sample_time_s);
    for (std::int64_t t = 0; t + delay < info.n_time; ++t)
      profile.power[static_cast<std::size_t>(t)] += power(0, t + delay, c);
  }
  return profile;
}

/// Arrival at the centre of the top channel of a pulse whose time is that at the band's upper edge.
double arrival_s(const ScanSpec& spec, double top_mhz) {
  const PulseSpec& pulse = spec.pulses[0];
  return pulse.time_s + dispersion_delay_s(pulse.dm_pc_cm3, top_mhz, spec.freq_high_mhz);
}

ChannelizeConfig one_mhz_channels() {
  ChannelizeConfig config;
  config.channels = 32;
  config.sample_time_s = 4e-6;
  return config;
}

// The pulse's energy is a sum of n_pol B 2 sqrt(pi) sigma_t = 4,800 independent samples, so a width measured
// by second moments scatters by 1 / (2 x 4800)^1/2 = 1 %; the frames' own length, 1 us, and delays rounded to
// 4 us add 0.1 %.
TEST(VoltagePulses, ComeBackAsNarrowAsTheyWereByCoherentDedispersion) {
  const ScanSpec spec = strong_pulse(500.0, 50e-6, 0.12);
  ChannelizeConfig config = one_mhz_channels();
  config.coherent_dm_pc_cm3 = {500.0};
  for (const char* oversampling : {"1", "4/3"}) {
    config.oversampling = oversampling;
    const Profile profile = profile_of(spec, config);
    const auto [mean_s, sigma_s] = profile.moments(arrival_s(spec, profile.top_mhz), 100e-6);
    EXPECT_NEAR(sigma_s * kFwhmPerSigma, 50e-6, 0.05 * 50e-6) << oversampling;
    EXPECT_NEAR(mean_s, arrival_s(spec, profile.top_mhz), 0.5 * profile.sample_time_s) << oversampling;
  }
}

TEST(VoltagePulses, AreAsBroadAsTheFormulaSaysWithoutIt) {
  const ScanSpec spec = strong_pulse(500.0, 50e-6, 0.12);
  ChannelizeConfig config = one_mhz_channels();
  config.taps =
      16;  // the more, the more a channel is the box that the formula means; with 4 it is 5 % narrower
  const Profile profile = profile_of(spec, config);
  double variance_s2 = 0.0;  // of a box as long as the channel's smearing, mean over the channels
  for (int c = 1; c < 32; ++c) {
    const double smear_s = dispersion_delay_s(500.0, 1233.5 + c, 1234.5 + c);
    variance_s2 += smear_s * smear_s / 12.0 / 31.0;
  }
  const double sigma_t_s = 50e-6 / kFwhmPerSigma;
  const auto [mean_s, sigma_s] = profile.moments(arrival_s(spec, profile.top_mhz), 1.5e-3);
  // The filter falls off over some 1 / 16 of the width about each edge: its second moment is 2 % less at
  // most. 4,800 independent samples scatter the width by 1 %, the mean by 1 / 4800^1/2 of it; three of each.
  EXPECT_NEAR(sigma_s, std::sqrt(variance_s2 + sigma_t_s * sigma_t_s), 0.05 * sigma_s);
  EXPECT_NEAR(mean_s, arrival_s(spec, profile.top_mhz), 0.043 * sigma_s);
}

TEST(VoltagePulses, ArriveInFastsSpectraWhenTheyWereSent) {
  for (const bool is_complex : {true, false})
    for (const int n_coarse : {1, 4}) {
      ScanSpec spec = strong_pulse(30.0, 200e-6, 0.06);
      spec.voltages.is_complex = is_complex;
      spec.voltages.n_coarse = n_coarse;
      ChannelizeConfig config;  // 256 channels of 0.125 MHz, 48 us: as near FAST's as this band comes
      const Profile profile = profile_of(spec, config);
      EXPECT_NEAR(profile.sample_time_s, 48e-6, 1e-12);
      const double expected_s = arrival_s(spec, profile.top_mhz);
      const auto [mean_s, sigma_s] = profile.moments(expected_s, 500e-6);
      EXPECT_NEAR(mean_s, expected_s, 0.1 * profile.sample_time_s) << is_complex << " " << n_coarse;
    }
}

/// The whole way: voltages on disk, `search` on them, the table that it writes.
std::vector<std::vector<double>> search_voltages(const ScanSpec& spec, const Config& config) {
  const TempDir dir;
  const auto paths = simulate_scan(spec, dir.path());
  const auto summary = search_into(dir.file("run"), paths, config);
  EXPECT_EQ(summary.exit_code, ExitCode::kDone);
  std::vector<std::vector<double>> rows;
  std::istringstream in(rows_of(dir.file("run/candidates.ecsv")));
  std::string line;
  std::getline(in, line);  // names
  while (std::getline(in, line)) {
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream cells(line);
    rows.emplace_back();
    for (double v; cells >> v;) rows.back().push_back(v);
  }
  return rows;
}

Config voltage_config() {
  Config config;
  config.search.dm_min_pc_cm3 = 450.0;
  config.search.dm_max_pc_cm3 = 550.0;
  config.search.width_min_s = 5e-5;
  config.search.width_max_s = 5e-3;
  config.channelize.channels = 64;
  config.channelize.sample_time_s = 16e-6;
  config.output.plots = false;
  config.limits.threads = 2;
  return config;
}

/// What voltage_config() makes of strong_pulse()'s band, dedispersed at DM 500.
StreamInfo dedispersed_stream(std::int64_t n_time) {
  StreamInfo stream;
  stream.n_chan = 64;
  stream.freq_low_mhz = 1234.0;
  stream.channel_width_mhz = 0.5;
  stream.sample_time_s = 16e-6;
  stream.n_time = n_time;
  stream.coherent_dm_pc_cm3 = 500.0;
  return stream;
}

TEST(VoltagePulses, AreFoundBySearchWithTheirSnrDmAndTime) {
  ScanSpec spec = strong_pulse(500.0, 50e-6, 0.3);
  spec.voltages.sigma = 16.0;
  spec.pulses[0].snr = 25.0;
  spec.pulses[0].time_s = 0.1;
  Config config = voltage_config();
  config.channelize.coherent_dm_pc_cm3 = {500.0};
  const auto rows = search_voltages(spec, config);
  ASSERT_EQ(rows.size(), 1u);
  const auto& row = rows[0];  // beam, time_s, mjd, dm, dm_err, snr, width_s, ref_freq_mhz
  EXPECT_NEAR(row[7], 1265.5, 1e-6);
  EXPECT_NEAR(row[3], 500.0, 3.0 * row[4] + 0.1);
  EXPECT_NEAR(row[1], arrival_s(spec, row[7]), 25e-6);
  const StreamInfo stream = dedispersed_stream(18750);
  // 63 of 64 channels; receiver noise 1, the pulse's own scatter is in truth.json: 1.4 for both.
  const double expected = 25.0 * expected_recovery(make_search_plan(config, stream), 500.0, 50e-6);
  EXPECT_NEAR(row[5], expected, 3.0 * 1.4);
  EXPECT_NEAR(row[6], 2.8 * 50e-6 / kFwhmPerSigma, 40e-6);
}

TEST(VoltagePulses, AreFoundAtTheirDmWhereverItLiesInTheRange) {
  ScanSpec spec = strong_pulse(500.0, 50e-6, 0.3);
  spec.voltages.sigma = 16.0;
  spec.pulses[0].snr = 25.0;
  spec.pulses[0].time_s = 0.1;
  Config config = voltage_config();
  config.channelize.coherent_dm_pc_cm3 = {500.0};
  for (const auto& [low, high] : {std::pair{100.0, 700.0}, {100.0, 505.0}, {495.0, 700.0}}) {
    config.search.dm_min_pc_cm3 = low;
    config.search.dm_max_pc_cm3 = high;
    const auto rows = search_voltages(spec, config);
    ASSERT_EQ(rows.size(), 1u) << low << " " << high;
    EXPECT_NEAR(rows[0][3], 500.0, 3.0 * rows[0][4] + 0.1) << low << " " << high;
    EXPECT_NEAR(rows[0][5], 22.0, 3.0 * 1.4) << low << " " << high;
  }
}

TEST(VoltagePulses, AreSearchedAsFinelyAsTheyAreSharp) {
  const Config config = [] {
    Config c = voltage_config();
    c.search.dm_min_pc_cm3 = 100.0;
    c.search.dm_max_pc_cm3 = 900.0;
    return c;
  }();
  const StreamInfo stream = dedispersed_stream(100000);
  const auto plan = make_search_plan(config, stream);
  // Finest at 500, coarser both ways; without gaps; and pulses of any DM lose no more than the config says.
  std::vector<int> octaves;
  for (const auto& pass : plan.passes) octaves.push_back(pass.octave);
  const auto finest = std::min_element(octaves.begin(), octaves.end());
  EXPECT_TRUE(std::is_sorted(octaves.begin(), finest + 1, std::greater<>()));
  EXPECT_TRUE(std::is_sorted(finest, octaves.end()));
  EXPECT_GT(octaves.front(), *finest);
  EXPECT_GT(octaves.back(), *finest);
  for (double dm = 100.0; dm <= 900.0; dm += 0.5) {
    const auto holds = [dm](const PlanPass& p) {
      return p.dm_begin_pc_cm3() <= dm && dm <= p.dm_end_pc_cm3();
    };
    EXPECT_TRUE(std::any_of(plan.passes.begin(), plan.passes.end(), [&](const PlanPass& p) {
      const Sampling sampling{p.octave, p.fdmt.params.delay_step};
      const auto loss = loss_of(stream, dm, config.search.width_min_s, sampling);
      return holds(p) && (loss.searched() <= config.search.snr_loss_max + 0.02 || p.octave == 0);
    })) << dm;
  }
}

TEST(VoltagePulses, LoseWithoutCoherentDedispersionWhatThePlanSays) {
  ScanSpec spec = strong_pulse(500.0, 50e-6, 0.3);
  spec.voltages.sigma = 16.0;
  spec.pulses[0].snr = 60.0;
  spec.pulses[0].time_s = 0.1;
  const Config config = voltage_config();
  const auto rows = search_voltages(spec, config);
  ASSERT_EQ(rows.size(), 1u);
  // Smeared over 1.06 ms in each channel, a box that one boxcar fits: what is left of 60 is
  // (2 sqrt(pi) sigma_t / 1.06 ms)^1/2 of it, sigma_t = 21 us, so 60 x 0.267 = 16.
  EXPECT_NEAR(rows[0][5], 16.0, 3.0);
  EXPECT_NEAR(rows[0][6], 1.06e-3, 0.2e-3);
  EXPECT_NEAR(rows[0][1], arrival_s(spec, rows[0][7]), 0.2e-3);
}

}  // namespace
}  // namespace tianyan
