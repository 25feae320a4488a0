// Voltages as HDF5: the sink. Samples are turned to rows in pieces of a chunk, packed below 8 bits.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "io/atomic_file.hpp"
#include "io/hdf5_attributes.hpp"
#include "io/hdf5_voltages.hpp"
#include "io/voltage_sink.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kChunkBytes = 1 << 20;
constexpr std::size_t kChunkSlots = 10007;  // a prime, of HDF5's table of chunks

void put_attributes(hid_t data, const VoltageInfo& info, const std::vector<int>& beams,
                    const VoltageFormat& format, const std::string& path) {
  // The position is that of one beam.
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const bool is_one = beams.size() == 1;
  std::vector<std::string> labels = {"beam", format.n_bits >= 8 ? "time" : "row", "polarisation", "coarse"};
  if (format.n_bits >= 8 && format.is_complex) labels.emplace_back("complex");
  put_attribute(data, "format", std::string(kHdf5VoltageFormat), path);
  put_attribute(data, "format_version", kHdf5VoltageVersion, path);
  put_attribute(data, "n_bits", std::int64_t{format.n_bits}, path);
  put_attribute(data, "is_complex", std::int64_t{format.is_complex}, path);
  put_attribute(data, "is_inverted", std::int64_t{format.is_inverted}, path);
  put_attribute(data, "sample_time_s", info.sample_time_s, path);
  put_attribute(data, "band_low_mhz", info.band_low_mhz, path);
  put_attribute(data, "coarse_width_mhz", info.coarse_width_mhz, path);
  put_attribute(data, "start_mjd_day", info.start.day, path);
  put_attribute(data, "start_second", info.start.second, path);
  put_attribute(data, "n_time", info.n_time, path);
  put_attribute(data, "beams", std::vector<std::int64_t>(beams.begin(), beams.end()), path);
  put_attribute(data, "source_name", info.source_name, path);
  put_attribute(data, "telescope", info.telescope, path);
  put_attribute(data, "backend", info.backend, path);
  put_attribute(data, "ra_deg", std::vector<double>(beams.size(), is_one ? info.ra_deg : nan), path);
  put_attribute(data, "dec_deg", std::vector<double>(beams.size(), is_one ? info.dec_deg : nan), path);
  put_attribute(data, "DIMENSION_LABELS", labels, path);
}

/// No rows yet, and no time of creation: the same voltages are the same bytes.
Hdf5Id create_dataset(hid_t file, const Hdf5VoltageShape& shape, std::int64_t n_beam, std::int64_t chunk_rows,
                      hid_t type, const std::string& path) {
  const char* what = "create dataset /voltages";
  const auto none = shape.axes(n_beam, 0), chunk = shape.axes(1, chunk_rows);
  auto any = none;
  any[1] = H5S_UNLIMITED;
  const int rank = static_cast<int>(none.size());
  const Hdf5Id space(H5Screate_simple(rank, none.data(), any.data()), H5Sclose, path, what);
  const Hdf5Id plist(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, path, what);
  check_hdf5(H5Pset_chunk(plist, rank, chunk.data()), path, what);
  check_hdf5(H5Pset_obj_track_times(plist, false), path, what);
  // A chunk of each beam stays in memory until it is full.
  const Hdf5Id access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose, path, what);
  const auto cache = static_cast<std::size_t>((n_beam + 1) * std::max(kChunkBytes, shape.row_bytes));
  check_hdf5(H5Pset_chunk_cache(access, kChunkSlots, cache, 1.0), path, what);
  return {H5Dcreate2(file, "voltages", type, space, H5P_DEFAULT, plist, access), H5Dclose, path, what};
}

/// The integers that n_bits hold are [-bound, bound).
void check_range(View<const std::int16_t, 3> v, int n_bits, const std::string& path) {
  if (n_bits == 16) return;
  const int bound = 1 << (n_bits - 1);
  int low = 0, high = 0;
  for (std::int64_t c = 0; c < v.shape(0); ++c)
    for (std::int64_t p = 0; p < v.shape(1); ++p)
      for (std::int64_t k = 0; k < v.shape(2); ++k) {
        low = std::min<int>(low, v(c, p, k));
        high = std::max<int>(high, v(c, p, k));
      }
  expect(low >= -bound && high < bound, "{}: voltages from {} to {}; {} bits hold {} to {}", path, low, high,
         n_bits, -bound, bound - 1);
}

class Hdf5VoltageSink : public VoltageSink {
 public:
  Hdf5VoltageSink(const std::string& path, const VoltageInfo& info, const std::vector<int>& beams,
                  const VoltageFormat& format)
      : target_(path),
        info_(info),
        format_(format),
        shape_(hdf5_voltage_shape(info, format)),
        chunk_rows_(std::clamp<std::int64_t>(kChunkBytes / shape_.row_bytes, 1,
                                             std::max<std::int64_t>(1, shape_.rows_of(info.n_time)))),
        n_written_(beams.size(), 0),
        rows_(static_cast<std::size_t>(chunk_rows_ * shape_.row_bytes)) {
    const Hdf5Lock lock;
    file_ = create_hdf5(target_.temporary_path(), output_, path);
    data_ = create_dataset(file_, shape_, std::ssize(beams), chunk_rows_, hdf5_voltage_type(format), path);
    put_attributes(data_, info, beams, format, path);
  }

