// MaskWriter and MaskReader: two extensible datasets and the attributes of the root group.
#include "io/mask_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "io/atomic_file.hpp"
#include "io/beam_name.hpp"
#include "io/hdf5_attributes.hpp"
#include "io/hdf5_read.hpp"
#include "io/raw_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr char kFormat[] = "tianyan mask";
constexpr std::int64_t kFormatVersion = 1;
constexpr std::int64_t kPieceBytes = 1 << 20;  // of /rule: a chunk, which HDF5's cache holds
constexpr std::int64_t kMaxPieceCells = 256;
constexpr std::int64_t kPieceTimes = 1024;
constexpr double kMaxChannels = 1 << 20, kMaxTimes = 0x1p40, kMaxCellSamples = 1 << 30;

static_assert(sizeof(FlaggedTimes) == 2 * sizeof(std::int64_t), "a row of /times");

/// The first number that is not believable, with what is; "" where all are.
std::string trouble_in(const FlagMaskInfo& info) {
  struct Range {
    const char* name;
    double value, low, high;
  };
  const auto as_double = [](std::int64_t n) { return static_cast<double>(n); };
  const double freq_high_mhz = info.freq_low_mhz + (1.0 * info.n_chan - 1) * info.channel_width_mhz;
  for (const auto& r : {Range{"n_chan", 1.0 * info.n_chan, 1, kMaxChannels},
                        Range{"freq_low_mhz", info.freq_low_mhz, 1e-9, 1e6},
                        Range{"channel_width_mhz", info.channel_width_mhz, 1e-9, 1e5},
                        Range{"the highest frequency in MHz", freq_high_mhz, 1e-9, 1e6},
                        Range{"sample_time_s", info.sample_time_s, 1e-9, 100},
                        Range{"n_time", as_double(info.n_time), 0, kMaxTimes},
                        Range{"start_mjd_day", as_double(info.start.day), 0, 1e6},
                        Range{"start_second", info.start.second, -kSecondsPerDay, 2 * kSecondsPerDay},
                        Range{"cell_samples", as_double(info.cell_samples), 1, kMaxCellSamples},
                        Range{"beam", 1.0 * info.beam, 0, kMaxBeam}})
    if (!(r.value >= r.low && r.value <= r.high))  // NaN too
      return fmt::format("{} is {}; {} to {} are possible", r.name, r.value, r.low, r.high);
  return "";
}

std::string trouble_in(const std::vector<FlaggedTimes>& times, std::int64_t end_before, std::int64_t n_time) {
  for (const auto& [begin, end] : times) {
    if (begin < end_before || begin >= end || end > n_time)
      return fmt::format("flagged times [{}, {}) of {} samples, where those before end at {}", begin, end,
                         n_time, end_before);
    end_before = end;
  }
  return "";
}

std::string trouble_in(View<const std::uint8_t, 1> rules, int n_rule) {
  std::uint8_t highest = 0;
  for (std::int64_t i = 0; i < rules.shape(0); ++i) highest = std::max(highest, rules[i]);
  return highest < n_rule ? "" : fmt::format("rule {} of a channel; 0 to {} are known", highest, n_rule - 1);
}

std::int64_t piece_cells(const FlagMaskInfo& info) {
  return std::clamp<std::int64_t>(kPieceBytes / info.n_chan, 1, kMaxPieceCells);
}

/// Rows [first, first + n) of a dataset of two axes, and as many in memory.
struct Rows {
  Rows(hid_t dataset, std::int64_t first, std::int64_t n, std::int64_t n_column, const std::string& path,
       const char* what) {
    const hsize_t begin[2] = {static_cast<hsize_t>(first), 0};
    const hsize_t shape[2] = {static_cast<hsize_t>(n), static_cast<hsize_t>(n_column)};
    in_file = Hdf5Id(H5Dget_space(dataset), H5Sclose, path, what);
    in_memory = Hdf5Id(H5Screate_simple(2, shape, nullptr), H5Sclose, path, what);
    check_hdf5(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, begin, nullptr, shape, nullptr), path, what);
  }
  Hdf5Id in_file, in_memory;
};

