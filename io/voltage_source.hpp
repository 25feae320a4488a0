// VoltageSource: recorded voltages of one beam, read by sample number whatever the format; formats register
// themselves.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/source.hpp"
#include "kernels/base/voltage_block.hpp"
#include "kernels/base/voltage_info.hpp"

namespace tianyan {

/// What the user says of a recording whose header does not (VDIF knows no frequencies); 0: as the header
/// says. What is given wins over the header.
struct VoltageHints {
  double sample_rate_hz = 0.0;  ///< complex or real samples a second of one coarse channel
  double band_low_mhz = 0.0;    ///< lower edge of the whole band
  int n_pol = 0;  ///< VDIF: threads are [coarse][pol], pol the fastest; 0: 2 where threads are even in number
  bool lower_sideband = false;  ///< the band is inverted against what the header says
};

class VoltageSource {
 public:
  virtual ~VoltageSource() = default;
  virtual const VoltageInfo& info() const = 0;
  virtual const VoltageFormat& format() const = 0;
  virtual const std::vector<InputFile>& files() const = 0;
  /// In voltage samples; what is missing counts where it is read or where the file was opened, once.
  virtual const Losses& losses() const = 0;
  /// Short name of the format: "GUPPI", "DADA", "VDIF", "HDF5 voltages".
  virtual std::string format_name() const = 0;
  /// Reads samples [first_sample, first_sample + n_time) into `out`, reusing its buffer: pieces for what is
  /// there, in any order, none for what is missing. The range must lie within [0, info().n_time), else
  /// std::invalid_argument. Throws std::runtime_error where the file cannot be read. Not safe to call from
  /// two threads at once.
  virtual void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) = 0;
};

/// A format announces itself: `probe` looks at the first bytes of a file (up to 64 KiB), never at its name.
struct VoltageSourceFormat {
  std::string name;
  bool (*probe)(const std::string& path, const std::vector<unsigned char>& head);
  /// Beams that the file holds, at least one; 0 where it does not say.
  std::vector<int> (*beams)(const std::string& path);
  std::unique_ptr<VoltageSource> (*open)(const std::string& path, int beam, const VoltageHints& hints);
};
/// Called by each format's file at start-up; returns true so that it can initialise a constant.
bool register_voltage_format(const VoltageSourceFormat& format);

/// The format that takes the file; nullptr where none does, also where it cannot be read.
const VoltageSourceFormat* voltage_format_of(const std::string& path);
/// The same, but std::runtime_error that says why: it cannot be read, or no format takes it.
const VoltageSourceFormat& known_voltage_format(const std::string& path);

/// Names of the known formats, in alphabetical order.
std::vector<std::string> voltage_format_names();

/// Opens the files of one beam as one stream, ordered by their start times. A file that starts within half a
/// sample or 2 us, whichever is longer, of the end of the one before it follows it at once; else what lies
/// between them is missing and counted as a gap, and samples that both hold are those of the earlier, with a
/// note. Only some of many files are open at a time: std::runtime_error where one has changed when it is
/// opened again.
///
/// Throws std::runtime_error naming both files where two share half of the shorter or more, are more than a
/// day apart, or differ in frequency, sampling, coding, source or beam.
std::unique_ptr<VoltageSource> open_voltages(const std::vector<std::string>& paths, int beam,
                                             const VoltageHints& hints);

}  // namespace tianyan
