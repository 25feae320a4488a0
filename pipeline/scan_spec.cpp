// The schema of SCAN.toml and what must hold between its keys.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "pipeline/schema.hpp"
#include "pipeline/simulate.hpp"
#include "pipeline/simulate_voltages.hpp"

namespace tianyan {
namespace {

constexpr const char* kBeamsMeaning = "Beams that it is in; all where left out.";

std::vector<Key> scan_keys(ScanSpec& s) {
  return {
      {"scan.source_name", &s.source_name, "Name of the source, and the beginning of the files' names."},
      {"scan.format",
       &s.format,
       "PSRFITS, SIGPROC filterbank or FBH5; or voltages, as HDF5, GUPPI or DADA.",
       "",
       -kNoLimit,
       kNoLimit,
       {"fits", "fil", "h5", "voltages.h5", "raw", "dada"}},
      {"scan.beams", &s.beams, "Beams, one file each.", "", 1, 19},
      {"scan.n_chan", &s.n_chan, "Channels.", "", 1, 1 << 20},
      {"scan.freq_low_mhz", &s.freq_low_mhz, "Lower edge of the band.", "MHz", 1, 1e6},
      {"scan.freq_high_mhz", &s.freq_high_mhz, "Upper edge of the band.", "MHz", 1, 1e6},
      {"scan.sample_time_s", &s.sample_time_s, "Time between spectra.", "s", 1e-7, 10},
      {"scan.duration_s", &s.duration_s, "Length, rounded down to whole spectra.", "s", 1e-6, 1e6},
      {"scan.n_bits", &s.n_bits, "Bits of a sample: 1, 2, 4, 8, 16, or 32 for float.", "", 1, 32},
      {"scan.n_pol", &s.n_pol, "Polarisations: 1 (AA+BB), 2 (AABB) or 4 (AABBCRCI).", "", 1, 4},
      {"scan.channels_descending", &s.channels_descending, "Records the highest frequency first."},
      {"scan.mean", &s.mean, "Mean of the noise; 0 with sigma 0 takes what suits n_bits.", "levels", 0, 1e6},
      {"scan.sigma", &s.sigma, "Standard deviation of the noise.", "levels", 0, 1e6},
      {"scan.seed", &s.seed, "Seed: the same seed gives the same samples.", "", 0, 9e15},
      {"scan.start_mjd", &s.start_mjd, "UTC of the first sample.", "MJD", 40000, 100000},
      {"scan.ra_deg", &s.ra_deg, "Right ascension of beam 1, J2000.", "deg", 0, 360},
      {"scan.dec_deg", &s.dec_deg, "Declination of beam 1, J2000.", "deg", -90, 90},
      {"scan.drift_deg_s", &s.drift_deg_s,
       "By which the right ascension of beam 1 grows; 0.0041781 is a telescope that stands still.", "deg/s",
       -1, 1},
      {"scan.rotation_deg", &s.rotation_deg, "Angle by which the receiver is turned.", "deg", 0, 360},
      {"voltages.n_coarse", &s.voltages.n_coarse, "Equal parts of the band, each sampled critically.", "", 1,
       kMaxSimulatedCoarse},
      {"voltages.n_pol", &s.voltages.n_pol, "Polarisations.", "", 1, 2},
      {"voltages.is_complex", &s.voltages.is_complex, "Complex samples, or real ones at twice the rate."},
      {"voltages.n_bits", &s.voltages.n_bits, "Bits of a component: 2, 4, 8 or 16.", "", 2, 16},
      {"voltages.sigma", &s.voltages.sigma, "Noise of a component; 0 takes what suits n_bits.", "levels", 0,
       1e5},
  };
}

std::vector<Key> append_pulse(ScanSpec& s) {
  PulseSpec& p = s.pulses.emplace_back();
  return {
      {"dm_pc_cm3",
       &p.dm_pc_cm3,
       "Dispersion measure; negative: swept the wrong way.",
       "pc/cm3",
       -1e5,
       1e5,
       {},
       true},
      {"width_s", &p.width_s, "FWHM of the Gaussian.", "s", 1e-7, 100, {}, true},
      {"snr", &p.snr, "S/N of the optimal matched filter.", "", 0, 1e6, {}, true},
      {"time_s",
       &p.time_s,
       "Peak at the centre of the highest channel; of voltages, at the upper edge of the band.",
       "s",
       -1e6,
       1e6,
       {},
       true},
      {"beams", &p.beams, kBeamsMeaning, "", 1, 19},
      {"offset_arcmin", &p.offset_arcmin,
       "Its source's [east, north] of beam 1; S/N of each beam is as that of FAST's. Empty: all beams have "
       "the same.",
       "arcmin", -60, 60}};
}

std::vector<Key> append_line(ScanSpec& s) {
  LineSpec& l = s.lines.emplace_back();
  return {{"freq_low_mhz", &l.freq_low_mhz, "Lower edge.", "MHz", 0, 1e6, {}, true},
          {"freq_high_mhz", &l.freq_high_mhz, "Upper edge.", "MHz", 0, 1e6, {}, true},
          {"level_sigma", &l.level_sigma, "Lift over the noise.", "standard deviations", 0, 1e6, {}, true},
          {"beams", &l.beams, kBeamsMeaning, "", 1, 19}};
}

std::vector<Key> append_impulse(ScanSpec& s) {
  ImpulseSpec& i = s.impulses.emplace_back();
  return {{"time_s", &i.time_s, "Middle.", "s", -1e6, 1e6, {}, true},
          {"width_s", &i.width_s, "Length.", "s", 1e-7, 1e3, {}, true},
          {"level_sigma", &i.level_sigma, "Lift of every channel.", "standard deviations", 0, 1e6, {}, true},
          {"beams", &i.beams, kBeamsMeaning, "", 1, 19}};
}

bool has(const std::vector<int>& values, int v) {
  return std::find(values.begin(), values.end(), v) != values.end();
}

void check_spectra(const ScanSpec& s, std::vector<std::string>& problems) {
  auto rule = [&problems](bool holds, std::string text) {
    if (!holds) problems.push_back(std::move(text));
  };
  rule(s.voltages == VoltageSpec{},
       fmt::format("[voltages] does not apply to spectra (scan.format = \"{}\")", s.format));
  rule(has({1, 2, 4, 8, 16, 32}, s.n_bits),
       fmt::format("scan.n_bits = {}: 1, 2, 4, 8, 16 or 32 allowed", s.n_bits));
  rule(has({1, 2, 4}, s.n_pol), fmt::format("scan.n_pol = {}: 1, 2 or 4 allowed", s.n_pol));
  rule(s.n_pol < 4 || s.n_bits >= 8,
       fmt::format("scan.n_pol = 4 with scan.n_bits = {}: signed products want 8 bits or more", s.n_bits));
  rule(std::int64_t{s.n_chan} * s.n_pol * s.n_bits % 8 == 0,
       fmt::format("scan: {} channels x {} polarisations x {} bits are not whole bytes", s.n_chan, s.n_pol,
                   s.n_bits));
  rule((s.mean == 0.0 && s.sigma == 0.0) || s.sigma > 0.0,
       fmt::format("scan.mean = {} wants a scan.sigma above 0 levels", s.mean));
  rule(s.duration_s >= s.sample_time_s,
       fmt::format("scan.duration_s = {} s is shorter than a sample of {} s", s.duration_s, s.sample_time_s));
}

void check_scan_table(const ScanSpec& s, std::vector<std::string>& problems) {
  auto rule = [&problems](bool holds, std::string text) {
    if (!holds) problems.push_back(std::move(text));
  };
  rule(s.freq_low_mhz < s.freq_high_mhz,
       fmt::format("scan.freq_low_mhz = {} MHz is not below scan.freq_high_mhz = {} MHz", s.freq_low_mhz,
                   s.freq_high_mhz));
  if (is_voltage_format(s.format))
    check_voltage_table(s, problems);
  else
    check_spectra(s, problems);
  rule(s.drift_deg_s == 0.0 || s.format == "fits",
       fmt::format("scan.drift_deg_s = {} deg/s wants scan.format = \"fits\": \"{}\" cannot say where a beam "
                   "looks as time goes on",
                   s.drift_deg_s, s.format));
  rule(!s.source_name.empty() && s.source_name.find('/') == std::string::npos,
       fmt::format("scan.source_name = \"{}\" cannot begin a file's name", s.source_name));
  rule(!s.beams.empty(), "scan.beams = []: at least one beam is wanted");
  for (int beam : s.beams)
    rule(beam >= 1 && beam <= 19 && std::count(s.beams.begin(), s.beams.end(), beam) == 1,
         fmt::format("scan.beams: {} is not a beam (1 to 19) named once", beam));
}

template <class Signal>
void check_beams(const ScanSpec& s, const char* name, const std::vector<Signal>& signals,
                 std::vector<std::string>& problems) {
  for (std::size_t i = 0; i < signals.size(); ++i)
    for (int beam : signals[i].beams)
      if (!has(s.beams, beam))
        problems.push_back(fmt::format("{}[{}].beams: beam {} is not one of scan.beams", name, i + 1, beam));
}

/// A signal that would change nothing is a mistake.
void check_signals(const ScanSpec& s, std::vector<std::string>& problems) {
  for (std::size_t i = 0; i < s.pulses.size(); ++i)
    if (!s.pulses[i].offset_arcmin.empty() && s.pulses[i].offset_arcmin.size() != 2)
      problems.push_back(fmt::format("pulse[{}].offset_arcmin has {} numbers: [east, north] is wanted", i + 1,
                                     s.pulses[i].offset_arcmin.size()));
  for (std::size_t i = 0; i < s.pulses.size(); ++i)
    if (s.pulses[i].time_s < 0.0 || s.pulses[i].time_s >= s.duration_s || s.pulses[i].width_s <= 0.0)
      problems.push_back(
          fmt::format("pulse[{}]: time_s = {} s with width_s = {} s is not in the scan of {} s", i + 1,
                      s.pulses[i].time_s, s.pulses[i].width_s, s.duration_s));
  for (std::size_t i = 0; i < s.impulses.size(); ++i)
    if (s.impulses[i].time_s < 0.0 || s.impulses[i].time_s >= s.duration_s)
      problems.push_back(fmt::format("impulse[{}]: time_s = {} s is not in the scan of {} s", i + 1,
                                     s.impulses[i].time_s, s.duration_s));
  for (std::size_t i = 0; i < s.lines.size(); ++i) {
    const LineSpec& l = s.lines[i];
    const double width_mhz = (s.freq_high_mhz - s.freq_low_mhz) / s.n_chan;
    const double first = std::max(std::ceil((l.freq_low_mhz - s.freq_low_mhz) / width_mhz - 0.5), 0.0);
    const double centre_mhz = s.freq_low_mhz + (first + 0.5) * width_mhz;
    if (!(centre_mhz <= l.freq_high_mhz && first < s.n_chan))
      problems.push_back(fmt::format("line[{}]: no channel's centre lies in {} to {} MHz", i + 1,
                                     l.freq_low_mhz, l.freq_high_mhz));
  }
}

}  // namespace

void check_scan(const ScanSpec& spec, const std::string& prefix) {
  std::vector<std::string> problems;
  check_scan_table(spec, problems);
  check_beams(spec, "pulse", spec.pulses, problems);
  check_beams(spec, "line", spec.lines, problems);
  check_beams(spec, "impulse", spec.impulses, problems);
  if (problems.empty()) check_signals(spec, problems);
  if (problems.empty() && is_voltage_format(spec.format)) check_voltage_pulses(spec, problems);
  ReadReport report;
  for (const std::string& problem : problems) report.add_error(prefix + problem);
  report.throw_errors();
}

std::vector<std::string> scan_key_names() {
  ScanSpec spec;
  std::vector<std::string> names;
  for (const Key& key : scan_keys(spec)) names.push_back(key.name);
  return names;
}

ScanSpec load_scan(const std::string& path, const std::vector<std::string>& set) {
  ScanSpec spec;
  const Schema schema{scan_keys(spec),
                      {{"pulse", [&spec] { return append_pulse(spec); }},
                       {"line", [&spec] { return append_line(spec); }},
                       {"impulse", [&spec] { return append_impulse(spec); }}}};
  read_toml(schema, path, set).throw_errors();
  check_scan(spec, path + ": ");
  return spec;
}

}  // namespace tianyan
