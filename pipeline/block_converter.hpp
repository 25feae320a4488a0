// Blocks of one sample format as another: what conversion and cleaning write.
#pragma once
#include <cstdint>
#include <vector>

#include "io/source.hpp"
#include "kernels/repack.hpp"

namespace tianyan {

/// Reads [begin, end) until a scale, offset or weight is found that matters: what a row holds is known only
/// when it is read.
bool has_calibration(Source& source, std::int64_t begin, std::int64_t end, std::int64_t n_block);

/// Samples as calibrated float32, in the recorded channel order.
SampleFormat float_format(const SampleFormat& recorded);

/// Makes the target's block of a source's block.
class BlockConverter {
 public:
  /// `as_values`: calibrated values. Throws std::invalid_argument where the target cannot hold the samples.
  BlockConverter(const StreamInfo& info, const SampleFormat& from, const SampleFormat& to, bool as_values,
                 bool keeps_calibration);
  /// Holds until the next call.
  const RawBlock& operator()(RawBlock& in);
  std::int64_t n_zeroed() const { return n_zeroed_; }

 private:
  StreamInfo info_;
  SampleFormat from_, to_;
  bool as_values_, keeps_calibration_;
  std::int64_t n_zeroed_ = 0;
  Array<float, 2> values_;
  RawBlock out_;
};

}  // namespace tianyan
