// Sink: writes a stream of recorded spectra in one of the formats that Source reads.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/base/raw_block.hpp"
#include "kernels/base/stream_info.hpp"

namespace tianyan {

/// What was written and the file format cannot hold, in samples. A missing sample is written as zeros, so
/// that times stay right; scales and offsets are dropped, raw samples stay as they are; flagged channels keep
/// their samples.
struct SinkLosses {
  std::int64_t zero_filled = 0;   ///< in missing spans
  std::int64_t uncalibrated = 0;  ///< in spans with scales or offsets
  std::int64_t unflagged = 0;     ///< in spans with weights

  /// Counts the spans of a block that goes into a format without any of these.
  void add(const RawBlock& block);
};

/// Writes to a temporary name beside `path` and renames it in finish(): a file under its own name is whole.
/// A Sink destroyed without finish() removes what it wrote.
class Sink {
 public:
  virtual ~Sink() = default;
  /// The format in which write() wants its samples: the source's own wherever the file format can hold it.
  virtual const SampleFormat& format() const = 0;
  /// Appends block.n_time spectra in format(). Throws std::runtime_error when the disk is full.
  virtual void write(const RawBlock& block) = 0;
  virtual void finish() = 0;
  /// So far; all zero for formats that keep calibration and gaps.
  virtual const SinkLosses& losses() const = 0;
};

struct SinkFormat {
  std::string name;                     ///< "SIGPROC", "PSRFITS", "FBH5"
  std::vector<std::string> extensions;  ///< ".fil"; the first is the usual one
  bool keeps_calibration;               ///< spans' scales, offsets and weights survive
  bool keeps_track;                     ///< where the beam looked while it moved survives
  std::unique_ptr<Sink> (*create)(const std::string& path, const StreamInfo& info,
                                  const SampleFormat& wanted);
};
bool register_sink_format(const SinkFormat& format);

/// The format whose extension `path` ends with; std::invalid_argument naming the known ones.
const SinkFormat& sink_format_for(const std::string& path);

/// Creates the file. Throws std::runtime_error where it cannot be made; an existing file is refused unless
/// `overwrite`.
std::unique_ptr<Sink> create_sink(const std::string& path, const StreamInfo& info, const SampleFormat& wanted,
                                  bool overwrite);

}  // namespace tianyan
