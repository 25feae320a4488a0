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
  require(std::fwrite(bytes, 1, n, file_.get()) == n, "{}: cannot be written: {}", path(),
          std::strerror(errno));
}

void OutputFile::commit() {
  require(std::fclose(file_.release()) == 0, "{}: cannot be written: {}", path(), std::strerror(errno));
  target_.commit();
}

}  // namespace tianyan
