// What fuzz targets share: how a reader becomes one, and an input as a file.
//
// A target opens its input as the program does and reads a few blocks of it. An input that is refused with
// std::runtime_error is well answered; any other exception, a sanitizer's finding, a hang and memory that the
// input's size does not justify are findings.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tianyan::fuzz {

struct FuzzTarget {
  std::string name;  ///< of its corpus, too
  void (*run)(std::string_view bytes);
};
/// Called by each target's file at start-up; returns true so that it can initialise a constant.
bool register_fuzz_target(const FuzzTarget& target);

/// By name.
std::vector<FuzzTarget> fuzz_targets();

/// The path of the process's one input, which holds `bytes` until the next call.
const std::string& input_file(std::string_view bytes);

/// A folder where TMPDIR says, best in memory, that goes with the process.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  /// Replaces what was there; its path.
  std::string write(const std::string& name, std::string_view bytes) const;

 private:
  std::string path_;
};

/// An input of two files: what comes before the first line "----", and what comes after it; nothing where
/// there is no such line.
std::pair<std::string_view, std::string_view> halves(std::string_view bytes);

/// Throws std::logic_error, a finding, unless what a reader gave is as it promises.
void promise(bool holds, const char* what);

}  // namespace tianyan::fuzz
