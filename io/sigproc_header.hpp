// The header of a SIGPROC filterbank file: keywords, each with a value whose type only the keyword tells.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/raw_file.hpp"
#include "kernels/base/stream_info.hpp"

namespace tianyan {

struct SigprocHeader {
  StreamInfo info;  ///< n_time is not known from the header
  SampleFormat format;
  std::int64_t size_bytes = 0;   ///< of the header: samples begin here
  std::int64_t n_promised = -1;  ///< of keyword nsamples; -1 where it is missing or 0
  std::vector<std::string> notes;
};

/// Throws std::runtime_error naming the file and the keyword.
SigprocHeader read_sigproc_header(const RawFile& file);

/// The bytes of a header that says what `info` and `format` say. RA, Dec 0, 0 stand for an unknown position.
std::string make_sigproc_header(const StreamInfo& info, const SampleFormat& format);

}  // namespace tianyan
