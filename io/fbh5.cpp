// FBH5 (Breakthrough Listen's HDF5): Source and Sink.
// Dataset /data is [time][feed][frequency]; its attributes are SIGPROC's keywords, but src_raj is in decimal
// hours.
#include <algorithm>
#include <cmath>
#include <utility>

#include "io/atomic_file.hpp"
#include "io/beam_name.hpp"
#include "io/hdf5_attributes.hpp"
#include "io/hdf5_read.hpp"
#include "io/hdf5_voltages.hpp"
#include "io/raw_file.hpp"
#include "io/sigproc_ids.hpp"
#include "io/sink.hpp"
#include "io/source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

/// The type of samples in memory: native order, whatever the file has.
hid_t memory_type(const SampleFormat& format) {
  if (format.is_float) return H5T_NATIVE_FLOAT;
  if (format.n_bits == 16) return format.is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
  return format.is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
}

SampleFormat read_format(hid_t dataset, const std::string& path) {
  const Hdf5Id type(H5Dget_type(dataset), H5Tclose, path, "read the type of /data");
  const H5T_class_t kind = H5Tget_class(type);
  SampleFormat format;
  format.n_bits = static_cast<int>(H5Tget_size(type) * 8);
  format.is_float = kind == H5T_FLOAT;
  format.is_signed = kind == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
  const bool fits = format.is_float ? format.n_bits == 32 : format.n_bits == 8 || format.n_bits == 16;
  require((kind == H5T_FLOAT || kind == H5T_INTEGER) && fits,
          "{}: samples of {} bits in /data; integers of 8 and 16 bits and floats of 32 are known", path,
          format.n_bits);
  return format;
}

void read_shape(hid_t dataset, const std::string& path, StreamInfo& info) {
  const Hdf5Id space(H5Dget_space(dataset), H5Sclose, path, "read the shape of /data");
  const int rank = H5Sget_simple_extent_ndims(space);
  require(rank == 3, "{}: /data has {} axes; 3 are needed: [time][feed][frequency]", path, rank);
  hsize_t shape[3] = {0, 0, 0};
  H5Sget_simple_extent_dims(space, shape, nullptr);
  require(shape[0] < (hsize_t{1} << 62) && shape[1] <= 4 && shape[2] < (hsize_t{1} << 31),
          "{}: /data is [{}][{}][{}], which is not believed", path, shape[0], shape[1], shape[2]);
  info.n_time = static_cast<std::int64_t>(shape[0]);
  info.n_pol = static_cast<int>(shape[1]);
  info.n_chan = static_cast<int>(shape[2]);
}

void read_position(const Hdf5Attributes& attributes, StreamInfo& info) {
  const auto ra = attributes.find_number("src_raj"), dec = attributes.find_number("src_dej");
  if (!ra || !dec || (*ra == 0.0 && *dec == 0.0)) return;
  // Decimal as blimpy writes them; some programs copy SIGPROC's packed hhmmss.s.
  const bool is_packed = std::abs(*ra) > 24.0 || std::abs(*dec) > 90.0;
  const double ra_hours = is_packed ? unpack_sexagesimal(*ra) : *ra;
  const double dec_deg = is_packed ? unpack_sexagesimal(*dec) : *dec;
  if (!(ra_hours >= 0.0 && ra_hours < 24.0 && std::abs(dec_deg) <= 90.0)) return;
  info.ra_deg = ra_hours * 15.0;
  info.dec_deg = dec_deg;
}

/// Of a telescope, machine or beam; 0 where it is missing or none.
int number_in(const Hdf5Attributes& attributes, const char* name) {
  const double value = attributes.find_number(name).value_or(0.0);
  return std::abs(value) < 1e6 ? static_cast<int>(value) : 0;
}

