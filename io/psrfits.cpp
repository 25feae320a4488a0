// PSRFITS search-mode files: Source. See psrfits_header.hpp for what is believed of a header.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "io/psrfits_header.hpp"
#include "io/psrfits_rows.hpp"
#include "io/psrfits_track.hpp"
#include "io/source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

bool is_fits(const std::string&, const std::vector<unsigned char>& head) {
  return head.size() >= 10 && std::memcmp(head.data(), "SIMPLE  = ", 10) == 0;
}

template <class T>
void to_native(std::uint8_t* bytes, std::int64_t n_bytes, T flip) {
  for (std::int64_t i = 0; i < n_bytes; i += static_cast<std::int64_t>(sizeof(T))) {
    T value;
    std::memcpy(&value, bytes + i, sizeof value);
    if constexpr (sizeof(T) == 2) value = static_cast<T>(__builtin_bswap16(value) ^ flip);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 1) value = static_cast<T>(value ^ flip);
    std::memcpy(bytes + i, &value, sizeof value);
  }
}

bool is_all(const std::vector<float>& values, float value) {
  return std::all_of(values.begin(), values.end(), [value](float v) { return v == value; });
}

/// Spectra that count in each row: those of our own column N_VALID, else all, but in the last row only up to
/// NSTOT.
std::vector<std::int64_t> read_n_valid(const PsrfitsHeader& header, FitsTable& table) {
  const std::int64_t n_time = header.rows_n_time, n_row = table.n_row_whole();
  std::vector<std::int64_t> n_valid(static_cast<std::size_t>(n_row), n_time);
  const FitsColumn* column = table.find("N_VALID");
  if (column && column->repeat >= 1) {
    const auto values = table.read_scalars(*column);
    for (std::size_t row = 0; row < values.size(); ++row) {
      require(values[row] >= 0.0 && values[row] <= static_cast<double>(n_time),
              "{}: row {} has N_VALID {}; 0 to NSBLK {} are possible", table.raw().path(), row + 1,
              values[row], n_time);
      n_valid[row] = static_cast<std::int64_t>(values[row]);
    }
    return n_valid;
  }
  const std::int64_t n_last = header.n_total - (n_row - 1) * n_time;
  if (n_row == table.n_row() && n_last > 0 && n_last < n_time) n_valid.back() = n_last;
  return n_valid;
}

const FitsColumn* find_coordinate(const FitsTable& table, const char* name) {
  const FitsColumn* column = table.find(name);
  return column && column->repeat >= 1 && (column->type == 'D' || column->type == 'E') ? column : nullptr;
}

class PsrfitsSource : public Source {
 public:
  explicit PsrfitsSource(const std::string& path) : opened_(open_psrfits(path)) {
    StreamInfo& info = opened_.header.info;
    timeline_ = place(opened_.header, opened_.table);
    info.n_time = timeline_.n_time;
    info.start = info.start.plus_seconds(timeline_.start_s);
    info.take_track(track(opened_, timeline_));
    check_header(info, format(), path);
    losses_.notes = opened_.header.notes;
    losses_.notes.insert(losses_.notes.end(), timeline_.notes.begin(), timeline_.notes.end());
    losses_.gap_samples = timeline_.gap_samples;
    losses_.n_gaps = timeline_.n_gaps;
    count_lost_rows();
    files_ = {describe_input(opened_.table.raw(), info.n_time)};
  }

  const StreamInfo& info() const override { return opened_.header.info; }
  const SampleFormat& format() const override { return opened_.header.format; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "PSRFITS"; }

