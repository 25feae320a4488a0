// The page of what was flagged in one beam as a PNG: where and when, by which rule, and what the levels were.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "io/detection_plot.hpp"
#include "kernels/base/flag_mask.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

/// What is drawn; the caller has binned it, to some 512 channel bins and 512 time bins at most (the image has
/// 768 x 512 pixels, and more bins are averaged). Channel bin 0 is the lowest frequency. NaN is "nothing
/// known" anywhere.
struct FlagPlot {
  std::string title;     ///< the beam and the source
  std::string subtitle;  ///< file, date, length
  PlotRange freq_mhz, time_s;
  View<const float, 2> occupancy;          ///< [channel bin][time bin] flagged fraction, 0 to 1
  View<const float, 1> channel_occupancy;  ///< [channel bin] flagged fraction of all times
  View<const float, 1> time_occupancy;     ///< [time bin] flagged fraction of all channels
  View<const float, 1> bandpass, noise;    ///< [channel bin] mean and sigma, in recorded units
  View<const float, 1> bandpass_kept;      ///< bandpass, NaN where the channel is mostly flagged
  View<const float, 1> zero_dm;            ///< [time bin] largest |zero-DM sum|, in standard deviations
  std::vector<double> line_hz;             ///< ascending; may be empty
  std::vector<double> line_power;  ///< of the zero-DM series at line_hz, in units of the noise's mean power
  std::array<double, kNumFlagRules> rule_fraction{};  ///< by FlagRule, of all samples; kNone's is not drawn
};

/// Writes the page, 1200 x 1000 pixels, under a temporary name and renames it. Throws std::invalid_argument
/// for shapes or ranges that cannot be drawn, std::runtime_error where the file cannot be written.
///
/// The zero-DM series is drawn from 1 to at most 1000, the power of its spectrum from 0.06 to at most 10^6;
/// what is beyond lies at the edge. Levels of flagged channels may leave their panel: the kept ones set its
/// scale.
///
/// From one thread at a time, as write_detection_png().
void write_flag_png(const std::string& path, const FlagPlot& plot);

}  // namespace tianyan
