// Conversion of results to JSON and back.
#include "pipeline/result_json.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace tianyan {

using nlohmann::json;

namespace {

json number_or_null(double v) { return std::isfinite(v) ? json(v) : json(nullptr); }
double number_or_nan(const json& j) {
  return j.is_null() ? std::numeric_limits<double>::quiet_NaN() : j.get<double>();
}

json to_json(const Candidate& c) {
  return {{"beam", c.beam},
          {"time_s", c.time_s},
          {"dm_pc_cm3", c.dm_pc_cm3},
          {"dm_err_pc_cm3", c.dm_err_pc_cm3},
          {"snr", c.snr},
          {"snr_white", c.snr_white},
          {"width_s", c.width_s},
          {"ref_freq_mhz", c.ref_freq_mhz},
          {"n_members", c.n_members}};
}

Candidate candidate_from(const json& j) {
  Candidate c;
  c.beam = j.at("beam");
  c.time_s = j.at("time_s");
  c.dm_pc_cm3 = j.at("dm_pc_cm3");
  c.dm_err_pc_cm3 = j.at("dm_err_pc_cm3");
  c.snr = j.at("snr");
  c.snr_white = j.at("snr_white");
  c.width_s = j.at("width_s");
  c.ref_freq_mhz = j.at("ref_freq_mhz");
  c.n_members = j.at("n_members");
  return c;
}

json to_json(const StreamInfo& i) {
  json track = json::array();
  for (const auto& p : i.track) track.push_back({p.time_s, p.position.ra_deg, p.position.dec_deg});
  return {{"n_chan", i.n_chan},
          {"n_pol", i.n_pol},
          {"freq_low_mhz", i.freq_low_mhz},
          {"channel_width_mhz", i.channel_width_mhz},
          {"sample_time_s", i.sample_time_s},
          {"n_time", i.n_time},
          {"start_day", i.start.day},
          {"start_second", i.start.second},
          {"coherent_dm_pc_cm3", i.coherent_dm_pc_cm3},
          {"source_name", i.source_name},
          {"telescope", i.telescope},
          {"backend", i.backend},
          {"beam", i.beam},
          {"ra_deg", number_or_null(i.ra_deg)},
          {"dec_deg", number_or_null(i.dec_deg)},
          {"track", track}};
}

StreamInfo info_from(const json& j) {
  StreamInfo i;
  i.n_chan = j.at("n_chan");
  i.n_pol = j.at("n_pol");
  i.freq_low_mhz = j.at("freq_low_mhz");
  i.channel_width_mhz = j.at("channel_width_mhz");
  i.sample_time_s = j.at("sample_time_s");
  i.n_time = j.at("n_time");
  i.start = {j.at("start_day"), j.at("start_second")};
  i.coherent_dm_pc_cm3 = j.at("coherent_dm_pc_cm3");
  i.source_name = j.at("source_name");
  i.telescope = j.at("telescope");
  i.backend = j.at("backend");
  i.beam = j.at("beam");
  i.ra_deg = number_or_nan(j.at("ra_deg"));
  i.dec_deg = number_or_nan(j.at("dec_deg"));
  for (const auto& p : j.at("track")) i.track.push_back({p.at(0), {p.at(1), p.at(2)}});
  return i;
}

json to_json(const Losses& l) {
  return {{"gap_samples", l.gap_samples},
          {"n_gaps", l.n_gaps},
          {"lost_bytes", l.lost_bytes},
          {"notes", l.notes},
          {"cut_short", l.cut_short}};
}

Losses losses_from(const json& j) {
  return {j.at("gap_samples"), j.at("n_gaps"), j.at("lost_bytes"), j.at("notes"), j.at("cut_short")};
}

// By the names of the rules that flagged anything.
json to_json(const FlagCounts& f) {
  json j = {{"total_samples", f.total}, {"fraction", f.fraction()}};
  for (std::size_t r = 1; r < kFlagRuleNames.size(); ++r)
    if (f.by_rule[r] > 0) j[std::string(kFlagRuleNames[r]) + "_samples"] = f.by_rule[r];
  return j;
}

FlagCounts counts_from(const json& j) {
  FlagCounts f;
  f.total = j.at("total_samples");
  for (std::size_t r = 1; r < kFlagRuleNames.size(); ++r)
    f.by_rule[r] = j.value(std::string(kFlagRuleNames[r]) + "_samples", std::int64_t{0});
  return f;
}

json to_json(const std::vector<FlagShare>& shares, const char* begin, const char* end) {
  json all = json::array();
  for (const auto& share : shares) {
    json one = to_json(share.counts);
    one[begin] = share.begin;
    one[end] = share.end;
    all.push_back(one);
  }
  return all;
}

std::vector<FlagShare> shares_from(const json& j, const char* begin, const char* end) {
  std::vector<FlagShare> shares;
  for (const auto& one : j) shares.push_back({one.at(begin), one.at(end), counts_from(one)});
  return shares;
}

std::vector<PeriodicCount> lines_from(const json& j) {
  std::vector<PeriodicCount> lines;
  for (const auto& l : j)
    lines.push_back({l.at("frequency_hz"), l.at("fundamental_hz"), l.at("harmonic"), l.at("n_window"),
                     l.at("power_max")});
  return lines;
}

FlagReport flags_from(const json& j) {
  FlagReport f;
  f.counts = counts_from(j);
  f.bands = shares_from(j.at("by_band"), "freq_begin_mhz", "freq_end_mhz");
  f.windows = shares_from(j.at("by_time"), "time_begin_s", "time_end_s");
  f.channel = j.at("channel_fraction").get<std::vector<double>>();
  f.lines = lines_from(j.at("periodic_lines"));
  return f;
}

// Numbers alone: there may be many.
json to_json(const Event& e) { return {e.time_s, e.dm_pc_cm3, e.width_s, e.snr, e.snr_white}; }

Event event_from(const json& j) { return {j.at(0), j.at(1), j.at(2), j.at(3), j.at(4)}; }

json to_json(const Cluster& c) {
  return {{"best", to_json(c.best)},
          {"n_members", c.n_members},
          {"time_first_s", c.time_first_s},
          {"time_last_s", c.time_last_s}};
}

Cluster cluster_from(const json& j) {
  return {event_from(j.at("best")), j.at("n_members"), j.at("time_first_s"), j.at("time_last_s")};
}

json to_json(const SampleRange& r) { return {r.begin, r.end}; }

SampleRange range_from(const json& j) { return {j.at(0), j.at(1)}; }

}  // namespace

