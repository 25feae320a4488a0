// VoltageSink: writes voltages of one or more beams in one of the formats that VoltageSource reads.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/base/view.hpp"
#include "kernels/base/voltage_info.hpp"

namespace tianyan {

/// Writes to a temporary name beside `path` and renames it in finish(): a file under its own name is whole.
/// A sink destroyed without finish() removes what it wrote.
class VoltageSink {
 public:
  virtual ~VoltageSink() = default;
  /// Appends samples to beam number `b` of those that were announced (from 0): v [coarse][pol][time *
  /// component], signed integers within the format's range, of as many samples each time as fit the format
  /// (a multiple of 64, the last one any). Throws std::runtime_error when the disk is full.
  virtual void write(int b, View<const std::int16_t, 3> v) = 0;
  virtual void finish() = 0;
};

struct VoltageSinkFormat {
  std::string name;       ///< "GUPPI", "DADA", "HDF5 voltages"
  std::string extension;  ///< ".raw", ".dada", ".h5"
  bool holds_beams;       ///< more than one in a file
  /// `info.n_time` samples of each of `beams` (info.beam is not looked at); two's complement codes.
  std::unique_ptr<VoltageSink> (*create)(const std::string& path, const VoltageInfo& info,
                                         const std::vector<int>& beams, const VoltageFormat& format);
};
bool register_voltage_sink(const VoltageSinkFormat& format);

/// The format whose extension `path` ends with; std::invalid_argument naming the known ones.
const VoltageSinkFormat& voltage_sink_format_for(const std::string& path);

/// Creates the file; an existing file is refused with std::runtime_error unless `overwrite`.
std::unique_ptr<VoltageSink> create_voltage_sink(const std::string& path, const VoltageInfo& info,
                                                 const std::vector<int>& beams, const VoltageFormat& format,
                                                 bool overwrite);

}  // namespace tianyan
