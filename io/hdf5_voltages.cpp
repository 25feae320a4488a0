// Voltages as HDF5: the source. One beam of the file is read by hyperslabs of [beam][rows].
#include "io/hdf5_voltages.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "io/beam_name.hpp"
#include "io/hdf5_attributes.hpp"
#include "io/hdf5_check.hpp"
#include "io/hdf5_read.hpp"
#include "io/raw_file.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/expect.hpp"
#include "kernels/base/sample_range.hpp"

namespace tianyan {

bool is_hdf5_voltages(const std::string& path, const std::vector<unsigned char>& head) {
  if (!has_hdf5_signature(head)) return false;
  const Hdf5Lock lock;
  Hdf5Id file;
  try {
    check_hdf5_root(path);
    file = Hdf5Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path, "open it");
  } catch (const std::runtime_error&) {  // whoever opens it as FBH5 will say what is wrong
    return false;
  }
  return H5Lexists(file, "voltages", H5P_DEFAULT) > 0 && H5Lexists(file, "data", H5P_DEFAULT) <= 0;
}

std::vector<hsize_t> Hdf5VoltageShape::axes(std::int64_t n_beam, std::int64_t n_row) const {
  std::vector<hsize_t> all = {static_cast<hsize_t>(n_beam), static_cast<hsize_t>(n_row)};
  all.insert(all.end(), row.begin(), row.end());
  return all;
}

Hdf5VoltageShape hdf5_voltage_shape(const VoltageInfo& info, const VoltageFormat& format) {
  Hdf5VoltageShape shape;
  shape.row_samples = std::max(1, 8 / format.sample_bits());
  shape.cell_bits = std::max(8, format.sample_bits());
  shape.row_bytes = std::int64_t{info.n_pol} * info.n_coarse * shape.cell_bits / 8;
  shape.row = {static_cast<hsize_t>(info.n_pol), static_cast<hsize_t>(info.n_coarse)};
  if (format.n_bits >= 8 && format.is_complex) shape.row.push_back(2);
  return shape;
}

hid_t hdf5_voltage_type(const VoltageFormat& format) {
  if (format.n_bits == 16) return H5T_STD_I16LE;
  return format.n_bits == 8 ? H5T_STD_I8LE : H5T_STD_U8LE;
}

namespace {

constexpr std::int64_t kMaxTimes = std::int64_t{1} << 50;
constexpr std::int64_t kMaxMissing = std::int64_t{1} << 26, kMissingPiece = 1024;  // rows of /missing

Hdf5Id open_dataset(hid_t file, const char* name, const std::string& path) {
  require(H5Lexists(file, name, H5P_DEFAULT) > 0, "{}: there is no dataset /{}", path, name);
  return {H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, path, "open a dataset"};
}

std::vector<hsize_t> shape_of(hid_t dataset, const std::string& path) {
  const Hdf5Id space(H5Dget_space(dataset), H5Sclose, path, "read the shape of a dataset");
  std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space))));
  if (!shape.empty()) H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  return shape;
}

void check_type(hid_t dataset, const char* name, hid_t wanted, const std::string& path) {
  const Hdf5Id type(H5Dget_type(dataset), H5Tclose, path, "read the type of a dataset");
  require(H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) == H5Tget_size(wanted) &&
              H5Tget_sign(type) == H5Tget_sign(wanted),
          "{}: dataset /{} is not of {}signed integers of {} bits", path, name,
          H5Tget_sign(wanted) == H5T_SGN_NONE ? "un" : "", 8 * H5Tget_size(wanted));
}

void check_version(const Hdf5Attributes& attributes, const std::string& path) {
  const std::string format = attributes.text("format");
  require(format == kHdf5VoltageFormat, "{}: format is '{}'; voltages say '{}'", path, format,
          kHdf5VoltageFormat);
  const std::int64_t version = attributes.integer("format_version");
  require(version == kHdf5VoltageVersion, "{}: format_version is {}; {} is known", path, version,
          kHdf5VoltageVersion);
}

bool read_flag(const Hdf5Attributes& attributes, const char* name, const std::string& path) {
  const std::int64_t value = attributes.integer(name);
  require(value == 0 || value == 1, "{}: attribute {} is {}; 0 and 1 are possible", path, name, value);
  return value == 1;
}

VoltageFormat read_format(const Hdf5Attributes& attributes, const std::string& path) {
  VoltageFormat format;
  const std::int64_t n_bits = attributes.integer("n_bits");
  require(n_bits == 2 || n_bits == 4 || n_bits == 8 || n_bits == 16,
          "{}: n_bits is {}; 2, 4, 8 and 16 are known", path, n_bits);
  format.n_bits = static_cast<int>(n_bits);
  format.is_complex = read_flag(attributes, "is_complex", path);
  format.is_inverted = attributes.has("is_inverted") && read_flag(attributes, "is_inverted", path);
  return format;
}

