// One pass over a VDIF file: headers on the grid of frames, a search where the grid is broken.
#include "io/vdif_index.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kWindowBytes = 4 << 20;
/// Where frames are larger than this, only pieces of the file around their headers are read.
constexpr std::int64_t kLargeFrameBytes = 1 << 20;
constexpr std::int64_t kSmallWindowBytes = 1 << 16;

/// Times further from the first frame's are not believed: the index and every product of it stay finite.
constexpr std::int64_t kMaxSpanS = 7 * 86400;
/// Frames apart that neither losses nor reordering need a second header for.
constexpr std::int64_t kNearFrames = 1000;
/// Frames behind the first one that must agree where that is not near the file's beginning. In the tables of
/// HDF5 up to four entries look like frames: one byte counts, and its two lowest bits are a thread's.
constexpr int kFarNeighbours = 7;
/// A thread with fewer frames than the fullest one by this factor is a damaged thread number.
constexpr std::int64_t kStrayFactor = 16;
/// More than the 24 bits of a frame number: times of unknown frame rates stay in order.
constexpr std::int64_t kUnknownRate = 1 << 24;

/// The file through a buffer that moves forward.
class Window {
 public:
  Window(const RawFile& file, std::int64_t frame_bytes) : file_(file) {
    const std::int64_t n = frame_bytes > kLargeFrameBytes ? kSmallWindowBytes : kWindowBytes;
    buffer_.resize(static_cast<std::size_t>(std::min(n, file.size_bytes())));
  }

  /// What is buffered from `offset` on, at least min(n, rest of the file) bytes.
  std::string_view from(std::int64_t offset, std::int64_t n) {
    const std::int64_t rest = file_.size_bytes() - offset;
    if (offset < begin_ || offset + std::min(n, rest) > begin_ + held_) {
      held_ = std::min<std::int64_t>(static_cast<std::int64_t>(buffer_.size()), rest);
      begin_ = offset;
      file_.read(begin_, held_, buffer_.data());
    }
    return {buffer_.data() + (offset - begin_), static_cast<std::size_t>(begin_ + held_ - offset)};
  }

  /// Zeros stand behind the end of the file.
  VdifHeader header(std::int64_t offset) {
    const std::string_view bytes = from(offset, kVdifHeaderBytes);
    std::array<unsigned char, kVdifHeaderBytes> padded{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), padded.size()), padded.begin());
    return parse_vdif_header(padded.data());
  }

 private:
  const RawFile& file_;
  std::vector<char> buffer_;
  std::int64_t begin_ = 0, held_ = 0;
};

/// What the scan knows of one thread; runs hold times, not yet slots.
struct ThreadScan {
  std::int64_t n_frame = 0, n_invalid = 0;
  std::int64_t first_time = std::numeric_limits<std::int64_t>::max();
  std::int64_t last_time = std::numeric_limits<std::int64_t>::min();
  std::int64_t max_frame = 0;
  std::vector<VdifRun> runs;
};

/// In time order, the longer ones first.
bool is_before(const VdifRun& a, const VdifRun& b) {
  return std::tuple(a.first_slot, -a.n, a.offset) < std::tuple(b.first_slot, -b.n, b.offset);
}

std::int64_t last_offset(const VdifRun& run) { return run.offset + (run.n - 1) * run.step_bytes; }

/// Takes `next` into `run` where it goes on in time and at the same step; a single frame has any step.
bool join(VdifRun& run, const VdifRun& next, std::int64_t max_step_bytes) {
  const std::int64_t step = next.offset - last_offset(run);
  const bool fits = (run.n == 1 || run.step_bytes == step) && (next.n == 1 || next.step_bytes == step);
  if (next.first_slot != run.first_slot + run.n || step <= 0 || step > max_step_bytes || !fits) return false;
  run.step_bytes = step;
  run.n += next.n;
  return true;
}

class Scan {
 public:
  Scan(const RawFile& file, const VdifFirstFrame& first, std::int64_t frames_per_second)
      : file_(file),
        window_(file, first.header.frame_bytes),
        first_(first.header),
        rate_(frames_per_second > 0 ? frames_per_second : kUnknownRate),
        near_frames_(std::clamp<std::int64_t>(rate_, 16, kNearFrames)) {
    const std::string_view head = window_.from(first.offset, kVdifHeaderBytes);
    length_word_ = std::string(head.substr(8, 4));
    last_ = {first.header, first.offset};
    skip(0, first.offset);
  }

