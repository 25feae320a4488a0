// The CUDA backend, which registers itself.
#include "pipeline/cuda_row_search.hpp"
#include "pipeline/search_device.hpp"

namespace tianyan {
namespace {

class CudaBackend final : public DeviceBackend {
 public:
  std::vector<DeviceSummary> devices(std::string& why_none) const override {
    const auto found = find_devices();
    why_none = found.why_none;
    std::vector<DeviceSummary> devices;
    for (const auto& d : found.devices) {
      use_device(d.index);
      devices.push_back({d.index, d.name, device_in_use().free_bytes, 0});
    }
    return devices;
  }
  std::unique_ptr<RowSearch> make_row_search(const SearchBlocks& blocks, const SampleFormat& format,
                                             int n_threads, int device) const override {
    return std::make_unique<CudaRowSearch>(blocks, format, n_threads, device);
  }
};

const CudaBackend backend;
[[maybe_unused]] const bool is_registered = register_device_backend(backend);

}  // namespace
}  // namespace tianyan