/// By index of the first axis. A name speaks of the only beam of a file.
std::vector<int> read_beams(const Hdf5Attributes& attributes, std::int64_t n_beam, const std::string& path,
                            std::vector<std::string>& notes) {
  std::vector<int> beams;
  std::set<std::int64_t> seen;
  for (const std::int64_t beam : attributes.integers("beams", n_beam)) {
    require(beam >= 0 && beam <= kMaxBeam && seen.insert(beam).second,
            "{}: beam {} in attribute beams; 0 to {} are possible, each once", path, beam, kMaxBeam);
    beams.push_back(n_beam == 1 ? beam_of(path, beam, notes) : static_cast<int>(beam));
  }
  return beams;
}

/// Of the beam at `index` of the first axis; NaN where the file does not say.
double read_position(const Hdf5Attributes& attributes, const char* name, std::size_t index,
                     std::int64_t n_beam) {
  return attributes.has(name) ? attributes.reals(name, n_beam)[index]
                              : std::numeric_limits<double>::quiet_NaN();
}

std::string read_text(const Hdf5Attributes& attributes, const char* name) {
  return attributes.has(name) ? attributes.text(name) : "";
}

Mjd read_start(const Hdf5Attributes& attributes, const std::string& path) {
  const Mjd start{attributes.integer("start_mjd_day"), attributes.real("start_second")};
  require(start.day >= 0 && start.day <= 1'000'000, "{}: start_mjd_day is {}; 0 to 1e6 are possible", path,
          start.day);
  require(start.second >= 0.0 && start.second < kSecondsPerDay + 1.0,  // a leap second too
          "{}: start_second is {}; 0 to 86401 are possible", path, start.second);
  return start;
}

/// Of /voltages, checked against the format.
std::vector<hsize_t> read_axes(hid_t data, const VoltageFormat& format, const std::string& path) {
  check_type(data, "voltages", hdf5_voltage_type(format), path);
  check_hdf5_storage(data, "voltages", path);
  auto axes = shape_of(data, path);
  const bool has_parts = format.n_bits >= 8 && format.is_complex;
  require(axes.size() == (has_parts ? 5 : 4) && (!has_parts || axes[4] == 2),
          "{}: /voltages is [{}]; {} samples of {} bits need [beam][{}][pol][coarse]{}", path,
          fmt::join(axes, "]["), format.is_complex ? "complex" : "real", format.n_bits,
          format.n_bits >= 8 ? "time" : "row", has_parts ? "[2]" : "");
  require(axes[0] >= 1 && axes[0] <= kMaxBeam + 1 && axes[1] <= static_cast<hsize_t>(kMaxTimes) &&
              axes[2] <= 2 && axes[3] < (hsize_t{1} << 31),
          "{}: /voltages is [{}]; at most {} beams and 2 polarisations are possible", path,
          fmt::join(axes, "]["), kMaxBeam + 1);
  return axes;
}

/// Which beam of the file is meant: by its number, or the only one where either side does not say.
std::size_t index_of(const std::vector<int>& beams, int beam, const std::string& path) {
  const auto at = std::find(beams.begin(), beams.end(), beam);
  if (at != beams.end()) return static_cast<std::size_t>(at - beams.begin());
  const bool is_only = beams.size() == 1 && (beam == 0 || beams[0] == 0);
  require(is_only, "{}: there is no beam {}; the file has {}", path, beam, fmt::join(beams, ", "));
  return 0;
}

/// Critical sampling ties the width of coarse channels to the sample rate.
void apply(const VoltageHints& hints, VoltageInfo& info, VoltageFormat& format) {
  if (hints.sample_rate_hz != 0.0) {
    info.sample_time_s = 1.0 / hints.sample_rate_hz;
    info.coarse_width_mhz = 1e-6 * hints.sample_rate_hz / (format.is_complex ? 1.0 : 2.0);
  }
  if (hints.band_low_mhz != 0.0) info.band_low_mhz = hints.band_low_mhz;
  if (hints.lower_sideband) format.is_inverted = !format.is_inverted;
}

/// A row of /missing.
struct Missing {
  std::int64_t beam, begin, end;
};
static_assert(sizeof(Missing) == 3 * sizeof(std::int64_t));

void read_missing_rows(hid_t dataset, hsize_t first, std::vector<Missing>& rows, const std::string& path) {
  read_hdf5(dataset, H5T_NATIVE_INT64, {first, 0}, {rows.size(), 3}, rows.data(), path, "read /missing");
}

