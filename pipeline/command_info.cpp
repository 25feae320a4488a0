// tianyan info: what would be read, beam by beam.
#include <fmt/format.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "io/candidate_table.hpp"
#include "io/source.hpp"
#include "pipeline/command.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

struct Options : SharedOptions {};

void declare(CLI::App& command, Options& options) {
  add_input_arguments(command, options);
  add_json_option(command, options);
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

/// NaN, which JSON cannot hold, is null.
json number_or_null(double v) { return std::isnan(v) ? json() : json(v); }

json beam_json(const Source& source, int beam) {
  const StreamInfo& i = source.info();
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
          {"n_chan", i.n_chan},
          {"freq_low_mhz", i.freq_low_mhz},
          {"freq_high_mhz", i.ref_freq_mhz()},
          {"channel_width_mhz", i.channel_width_mhz},
          {"channels_descending", source.format().channels_descending},
          {"n_bits", source.format().n_bits},
          {"is_float", source.format().is_float},
          {"n_pol", i.n_pol},
          {"pol_kind", pol_name(source.format().pol_kind)},
          {"n_gaps", l.n_gaps},
          {"gap_samples", l.gap_samples},
          {"lost_bytes", l.lost_bytes},
          {"cut_short", l.cut_short},
          {"notes", l.notes},
          {"files", files}};
}

void print_row(const std::string& name, const std::string& value) {
  std::cout << fmt::format("  {:<12} {}\n", name, value);
}

void print_beam(const Source& source, int beam) {
  const StreamInfo& i = source.info();
  const Losses& l = source.losses();
  std::cout << (beam > 0 ? fmt::format("beam {}\n", beam) : "beam unknown\n");
  print_row("format", source.format_name());
  for (const InputFile& f : source.files())
    print_row("file", fmt::format("{} ({} spectra, {:.1f} MB)", f.path, f.n_time,
                                  static_cast<double>(f.size_bytes) / 1e6));
  print_row("source", i.source_name);
  print_row("telescope",
            i.backend.empty() ? i.telescope : fmt::format("{}, backend {}", i.telescope, i.backend));
  if (!std::isnan(i.ra_deg))
    print_row("pointing", fmt::format("RA {:.5f} deg, Dec {:.5f} deg (J2000)", i.ra_deg, i.dec_deg));
  print_row("start", fmt::format("MJD {} UTC", mjd_digits(i.start)));
  print_row("duration", fmt::format("{:.6f} s, {} spectra of {:.4f} us", i.duration_s(), i.n_time,
                                    i.sample_time_s * 1e6));
  print_row("channels", fmt::format("{} of {:.7f} MHz, centres {:.6f} to {:.6f} MHz, recorded {}", i.n_chan,
                                    i.channel_width_mhz, i.freq_low_mhz, i.ref_freq_mhz(),
                                    source.format().channels_descending ? "descending" : "ascending"));
  print_row("samples", fmt::format("{}, {} polarisation{} ({})", bits_text(source.format()), i.n_pol,
                                   i.n_pol == 1 ? "" : "s", pol_name(source.format().pol_kind)));
  print_row("gaps", l.n_gaps == 0 ? "none"
                                  : fmt::format("{} ({} spectra, {:.6f} s)", l.n_gaps, l.gap_samples,
                                                static_cast<double>(l.gap_samples) * i.sample_time_s));
  print_row("lost", l.lost_bytes == 0 && !l.cut_short
                        ? "nothing"
                        : fmt::format("{} bytes{}", l.lost_bytes, l.cut_short ? ", cut short" : ""));
  for (const std::string& note : l.notes) print_row("note", note);
}

ExitCode run(const Options& options) {
  const FoundInputs found = find_inputs(options.inputs);
  json beams = json::array();
  std::size_t n_failed = 0;
  bool cut_short = false;
  for (const BeamInput& input : found.beams) try {
      const auto source = open_series(input.paths);
      if (options.json)
        beams.push_back(beam_json(*source, input.beam));
      else
        print_beam(*source, input.beam);
      cut_short |= source->losses().cut_short;
    } catch (const std::runtime_error& e) {  // the other beams may be well
      std::cerr << "tianyan: " << e.what() << '\n';
      ++n_failed;
    }
  if (options.json)
    std::cout << json{{"beams", beams}, {"skipped", found.skipped}}.dump(1) << '\n';
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
                               "Exit code 3: something is cut short or one of the beams cannot be read."},
                              declare, run);

}  // namespace
}  // namespace tianyan
