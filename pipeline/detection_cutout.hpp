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

/// Times in samples count from the middle of the scan's first one, as those of SpectrumBins do: sample_of()
/// of the seconds since its beginning.
struct Cutout {
  StreamInfo info;
  Candidate candidate;  ///< about which it was cut
  SpectrumBins before;  ///< as recorded: 128 bands, 256 bins over the whole sweep
  SpectrumBins after;   ///< dedispersed at the candidate's DM: 128 bands, 256 bins of an 8th of its width
  SpectrumBins fine;    ///< the same span in bins of a 16th of its width, but not shorter than a sample
  /// As `after` in 256 bands, over as many bins as other DMs need; none where not asked for.
  std::optional<SpectrumBins> wide;

  double sample_of(double time_s) const { return time_s / info.sample_time_s - 0.5; }
  double time_s_of(double sample) const { return (sample + 0.5) * info.sample_time_s; }
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
  bool found = false;                ///< else the candidate is as it was
  double peak_snr = 0.0;             ///< best S/N by the weights at a DM that is not negative
  bool tried_dm_zero = false;        ///< DM 0 was among the trials
  double wrong_way_snr = 0.0;        ///< best S/N at a negative DM, 0 where none was in reach
  double wrong_way_dm_pc_cm3 = 0.0;  ///< that DM
};
/// The best boxcar within 8 widths, at least 64 samples, of delay across the band either way
/// (kernels/spectrum_peak.hpp). S/N is by the weights, times what the running noise made of the candidate's
/// own. Where S/N says nothing of the DM's error, it is the candidate's, or the change of DM if that is more.
/// A cut-out that shows less than half of the candidate's S/N has not found it.
Refined refine(const Cutout& cutout);

/// Draws the page, by the time and DM of `detection.best`, which may be refined. Throws std::runtime_error
/// where it cannot be written.
void plot_cutout(const std::string& path, const Cutout& cutout, const Detection& detection);

/// Writes the 256 x 256 images that FETCH reads, of a cut-out with `wide`, likewise.
void export_cutout(const std::string& path, const Cutout& cutout, const Detection& detection,
                   const Observation& observation);

}  // namespace tianyan
