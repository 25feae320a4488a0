// RawFile: open, pread, close.
#include "io/raw_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "kernels/base/expect.hpp"
#include "kernels/base/fnv1a.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kHeadBytes = 64 * 1024;

}  // namespace

RawFile::RawFile(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  require(fd_ >= 0, "{}: cannot be opened: {}", path_, std::strerror(errno));
  struct stat status {};
  const bool is_file = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
  if (!is_file) ::close(fd_);
  require(is_file, "{}: not a file", path_);
  size_bytes_ = status.st_size;
}

RawFile::RawFile(RawFile&& other) noexcept
    : path_(other.path_), fd_(std::exchange(other.fd_, -1)), size_bytes_(other.size_bytes_) {}

RawFile::~RawFile() {
  if (fd_ >= 0) ::close(fd_);
}

void RawFile::read(std::int64_t offset, std::int64_t n, void* to) const {
  auto* at = static_cast<char*>(to);
  while (n > 0) {
    const ssize_t got = ::pread(fd_, at, static_cast<std::size_t>(n), offset);
    if (got < 0 && errno == EINTR) continue;
    require(got >= 0, "{}: cannot be read at byte {}: {}", path_, offset, std::strerror(errno));
    require(got > 0, "{}: ends at byte {} where {} more were expected", path_, offset, n);
    at += got;
    offset += got;
    n -= got;
  }
}

std::vector<unsigned char> read_head(const RawFile& file) {
  std::vector<unsigned char> head(static_cast<std::size_t>(std::min(file.size_bytes(), kHeadBytes)));
  file.read(0, static_cast<std::int64_t>(head.size()), head.data());
  return head;
}

InputFile describe_input(const RawFile& file, std::int64_t n_time) {
  InputFile input;
  input.path = file.path();
  input.size_bytes = file.size_bytes();
  const auto head = read_head(file);
  input.header_checksum = fnv1a({reinterpret_cast<const char*>(head.data()), head.size()});
  input.n_time = n_time;
  return input;
}

}  // namespace tianyan
