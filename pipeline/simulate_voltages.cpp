// Synthesis of simulated voltages, piece by piece; each block of noise and each pulse from its own seed.
#include "pipeline/simulate_voltages.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>

#include "io/beam_name.hpp"
#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "io/voltage_sink.hpp"
#include "kernels/base/random.hpp"
#include "kernels/voltage_pulse.hpp"
#include "pipeline/parallel.hpp"
#include "pipeline/run_directory.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kBlockSamples = 4096;                  // one seed for each block of a stream
constexpr std::int64_t kPieceValues = std::int64_t{1} << 24;  // fewer blocks at a time where streams are many

/// Levels of one component. 2 and 4 bits: the uniform steps of least distortion (Max 1960), 0.996 and 0.335
/// sigma; more bits leave room for pulses.
double sigma_of(const VoltageSpec& v) {
  if (v.sigma > 0.0) return v.sigma;
  return v.n_bits == 2 ? 1.0 : v.n_bits == 4 ? 2.98 : v.n_bits == 8 ? 16.0 : 1000.0;
}

double bandwidth_hz(const ScanSpec& spec) { return (spec.freq_high_mhz - spec.freq_low_mhz) * 1e6; }

double power_of(const ScanSpec& spec, const PulseSpec& pulse) {
  return pulse_power_of_snr(pulse.snr, spec.voltages.n_pol, bandwidth_hz(spec), pulse.width_s);
}

double sweep_s(const ScanSpec& spec, const PulseSpec& pulse) {
  return dispersion_delay_s(pulse.dm_pc_cm3, spec.freq_low_mhz, spec.freq_high_mhz);
}

/// The pulse as coarse channel c of the band sees it.
VoltagePulse pulse_in(const ScanSpec& spec, const VoltageInfo& info, const PulseSpec& pulse, int c) {
  VoltagePulse p;
  p.freq_low_mhz = info.band_low_mhz + c * info.coarse_width_mhz;
  p.coarse_width_mhz = info.coarse_width_mhz;
  p.is_complex = spec.voltages.is_complex;
  p.dm_pc_cm3 = pulse.dm_pc_cm3;
  p.width_s = pulse.width_s;
  p.peak_power = power_of(spec, pulse);
  p.arrival_s = pulse.time_s + dispersion_delay_s(pulse.dm_pc_cm3, p.freq_high_mhz(), spec.freq_high_mhz);
  return p;
}

/// A pulse in one stream; `v` is there while the scan passes it.
struct StreamPulse {
  VoltagePulsePlan plan;
  std::uint64_t seed_block = 0;
  Array<float, 1> v;  ///< [time * component]

  std::int64_t end() const { return plan.first_sample + plan.n_time; }
};

/// A coarse channel of one polarisation in one beam.
struct Stream {
  std::uint64_t seed_stream = 0;
  std::vector<StreamPulse> pulses;
};

/// All that a beam's samples are made from.
struct BeamVoltages {
  VoltageInfo info;
  int n_component = 2;
  std::uint64_t seed = 0;
  float sigma = 1.0F, low = 0.0F, high = 0.0F;  ///< levels
  std::vector<Stream> streams;                  ///< [coarse][pol]

  std::int64_t piece_samples() const {
    const std::int64_t values = kBlockSamples * n_component * std::ssize(streams);
    return kBlockSamples * std::max<std::int64_t>(kPieceValues / values, 1);
  }
};

/// Apart from the streams of simulated spectra, whose seeds have no such bit.
std::uint64_t seed_stream(int beam, int coarse, int pol) {
  return (std::uint64_t{1} << 63) | static_cast<std::uint64_t>(beam) |
         (static_cast<std::uint64_t>(pol) << 8) | (static_cast<std::uint64_t>(coarse) << 16);
}

