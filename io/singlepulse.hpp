// PRESTO's .singlepulse: lists of pulses, read and written ("singlepulse" among the exchange formats); and
// .inf, the header beside them.
//
// A line beginning with '#', then one row a pulse (PRESTO, bin/single_pulse_search.py, class candidate):
//   "%7.2f %7.2f %13.6f %10d     %3d": DM (pc/cm3), sigma, time (s), sample k, downfact n (samples)
// time = k sample_time, from the beginning of the first sample, at the centre of the highest channel, for
// which prepsubband has no delay. k is not the boxcar's beginning: make_fftd_kerns() there has n / 2 + 1
// taps at lags 0 .. n / 2 and the rest at negative ones, so the boxcar covers [k - n / 2, k + n - n / 2):
//   middle = time for even n, time + sample_time / 2 for odd n, from the beginning of the first sample.
// Ours are refined below a sample: time keeps what six digits hold, and k is the sample nearest to it.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/candidate.hpp"
#include "kernels/base/sky.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {

/// What a .inf says of a time series. What the file does not have, or has as "unknown" or "unset", is "", 0
/// or NaN.
struct InfHeader {
  std::string telescope, backend, source_name;
  SkyPosition position;
  Mjd start;                    ///< of the first sample's beginning; UTC, or TDB where it is barycentred
  bool is_barycentred = false;  ///< so are its times, then
  double sample_time_s = 0.0;   ///< > 0: every .inf has it
  std::int64_t n_time = 0;
  double dm_pc_cm3 = std::numeric_limits<double>::quiet_NaN();
  double freq_low_mhz = std::numeric_limits<double>::quiet_NaN();  ///< centre of the lowest channel
  double channel_width_mhz = std::numeric_limits<double>::quiet_NaN();
  int n_chan = 0;
  std::vector<std::string> notes;  ///< a position that is none
};

struct SinglePulseList {
  std::vector<Event> events;     ///< as in the file's order; sigma is snr and snr_white
  double sample_time_s = 0.0;    ///< 0 where the list is empty and has no .inf
  std::optional<InfHeader> inf;  ///< of the same name, where there is one
};

/// None where there is no such file. Throws std::runtime_error naming the file, the line's name and its
/// value.
std::optional<InfHeader> read_inf(const std::string& path);

/// Lists of several DMs may be joined, in any order, header lines among them, and lines may end as DOS's do.
/// The sample time is that of the .inf, else time / sample of the row with the largest sample; time series
/// that were downsampled for their DM have a multiple of it, which each row shows by its own time / sample.
///   Event::time_s = time + middle_of_boxcar(n) sample_time_of_row - SinglePulseList::sample_time_s / 2
/// Throws std::runtime_error "PATH:LINE: ..." for a line that is no row, and where no row tells the sample
/// time, all being at sample 0.
SinglePulseList read_singlepulse(const std::string& path);

}  // namespace tianyan
