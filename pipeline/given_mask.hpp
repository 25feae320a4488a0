// A mask that the user gives for one beam, cut into statistics windows.
#pragma once
#include <string>
#include <vector>

#include "io/mask_file.hpp"
#include "io/source.hpp"
#include "pipeline/window_flags.hpp"

namespace tianyan {

class GivenMask {
 public:
  /// Throws std::runtime_error where the file is no mask, std::invalid_argument where it is another stream's.
  GivenMask(const std::string& path, const StreamInfo& info);
  /// Of which it was made; 0 unknown.
  int beam() const { return reader_.info().beam; }
  /// What it says of samples [first, first + n_time); first is a multiple of kCellSamples. Holds until the
  /// next call.
  MaskWindow window(std::int64_t first, std::int64_t n_time);

 private:
  MaskReader reader_;
  Array<std::uint8_t, 2> rule_;
};

/// The mask of a beam: `path` itself, or in a directory M01_mask.h5 and so on. Throws std::runtime_error
/// where there is none.
std::string mask_file_of(const std::string& path, int beam);

/// As results and tables name an input file.
InputFile mask_input_file(const std::string& path);

}  // namespace tianyan
