// Synthesis of simulated scans, block by block, each block from its own seed.
#include "pipeline/simulate.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>

#include "io/beam_name.hpp"
#include "io/json_text.hpp"
#include "io/sink.hpp"
#include "io/text_file.hpp"
#include "kernels/base/expect.hpp"
#include "kernels/base/random.hpp"
#include "pipeline/run_directory.hpp"
#include "pipeline/simulate_voltages.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kBlockSpectra = 1024;                   // one seed for each block
constexpr std::int64_t kBlockSamples = std::int64_t{1} << 22;  // fewer spectra where a spectrum is long
constexpr double kLinePeriod_s = 0.731;
constexpr double kPulseReach = 6.0;  // sigmas of a Gaussian that are drawn

/// A pulse as it arrives in one beam.
struct BeamPulse {
  double time_s, sigma_t_s;
  float amplitude;              ///< sigma of one polarisation's channel
  std::vector<double> delay_s;  ///< [c], falling: channel 0 is the lowest frequency
};

/// All that a beam's samples are made from, channels in canonical order.
struct SimulatedBeam {
  int n_chan = 0, n_pol = 1;
  double sample_time_s = 0.0;
  SampleFormat format;
  std::int64_t n_time = 0;
  std::uint64_t seed = 0, beam = 0;
  std::vector<float> mean, sigma;  ///< [c] levels
  std::vector<float> line_level;   ///< [c] sigma
  std::vector<int> line_channels;
  std::vector<BeamPulse> pulses;
  std::vector<ImpulseSpec> impulses;

  std::int64_t block_spectra() const {
    return std::clamp<std::int64_t>(kBlockSamples / (std::int64_t{n_pol} * n_chan), 1, kBlockSpectra);
  }
  int n_summed() const { return std::min(n_pol, 2); }
};

struct Levels {
  double mean, sigma;
};

/// Few bits want the steps where the noise is; FAST's 8 bits are typically filled to about a third.
Levels levels_of(const ScanSpec& spec) {
  if (spec.sigma > 0.0) return {spec.mean, spec.sigma};
  switch (spec.n_bits) {
    case 1:
      return {0.5, 1.0};
    case 2:
      return {1.5, 1.0};
    case 4:
      return {6.5, 2.0};
    case 16:
      return {8192.0, 1024.0};
    default:
      return {96.0, 12.0};
  }
}

/// Smooth ripple and random parts, within 20 % of one. Below 4 bits a backend levels its channels: no ripple.
void set_levels(const ScanSpec& spec, SimulatedBeam& model) {
  const Levels levels = levels_of(spec);
  Xoshiro256 random(model.seed, model.beam, ~std::uint64_t{0});
  for (int c = 0; c < model.n_chan; ++c) {
    const double x = model.n_chan > 1 ? static_cast<double>(c) / (model.n_chan - 1) : 0.0;
    const double ripple = 0.10 * std::sin(6.0 * std::numbers::pi * x + 0.7) +
                          0.04 * std::sin(34.0 * std::numbers::pi * x) + 0.1 * (random.uniform() - 0.5);
    const double gain = spec.n_bits < 4 ? 1.0 : std::clamp(1.0 + ripple, 0.8, 1.2);
    model.mean.push_back(static_cast<float>(gain * levels.mean));
    model.sigma.push_back(static_cast<float>(gain * levels.sigma));
  }
}

BeamPulse beam_pulse(const PulseSpec& pulse, const StreamInfo& info, const SimulatedBeam& model) {
  BeamPulse p{pulse.time_s, pulse.width_s / kFwhmPerSigma, 0.0F, {}};
  const auto n_good = static_cast<double>(model.n_chan - static_cast<int>(model.line_channels.size()));
  const double samples = p.sigma_t_s * std::sqrt(std::numbers::pi) / info.sample_time_s;
  p.amplitude = static_cast<float>(pulse.snr / std::sqrt(std::max(n_good, 1.0) * samples * model.n_summed()));
  for (int c = 0; c < info.n_chan; ++c)
    p.delay_s.push_back(dispersion_delay_s(pulse.dm_pc_cm3, info.freq_mhz(c), info.ref_freq_mhz()));
  return p;
}

// Of the spec's pulses, those that the beam sees; one too far away to be seen is none of its pulses.
std::vector<PulseSpec> pulses_in(const ScanSpec& spec, int beam) {
  const BeamModel model{spec.freq_low_mhz, spec.freq_high_mhz};
  std::vector<PulseSpec> pulses;
  for (PulseSpec pulse : spec.pulses) {
    if (!in_beam(pulse.beams, beam)) continue;
    pulse.snr = pulse.snr_in(model, beam, spec.rotation_deg);
    if (pulse.snr > 0.0) pulses.push_back(pulse);
  }
  return pulses;
}

