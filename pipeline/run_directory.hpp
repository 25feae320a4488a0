// A run directory: made before anything runs, never mixed with another run's files.
#pragma once
#include <optional>
#include <string>

#include "pipeline/beam_search.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

enum class ExistingRun {
  kRefuse,     ///< a directory that is not empty is an error
  kResume,     ///< beams that are finished are kept; the config must be the same
  kOverwrite,  ///< what an earlier run wrote is removed first, other files stay
};

/// The results of finished beams are in RUN/ledger, one file each, written whole or not at all.
class RunDirectory {
 public:
  /// Makes RUN with config.toml, ledger/, and plots/ and cutouts/ where the config wants them. Throws
  /// std::invalid_argument where the directory is not empty or holds another config's run, std::runtime_error
  /// where it cannot be written.
  RunDirectory(const std::string& path, const Config& config, ExistingRun existing);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  void store(const BeamResult& result) const;
  /// The beam's earlier result where it is whole and its input files are the same.
  std::optional<BeamResult> load(int beam, const std::vector<InputFile>& files) const;

 private:
  std::string ledger_file(int beam) const;

  std::string path_;
  std::string config_hash_;
  bool resume_;
};

/// All finished beams of a run, by beam, whatever its config and files. Throws std::runtime_error naming the
/// file where one cannot be read.
std::vector<BeamResult> load_ledger(const std::string& run_directory);

}  // namespace tianyan
