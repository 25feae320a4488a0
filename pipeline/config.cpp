// The rows of the configuration's schema, and the rules between keys.
#include "pipeline/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "io/exporter.hpp"
#include "kernels/barycentre.hpp"
#include "kernels/base/fnv1a.hpp"

namespace tianyan {
namespace {

constexpr double kSeconds = 1e-9;  // the shortest time that a setting may name

std::vector<std::string> names_of(const std::vector<ExportFormat>& formats) {
  std::vector<std::string> names;
  for (const auto& f : formats) names.push_back(f.name);
  return names;
}

std::vector<Key> search_keys(SearchConfig& s) {
  return {
      {"search.dm_min_pc_cm3", &s.dm_min_pc_cm3, "Lowest dispersion measure searched.", "pc/cm3", 0.0, 1e5},
      {"search.dm_max_pc_cm3", &s.dm_max_pc_cm3, "Highest dispersion measure searched.", "pc/cm3", 0.0, 1e5},
      {"search.snr_min", &s.snr_min, "Lowest S/N of a detection.", "", 3.0, 1e6},
      {"search.snr_min_member", &s.snr_min_member,
       "Lowest S/N of an event that may join a cluster; at most snr_min.", "", 3.0, 1e6},
      {"search.width_min_s", &s.width_min_s,
       "Narrowest pulse (FWHM) that snr_loss_max holds for; narrower ones are found too, with more loss.",
       "s", kSeconds, 100.0},
      {"search.width_max_s", &s.width_max_s, "Widest pulse searched.", "s", kSeconds, 100.0},
      {"search.snr_loss_max", &s.snr_loss_max,
       "Largest fraction of S/N of the narrowest pulse that the plan may lose to DM steps, delay rounding "
       "and "
       "downsampling together, where the recorded sampling allows it.",
       "", 0.01, 0.5},
      {"search.running_noise", &s.running_noise,
       "Divides S/N by a running estimate of the noise of each width where that is redder than the weights "
       "say; candidates have both."},
      {"search.block_s", &s.block_s,
       "Length of a block, rounded to whole windows and to what the coarsest octave needs; it changes memory "
       "and "
       "speed, never the result.",
       "s", 1e-3, 1000.0},
      {"search.unit_s", &s.unit_s,
       "Length of the units in which a scan is searched and kept: what a run that is killed may lose, and "
       "what "
       "a job of a cluster takes. Each costs the reading of a few seconds beside it, and begins the running "
       "noise anew.",
       "s", 1.0, 1e6},
      {"search.backend",
       &s.backend,
       "Where the search runs; auto takes a GPU if there is one.",
       "",
       -kNoLimit,
       kNoLimit,
       {"auto", "cpu", "cuda"}},
  };
}

std::vector<Key> rfi_keys(RfiConfig& r) {
  return {
      {"rfi.window_s", &r.window_s, "Span over which bandpass, noise and flags are measured.", "s", 1e-3,
       1000.0},
      {"rfi.keep_snr", &r.keep_snr,
       "Broadband pulses from the sky up to this S/N are not flagged: thresholds of rules that could are "
       "raised.",
       "", 0.0, 1e6},
      {"rfi.flagged_max", &r.flagged_max,
       "A beam with a larger fraction flagged is marked in the report and on the screen.", "", 0.0, 1.0},
      {"rfi.bands.mhz", &r.bands.mhz, "Bands that are always flagged, as [low, high] pairs.", "MHz", 0.0,
       1e6},
      {"rfi.saturated.enabled", &r.saturated.enabled,
       "Flags channels of 8-bit data whose digitiser runs at its upper end."},
      {"rfi.saturated.margin_sigma", &r.saturated.margin_sigma,
       "Least distance of a channel's mean from the highest code.", "standard deviations", 0.0, 100.0},
      {"rfi.channels.enabled", &r.channels.enabled,
       "Flags channels whose level or noise stands out from their neighbours, window by window."},
      {"rfi.channels.threshold_sigma", &r.channels.threshold_sigma, "How far out a flagged channel is.",
       "standard deviations", 1.0, 1000.0},
  };
}

std::vector<Key> iqrm_keys(RfiConfig::Iqrm& r) {
  return {
      {"rfi.iqrm.enabled", &r.enabled,
       "Flags channels by IQRM (Morello et al. 2022) on the noise of each window, after rfi.channels."},
      {"rfi.iqrm.threshold_sigma", &r.threshold_sigma, "How far out a lagged difference is.",
       "standard deviations", 1.0, 1000.0},
      {"rfi.iqrm.radius_fraction", &r.radius_fraction, "Largest lag as a fraction of the channels.", "",
       0.001, 0.5},
  };
}

std::vector<Key> time_keys(RfiConfig& r) {
  return {
      {"rfi.zero_dm.enabled", &r.zero_dm.enabled,
       "Flags spectra in which much of the band rises at once, undispersed."},
      {"rfi.zero_dm.threshold_sigma", &r.zero_dm.threshold_sigma, "How far out a flagged spectrum's mean is.",
       "standard deviations", 1.0, 1000.0},
      {"rfi.zero_dm_filter.enabled", &r.zero_dm_filter.enabled,
       "Takes the zero-DM series out of each channel (matched filter of Men et al. 2019); costs pulses of "
       "low "
       "DM what `tianyan plan` says, and a second unpacking."},
      {"rfi.periodic.enabled", &r.periodic.enabled,
       "Takes periodic interference out of the channels, and names it in the report."},
      {"rfi.periodic.fundamentals_hz", &r.periodic.fundamentals_hz,
       "Frequencies that are tried with their harmonics: FAST's noise diode and the mains.", "Hz", 0.01, 1e5},
      {"rfi.periodic.max_hz", &r.periodic.max_hz, "Highest harmonic.", "Hz", 0.01, 1e5},
      {"rfi.periodic.false_alarm", &r.periodic.false_alarm,
       "Chance of each line to be seen in a window of noise.", "", 1e-15, 0.1},
  };
}

std::vector<Key> cell_keys(RfiConfig& r) {
  return {
      {"rfi.kurtosis.enabled", &r.kurtosis.enabled,
       "Flags pieces of channels by spectral kurtosis (Nita & Gary 2010)."},
      {"rfi.kurtosis.false_alarm", &r.kurtosis.false_alarm, "Chance of a piece of noise to be flagged.", "",
       1e-12, 0.1},
      {"rfi.kurtosis.cell_samples", &r.kurtosis.cell_samples,
       "Length of a piece, rounded down to 64 times a power of two within the window.", "samples", 64, 1e6},
      {"rfi.kurtosis.shape", &r.kurtosis.shape,
       "Shape of the noise's Gamma distribution: independent powers in a sample, (mean / sigma)^2, at least "
       "0.5; "
       "0 measures it in each window.",
       "", 0.0, 1e8},
      {"rfi.sum_threshold.enabled", &r.sum_threshold.enabled,
       "Flags runs of times and of channels by SumThreshold (Offringa et al. 2010) on cells of 64 samples, "
       "and bumps of the bandpass above its ArPLS baseline (Zeng et al. 2021)."},
      {"rfi.sum_threshold.threshold_sigma", &r.sum_threshold.threshold_sigma,
       "Threshold of one cell; for runs of N cells it falls as base^-log2 N.", "standard deviations", 3.0,
       1000.0},
      {"rfi.sum_threshold.base", &r.sum_threshold.base, "How fast it falls.", "", 1.0, 4.0},
      {"rfi.sum_threshold.longest", &r.sum_threshold.longest, "Longest run.", "cells", 1.0, 512.0},
      {"rfi.sum_threshold.bandpass_sigma", &r.sum_threshold.bandpass_sigma,
       "The same threshold for the bandpass above its baseline, in deviations of its own scatter, or in "
       "quarters "
       "of the noise where those are larger.",
       "standard deviations", 3.0, 1000.0},
      {"rfi.sum_threshold.bandpass_lambda", &r.sum_threshold.bandpass_lambda,
       "Stiffness of the baseline for 1024 points across the band; for fewer it is the same in MHz.", "", 1.0,
       1e12},
      {"rfi.beams.enabled", &r.beams.enabled,
       "Flags what is seen at once in beams that are not neighbours. The beams are then searched in step, "
       "and "
       "all must fit limits.memory_bytes together."},
      {"rfi.beams.threshold_sigma", &r.beams.threshold_sigma, "How far out the beams' sum is.",
       "standard deviations", 3.0, 1000.0},
  };
}

std::vector<Key> voltages_keys(VoltagesConfig& v) {
  return {
      {"voltages.sample_rate_hz", &v.sample_rate_hz,
       "Samples a second of one coarse channel, complex or real, where the header is silent or wrong; 0: as "
       "it "
       "says.",
       "Hz", 0.0, 1e11},
      {"voltages.band_low_mhz", &v.band_low_mhz,
       "Lower edge of the whole band; VDIF never says. 0: as the header says.", "MHz", 0.0, 1e6},
      {"voltages.n_pol", &v.n_pol,
       "Polarisations of VDIF, whose threads are [coarse channel][polarisation]; 0: 2 where their number is "
       "even.",
       "", 0.0, 2.0},
      {"voltages.lower_sideband", &v.lower_sideband,
       "The band is inverted against what the header says: frequency falls as the signal's rises."},
  };
}

std::vector<Key> channelize_keys(ChannelizeConfig& c) {
  return {
      {"channelize.channels", &c.channels,
       "Channels made of voltages, over the whole band; 0: as near FAST's 0.122 MHz as powers of two come.",
       "", 0.0, 1 << 20},
      {"channelize.taps", &c.taps, "Taps of the polyphase filterbank; 1 is a plain Fourier transform.", "",
       1.0, 64.0},
      {"channelize.window",
       &c.window,
       "Window over the filterbank's sinc.",
       "",
       -kNoLimit,
       kNoLimit,
       {"rectangular", "hann", "hamming", "kaiser"}},
      {"channelize.kaiser_beta", &c.kaiser_beta, "Shape of the Kaiser window.", "", 0.0, 40.0},
      {"channelize.oversampling", &c.oversampling,
       "Rate of a channel's samples over its width, as \"4/3\"; 1 is critical. Coherent dedispersion loses "
       "less "
       "at the channels' edges above 1."},
      {"channelize.sample_time_s", &c.sample_time_s,
       "Wanted time between spectra, rounded to whole samples of a channel.", "s", kSeconds, 100.0},
      {"channelize.coherent_dm_pc_cm3", &c.coherent_dm_pc_cm3,
       "DMs at which channels are dedispersed coherently; a search takes one, `tianyan channelize` writes a "
       "file "
       "for each.",
       "pc/cm3", 0.0, 1e5},
      {"channelize.products",
       &c.products,
       "Products that `tianyan channelize` writes; a search takes the intensity.",
       "",
       -kNoLimit,
       kNoLimit,
       {"intensity", "aabbcrci", "iquv"}},
      {"channelize.feed",
       &c.feed,
       "What the two polarisations are, for Stokes parameters.",
       "",
       -kNoLimit,
       kNoLimit,
       {"linear", "circular"}},
      {"channelize.n_bits", &c.n_bits,
       "Bits of the samples that `tianyan channelize` writes: 8, or 32 for floats.", "", 8.0, 32.0},
  };
}

std::vector<Key> sift_keys(SiftConfig& s) {
  return {
      {"sift.match_sigma", &s.match_sigma,
       "Candidates of different beams are one event where times, DMs and widths agree within so many of "
       "their errors.",
       "", 1.0, 100.0},
      {"sift.far_beam_fraction", &s.far_beam_fraction,
       "Interference: an event that a beam which is no neighbour of the strongest one sees with more than "
       "this fraction of its S/N.",
       "", 0.0, 1.0},
      {"sift.shape_probability", &s.shape_probability,
       "Interference: an event whose strengths over beams a point source has with less than this "
       "probability.",
       "", 0.0, 1.0},
      {"sift.repetition_probability", &s.repetition_probability,
       "Interference: events in phase with the noise diode or the mains, where chance does as well with less "
       "than this probability.",
       "", 0.0, 1.0},
      {"sift.catalogues", &s.catalogues,
       "Files of known sources: psrcat's database or CSV, lists of FRBs as CSV or ECSV."},
      {"sift.known_radius_arcmin", &s.known_radius_arcmin,
       "A known source may be so far from a detection's position, which is the strongest beam's pointing "
       "where the strengths over the beams do not say more; or 2.26 of its errors, where that is farther.",
       "arcmin", 0.0, 600.0},
      {"sift.telescope", &s.telescope,
       "Name of the telescope, where headers do not say it or say it wrongly."},
      {"sift.site_itrf_m", &s.site_itrf_m,
       "Position of a telescope that tianyan does not know, ITRF x, y and z; for barycentric times.", "m",
       -1e7, 1e7},
      {"sift.rotation_deg", &s.rotation_deg,
       "Angle by which FAST's receiver was turned; negative: as the pointings of the beams say.", "deg", -1.0,
       360.0},
      {"sift.max_refined", &s.max_refined,
       "Most detections that are measured again at full resolution; the strongest ones come first.", "", 0.0,
       1e6},
      {"sift.list_band_mhz", &s.list_band_mhz,
       "Edges of the band, [low, high], of lists of single pulses that have no .inf file.", "MHz", 1.0, 1e6},
  };
}

std::vector<Key> limits_keys(LimitsConfig& l) {
  return {
      {"limits.memory_bytes", &l.memory_bytes,
       "Most memory that the job may take; a plan that needs more, or more than the machine and the job's "
       "control group have left, is refused.",
       "bytes", 1e7, 1e15},
      {"limits.device_memory_bytes", &l.device_memory_bytes,
       "Most memory that the job may take of each CUDA device; 0: nine tenths of what is free there.",
       "bytes", 0.0, 1e15},
      {"limits.threads", &l.threads, "Threads; 0 takes all that the machine offers.", "", 0.0, 4096.0},
      {"limits.wall_s", &l.wall_s,
       "Longest time that a job may take: it then stops as for a signal, with exit code 75, and --resume "
       "goes "
       "on; 0: as long as it takes.",
       "s", 0.0, 1e9},
      {"limits.output_bytes", &l.output_bytes,
       "Most that a run directory may hold: once it does, no further unit, plot or cut-out is begun; 0: as "
       "much as there is room.",
       "bytes", 0.0, 1e15},
      {"limits.dm_trials", &l.dm_trials, "Most trials of DM; a plan that needs more is refused.", "", 1.0,
       1e9},
  };
}

std::vector<Key> output_keys(OutputConfig& o) {
  return {
      {"output.formats", &o.formats, "Formats in which detections are written beside detections.ecsv.", "",
       -kNoLimit, kNoLimit, names_of(export_formats())},
      {"output.plots", &o.plots, "Draws a plot of each detection."},
      {"output.cutouts", &o.cutouts,
       "Writes the spectra around each detection as HDF5, 256 x 256, as FETCH reads them."},
      {"output.max_plots", &o.max_plots,
       "Most plots, and most cut-outs; the strongest detections come first.", "", 0.0, 1e6},
      {"output.author", &o.author, "Who reports, in VOEvents and reports to the TNS."},
      {"output.contact", &o.contact, "E-mail address of who reports."},
      {"output.ivo_authority", &o.ivo_authority,
       "Begins the identifiers of VOEvents, ivo://AUTHORITY#...; while it begins with \"example/\" they are "
       "marked as tests."},
      {"output.gain_k_jy", &o.gain_k_jy,
       "Gain of the telescope, for flux densities; 0: 16 where it is FAST, else unknown.", "K/Jy", 0.0, 1e3},
      {"output.tsys_k", &o.tsys_k,
       "System temperature, for flux densities; 0: 20 where the telescope is FAST, else unknown.", "K", 0.0,
       1e6},
  };
}

Schema schema_of(Config& config) {
  Schema schema;
  for (auto& rows :
       {search_keys(config.search), rfi_keys(config.rfi), iqrm_keys(config.rfi.iqrm), time_keys(config.rfi),
        cell_keys(config.rfi), voltages_keys(config.voltages), channelize_keys(config.channelize),
        sift_keys(config.sift), limits_keys(config.limits), output_keys(config.output)})
    schema.keys.insert(schema.keys.end(), rows.begin(), rows.end());
  return schema;
}

void check_rules(const SearchConfig& s, ReadReport& report) {
  report.rule(
      s.dm_min_pc_cm3 < s.dm_max_pc_cm3, {"search.dm_min_pc_cm3", "search.dm_max_pc_cm3"},
      fmt::format("search.dm_min_pc_cm3 = {} pc/cm3 is not below search.dm_max_pc_cm3 = {} pc/cm3: the range "
                  "is reversed or empty",
                  s.dm_min_pc_cm3, s.dm_max_pc_cm3));
  report.rule(
      s.width_min_s <= s.width_max_s, {"search.width_min_s", "search.width_max_s"},
      fmt::format("search.width_min_s = {} s is above search.width_max_s = {} s: the range is reversed",
                  s.width_min_s, s.width_max_s));
  report.rule(
      s.snr_min_member <= s.snr_min, {"search.snr_min_member", "search.snr_min"},
      fmt::format("search.snr_min_member = {} is above search.snr_min = {}: no detection could have members",
                  s.snr_min_member, s.snr_min));
}

void check_rules(const SiftConfig& s, ReadReport& report) {
  report.rule(s.site_itrf_m.empty() || s.site_itrf_m.size() == 3, {"sift.site_itrf_m"},
              fmt::format("sift.site_itrf_m has {} numbers: x, y and z are wanted", s.site_itrf_m.size()));
  report.rule(
      s.site_itrf_m.size() != 3 || is_on_earth({s.site_itrf_m[0], s.site_itrf_m[1], s.site_itrf_m[2]}),
      {"sift.site_itrf_m"}, "sift.site_itrf_m is no place on the Earth: x, y and z in metres are wanted");
  const auto& band = s.list_band_mhz;
  report.rule(band.empty() || (band.size() == 2 && band[0] < band[1]), {"sift.list_band_mhz"},
              "sift.list_band_mhz wants [low, high], low below high");
}

void check_rules(const ChannelizeConfig& c, ReadReport& report) {
  std::set<long long> hundredths;  // as they stand in the names of files
  for (const double dm : c.coherent_dm_pc_cm3) hundredths.insert(std::llround(100.0 * dm));
  report.rule(hundredths.size() == c.coherent_dm_pc_cm3.size(), {"channelize.coherent_dm_pc_cm3"},
              "channelize.coherent_dm_pc_cm3 has values that are the same to 0.01 pc/cm3");
  report.rule(c.n_bits == 8 || c.n_bits == 32, {"channelize.n_bits"},
              fmt::format("channelize.n_bits = {}: 8, or 32 for floats, is possible", c.n_bits));
  report.rule(
      oversampling_of(c).has_value(), {"channelize.oversampling"},
      fmt::format("channelize.oversampling = \"{}\": a number from 1 to 8, or a fraction as \"4/3\", of "
                  "at most 1024 parts",
                  c.oversampling));
}

}  // namespace

std::optional<Fraction> oversampling_of(const ChannelizeConfig& config) {
  Fraction f;
  const std::string& text = config.oversampling;
  const char* end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, f.num);
  if (read.ec == std::errc{} && read.ptr != end && *read.ptr == '/')
    read = std::from_chars(read.ptr + 1, end, f.den);
  const bool is_read = read.ec == std::errc{} && read.ptr == end;
  if (!is_read || f.den < 1 || f.den > 1024 || f.num < f.den || f.num > 8 * f.den) return std::nullopt;
  return f;
}