void read_attributes(hid_t dataset, const std::string& path, StreamInfo& info, SampleFormat& format,
                     std::vector<std::string>& notes) {
  const Hdf5Attributes attributes(dataset, path);
  const double first = attributes.real("fch1"), step = attributes.real("foff");
  const double nchans = attributes.find_number("nchans").value_or(info.n_chan);
  require(nchans == info.n_chan, "{}: attribute nchans is {}, /data has {} channels", path, nchans,
          info.n_chan);
  const double nbits = attributes.find_number("nbits").value_or(format.n_bits);
  if (nbits != format.n_bits)
    notes.push_back(fmt::format("{}: attribute nbits is {}, /data has {} bits: the latter was taken", path,
                                nbits, format.n_bits));
  info.channel_width_mhz = std::abs(step);
  info.freq_low_mhz = step < 0.0 ? first + (info.n_chan - 1) * step : first;
  info.sample_time_s = attributes.real("tsamp");
  const double mjd = attributes.real("tstart");
  require(mjd >= 0.0 && mjd < 1e6, "{}: tstart {}; an MJD from 0 to 1e6 is possible", path, mjd);
  info.start = {static_cast<std::int64_t>(mjd), (mjd - std::floor(mjd)) * kSecondsPerDay};
  info.source_name = attributes.find_text("source_name");
  const std::string statement = attributes.find_text("rawdatafile");
  const int telescope_id = number_in(attributes, "telescope_id"),
            machine_id = number_in(attributes, "machine_id");
  info.telescope = telescope_id != 0 ? telescope_name(telescope_id) : stated(statement, "TELESCOP");
  info.backend = machine_id != 0 ? machine_name(machine_id) : stated(statement, "BACKEND");
  info.beam = beam_of(path, number_in(attributes, "ibeam"), notes);
  read_position(attributes, info);
  format.channels_descending = step < 0.0;
  if (info.n_pol == 2) format.pol_kind = PolKind::kAaBb;
  if (info.n_pol == 4)
    format.pol_kind = stated(statement, "POL_TYPE") == "AABBCRCI" ? PolKind::kCoherence : PolKind::kStokes;
}

/// Any HDF5 file that is not of voltages: opening it says what is wrong with one that is not FBH5.
bool may_be_fbh5(const std::string& path, const std::vector<unsigned char>& head) {
  return has_hdf5_signature(head) && !is_hdf5_voltages(path, head);
}

class Fbh5Source : public Source {
 public:
  explicit Fbh5Source(const std::string& path) : path_(path) {
    const Hdf5Lock lock;
    file_ = open_hdf5(path);
    file_bytes_ = hdf5_file_bytes(file_, path);
    require(H5Lexists(file_, "data", H5P_DEFAULT) > 0, "{}: HDF5 without a dataset /data: not FBH5", path);
    data_ = Hdf5Id(H5Dopen2(file_, "data", H5P_DEFAULT), H5Dclose, path, "open dataset /data");
    read_shape(data_, path, info_);
    format_ = read_format(data_, path);
    read_attributes(data_, path, info_, format_, losses_.notes);
    check_header(info_, format_, path);
    files_ = {describe_input(RawFile(path), info_.n_time)};
    RawBlock first;
    if (info_.n_time > 0) read_locked(0, 1, first);  // a missing filter is known now, not after an hour
  }

  const StreamInfo& info() const override { return info_; }
  const SampleFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "FBH5"; }

  void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info_.n_time - n_time,
           "{}: samples [{}, {}) of {}", path_, first_sample, first_sample + n_time, info_.n_time);
    const Hdf5Lock lock;
    read_locked(first_sample, n_time, out);
  }

 private:
  void read_locked(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) {
    out.reserve(n_time, spectrum_bytes(info_, format_));
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.spans.clear();
    if (n_time == 0) return;
    out.spans.push_back({0, n_time, false, {}, {}, {}});
    const std::vector<hsize_t> begin = {static_cast<hsize_t>(first_sample), 0, 0};
    const std::vector<hsize_t> n = {static_cast<hsize_t>(n_time), static_cast<hsize_t>(info_.n_pol),
                                    static_cast<hsize_t>(info_.n_chan)};
    check_hdf5_length(file_, file_bytes_, path_);
    read_hdf5(data_, memory_type(format_), begin, n, out.samples.data(), path_,
              fmt::format("read spectra [{}, {}) of /data", first_sample, first_sample + n_time));
    check_hdf5_length(file_, file_bytes_, path_);
  }

  std::string path_;
  StreamInfo info_;
  SampleFormat format_;
  Losses losses_;
  std::vector<InputFile> files_;
  Hdf5Id file_, data_;
  std::int64_t file_bytes_ = 0;
};