void put_attributes(hid_t root, const FlagMaskInfo& info, const std::string& path) {
  put_attribute(root, "format", std::string(kFormat), path);
  put_attribute(root, "format_version", kFormatVersion, path);
  put_attribute(root, "rule_names", std::vector<std::string>(kFlagRuleNames.begin(), kFlagRuleNames.end()),
                path);
  put_attribute(root, "n_chan", std::int64_t{info.n_chan}, path);
  put_attribute(root, "freq_low_mhz", info.freq_low_mhz, path);
  put_attribute(root, "channel_width_mhz", info.channel_width_mhz, path);
  put_attribute(root, "sample_time_s", info.sample_time_s, path);
  put_attribute(root, "n_time", info.n_time, path);
  put_attribute(root, "start_mjd_day", info.start.day, path);
  put_attribute(root, "start_second", info.start.second, path);
  put_attribute(root, "cell_samples", info.cell_samples, path);
  put_attribute(root, "beam", std::int64_t{info.beam}, path);
  put_attribute(root, "source_name", info.source_name, path);
  put_attribute(root, "config_hash", info.config_hash, path);
}

/// No rows yet, and no time of creation: the same mask is the same bytes.
Hdf5Id create_dataset(hid_t file, const char* name, hid_t type, std::int64_t n_column,
                      std::int64_t chunk_rows, const std::string& path) {
  const char* what = "create a dataset";
  const hsize_t columns = static_cast<hsize_t>(n_column);
  const hsize_t none[2] = {0, columns}, any[2] = {H5S_UNLIMITED, columns};
  const hsize_t chunk[2] = {static_cast<hsize_t>(chunk_rows), columns};
  const Hdf5Id space(H5Screate_simple(2, none, any), H5Sclose, path, what);
  const Hdf5Id plist(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, path, what);
  check_hdf5(H5Pset_chunk(plist, 2, chunk), path, what);
  check_hdf5(H5Pset_deflate(plist, 1), path, what);
  check_hdf5(H5Pset_obj_track_times(plist, false), path, what);
  return {H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT), H5Dclose, path, what};
}

void append_rows(hid_t dataset, std::int64_t n_before, std::int64_t n, std::int64_t n_column, hid_t type,
                 const void* values, const std::string& path) {
  const char* what = "write to a dataset";
  const hsize_t all[2] = {static_cast<hsize_t>(n_before + n), static_cast<hsize_t>(n_column)};
  check_hdf5(H5Dset_extent(dataset, all), path, what);
  const Rows rows(dataset, n_before, n, n_column, path, what);
  check_hdf5(H5Dwrite(dataset, type, rows.in_memory, rows.in_file, H5P_DEFAULT, values), path, what);
}

int small_integer(const Hdf5Attributes& attributes, const char* name, const std::string& path) {
  const std::int64_t value = attributes.integer(name);
  require(value >= 0 && value <= std::numeric_limits<int>::max(), "{}: attribute {} is {}", path, name,
          value);
  return static_cast<int>(value);
}

FlagMaskInfo read_info(const Hdf5Attributes& attributes, const std::string& path) {
  FlagMaskInfo info;
  info.n_chan = small_integer(attributes, "n_chan", path);
  info.freq_low_mhz = attributes.real("freq_low_mhz");
  info.channel_width_mhz = attributes.real("channel_width_mhz");
  info.sample_time_s = attributes.real("sample_time_s");
  info.n_time = attributes.integer("n_time");
  info.start = {attributes.integer("start_mjd_day"), attributes.real("start_second")};
  info.cell_samples = attributes.integer("cell_samples");
  info.beam = small_integer(attributes, "beam", path);
  info.source_name = attributes.text("source_name");
  info.config_hash = attributes.text("config_hash");
  const std::string trouble = trouble_in(info);
  require(trouble.empty(), "{}: {}", path, trouble);
  return info;
}

void check_format(const Hdf5Attributes& attributes, const std::string& path) {
  const std::string format = attributes.text("format");
  require(format == kFormat, "{}: format is '{}'; a mask says '{}'", path, format, kFormat);
  const std::int64_t version = attributes.integer("format_version");
  require(version == kFormatVersion, "{}: format_version is {}; {} is known", path, version, kFormatVersion);
}

