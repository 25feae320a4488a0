// The mask of a stream as an HDF5 file, written and read piece by piece: which rule took which channel of
// which cell.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/base/flag_mask.hpp"
#include "kernels/base/stream_info.hpp"
#include "kernels/base/view.hpp"

namespace tianyan {

/// Layout, format_version 1:
///   /rule [cell][channel], uint8: the FlagRule of the first rule that took the whole of that channel in that
///     cell, 0 where none did. In chunks of all channels and at most 256 cells, deflated.
///   /times [n][2], int64: samples [begin, end) flagged in all channels, finer than cells; ascending and
///     disjoint.
///   Attributes of /: format "tianyan mask", format_version, rule_names (text, by the values of /rule),
///     n_chan, freq_low_mhz, channel_width_mhz, sample_time_s, n_time, start_mjd_day, start_second,
///     cell_samples, beam, source_name, config_hash.
/// Weights of the stream in numpy, w[time][channel]:
///   w = np.repeat(f['rule'][:] == 0, cell_samples, axis=0)[:n_time]
///   for begin, end in f['times']: w[begin:end] = False
///
/// Writes to a temporary name beside `path` and renames it in finish(), as a Sink does; without finish()
/// nothing is left. Memory stays at a few MiB whatever the length. What the disk refuses is
/// std::runtime_error naming `path`.
class MaskWriter {
 public:
  /// An existing file is refused unless `overwrite`. Throws std::invalid_argument where `info` is not
  /// believable.
  MaskWriter(const std::string& path, const FlagMaskInfo& info, bool overwrite);
  ~MaskWriter();
  MaskWriter(MaskWriter&& other) noexcept;
  MaskWriter& operator=(MaskWriter&& other) noexcept;

  /// The next cells, rule[cell][channel]. Throws std::invalid_argument for another number of channels, cells
  /// beyond info.n_cell(), and values that no FlagRule has.
  void append(View<const std::uint8_t, 2> rule);
  /// The next times: begin < end, each begin at or after the end before it, also of earlier calls, none
  /// beyond n_time; else std::invalid_argument.
  void add_times(const std::vector<FlaggedTimes>& times);
  /// Throws std::invalid_argument where cells are missing.
  void finish();

 private:
  struct File;
  std::unique_ptr<File> file_;
};

/// Throws std::runtime_error naming the file for whatever is wrong with it. Not safe to call from two threads
/// at once.
class MaskReader {
 public:
  explicit MaskReader(const std::string& path);
  ~MaskReader();
  MaskReader(MaskReader&& other) noexcept;
  MaskReader& operator=(MaskReader&& other) noexcept;

  const FlagMaskInfo& info() const;
  /// Cells [first_cell, first_cell + rule.shape(0)), which must lie within the mask, else
  /// std::invalid_argument.
  void read(std::int64_t first_cell, View<std::uint8_t, 2> rule);
  /// All of them, ascending and disjoint.
  const std::vector<FlaggedTimes>& times() const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

/// True where the file begins as HDF5 does, which PRESTO's masks never do: MaskReader says the rest. Throws
/// std::runtime_error where it cannot be read.
bool is_hdf5_mask(const std::string& path);

/// Throws std::invalid_argument naming `path` and both values where the mask is not of this stream: n_chan
/// and n_time must be equal, channels agree to a tenth of their width over the whole band, samples to half of
/// one over the whole scan. Beam and source may differ.
void check_mask_fits(const FlagMaskInfo& mask, const StreamInfo& info, const std::string& path);

}  // namespace tianyan
