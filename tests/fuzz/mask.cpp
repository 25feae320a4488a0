// The program's own masks, HDF5.
#include <algorithm>
#include <stdexcept>

#include "io/mask_file.hpp"
#include "kernels/base/array.hpp"
#include "tests/fuzz/fuzz_target.hpp"
#include "tests/fuzz/recordings.hpp"

namespace tianyan::fuzz {
namespace {

/// Cells [first, first + n), as a search reads those of a window.
void read_cells(MaskReader& mask, std::int64_t first, std::int64_t n) {
  Array<std::uint8_t, 2> rule({n, mask.info().n_chan});
  mask.read(first, rule.view());
}

void run(std::string_view bytes) try {
  if (!bytes.starts_with(kHdf5Begins)) return;
  MaskReader mask(input_file(bytes));
  const std::int64_t n_cell = mask.info().n_cell();
  const auto n = std::min<std::int64_t>(n_cell, 5);
  for (const std::int64_t first : {std::int64_t{0}, n_cell - n}) read_cells(mask, first, n);
  std::int64_t end = 0;
  for (const FlaggedTimes& times : mask.times()) {
    promise(times.begin >= end && times.end > times.begin && times.end <= mask.info().n_time,
            "flagged times are ascending, disjoint and within the stream");
    end = times.end;
  }
} catch (const std::runtime_error&) {
}

const bool kRegistered = register_fuzz_target({"mask", run});

}  // namespace
}  // namespace tianyan::fuzz
