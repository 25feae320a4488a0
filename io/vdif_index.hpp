// Where the frames of a VDIF file are: the file is read through once, and what is whole is kept as runs.
//
// Frames follow each other every frame_bytes bytes until something is lost. Where the next header is not one
// of this recording, or its time is far from the last one's without its successor agreeing, the search goes
// on byte by byte from the last frame's header for a header whose successor agrees. The frame before such a
// break cannot be told from one that lost bytes, so it counts as missing, unless the grid of frames
// continues behind the break: then only headers were damaged.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "io/raw_file.hpp"
#include "io/vdif_header.hpp"

namespace tianyan {

/// Frames of one thread in time order: frame number first_slot + i is at byte offset + i step_bytes.
struct VdifRun {
  std::int64_t first_slot = 0, n = 0;
  std::int64_t offset = 0, step_bytes = 0;
};

/// Slot s is the time start + s / frames_per_second.
struct VdifIndex {
  VdifHeader first;                        ///< of the first frame in the file
  std::vector<int> threads;                ///< that occur, ascending
  std::vector<std::vector<VdifRun>> runs;  ///< [thread index]: ascending, disjoint, of valid frames
  std::int64_t frames_per_second = 0;
  std::int64_t n_slot = 0;
  std::int64_t start_second = 0, start_frame = 0;  ///< of slot 0; since the epoch, within the second
  std::int64_t n_invalid = 0, n_repeated = 0;
  std::int64_t n_stray = 0;  ///< frames of threads that hardly occur: damaged thread numbers
  std::int64_t skipped_bytes = 0, n_skips = 0;
  std::int64_t lost_bytes = 0;  ///< of the frame that the end of the file cuts
};

struct VdifFirstFrame {
  std::int64_t offset = 0;
  VdifHeader header;
};
/// The first plausible header in `head` (the file's first bytes) whose successor in the file is one of the
/// same recording and near in time, but not the same frame; two frames or more behind the first byte, as many
/// successors as 7 where there is room for them; or a file that is one frame.
std::optional<VdifFirstFrame> find_first_vdif_frame(const RawFile& file,
                                                    const std::vector<unsigned char>& head);

/// frames_per_second 0: from the last frame numbers before those of the next second, where the file spans
/// more than one boundary of seconds. Throws std::runtime_error naming the file where it cannot be known, and
/// where frame numbers contradict it.
VdifIndex index_vdif(const RawFile& file, const VdifFirstFrame& first, std::int64_t frames_per_second);

}  // namespace tianyan