bool RfiConfig::Bands::hold(double freq_mhz) const {
  return std::any_of(mhz.begin(), mhz.end(),
                     [&](const Pair& b) { return b[0] <= freq_mhz && freq_mhz <= b[1]; });
}

Config load_config(const std::string& path, const std::vector<std::string>& set, const JudgeConfig& judge) {
  Config config;
  ReadReport report = read_toml(schema_of(config), path, set);
  check_rules(config.search, report);
  check_rules(config.channelize, report);
  check_rules(config.sift, report);
  if (judge) judge(config, report);
  report.throw_errors();
  return config;
}

std::string print_config(const Config& config) {
  Config copy = config;  // a schema binds to fields that it may write
  return "# Effective configuration of tianyan: a key left out keeps its default, units are in the "
         "names.\n\n" +
         print_toml(schema_of(copy));
}

std::map<std::string, std::string> config_values(const Config& config) {
  Config copy = config;
  std::map<std::string, std::string> values;
  for (const auto& key : schema_of(copy).keys) values[key.name] = print_value(key.slot);
  return values;
}

std::string config_hash(const Config& config) {
  const Config defaults;
  Config science = config;
  science.limits = defaults.limits;
  science.output = defaults.output;
  science.search.block_s = defaults.search.block_s;
  science.search.backend = defaults.search.backend;
  science.channelize.products = defaults.channelize.products;  // a search takes the intensity
  science.channelize.feed = defaults.channelize.feed;
  science.channelize.n_bits = defaults.channelize.n_bits;
  return fmt::format("{:016x}", fnv1a(print_config(science)));
}

std::string config_reference_markdown() {
  Config defaults;
  return "# Configuration\n\nEvery key of a config file, with its default. `tianyan check CONFIG --print` "
         "shows the "
         "effective values;\n`--set table.key=value` changes one on any command. Units are in the names: "
         "values are "
         "plain numbers.\n" +
         print_markdown(schema_of(defaults));
}

}  // namespace tianyan