/// Integers below 8 bits become 8 bits: HDF5 has no smaller ones, and blimpy expects none.
SampleFormat storable_format(SampleFormat format) {
  if (format.n_bits < 8) format.n_bits = 8;
  format.high_bits_first = false;
  format.zero_offset = 0.0;
  return format;
}

void put_labels(hid_t data, const std::string& path) {
  const Hdf5Id type(H5Tcopy(H5T_C_S1), H5Tclose, path, "write an attribute");
  H5Tset_size(type, H5T_VARIABLE);
  const hsize_t n = 3;
  const Hdf5Id space(H5Screate_simple(1, &n, nullptr), H5Sclose, path, "write an attribute");
  const char* labels[] = {"time", "feed_id", "frequency"};
  put_attribute(data, "DIMENSION_LABELS", space, type, labels, path);
}

void put_attributes(hid_t data, const StreamInfo& info, const SampleFormat& format, const std::string& path) {
  const bool has_position = std::isfinite(info.ra_deg) && std::isfinite(info.dec_deg);
  const double width = info.channel_width_mhz;
  put_labels(data, path);
  put_attribute(data, "machine_id", std::int64_t{machine_id_of(info.backend)}, path);
  put_attribute(data, "telescope_id", std::int64_t{telescope_id_of(info.telescope)}, path);
  put_attribute(data, "data_type", std::int64_t{1}, path);
  put_attribute(data, "rawdatafile", make_statement(info, format), path);
  put_attribute(data, "source_name", info.source_name, path);
  put_attribute(data, "src_raj", has_position ? info.ra_deg / 15.0 : 0.0, path);
  put_attribute(data, "src_dej", has_position ? info.dec_deg : 0.0, path);
  put_attribute(data, "az_start", 0.0, path);
  put_attribute(data, "za_start", 0.0, path);
  put_attribute(data, "fch1", format.channels_descending ? info.ref_freq_mhz() : info.freq_low_mhz, path);
  put_attribute(data, "foff", format.channels_descending ? -width : width, path);
  put_attribute(data, "nchans", std::int64_t{info.n_chan}, path);
  put_attribute(data, "nifs", std::int64_t{info.n_pol}, path);
  put_attribute(data, "nbits", std::int64_t{format.n_bits}, path);
  put_attribute(data, "nbeams", std::int64_t{1}, path);
  put_attribute(data, "ibeam", std::int64_t{info.beam}, path);
  put_attribute(data, "tstart", info.start.value(), path);
  put_attribute(data, "tsamp", info.sample_time_s, path);
}

class Fbh5Sink : public Sink {
 public:
  Fbh5Sink(const std::string& path, const StreamInfo& info, const SampleFormat& wanted)
      : target_(path), info_(info), format_(storable_format(wanted)) {
    const Hdf5Lock lock;
    file_ = create_hdf5(target_.temporary_path(), output_, path);
    put_attribute(file_, "CLASS", std::string("FILTERBANK"), path);
    put_attribute(file_, "VERSION", std::string("1.0"), path);
    const hsize_t n_chan = static_cast<hsize_t>(info.n_chan), n_pol = static_cast<hsize_t>(info.n_pol);
    const hsize_t none[3] = {0, n_pol, n_chan}, any[3] = {H5S_UNLIMITED, n_pol, n_chan};
    const hsize_t chunk[3] = {static_cast<hsize_t>(chunk_time()), 1, n_chan};
    const Hdf5Id space(H5Screate_simple(3, none, any), H5Sclose, path, "create dataset /data");
    const Hdf5Id plist(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, path, "create dataset /data");
    check_hdf5(H5Pset_chunk(plist, 3, chunk), path, "create dataset /data");
    data_ = Hdf5Id(H5Dcreate2(file_, "data", memory_type(format_), space, H5P_DEFAULT, plist, H5P_DEFAULT),
                   H5Dclose, path, "create dataset /data");
    put_attributes(data_, info, format_, path);
  }