/// Blocks of noise count up from 0, pulses down from the other end, in the order of the spec.
std::vector<StreamPulse> pulses_of(const ScanSpec& spec, const VoltageInfo& info, int coarse) {
  std::vector<StreamPulse> pulses;
  for (std::size_t i = 0; i < spec.pulses.size(); ++i)
    if (in_beam(spec.pulses[i].beams, info.beam))
      pulses.push_back(
          {make_voltage_pulse_plan(pulse_in(spec, info, spec.pulses[i], coarse)), ~std::uint64_t{i}, {}});
  return pulses;
}

BeamVoltages beam_voltages(const ScanSpec& spec, int beam) {
  BeamVoltages model;
  model.info = voltage_scan_info(spec, beam);
  model.n_component = voltage_scan_format(spec).n_component();
  model.seed = static_cast<std::uint64_t>(spec.seed);
  model.sigma = static_cast<float>(sigma_of(spec.voltages));
  model.low = -static_cast<float>(1 << (spec.voltages.n_bits - 1));
  model.high = -model.low - 1.0F;
  for (int c = 0; c < model.info.n_coarse; ++c)
    for (int p = 0; p < model.info.n_pol; ++p)
      model.streams.push_back({seed_stream(beam, c, p), pulses_of(spec, model.info, c)});
  return model;
}

void make_pulse(const BeamVoltages& model, const NormalTable& normal, const Stream& stream,
                StreamPulse& pulse) {
  VoltagePulseScratch scratch(pulse.plan);
  Xoshiro256 random(model.seed, stream.seed_stream, pulse.seed_block);
  Array<float, 1> v({pulse.plan.n_time * pulse.plan.n_component()});
  voltage_pulse(pulse.plan, normal, random, scratch, v.view());
  pulse.v = std::move(v);
}

/// Makes the pulses that reach into samples [begin, end) and forgets those that have passed.
void make_pulses(BeamVoltages& model, const NormalTable& normal, std::int64_t begin, std::int64_t end,
                 int threads) {
  std::vector<std::pair<const Stream*, StreamPulse*>> due;
  for (Stream& stream : model.streams)
    for (StreamPulse& pulse : stream.pulses) {
      if (pulse.end() <= begin)
        pulse.v = {};
      else if (pulse.plan.first_sample < end && pulse.v.size() == 0)
        due.emplace_back(&stream, &pulse);
    }
  parallel_for(threads, std::ssize(due),
               [&](std::int64_t i, int) { make_pulse(model, normal, *due[i].first, *due[i].second); });
}

/// x [time * component] of samples [begin, end) of the stream.
void add_pulses(const Stream& stream, std::int64_t begin, std::int64_t end, float* x) {
  for (const StreamPulse& pulse : stream.pulses) {
    const int n_component = pulse.plan.n_component();
    const float gain = n_component == 2 ? std::numbers::sqrt2_v<float> : 1.0F;  // noise: 1 a component
    const std::int64_t first = pulse.plan.first_sample;
    const std::int64_t from = std::max(begin, first) * n_component,
                       to = std::min(end, pulse.end()) * n_component;
    for (std::int64_t i = from; i < to; ++i)
      x[i - begin * n_component] += gain * pulse.v(i - first * n_component);
  }
}

/// Rounded to nearest and clipped. Returns how many values were clipped.
std::int64_t round_levels(const BeamVoltages& model, const float* x, std::int64_t n, std::int16_t* out) {
  std::int64_t n_clipped = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const float level = x[i] * model.sigma;
    const float kept = std::min(std::max(level, model.low), model.high);
    n_clipped += (level < model.low - 0.5F || level > model.high + 0.5F) ? 1 : 0;
    // The shift makes truncation, which vectorises everywhere, round to nearest.
    out[i] = static_cast<std::int16_t>(static_cast<std::int32_t>(kept - model.low + 0.5F) +
                                       static_cast<std::int32_t>(model.low));
  }
  return n_clipped;
}

