// Writes an AtomicFile's temporary file by stdio.
#include "io/output_file.hpp"

#include <cerrno>
#include <cstring>

#include "kernels/base/expect.hpp"

namespace tianyan {

OutputFile::OutputFile(const std::string& path) : target_(path) {
  file_.reset(std::fopen(target_.temporary_path().c_str(), "wb"));
  require(file_ != nullptr, "{}: cannot be created: {}", path, std::strerror(errno));
}

void OutputFile::put(const void* bytes, std::size_t n) {
  const bool is_written = std::fwrite(bytes, 1, n, file_.get()) == n;
  require(is_written, "{}: cannot be written: {}", path(), std::strerror(errno));
}

void OutputFile::commit() {
  const bool is_closed = std::fclose(file_.release()) == 0;
  require(is_closed, "{}: cannot be written: {}", path(), std::strerror(errno));
  target_.commit();
}

}  // namespace tianyan
