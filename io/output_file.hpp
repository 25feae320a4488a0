// OutputFile: bytes one after the other into a file that appears under its name when it is whole.
#pragma once
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

#include "io/atomic_file.hpp"

namespace tianyan {

/// Errors are std::runtime_error with the path and the system's reason. Destroyed without commit() it leaves
/// nothing behind.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  const std::string& path() const { return target_.path(); }
  void put(const void* bytes, std::size_t n);
  void commit();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  AtomicFile target_;
  std::unique_ptr<std::FILE, Close> file_;  // closed before target_ removes it
};

}  // namespace tianyan