  void run() {
    const std::int64_t size = file_.size_bytes();
    std::int64_t at = last_.offset + first_.frame_bytes;
    while (at < size) {
      const VdifHeader header = window_.header(at);
      const bool is_cut = at + first_.frame_bytes > size;
      if (size - at < first_.header_bytes() || (is_cut && follows(header))) {
        lost_bytes_ = size - at;
        break;
      }
      at = follows(header) ? accept(header, at) : resume(at);
    }
    if (has_last_) commit(last_);
  }

  std::map<int, ThreadScan> threads;  ///< by number
  std::int64_t skipped_bytes = 0, n_skips = 0;
  std::int64_t n_frame = 0, n_beyond = 0;  ///< beyond: numbers that the rate does not have
  std::int64_t max_frame = 0;
  std::int64_t lost_bytes() const { return lost_bytes_; }

 private:
  struct Frame {
    VdifHeader header;
    std::int64_t offset = 0;
  };

  std::int64_t time_of(const VdifHeader& h) const { return (h.second - first_.second) * rate_ + h.frame; }

  bool are_near(const VdifHeader& a, const VdifHeader& b) const {
    if (std::abs(time_of(a) - time_of(b)) <= near_frames_) return true;
    const VdifHeader& later = a.second > b.second ? a : b;
    return rate_ == kUnknownRate && std::abs(a.second - b.second) == 1 && later.frame <= near_frames_;
  }

  bool belongs(const VdifHeader& h) const {
    return same_recording(h, first_) && std::abs(h.second - first_.second) <= kMaxSpanS;
  }

  bool follows(const VdifHeader& h) const { return belongs(h) && are_near(h, last_.header); }

  bool is_on_grid(std::int64_t offset) const { return (offset - last_.offset) % first_.frame_bytes == 0; }

  /// A whole frame off the grid, or far in time: its successor must agree.
  bool is_frame(std::int64_t offset) {
    const VdifHeader header = window_.header(offset);
    const std::int64_t end = offset + first_.frame_bytes;
    if (!belongs(header) || end > file_.size_bytes()) return false;
    const bool near_last = are_near(header, last_.header);
    if (near_last && is_on_grid(offset)) return true;
    if (end + first_.header_bytes() > file_.size_bytes()) return near_last;
    const VdifHeader next = window_.header(end);
    if (!belongs(next)) return false;
    const bool in_order = time_of(last_.header) <= time_of(header) && time_of(header) <= time_of(next);
    return are_near(header, next) || in_order;
  }

  /// The next frame behind the last one's header where the one at `at` is none; the file's size without one.
  std::int64_t find_frame(std::int64_t at) {
    if (is_frame(at)) return at;
    const std::int64_t size = file_.size_bytes();
    for (std::int64_t offset = last_.offset + 1; offset + first_.frame_bytes <= size;) {
      const std::string_view bytes = window_.from(offset, kVdifHeaderBytes);
      const std::size_t found = bytes.find(length_word_, 8);
      if (found == std::string_view::npos) {
        offset += static_cast<std::int64_t>(bytes.size()) - 11;  // a word across the end is seen next
        continue;
      }
      offset += static_cast<std::int64_t>(found) - 8;
      if (offset + first_.frame_bytes <= size && is_frame(offset)) return offset;
      ++offset;
    }
    return size;
  }

  /// Goes on behind a break of the grid at `at`; where the next header is due.
  std::int64_t resume(std::int64_t at) {
    const std::int64_t next = find_frame(at);
    const bool is_whole = is_on_grid(next);
    skip(is_whole ? at : last_.offset, next);
    has_last_ = has_last_ && is_whole;
    return next == file_.size_bytes() ? next : accept(window_.header(next), next);
  }

  void skip(std::int64_t begin, std::int64_t end) {
    skipped_bytes += end - begin;
    n_skips += end > begin ? 1 : 0;
  }

  std::int64_t accept(const VdifHeader& header, std::int64_t offset) {
    if (has_last_) commit(last_);
    last_ = {header, offset};
    has_last_ = true;
    return offset + first_.frame_bytes;
  }

  void commit(const Frame& frame) {
    ++n_frame;
    max_frame = std::max(max_frame, frame.header.frame);
    if (frame.header.frame >= rate_) {
      ++n_beyond;
      return;
    }
    ThreadScan& thread = threads[frame.header.thread];
    const std::int64_t time = time_of(frame.header);
    ++thread.n_frame;
    thread.first_time = std::min(thread.first_time, time);
    thread.last_time = std::max(thread.last_time, time);
    thread.max_frame = std::max(thread.max_frame, frame.header.frame);
    if (frame.header.is_invalid) {
      ++thread.n_invalid;
      return;
    }
    const VdifRun single{time, 1, frame.offset, first_.frame_bytes};
    if (thread.runs.empty() || !join(thread.runs.back(), single, kVdifMaxThreads * first_.frame_bytes))
      thread.runs.push_back(single);
  }

