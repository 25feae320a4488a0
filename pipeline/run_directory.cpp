// Making and locking a run directory, and its ledger.
#include "pipeline/run_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/atomic_file.hpp"
#include "io/beam_name.hpp"
#include "io/exporter.hpp"
#include "io/json_text.hpp"
#include "io/text_file.hpp"
#include "kernels/base/fnv1a.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// What a run writes; --overwrite removes these and nothing else.
constexpr const char* kLockName = ".lock";
constexpr const char* kFinishLockName = ".finish.lock";
constexpr const char* kRunFiles[] = {
    "config.toml",       "candidates.ecsv", "detections.ecsv", "report.json", "report.html",
    "completeness.ecsv", "injections.ecsv", "ledger",          "plots",       "cutouts"};

// "detections.vot" by its name, of "events/ID.xml" the folder. Lists of several scans have names of their
// own.
void add_exported(const std::string& path, const ExportFormat& format, std::vector<fs::path>& all) {
  const fs::path files = fs::path(path) / format.files;
  all.push_back(format.one_file_each ? files.parent_path() : files);
  const auto of_scan = [&](int scan) {
    return files.parent_path() /
           fmt::format("{}_scan{}{}", files.stem().string(), scan, files.extension().string());
  };
  for (int scan = 0; fs::exists(of_scan(scan)); ++scan) all.push_back(of_scan(scan));
}

// What an earlier run may have written.
std::vector<fs::path> run_files(const std::string& path) {
  std::vector<fs::path> all;
  for (const char* name : kRunFiles) all.push_back(fs::path(path) / name);
  for (const auto& format : export_formats()) add_exported(path, format, all);
  return all;
}

// By what they are on the disk: links count as what they lead to.
bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code neither_exists;
  return fs::equivalent(a, b, neither_exists);
}

// Whether `path` is `folder`, or is in it.
bool is_within(const fs::path& path, const fs::path& folder) {
  for (fs::path p = fs::weakly_canonical(path); !p.empty(); p = p.parent_path()) {
    if (is_same(p, folder)) return true;
    if (p == p.root_path()) break;
  }
  return false;
}

// But for a lock, which a run that made nothing leaves.
bool holds_nothing(const std::string& path) {
  return std::all_of(fs::directory_iterator(path), fs::directory_iterator(),
                     [](const fs::directory_entry& e) { return e.path().filename() == kLockName; });
}

// Lines of the effective configs that differ, as "  search.snr_min: 7.0 then, 8.0 now".
std::string config_changes(const Config& then, const Config& now) {
  const auto before = config_values(then), after = config_values(now);
  std::string text;
  for (const auto& [key, value] : after)
    if (before.at(key) != value) text += fmt::format("\n  {}: {} then, {} now", key, before.at(key), value);
  return text;
}

int open_lock(const std::string& path) {
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  const int reason = errno;
  require(lock >= 0, "{} cannot be written: {}", fs::path(path).parent_path().string(),
          std::strerror(reason));
  return lock;
}

// Of a unit's file.
bool is_whole(const json& file) { return file.at("checksum") == fnv1a(file.at("unit").get<std::string>()); }

bool goes_on(ExistingRun existing) {
  return existing == ExistingRun::kResume || existing == ExistingRun::kShare ||
         existing == ExistingRun::kFinish;
}

void check_existing(const std::string& path, const Config& config, ExistingRun existing) {
  if (!fs::exists(path)) return;
  require(fs::is_directory(path), "{} is a file, not a directory: name another output", path);
  if (holds_nothing(path)) return;
  if (goes_on(existing)) {
    if (!fs::exists(path + "/config.toml"))
      return;  // stopped before there was one, or by another job just now
    const auto then = load_config(path + "/config.toml");
    expect(config_hash(then) == config_hash(config),
           "{} was made with another config than this one: a run is resumed with the config it began with{}",
           path, config_changes(then, config));
    return;
  }
  expect(existing == ExistingRun::kOverwrite,
         "{} is not empty: name another directory, or say --overwrite, or of a search --resume", path);
}

void remove_existing(const std::string& path) {
  for (const auto& file : run_files(path)) fs::remove_all(file);
}

std::string unit_file(const std::string& run, int beam, int unit) {
  return fmt::format("{}/ledger/{}/{:04d}.json", run, beam_name(beam), unit);
}

std::string failure_file(const std::string& run, int beam, int unit) {
  return fs::path(unit_file(run, beam, unit)).replace_extension(".failed").string();
}

// What runs that were killed left of files that they were writing. Where others may still write, only of
// files that are there in the end: nobody needs them twice.
void remove_unfinished(const std::string& path, bool others_may_write) {
  std::vector<fs::path> left;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    const auto name = name_of_temporary(entry.path().filename().string());
    if (name.empty() || !entry.is_regular_file()) continue;
    if (!others_may_write || fs::exists(entry.path().parent_path() / name)) left.push_back(entry.path());
  }
  for (const auto& file : left) fs::remove(file);
}