/// How many of the rules that are known here the file knows too: values below that mean the same in both.
int read_n_rule(const Hdf5Attributes& attributes, const std::string& path) {
  const auto names = attributes.texts("rule_names");
  const int n_rule = static_cast<int>(std::min(names.size(), kFlagRuleNames.size()));
  for (std::size_t i = 0; i < static_cast<std::size_t>(n_rule); ++i)
    require(names[i] == kFlagRuleNames[i], "{}: rule {} is '{}' in the file; '{}' is known", path, i,
            names[i], kFlagRuleNames[i]);
  return n_rule;
}

/// [n_row][n_column] of integers like `wanted`; the number of rows.
std::int64_t check_dataset(hid_t dataset, const char* name, hid_t wanted, std::int64_t n_column,
                           const std::string& path) {
  const Hdf5Id type(H5Dget_type(dataset), H5Tclose, path, "read the type of a dataset");
  require(H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) == H5Tget_size(wanted) &&
              H5Tget_sign(type) == H5Tget_sign(wanted),
          "{}: dataset /{} is not of {}signed integers of {} bits", path, name,
          H5Tget_sign(wanted) == H5T_SGN_NONE ? "un" : "", 8 * H5Tget_size(wanted));
  const Hdf5Id space(H5Dget_space(dataset), H5Sclose, path, "read the shape of a dataset");
  const int n_axis = H5Sget_simple_extent_ndims(space);
  require(n_axis == 2, "{}: dataset /{} has {} axes; 2 are needed", path, name, n_axis);
  hsize_t shape[2] = {0, 0};
  H5Sget_simple_extent_dims(space, shape, nullptr);
  require(shape[1] == static_cast<hsize_t>(n_column) && shape[0] <= static_cast<hsize_t>(kMaxTimes),
          "{}: dataset /{} is [{}][{}]; [n][{}] is needed", path, name, shape[0], shape[1], n_column);
  check_hdf5_storage(dataset, name, path);
  return static_cast<std::int64_t>(shape[0]);
}

Hdf5Id open_dataset(hid_t file, const char* name, const std::string& path) {
  require(H5Lexists(file, name, H5P_DEFAULT) > 0, "{}: there is no dataset /{}", path, name);
  return {H5Dopen2(file, name, H5P_DEFAULT), H5Dclose, path, "open a dataset"};
}

/// In pieces, each checked before the next: only as much is allocated as there are good values.
std::vector<FlaggedTimes> read_times(hid_t file, const FlagMaskInfo& info, const std::string& path) {
  const Hdf5Id dataset = open_dataset(file, "times", path);
  const std::int64_t n_all = check_dataset(dataset, "times", H5T_NATIVE_INT64, 2, path);
  require(n_all <= info.n_time, "{}: /times has {} rows for {} samples", path, n_all, info.n_time);
  std::vector<FlaggedTimes> times, piece;
  for (std::int64_t first = 0; first < n_all; first += kPieceTimes) {
    piece.resize(static_cast<std::size_t>(std::min(kPieceTimes, n_all - first)));
    read_hdf5(dataset, H5T_NATIVE_INT64, {static_cast<hsize_t>(first), 0}, {piece.size(), 2}, piece.data(),
              path, "read /times");
    const std::string trouble = trouble_in(piece, times.empty() ? 0 : times.back().end, info.n_time);
    require(trouble.empty(), "{}: {}", path, trouble);
    times.insert(times.end(), piece.begin(), piece.end());
  }
  return times;
}

}  // namespace

struct MaskWriter::File {
  File(const std::string& path, const FlagMaskInfo& stream)
      : target(path), info(stream), piece(static_cast<std::size_t>(piece_cells(info) * info.n_chan)) {
    const Hdf5Lock lock;
    file = create_hdf5(target.temporary_path(), output, path);
    put_attributes(file, info, path);
    rule = create_dataset(file, "rule", H5T_STD_U8LE, info.n_chan, piece_cells(info), path);
    put_attribute(rule, "DIMENSION_LABELS", std::vector<std::string>{"cell", "channel"}, path);
    times = create_dataset(file, "times", H5T_STD_I64LE, 2, kPieceTimes, path);
  }

