// Windows of a mask file.
#include "pipeline/given_mask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "io/beam_name.hpp"
#include "io/raw_file.hpp"

namespace tianyan {

GivenMask::GivenMask(const std::string& path, const StreamInfo& info) : reader_(path) {
  check_mask_fits(reader_.info(), info, path);
  expect(reader_.info().cell_samples == kCellSamples, "{}: cells of {} samples; {} are wanted", path,
         reader_.info().cell_samples, kCellSamples);
}

MaskWindow GivenMask::window(std::int64_t first, std::int64_t n_time) {
  const auto n_cell = (n_time + kCellSamples - 1) / kCellSamples;
  if (rule_.shape(0) != n_cell) rule_ = Array<std::uint8_t, 2>({n_cell, reader_.info().n_chan});
  reader_.read(first / kCellSamples, rule_.view());
  MaskWindow window;
  window.rule = rule_.cview();
  const auto& times = reader_.times();
  auto run =
      std::partition_point(times.begin(), times.end(), [&](const FlaggedTimes& t) { return t.end <= first; });
  for (; run != times.end() && run->begin < first + n_time; ++run)
    window.times.push_back({std::max(run->begin, first) - first, std::min(run->end, first + n_time) - first});
  return window;
}

std::string mask_file_of(const std::string& path, int beam) {
  if (!std::filesystem::is_directory(path)) return path;
  const auto file = std::filesystem::path(path) / (beam_name(beam) + "_mask.h5");
  require(std::filesystem::exists(file), "{}: no {} for beam {}", path, file.filename().string(),
          beam_name(beam));
  return file.string();
}

InputFile mask_input_file(const std::string& path) {
  InputFile file = describe_input(RawFile(path), 0);
  file.is_mask = true;
  return file;
}

}  // namespace tianyan