/// Block `block` of a stream into out [time * component]; x is scratch of a block. Returns how many values
/// were clipped.
std::int64_t make_block(const BeamVoltages& model, const NormalTable& normal, const Stream& stream,
                        std::int64_t block, float* x, View<std::int16_t, 1> out) {
  Xoshiro256 random(model.seed, stream.seed_stream, static_cast<std::uint64_t>(block));
  const std::int64_t n = out.shape(0), begin = block * kBlockSamples;
  normal.fill(random, x, n);
  add_pulses(stream, begin, begin + n / model.n_component, x);
  return round_levels(model, x, n, out.data());
}

using Advance = std::function<void(std::int64_t n_samples)>;

/// Beam number b of the sink. Blocks are made in parallel and written in order. Returns how many values were
/// clipped.
std::int64_t write_beam(BeamVoltages& model, VoltageSink& sink, int b, int threads, const Advance& advance) {
  const NormalTable normal;
  const std::int64_t n_stream = std::ssize(model.streams),
                     n_piece = std::min(model.piece_samples(), model.info.n_time);
  Array<std::int16_t, 1> samples({n_stream * n_piece * model.n_component});
  Array<float, 2> scratch({threads, kBlockSamples * model.n_component});
  std::vector<std::int64_t> n_clipped(threads, 0);
  for (std::int64_t first = 0; first < model.info.n_time; first += n_piece) {
    const std::int64_t n = std::min(n_piece, model.info.n_time - first) * model.n_component;
    const std::int64_t step = kBlockSamples * model.n_component, n_block = (n + step - 1) / step;
    make_pulses(model, normal, first, first + n / model.n_component, threads);
    View<std::int16_t, 2> rows(samples.data(), {n_stream, n});
    parallel_for(threads, n_stream * n_block, [&](std::int64_t i, int thread) {
      const std::int64_t s = i / n_block, j = i % n_block;
      n_clipped[thread] +=
          make_block(model, normal, model.streams[s], first / kBlockSamples + j, &scratch(thread, 0),
                     rows[s].slice(0, j * step, std::min((j + 1) * step, n)));
    });
    sink.write(b, View<const std::int16_t, 3>(samples.data(), {model.info.n_coarse, model.info.n_pol, n}));
    advance(n / model.n_component);
  }
  return std::accumulate(n_clipped.begin(), n_clipped.end(), std::int64_t{0});
}

nlohmann::json pulse_truth(const ScanSpec& spec, const PulseSpec& p) {
  const double p0 = power_of(spec, p),
               n = pulse_independent_samples(spec.voltages.n_pol, bandwidth_hz(spec), p.width_s);
  return {{"dm_pc_cm3", p.dm_pc_cm3},
          {"width_s", p.width_s},
          {"sigma_t_s", p.width_s / kFwhmPerSigma},
          {"snr", p.snr},
          {"time_s", p.time_s},
          {"ref_freq_mhz", spec.freq_high_mhz},
          {"sweep_s", sweep_s(spec, p)},
          {"complete", p.time_s + sweep_s(spec, p) < voltage_scan_info(spec, 0).duration_s()},
          {"p0", p0},
          {"n_independent_samples", n},
          {"energy_self_noise", 1.0 / std::sqrt(n)},
          {"snr_scatter", pulse_snr_scatter(p0)},
          {"beams", p.beams.empty() ? spec.beams : p.beams}};
}

nlohmann::json beam_truth(const ScanSpec& spec, int beam, const std::string& file, std::int64_t n_clipped) {
  nlohmann::json pulses = nlohmann::json::array();
  for (const PulseSpec& p : spec.pulses)
    if (in_beam(p.beams, beam)) pulses.push_back(pulse_truth(spec, p));
  return {{"beam", beam}, {"file", file}, {"n_clipped", n_clipped}, {"pulses", pulses}};
}