// "FILE: 1024 bytes then, 2048 now"; empty where nothing differs. Files may lie elsewhere now.
std::string file_changes(const std::vector<InputFile>& then, const std::vector<InputFile>& now) {
  std::string text;
  for (std::size_t i = 0; i < std::max(then.size(), now.size()); ++i) {
    if (i >= now.size())
      text += fmt::format("\n  {}: is not among the inputs now", then[i].path);
    else if (i >= then.size())
      text += fmt::format("\n  {}: was not among the inputs then", now[i].path);
    else if (fs::path(then[i].path).filename() != fs::path(now[i].path).filename())
      text += fmt::format("\n  {} then, {} now", then[i].path, now[i].path);
    else if (then[i].size_bytes != now[i].size_bytes)
      text +=
          fmt::format("\n  {}: {} bytes then, {} now", now[i].path, then[i].size_bytes, now[i].size_bytes);
    else if (then[i].header_checksum != now[i].header_checksum)
      text += fmt::format("\n  {}: its first 64 KiB have changed", now[i].path);
  }
  return text;
}

// Names of any bytes are kept as text.
std::vector<InputFile> as_kept(const std::vector<InputFile>& files) {
  return files_from_json(json::parse(dump_json(to_json(files))));
}

std::string beam_changes(const std::string& name, const json& then, const std::vector<InputFile>& now) {
  if (!then.contains(name)) return fmt::format("\n  beam {}: was not among the inputs then", name);
  const auto files_then = files_from_json(then.at(name));
  return files_then.empty() || now.empty() ? "" : file_changes(files_then, now);
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "an unknown host";
}

}  // namespace

RunDirectory::RunDirectory(const std::string& path, const Config& config, ExistingRun existing)
    : path_(path),
      config_hash_(config_hash(config)),
      most_bytes_(config.limits.output_bytes),
      resume_(goes_on(existing)) {
  try {
    check_existing(path, config, existing);
    fs::create_directories(path);
    const bool is_shared = existing == ExistingRun::kShare || existing == ExistingRun::kFinish;
    lock(is_shared);
    if (existing == ExistingRun::kFinish) lock_finish();
    if (existing == ExistingRun::kOverwrite) remove_existing(path);
    if (goes_on(existing) && existing != ExistingRun::kShare) remove_unfinished(path, is_shared);
    fs::create_directories(fs::path(path) / "ledger");
    if (config.output.plots) fs::create_directories(fs::path(path) / "plots");
    if (config.output.cutouts) fs::create_directories(fs::path(path) / "cutouts");
  } catch (const fs::filesystem_error& e) {
    throw std::runtime_error(fmt::format("{} cannot be written: {}", path, e.code().message()));
  }
  if (!fs::exists(file("config.toml"))) write_text_file(file("config.toml"), print_config(config));
}

RunDirectory::~RunDirectory() {
  for (const int lock : {lock_, finish_lock_})
    if (lock >= 0) ::close(lock);
}

