// tianyan info: what would be read, beam by beam.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "io/candidate_table.hpp"
#include "io/json_text.hpp"
#include "io/source.hpp"
#include "io/voltage_source.hpp"
#include "pipeline/command.hpp"
#include "pipeline/open_input.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

struct Options : SharedOptions {};

void declare(CLI::App& command, Options& options) {
  add_input_arguments(command, options);
  add_json_option(command, options);
  add_set_option(command, options);
}

const char* pol_name(PolKind kind) {
  switch (kind) {
    case PolKind::kIntensity:
      return "intensity";
    case PolKind::kAaBb:
      return "AABB";
    case PolKind::kCoherence:
      return "AABBCRCI";
    default:
      return "IQUV";
  }
}

std::string bits_text(const SampleFormat& f) {
  return fmt::format("{} bits{}", f.n_bits, f.is_float ? ", float" : f.is_signed ? ", signed" : "");
}

std::string bits_text(const VoltageFormat& f) {
  return fmt::format("{} bits, {}{}", f.n_bits, f.is_complex ? "complex" : "real",
                     f.is_inverted ? ", lower sideband" : "");
}

/// NaN, which JSON cannot hold, is null.
json number_or_null(double v) { return std::isnan(v) ? json() : json(v); }

/// What spectra and voltages have alike.
template <class AnySource>
json stream_json(const AnySource& source, int beam) {
  const auto& i = source.info();
  const Losses& l = source.losses();
  json files = json::array();
  for (const InputFile& f : source.files())
    files.push_back({{"path", f.path},
                     {"size_bytes", f.size_bytes},
                     {"first_sample", f.first_sample},
                     {"n_time", f.n_time}});
  return {{"beam", beam},
          {"format", source.format_name()},
          {"source_name", i.source_name},
          {"telescope", i.telescope},
          {"backend", i.backend},
          {"start_mjd", mjd_digits(i.start)},
          {"ra_deg", number_or_null(i.ra_deg)},
          {"dec_deg", number_or_null(i.dec_deg)},
          {"duration_s", i.duration_s()},
          {"n_time", i.n_time},
          {"sample_time_s", i.sample_time_s},
          {"n_bits", source.format().n_bits},
          {"n_pol", i.n_pol},
          {"n_gaps", l.n_gaps},
          {"gap_samples", l.gap_samples},
          {"lost_bytes", l.lost_bytes},
          {"cut_short", l.cut_short},
          {"notes", l.notes},
          {"files", files}};
}

json beam_json(const Source& source, int beam) {
  const StreamInfo& i = source.info();
  const SkyPosition end = i.pointing_at(i.duration_s());
  json j = stream_json(source, beam);
  j["is_voltage"] = false;
  j["ra_end_deg"] = number_or_null(end.ra_deg);
  j["dec_end_deg"] = number_or_null(end.dec_deg);
  j["n_chan"] = i.n_chan;
  j["freq_low_mhz"] = i.freq_low_mhz;
  j["freq_high_mhz"] = i.ref_freq_mhz();
  j["channel_width_mhz"] = i.channel_width_mhz;
  j["coherent_dm_pc_cm3"] = i.coherent_dm_pc_cm3;
  j["channels_descending"] = source.format().channels_descending;
  j["is_float"] = source.format().is_float;
  j["pol_kind"] = pol_name(source.format().pol_kind);
  return j;
}

json beam_json(const VoltageSource& source, int beam) {
  const VoltageInfo& i = source.info();
  json j = stream_json(source, beam);
  j["is_voltage"] = true;
  j["is_complex"] = source.format().is_complex;
  j["is_inverted"] = source.format().is_inverted;
  j["n_coarse"] = i.n_coarse;
  j["band_low_mhz"] = i.band_low_mhz;
  j["band_high_mhz"] = i.band_high_mhz();
  j["coarse_width_mhz"] = i.coarse_width_mhz;
  return j;
}

void print_row(const std::string& name, const std::string& value) {
  std::cout << fmt::format("  {:<12} {}\n", name, value);
}

template <class AnySource>
void print_files(const AnySource& source, int beam, const char* samples) {
  const auto& i = source.info();
  std::cout << (beam > 0 ? fmt::format("beam {}\n", beam) : "beam unknown\n");
  print_row("format", source.format_name());
  for (const InputFile& f : source.files())
    print_row("file", fmt::format("{} ({} {}, {:.1f} MB)", f.path, f.n_time, samples,
                                  static_cast<double>(f.size_bytes) / 1e6));
  print_row("source", i.source_name);
  print_row("telescope",
            i.backend.empty() ? i.telescope : fmt::format("{}, backend {}", i.telescope, i.backend));
  if (!std::isnan(i.ra_deg))
    print_row("pointing", fmt::format("RA {:.5f} deg, Dec {:.5f} deg (J2000)", i.ra_deg, i.dec_deg));
  print_row("start", fmt::format("MJD {} UTC", mjd_digits(i.start)));
  print_row("duration", fmt::format("{:.6f} s, {} {} of {:.4f} us", i.duration_s(), i.n_time, samples,
                                    i.sample_time_s * 1e6));
}

