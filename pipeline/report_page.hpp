// RUN/report.html: one page that holds all of a run, with nothing to fetch from anywhere.
#pragma once
#include <cstddef>
#include <string>

namespace tianyan {

/// Rows of a table that the page takes, the strongest; a remark says how many more there are.
inline constexpr std::size_t kMaxReportRows = 20000;

/// The page, from the run's own files alone: report.json, and where they are there detections.ecsv,
/// candidates.ecsv, completeness.ecsv, config.toml and plots/ID.png of the detections. Columns are found by
/// name, and what older runs lack is shown as missing: without `class` a run is unsifted. The same files give
/// the same page. Texts of the run go in as data, never as markup.
/// Throws std::runtime_error where report.json is missing or a file cannot be read as what it should be.
std::string report_page(const std::string& run_directory);

/// Writes the page as `file`, whole or not at all: "" is RUN/report.html. Returns the path.
std::string write_report(const std::string& run_directory, const std::string& file = "");

}  // namespace tianyan
