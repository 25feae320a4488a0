// The place of FFTW's wisdom.
#include "pipeline/fft_wisdom.hpp"

#include <cstdlib>
#include <filesystem>

#include "kernels/fft.hpp"
#include "kernels/row_ops.hpp"

namespace tianyan {

std::string fft_wisdom_path() {
  const auto directory_of = [](const char* variable, const char* below) -> std::string {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
    return value && *value ? (std::filesystem::path(value) / below).string() : "";
  };
  std::string directory = directory_of("TIANYAN_CACHE", "");
  if (directory.empty()) directory = directory_of("XDG_CACHE_HOME", "tianyan");
  if (directory.empty()) directory = directory_of("HOME", ".cache/tianyan");
  if (directory.empty()) return "";
  return (std::filesystem::path(directory) / ("fftw3f-" + std::string(vector_target()))).string();
}

FftWisdom::FftWisdom() : path_(fft_wisdom_path()) {
  if (!path_.empty()) load_fft_wisdom(path_);
}

FftWisdom::~FftWisdom() {
  if (path_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  if (!error) save_fft_wisdom(path_);
}

}  // namespace tianyan