/// Of one beam, in pieces, each checked before the next: only as much is allocated as there are good rows.
std::vector<SampleRange> read_missing(hid_t file, std::size_t beam_index, std::int64_t n_beam,
                                      std::int64_t n_time, const std::string& path) {
  if (H5Lexists(file, "missing", H5P_DEFAULT) <= 0) return {};
  const Hdf5Id dataset = open_dataset(file, "missing", path);
  check_type(dataset, "missing", H5T_NATIVE_INT64, path);
  const auto shape = shape_of(dataset, path);
  require(shape.size() == 2 && shape[1] == 3 && shape[0] <= static_cast<hsize_t>(kMaxMissing),
          "{}: /missing is [{}]; [n][3] of at most {} rows is possible", path, fmt::join(shape, "]["),
          kMaxMissing);
  check_hdf5_storage(dataset, "missing", path);
  std::vector<SampleRange> spans;
  std::vector<Missing> rows;
  for (hsize_t first = 0; first < shape[0]; first += rows.size()) {
    rows.resize(std::min<std::size_t>(kMissingPiece, shape[0] - first));
    read_missing_rows(dataset, first, rows, path);
    for (const auto& [beam, begin, end] : rows) {
      require(beam >= 0 && beam < n_beam && begin >= 0 && begin < end && end <= n_time,
              "{}: /missing has samples [{}, {}) of beam index {}; there are {} samples of {} beams", path,
              begin, end, beam, n_time, n_beam);
      if (beam == static_cast<std::int64_t>(beam_index)) spans.push_back({begin, end});
    }
  }
  return spans;
}

class Hdf5VoltageSource : public VoltageSource {
 public:
  Hdf5VoltageSource(const std::string& path, int beam, const VoltageHints& hints) : path_(path) {
    const Hdf5Lock lock;
    file_ = open_hdf5(path);
    file_bytes_ = hdf5_file_bytes(file_, path);
    data_ = open_dataset(file_, "voltages", path);
    const Hdf5Attributes attributes(data_, path);
    check_version(attributes, path);
    format_ = read_format(attributes, path);
    const auto axes = read_axes(data_, format_, path);
    info_.n_pol = static_cast<int>(axes[2]);
    info_.n_coarse = static_cast<int>(axes[3]);
    read_info(attributes, static_cast<std::int64_t>(axes[0]), beam);
    apply(hints, info_, format_);
    is_descending_ = hints.lower_sideband;
    info_.n_time = attributes.integer("n_time");
    require(info_.n_time <= kMaxTimes, "{}: n_time is {}; at most {} is possible", path, info_.n_time,
            kMaxTimes);
    check_voltage_header(info_, format_, path);
    shape_ = hdf5_voltage_shape(info_, format_);
    auto missing = read_missing(file_, beam_index_, static_cast<std::int64_t>(axes[0]), info_.n_time, path);
    fit_time(static_cast<std::int64_t>(axes[1]));
    count_missing(std::move(missing));
    files_ = {describe_input(RawFile(path), info_.n_time)};
    VoltageBlock first;
    if (info_.n_time > 0) read_locked(0, 1, first);  // a missing filter is known now, not after an hour
  }

