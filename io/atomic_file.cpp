// AtomicFile: temporary name, fsync of the file, rename, fsync of the directory.
#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

/// Flushes a file or directory by name. Throws std::runtime_error, a full disk included.
void sync_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(fd >= 0, "{}: cannot be opened: {}", path, std::strerror(errno));
  const int status = ::fsync(fd);
  const int reason = errno;
  ::close(fd);
  // File systems that cannot flush a directory say EINVAL; the rename then is as safe as they make it.
  require(status == 0 || reason == EINVAL, "{}: cannot be flushed to disk: {}", path, std::strerror(reason));
}

}  // namespace

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)), temporary_path_(fmt::format("{}.{}.tmp", path_, ::getpid())) {}

AtomicFile::~AtomicFile() {
  if (!is_committed_) ::unlink(temporary_path_.c_str());
}

void AtomicFile::commit() {
  sync_path(temporary_path_);
  require(std::rename(temporary_path_.c_str(), path_.c_str()) == 0, "{}: cannot be renamed to {}: {}",
          temporary_path_, path_, std::strerror(errno));
  is_committed_ = true;
  const auto folder = std::filesystem::path(path_).parent_path();
  sync_path(folder.empty() ? "." : folder.string());
}

}  // namespace tianyan
