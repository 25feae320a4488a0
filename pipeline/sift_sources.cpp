// Reading runs and lists for the sift.
#include "pipeline/sift_sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "io/beam_name.hpp"
#include "io/singlepulse.hpp"
#include "io/text_file.hpp"
#include "kernels/barycentre.hpp"
#include "kernels/cluster.hpp"
#include "pipeline/beam_search.hpp"
#include "pipeline/open_input.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/run_directory.hpp"
#include "pipeline/run_report.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

// In what samples, channels and times mean.
bool is_same_stream(const StreamInfo& a, const StreamInfo& b) {
  return a.n_chan == b.n_chan && a.n_pol == b.n_pol && a.freq_low_mhz == b.freq_low_mhz &&
         a.channel_width_mhz == b.channel_width_mhz && a.sample_time_s == b.sample_time_s &&
         a.n_time == b.n_time && a.start.day == b.start.day && a.start.second == b.start.second &&
         a.coherent_dm_pc_cm3 == b.coherent_dm_pc_cm3;
}

std::unique_ptr<Source> reopen(const BeamResult& result, const Config& config) {
  std::vector<std::string> paths;
  for (const auto& f : result.files)
    if (!f.is_mask) paths.push_back(f.path);
  const auto found = find_inputs(paths);
  const auto input = std::find_if(found.beams.begin(), found.beams.end(), [&](const BeamInput& b) {
    return b.beam == result.beam || found.beams.size() == 1;
  });
  require(input != found.beams.end(), "its files no longer hold this beam");
  auto source = open_input(*input, config);
  require(is_same_stream(source->info(), result.info), "its files are no longer read to the same spectra");
  const auto is_same = [](const InputFile& a, const InputFile& b) {
    return a.size_bytes == b.size_bytes && a.header_checksum == b.header_checksum;
  };
  require(std::equal(paths.begin(), paths.end(), source->files().begin(), source->files().end(),
                     [](const std::string& p, const InputFile& f) { return p == f.path; }) &&
              std::equal(source->files().begin(), source->files().end(), result.files.begin(),
                         result.files.begin() + std::ssize(source->files()), is_same),
          "its files have changed since");
  return source;
}

std::string mask_of(const BeamResult& result) {
  return !result.files.empty() && result.files.back().is_mask ? result.files.back().path : "";
}

void add_result(const std::string& run, BeamResult result, const Config& config, SiftSources& all) {
  std::unique_ptr<Source> source;
  try {
    source = reopen(result, config);
  } catch (const std::exception& e) {
    all.remarks.push_back(
        fmt::format("{}: beam {} cannot be measured again: {}", run, beam_name(result.beam), e.what()));
  }
  for (const auto& remark : remarks_of(result, config.rfi)) all.remarks.push_back(run + ": " + remark);
  all.is_incomplete = all.is_incomplete || is_incomplete(result);
  const int n_bits = source ? source->format().n_bits : 0;
  all.inputs.add(sift_beam(result, config.search, n_bits),
                 {source.get(), source ? mask_of(result) : "", &config});
  all.sources.push_back(std::move(source));
  all.searched.push_back({std::move(result), &config});
}

// The run's own, but for what is done with the candidates of all.
std::unique_ptr<const Config> config_of_run(const std::string& run, const Config& config) {
  auto own = std::make_unique<Config>(load_config(run + "/config.toml"));
  own->sift = config.sift;
  own->limits = config.limits;
  own->output = config.output;
  return own;
}

// Beams that the run's report names and the ledger does not have; without a report nobody knows of how many.
void note_unfinished(const std::string& run, const std::vector<BeamResult>& results, SiftSources& all) {
  const auto add = [&](const std::string& remark) {
    all.remarks.push_back(run + ": " + remark);
    all.is_incomplete = true;
  };
  if (!fs::exists(fs::path(run) / "report.json")) return add("the search was not finished");
  const auto report = nlohmann::json::parse(read_text_file(run + "/report.json"), nullptr, false);
  if (report.is_discarded() || !report.contains("beams")) return add("its report.json is none");
  for (const auto& beam : report["beams"]) {
    const int number = beam.value("beam", 0);
    const auto failure = beam.value("failure", nlohmann::json());
    if (std::none_of(results.begin(), results.end(), [&](const auto& r) { return r.beam == number; }))
      add(fmt::format("beam {} failed: {}", beam_name(number),
                      failure.is_string() ? failure.get<std::string>() : ""));
  }
}

// Trials of a list: the step that most neighbouring DMs have.
double dm_step_of(const std::vector<Event>& events) {
  std::set<double> dms;
  for (const auto& e : events) dms.insert(e.dm_pc_cm3);
  std::vector<double> steps;
  for (auto it = dms.begin(); it != dms.end() && std::next(it) != dms.end(); ++it)
    steps.push_back(*std::next(it) - *it);
  if (steps.empty()) return 1.0;
  std::nth_element(steps.begin(), steps.begin() + std::ssize(steps) / 2, steps.end());
  return steps[steps.size() / 2];
}

std::vector<Cluster> cluster_list(const SinglePulseList& list, const StreamInfo& info) {
  ClusterParams params;
  params.sample_time_s = info.sample_time_s;
  params.band_delay_s_per_dm = info.band_delay_s_per_dm();
  params.dm_step_pc_cm3 = dm_step_of(list.events);
  for (const auto& e : list.events) params.width_max_s = std::max(params.width_max_s, e.width_s);
  if (list.events.empty()) return {};
  Clusterer clusterer(params);
  for (const auto& e : list.events) clusterer.add(e);
  return absorb_sidelobes(clusterer.close_before(std::numeric_limits<double>::infinity()), params);
}