std::vector<InputFile> files_from_json(const json& j) {
  std::vector<InputFile> files;
  for (const auto& f : j)
    files.push_back({f.at("path"), f.at("size_bytes"), f.at("header_checksum"), f.at("first_sample"),
                     f.at("n_time"), f.at("is_mask")});
  return files;
}

json to_json(const std::vector<InputFile>& files) {
  json all = json::array();
  for (const auto& f : files)
    all.push_back({{"path", f.path},
                   {"size_bytes", f.size_bytes},
                   {"header_checksum", f.header_checksum},
                   {"first_sample", f.first_sample},
                   {"n_time", f.n_time},
                   {"is_mask", f.is_mask}});
  return all;
}

json to_json(const FlagReport& f) {
  json lines = json::array();
  for (const auto& l : f.lines)
    lines.push_back({{"frequency_hz", l.frequency_hz},
                     {"fundamental_hz", l.fundamental_hz},
                     {"harmonic", l.harmonic},
                     {"n_window", l.n_window},
                     {"power_max", l.power_max}});
  json j = to_json(f.counts);
  j["by_band"] = to_json(f.bands, "freq_begin_mhz", "freq_end_mhz");
  j["by_time"] = to_json(f.windows, "time_begin_s", "time_end_s");
  j["channel_fraction"] = f.channel;
  j["periodic_lines"] = lines;
  j["n_window"] = f.n_window();
  return j;
}

