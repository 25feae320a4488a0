// Making a run directory, and the ledger of finished beams.
#include "pipeline/run_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/exporter.hpp"
#include "io/text_file.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

// What a run writes; --overwrite removes these and nothing else.
constexpr const char* kRunFiles[] = {
    "config.toml",       "candidates.ecsv", "detections.ecsv", "report.json", "report.html",
    "completeness.ecsv", "injections.ecsv", "ledger",          "plots",       "cutouts"};

// "detections.vot" by its name, of "events/ID.xml" the folder. Lists of several scans have names of their
// own.
void remove_exported(const std::string& path, const ExportFormat& format) {
  const fs::path files = fs::path(path) / format.files;
  fs::remove_all(format.one_file_each ? files.parent_path() : files);
  for (int scan = 0; fs::remove(files.parent_path() / fmt::format("{}_scan{}{}", files.stem().string(), scan,
                                                                  files.extension().string()));
       ++scan) {
  }
}

void check_existing(const std::string& path, const Config& config, ExistingRun existing) {
  if (!fs::exists(path)) return;
  require(fs::is_directory(path), "{} is a file, not a directory: name another output", path);
  if (fs::is_empty(path)) return;
  if (existing == ExistingRun::kResume) {
    expect(config_hash(load_config(path + "/config.toml")) == config_hash(config),
           "{} was made with another config than this one: a run is resumed with the config it began with",
           path);
    return;
  }
  expect(existing == ExistingRun::kOverwrite,
         "{} is not empty: name another directory, or say --resume or --overwrite", path);
  for (const char* name : kRunFiles) fs::remove_all(fs::path(path) / name);
  for (const auto& format : export_formats()) remove_exported(path, format);
}

}  // namespace

RunDirectory::RunDirectory(const std::string& path, const Config& config, ExistingRun existing)
    : path_(path), config_hash_(config_hash(config)), resume_(existing == ExistingRun::kResume) {
  try {
    check_existing(path, config, existing);
    fs::create_directories(fs::path(path) / "ledger");
    if (config.output.plots) fs::create_directories(fs::path(path) / "plots");
    if (config.output.cutouts) fs::create_directories(fs::path(path) / "cutouts");
  } catch (const fs::filesystem_error& e) {
    throw std::runtime_error(fmt::format("{} cannot be written: {}", path, e.code().message()));
  }
  write_text_file(file("config.toml"), print_config(config));
}

std::string RunDirectory::ledger_file(int beam) const {
  return file(fmt::format("ledger/M{:02d}.json", beam));
}

void RunDirectory::store(const BeamResult& result) const {
  nlohmann::json entry = {{"version", kVersion}, {"config", config_hash_}, {"result", to_json(result)}};
  write_text_file(ledger_file(result.beam), entry.dump());
}

std::vector<BeamResult> load_ledger(const std::string& run_directory) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(fs::path(run_directory) / "ledger"))
    if (entry.path().filename().string().starts_with("M") && entry.path().extension() == ".json")
      paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  std::vector<BeamResult> results;
  for (const auto& path : paths) {
    try {
      results.push_back(beam_result_from_json(nlohmann::json::parse(read_text_file(path)).at("result")));
    } catch (const nlohmann::json::exception& e) {
      throw std::runtime_error(fmt::format("{}: not a finished beam of a run: {}", path, e.what()));
    }
  }
  return results;
}

std::optional<BeamResult> RunDirectory::load(int beam, const std::vector<InputFile>& files) const {
  if (!resume_ || !fs::exists(ledger_file(beam))) return std::nullopt;
  try {
    const auto entry = nlohmann::json::parse(read_text_file(ledger_file(beam)));
    if (entry.at("version") != kVersion || entry.at("config") != config_hash_) return std::nullopt;
    BeamResult result = beam_result_from_json(entry.at("result"));
    if (to_json(result.files) != to_json(files)) return std::nullopt;
    return result;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // not whole: the beam is searched again
  } catch (const std::runtime_error&) {
    return std::nullopt;  // not to be read
  }
}

}  // namespace tianyan
