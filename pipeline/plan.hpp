// The plan compiler: header + config -> octaves of DM, trials, S/N lost by cause, memory; nothing runs before
// it.
//
// A pulse of width w (FWHM) at a DM has, in the recorded channels, a variance in time of
//
//   W^2 = (w / 2.355)^2 + <smear_c^2> / 12,    smear_c = K DM (f_c-^-2 - f_c+^-2) across channel c
//
// (DM counted from that at which the channels were dedispersed coherently, if they were).
//
// Searching in samples of D t_s adds to it, each an independent displacement of rms
//
//   downsampling   (D^2 - 1)^1/2 t_s / 12^1/2          the sum of D samples
//   delay rounding kFdmtRmsErrorSamples D t_s           the tree's integer delays
//   DM step        m D t_s / 12                         half a step at most, evenly spread over the band
//
// for trials that are m octave samples of delay across the band apart, and S/N at constant fluence goes as
// width^-1/2: loss = 1 - (1 + added^2 / W^2)^-1/4. At each DM the plan takes the largest D = 2^j, and then
// the largest m, whose loss for the narrowest pulse, search.width_min_s, stays within search.snr_loss_max:
// work falls with D^2 and, of boxcars, with m. Pulses are sharpest at the lowest DM, or at that of coherent
// dedispersion, from which octaves become coarser both ways.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/boxcar.hpp"
#include "kernels/fdmt.hpp"
#include "kernels/quantise.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

/// Fractions of S/N lost for the narrowest pulse in the middle of a pass.
struct LossBudget {
  double dm_step = 0.0;
  double delay_rounding = 0.0;
  double downsampling = 0.0;
  double quantisation = 0.0;
  double boxcar = 0.0;        ///< best boxcar of the ladder on a Gaussian pulse, against its matched filter
  double smearing = 0.0;      ///< within the recorded channels: only coherent dedispersion would give it back
  double flagged_band = 0.0;  ///< static bands of the config
  double zero_dm_filter = 0.0;  ///< of a pulse's own share in the series that is taken away
  double searched() const;      ///< what the plan answers for: the first three together
};

/// A run of trials of one octave that is dedispersed at once.
struct PlanPass {
  int octave = 0;                     ///< downsampled by 2^octave
  double dm_per_sample_pc_cm3 = 0.0;  ///< of delay across the band
  FdmtPlan fdmt;
  BoxcarPlan boxcar;
  LossBudget loss;

  std::int64_t downsampling() const { return std::int64_t{1} << octave; }
  double dm_of(int trial) const { return fdmt.params.delay_of(trial) * dm_per_sample_pc_cm3; }
  double dm_begin_pc_cm3() const { return dm_of(0); }
  double dm_end_pc_cm3() const { return dm_of(fdmt.n_trial() - 1); }
  double dm_middle_pc_cm3() const { return 0.5 * (dm_begin_pc_cm3() + dm_end_pc_cm3()); }
  double dm_step_pc_cm3() const { return fdmt.params.delay_step * dm_per_sample_pc_cm3; }
};

struct SearchPlan {
  std::vector<PlanPass> passes;
  std::vector<QuantLevels> levels;    ///< of octave 0, 1, ...
  std::vector<std::int64_t> history;  ///< octave samples kept before a block; a multiple of kTimeTile
  std::int64_t window_samples = 0;    ///< statistics window
  std::int64_t block_samples = 0;     ///< a multiple of the window and of kTimeTile 2^octave
  double band_delay_s_per_dm = 0.0;   ///< K (f_low^-2 - f_high^-2)
  double rms_inverse_square = 0.0;    ///< standard deviation of f^-2 over the band, 1/MHz^2
  double sample_time_s = 0.0;
  double additions_per_data_s = 0.0;  ///< dedispersion and boxcars
  bool running_noise = true;          ///< S/N is corrected for it

  std::int64_t n_trial() const;
  double dm_step_max_pc_cm3() const;
  /// Samples after the last recorded one until which every trial has been searched to the end.
  std::int64_t flush_samples() const;
};

inline constexpr std::int64_t kTimeTile = 1024;  ///< octave samples of a run of rows
inline constexpr int kTrialTile = 32;

/// Throws std::invalid_argument where the config cannot work for this stream.
SearchPlan make_search_plan(const Config& config, const StreamInfo& info);

/// A model, not a measurement, of one core of a recent machine: samples that it reads and normalises, and
/// additions that it makes, in a second. Seconds that the search of a stream takes by it.
inline constexpr double kSamplesPerCoreS = 0.8e9, kAdditionsPerCoreS = 10e9;
double modelled_s(const SearchPlan& plan, const StreamInfo& info, int n_threads);

/// Fraction of the S/N of the optimal matched filter that a detection is expected to have, for a Gaussian
/// pulse that is `width_s` (FWHM) wide in the recorded channels. Events are refined (kernels/refine.hpp):
/// steps of DM and the tree's roundings decide whether a pulse is found, but cost what is reported of it
/// nothing; left are the samples' length, one rounding of each channel's delay, (D t_s)^2 / 12, quantisation
/// and the boxcar; the zero-DM filter's loss is in the passes.
double expected_recovery(const SearchPlan& plan, double dm_pc_cm3, double width_s);

/// Length of a statistics window: the power of two nearest to rfi.window_s, at least 1024 samples.
/// Standard deviation of f^-2 over the channels, 1/MHz^2.
double rms_inverse_square(const StreamInfo& info);

std::int64_t statistics_window_samples(const RfiConfig& rfi, const StreamInfo& info);

/// How a DM is searched: in samples of 2^octave, with trials `delay_step` of them apart.
struct Sampling {
  int octave = 0;
  int delay_step = 1;
};
/// Loss of pulses of `width_s` at `dm`.
LossBudget loss_of(const StreamInfo& info, double dm_pc_cm3, double width_s, const Sampling& sampling);

}  // namespace tianyan
