// The .mask file of PRESTO's rfifind: channels that are bad in an interval, or always, and intervals that are
// bad as a whole.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tianyan {

/// In the file, little-endian and without padding (PRESTO, src/mask.c, read_mask and write_mask):
///   6 float64: time_sigma, freq_sigma, mjd, interval_s, freq_low_mhz, channel_width_mhz
///   3 int32:   n_chan, n_interval, samples_per_interval
///   int32 n and n int32: zapped_channels; the same again: zapped_intervals
///   n_interval int32: how many channels are bad in each interval, m[i]
///   for each i with 0 < m[i] < n_chan, m[i] int32: channels_of_interval[i]. Nothing for m[i] = n_chan.
/// Channel 0 is the lowest frequency. Lists are ascending and without repeats, on which PRESTO's search in
/// them depends. Channel c of interval i is bad where any of the three lists has it; programs that look at
/// the last one only exist, so it repeats the other two: all but the lists of n_chan channels, which are
/// empty here and the interval is in zapped_intervals.
struct RfifindMask {
  double time_sigma = 0.0;  ///< thresholds of rfifind; 0 where another program made the mask
  double freq_sigma = 0.0;
  double mjd = 0.0;                ///< UTC of the first sample
  double interval_s = 0.0;         ///< samples_per_interval times the sample time
  double freq_low_mhz = 0.0;       ///< centre of the lowest channel
  double channel_width_mhz = 0.0;  ///< > 0
  int n_chan = 0;
  int n_interval = 0;  ///< the last one may be longer than what is left of the data
  int samples_per_interval = 0;
  std::vector<int> zapped_channels;                    ///< bad in every interval
  std::vector<int> zapped_intervals;                   ///< bad in every channel
  std::vector<std::vector<int>> channels_of_interval;  ///< [interval]

  bool operator==(const RfifindMask&) const = default;
};

/// Makes the lists of a mask, interval by interval.
class RfifindMaskBuilder {
 public:
  /// n_interval and the lists of `stream` are not used.
  explicit RfifindMaskBuilder(const RfifindMask& stream);
  /// The next interval: [channel], anything but 0 is bad. Throws std::invalid_argument for another number of
  /// channels.
  void add_interval(const std::vector<std::uint8_t>& channel_is_bad);
  /// zapped_channels are those of every interval; none where there is no interval.
  RfifindMask finish();

 private:
  RfifindMask mask_;
  std::vector<int> n_bad_;  // [channel], intervals
};

/// The file is there whole or not at all; it replaces what was there. An empty list of a zapped interval is
/// written as n_chan channels. Throws std::invalid_argument for a mask that PRESTO would not read as it is
/// meant, std::runtime_error where the file cannot be written.
void write_rfifind_mask(const std::string& path, const RfifindMask& mask);

/// Lists come out ascending and without repeats, whatever the file's order. Memory is bounded by the size of
/// the file. Throws std::runtime_error naming the file and the field.
RfifindMask read_rfifind_mask(const std::string& path);

}  // namespace tianyan
