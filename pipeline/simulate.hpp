// Simulated scans: noise, pulses of known S/N, and interference, for tests, demos and the measuring of
// completeness.
//
// In units of each channel's sigma, sample t of channel c of one polarisation is
//
//   x[c][t] = noise (1 + 0.5 level[c] m[c][t]) + level[c] + sum_impulses
//             + sum_pulses a g((t + 1/2) dt - t0 - delay(c))
//   g(u)    = exp(-u^2 / (2 sigma_t^2)),  sigma_t = width_s / 2.3548
//   m[c][t] = 0.5 + 0.5 sin(2 pi (t + 1/2) dt / 0.731 s + c)
//
// level is that of persistent lines. Pulses are sampled at the middle of samples, without smearing inside a
// channel or a sample. S/N is that of the optimal matched filter on the sum of the n_good channels without
// lines, each in units of its sigma, polarisations summed: a = snr / sqrt(n_good sigma_t sqrt(pi) / dt), over
// sqrt(2) where two polarisations are summed. The best boxcar on a Gaussian pulse reaches 0.94 of it.
//
// Formats of voltages hold pulses alone: pipeline/simulate_voltages.hpp.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/base/stream_info.hpp"
#include "kernels/beam_model.hpp"

namespace tianyan {

/// An empty list of beams means all of the scan's.
struct PulseSpec {
  double dm_pc_cm3 = 0.0;  ///< negative: swept the wrong way, lower frequencies first
  double width_s = 0.0;    ///< FWHM
  double snr = 0.0;
  double time_s = 0.0;  ///< of the peak at the centre of the highest channel, since the first sample; of
                        ///< voltages, at the upper edge of the band
  std::vector<int> beams;
  /// Where its source is, [east, north] of beam 1's pointing at time_s in arcmin: each beam has snr times its
  /// response there (kernels/beam_model.hpp). Empty: each beam has snr.
  std::vector<double> offset_arcmin = {};

  double snr_in(const BeamModel& model, int beam, double rotation_deg) const;
};

/// Persistent narrow-band interference: all channels whose centres lie in the range.
struct LineSpec {
  double freq_low_mhz = 0.0, freq_high_mhz = 0.0;
  double level_sigma = 0.0;
  std::vector<int> beams;
};

/// Broadband interference without dispersion: a step of `width_s` around `time_s`.
struct ImpulseSpec {
  double time_s = 0.0, width_s = 0.0;
  double level_sigma = 0.0;
  std::vector<int> beams;
};

inline constexpr int kMaxSimulatedCoarse = 4096;

/// Of formats of voltages, which take their sampling from the band.
struct VoltageSpec {
  int n_coarse = 1;  ///< equal parts of the band
  int n_pol = 2;     ///< 1 or 2
  bool is_complex = true;
  int n_bits = 8;      ///< of a component: 2, 4, 8 or 16
  double sigma = 0.0;  ///< levels of a component; 0: what suits n_bits
  bool operator==(const VoltageSpec&) const = default;
};

struct ScanSpec {
  std::string source_name = "SIMULATED";
  std::string format = "fits";  ///< fits, fil or h5; of voltages: voltages.h5, raw or dada
  std::vector<int> beams = {1};
  int n_chan = 4096;
  double freq_low_mhz = 1000.0, freq_high_mhz = 1500.0;  ///< edges of the band
  double sample_time_s = 49.152e-6;
  double duration_s = 1.0;
  int n_bits = 8;  ///< 1, 2, 4, 8, 16; 32 is float
  int n_pol = 1;   ///< 1 AA+BB, 2 AABB, 4 AABBCRCI
  bool channels_descending = false;
  double mean = 0.0, sigma = 0.0;  ///< levels of one polarisation; both 0: what suits n_bits
  std::int64_t seed = 1;
  double start_mjd = 59000.0;
  double ra_deg = 83.633212, dec_deg = 22.014472;  ///< of beam 1; the others' follow from the receiver
  double drift_deg_s = 0.0;   ///< of its right ascension; 0.0041781 is a telescope that stands still
  double rotation_deg = 0.0;  ///< of the receiver
  VoltageSpec voltages;
  std::vector<PulseSpec> pulses;
  std::vector<LineSpec> lines;
  std::vector<ImpulseSpec> impulses;
};

/// Whether a signal of these beams is in one; none are named where it is in all.
bool in_beam(const std::vector<int>& beams, int beam);

/// "scan.seed", ...: the keys that --set takes.
std::vector<std::string> scan_key_names();

/// SCAN.toml over the defaults, then each "key=value" of `set`; errors as load_config().
ScanSpec load_scan(const std::string& path, const std::vector<std::string>& set = {});

/// Throws std::invalid_argument with a line, after `prefix`, for each thing that is wrong between the fields.
void check_scan(const ScanSpec& spec, const std::string& prefix = "");

StreamInfo scan_info(const ScanSpec& spec, int beam);
SampleFormat scan_format(const ScanSpec& spec);
/// Spectra of a beam, or samples of a coarse channel where voltages are simulated.
std::int64_t scan_length(const ScanSpec& spec);

struct SimulateOptions {
  int threads = 0;  ///< 0: all
  bool overwrite = false;
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};  ///< of scan_length(), all beams
};

/// Writes one file a beam, DIR/<source>_tracking-M01_0001.fits, and DIR/truth.json. The samples depend on the
/// spec alone: not on threads, nor, for the same n_bits, on format and channel order. Returns the files'
/// paths. Throws std::invalid_argument where check_scan() does.
std::vector<std::string> simulate_scan(const ScanSpec& spec, const std::string& dir,
                                       const SimulateOptions& options = {});

}  // namespace tianyan
