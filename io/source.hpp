// Source: recorded spectra of one beam, read by sample number whatever the format; formats register
// themselves.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/base/raw_block.hpp"
#include "kernels/base/stream_info.hpp"

namespace tianyan {

/// One input file, for reports and table headers.
struct InputFile {
  std::string path;
  std::int64_t size_bytes = 0;
  std::uint64_t header_checksum = 0;  ///< FNV-1a of the file's first min(size, 64 KiB) bytes
  std::int64_t first_sample = 0;      ///< in the stream that it is part of
  std::int64_t n_time = 0;
  bool is_mask = false;  ///< a given mask, not a part of the stream: listed after its files
};

/// What a reader had to leave out or fill in: each is counted, none is silent.
struct Losses {
  std::int64_t gap_samples = 0;  ///< filled with zero weight
  std::int64_t n_gaps = 0;
  std::int64_t lost_bytes = 0;     ///< at the end of a file cut in mid-row
  std::vector<std::string> notes;  ///< one human line each, naming the file
  bool cut_short = false;          ///< something is missing that the header promised: exit code 3

  /// Those of a part of the stream, after the others.
  void add(const Losses& part);
  /// A file that is opened again counts anew, from less to as much as it had counted before.
  bool counts_less_than(const Losses& other) const;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual const StreamInfo& info() const = 0;
  virtual const SampleFormat& format() const = 0;
  virtual const std::vector<InputFile>& files() const = 0;
  virtual const Losses& losses() const = 0;
  /// Short name of the format: "SIGPROC", "PSRFITS", "FBH5".
  virtual std::string format_name() const = 0;
  /// Where read() makes the spectra itself: with how many threads, not while it runs; what it takes then
  /// beyond its caller's block; and giving that back, until the next read().
  virtual void use_threads(int) {}
  virtual std::int64_t memory_bytes() const { return 0; }
  virtual void release() {}
  /// Reads spectra [first_sample, first_sample + n_time) into `out`, reusing its buffer. The range must lie
  /// within [0, info().n_time), else std::invalid_argument. Throws std::runtime_error where the file cannot
  /// be read. Not safe to call from two threads at once.
  virtual void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) = 0;
};

/// A format announces itself: `probe` looks at the first bytes of a file (up to 64 KiB), never at its name.
struct SourceFormat {
  std::string name;
  bool (*probe)(const std::string& path, const std::vector<unsigned char>& head);
  std::unique_ptr<Source> (*open)(const std::string& path);
};
/// Called by each format's file at start-up; returns true so that it can initialise a constant.
bool register_source_format(const SourceFormat& format);

/// Opens one file by its content. Throws std::runtime_error: no such file, not readable, no known format, bad
/// header.
std::unique_ptr<Source> open_source(const std::string& path);

/// Opens the files of one beam as one stream, ordered by their start times; gaps are filled with zero weight
/// and counted. Files that overlap or differ in frequency, sampling or format are std::runtime_error naming
/// both.
std::unique_ptr<Source> open_series(const std::vector<std::string>& paths);

/// The files of one beam of a scan.
struct BeamInput {
  int beam = 0;  ///< from the name or the header; 0 where neither says
  std::vector<std::string> paths;
  bool is_voltage = false;  ///< for open_voltages(), else for open_series()
};
struct FoundInputs {
  std::vector<BeamInput> beams;  ///< by beam number
  std::vector<std::string>
      skipped;  ///< "PATH: reason" of each file that a directory or glob held and that was not taken
};
/// Expands files, directories (one level) and globs. Files named one by one must exist and be of a known
/// format; in a directory, other files, FAST's spectral (_N_, _W_, _F_) and _cal- files are skipped and
/// listed. `-M(\d\d)` in the name gives the beam, else the header does. A file of voltages may hold several
/// beams. A file that was found and cannot be read is skipped, too, unless its name says that it is a beam's:
/// then it goes with that beam's others, whatever their kind, for opening them to say what is wrong. Throws
/// std::runtime_error where nothing is left to read, std::invalid_argument where one beam has voltages and
/// spectra.
FoundInputs find_inputs(const std::vector<std::string>& inputs);

/// What an input stands for, none of it opened: a file itself, the entries of a directory, what a glob
/// matches with the entries of directories among that. Throws std::runtime_error where there is nothing.
std::vector<std::string> list_input(const std::string& input);

}  // namespace tianyan