  /// At most a piece.
  void append(View<const std::uint8_t, 2> cells) {
    const std::int64_t n = cells.shape(0), n_chan = info.n_chan;
    for (std::int64_t k = 0; k < n; ++k)
      for (std::int64_t c = 0; c < n_chan; ++c) piece[static_cast<std::size_t>(k * n_chan + c)] = cells(k, c);
    const std::string trouble = trouble_in({piece.data(), {n * n_chan}}, kNumFlagRules);
    expect(trouble.empty(), "{}: {}", target.path(), trouble);
    append_rows(rule, n_cell, n, n_chan, H5T_NATIVE_UINT8, piece.data(), target.path());
    n_cell += n;
    output.check(target.path());
  }

  AtomicFile target;
  FlagMaskInfo info;
  std::vector<std::uint8_t> piece;
  std::int64_t n_cell = 0, n_times = 0, end_of_times = 0;  // so far
  Hdf5Output output;                                       // outlives the file
  Hdf5Id file, rule, times;
};

MaskWriter::MaskWriter(const std::string& path, const FlagMaskInfo& info, bool overwrite) {
  const std::string trouble = trouble_in(info);
  expect(trouble.empty(), "{}: {}", path, trouble);
  check_output_path(path, overwrite);
  file_ = std::make_unique<File>(path, info);
}

MaskWriter::~MaskWriter() = default;
MaskWriter::MaskWriter(MaskWriter&&) noexcept = default;
MaskWriter& MaskWriter::operator=(MaskWriter&&) noexcept = default;

void MaskWriter::append(View<const std::uint8_t, 2> rule) {
  const FlagMaskInfo& info = file_->info;
  const std::int64_t n = rule.shape(0), n_left = info.n_cell() - file_->n_cell;
  expect(rule.shape(1) == info.n_chan, "{}: cells of {} channels, {} were announced", file_->target.path(),
         rule.shape(1), info.n_chan);
  expect(n <= n_left, "{}: {} cells where {} of {} are left", file_->target.path(), n, n_left, info.n_cell());
  const Hdf5Lock lock;
  const std::int64_t n_piece = piece_cells(info);
  for (std::int64_t k = 0; k < n; k += n_piece) file_->append(rule.slice(0, k, std::min(k + n_piece, n)));
}

void MaskWriter::add_times(const std::vector<FlaggedTimes>& times) {
  File& file = *file_;
  const std::string trouble = trouble_in(times, file.end_of_times, file.info.n_time);
  expect(trouble.empty(), "{}: {}", file.target.path(), trouble);
  if (times.empty()) return;
  const Hdf5Lock lock;
  append_rows(file.times, file.n_times, std::ssize(times), 2, H5T_NATIVE_INT64, times.data(),
              file.target.path());
  file.n_times += std::ssize(times);
  file.end_of_times = times.back().end;
  file.output.check(file.target.path());
}

void MaskWriter::finish() {
  const std::string& path = file_->target.path();
  expect(file_->n_cell == file_->info.n_cell(), "{}: {} cells were given, {} were announced", path,
         file_->n_cell, file_->info.n_cell());
  const Hdf5Lock lock;
  const bool is_closed = file_->rule.close() && file_->times.close() && file_->file.close();
  commit_hdf5(is_closed, file_->output, file_->target);
}

struct MaskReader::File {
  explicit File(const std::string& path_in) : path(path_in) {
    require(is_hdf5_mask(path), "{}: is not HDF5, and so no mask of tianyan", path);
    const Hdf5Lock lock;
    file = open_hdf5(path);
    const Hdf5Attributes attributes(file, path);
    check_format(attributes, path);
    n_rule = read_n_rule(attributes, path);
    info = read_info(attributes, path);
    rule = open_dataset(file, "rule", path);
    const std::int64_t n_cell = check_dataset(rule, "rule", H5T_NATIVE_UINT8, info.n_chan, path);
    require(n_cell == info.n_cell(), "{}: /rule has {} cells; {} samples in cells of {} are {}", path, n_cell,
            info.n_time, info.cell_samples, info.n_cell());
    times = read_times(file, info, path);
    piece.resize(static_cast<std::size_t>(piece_cells(info) * info.n_chan));
    if (n_cell > 0) read(0, {piece.data(), {1, info.n_chan}});  // a missing filter is known now
  }

