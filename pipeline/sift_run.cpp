// Sifting, measuring again, writing.
#include "pipeline/sift_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "io/candidate_table.hpp"
#include "io/catalogue.hpp"
#include "io/detection_table.hpp"
#include "io/ecsv.hpp"
#include "io/exporter.hpp"
#include "pipeline/beam_search.hpp"
#include "pipeline/detection_cutout.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/sift_times.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

// Measures, plots and cuts out the strongest detections, each from one reading of its data.
class Refiner {
 public:
  Refiner(const Config& config, const RunDirectory& run, const SiftInputs& inputs,
          const std::vector<KnownSource>& known, Sifted& sifted, SiftSummary& summary)
      : config_(config), run_(run), inputs_(inputs), known_(known), sifted_(sifted), summary_(summary) {}

  void run() {
    std::int64_t n_without_data = 0, n_left = 0;
    for (auto& group : sifted_.groups) {
      if (group.detection.source_class == SourceClass::kRfi) continue;
      if (inputs_.data[group.home].source == nullptr)
        ++n_without_data;
      else if (n_tried_ >= config_.sift.max_refined)
        ++n_left;
      else
        refine_one(group);
    }
    if (n_lost_ > 0)
      summary_.remarks.push_back(
          fmt::format("{} detections were not measured again: less than half of their S/N is left at full "
                      "resolution",
                      n_lost_));
    if (n_without_data > 0)
      summary_.remarks.push_back(
          fmt::format("{} detections were not measured again: their data are not there", n_without_data));
    if (n_left > 0)
      summary_.remarks.push_back(
          fmt::format("{} detections were not measured again: more than sift.max_refined = {}", n_left,
                      config_.sift.max_refined));
    if (is_full_)
      summary_.remarks.push_back(
          fmt::format("only {} of the plots and cut-outs were written: the run holds all that "
                      "limits.output_bytes = {} allows",
                      summary_.n_plot, config_.limits.output_bytes));
  }

  /// Those that have all of their files.
  const std::set<std::string>& drawn() const { return drawn_; }

 private:
  bool draws_more() const { return summary_.n_plot < config_.output.max_plots; }

  void refine_one(SiftGroup& group) {
    if (interrupted()) throw Interrupted("while measuring detections; go on with --resume");
    const SiftBeam& beam = inputs_.beams[group.home];
    const SiftData& data = inputs_.data[group.home];
    ++n_tried_;
    const char* undone = "was not measured again";
    try {
      const bool with_images = config_.output.cutouts && draws_more();
      const auto cutout = read_cutout(*data.config, *data.source, data.mask, beam.candidates[group.best],
                                      with_images, thread_count(config_.limits));
      take_refined(config_.sift, known_, beam.info, refine(cutout), group);
      ++(group.detection.is_refined ? summary_.n_refined : n_lost_);
      undone = "was measured again, but its plot or cut-out was not written";
      if (group.detection.source_class != SourceClass::kRfi && draws_more()) draw(cutout, group.detection);
    } catch (const std::runtime_error& e) {
      summary_.remarks.push_back(fmt::format("{} {}: {}", group.detection.id, undone, e.what()));
      summary_.is_incomplete = true;
    }
  }

  void draw(const Cutout& cutout, const Detection& detection) {
    if (run_.is_full()) {
      is_full_ = summary_.is_incomplete = true;
      return;
    }
    if (config_.output.plots) plot_cutout(run_.file("plots/" + detection.id + ".png"), cutout, detection);
    if (config_.output.cutouts)
      export_cutout(run_.file("cutouts/" + detection.id + ".h5"), cutout, detection,
                    sifted_.scans[detection.scan].observation);
    if (config_.output.plots || config_.output.cutouts) ++summary_.n_plot;
    drawn_.insert(detection.id);
  }

  const Config& config_;
  const RunDirectory& run_;
  const SiftInputs& inputs_;
  const std::vector<KnownSource>& known_;
  Sifted& sifted_;
  SiftSummary& summary_;
  std::int64_t n_tried_ = 0, n_lost_ = 0;
  bool is_full_ = false;  // the run, for limits.output_bytes
  std::set<std::string> drawn_;
};

Table all_candidates(const std::vector<SiftBeam>& beams, const Sifted& sifted) {
  std::vector<CandidateRow> rows;
  for (std::size_t b = 0; b < beams.size(); ++b)
    for (std::size_t i = 0; i < beams[b].candidates.size(); ++i) {
      const Candidate& c = beams[b].candidates[i];
      const Detection& d = sifted.groups[sifted.group_of[b][i]].detection;
      rows.push_back({c, beams[b].info.start.plus_seconds(c.time_s), d.class_name(), d.id, d.reasons_text()});
    }
  return candidates_table(std::move(rows));
}

DetectionList list_of(const OutputConfig& output, const Sifted& sifted) {
  DetectionList list;
  list.publisher = {output.author, output.contact, output.ivo_authority, std::string("tianyan ") + kVersion};
  for (const auto& scan : sifted.scans) list.scans.push_back(scan.observation);
  for (const auto& g : sifted.groups)
    if (g.detection.source_class != SourceClass::kRfi) list.detections.push_back(g.detection);
  std::stable_sort(list.detections.begin(), list.detections.end(),
                   [](const Detection& a, const Detection& b) { return a.best.snr > b.best.snr; });
  return list;
}