void print_losses(const Losses& l, double sample_time_s, const char* samples) {
  print_row("gaps", l.n_gaps == 0 ? "none"
                                  : fmt::format("{} ({} {}, {:.6f} s)", l.n_gaps, l.gap_samples, samples,
                                                static_cast<double>(l.gap_samples) * sample_time_s));
  print_row("lost", l.lost_bytes == 0 && !l.cut_short
                        ? "nothing"
                        : fmt::format("{} bytes{}", l.lost_bytes, l.cut_short ? ", cut short" : ""));
  for (const std::string& note : l.notes) print_row("note", note);
}

void print_beam(const Source& source, int beam) {
  const StreamInfo& i = source.info();
  print_files(source, beam, "spectra");
  if (!i.track.empty()) {
    const auto end = i.pointing_at(i.duration_s());
    print_row("moves to", fmt::format("RA {:.5f} deg, Dec {:.5f} deg", end.ra_deg, end.dec_deg));
  }
  print_row("channels", fmt::format("{} of {:.7f} MHz, centres {:.6f} to {:.6f} MHz, recorded {}", i.n_chan,
                                    i.channel_width_mhz, i.freq_low_mhz, i.ref_freq_mhz(),
                                    source.format().channels_descending ? "descending" : "ascending"));
  if (i.coherent_dm_pc_cm3 > 0.0)
    print_row("coherent",
              fmt::format("dedispersed inside channels at DM {:.4f} pc/cm3", i.coherent_dm_pc_cm3));
  print_row("samples", fmt::format("{}, {} polarisation{} ({})", bits_text(source.format()), i.n_pol,
                                   i.n_pol == 1 ? "" : "s", pol_name(source.format().pol_kind)));
  print_losses(source.losses(), i.sample_time_s, "spectra");
}

void print_beam(const VoltageSource& source, int beam) {
  const VoltageInfo& i = source.info();
  print_files(source, beam, "voltages");
  print_row("band",
            i.band_low_mhz > 0.0
                ? fmt::format("{:.6f} to {:.6f} MHz, {} coarse channel{} of {:.7f} MHz", i.band_low_mhz,
                              i.band_high_mhz(), i.n_coarse, i.n_coarse == 1 ? "" : "s", i.coarse_width_mhz)
                : fmt::format("{} coarse channel{} of {:.7f} MHz; the header does not say where: set "
                              "voltages.band_low_mhz",
                              i.n_coarse, i.n_coarse == 1 ? "" : "s", i.coarse_width_mhz));
  print_row("samples", fmt::format("{}, {} polarisation{}", bits_text(source.format()), i.n_pol,
                                   i.n_pol == 1 ? "" : "s"));
  print_losses(source.losses(), i.sample_time_s, "voltages");
}

/// The beam as it is recorded; true where it is cut short.
template <class AnySource>
bool show(const AnySource& source, int beam, bool as_json, json& beams) {
  if (as_json)
    beams.push_back(beam_json(source, beam));
  else
    print_beam(source, beam);
  return source.losses().cut_short;
}

ExitCode run(const Options& options) {
  const VoltageHints hints = hints_of(load_config(options).voltages);
  const FoundInputs found = find_inputs(options.inputs);
  json beams = json::array();
  std::size_t n_failed = 0;
  bool cut_short = false;
  for (const BeamInput& input : found.beams) try {
      cut_short |= input.is_voltage
                       ? show(*open_voltages(input.paths, input.beam, hints), input.beam, options.json, beams)
                       : show(*open_series(input.paths), input.beam, options.json, beams);
    } catch (const std::runtime_error& e) {  // the other beams may be well
      std::cerr << "tianyan: " << e.what() << '\n';
      ++n_failed;
    }
  if (options.json)
    std::cout << dump_json({{"beams", beams}, {"skipped", found.skipped}}, 1) << '\n';
  else
    for (const std::string& line : found.skipped) std::cout << "skipped " << line << '\n';
  if (n_failed == found.beams.size()) return ExitCode::kFailed;
  return n_failed > 0 || cut_short ? ExitCode::kIncomplete : ExitCode::kDone;
}

const bool kRegistered =
    register_command<Options>({"info", "Shows what would be read: headers, beams, gaps, losses",
                               "Examples:\n"
                               "  tianyan info scan_dir                      every beam of a scan, and the "
                               "files that are not part of it\n"
                               "  tianyan info 'scan_dir/*-M01_*.fits'       one beam\n"
                               "  tianyan info scan_dir --json | jq .beams[0].start_mjd\n"
                               "  tianyan info scan.vdif --set voltages.band_low_mhz=1400\n"
                               "Exit code 3: something is cut short or one of the beams cannot be read."},
                              declare, run);

}  // namespace
}  // namespace tianyan
