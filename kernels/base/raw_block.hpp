// A block of spectra as recorded: packed samples, with the calibration and weights that hold over spans of
// time.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/array.hpp"

namespace tianyan {

/// Samples [begin, end) of a block share one calibration. Tables are in recorded channel order. An empty
/// table means scale 1, offset 0, weight 1. A gap is a span with `missing` set: its samples are undefined and
/// count as weight 0.
struct CalibrationSpan {
  std::int64_t begin = 0, end = 0;
  bool missing = false;
  std::vector<float> scale;   ///< [pol * n_chan + channel]
  std::vector<float> offset;  ///< [pol * n_chan + channel]
  std::vector<float> weight;  ///< [channel]; 0 = flagged
};

/// Spectra [first_sample, first_sample + n_time) of a stream. The buffer is reused from read to read.
struct RawBlock {
  std::int64_t first_sample = 0;
  std::int64_t n_time = 0;
  Array<std::uint8_t, 2> samples;      ///< [time][byte of the spectrum]; may hold more rows than n_time
  std::vector<CalibrationSpan> spans;  ///< in order, covering [0, n_time) exactly

  /// Grows the buffer to at least `n` spectra of `bytes` each; what it held is lost when it must grow.
  void reserve(std::int64_t n, std::int64_t bytes) {
    if (samples.shape(0) < n || samples.shape(1) != bytes) samples = Array<std::uint8_t, 2>({n, bytes});
  }
};

}  // namespace tianyan