// Whoever holds the lock is named in it. File systems that cannot lock say so, and are trusted.
void RunDirectory::lock(bool is_shared) {
  const std::string path = file(kLockName);
  lock_ = open_lock(path);
  if (::flock(lock_, (is_shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) {
    const std::string owner = is_shared ? "" : fmt::format("process {} on {}", ::getpid(), host_name());
    if (::ftruncate(lock_, 0) != 0 || ::write(lock_, owner.data(), owner.size()) < 0) return;  // unnamed
    return;
  }
  if (errno != EWOULDBLOCK) return;
  const std::string owner = read_text_file(path);
  throw std::runtime_error(
      fmt::format("{} is being written by {}", path_,
                  owner.empty() ? "jobs that search parts of it" : "another run: " + owner));
}

// One at a time, the others wait: Slurm may take the first for dead and begin it again.
void RunDirectory::lock_finish() {
  finish_lock_ = open_lock(file(kFinishLockName));
  while (::flock(finish_lock_, LOCK_EX) != 0 && errno == EINTR) continue;
}

void RunDirectory::bind_inputs(const std::map<int, std::vector<InputFile>>& files) const {
  const std::string path = file("ledger/inputs.json");
  json all = {{"version", kVersion}, {"config", config_hash_}, {"beams", json::object()}};
  for (const auto& [beam, of] : files) all["beams"][beam_name(beam)] = to_json(of);
  if (!resume_ || !fs::exists(path)) {
    write_text_file(path, dump_json(all, 1) + "\n");
    return;
  }
  json then;
  std::string changes, beams_then;
  try {
    then = json::parse(read_text_file(path));
    beams_then = dump_json(then.at("beams"));
    if (then.at("version") != kVersion)
      changes += fmt::format("\n  tianyan {} then, {} now", then.at("version").get<std::string>(), kVersion);
    for (const auto& [name, of] : then.at("beams").items())
      if (!all["beams"].contains(name))
        changes += fmt::format("\n  beam {}: is not among the inputs now", name);
    for (const auto& [beam, of] : files)
      changes += beam_changes(beam_name(beam), then.at("beams"), as_kept(of));
  } catch (const json::exception& e) {
    throw std::runtime_error(fmt::format("{}: not a list of a run's inputs: {}", path, e.what()));
  }
  expect(changes.empty(), "{} cannot go on, for what it began with has changed (--overwrite begins anew):{}",
         path_, changes);
  for (const auto& [name, of] : all["beams"].items())
    if (!of.empty()) then["beams"][name] = of;  // it could not be read before
  if (dump_json(then["beams"]) != beams_then) write_text_file(path, dump_json(then, 1) + "\n");
}

bool RunDirectory::is_full() const {
  if (most_bytes_ == 0) return false;
  std::int64_t bytes = 0;
  std::error_code error;  // of files that come and go: others may write here
  for (fs::recursive_directory_iterator at(path_, error), end; !error && at != end; at.increment(error)) {
    std::error_code no_file;
    const auto size = fs::file_size(at->path(), no_file);
    if (!no_file) bytes += static_cast<std::int64_t>(size);
  }
  return bytes >= most_bytes_;
}

void RunDirectory::expect_room() const {
  require(!is_full(), "{} holds all that limits.output_bytes = {} allows: raise it and go on with --resume",
          path_, most_bytes_);
}

void RunDirectory::write_ledger(const std::string& path, const std::string& text) const {
  try {
    write_text_file(path, text);
  } catch (const std::runtime_error& e) {
    throw LedgerFailure(
        fmt::format("{}; what {} holds is whole: go on with --resume, or the same --part", e.what(), path_));
  }
}

void RunDirectory::store(int beam, const UnitResult& result) const {
  const std::string entry = dump_json(to_json(result));
  const json whole = {{"config", config_hash_}, {"checksum", fnv1a(entry)}, {"unit", entry}};
  write_ledger(unit_file(path_, beam, result.unit.index), dump_json(whole));
  std::error_code is_there_or_not;
  fs::remove(failure_file(path_, beam, result.unit.index), is_there_or_not);
}

void RunDirectory::store_failure(int beam, const SearchUnit& unit, const std::string& why) const {
  write_ledger(failure_file(path_, beam, unit.index), why + "\n");
}

std::string RunDirectory::load_failure(int beam, const SearchUnit& unit) const {
  const auto path = failure_file(path_, beam, unit.index);
  if (std::error_code unknown; !resume_ || !fs::exists(path, unknown)) return "";
  const auto why = read_text_file(path);
  return why.substr(0, why.find('\n'));
}

std::optional<UnitResult> RunDirectory::load(int beam, const SearchUnit& unit) const {
  const std::string path = unit_file(path_, beam, unit.index);
  if (!resume_ || !fs::exists(path)) return std::nullopt;
  try {
    const json whole = json::parse(read_text_file(path));
    if (whole.at("config") != config_hash_ || !is_whole(whole)) return std::nullopt;
    auto result = unit_result_from_json(json::parse(whole.at("unit").get<std::string>()));
    if (!(result.unit == unit)) return std::nullopt;
    return result;
  } catch (const json::exception&) {
    return std::nullopt;  // not whole: the unit is searched again
  } catch (const std::runtime_error&) {
    return std::nullopt;  // not to be read
  }
}

void expect_inputs_stay(const std::vector<std::string>& inputs, const std::string& run_directory) {
  for (const auto& input : inputs) {
    expect(!is_same(input, run_directory), "{} is both an input and the output: name another output", input);
    for (const auto& file : run_files(run_directory))
      expect(!is_within(input, file),
             "{} is among the files that a new run in {} replaces: name another output", input,
             run_directory);
  }
}

void RunDirectory::store(const BeamResult& result) const {
  const json entry = {{"version", kVersion}, {"config", config_hash_}, {"result", to_json(result)}};
  write_ledger(file(fmt::format("ledger/{}.json", beam_name(result.beam))), dump_json(entry));
}

bool has_unit(const std::string& run_directory, int beam, int unit) {
  const auto path = unit_file(run_directory, beam, unit);
  if (std::error_code unknown; !fs::exists(path, unknown)) return false;
  try {
    return is_whole(json::parse(read_text_file(path)));
  } catch (const json::exception&) {
    return false;
  } catch (const std::runtime_error&) {
    return false;  // gone, or not to be read
  }
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
      results.push_back(beam_result_from_json(json::parse(read_text_file(path)).at("result")));
    } catch (const json::exception& e) {
      throw std::runtime_error(fmt::format("{}: not a finished beam of a run: {}", path, e.what()));
    }
  }
  return results;
}

}  // namespace tianyan