SimulatedBeam simulated_beam(const ScanSpec& spec, int beam) {
  const StreamInfo info = scan_info(spec, beam);
  SimulatedBeam model;
  model.n_chan = spec.n_chan;
  model.n_pol = spec.n_pol;
  model.sample_time_s = spec.sample_time_s;
  model.n_time = info.n_time;
  model.seed = static_cast<std::uint64_t>(spec.seed);
  model.beam = static_cast<std::uint64_t>(beam);
  set_levels(spec, model);
  model.line_level.assign(spec.n_chan, 0.0F);
  for (const LineSpec& line : spec.lines)
    for (int c = 0; c < spec.n_chan && in_beam(line.beams, beam); ++c)
      if (info.freq_mhz(c) >= line.freq_low_mhz && info.freq_mhz(c) <= line.freq_high_mhz)
        model.line_level[c] += static_cast<float>(line.level_sigma);
  for (int c = 0; c < spec.n_chan; ++c)
    if (model.line_level[c] > 0.0F) model.line_channels.push_back(c);
  for (const PulseSpec& pulse : pulses_in(spec, beam)) model.pulses.push_back(beam_pulse(pulse, info, model));
  for (const ImpulseSpec& impulse : spec.impulses)
    if (in_beam(impulse.beams, beam)) model.impulses.push_back(impulse);
  return model;
}

/// x [c], the sum's polarisations alike, at `time_s`.
void add_lines(const SimulatedBeam& model, double time_s, float* x) {
  for (int c : model.line_channels) {
    const double phase = 2.0 * std::numbers::pi * time_s / kLinePeriod_s + c;
    const auto modulation = static_cast<float>(0.5 + 0.5 * std::sin(phase));
    x[c] = x[c] * (1.0F + 0.5F * model.line_level[c] * modulation) + model.line_level[c];
  }
}

void add_impulses(const SimulatedBeam& model, double time_s, float* x) {
  for (const ImpulseSpec& impulse : model.impulses)
    if (std::abs(time_s - impulse.time_s) < 0.5 * impulse.width_s)
      for (int c = 0; c < model.n_chan; ++c) x[c] += static_cast<float>(impulse.level_sigma);
}

/// Delays fall with c, or rise where the DM is negative, so the channels that a pulse is in at one time are a
/// range.
void add_pulses(const SimulatedBeam& model, double time_s, float* x) {
  for (const BeamPulse& pulse : model.pulses) {
    const double since_s = time_s - pulse.time_s, reach_s = kPulseReach * pulse.sigma_t_s;
    const auto& delay_s = pulse.delay_s;
    const bool falls = delay_s.front() >= 0.0;  // to 0 in the highest channel
    const auto is_early = [&](double d) { return falls ? d > since_s + reach_s : d < since_s - reach_s; };
    const auto is_late = [&](double d) { return falls ? d < since_s - reach_s : d > since_s + reach_s; };
    const auto first = std::partition_point(delay_s.begin(), delay_s.end(), is_early);
    for (auto it = first; it != delay_s.end() && !is_late(*it); ++it) {
      const double z = (since_s - *it) / pulse.sigma_t_s;
      x[it - delay_s.begin()] += pulse.amplitude * static_cast<float>(std::exp(-0.5 * z * z));
    }
  }
}

/// A sample as the number that is recorded: rounded and clipped to [low, high]. Returns how many were
/// clipped.
template <class Raw>
std::int64_t record(const float* x, const float* mean, const float* sigma, float low, float high, int n,
                    Raw* out) {
  std::int64_t n_clipped = 0;
  for (int c = 0; c < n; ++c) {
    const float v = x[c] * sigma[c] + mean[c];
    const float kept = std::min(std::max(v, low), high);
    n_clipped += (v < low - 0.5F || v > high + 0.5F) ? 1 : 0;
    // The shift makes truncation, which vectorises everywhere, round to nearest.
    out[c] = static_cast<Raw>(static_cast<std::int32_t>(kept - low + 0.5F) + static_cast<std::int32_t>(low));
  }
  return n_clipped;
}

/// levels [c] -> bits of channels in recorded order.
void pack_bits(const std::uint8_t* levels, int n, const SampleFormat& format, std::uint8_t* out) {
  const int per_byte = 8 / format.n_bits;
  for (int r = 0; r < n; ++r) {
    const int slot = r % per_byte;
    const int shift = format.n_bits * (format.high_bits_first ? per_byte - 1 - slot : slot);
    if (slot == 0) out[r / per_byte] = 0;
    out[r / per_byte] = static_cast<std::uint8_t>(out[r / per_byte] | levels[r] << shift);
  }
}

