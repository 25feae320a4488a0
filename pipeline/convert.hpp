// Conversion of a stream of spectra between file formats, lossless wherever the target can hold what is
// there.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "io/source.hpp"

namespace tianyan {

struct ConvertOptions {
  std::string path;  ///< the extension names the format
  bool overwrite = false;
  double start_s = 0.0;
  double duration_s = 0.0;              ///< 0: to the end
  std::int64_t block_bytes = 32 << 20;  ///< of recorded samples read at once
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};  ///< spectra
};

struct ConvertResult {
  std::int64_t n_time = 0;
  bool as_values = false;           ///< calibrated float32 values, since the target keeps no calibration
  std::int64_t zeroed_samples = 0;  ///< flagged or missing, written as 0, since the target keeps no weights
  bool fixed_pointing = false;      ///< the target has the first sample's pointing alone, and the beam moved
};

/// Copies recorded samples as they are, repacked where the target's bit or channel order differs. Where the
/// source has scales, offsets or weights that the target cannot keep, float32 values are written instead; a
/// flagged sample is written as 0. A fractional weight counts as 1 there. Throws std::invalid_argument where
/// the span of time is not in the stream or the target cannot hold the samples.
ConvertResult convert(Source& source, const ConvertOptions& options);

}  // namespace tianyan