json to_json(const UnitResult& r) {
  json clusters = json::array(), events = json::array();
  for (const auto& c : r.clusters) clusters.push_back(to_json(c));
  for (const auto& e : r.edge_events) events.push_back(to_json(e));
  return {
      {"index", r.unit.index},       {"own", to_json(r.unit.own)}, {"read", to_json(r.unit.read)},
      {"rows_end", r.unit.rows_end}, {"clusters", clusters},       {"edge_events", events},
      {"flags", to_json(r.flags)},   {"n_events", r.n_events},     {"n_events_dropped", r.n_events_dropped},
      {"seconds", r.seconds}};
}

UnitResult unit_result_from_json(const json& j) {
  UnitResult r;
  r.unit = {j.at("index"), range_from(j.at("own")), range_from(j.at("read")), j.at("rows_end")};
  for (const auto& c : j.at("clusters")) r.clusters.push_back(cluster_from(c));
  for (const auto& e : j.at("edge_events")) r.edge_events.push_back(event_from(e));
  r.flags = flags_from(j.at("flags"));
  r.n_events = j.at("n_events");
  r.n_events_dropped = j.at("n_events_dropped");
  r.seconds = j.at("seconds");
  return r;
}

json to_json(const BeamResult& r) {
  json candidates = json::array();
  for (const auto& c : r.candidates) candidates.push_back(to_json(c));
  json ranges = json::array();
  for (const auto& range : r.not_searched) ranges.push_back({range.begin, range.end});
  return {{"beam", r.beam},
          {"stream", to_json(r.info)},
          {"format", r.format_name},
          {"files", to_json(r.files)},
          {"losses", to_json(r.losses)},
          {"not_searched", ranges},
          {"candidates", candidates},
          {"flags", to_json(r.flags)},
          {"n_events", r.n_events},
          {"n_events_dropped", r.n_events_dropped},
          {"seconds", r.seconds}};
}

BeamResult beam_result_from_json(const json& j) {
  BeamResult r;
  r.beam = j.at("beam");
  r.info = info_from(j.at("stream"));
  r.format_name = j.at("format");
  r.files = files_from_json(j.at("files"));
  r.losses = losses_from(j.at("losses"));
  for (const auto& range : j.value("not_searched", json::array()))
    r.not_searched.push_back({range.at(0), range.at(1)});
  for (const auto& c : j.at("candidates")) r.candidates.push_back(candidate_from(c));
  r.flags = flags_from(j.at("flags"));
  r.n_events = j.at("n_events");
  r.n_events_dropped = j.at("n_events_dropped");
  r.seconds = j.at("seconds");
  return r;
}

json to_json(const SearchPlan& plan) {
  json passes = json::array();
  for (const auto& p : plan.passes)
    passes.push_back({{"downsampling", p.downsampling()},
                      {"dm_begin_pc_cm3", p.dm_begin_pc_cm3()},
                      {"dm_end_pc_cm3", p.dm_end_pc_cm3()},
                      {"dm_step_pc_cm3", p.dm_step_pc_cm3()},
                      {"n_trial", p.fdmt.n_trial()},
                      {"widths_samples", p.boxcar.widths_samples()},
                      {"loss",
                       {{"dm_step", p.loss.dm_step},
                        {"delay_rounding", p.loss.delay_rounding},
                        {"downsampling", p.loss.downsampling},
                        {"searched", p.loss.searched()},
                        {"quantisation", p.loss.quantisation},
                        {"boxcar", p.loss.boxcar},
                        {"smearing", p.loss.smearing},
                        {"flagged_band", p.loss.flagged_band},
                        {"zero_dm_filter", p.loss.zero_dm_filter}}}});
  return {{"passes", passes},
          {"n_trial", plan.n_trial()},
          {"window_samples", plan.window_samples},
          {"block_samples", plan.block_samples},
          {"additions_per_data_s", plan.additions_per_data_s}};
}

}  // namespace tianyan
