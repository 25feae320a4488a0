// Making a run directory, and the ledger of finished beams.
#include "pipeline/run_directory.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/atomic_file.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

// What a run writes; --overwrite removes these and nothing else.
constexpr const char* kRunFiles[] = {"config.toml", "candidates.ecsv", "detections.ecsv",
                                     "report.json", "ledger",          "plots"};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
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
}

}  // namespace

void write_text(const std::string& path, const std::string& text) {
  AtomicFile file(path);
  std::ofstream out(file.temporary_path(), std::ios::binary);
  out << text;
  out.close();
  require(out.good(), "{}: cannot be written; is the disk full?", path);
  file.commit();
}

RunDirectory::RunDirectory(const std::string& path, const Config& config, ExistingRun existing)
    : path_(path), config_hash_(config_hash(config)), resume_(existing == ExistingRun::kResume) {
  try {
    check_existing(path, config, existing);
    fs::create_directories(fs::path(path) / "ledger");
    if (config.output.plots) fs::create_directories(fs::path(path) / "plots");
  } catch (const fs::filesystem_error& e) {
    throw std::runtime_error(fmt::format("{} cannot be written: {}", path, e.code().message()));
  }
  write_text(file("config.toml"), print_config(config));
}

std::string RunDirectory::plot_file(const std::string& id) const { return file("plots/" + id + ".png"); }

std::string RunDirectory::ledger_file(int beam) const {
  return file(fmt::format("ledger/M{:02d}.json", beam));
}

void RunDirectory::store(const BeamResult& result) const {
  nlohmann::json entry = {{"version", kVersion}, {"config", config_hash_}, {"result", to_json(result)}};
  write_text(ledger_file(result.beam), entry.dump());
}

std::optional<BeamResult> RunDirectory::load(int beam, const std::vector<InputFile>& files) const {
  if (!resume_ || !fs::exists(ledger_file(beam))) return std::nullopt;
  try {
    const auto entry = nlohmann::json::parse(read_text(ledger_file(beam)));
    if (entry.at("version") != kVersion || entry.at("config") != config_hash_) return std::nullopt;
    BeamResult result = beam_result_from_json(entry.at("result"));
    if (to_json(result.files) != to_json(files)) return std::nullopt;
    return result;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // not whole: the beam is searched again
  }
}

}  // namespace tianyan