  /// At most a piece.
  void read(std::int64_t first, View<std::uint8_t, 2> cells) {
    const std::int64_t n = cells.shape(0), n_chan = info.n_chan;
    read_hdf5(rule, H5T_NATIVE_UINT8, {static_cast<hsize_t>(first), 0},
              {static_cast<hsize_t>(n), static_cast<hsize_t>(n_chan)}, piece.data(), path,
              "read /rule (is the file damaged?)");
    const std::string trouble = trouble_in({piece.data(), {n * n_chan}}, n_rule);
    require(trouble.empty(), "{}: cells [{}, {}): {}", path, first, first + n, trouble);
    for (std::int64_t k = 0; k < n; ++k)
      for (std::int64_t c = 0; c < n_chan; ++c) cells(k, c) = piece[static_cast<std::size_t>(k * n_chan + c)];
  }

  std::string path;
  FlagMaskInfo info;
  int n_rule = 0;
  std::vector<FlaggedTimes> times;
  std::vector<std::uint8_t> piece;
  Hdf5Id file, rule;
};

MaskReader::MaskReader(const std::string& path) : file_(std::make_unique<File>(path)) {}
MaskReader::~MaskReader() = default;
MaskReader::MaskReader(MaskReader&&) noexcept = default;
MaskReader& MaskReader::operator=(MaskReader&&) noexcept = default;

const FlagMaskInfo& MaskReader::info() const { return file_->info; }
const std::vector<FlaggedTimes>& MaskReader::times() const { return file_->times; }

void MaskReader::read(std::int64_t first_cell, View<std::uint8_t, 2> rule) {
  const FlagMaskInfo& info = file_->info;
  const std::int64_t n = rule.shape(0), n_piece = piece_cells(info);
  expect(rule.shape(1) == info.n_chan, "{}: cells of {} channels, the mask has {}", file_->path,
         rule.shape(1), info.n_chan);
  expect(first_cell >= 0 && first_cell <= info.n_cell() - n, "{}: cells [{}, {}) of {}", file_->path,
         first_cell, first_cell + n, info.n_cell());
  const Hdf5Lock lock;
  for (std::int64_t k = 0; k < n; k += n_piece)
    file_->read(first_cell + k, rule.slice(0, k, std::min(k + n_piece, n)));
}

bool is_hdf5_mask(const std::string& path) {
  constexpr unsigned char kSignature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  const RawFile file(path);
  unsigned char head[sizeof kSignature] = {};
  if (file.size_bytes() < static_cast<std::int64_t>(sizeof head)) return false;
  file.read(0, sizeof head, head);
  return std::memcmp(head, kSignature, sizeof head) == 0;
}

void check_mask_fits(const FlagMaskInfo& mask, const StreamInfo& info, const std::string& path) {
  const auto same = [&](bool is_same, const char* what, const auto& in_mask, const auto& in_data) {
    expect(is_same, "{}: the mask is of another stream: its {} is {}, that of the data {}", path, what,
           in_mask, in_data);
  };
  const double width_mhz = info.channel_width_mhz, time_s = info.sample_time_s;
  const auto near = [](double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; };
  same(mask.n_chan == info.n_chan, "n_chan", mask.n_chan, info.n_chan);
  same(mask.n_time == info.n_time, "n_time", mask.n_time, info.n_time);
  same(near(mask.freq_low_mhz, info.freq_low_mhz, 0.1 * width_mhz), "freq_low_mhz", mask.freq_low_mhz,
       info.freq_low_mhz);
  same(near(mask.channel_width_mhz, width_mhz, 0.1 * width_mhz / std::max(1, info.n_chan)),
       "channel_width_mhz", mask.channel_width_mhz, width_mhz);
  same(near(mask.sample_time_s, time_s,
            0.5 * time_s / static_cast<double>(std::max<std::int64_t>(1, info.n_time))),
       "sample_time_s", mask.sample_time_s, time_s);
  const auto text_of = [](const Mjd& t) { return fmt::format("MJD {} + {:.9f} s", t.day, t.second); };
  same(near(mask.start.seconds_since(info.start), 0.0, 0.5 * time_s), "start", text_of(mask.start),
       text_of(info.start));
}

}  // namespace tianyan
