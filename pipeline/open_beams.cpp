// Opening of beams, and what is said of those of which something cannot be read.
#include "io/beam_name.hpp"
#include "pipeline/beam_runner.hpp"
#include "pipeline/open_input.hpp"

namespace tianyan {

std::vector<InputFile> files_of(const Beam& beam) {
  auto files = beam.source->files();
  if (!beam.mask.empty()) files.push_back(mask_input_file(beam.mask));
  return files;
}

std::map<int, std::vector<InputFile>> files_by_beam(const std::vector<Beam>& beams) {
  std::map<int, std::vector<InputFile>> files;
  for (const auto& beam : beams) files[beam.number] = beam.source ? files_of(beam) : std::vector<InputFile>{};
  return files;
}

std::string failure_text(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::runtime_error& e) {
    return e.what();
  } catch (const std::bad_alloc&) {
    return "the machine has too little memory";
  }
}

void note_failure(Beam& beam, const std::exception_ptr& failure) {
  beam.result.reset();
  beam.failure = failure_text(failure);
}

std::string why_missing(const BeamUnit& unit) {
  return unit.failure.empty() ? "no whole result in the ledger" : unit.failure;
}

std::string lost_unit_text(const Beam& beam, const BeamUnit& unit) {
  const double sample_time_s = beam.source->info().sample_time_s;
  return fmt::format("beam {}: {:.3f} s to {:.3f} s were not searched: {}", beam_name(beam.number),
                     static_cast<double>(unit.unit.own.begin) * sample_time_s,
                     static_cast<double>(unit.unit.own.end) * sample_time_s, why_missing(unit));
}

std::string heavily_flagged_text(int beam, const FlagCounts& counts, const RfiConfig& rfi) {
  return fmt::format("beam {}: {:.1f} % flagged, more than rfi.flagged_max = {:.0f} %", beam_name(beam),
                     100.0 * counts.fraction(), 100.0 * rfi.flagged_max);
}

void leave_out(Beam& beam) {
  beam.thrown = std::current_exception();
  try {
    throw;
  } catch (const std::invalid_argument& e) {
    beam.failure = e.what();
  } catch (...) {
    beam.failure = failure_text(beam.thrown);
  }
}

std::vector<Beam> open_beams(const FoundInputs& found, const Config& config, const std::string& mask) {
  std::vector<Beam> beams;
  for (const auto& input : found.beams) {
    Beam beam;
    beam.number = input.beam;
    try {
      beam.source = open_input(input, config);
      if (!mask.empty()) beam.mask = mask_file_of(mask, beam.number);
    } catch (...) {
      leave_out(beam);
    }
    beams.push_back(std::move(beam));
  }
  return beams;
}

}  // namespace tianyan
