// The CUDA kernels as they are measured: each with memory of its own at a size of the telescope's, and what
// it moves and computes at least.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "cuda/device.hpp"

namespace tianyan {

/// The size of what kernels are measured with.
struct CudaSizes {
  int n_chan = 4096;
  std::int64_t n_time = 16384;  ///< samples of a statistics window, and of a block
  double sample_time_s = 49.152e-6;
  int n_trial = 2048;         ///< from a delay of 0 samples on
  std::int64_t n_fft = 8192;  ///< of voltages
  std::int64_t n_frame = 1024;

  double data_s() const { return static_cast<double>(n_time) * sample_time_s; }
};

/// One call: bytes of global memory that it must read or write at least, each once, and its operations.
struct CudaWork {
  double bytes = 0.0;
  double operations = 0.0;
  const char* what = "";  ///< of operations: "int16 additions"
  double data_s = 0.0;    ///< of one beam, that a call takes further
};

/// A kernel with its memory. Calls take turns on several sets of it, which together do not fit the L2 cache.
struct CudaKernel {
  CudaWork work;
  std::function<void(const Stream& stream)> run;
};

struct NamedCudaKernel {
  std::string name;
  std::function<CudaKernel(const CudaSizes& sizes)> make;  ///< on the device in use
};
const std::vector<NamedCudaKernel>& cuda_kernels();

/// Seconds of calls by the device's own clock: some to warm up, then as many as `n_call`, sorted.
std::vector<double> call_seconds(const CudaKernel& kernel, int n_call);

/// Bytes a second, read and written, of copies within the device; and from and to pinned memory of the host.
struct CopyRates {
  double device_bytes_s = 0.0, upload_bytes_s = 0.0, download_bytes_s = 0.0;
};
CopyRates measure_copies(std::int64_t bytes);

}  // namespace tianyan
