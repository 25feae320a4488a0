// Channelized files: one beam's voltages as spectra in a file format, one file for each coherent DM.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/source.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

struct ChannelizeRequest {
  Config config;
  BeamInput input;
  std::string path;  ///< the extension names the format; with several DMs, "_DM12.34" comes before it
  bool overwrite = false;
  double start_s = 0.0;
  double duration_s = 0.0;                                                   ///< 0: to the end
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};  ///< spectra
};

struct ChannelizeResult {
  std::vector<std::string> paths;
  StreamInfo info;
  std::int64_t missing_spectra = 0;  ///< without weight in all channels
  std::int64_t partial_spectra = 0;  ///< without weight in some coarse channels
  std::int64_t clipped_samples = 0;  ///< beyond 8 bits, of `samples`
  std::int64_t samples = 0;
  Losses losses;  ///< in voltage samples
};

/// Samples of 8 bits are value = raw * scale + offset, channel by channel and product by product. Where the
/// format keeps scales they are measured anew every kScaleSpectra spectra of the file; elsewhere those of
/// the first such stretch in which a coarse channel is there hold for the whole file and are not kept, and
/// what has no weight is zeros. Throws std::invalid_argument where the config or the span of time does not
/// fit, or where a format without scales would hold signed products in 8 bits; std::runtime_error where files
/// cannot be read or written; Interrupted at a signal, with nothing left behind.
ChannelizeResult channelize(const ChannelizeRequest& request);

inline constexpr std::int64_t kScaleSpectra = 4096;

}  // namespace tianyan