// Where none are named: as many as make the edges of the band those of the outer channels.
constexpr int kListChannels = 1024;

StreamInfo list_info(const std::string& path, const SinglePulseList& list, const SiftConfig& sift) {
  StreamInfo info;
  info.sample_time_s = list.sample_time_s > 0.0 ? list.sample_time_s : 1e-3;
  info.beam = beam_from_name(path);
  info.n_chan = list.inf && list.inf->n_chan > 0 ? list.inf->n_chan : kListChannels;
  if (list.inf) {
    info.telescope = list.inf->telescope;
    info.backend = list.inf->backend;
    info.source_name = list.inf->source_name;
    info.start = list.inf->start;
    info.ra_deg = list.inf->position.ra_deg;
    info.dec_deg = list.inf->position.dec_deg;
    info.n_time = list.inf->n_time;
  }
  for (const auto& e : list.events)
    info.n_time = std::max(info.n_time, static_cast<std::int64_t>(e.time_s / info.sample_time_s) + 1);
  if (list.inf && list.inf->n_chan > 0 && list.inf->freq_low_mhz > 0.0) {
    info.freq_low_mhz = list.inf->freq_low_mhz;
    info.channel_width_mhz = list.inf->channel_width_mhz;
    return info;
  }
  expect(sift.list_band_mhz.size() == 2,
         "{}: no .inf file beside it says the band: set it, as in --set sift.list_band_mhz=[1000,1500]",
         path);
  info.channel_width_mhz = (sift.list_band_mhz[1] - sift.list_band_mhz[0]) / info.n_chan;
  info.freq_low_mhz = sift.list_band_mhz[0] + 0.5 * info.channel_width_mhz;
  return info;
}

// A short list has few DMs of those that were tried, but a pulse was not found by trials much farther apart
// than its width.
double dm_step_of(const Cluster& cluster, double list_dm_step, const StreamInfo& info) {
  return std::min(list_dm_step, 2.0 * cluster.best.width_s / info.band_delay_s_per_dm());
}

// From the barycentre's clock to the telescope's.
void make_topocentric(const std::string& path, const InfHeader& inf, const SiftConfig& sift, SiftBeam& beam) {
  const auto site = site_of(sift, sift.telescope.empty() ? inf.telescope : sift.telescope);
  expect(site.has_value() && inf.position.known() && std::isfinite(inf.dm_pc_cm3) &&
             has_barycentric_time(inf.start),
         "{}: its times are barycentric; the telescope's cannot be found without telescope (\"{}\", or "
         "sift.telescope), pointing ({}, {}), epoch (MJD {}) and DM ({}) in the .inf file beside it",
         path, inf.telescope, inf.position.ra_deg, inf.position.dec_deg, inf.start.day, inf.dm_pc_cm3);
  const double to_ref_s =
      dispersion_delay_s(inf.dm_pc_cm3, beam.info.ref_freq_mhz(), std::numeric_limits<double>::infinity());
  const auto topocentric = [&](double time_s) {
    return topocentric_utc(inf.start.plus_seconds(time_s), inf.position, *site).plus_seconds(to_ref_s);
  };
  beam.info.start = topocentric(0.0);
  for (auto& c : beam.candidates) c.time_s = topocentric(c.time_s).seconds_since(beam.info.start);
}

}  // namespace

bool is_run(const std::string& path) { return fs::is_directory(fs::path(path) / "ledger"); }

void add_run(const std::string& path, const Config& config, SiftSources& all) {
  auto results = load_ledger(path);
  require(!results.empty(), "{}: no beam of it is finished", path);
  note_unfinished(path, results, all);
  const auto& own = *all.configs.emplace_back(config_of_run(path, config));
  for (auto& result : results) add_result(path, std::move(result), own, all);
}

void add_list(const std::string& path, const Config& config, SiftSources& all) {
  const auto list = read_singlepulse(path);
  SiftBeam beam;
  beam.info = list_info(path, list, config.sift);
  beam.beam = beam.info.beam;
  beam.file = fs::path(path).filename().string();
  beam.n_chan = list.inf ? list.inf->n_chan : 0;
  beam.snr_min = config.search.snr_min;
  const double dm_step = dm_step_of(list.events), rms = rms_inverse_square(beam.info);
  for (const auto& cluster : cluster_list(list, beam.info))
    if (cluster.best.snr >= config.search.snr_min)
      beam.candidates.push_back(
          candidate_of(cluster, beam.beam, beam.info, rms, dm_step_of(cluster, dm_step, beam.info)));
  if (list.inf) all.remarks.insert(all.remarks.end(), list.inf->notes.begin(), list.inf->notes.end());
  if (list.inf && list.inf->is_barycentred) {
    make_topocentric(path, *list.inf, config.sift, beam);
    all.remarks.push_back(path +
                          ": its times are barycentric: mjd and time_s are computed back to the telescope");
  } else if (beam.info.start.day == 0) {
    all.remarks.push_back(path +
                          ": nothing says when it begins: mjd counts from its first sample, and with others "
                          "of no date it is taken for one scan");
  }
  all.inputs.add(std::move(beam), {});
}

}  // namespace tianyan
