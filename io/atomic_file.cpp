// AtomicFile: temporary name, fsync of the file, rename, fsync of the directory.
#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <regex>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

// Several machines may write the same file, by processes whose numbers are equal.
const unsigned kProcessTag = std::random_device{}();

/// Flushes a file or directory by name. Throws std::runtime_error, a full disk included, that names
/// `shown_as`.
void sync_path(const std::string& path, const std::string& shown_as) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int why_not_open = errno;  // the arguments of require() may be evaluated in any order
  require(fd >= 0, "{}: cannot be opened: {}", shown_as, std::strerror(why_not_open));
  const int status = ::fsync(fd);
  const int reason = errno;
  ::close(fd);
  // File systems that cannot flush a directory say EINVAL; the rename then is as safe as they make it.
  require(status == 0 || reason == EINVAL, "{}: cannot be flushed to disk: {}", shown_as,
          std::strerror(reason));
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

void check_output_path(const std::string& path, bool overwrite) {
  std::error_code unknown;  // what cannot be looked at is no directory, and not there
  require(!std::filesystem::is_directory(path, unknown), "{}: is a directory", path);
  require(overwrite || !std::filesystem::exists(path, unknown),
          "{}: exists already; remove it or ask to overwrite it", path);
  const std::string folder = folder_of(path);
  require(std::filesystem::is_directory(folder, unknown), "{}: no such directory: {}", path, folder);
  const int status = ::access(folder.c_str(), W_OK | X_OK);
  const int reason = errno;
  require(status == 0, "{}: directory {} cannot be written to: {}", path, folder, std::strerror(reason));
}

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)),
      temporary_path_(fmt::format("{}.{}.{:08x}.tmp", path_, ::getpid(), kProcessTag)) {}

AtomicFile::~AtomicFile() {
  if (!is_committed_) ::unlink(temporary_path_.c_str());
}

void AtomicFile::commit() {
  sync_path(temporary_path_, path_);
  const int status = std::rename(temporary_path_.c_str(), path_.c_str());
  const int reason = errno;
  require(status == 0, "{}: cannot be renamed from {}: {}", path_, temporary_path_, std::strerror(reason));
  is_committed_ = true;
  sync_path(folder_of(path_), path_);
}

std::string name_of_temporary(const std::string& name) {
  const std::regex pattern(R"((.+)\.[0-9]+\.[0-9a-f]{8}\.tmp)");
  std::smatch match;
  return std::regex_match(name, match, pattern) ? match[1].str() : "";
}

}  // namespace tianyan