template <class Raw>
void order_channels(const SimulatedBeam& model, Raw* row) {
  if (model.format.channels_descending)
    for (int p = 0; p < model.n_pol; ++p) std::reverse(row + p * model.n_chan, row + (p + 1) * model.n_chan);
}

/// Scratch of one thread.
struct Rows {
  std::vector<float> x;              ///< [pol][c]
  std::vector<std::uint8_t> levels;  ///< [pol][c], below 8 bits
  std::vector<float> zero;           ///< [c]: the mean of the cross products
};

/// One spectrum, x in sigmas, as bytes. Returns the number of clipped samples.
template <class Raw>
std::int64_t record_spectrum(const SimulatedBeam& model, const Rows& rows, float high, Raw* out) {
  std::int64_t n_clipped = 0;
  for (int p = 0; p < model.n_pol; ++p) {
    const bool is_cross = p >= 2;
    const float half = 0.5F * (high + 1.0F);
    n_clipped += record(rows.x.data() + p * model.n_chan, is_cross ? rows.zero.data() : model.mean.data(),
                        model.sigma.data(), is_cross ? -half : 0.0F, is_cross ? half - 1.0F : high,
                        model.n_chan, out + p * model.n_chan);
  }
  order_channels(model, out);
  return n_clipped;
}

void record_floats(const SimulatedBeam& model, Rows& rows, std::uint8_t* out) {
  for (int p = 0; p < model.n_pol; ++p)
    for (int c = 0; c < model.n_chan; ++c) {
      float& x = rows.x[p * model.n_chan + c];
      x = x * model.sigma[c] + (p >= 2 ? 0.0F : model.mean[c]);
    }
  order_channels(model, rows.x.data());
  std::memcpy(out, rows.x.data(), rows.x.size() * sizeof(float));
}

std::int64_t store(const SimulatedBeam& model, Rows& rows, std::uint8_t* out) {
  const int n_bits = model.format.n_bits;
  if (n_bits == 32) return record_floats(model, rows, out), 0;
  if (n_bits == 16) return record_spectrum(model, rows, 65535.0F, reinterpret_cast<std::uint16_t*>(out));
  if (n_bits == 8) return record_spectrum(model, rows, 255.0F, out);
  const std::int64_t n_clipped =
      record_spectrum(model, rows, static_cast<float>((1 << n_bits) - 1), rows.levels.data());
  pack_bits(rows.levels.data(), model.n_pol * model.n_chan, model.format, out);
  return n_clipped;
}

/// Spectra of block `block` into out [time][byte]. Returns the number of clipped samples.
std::int64_t make_block(const SimulatedBeam& model, const NormalTable& normal, std::int64_t block, Rows& rows,
                        View<std::uint8_t, 2> out) {
  Xoshiro256 random(model.seed, model.beam, static_cast<std::uint64_t>(block));
  const std::int64_t n_row = std::int64_t{model.n_pol} * model.n_chan;
  std::int64_t n_clipped = 0;
  for (std::int64_t t = 0; t < out.shape(0); ++t) {
    const double time_s =
        (static_cast<double>(block * model.block_spectra() + t) + 0.5) * model.sample_time_s;
    normal.fill(random, rows.x.data(), n_row);
    for (int p = 0; p < model.n_summed(); ++p) {
      float* x = rows.x.data() + p * model.n_chan;
      add_lines(model, time_s, x);
      add_impulses(model, time_s, x);
      add_pulses(model, time_s, x);
    }
    n_clipped += store(model, rows, &out(t, 0));
  }
  return n_clipped;
}

using Advance = std::function<void(std::int64_t n_spectra)>;

/// Blocks are made in parallel and written in order. Returns the number of clipped samples.
std::int64_t write_beam(const SimulatedBeam& model, Sink& sink, int threads, const Advance& advance) {
  const NormalTable normal;
  const std::int64_t step = model.block_spectra(), n_chunk = step * 2 * threads;
  const std::int64_t n_bytes = std::int64_t{model.n_pol} * model.n_chan * model.format.n_bits / 8;
  RawBlock chunk;
  std::int64_t n_clipped = 0;
  for (std::int64_t first = 0; first < model.n_time; first += n_chunk) {
    chunk.first_sample = first;
    chunk.n_time = std::min(n_chunk, model.n_time - first);
    chunk.reserve(n_chunk, n_bytes);
    chunk.spans = {{0, chunk.n_time, false, {}, {}, {}}};
    const std::int64_t n_blocks = (chunk.n_time + step - 1) / step;
#pragma omp parallel num_threads(threads) reduction(+ : n_clipped)
    {
      const auto n_row = static_cast<std::size_t>(model.n_pol) * model.n_chan;
      Rows rows{std::vector<float>(n_row), std::vector<std::uint8_t>(n_row),
                std::vector<float>(model.n_chan)};
#pragma omp for schedule(dynamic)
      for (std::int64_t b = 0; b < n_blocks; ++b)
        n_clipped +=
            make_block(model, normal, first / step + b, rows,
                       chunk.samples.view().slice(0, b * step, std::min((b + 1) * step, chunk.n_time)));
    }
    sink.write(chunk);
    advance(chunk.n_time);
  }
  return n_clipped;
}