  void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info().n_time - n_time,
           "{}: samples [{}, {}) of {}", path(), first_sample, first_sample + n_time, info().n_time);
    const std::int64_t bytes = spectrum_bytes(info(), format());
    out.reserve(n_time, bytes);
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.spans.clear();
    const std::int64_t end = first_sample + n_time;
    std::int64_t at = first_sample;
    for (auto row = first_row_after(first_sample); row != timeline_.rows.end() && at < end; ++row) {
      at = fill_gap(at, std::min(end, row->first_sample), out);
      if (at < end) at = read_row(*row, at, std::min(end, row->first_sample + row->n_time), out);
    }
    fill_gap(at, end, out);
  }

 private:
  const std::string& path() const { return opened_.table.raw().path(); }

  static RowTimeline place(const PsrfitsHeader& header, FitsTable& table) {
    RowTimes times;
    times.file = table.raw().path();
    times.sample_time_s = header.info.sample_time_s;
    times.rows_n_time = header.rows_n_time;
    times.rows_before = header.rows_before;
    times.n_valid = read_n_valid(header, table);
    const FitsColumn* middle = table.find("OFFS_SUB");
    if (middle && middle->repeat >= 1) times.middle_s = table.read_scalars(*middle);
    return place_rows(times);
  }

  static SkyTrack track(PsrfitsTable& opened, RowTimeline& timeline) {
    const FitsColumn* ra = find_coordinate(opened.table, "RA_SUB");
    const FitsColumn* dec = find_coordinate(opened.table, "DEC_SUB");
    if (!ra || !dec) return {};
    const StreamInfo& info = opened.header.info;
    RowPointings rows{opened.table.raw().path(), info.sample_time_s, {}, {}, {info.ra_deg, info.dec_deg}};
    rows.ra_deg = opened.table.read_scalars(*ra);
    rows.dec_deg = opened.table.read_scalars(*dec);
    return row_track(rows, timeline, timeline.notes);
  }

  void count_lost_rows() {
    const FitsTable& table = opened_.table;
    const std::int64_t n_lost = table.n_row() - table.n_row_whole();
    if (n_lost == 0) return;
    losses_.cut_short = true;
    losses_.lost_bytes = n_lost * table.row_bytes();
    losses_.notes.push_back(
        fmt::format("{}: cut short: {} whole rows of the {} that its header promises; {} bytes lost", path(),
                    table.n_row_whole(), table.n_row(), losses_.lost_bytes));
  }

  std::vector<PlacedRow>::const_iterator first_row_after(std::int64_t sample) const {
    return std::partition_point(timeline_.rows.begin(), timeline_.rows.end(), [sample](const PlacedRow& row) {
      return row.first_sample + row.n_time <= sample;
    });
  }

  /// Samples are undefined in a gap; zeros make what is read a function of the file alone.
  std::int64_t fill_gap(std::int64_t at, std::int64_t end, RawBlock& out) const {
    if (at >= end) return at;
    const std::int64_t bytes = spectrum_bytes(info(), format());
    std::memset(out.samples.data() + (at - out.first_sample) * bytes, 0,
                static_cast<std::size_t>((end - at) * bytes));
    out.spans.push_back({at - out.first_sample, end - out.first_sample, true, {}, {}, {}});
    return end;
  }

  std::int64_t read_row(const PlacedRow& row, std::int64_t at, std::int64_t end, RawBlock& out) {
    const std::int64_t bytes = spectrum_bytes(info(), format());
    std::uint8_t* to = out.samples.data() + (at - out.first_sample) * bytes;
    const std::int64_t n_bytes = (end - at) * bytes;
    opened_.table.read_bytes(row.row, opened_.header.data->offset + (at - row.first_sample) * bytes, n_bytes,
                             to);
    const bool flips = opened_.header.flips_top_bit;
    if (format().n_bits == 8 && flips) to_native<std::uint8_t>(to, n_bytes, 0x80);
    if (format().n_bits == 16) to_native<std::uint16_t>(to, n_bytes, flips ? 0x8000 : 0);
    if (format().n_bits == 32) to_native<std::uint32_t>(to, n_bytes, 0);
    load_calibration(row.row);
    append_span(at - out.first_sample, end - out.first_sample, out);
    return end;
  }

  /// Rows with one calibration are one span.
  void append_span(std::int64_t begin, std::int64_t end, RawBlock& out) const {
    if (!out.spans.empty()) {
      CalibrationSpan& last = out.spans.back();
      if (!last.missing && last.scale == calibration_.scale && last.offset == calibration_.offset &&
          last.weight == calibration_.weight) {
        last.end = end;
        return;
      }
    }
    out.spans.push_back(calibration_);
    out.spans.back().begin = begin;
    out.spans.back().end = end;
  }

  /// Makes calibration_ that of a row: trivial tables empty, and weight 0 where anything is no number.
  void load_calibration(std::int64_t row) {
    if (row == calibrated_row_) return;
    calibrated_row_ = -1;
    const PsrfitsHeader& header = opened_.header;
    const auto load = [&](const FitsColumn* column, std::vector<float>& to) {
      to.clear();
      if (column) opened_.table.read_floats(row, *column, to);
    };
    load(header.scale, calibration_.scale);
    load(header.offset, calibration_.offset);
    load(header.weight, calibration_.weight);
    const std::int64_t n_bad = flag_bad_values();
    if (is_all(calibration_.scale, 1.0f)) calibration_.scale.clear();
    if (is_all(calibration_.offset, 0.0f)) calibration_.offset.clear();
    if (is_all(calibration_.weight, 1.0f)) calibration_.weight.clear();
    count_bad_values(row, n_bad);
    calibrated_row_ = row;
  }

  std::int64_t flag_bad_values() {
    const auto n_chan = static_cast<std::size_t>(info().n_chan);
    auto& weight = calibration_.weight;
    std::vector<bool> is_bad(n_chan);
    const auto replace = [&](std::vector<float>& values, float by) {
      for (std::size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i])) {
          is_bad[i % n_chan] = true;
          values[i] = by;
        }
    };
    replace(calibration_.scale, 1.0f);
    replace(calibration_.offset, 0.0f);
    replace(weight, 0.0f);
    for (std::size_t c = 0; c < weight.size(); ++c)
      if (weight[c] < 0.0f) is_bad[c] = true;
    const auto n_bad = std::count(is_bad.begin(), is_bad.end(), true);
    if (n_bad == 0) return 0;
    if (weight.empty()) weight.assign(n_chan, 1.0f);
    for (std::size_t c = 0; c < n_chan; ++c)
      if (is_bad[c]) weight[c] = 0.0f;
    return n_bad;
  }

  /// One note a file, which grows; a row that is read again is not counted again.
  void count_bad_values(std::int64_t row, std::int64_t n_bad) {
    if (row <= last_counted_row_) return;
    last_counted_row_ = row;
    if (n_bad == 0) return;
    if (n_bad_ == 0) losses_.notes.emplace_back();
    if (n_bad_ == 0) bad_note_ = losses_.notes.size() - 1;
    n_bad_ += n_bad;
    losses_.notes[bad_note_] = fmt::format(
        "{}: {} times a channel of a row has a scale, offset or weight that is no usable number: weight 0",
        path(), n_bad_);
  }

  PsrfitsTable opened_;
  RowTimeline timeline_;
  Losses losses_;
  std::vector<InputFile> files_;
  CalibrationSpan calibration_;  ///< of calibrated_row_
  std::int64_t calibrated_row_ = -1;
  std::int64_t last_counted_row_ = -1, n_bad_ = 0;
  std::size_t bad_note_ = 0;
};

std::unique_ptr<Source> open_source_psrfits(const std::string& path) {
  return std::make_unique<PsrfitsSource>(path);
}

[[maybe_unused]] const bool kSource = register_source_format({"PSRFITS", is_fits, open_source_psrfits});

}  // namespace
}  // namespace tianyan
