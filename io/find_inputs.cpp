// find_inputs: files, directories and globs sorted into beams.
#include <glob.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>

#include "io/beam_name.hpp"
#include "io/source.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

/// "-M01_W_": a file of FAST's spectral backend.
bool is_spectral_name(const std::string& name) {
  for (std::size_t at = name.find("-M"); at != std::string::npos; at = name.find("-M", at + 1)) {
    const std::string tail = name.substr(at + 2, 5);
    if (tail.size() == 5 && std::isdigit(static_cast<unsigned char>(tail[0])) &&
        std::isdigit(static_cast<unsigned char>(tail[1])) && tail[2] == '_' &&
        std::string("NWF").find(tail[3]) != std::string::npos && tail[4] == '_')
      return true;
  }
  return false;
}

/// Why a file of a directory is left out for its name alone; "" where it is not.
std::string reason_in_name(const std::string& name) {
  if (is_spectral_name(name)) return "spectral backend (_N_, _W_ or _F_)";
  if (name.find("_cal-") != std::string::npos) return "calibration (_cal-)";
  if (name.ends_with(".tmp")) return "temporary file";
  if (name == "truth.json") return "truth of a simulated scan";
  return "";
}

/// A beam's file by its name: if it cannot be read the beam fails, and is not silently left out.
bool is_named_as_scan(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  constexpr const char* kEndings[] = {".fits", ".fits.fz", ".sf", ".fil", ".h5", ".raw", ".dada", ".vdif"};
  return beam_from_name(path) > 0 && std::any_of(std::begin(kEndings), std::end(kEndings),
                                                 [&](const char* ending) { return name.ends_with(ending); });
}

std::vector<std::string> list_directory(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    paths.push_back(at->path().string());
  require(!error, "{}: cannot be listed: {}", directory, error.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> expand_glob(const std::string& pattern) {
  struct Matches {
    glob_t found{};
    ~Matches() { ::globfree(&found); }
  } matches;
  const int status = ::glob(pattern.c_str(), GLOB_ERR, nullptr, &matches.found);
  require(status == 0 || status == GLOB_NOMATCH, "{}: cannot be expanded: {}", pattern,
          status == GLOB_NOSPACE ? "out of memory" : "a directory cannot be read");
  std::vector<std::string> paths(matches.found.gl_pathv, matches.found.gl_pathv + matches.found.gl_pathc);
  std::sort(paths.begin(), paths.end());
  return paths;
}

class Finder {
  enum class Kind { kSpectra, kVoltage, kUnreadSpectra, kUnreadVoltage };  ///< unread: as it looks

 public:
  void add(const std::string& input) {
    const bool is_named = fs::exists(input) && !fs::is_directory(input);
    for (const auto& path : list_input(input)) {
      if (fs::is_directory(path))
        skipped_.push_back(path + ": a directory inside a directory");
      else
        add_file(path, is_named);
    }
  }

  FoundInputs finish() {
    FoundInputs found;
    for (auto& [beam, files] : by_beam_) found.beams.push_back(std::move(files.input));
    found.skipped = std::move(skipped_);
    require(!found.beams.empty(), "nothing to read: {} files skipped{}{}", found.skipped.size(),
            found.skipped.empty() ? "" : ", the first: ", found.skipped.empty() ? "" : found.skipped.front());
    return found;
  }

 private:
  struct BeamFiles {
    BeamInput input;
    std::string first_read;  ///< the file that says of which kind the beam's files are; "" where none could
  };

  /// A file that was named must be readable; one that was found is skipped where it is not, unless its name
  /// says that it is a beam's: opening that beam will say what is wrong, and the other beams go on.
  void add_file(const std::string& path, bool is_named) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (!error && !seen_.insert(real.string()).second) return;
    const std::string reason = is_named ? "" : reason_in_name(fs::path(path).filename().string());
    if (!reason.empty()) {
      skipped_.push_back(path + ": " + reason);
      return;
    }
    const auto* voltage_format = voltage_format_of(path);
    try {
      if (voltage_format) {
        for (const int beam : voltage_format->beams(path)) add_to_beam(beam, path, Kind::kVoltage);
        return;
      }
      const auto source = open_source(path);
      require(is_named || source->info().n_time > 0, "{}: holds no spectra", path);
      add_to_beam(source->info().beam, path, Kind::kSpectra);
    } catch (const std::runtime_error& error_of_file) {
      if (is_named) throw;
      if (is_named_as_scan(path)) {
        add_to_beam(beam_from_name(path), path, voltage_format ? Kind::kUnreadVoltage : Kind::kUnreadSpectra);
        return;
      }
      const std::string text = error_of_file.what();
      skipped_.push_back(text.starts_with(path) ? text : path + ": " + text);
    }
  }

  /// A file that could not be read takes the kind of the beam's others.
  void add_to_beam(int beam, const std::string& path, Kind kind) {
    BeamFiles& files = by_beam_[beam];
    BeamInput& input = files.input;
    input.beam = beam;
    const bool is_read = kind == Kind::kSpectra || kind == Kind::kVoltage;
    const bool is_voltage = kind == Kind::kVoltage || kind == Kind::kUnreadVoltage;
    expect(!is_read || files.first_read.empty() || input.is_voltage == is_voltage,
           "{} and {}: one beam's voltages and spectra, of which a run takes one: name the files of one kind",
           files.first_read, path);
    if (files.first_read.empty() && (is_read || input.paths.empty())) input.is_voltage = is_voltage;
    if (is_read && files.first_read.empty()) files.first_read = path;
    input.paths.push_back(path);
  }

  std::map<int, BeamFiles> by_beam_;
  std::vector<std::string> skipped_;
  std::set<std::string> seen_;  ///< a file may be named, and be in a directory that is
};

}  // namespace

std::vector<std::string> list_input(const std::string& input) {
  if (fs::is_directory(input)) return list_directory(input);
  if (fs::exists(input)) return {input};
  std::vector<std::string> paths;
  for (const auto& match : expand_glob(input)) {
    const auto inside = fs::is_directory(match) ? list_directory(match) : std::vector<std::string>{match};
    paths.insert(paths.end(), inside.begin(), inside.end());
  }
  require(!paths.empty(), "{}: no such file or directory, and nothing that fits as a pattern", input);
  return paths;
}

FoundInputs find_inputs(const std::vector<std::string>& inputs) {
  expect(!inputs.empty(), "no input was given");
  Finder finder;
  for (const auto& input : inputs) finder.add(input);
  return finder.finish();
}

}  // namespace tianyan