/// Ranges [first, last] of channels counted from the lowest.
nlohmann::json ranges_of(const std::vector<int>& channels) {
  nlohmann::json ranges = nlohmann::json::array();
  for (int c : channels)
    if (!ranges.empty() && ranges.back()[1] == c - 1)
      ranges.back()[1] = c;
    else
      ranges.push_back({c, c});
  return ranges;
}

nlohmann::json beam_truth(const SimulatedBeam& model, const std::string& file, std::int64_t n_clipped) {
  nlohmann::json pulses = nlohmann::json::array();
  for (const BeamPulse& p : model.pulses)
    pulses.push_back({{"time_s", p.time_s},
                      {"amplitude_sigma", p.amplitude},
                      {"sigma_t_s", p.sigma_t_s},
                      {"sweep_s", p.delay_s.front()},
                      {"complete", p.time_s + p.delay_s.front() <
                                       static_cast<double>(model.n_time) * model.sample_time_s}});
  return {{"beam", model.beam},
          {"file", file},
          {"n_clipped", n_clipped},
          {"n_good_chan", model.n_chan - static_cast<int>(model.line_channels.size())},
          {"line_channel_ranges", ranges_of(model.line_channels)},
          {"pulses", pulses}};
}

nlohmann::json scan_truth(const ScanSpec& spec) {
  nlohmann::json truth = {
      {"source_name", spec.source_name},
      {"format", spec.format},
      {"n_chan", spec.n_chan},
      {"freq_low_mhz", spec.freq_low_mhz},
      {"freq_high_mhz", spec.freq_high_mhz},
      {"sample_time_s", spec.sample_time_s},
      {"n_time", scan_info(spec, spec.beams[0]).n_time},
      {"n_bits", spec.n_bits},
      {"n_pol", spec.n_pol},
      {"mean", levels_of(spec).mean},
      {"sigma", levels_of(spec).sigma},
      {"seed", spec.seed},
      {"start_mjd", spec.start_mjd},
      {"drift_deg_s", spec.drift_deg_s},
      {"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant},
      {"ref_freq_mhz", scan_info(spec, spec.beams[0]).ref_freq_mhz()},
      {"time_reference",
       "arrival at the centre of the highest channel; sample t covers t to t + 1 sample times, taken at its "
       "middle"},
      {"snr_definition",
       "optimal matched filter on the sum of good channels in units of their sigma; no smearing; the best "
       "boxcar reaches 0.94"}};
  for (const PulseSpec& p : spec.pulses)
    truth["pulses"].push_back({{"dm_pc_cm3", p.dm_pc_cm3},
                               {"width_s", p.width_s},
                               {"snr", p.snr},
                               {"time_s", p.time_s},
                               {"beams", p.beams.empty() ? spec.beams : p.beams},
                               {"offset_arcmin", p.offset_arcmin}});
  for (const LineSpec& l : spec.lines)
    truth["lines"].push_back({{"freq_low_mhz", l.freq_low_mhz},
                              {"freq_high_mhz", l.freq_high_mhz},
                              {"level_sigma", l.level_sigma},
                              {"beams", l.beams.empty() ? spec.beams : l.beams}});
  for (const ImpulseSpec& i : spec.impulses)
    truth["impulses"].push_back({{"time_s", i.time_s},
                                 {"width_s", i.width_s},
                                 {"level_sigma", i.level_sigma},
                                 {"beams", i.beams.empty() ? spec.beams : i.beams}});
  return truth;
}

}  // namespace

bool in_beam(const std::vector<int>& beams, int beam) {
  return beams.empty() || std::find(beams.begin(), beams.end(), beam) != beams.end();
}

double PulseSpec::snr_in(const BeamModel& model, int beam, double rotation_deg) const {
  if (offset_arcmin.empty()) return snr;
  const auto at = beam_offset(beam, rotation_deg);
  return snr *
         model.response(std::hypot(offset_arcmin[0] - at.east_arcmin, offset_arcmin[1] - at.north_arcmin));
}

