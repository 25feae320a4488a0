// A run of samples, frames or spectra by number.
#pragma once
#include <cstdint>

namespace tianyan {

/// [begin, end)
struct SampleRange {
  std::int64_t begin = 0, end = 0;

  std::int64_t size() const { return end - begin; }
  bool operator==(const SampleRange&) const = default;
};

}  // namespace tianyan
