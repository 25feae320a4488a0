// A run of samples, frames or spectra by number.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace tianyan {

/// [begin, end)
struct SampleRange {
  std::int64_t begin = 0, end = 0;

  std::int64_t size() const { return end - begin; }
  bool operator==(const SampleRange&) const = default;
};

/// The same numbers in ranges that ascend and neither overlap nor touch.
inline std::vector<SampleRange> joined(std::vector<SampleRange> ranges) {
  std::ranges::sort(ranges, {}, &SampleRange::begin);
  std::vector<SampleRange> apart;
  for (const SampleRange& range : ranges) {
    if (range.begin >= range.end) continue;
    if (!apart.empty() && range.begin <= apart.back().end)
      apart.back().end = std::max(apart.back().end, range.end);
    else
      apart.push_back(range);
  }
  return apart;
}

}  // namespace tianyan
