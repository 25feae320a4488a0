// What was flagged and why, in (channel, sample) pairs.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/flag_mask.hpp"

namespace tianyan {

/// Each sample is counted once, by the first rule that took it.
struct FlagCounts {
  std::int64_t total = 0;
  std::array<std::int64_t, kNumFlagRules> by_rule{};

  std::int64_t& of(FlagRule rule) { return by_rule[static_cast<std::size_t>(rule)]; }
  std::int64_t of(FlagRule rule) const { return by_rule[static_cast<std::size_t>(rule)]; }
  std::int64_t flagged() const;
  double fraction() const;
  FlagCounts& operator+=(const FlagCounts& other);
};

/// A line of periodic interference that was found, over the windows of a stream.
struct PeriodicCount {
  double frequency_hz = 0.0, fundamental_hz = 0.0;
  int harmonic = 0;
  std::int64_t n_window = 0;  ///< in which it was significant
  double power_max = 0.0;     ///< in units of the noise's mean
};

/// Flags of a stretch of the band, or of a statistics window.
struct FlagShare {
  double begin = 0.0, end = 0.0;  ///< MHz or seconds
  FlagCounts counts;
};

/// All that conditioning a stream has to say.
struct FlagReport {
  FlagCounts counts;
  std::vector<FlagShare> bands;    ///< of about kShareMhz
  std::vector<FlagShare> windows;  ///< in order of time
  std::vector<double> channel;     ///< fraction of each channel, canonical order
  std::vector<PeriodicCount> lines;
  std::int64_t n_window() const { return static_cast<std::int64_t>(windows.size()); }
};

inline constexpr double kShareMhz = 10.0;

}  // namespace tianyan