nlohmann::json scan_truth(const ScanSpec& spec) {
  const VoltageInfo info = voltage_scan_info(spec, 0);
  nlohmann::json truth = {
      {"source_name", spec.source_name},
      {"format", spec.format},
      {"band_low_mhz", info.band_low_mhz},
      {"band_high_mhz", spec.freq_high_mhz},
      {"n_coarse", info.n_coarse},
      {"coarse_width_mhz", info.coarse_width_mhz},
      {"sample_time_s", info.sample_time_s},
      {"n_time", info.n_time},
      {"is_complex", spec.voltages.is_complex},
      {"n_bits", spec.voltages.n_bits},
      {"n_pol", info.n_pol},
      {"sigma", sigma_of(spec.voltages)},
      {"seed", spec.seed},
      {"start_mjd", spec.start_mjd},
      {"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant},
      {"ref_freq_mhz", spec.freq_high_mhz},
      {"time_reference",
       "arrival of the peak at the upper edge of the band; sample t is taken at t * sample_time_s"},
      {"snr_definition",
       "optimal filter on the power of all polarisations and coarse channels, dedispersed, before rounding "
       "to "
       "n_bits; noise alone in the denominator, so found values scatter by snr_scatter, 1 where p0, the "
       "peak's power over the noise, is small"}};
  for (const PulseSpec& p : spec.pulses) truth["pulses"].push_back(pulse_truth(spec, p));
  return truth;
}

/// Beams that share a file.
struct VoltageFile {
  std::string name;
  std::vector<int> beams;
};

std::vector<VoltageFile> output_files(const ScanSpec& spec) {
  const VoltageSinkFormat& sink = voltage_sink_format_for(spec.source_name + "." + spec.format);
  if (sink.holds_beams) return {{spec.source_name + "_voltages" + sink.extension, spec.beams}};
  std::vector<VoltageFile> files;
  for (int beam : spec.beams)
    files.push_back(
        {fmt::format("{}_tracking-{}_0001{}", spec.source_name, beam_name(beam), sink.extension), {beam}});
  return files;
}

/// A line where a key of spectra was set.
void check_unused(const ScanSpec& s, std::vector<std::string>& problems) {
  const ScanSpec unset;
  const auto refuse = [&](bool is_set, const char* key, const char* instead) {
    if (is_set)
      problems.push_back(
          fmt::format("scan.{} does not apply to voltages (scan.format = \"{}\"){}", key, s.format, instead));
  };
  refuse(s.n_chan != unset.n_chan, "n_chan", ": voltages.n_coarse cuts the band");
  refuse(s.sample_time_s != unset.sample_time_s, "sample_time_s", ": the band and voltages.n_coarse say it");
  refuse(s.n_bits != unset.n_bits, "n_bits", ": voltages.n_bits is wanted");
  refuse(s.n_pol != unset.n_pol, "n_pol", ": voltages.n_pol is wanted");
  refuse(s.channels_descending != unset.channels_descending, "channels_descending", "");
  refuse(s.mean != unset.mean, "mean", ": it is 0");
  refuse(s.sigma != unset.sigma, "sigma", ": voltages.sigma is wanted");
  if (!s.lines.empty() || !s.impulses.empty())
    problems.push_back(
        fmt::format("scan.format = \"{}\": voltages are simulated with pulses alone; {} [[line]] and {} "
                    "[[impulse]] cannot be put in",
                    s.format, s.lines.size(), s.impulses.size()));
}

}  // namespace

bool is_voltage_format(const std::string& format) {
  return format != "fits" && format != "fil" && format != "h5";
}

VoltageInfo voltage_scan_info(const ScanSpec& spec, int beam) {
  VoltageInfo info;
  info.n_coarse = spec.voltages.n_coarse;
  info.n_pol = spec.voltages.n_pol;
  info.band_low_mhz = spec.freq_low_mhz;
  info.coarse_width_mhz = (spec.freq_high_mhz - spec.freq_low_mhz) / info.n_coarse;
  info.sample_time_s = 1e-6 / info.coarse_width_mhz * (spec.voltages.is_complex ? 1.0 : 0.5);
  info.n_time = std::llround(spec.duration_s / info.sample_time_s);
  info.start = scan_info(spec, beam).start;
  info.source_name = spec.source_name;
  info.telescope = "FAST";
  info.backend = "SIMULATED";
  info.beam = beam;
  return info;
}

