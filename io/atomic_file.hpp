// AtomicFile: a file that appears under its own name only when it is whole and on disk.
#pragma once
#include <string>

namespace tianyan {

/// Refuses what could not become a file, before any work is done for it: a directory, an existing file unless
/// `overwrite`, a name in a directory that does not exist or cannot be written to. Throws std::runtime_error
/// naming `path`.
void check_output_path(const std::string& path, bool overwrite);

/// Write to temporary_path(), close it, then commit(). Without commit() what was written is removed. The
/// temporary file lies in the same directory and does not exist until the caller makes it.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::string& path() const { return path_; }
  const std::string& temporary_path() const { return temporary_path_; }
  /// Flushes the temporary file to disk and renames it, replacing what was there. Throws std::runtime_error
  /// with the system's reason; the temporary file is then removed by the destructor.
  void commit();

 private:
  std::string path_;
  std::string temporary_path_;
  bool is_committed_ = false;
};

/// NAME of a file that an AtomicFile may have left when its program was killed, "NAME.PID.RANDOM.tmp"; empty
/// of other files.
std::string name_of_temporary(const std::string& name);

}  // namespace tianyan