  const VoltageInfo& info() const override { return info_; }
  const VoltageFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "HDF5 voltages"; }

  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info_.n_time - n_time,
           "{}: {} samples from {} of {}", path_, n_time, first_sample, info_.n_time);
    const Hdf5Lock lock;
    read_locked(first_sample, n_time, out);
  }

 private:
  void read_info(const Hdf5Attributes& attributes, std::int64_t n_beam, int beam) {
    const auto beams = read_beams(attributes, n_beam, path_, losses_.notes);
    beam_index_ = index_of(beams, beam, path_);
    info_.beam = beams[beam_index_] != 0 ? beams[beam_index_] : beam;
    info_.sample_time_s = attributes.real("sample_time_s");
    info_.band_low_mhz = attributes.real("band_low_mhz");
    info_.coarse_width_mhz = attributes.real("coarse_width_mhz");
    info_.start = read_start(attributes, path_);
    info_.source_name = read_text(attributes, "source_name");
    info_.telescope = read_text(attributes, "telescope");
    info_.backend = read_text(attributes, "backend");
    info_.ra_deg = read_position(attributes, "ra_deg", beam_index_, n_beam);
    info_.dec_deg = read_position(attributes, "dec_deg", beam_index_, n_beam);
    if (!(info_.ra_deg >= 0.0 && info_.ra_deg < 360.0 && std::abs(info_.dec_deg) <= 90.0))
      info_.ra_deg = info_.dec_deg = std::numeric_limits<double>::quiet_NaN();
  }

  /// A file whose writer died has fewer rows than it promised; more rows than samples is a contradiction.
  void fit_time(std::int64_t n_row) {
    require(n_row <= shape_.rows_of(info_.n_time),
            "{}: n_time is {}, but /voltages has {} rows of {} samples", path_, info_.n_time, n_row,
            shape_.row_samples);
    const std::int64_t n_there = std::min(info_.n_time, n_row * shape_.row_samples);
    if (n_there == info_.n_time) return;
    losses_.cut_short = true;
    const std::int64_t n_missing = shape_.rows_of(info_.n_time) - n_row;  // a promise may be of any length
    losses_.lost_bytes =
        std::min(n_missing, std::numeric_limits<std::int64_t>::max() / shape_.row_bytes) * shape_.row_bytes;
    losses_.notes.push_back(
        fmt::format("{}: cut short: {} of {} samples are there", path_, n_there, info_.n_time));
    info_.n_time = n_there;
  }

  void count_missing(std::vector<SampleRange> missing) {
    for (auto& range : missing) range.end = std::min(range.end, info_.n_time);
    missing_ = joined(std::move(missing));
    losses_.n_gaps = std::ssize(missing_);
    for (const auto& [begin, end] : missing_) losses_.gap_samples += end - begin;
  }

  void read_locked(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) {
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.pieces.clear();
    if (n_time == 0) return;
    const std::int64_t row = first_sample / shape_.row_samples;
    const std::int64_t n_row = shape_.rows_of(first_sample + n_time) - row;
    out.reserve(n_row * shape_.row_bytes);
    read_rows(row, n_row, out.bytes.data());
    std::int64_t reached = first_sample;
    for (const auto& [begin, end] : missing_) {
      add_piece(reached, std::min(begin, first_sample + n_time), out);
      reached = std::max(reached, end);
    }
    add_piece(reached, first_sample + n_time, out);
  }

  void read_rows(std::int64_t row, std::int64_t n_row, void* to) {
    const auto n = shape_.axes(1, n_row);
    std::vector<hsize_t> begin(n.size(), 0);
    begin[0] = beam_index_;
    begin[1] = static_cast<hsize_t>(row);
    check_hdf5_length(file_, file_bytes_, path_);
    read_hdf5(data_, hdf5_voltage_type(format_), begin, n, to, path_,
              fmt::format("read rows [{}, {}) of /voltages", row, row + n_row));
    check_hdf5_length(file_, file_bytes_, path_);
  }

  /// Samples [begin, end) of the stream, which are in the block's rows; nothing where there are none.
  void add_piece(std::int64_t begin, std::int64_t end, VoltageBlock& out) const {
    if (begin >= end) return;
    const std::int64_t row_bits = 8 * shape_.row_bytes;
    VoltagePiece piece;
    piece.begin = begin - out.first_sample;
    piece.end = end - out.first_sample;
    piece.first_in_group = out.first_sample % shape_.row_samples + piece.begin;
    piece.group_samples = shape_.row_samples;
    piece.group_stride_bits = row_bits;
    piece.sample_stride_bits = format_.sample_bits();
    piece.coarse_stride_bits = shape_.cell_bits;
    piece.pol_stride_bits = shape_.cell_bits * info_.n_coarse;
    piece.n_coarse = info_.n_coarse;
    piece.n_pol = info_.n_pol;
    if (is_descending_) piece.turn_coarse();
    out.pieces.push_back(piece);
  }

  std::string path_;
  VoltageInfo info_;
  VoltageFormat format_;
  Hdf5VoltageShape shape_;
  std::size_t beam_index_ = 0;
  bool is_descending_ = false;  ///< coarse channels, against the file's word
  std::vector<SampleRange> missing_;
  Losses losses_;
  std::vector<InputFile> files_;
  Hdf5Id file_, data_;
  std::int64_t file_bytes_ = 0;
};

std::vector<int> beams_of(const std::string& path) {
  const Hdf5Lock lock;
  const Hdf5Id file = open_hdf5(path);
  const Hdf5Id data = open_dataset(file, "voltages", path);
  const Hdf5Attributes attributes(data, path);
  check_version(attributes, path);
  const auto axes = read_axes(data, read_format(attributes, path), path);
  std::vector<std::string> notes;  // which come again with the source
  return read_beams(attributes, static_cast<std::int64_t>(axes[0]), path, notes);
}

std::unique_ptr<VoltageSource> open_hdf5_voltages(const std::string& path, int beam,
                                                  const VoltageHints& hints) {
  return std::make_unique<Hdf5VoltageSource>(path, beam, hints);
}

[[maybe_unused]] const bool kSource =
    register_voltage_format({"HDF5 voltages", is_hdf5_voltages, beams_of, open_hdf5_voltages});

}  // namespace
}  // namespace tianyan
