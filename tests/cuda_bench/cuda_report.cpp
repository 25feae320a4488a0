// Measures, and says what was measured.
#include "tests/cuda_bench/cuda_report.hpp"

#include <fmt/format.h>

#include "pipeline/version.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

json kernel_report(const NamedCudaKernel& named, const CudaReportOptions& options, double copy_bytes_s) {
  const auto kernel = named.make(options.sizes);
  const auto seconds = call_seconds(kernel, options.n_call);
  const double median = std::max(seconds[seconds.size() / 2], 1e-12);
  return {{"kernel", named.name},
          {"median_s", median},
          {"least_s", seconds.front()},
          {"most_s", seconds.back()},
          {"bytes", kernel.work.bytes},
          {"operations", kernel.work.operations},
          {"operations_are", kernel.work.what},
          {"bytes_per_s", kernel.work.bytes / median},
          {"operations_per_s", kernel.work.operations / median},
          {"fraction_of_copy", kernel.work.bytes / median / copy_bytes_s},
          {"data_s_per_s", kernel.work.data_s / median}};
}

json device_report(const DeviceInfo& device, const CudaReportOptions& options) {
  use_device(device.index);
  const auto copies = measure_copies(options.copy_bytes);
  json kernels = json::array();
  for (const auto& named : cuda_kernels())
    kernels.push_back(kernel_report(named, options, copies.device_bytes_s));
  return {{"name", device.name},
          {"compute_capability", fmt::format("{}.{}", device.major, device.minor)},
          {"multiprocessors", device.n_multiprocessor},
          {"memory_bytes", device.memory_bytes},
          {"l2_bytes", device.l2_bytes},
          {"copy_bytes_per_s", copies.device_bytes_s},
          {"upload_bytes_per_s", copies.upload_bytes_s},
          {"download_bytes_per_s", copies.download_bytes_s},
          {"kernels", kernels}};
}

}  // namespace

json cuda_report(const CudaReportOptions& options) {
  const auto found = find_devices();
  const auto& s = options.sizes;
  json devices = json::array();
  for (const auto& device : found.devices) devices.push_back(device_report(device, options));
  return {{"program", fmt::format("tianyan {}", kVersion)},
          {"sizes",
           {{"channels", s.n_chan},
            {"samples", s.n_time},
            {"trials", s.n_trial},
            {"fft", s.n_fft},
            {"frames", s.n_frame}}},
          {"calls", options.n_call},
          {"why_no_device", found.devices.empty() ? json(found.why_none) : json(nullptr)},
          {"devices", devices}};
}

std::string cuda_report_text(const json& report) {
  std::string text =
      fmt::format("{}, CUDA kernels: {} channels, {} samples, {} trials; medians of {} calls\n",
                  report["program"].get<std::string>(), report["sizes"]["channels"].get<int>(),
                  report["sizes"]["samples"].get<int>(), report["sizes"]["trials"].get<int>(),
                  report["calls"].get<int>());
  if (report["devices"].empty())
    text += fmt::format("no device was measured: {}\n", report["why_no_device"].get<std::string>());
  for (const auto& d : report["devices"]) {
    text += fmt::format(
        "\n{}, compute capability {}, {} multiprocessors, {:.1f} GB\n"
        "copies: {:.0f} GB/s within the device, {:.1f} GB/s to it, {:.1f} GB/s from it\n"
        "{:<16} {:>10} {:>8} {:>8} {:>12} {:>14}\n",
        d["name"].get<std::string>(), d["compute_capability"].get<std::string>(),
        d["multiprocessors"].get<int>(), d["memory_bytes"].get<double>() / 1e9,
        d["copy_bytes_per_s"].get<double>() / 1e9, d["upload_bytes_per_s"].get<double>() / 1e9,
        d["download_bytes_per_s"].get<double>() / 1e9, "kernel", "ms", "GB/s", "of copy", "Gop/s",
        "x real time");
    for (const auto& k : d["kernels"])
      text += fmt::format("{:<16} {:>10.3f} {:>8.1f} {:>8.3f} {:>12.1f} {:>14.0f}\n",
                          k["kernel"].get<std::string>(), k["median_s"].get<double>() * 1e3,
                          k["bytes_per_s"].get<double>() / 1e9, k["fraction_of_copy"].get<double>(),
                          k["operations_per_s"].get<double>() / 1e9, k["data_s_per_s"].get<double>());
  }
  return text;
}

}  // namespace tianyan
