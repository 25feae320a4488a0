// Pulses to inject into a search, as a TOML file asks for them: one by one, or drawn at random.
//
// A pulse is a Gaussian in time, dispersed, and smeared by whatever recorded it; `snr` is that of the optimal
// matched filter on the profile as it is recorded, over the whole band with every channel alive,
// polarisations summed, each channel in units of its own noise. A pulse that covers a part of the band has
// the same sum: its channels are brighter. What the search should see of it, InjectionOutcome::predicted_snr,
// is less by the plan's losses and by what is flagged.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/stream_info.hpp"

namespace tianyan {

/// One pulse of one beam.
struct InjectedPulse {
  int beam = 0;
  double time_s = 0.0;  ///< of the peak, unscattered, at the centre of the highest channel, since the scan's
                        ///< first sample begins
  double dm_pc_cm3 = 0.0;
  double width_s = 0.0;  ///< FWHM as emitted: neither scattered nor smeared
  double snr = 0.0;
  double band_fraction = 1.0;  ///< of the channels, next to each other
  double band_position = 0.5;  ///< of the covered part: 0 lowest, 0.5 in the middle, 1 highest
  double scattering_s = 0.0;   ///< e-fold of the tail at 1 GHz; it goes with frequency^-4

  bool operator==(const InjectedPulse&) const = default;
};

/// [[pulse]]; no beams: all.
struct ListedInjection {
  InjectedPulse pulse;
  std::vector<int> beams;
};

/// [random], for each beam by itself: DM, band fraction and scattering are uniform, width and S/N uniform in
/// their logarithm, band_position is uniform. Arrivals are spread evenly over the time in which a whole sweep
/// fits into the scan, jittered, and nowhere nearer than min_spacing_s.
struct RandomInjections {
  int n = 0;  ///< in each beam; 0: none
  double dm_min_pc_cm3 = 100.0, dm_max_pc_cm3 = 1000.0;
  double width_min_s = 5e-4, width_max_s = 1e-2;
  double snr_min = 7.0, snr_max = 50.0;
  double band_fraction_min = 1.0, band_fraction_max = 1.0;
  double scattering_min_s = 0.0, scattering_max_s = 0.0;
  double min_spacing_s = 1.0;
  std::int64_t seed = 1;
};

struct InjectionSpec {
  std::string path;  ///< for errors
  std::vector<ListedInjection> listed;
  RandomInjections random;
};

/// Reads SPEC.toml. Throws std::invalid_argument with a line for each mistake, std::runtime_error where there
/// is no such file.
InjectionSpec load_injections(const std::string& path);

/// The pulses of a beam, by time. Throws std::invalid_argument where they do not fit into the stream: a
/// listed one that arrives outside of it, or more random ones than there is time for.
std::vector<InjectedPulse> pulses_of_beam(const InjectionSpec& spec, const StreamInfo& info, int beam);

/// Throws std::invalid_argument where a listed pulse names a beam that is not one of `beams`.
void check_injected_beams(const InjectionSpec& spec, const std::vector<int>& beams);

}  // namespace tianyan
