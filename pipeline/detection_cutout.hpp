// The spectra around a candidate, read once again from its scan and conditioned by the same windows: what is
// measured at full resolution, plotted and cut out comes from them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "io/source.hpp"
#include "kernels/base/candidate.hpp"
#include "kernels/base/detection.hpp"
#include "kernels/dynamic_spectrum.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

/// Times are in samples of the scan, k being the middle of sample k.
struct Cutout {
  StreamInfo info;
  Candidate candidate;    ///< about which it was cut
  double arrival_sample;  ///< of the candidate
  SpectrumBins before;    ///< as recorded: 128 bands, 256 bins over the whole sweep
  SpectrumBins after;     ///< dedispersed at the candidate's DM: 128 bands, 256 bins of an 8th of its width
  /// As `after` in 256 bands, over as many bins as other DMs need; none where not asked for.
  std::optional<SpectrumBins> wide;

  /// By which band b of `bins` is later than the reference frequency, in bins per pc/cm3.
  double delay_bins_per_dm(const SpectrumBins& bins, std::int64_t b) const;
  /// The DM that delays the whole band by so many bins of `bins`.
  double dm_of_bins(const SpectrumBins& bins, double n_bin) const;
};

/// Of the frequency at which times and DMs of a fit over a flat band are uncorrelated: f^-2 has its mean
/// there, (f_low f_high)^-1 with the band's edges.
double mid_freq_mhz(const StreamInfo& info);

/// Reads the windows around the candidate. `mask_file` is the beam's given mask, or empty; what other beams
/// said of the windows is not asked again. Throws std::runtime_error where a file cannot be read.
Cutout read_cutout(const Config& config, Source& source, const std::string& mask_file,
                   const Candidate& candidate, bool with_wide, int n_threads);

/// What a candidate is at full resolution.
struct Refined {
  Candidate candidate;               ///< time, DM and its error, width, S/N; members and beam as before
  double wrong_way_snr = 0.0;        ///< best S/N at a negative DM, 0 where none was in reach
  double wrong_way_dm_pc_cm3 = 0.0;  ///< that DM
};
/// The best boxcar within 64 bins of delay across the band either way (kernels/spectrum_peak.hpp). S/N is by
/// the weights, times what the running noise made of the candidate's own. A cut-out that shows less than half
/// of the candidate's S/N has not got hold of it: the candidate is returned as it was.
Refined refine(const Cutout& cutout);

/// Draws the page. `detection.best` may be refined. Throws std::runtime_error where it cannot be written.
void plot_cutout(const std::string& path, const Cutout& cutout, const Detection& detection,
                 const std::string& file);

/// Writes the 256 x 256 images that FETCH reads, of a cut-out with `wide`.
void export_cutout(const std::string& path, const Cutout& cutout, const Detection& detection,
                   const Observation& observation);

}  // namespace tianyan