// Of what a run that is resumed had found before all of its beams could be read: files that are named as
// detections are. Others are somebody's own.
void remove_others(const std::string& folder, const std::set<std::string>& ids) {
  if (!std::filesystem::is_directory(folder)) return;
  const std::regex is_id(R"(TY\d{8}T\d{6}\.\d{3}.*_M\d\d.*\.(png|h5|xml|json))");
  std::vector<std::filesystem::path> others;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (std::regex_match(entry.path().filename().string(), is_id) &&
        !ids.contains(entry.path().stem().string()))
      others.push_back(entry.path());
  for (const auto& path : others) std::filesystem::remove(path);
}

// A format of one file for each detection is written of the strongest ones only.
void write_formats(const OutputConfig& output, const RunDirectory& run, const DetectionList& list) {
  DetectionList strongest = list;
  const auto most = static_cast<std::size_t>(output.max_plots);
  if (strongest.detections.size() > most) strongest.detections.resize(most);
  for (const auto& name : output.formats) {
    const auto& format = export_format(name);
    format.write(format.one_file_each ? strongest : list, run.path());
  }
  std::set<std::string> events;
  for (const auto& d : strongest.detections)
    if (d.source_class == SourceClass::kAstrophysical) events.insert(d.id);
  remove_others(run.file("events"), events);
}

void count(const Sifted& sifted, SiftSummary& summary) {
  summary.n_group = std::ssize(sifted.groups);
  for (const auto& g : sifted.groups) {
    const auto c = g.detection.source_class;
    ++(c == SourceClass::kRfi     ? summary.n_rfi
       : c == SourceClass::kKnown ? summary.n_known
                                  : summary.n_astrophysical);
  }
  for (const auto& candidates : sifted.group_of) summary.n_candidate += std::ssize(candidates);
}

}  // namespace

std::vector<KnownSource> load_catalogues(const SiftConfig& config, std::vector<std::string>& remarks) {
  std::vector<KnownSource> known;
  for (const auto& path : config.catalogues) {
    const auto catalogue = read_catalogue(path);
    known.insert(known.end(), catalogue.sources.begin(), catalogue.sources.end());
    if (catalogue.n_skipped > 0)
      remarks.push_back(
          fmt::format("{}: {} rows make no source that can be looked for", path, catalogue.n_skipped));
    remarks.insert(remarks.end(), catalogue.notes.begin(), catalogue.notes.end());
    if (catalogue.n_repeated > 0)
      remarks.push_back(
          fmt::format("{}: {} rows have the name of an earlier one, which is the one looked for", path,
                      catalogue.n_repeated));
  }
  return known;
}

SiftSummary sift_and_write(const Config& config, const RunDirectory& run, const SiftInputs& inputs,
                           const std::vector<KnownSource>& known, const std::vector<MetaEntry>& meta) {
  SiftSummary summary;
  auto sifted = sift_candidates(config.sift, config.output, inputs.beams, known);
  Refiner refiner(config, run, inputs, known, sifted, summary);
  refiner.run();
  finish_times(config.sift, known, sifted);
  count(sifted, summary);
  summary.scans = sifted.scans;
  summary.remarks.insert(summary.remarks.begin(), sifted.remarks.begin(), sifted.remarks.end());

  const auto list = list_of(config.output, sifted);
  auto detection_table = detections_table(list);
  auto candidate_table = all_candidates(inputs.beams, sifted);
  detection_table.meta = meta;
  candidate_table.meta = meta;
  write_ecsv(run.file("detections.ecsv"), detection_table);
  write_ecsv(run.file("candidates.ecsv"), candidate_table);
  write_formats(config.output, run, list);
  remove_others(run.file("plots"), refiner.drawn());
  remove_others(run.file("cutouts"), refiner.drawn());
  return summary;
}

json to_json(const SiftSummary& summary) {
  json scans = json::array();
  for (const auto& scan : summary.scans) {
    const auto& o = scan.observation;
    json one = {{"telescope", o.telescope}, {"source", o.source_name}, {"n_beam", scan.beams.size()}};
    one["rotation_deg"] = scan.has_layout ? json(o.rotation_deg) : json(nullptr);
    one["beam_fwhm_arcmin"] = scan.has_layout ? json(o.beam_fwhm_arcmin) : json(nullptr);
    scans.push_back(one);
  }
  json j = {{"n_group", summary.n_group},     {"n_astrophysical", summary.n_astrophysical},
            {"n_known", summary.n_known},     {"n_rfi", summary.n_rfi},
            {"n_refined", summary.n_refined}, {"scans", scans},
            {"remarks", summary.remarks}};
  j["rotation_deg"] = scans.empty() ? json(nullptr) : scans[0]["rotation_deg"];
  j["beam_fwhm_arcmin"] = scans.empty() ? json(nullptr) : scans[0]["beam_fwhm_arcmin"];
  return j;
}

}  // namespace tianyan