  void write(int b, View<const std::int16_t, 3> v) override {
    expect(b >= 0 && b < std::ssize(n_written_), "{}: beam number {} of {}", target_.path(), b,
           n_written_.size());
    expect(
        v.shape(0) == info_.n_coarse && v.shape(1) == info_.n_pol && v.shape(2) % format_.n_component() == 0,
        "{}: voltages of [{}][{}][{}]; {} coarse channels and {} polarisations were announced",
        target_.path(), v.shape(0), v.shape(1), v.shape(2), info_.n_coarse, info_.n_pol);
    const std::int64_t n = v.shape(2) / format_.n_component();
    std::int64_t& n_before = n_written_[static_cast<std::size_t>(b)];
    expect(n <= info_.n_time - n_before && n_before % shape_.row_samples == 0,
           "{}: {} samples after {} of {}, in rows of {}", target_.path(), n, n_before, info_.n_time,
           shape_.row_samples);
    check_range(v, format_.n_bits, target_.path());
    const Hdf5Lock lock;
    // To the end of a chunk each time, so that no chunk is begun in vain.
    for (std::int64_t t = 0, n_piece = 0; t < n; t += n_piece, n_before += n_piece) {
      const std::int64_t row = n_before / shape_.row_samples;
      n_piece = std::min(n - t, (chunk_rows_ - row % chunk_rows_) * shape_.row_samples);
      fill_rows(v, t, n_piece);
      put_rows(b, row, shape_.rows_of(n_piece));
    }
    output_.check(target_.path());
  }

  void finish() override {
    for (std::size_t b = 0; b < n_written_.size(); ++b)
      expect(n_written_[b] == info_.n_time, "{}: {} samples of beam number {} were given, {} were announced",
             target_.path(), n_written_[b], b, info_.n_time);
    const Hdf5Lock lock;
    const bool is_closed = data_.close() && file_.close();
    commit_hdf5(is_closed, output_, target_);
  }

 private:
  /// Samples [t, t + n) of v to rows_, [row][pol][coarse] cells.
  void fill_rows(View<const std::int16_t, 3> v, std::int64_t t, std::int64_t n) {
    const std::int64_t n_component = format_.n_component(), cell_bytes = shape_.cell_bits / 8;
    if (format_.n_bits < 8) std::fill(rows_.begin(), rows_.end(), std::uint8_t{0});
    for (std::int64_t p = 0; p < info_.n_pol; ++p)
      for (std::int64_t c = 0; c < info_.n_coarse; ++c) {
        const auto cell = v[c][p].slice(0, t * n_component, (t + n) * n_component);
        std::uint8_t* const to = rows_.data() + (p * info_.n_coarse + c) * cell_bytes;
        if (format_.n_bits == 16)
          fill_words(cell, to);
        else
          fill_bytes(cell, to);
      }
  }

  void fill_words(View<const std::int16_t, 1> v, std::uint8_t* to) const {
    const std::int64_t n_component = format_.n_component();
    for (std::int64_t k = 0; k < v.shape(0); ++k)
      std::memcpy(to + k / n_component * shape_.row_bytes + k % n_component * 2, &v[k], 2);
  }

  /// `each` components to a byte, the first in the low bits; bytes of 8-bit samples lie side by side.
  void fill_bytes(View<const std::int16_t, 1> v, std::uint8_t* to) const {
    const int n_bits = format_.n_bits, each = 8 / n_bits;
    const unsigned mask = (1U << n_bits) - 1;
    const std::int64_t cell_bytes = shape_.cell_bits / 8;
    for (std::int64_t k = 0; k < v.shape(0); ++k) {
      const std::int64_t byte = k / each;
      std::uint8_t& at = to[byte / cell_bytes * shape_.row_bytes + byte % cell_bytes];
      const unsigned bits = (static_cast<unsigned>(v[k]) & mask) << (k % each * n_bits);
      at = static_cast<std::uint8_t>(n_bits == 8 ? bits : at | bits);
    }
  }

  void put_rows(int b, std::int64_t row, std::int64_t n) {
    const char* what = "write to /voltages";
    const std::string& path = target_.path();
    n_row_ = std::max(n_row_, row + n);
    const auto all = shape_.axes(std::ssize(n_written_), n_row_), shape = shape_.axes(1, n);
    check_hdf5(H5Dset_extent(data_, all.data()), path, what);
    std::vector<hsize_t> begin(all.size(), 0);
    begin[0] = static_cast<hsize_t>(b);
    begin[1] = static_cast<hsize_t>(row);
    const Hdf5Id in_file(H5Dget_space(data_), H5Sclose, path, what);
    const Hdf5Id in_memory(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose,
                           path, what);
    check_hdf5(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, begin.data(), nullptr, shape.data(), nullptr),
               path, what);
    check_hdf5(H5Dwrite(data_, hdf5_voltage_type(format_), in_memory, in_file, H5P_DEFAULT, rows_.data()),
               path, what);
    output_.check(path);
  }

  AtomicFile target_;
  VoltageInfo info_;
  VoltageFormat format_;
  Hdf5VoltageShape shape_;
  std::int64_t chunk_rows_;
  std::vector<std::int64_t> n_written_;  // samples of each beam
  std::int64_t n_row_ = 0;
  std::vector<std::uint8_t> rows_;
  Hdf5Output output_;  // outlives the file
  Hdf5Id file_, data_;
};

std::unique_ptr<VoltageSink> create_hdf5_voltages(const std::string& path, const VoltageInfo& info,
                                                  const std::vector<int>& beams,
                                                  const VoltageFormat& format) {
  return std::make_unique<Hdf5VoltageSink>(path, info, beams, format);
}

[[maybe_unused]] const bool kSink =
    register_voltage_sink({"HDF5 voltages", ".h5", true, create_hdf5_voltages});

}  // namespace
}  // namespace tianyan