namespace {

SkyPosition pointing_of(const ScanSpec& spec, int beam, double time_s) {
  const SkyPosition centre{spec.ra_deg + spec.drift_deg_s * time_s, spec.dec_deg};
  return at_offset(centre, beam_offset(beam, spec.rotation_deg));
}

/// A point each 0.1 degrees: 0.04" off the parallel at most.
SkyTrack drift_of(const ScanSpec& spec, int beam, double duration_s) {
  SkyTrack track;
  const int n_step = 1 + static_cast<int>(std::abs(spec.drift_deg_s) * duration_s / 0.1);
  for (int i = 0; i <= n_step; ++i) {
    const double time_s = duration_s * i / n_step;
    track.push_back({time_s, pointing_of(spec, beam, time_s)});
  }
  return track;
}

}  // namespace

StreamInfo scan_info(const ScanSpec& spec, int beam) {
  StreamInfo info;
  info.n_chan = spec.n_chan;
  info.n_pol = spec.n_pol;
  info.channel_width_mhz = (spec.freq_high_mhz - spec.freq_low_mhz) / spec.n_chan;
  info.freq_low_mhz = spec.freq_low_mhz + 0.5 * info.channel_width_mhz;
  info.sample_time_s = spec.sample_time_s;
  // The small shift keeps 32768 spectra from becoming 32767 where the quotient is rounded.
  info.n_time = static_cast<std::int64_t>(std::floor(spec.duration_s / spec.sample_time_s + 1e-6));
  info.start.day = static_cast<std::int64_t>(std::floor(spec.start_mjd));
  info.start.second = (spec.start_mjd - std::floor(spec.start_mjd)) * kSecondsPerDay;
  info.source_name = spec.source_name;
  info.telescope = "FAST";
  info.backend = "SIMULATED";
  info.beam = beam;
  if (beam >= 1) {
    const auto pointing = pointing_of(spec, beam, 0.0);
    info.ra_deg = pointing.ra_deg;
    info.dec_deg = pointing.dec_deg;
    info.take_track(drift_of(spec, beam, info.duration_s()));
  }
  return info;
}

SampleFormat scan_format(const ScanSpec& spec) {
  SampleFormat format;
  format.n_bits = spec.n_bits;
  format.is_float = spec.n_bits == 32;
  format.high_bits_first = spec.n_bits < 8 && spec.format == "fits";
  format.channels_descending = spec.channels_descending;
  format.pol_kind = spec.n_pol == 1   ? PolKind::kIntensity
                    : spec.n_pol == 2 ? PolKind::kAaBb
                                      : PolKind::kCoherence;
  return format;
}

std::int64_t scan_length(const ScanSpec& spec) {
  return is_voltage_format(spec.format) ? voltage_scan_info(spec, 0).n_time : scan_info(spec, 0).n_time;
}

std::vector<std::string> simulate_scan(const ScanSpec& spec, const std::string& dir,
                                       const SimulateOptions& options) {
  check_scan(spec);
  if (is_voltage_format(spec.format)) return simulate_voltages(spec, dir, options);
  std::filesystem::create_directories(dir);
  const int threads = options.threads > 0 ? options.threads : omp_get_max_threads();
  std::int64_t n_done = 0;
  const std::int64_t n_total = scan_info(spec, 1).n_time * static_cast<std::int64_t>(spec.beams.size());
  const Advance advance = [&](std::int64_t n) {
    n_done += n;
    if (options.progress) options.progress(n_done, n_total);
  };
  nlohmann::json truth = scan_truth(spec);
  std::vector<std::string> paths;
  for (int beam : spec.beams) {
    const std::string file =
        fmt::format("{}_tracking-{}_0001.{}", spec.source_name, beam_name(beam), spec.format);
    paths.push_back((std::filesystem::path(dir) / file).string());
    SimulatedBeam model = simulated_beam(spec, beam);
    auto sink = create_sink(paths.back(), scan_info(spec, beam), scan_format(spec), options.overwrite);
    model.format = sink->format();
    require(model.format.n_bits == spec.n_bits, "{}: the format holds {} bits, not {}", file,
            model.format.n_bits, spec.n_bits);
    const std::int64_t n_clipped = write_beam(model, *sink, threads, advance);
    sink->finish();
    truth["beams"].push_back(beam_truth(model, file, n_clipped));
  }
  write_text_file((std::filesystem::path(dir) / "truth.json").string(), dump_json(truth, 1) + "\n");
  return paths;
}

}  // namespace tianyan
