// What a mask says: which samples have no weight, and by which rule.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/base/units.hpp"

namespace tianyan {

/// In the order in which rules are applied: a sample belongs to the first one that takes it.
enum class FlagRule : std::uint8_t {
  kNone = 0,
  kRecorded,      ///< zero weight in the file, gaps included
  kBands,         ///< static bands of the config
  kMask,          ///< a mask that the user gave
  kDead,          ///< channels without variance, or not finite
  kSaturated,     ///< channels at the end of their digitiser's range
  kChannels,      ///< channels whose level or noise stands out from their neighbours'
  kIqrm,          ///< channels that stand out by lagged differences
  kTimes,         ///< outlying times of the zero-DM series
  kKurtosis,      ///< spectral kurtosis of a channel and time
  kSumThreshold,  ///< runs of times or channels of the reduced plane
  kBeams,         ///< seen at once in beams that are not neighbours
};
inline constexpr int kNumFlagRules = 12;  ///< kNone included

/// As reports and files name them, by the value of FlagRule.
inline constexpr std::array<std::string_view, kNumFlagRules> kFlagRuleNames = {
    "none",     "recorded", "bands", "mask",     "dead",          "saturated",
    "channels", "iqrm",     "times", "kurtosis", "sum_threshold", "beams"};

/// The stream that a mask belongs to. Cell k holds samples [k cell_samples, (k + 1) cell_samples); the last
/// one may be shorter. Channel 0 is the lowest frequency.
struct FlagMaskInfo {
  int beam = 0;
  int n_chan = 0;
  double freq_low_mhz = 0.0;  ///< centre of the lowest channel
  double channel_width_mhz = 0.0;
  double sample_time_s = 0.0;
  std::int64_t n_time = 0;
  Mjd start;
  std::int64_t cell_samples = 64;
  std::string source_name;
  std::string config_hash;
  std::int64_t n_cell() const { return (n_time + cell_samples - 1) / cell_samples; }
};

/// Samples [begin, end) of the stream, all channels.
struct FlaggedTimes {
  std::int64_t begin = 0, end = 0;
};

}  // namespace tianyan
