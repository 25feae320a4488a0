// The choice between the host and devices.
#include "pipeline/search_device.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "pipeline/host_row_search.hpp"

namespace tianyan {
namespace {

const DeviceBackend*& known_backend() {
  static const DeviceBackend* backend = nullptr;
  return backend;
}

}  // namespace

bool register_device_backend(const DeviceBackend& backend) {
  known_backend() = &backend;
  return true;
}

SearchDevice ChosenDevices::of(std::size_t i) const {
  return devices.empty() ? SearchDevice{} : SearchDevice{devices[i % devices.size()].index};
}

// Each device gets as many as the others.
int ChosenDevices::n_fitting(std::int64_t bytes) const {
  std::int64_t least = std::numeric_limits<int>::max();
  for (const auto& d : devices) least = std::min(least, d.usable_bytes / std::max<std::int64_t>(bytes, 1));
  return static_cast<int>(
      std::min<std::int64_t>(least * std::ssize(devices), std::numeric_limits<int>::max()));
}

ChosenDevices choose_devices(const Config& config) {
  ChosenDevices chosen;
  if (config.search.backend == "cpu") {
    chosen.why_host = "search.backend = \"cpu\"";
    return chosen;
  }
  if (known_backend() == nullptr)
    chosen.why_host = "this build has no CUDA backend";
  else
    chosen.devices = known_backend()->devices(chosen.why_host);
  const auto limit = config.limits.device_memory_bytes;
  for (auto& d : chosen.devices) {
    const auto most = d.free_bytes / 10 * 9;  // contexts and other programs take some
    d.usable_bytes = limit > 0 ? std::min(limit, most) : most;
  }
  require(chosen.any() || config.search.backend != "cuda",
          "search.backend = \"cuda\": {}; \"auto\" or \"cpu\" search on the host", chosen.why_host);
  return chosen;
}

std::unique_ptr<RowSearch> make_row_search(const SearchBlocks& blocks, const SampleFormat& format,
                                           int n_threads, const SearchDevice& device) {
  if (device.is_host()) return std::make_unique<HostRowSearch>(blocks, format, n_threads);
  if (known_backend() == nullptr) throw std::logic_error("a device to search on, and no backend for it");
  return known_backend()->make_row_search(blocks, format, n_threads, device.index);
}

}  // namespace tianyan
