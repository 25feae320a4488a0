// Where beams are searched: on the host, or on devices that a backend knows, which registers itself where the
// program was built with one.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/config.hpp"
#include "pipeline/row_search.hpp"

namespace tianyan {

/// Of one search.
struct SearchDevice {
  static constexpr int kHost = -1;
  int index = kHost;
  bool is_host() const { return index == kHost; }
};

/// A device that can be used, and how much of its memory.
struct DeviceSummary {
  int index = 0;
  std::string name;
  std::int64_t free_bytes = 0, usable_bytes = 0;
};

class DeviceBackend {
 public:
  virtual ~DeviceBackend() = default;
  /// Nothing, and why, where none can be used.
  virtual std::vector<DeviceSummary> devices(std::string& why_none) const = 0;
  virtual std::unique_ptr<RowSearch> make_row_search(const SearchBlocks& blocks, const SampleFormat& format,
                                                     int n_threads, int device) const = 0;
};
/// Kept for the life of the process; the result is a value to initialise a static with.
bool register_device_backend(const DeviceBackend& backend);

/// The devices that a search may use: none for the host, and why it is the host.
struct ChosenDevices {
  std::vector<DeviceSummary> devices;
  std::string why_host;
  bool any() const { return !devices.empty(); }
  /// Of the i-th search of several at once: one device after another.
  SearchDevice of(std::size_t i) const;
  /// How many searches that take so much have room at once.
  int n_fitting(std::int64_t bytes) const;
};
/// As search.backend says: "cuda" needs a device, "auto" takes one where there is one. Throws
/// std::runtime_error that says why where a device is needed and there is none.
ChosenDevices choose_devices(const Config& config);

/// The search of a beam's rows on the host or a device; recorded samples are of this format. Throws
/// std::logic_error for a device without a backend.
std::unique_ptr<RowSearch> make_row_search(const SearchBlocks& blocks, const SampleFormat& format,
                                           int n_threads, const SearchDevice& device);

}  // namespace tianyan
