// What searches the rows of a block, pass by pass: the samples of the octaves, dedispersion and boxcars, on
// the host or on a device. All give the same events.
#pragma once
#include <cstdint>

#include "kernels/base/view.hpp"
#include "pipeline/search_blocks.hpp"
#include "pipeline/tile_events.hpp"

namespace tianyan {

class RowSearch {
 public:
  virtual ~RowSearch() = default;
  /// Of the host, and of the device where there is one.
  virtual std::int64_t footprint_bytes() const = 0;
  virtual std::int64_t device_bytes() const { return 0; }
  virtual void allocate() = 0;

  /// Where the next window is to be written: q [channel][window].
  virtual View<std::int8_t, 2> window_samples() = 0;
  /// The window was written, and goes to the octaves that are searched; or one of samples without weight
  /// does. Before SearchBlocks goes on to the next.
  virtual void add_window() = 0;
  virtual void add_empty_window() = 0;
  /// The block is complete, and this pass of it is not without weight.
  virtual void search_pass(std::size_t pass, FoundEvents& found) = 0;
  /// Before SearchBlocks does.
  virtual void next_block() = 0;
};

}  // namespace tianyan
