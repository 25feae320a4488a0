// The cut-out of a detection as an HDF5 file that the classifier FETCH and the plotter of `your` read.
//
// Layout, of `your` (your/candidate.py, save_h5 and dmtime; bin/your_candmaker.py), which FETCH takes as it
// is (fetch/data_sequence.py): float32 of 256 x 256, deflated,
//   /data_freq_time[time][frequency]  dedispersed at the DM `dm`; frequency 0 is the highest, foff < 0
//   /data_dm_time[dm][time]           dm[d] = 2 dm d / 255: DM 0 first, `dm` in the middle, 2 dm last
// both with DIMENSION_LABELS, and attributes of the file: cand_id, tcand, dm, dm_opt, snr, snr_opt, width,
// label, filelist and the observation's header. Readers know from `width` what a cell of time is: the mean of
// width / 2 samples, so that the image is 128 widths long. It is the width by which the image was made, twice
// a cell; `width_s` is the detection's. The pulse, as it arrives at the highest channel, is at the beginning
// of cell 128.
// Each image has its median subtracted and is divided by its standard deviation, as your_candmaker.py does.
// FETCH removes a line in time from each channel, and standardises both images itself: scale and offset are
// of no importance to it.
#pragma once
#include <cstdint>
#include <string>

#include "kernels/base/detection.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

inline constexpr std::int64_t kCutoutSize = 256;  ///< of every axis

/// Images in any linear scale. NaN is a cell without data: it is written as 0, the median.
struct CutoutData {
  View<const float, 2> freq_time;  ///< [time][frequency], frequency 0 the highest
  View<const float, 2> dm_time;    ///< [dm][time], dm by cutout_dm_pc_cm3()
  std::int64_t cell_samples = 1;   ///< of the scan in a cell of time, at least 1
  std::int64_t n_spectra = 0;      ///< of the scan
};

/// Of row d of dm_time.
double cutout_dm_pc_cm3(const Detection& detection, std::int64_t d);

/// Whole or not at all, under `path`; the same cut-out is the same bytes. dm_opt and snr_opt are -1 where the
/// detection was not refined. Throws std::invalid_argument for images of another shape, a cell or a sample
/// time that is not positive or a scan without channels, std::runtime_error where the file cannot be written.
void write_cutout(const std::string& path, const Detection& detection, const Observation& scan,
                  const CutoutData& data);

}  // namespace tianyan
