// A model, not a measurement, of a search on a device: what each kernel moves and does for a second of one
// beam's data, and how long that takes at the rates that makers of devices name.
#pragma once
#include <string>
#include <vector>

#include "kernels/base/stream_info.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {

/// Of one kernel, for a second of one beam's data.
struct ModelledKernel {
  std::string name;
  double bytes = 0.0;     ///< of the device's memory, read and written
  double accesses = 0.0;  ///< loads, stores and shuffles of single lanes, which a multiprocessor makes 32 of
                          ///< in a clock: what bounds kernels of integers in shared memory
};

/// What data sheets say.
struct ModelledDevice {
  std::string name;
  double memory_bytes_s = 0.0;
  int n_multiprocessor = 0;
  double clock_hz = 0.0;
  double upload_bytes_s = 0.0;  ///< from the host

  /// The longer of the two.
  double seconds(const ModelledKernel& kernel) const;
};
const std::vector<ModelledDevice>& modelled_devices();

/// The kernels of a search of samples of n_bits, in its order.
std::vector<ModelledKernel> modelled_kernels(const SearchPlan& plan, const StreamInfo& info, int n_bits);

/// A table in Markdown of both.
std::string model_text(const SearchPlan& plan, const StreamInfo& info, int n_bits);

}  // namespace tianyan
