// The schema of SPEC.toml, and the drawing of random pulses.
#include "pipeline/injection_spec.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "io/beam_name.hpp"
#include "kernels/base/expect.hpp"
#include "kernels/base/random.hpp"
#include "kernels/base/units.hpp"
#include "pipeline/schema.hpp"
#include "pipeline/simulate.hpp"

namespace tianyan {
namespace {

constexpr const char* kScatteringMeaning =
    "E-fold of the scattering tail at 1 GHz; it goes with frequency^-4.";

std::vector<Key> random_keys(RandomInjections& r) {
  return {
      {"random.n", &r.n, "Pulses in each beam.", "", 0, 1e6},
      {"random.dm_min_pc_cm3", &r.dm_min_pc_cm3, "Lowest dispersion measure; uniform.", "pc/cm3", 0, 1e5},
      {"random.dm_max_pc_cm3", &r.dm_max_pc_cm3, "Highest dispersion measure.", "pc/cm3", 0, 1e5},
      {"random.width_min_s", &r.width_min_s, "Least FWHM; uniform in its logarithm.", "s", 1e-7, 100},
      {"random.width_max_s", &r.width_max_s, "Largest FWHM.", "s", 1e-7, 100},
      {"random.snr_min", &r.snr_min, "Lowest S/N of the matched filter; uniform in its logarithm.", "", 0.01,
       1e6},
      {"random.snr_max", &r.snr_max, "Highest S/N.", "", 0.01, 1e6},
      {"random.band_fraction_min", &r.band_fraction_min, "Least part of the band covered; uniform.", "", 0.01,
       1},
      {"random.band_fraction_max", &r.band_fraction_max, "Largest part of the band covered.", "", 0.01, 1},
      {"random.scattering_min_s", &r.scattering_min_s, kScatteringMeaning, "s", 0, 10},
      {"random.scattering_max_s", &r.scattering_max_s, "Largest; uniform from the least.", "s", 0, 10},
      {"random.min_spacing_s", &r.min_spacing_s,
       "Least time between arrivals: the search takes a weak pulse near a strong one for its sidelobe.", "s",
       1e-3, 1e4},
      {"random.seed", &r.seed, "Seed: the same seed gives the same pulses.", "", 0, 9e15},
  };
}

std::vector<Key> append_pulse(InjectionSpec& spec) {
  ListedInjection& l = spec.listed.emplace_back();
  InjectedPulse& p = l.pulse;
  return {{"time_s", &p.time_s, "Peak at the centre of the highest channel.", "s", -1e6, 1e6, {}, true},
          {"dm_pc_cm3", &p.dm_pc_cm3, "Dispersion measure.", "pc/cm3", 0, 1e5, {}, true},
          {"width_s", &p.width_s, "FWHM of the Gaussian.", "s", 1e-7, 100, {}, true},
          {"snr", &p.snr, "S/N of the optimal matched filter.", "", 0, 1e6, {}, true},
          {"band_fraction", &p.band_fraction, "Part of the band that it covers.", "", 0.01, 1},
          {"band_position", &p.band_position, "Where that part lies: 0 lowest, 1 highest.", "", 0, 1},
          {"scattering_s", &p.scattering_s, kScatteringMeaning, "s", 0, 10},
          {"beams", &l.beams, "Beams that it is in; all where left out.", "", 1, 19}};
}

void rule_range(ReadReport& report, const char* low_key, double low, const char* high_key, double high) {
  report.rule(low <= high, {low_key, high_key},
              fmt::format("{} = {} is above {} = {}", low_key, low, high_key, high));
}

double uniform(Xoshiro256& random, double low, double high) { return low + (high - low) * random.uniform(); }
double log_uniform(Xoshiro256& random, double low, double high) {
  return low * std::pow(high / low, random.uniform());
}

// Everything but when; each pulse has numbers of its own, so that n changes none of the others.
InjectedPulse random_pulse(const RandomInjections& r, Xoshiro256& random, int beam) {
  InjectedPulse p;
  p.beam = beam;
  p.dm_pc_cm3 = uniform(random, r.dm_min_pc_cm3, r.dm_max_pc_cm3);
  p.width_s = log_uniform(random, r.width_min_s, r.width_max_s);
  p.snr = log_uniform(random, r.snr_min, r.snr_max);
  p.band_fraction = uniform(random, r.band_fraction_min, r.band_fraction_max);
  p.band_position = random.uniform();
  p.scattering_s = uniform(random, r.scattering_min_s, r.scattering_max_s);
  return p;
}

// Slots of equal length; within one, as far from its ends as half the spacing.
std::vector<InjectedPulse> random_pulses(const InjectionSpec& spec, const StreamInfo& info, int beam) {
  const auto& r = spec.random;
  const double sweep_s = dispersion_delay_s(r.dm_max_pc_cm3, info.freq_low_mhz, info.ref_freq_mhz());
  const double time_s = info.duration_s() - sweep_s, slot_s = time_s / std::max(r.n, 1);
  expect(slot_s >= r.min_spacing_s,
         "{}: random.n = {} pulses at least {} s apart (random.min_spacing_s) and a sweep of {:.3f} s "
         "(random.dm_max_pc_cm3) do not fit into the {:.3f} s of beam {}: at most {} do",
         spec.path, r.n, r.min_spacing_s, sweep_s, info.duration_s(), beam_name(beam),
         std::max<std::int64_t>(0, static_cast<std::int64_t>(time_s / r.min_spacing_s)));
  std::vector<InjectedPulse> pulses;
  for (int i = 0; i < r.n; ++i) {
    Xoshiro256 random(static_cast<std::uint64_t>(r.seed), static_cast<std::uint64_t>(beam),
                      static_cast<std::uint64_t>(i));
    pulses.push_back(random_pulse(r, random, beam));
    pulses.back().time_s = slot_s * (i + 0.5) + (slot_s - r.min_spacing_s) * (random.uniform() - 0.5);
  }
  return pulses;
}

}  // namespace

InjectionSpec load_injections(const std::string& path) {
  InjectionSpec spec;
  spec.path = path;
  auto& r = spec.random;
  const Schema schema{random_keys(r), {{"pulse", [&spec] { return append_pulse(spec); }}}};
  auto report = read_toml(schema, path, {});
  rule_range(report, "random.dm_min_pc_cm3", r.dm_min_pc_cm3, "random.dm_max_pc_cm3", r.dm_max_pc_cm3);
  rule_range(report, "random.width_min_s", r.width_min_s, "random.width_max_s", r.width_max_s);
  rule_range(report, "random.snr_min", r.snr_min, "random.snr_max", r.snr_max);
  rule_range(report, "random.band_fraction_min", r.band_fraction_min, "random.band_fraction_max",
             r.band_fraction_max);
  rule_range(report, "random.scattering_min_s", r.scattering_min_s, "random.scattering_max_s",
             r.scattering_max_s);
  report.rule(r.n == 0 || spec.listed.empty(), {"random.n"},
              "pulses are either listed ([[pulse]]) or drawn ([random] with n), not both");
  report.throw_errors();
  expect(r.n > 0 || !spec.listed.empty(), "{}: no pulses: list them ([[pulse]]) or set random.n", path);
  return spec;
}

std::vector<InjectedPulse> pulses_of_beam(const InjectionSpec& spec, const StreamInfo& info, int beam) {
  if (spec.random.n > 0) return random_pulses(spec, info, beam);
  std::vector<InjectedPulse> pulses;
  for (std::size_t i = 0; i < spec.listed.size(); ++i) {
    const auto& [pulse, beams] = spec.listed[i];
    if (!in_beam(beams, beam)) continue;
    expect(pulse.time_s >= 0.0 && pulse.time_s < info.duration_s(),
           "{}: pulse[{}].time_s = {} s is not in the {:.3f} s of beam {}", spec.path, i + 1, pulse.time_s,
           info.duration_s(), beam_name(beam));
    pulses.push_back(pulse);
    pulses.back().beam = beam;
  }
  std::stable_sort(pulses.begin(), pulses.end(), [](const InjectedPulse& a, const InjectedPulse& b) {
    return std::tie(a.time_s, a.dm_pc_cm3) < std::tie(b.time_s, b.dm_pc_cm3);
  });
  return pulses;
}

void check_injected_beams(const InjectionSpec& spec, const std::vector<int>& beams) {
  for (std::size_t i = 0; i < spec.listed.size(); ++i)
    for (const int beam : spec.listed[i].beams)
      expect(std::find(beams.begin(), beams.end(), beam) != beams.end(),
             "{}: pulse[{}].beams: beam {} is not one of those that are searched", spec.path, i + 1, beam);
}

}  // namespace tianyan
