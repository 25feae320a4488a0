// The shadow searches of a run: beam after beam, with their ledger.
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "io/beam_name.hpp"
#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "pipeline/injection_search.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/progress.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

json to_json(const std::vector<InjectedPulse>& pulses) {
  json all = json::array();
  for (const auto& p : pulses)
    all.push_back(
        {p.beam, p.time_s, p.dm_pc_cm3, p.width_s, p.snr, p.band_fraction, p.band_position, p.scattering_s});
  return all;
}

std::string ledger_file(const RunDirectory& run, const Beam& beam) {
  return run.file(fmt::format("ledger/injections_{}.json", beam_name(beam.number)));
}

// What must be the same for a shadow search to be the same.
json key_of(const SearchRequest& request, const Beam& beam, const std::vector<InjectedPulse>& pulses) {
  return {{"version", kVersion},
          {"config", config_hash(request.config)},
          {"files", tianyan::to_json(files_of(beam))},
          {"pulses", to_json(pulses)}};
}

std::optional<BeamResult> finished_shadow(const SearchRequest& request, const RunDirectory& run,
                                          const Beam& beam, const json& key) {
  if (request.existing != ExistingRun::kResume) return std::nullopt;
  const auto path = ledger_file(run, beam);
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    const json entry = json::parse(read_text_file(path));
    if (dump_json(entry.at("key")) != dump_json(key)) return std::nullopt;
    return beam_result_from_json(entry.at("result"));
  } catch (const json::exception&) {
    return std::nullopt;  // not whole: the shadow is searched again
  } catch (const std::runtime_error&) {
    return std::nullopt;  // not to be read
  }
}

// As many threads as fit into the memory limit, which voltages' buffers grow with; one where none do, for the
// search to say so.
int fitting_threads(const Config& config, const Beam& beam, const std::vector<InjectedPulse>& pulses) {
  Config unlimited = config;
  unlimited.limits.memory_bytes = std::numeric_limits<std::int64_t>::max();
  int n_threads = thread_count(config.limits);
  for (; n_threads > 1; n_threads /= 2) {
    InjectedSource shadow(*beam.source, pulses);
    const BeamSearch search(unlimited, shadow, beam.number, n_threads, *beam.plan);
    if (search.footprint().total() <= config.limits.memory_bytes) break;
  }
  return n_threads;
}

BeamResult shadow_of(const SearchRequest& request, const RunDirectory& run, const Beam& beam,
                     const std::vector<InjectedPulse>& pulses, BeamProgress& progress) {
  const json key = key_of(request, beam, pulses);
  if (auto finished = finished_shadow(request, run, beam, key)) return *finished;
  const double sample_time_s = beam.source->info().sample_time_s;
  const auto show = [&](double done_s) {
    progress.update(beam.number, static_cast<std::int64_t>(done_s / sample_time_s));
    if (interrupted())
      throw Interrupted(
          fmt::format("among the injections of beam {}; go on with "
                      "--resume",
                      beam_name(beam.number)));
  };
  const auto result = search_shadow(request.config, *beam.source, beam.number, *beam.plan, beam.mask, pulses,
                                    fitting_threads(request.config, beam, pulses), show);
  write_text_file(ledger_file(run, beam), dump_json({{"key", key}, {"result", tianyan::to_json(result)}}));
  return result;
}

}  // namespace

std::vector<std::vector<InjectedPulse>> bind_injections(const std::string& spec_path,
                                                        const std::vector<Beam>& beams) {
  const auto spec = load_injections(spec_path);
  std::vector<int> numbers;
  for (const auto& beam : beams) numbers.push_back(beam.number);
  check_injected_beams(spec, numbers);
  std::vector<std::vector<InjectedPulse>> pulses;
  for (const auto& beam : beams) {
    pulses.emplace_back();
    if (beam.failure.empty()) pulses.back() = pulses_of_beam(spec, beam.source->info(), beam.number);
  }
  return pulses;
}

InjectionSummary run_injections(const SearchRequest& request, const RunDirectory& run,
                                const std::vector<std::vector<InjectedPulse>>& pulses,
                                const std::vector<Beam>& beams) {
  expect(pulses.size() == beams.size(), "injections for {} beams, {} were searched", pulses.size(),
         beams.size());
  std::vector<std::size_t> todo;
  std::int64_t n_sample = 0;
  for (std::size_t i = 0; i < beams.size(); ++i) {
    if (!beams[i].result || pulses[i].empty()) continue;
    todo.push_back(i);
    n_sample += beams[i].source->info().n_time;
  }
  BeamProgress progress("injections", static_cast<int>(todo.size()), n_sample, request.quiet);
  InjectionSummary summary;
  for (const auto i : todo) {
    const Beam& beam = beams[i];
    progress.begin(beam.number);
    try {
      const auto shadow = shadow_of(request, run, beam, pulses[i], progress);
      const auto outcomes =
          match_injections(request.config, *beam.plan, shadow, pulses[i], beam.result->candidates);
      summary.outcomes.insert(summary.outcomes.end(), outcomes.begin(), outcomes.end());
    } catch (const std::runtime_error& e) {
      summary.remarks.push_back(
          fmt::format("injections into beam {} failed: {}", beam_name(beam.number), e.what()));
    }
    progress.end(beam.number, beam.source->info().n_time);
  }
  return summary;
}

}  // namespace tianyan