  const SampleFormat& format() const override { return format_; }
  const SinkLosses& losses() const override { return losses_; }

  void write(const RawBlock& block) override {
    const std::int64_t bytes = spectrum_bytes(info_, format_);
    expect(block.n_time == 0 || block.samples.shape(1) == bytes, "{}: spectra of {} bytes, {} were announced",
           target_.path(), block.samples.shape(1), bytes);
    const Hdf5Lock lock;
    losses_.add(block);
    for (const auto& span : block.spans) {
      if (span.missing)
        put_zeros(span.end - span.begin);
      else
        put_spectra(span.end - span.begin, block.samples.data() + span.begin * bytes);
    }
  }

  void finish() override {
    const Hdf5Lock lock;
    const bool is_closed = data_.close() && file_.close();
    commit_hdf5(is_closed, output_, target_);
  }

 private:
  /// Chunks of about 1 MiB, which HDF5's cache holds.
  std::int64_t chunk_time() const {
    return std::clamp<std::int64_t>((1 << 20) * std::int64_t{info_.n_pol} / spectrum_bytes(info_, format_), 1,
                                    1 << 16);
  }

  void put_spectra(std::int64_t n_time, const void* samples) {
    const char* what = "write to /data";
    const hsize_t n_pol = static_cast<hsize_t>(info_.n_pol), n_chan = static_cast<hsize_t>(info_.n_chan);
    const hsize_t begin[3] = {n_written_, 0, 0}, n[3] = {static_cast<hsize_t>(n_time), n_pol, n_chan};
    const hsize_t all[3] = {n_written_ + n[0], n_pol, n_chan};
    check_hdf5(H5Dset_extent(data_, all), target_.path(), what);
    const Hdf5Id in_file(H5Dget_space(data_), H5Sclose, target_.path(), what);
    const Hdf5Id in_memory(H5Screate_simple(3, n, nullptr), H5Sclose, target_.path(), what);
    check_hdf5(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, begin, nullptr, n, nullptr), target_.path(),
               what);
    check_hdf5(H5Dwrite(data_, memory_type(format_), in_memory, in_file, H5P_DEFAULT, samples),
               target_.path(), what);
    output_.check(target_.path());
    n_written_ += n[0];
  }

  void put_zeros(std::int64_t n_time) {
    const std::int64_t bytes = spectrum_bytes(info_, format_);
    const std::int64_t n_piece = std::min(n_time, std::max<std::int64_t>(1, (1 << 20) / bytes));
    const std::vector<std::uint8_t> zeros(static_cast<std::size_t>(n_piece * bytes));
    for (; n_time > 0; n_time -= n_piece) put_spectra(std::min(n_piece, n_time), zeros.data());
  }

  AtomicFile target_;
  StreamInfo info_;
  SampleFormat format_;
  SinkLosses losses_;
  hsize_t n_written_ = 0;
  Hdf5Output output_;  // outlives the file
  Hdf5Id file_, data_;
};

std::unique_ptr<Source> open_fbh5(const std::string& path) { return std::make_unique<Fbh5Source>(path); }

std::unique_ptr<Sink> create_fbh5(const std::string& path, const StreamInfo& info,
                                  const SampleFormat& wanted) {
  return std::make_unique<Fbh5Sink>(path, info, wanted);
}

[[maybe_unused]] const bool kSource = register_source_format({"FBH5", may_be_fbh5, open_fbh5});
[[maybe_unused]] const bool kSink =
    register_sink_format({"FBH5", {".h5", ".fbh5", ".hdf5"}, false, false, create_fbh5});

}  // namespace
}  // namespace tianyan