VoltageFormat voltage_scan_format(const ScanSpec& spec) {
  VoltageFormat format;
  format.n_bits = spec.voltages.n_bits;
  format.is_complex = spec.voltages.is_complex;
  return format;
}

void check_voltage_table(const ScanSpec& s, std::vector<std::string>& problems) {
  const auto rule = [&problems](bool holds, std::string text) {
    if (!holds) problems.push_back(std::move(text));
  };
  const VoltageSpec& v = s.voltages;
  check_unused(s, problems);
  rule(v.n_bits == 2 || v.n_bits == 4 || v.n_bits == 8 || v.n_bits == 16,
       fmt::format("voltages.n_bits = {}: 2, 4, 8 or 16 allowed", v.n_bits));
  rule(v.n_pol == 1 || v.n_pol == 2, fmt::format("voltages.n_pol = {}: 1 or 2 allowed", v.n_pol));
  rule(v.n_coarse >= 1 && v.n_coarse <= kMaxSimulatedCoarse,
       fmt::format("voltages.n_coarse = {}: 1 to {} allowed", v.n_coarse, kMaxSimulatedCoarse));
  rule(v.sigma >= 0.0, fmt::format("voltages.sigma = {} levels: it must not be negative", v.sigma));
  if (v.n_coarse < 1 || !(s.freq_high_mhz > s.freq_low_mhz)) return;
  const VoltageInfo info = voltage_scan_info(s, 0);
  rule(info.n_time >= 1, fmt::format("scan.duration_s = {} s is shorter than a sample of {} s", s.duration_s,
                                     info.sample_time_s));
}

void check_voltage_pulses(const ScanSpec& spec, std::vector<std::string>& problems) {
  const VoltageInfo info = voltage_scan_info(spec, 0);
  for (std::size_t i = 0; i < spec.pulses.size(); ++i) {
    if (spec.pulses[i].dm_pc_cm3 < 0.0 || !spec.pulses[i].offset_arcmin.empty())
      problems.push_back(fmt::format(
          "pulse[{}]: voltages have no negative DMs and no offset_arcmin; name its beams", i + 1));
    try {  // the lowest coarse channel has the longest sweep
      make_voltage_pulse_plan(pulse_in(spec, info, spec.pulses[i], 0));
    } catch (const std::invalid_argument& e) {
      problems.push_back(fmt::format("pulse[{}]: {}", i + 1, e.what()));
    }
  }
}

std::vector<std::string> simulate_voltages(const ScanSpec& spec, const std::string& dir,
                                           const SimulateOptions& options) {
  const std::vector<VoltageFile> files = output_files(spec);
  std::filesystem::create_directories(dir);
  const int threads = options.threads > 0 ? options.threads : omp_get_max_threads();
  std::int64_t n_done = 0;
  const std::int64_t n_total = scan_length(spec) * std::ssize(spec.beams);
  const Advance advance = [&](std::int64_t n) {
    n_done += n;
    if (options.progress) options.progress(n_done, n_total);
  };
  nlohmann::json truth = scan_truth(spec);
  std::vector<std::string> paths;
  for (const VoltageFile& file : files) {
    paths.push_back((std::filesystem::path(dir) / file.name).string());
    const auto sink = create_voltage_sink(paths.back(), voltage_scan_info(spec, file.beams[0]), file.beams,
                                          voltage_scan_format(spec), options.overwrite);
    for (std::size_t b = 0; b < file.beams.size(); ++b) {
      BeamVoltages model = beam_voltages(spec, file.beams[b]);
      const std::int64_t n_clipped = write_beam(model, *sink, static_cast<int>(b), threads, advance);
      truth["beams"].push_back(beam_truth(spec, file.beams[b], file.name, n_clipped));
    }
    sink->finish();
  }
  write_text_file((std::filesystem::path(dir) / "truth.json").string(), dump_json(truth, 1) + "\n");
  return paths;
}

}  // namespace tianyan
