// The report page: the run's files as one JSON document, between the parts of the page that are built in.
#include "pipeline/report_page.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "io/ecsv_reader.hpp"
#include "io/text_file.hpp"
#include "kernels/base/beam_layout.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {

// Made by cmake/embed.cmake from web/dist.
extern const std::string_view kAsset_report_js;
extern const std::string_view kAsset_report_css;

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json report_of(const fs::path& run) {
  const fs::path path = run / "report.json";
  require(fs::is_regular_file(path), "{} holds no finished run: report.json is missing", run.string());
  try {
    return json::parse(read_text_file(path.string()));
  } catch (const json::exception& e) {
    throw std::runtime_error(fmt::format("{} is not a run's report: {}", path.string(), e.what()));
  }
}

// What the page does not show, or shows from the tables, is most of report.json.
void leave_out_what_is_not_shown(json& report) {
  if (!report.is_object() || !report.contains("beams")) return;
  for (json& beam : report["beams"]) {
    beam.erase("candidates");
    if (beam.contains("flags") && beam["flags"].is_object())
      for (const char* key : {"by_band", "by_time", "channel_fraction", "periodic_lines"})
        beam["flags"].erase(key);
    if (!beam.contains("files")) continue;
    for (json& file : beam["files"])  // 64 bits are more than a number of JavaScript holds
      if (file.contains("header_checksum") && file["header_checksum"].is_number_unsigned())
        file["header_checksum"] = fmt::format("{:016x}", file["header_checksum"].get<std::uint64_t>());
  }
}

json to_json(const Column& column, const Cell& cell) {
  if (is_missing(cell)) return nullptr;
  if (const auto* text = std::get_if<std::string>(&cell))
    return column.type == ColumnType::kFloat64 ? json(std::strtod(text->c_str(), nullptr)) : json(*text);
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  return std::get<std::int64_t>(cell);
}

/// {name: [values]} of the first rows, null where the file is missing. `n_left_out` counts the others.
json columns_of(const fs::path& path, std::size_t& n_left_out) {
  n_left_out = 0;
  if (!fs::exists(path)) return nullptr;
  const Table table = read_ecsv(path.string());
  const std::size_t n_row = std::min(table.n_row(), kMaxReportRows);
  n_left_out = table.n_row() - n_row;
  json all = json::object();
  for (std::size_t c = 0; c < table.columns().size(); ++c) {
    json values = json::array();
    for (std::size_t r = 0; r < n_row; ++r) values.push_back(to_json(table.columns()[c], table.row(r)[c]));
    all[table.columns()[c].name] = std::move(values);
  }
  return all;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += k <= n ? kDigits[bits >> (18 - 6 * k) & 63u] : '=';
  }
  return text;
}

/// {id: data URI} of the groups that a plot was made of.
json plots_of(const fs::path& run, const json& detections, const json& candidates) {
  std::set<std::string> ids;
  for (const auto& [table, column] : {std::pair(&detections, "id"), std::pair(&candidates, "detection")})
    if (table->contains(column))
      for (const json& id : table->at(column))
        if (id.is_string()) ids.insert(id.get<std::string>());
  json plots = json::object();
  for (const std::string& id : ids) {
    if (id.find('/') != std::string::npos) continue;  // no name that the search gives
    const fs::path path = run / "plots" / (id + ".png");
    if (fs::is_regular_file(path))
      plots[id] = "data:image/png;base64," + base64(read_text_file(path.string()));
  }
  return plots;
}

json beam_offsets() {
  json offsets = json::array();
  for (const BeamOffset& o : kBeamOffsets) offsets.push_back({o.ra_arcmin, o.dec_arcmin});
  return offsets;
}

std::string name_of(const fs::path& run) {
  const fs::path path = fs::absolute(run).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

void add_remark(json& report, std::size_t n_left_out, const char* what) {
  if (!report["remarks"].is_array()) report["remarks"] = json::array();
  report["remarks"].push_back(fmt::format("this page has the {} strongest {}: {}.ecsv has {} more",
                                          kMaxReportRows, what, what, n_left_out));
}

json document_of(const fs::path& run) {
  json report = report_of(run);
  leave_out_what_is_not_shown(report);
  std::size_t n_left_out = 0;
  json completeness = columns_of(run / "completeness.ecsv", n_left_out);
  json detections = columns_of(run / "detections.ecsv", n_left_out);
  if (n_left_out > 0) add_remark(report, n_left_out, "detections");
  json candidates = columns_of(run / "candidates.ecsv", n_left_out);
  if (n_left_out > 0) add_remark(report, n_left_out, "candidates");
  json plots = plots_of(run, detections, candidates);
  const fs::path config = run / "config.toml";
  return {{"run", name_of(run)},
          {"report", std::move(report)},
          {"detections", std::move(detections)},
          {"candidates", std::move(candidates)},
          {"completeness", std::move(completeness)},
          {"plots", std::move(plots)},
          {"config", fs::exists(config) ? json(read_text_file(config.string())) : json(nullptr)},
          {"beam_offsets_arcmin", beam_offsets()}};
}

/// A text with each of `from` replaced, which are characters of markup.
std::string replaced(std::string_view text,
                     std::initializer_list<std::pair<char, std::string_view>> replacements) {
  std::string out;
  out.reserve(text.size() + text.size() / 64);
  for (const char ch : text) {
    const auto it =
        std::find_if(replacements.begin(), replacements.end(), [ch](const auto& r) { return r.first == ch; });
    if (it == replacements.end())
      out += ch;
    else
      out += it->second;
  }
  return out;
}

// ASCII with \u escapes, so that U+2028 and broken UTF-8 do no harm. '<' stands in strings alone: escaped,
// nothing in the data can end the script or begin a comment.
std::string script_data(const json& document) {
  return replaced(document.dump(-1, ' ', true, json::error_handler_t::replace), {{'<', "\\u003c"}});
}

// The policy lets the page load nothing at all, from anywhere.
constexpr std::string_view kHead =
    R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<link rel="icon" href="data:,">
)";
constexpr std::string_view kBody =
    R"(</head>
<body>
<main id="page"></main>
<noscript><p>This page needs JavaScript. The same facts are in report.json, detections.ecsv and candidates.ecsv beside it.</p></noscript>
)";

}  // namespace

std::string report_page(const std::string& run_directory) {
  const json document = document_of(run_directory);
  const std::string name = replaced(document.at("run").get<std::string>(), {{'&', "&amp;"}, {'<', "&lt;"}});
  return fmt::format(
      "{}<title>{}: tianyan report</title>\n<style>\n{}</style>\n{}"
      "<script type=\"application/json\" id=\"run\">{}</script>\n<script>\n{}</script>\n</body>\n</html>\n",
      kHead, name, kAsset_report_css, kBody, script_data(document), kAsset_report_js);
}

std::string write_report(const std::string& run_directory, const std::string& file) {
  const std::string path = file.empty() ? (fs::path(run_directory) / "report.html").string() : file;
  write_text_file(path, report_page(run_directory));
  return path;
}

}  // namespace tianyan
