// A run directory: made before anything runs, never mixed with another run's files, written by one run at a
// time.
//
// RUN/.lock is held by whoever writes, RUN/.finish.lock by who joins parts. RUN/ledger is what a run that was
// stopped goes on from:
//
//   inputs.json      version, hash of the config, and the files of each beam
//   MNN/UUUU.json    what unit UUUU of beam NN gave, with a checksum
//   MNN/UUUU.failed  why it gave nothing, until it does
//   MNN.json         the units of the beam joined: what `tianyan sift` reads
//
// Every file is written under a name of its own, flushed and renamed: it is whole or not there.
#pragma once
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/beam_search.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

/// Thrown where the ledger cannot be written. No runtime_error, for it is no beam's failure: it ends the run,
/// for what more would be found could not be kept either.
class LedgerFailure : public std::exception {
 public:
  explicit LedgerFailure(std::string text) : text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

enum class ExistingRun {
  kRefuse,     ///< a directory that is not empty is an error
  kResume,     ///< units that are finished are kept; config, version and inputs must be the same
  kOverwrite,  ///< what an earlier run wrote is removed first, other files stay
  kShare,      ///< as kResume, beside others that share the run; made where it is not there
  kFinish,     ///< as kShare, when the others are over, or are taken to be
};

class RunDirectory {
 public:
  /// Makes RUN with config.toml, ledger/, and plots/ and cutouts/ where the config wants them, and locks it.
  /// Throws std::invalid_argument where the directory is not empty or holds another config's run,
  /// std::runtime_error where it cannot be written or another run writes it.
  RunDirectory(const std::string& path, const Config& config, ExistingRun existing);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  /// The inputs that the run is of, by beam; none of a beam that cannot be read. Of a run that is resumed
  /// they must be those that it began with, wherever they lie now, and the program the same version: throws
  /// std::invalid_argument naming each difference. That a beam cannot be read, then or now, is none.
  void bind_inputs(const std::map<int, std::vector<InputFile>>& files) const;

  /// Throws LedgerFailure where it cannot be written.
  void store(int beam, const UnitResult& result) const;
  /// Whether it holds as much as limits.output_bytes allows, others' files included.
  bool is_full() const;
  /// Throws std::runtime_error where it is.
  void expect_room() const;
  /// Keeps why a unit has no result, for the job that joins the run, until it has one. Throws as store().
  void store_failure(int beam, const SearchUnit& unit, const std::string& why) const;
  /// Empty where nothing was kept.
  std::string load_failure(int beam, const SearchUnit& unit) const;
  /// An earlier result of the same unit, where it is whole.
  std::optional<UnitResult> load(int beam, const SearchUnit& unit) const;
  /// Of all its units. Throws as above.
  void store(const BeamResult& result) const;

 private:
  void write_ledger(const std::string& path, const std::string& text) const;
  void lock(bool is_shared);
  void lock_finish();

  std::string path_;
  std::string config_hash_;
  std::int64_t most_bytes_;  // 0: any
  bool resume_;
  int lock_ = -1, finish_lock_ = -1;  // descriptors
};

/// Throws std::invalid_argument where making a run at `run_directory` over an earlier one would remove one of
/// the inputs, by whatever path they are named.
void expect_inputs_stay(const std::vector<std::string>& inputs, const std::string& run_directory);

/// Whether the ledger has a whole result of a unit.
bool has_unit(const std::string& run_directory, int beam, int unit);

/// All beams of a run that have a result, by beam, whatever its config and files. Throws std::runtime_error
/// naming the file where one cannot be read.
std::vector<BeamResult> load_ledger(const std::string& run_directory);

}  // namespace tianyan