  const RawFile& file_;
  Window window_;
  VdifHeader first_;
  std::int64_t rate_, near_frames_;
  std::string length_word_;  ///< word 2: the same in every header of the recording
  Frame last_;
  bool has_last_ = true;  ///< last_ is whole as far as is known, and not yet committed
  std::int64_t lost_bytes_ = 0;
};

/// Takes away the threads of damaged headers; how many frames they had.
std::int64_t drop_strays(std::map<int, ThreadScan>& threads) {
  std::int64_t most = 0, n_stray = 0;
  for (const auto& [number, thread] : threads) most = std::max(most, thread.n_frame);
  for (const auto& [number, thread] : threads)
    if (thread.n_frame * kStrayFactor < most) n_stray += thread.n_frame;
  std::erase_if(threads, [&](const auto& entry) { return entry.second.n_frame * kStrayFactor < most; });
  return n_stray;
}

/// Counts the numbers that are followed by number 0 of the next second; runs hold times of an unknown rate.
void count_last_frames(std::vector<VdifRun>& runs, std::map<std::int64_t, std::int64_t>& n_last) {
  std::sort(runs.begin(), runs.end(), is_before);
  for (std::size_t i = 1; i < runs.size(); ++i) {
    const std::int64_t last = runs[i - 1].first_slot + runs[i - 1].n - 1, next = runs[i].first_slot;
    if (next % kUnknownRate == 0 && (last >> 24) + 1 == next >> 24) ++n_last[last & (kUnknownRate - 1)];
  }
}

/// From the times of an unknown rate: most seconds end with the last number, whatever the damaged ones say.
std::int64_t find_rate(std::map<int, ThreadScan>& threads, const std::string& path) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max(), last = 0, max_frame = 0;
  std::map<std::int64_t, std::int64_t> n_last;
  for (auto& [number, thread] : threads) {
    first = std::min(first, thread.first_time);
    last = std::max(last, thread.last_time);
    max_frame = std::max(max_frame, thread.max_frame);
    count_last_frames(thread.runs, n_last);
  }
  require((last >> 24) - (first >> 24) >= 2, "{}: the header has no sample rate: set voltages.sample_rate_hz",
          path);
  const auto most = std::max_element(n_last.begin(), n_last.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second, a.first) < std::pair(b.second, b.first);
  });
  return 1 + (most == n_last.end() ? max_frame : most->first);
}

/// A time of an unknown rate as one of a known rate, in the same order; numbers beyond it become the last.
std::int64_t with_rate(std::int64_t time, std::int64_t rate) {
  return (time >> 24) * rate + std::min(time & (kUnknownRate - 1), rate - 1);
}

/// Frames whose numbers the rate does not have go; how many.
std::int64_t set_rate(std::map<int, ThreadScan>& threads, std::int64_t rate) {
  std::int64_t n_beyond = 0;
  for (auto& [number, thread] : threads) {
    thread.first_time = with_rate(thread.first_time, rate);
    thread.last_time = with_rate(thread.last_time, rate);
    for (auto& run : thread.runs) {
      const std::int64_t n_room = rate - (run.first_slot & (kUnknownRate - 1));
      const std::int64_t n = std::clamp<std::int64_t>(n_room, 0, run.n);
      n_beyond += run.n - n;
      run.n = n;
      run.first_slot = with_rate(run.first_slot, rate);
    }
    std::erase_if(thread.runs, [](const VdifRun& run) { return run.n == 0; });
  }
  return n_beyond;
}

/// In time order; of frames of the same time those of the earlier, then the longer run stay: a frame with a
/// damaged time stands alone.
std::vector<VdifRun> disjoint(std::vector<VdifRun> runs, std::int64_t max_step_bytes,
                              std::int64_t& n_repeated) {
  std::sort(runs.begin(), runs.end(), is_before);
  std::vector<VdifRun> kept;
  for (VdifRun run : runs) {
    const std::int64_t end = kept.empty() ? run.first_slot : kept.back().first_slot + kept.back().n;
    const std::int64_t n_known = std::clamp<std::int64_t>(end - run.first_slot, 0, run.n);
    n_repeated += n_known;
    if (n_known == run.n) continue;
    run.first_slot += n_known;
    run.offset += n_known * run.step_bytes;
    run.n -= n_known;
    if (kept.empty() || !join(kept.back(), run, max_step_bytes)) kept.push_back(run);
  }
  return kept;
}

