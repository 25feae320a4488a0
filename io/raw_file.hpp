// RawFile: an input file read by position, and what reports say of it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/source.hpp"

namespace tianyan {

/// An open file, read-only. Errors are std::runtime_error with the path and the system's reason.
class RawFile {
 public:
  explicit RawFile(std::string path);
  ~RawFile();
  RawFile(RawFile&& other) noexcept;
  RawFile& operator=(RawFile&&) = delete;

  const std::string& path() const { return path_; }
  std::int64_t size_bytes() const { return size_bytes_; }
  /// Exactly n bytes from `offset`; throws where the file ends before them.
  void read(std::int64_t offset, std::int64_t n, void* to) const;

 private:
  std::string path_;
  int fd_ = -1;
  std::int64_t size_bytes_ = 0;
};

/// The first min(size, 64 KiB) bytes.
std::vector<unsigned char> read_head(const RawFile& file);

/// Path, size and checksum of a file; first_sample 0 and n_time as given.
InputFile describe_input(const RawFile& file, std::int64_t n_time);

}  // namespace tianyan
