// The page of one detection as a PNG: profile, dynamic spectra before and after dedispersion, DM against
// time.
#pragma once
#include <string>

#include "kernels/base/candidate.hpp"
#include "kernels/base/units.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

/// The outer edges of the first and of the last bin of an axis.
struct PlotRange {
  double first = 0.0;
  double last = 0.0;
};

/// What is drawn; the caller has cut and binned it, to some 256 channels and 512 times at most (the page has
/// 480 pixels across a spectrum, and more bins are averaged). NaN is "no data": flagged channels, gaps.
/// Channel 0 and DM row 0 are the lowest. All times are relative to the arrival at candidate.ref_freq_mhz.
struct DetectionPlot {
  Candidate candidate;
  Mjd arrival;         ///< UTC of the candidate's time
  std::string id;      ///< the page's title
  std::string source;  ///< name of the source or pointing; may be empty
  std::string file;    ///< name of the input; may be empty

  View<const float, 2> dynamic_before;  ///< [channel][time] as recorded: the whole sweep
  PlotRange before_time_s;
  View<const float, 2> dynamic_after;  ///< [channel][time] dedispersed at candidate.dm_pc_cm3
  View<const float, 1> profile;        ///< [time] S/N of each bin, on the time axis of dynamic_after
  PlotRange after_time_ms;
  PlotRange freq_mhz;            ///< of both dynamic spectra
  View<const float, 2> dm_time;  ///< [dm][time] S/N
  PlotRange dm_time_ms;
  PlotRange dm_pc_cm3;
};

/// Writes the page, 1200 x 1000 pixels, under a temporary name and renames it. Throws std::invalid_argument
/// for shapes or ranges that cannot be drawn, std::runtime_error where the file cannot be written.
///
/// From one thread at a time: giza keeps its state in globals. It neither prompts nor prints to stdout, and
/// no display is needed.
void write_detection_png(const std::string& path, const DetectionPlot& plot);

}  // namespace tianyan
