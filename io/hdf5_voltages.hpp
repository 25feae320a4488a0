// Voltages of one or more beams as HDF5, our own layout: what its source and its sink share. docs/formats.md
// describes it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"
#include "kernels/base/voltage_info.hpp"

namespace tianyan {

inline constexpr char kHdf5VoltageFormat[] = "tianyan voltages";
inline constexpr std::int64_t kHdf5VoltageVersion = 1;

/// Whether a file is HDF5 with a dataset /voltages and none that is FBH5's, /data.
bool is_hdf5_voltages(const std::string& path, const std::vector<unsigned char>& head);

/// Dataset /voltages of integers, [beam][row][pol][coarse] or, of complex samples of 8 bits and more, with
/// [2] behind it: a row is one time, or below 8 bits as many as a byte holds of one coarse channel.
struct Hdf5VoltageShape {
  std::int64_t row_samples = 1;
  std::int64_t row_bytes = 0;  ///< of one beam
  std::int64_t cell_bits = 8;  ///< of one coarse channel and polarisation in a row
  std::vector<hsize_t> row;    ///< the axes behind the second

  /// Axes of n_beam beams, n_row rows.
  std::vector<hsize_t> axes(std::int64_t n_beam, std::int64_t n_row) const;
  std::int64_t rows_of(std::int64_t n_time) const { return (n_time + row_samples - 1) / row_samples; }
};
Hdf5VoltageShape hdf5_voltage_shape(const VoltageInfo& info, const VoltageFormat& format);

/// The type of elements: 16 and 8 bits signed, below unsigned bytes.
hid_t hdf5_voltage_type(const VoltageFormat& format);

}  // namespace tianyan
