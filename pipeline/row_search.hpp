// What searches the rows of a block, pass by pass: the samples of the octaves, dedispersion and boxcars, on
// the host or on a device. All give the same events.
#pragma once
#include <cstdint>

#include "pipeline/search_blocks.hpp"
#include "pipeline/tile_events.hpp"
#include "pipeline/window_levels.hpp"

namespace tianyan {

class RowSearch {
 public:
  virtual ~RowSearch() = default;
  /// Of the host without the levels, which have a footprint of their own; and of the device with them.
  virtual std::int64_t footprint_bytes() const = 0;
  virtual std::int64_t device_bytes() const { return 0; }
  /// Without the levels' memory.
  virtual void allocate() = 0;

  /// What windows are conditioned in.
  virtual WindowLevels& levels() = 0;
  /// The window's levels are complete, and go to the octaves that are searched; or those of a window without
  /// weight do. Before SearchBlocks goes on to the next.
  virtual void add_window() = 0;
  virtual void add_empty_window() = 0;
  /// The block is complete, and this pass of it is not without weight.
  virtual void search_pass(std::size_t pass, FoundEvents& found) = 0;
  /// Before SearchBlocks does.
  virtual void next_block() = 0;
};

}  // namespace tianyan