/// Threads, runs and the range of slots; times count from the first frame's second.
void fill_slots(std::map<int, ThreadScan>& threads, VdifIndex& index) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = std::numeric_limits<std::int64_t>::min();
  for (const auto& [number, thread] : threads) {
    first = std::min(first, thread.first_time);
    last = std::max(last, thread.last_time);
  }
  for (auto& [number, thread] : threads) {
    index.threads.push_back(number);
    index.n_invalid += thread.n_invalid;
    for (auto& run : thread.runs) run.first_slot -= first;
    index.runs.push_back(
        disjoint(std::move(thread.runs), kVdifMaxThreads * index.first.frame_bytes, index.n_repeated));
  }
  index.n_slot = last - first + 1;
  index.start_frame = (first % index.frames_per_second + index.frames_per_second) % index.frames_per_second;
  index.start_second = index.first.second + (first - index.start_frame) / index.frames_per_second;
}

/// A frame later or earlier that may stand next to another one: of the same recording, near in time.
bool is_neighbour(const VdifHeader& a, const VdifHeader& b) {
  if (!same_recording(a, b) || std::abs(a.second - b.second) > 1) return false;
  if (a.second == b.second)
    return std::abs(a.frame - b.frame) <= kNearFrames && (a.frame != b.frame || a.thread != b.thread);
  return (a.second > b.second ? a : b).frame <= kNearFrames;
}

VdifHeader read_header(const RawFile& file, std::int64_t offset) {
  std::array<unsigned char, kVdifHeaderBytes> bytes{};
  file.read(offset, std::min(kVdifHeaderBytes, file.size_bytes() - offset), bytes.data());
  return parse_vdif_header(bytes.data());
}

/// Near the file's beginning, which may be damaged, one neighbour is enough. Further on, where thousands of
/// offsets are tried and what grows in a table may pass for threads, more are needed where there is room.
bool is_first_frame(const RawFile& file, const std::vector<unsigned char>& head, std::int64_t offset,
                    const VdifHeader& header) {
  const std::int64_t step = header.frame_bytes, n_head = static_cast<std::int64_t>(head.size());
  if (offset == 0 && step == file.size_bytes()) return true;
  const std::int64_t limit = offset == 0 ? file.size_bytes() : n_head;  // the next one: within the head
  if (offset + step + header.header_bytes() > limit) return false;
  const int n_neighbour = offset < 2 * step ? 1 : kFarNeighbours;
  VdifHeader last = header;
  for (int k = 1; k <= n_neighbour && offset + k * step + header.header_bytes() <= file.size_bytes(); ++k) {
    const VdifHeader next = read_header(file, offset + k * step);
    if (!is_neighbour(last, next)) return false;
    last = next;
  }
  return true;
}

}  // namespace

std::optional<VdifFirstFrame> find_first_vdif_frame(const RawFile& file,
                                                    const std::vector<unsigned char>& head) {
  std::vector<unsigned char> padded = head;  // the shortest frame is shorter than a header with its extension
  padded.resize(head.size() + kVdifHeaderBytes);
  for (std::size_t offset = 0; offset < head.size(); ++offset) {
    const VdifHeader header = parse_vdif_header(padded.data() + offset);
    if (is_plausible(header) && is_first_frame(file, head, static_cast<std::int64_t>(offset), header))
      return VdifFirstFrame{static_cast<std::int64_t>(offset), header};
  }
  return std::nullopt;
}

VdifIndex index_vdif(const RawFile& file, const VdifFirstFrame& first, std::int64_t frames_per_second) {
  Scan scan(file, first, frames_per_second);
  scan.run();
  VdifIndex index;
  index.first = first.header;
  index.n_stray = drop_strays(scan.threads) + scan.n_beyond;
  require(!scan.threads.empty() && scan.n_beyond * 100 <= scan.n_frame,
          "{}: frame number {}, and {} frames a second by the sample rate: set voltages.sample_rate_hz",
          file.path(), scan.max_frame, frames_per_second);
  index.frames_per_second = frames_per_second > 0 ? frames_per_second : find_rate(scan.threads, file.path());
  if (frames_per_second <= 0) index.n_stray += set_rate(scan.threads, index.frames_per_second);
  index.skipped_bytes = scan.skipped_bytes;
  index.n_skips = scan.n_skips;
  index.lost_bytes = scan.lost_bytes();
  fill_slots(scan.threads, index);
  return index;
}

}  // namespace tianyan
