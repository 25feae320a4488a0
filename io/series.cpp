// SeriesSource: files of one beam that follow each other, read as one stream with gaps filled.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "io/series_parts.hpp"
#include "io/source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::size_t kMaxOpen = 2;            // a series may have more files than a process may open
constexpr std::int64_t kPieceBytes = 8 << 20;  // of a read that crosses files

struct Part {
  std::string path;
  StreamInfo info;
  SampleFormat format;
  InputFile file;
  Losses losses;
  std::string format_name;
  std::int64_t first_sample = 0;

  std::int64_t end_sample() const { return first_sample + info.n_time; }
};

Part describe(const std::string& path) {
  const auto source = open_source(path);
  return {
      path, source->info(), source->format(), source->files().at(0), source->losses(), source->format_name(),
      0};
}

bool is_near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance; }

void check_same_stream(const Part& a, const Part& b) {
  const StreamInfo &x = a.info, &y = b.info;
  const auto same = [&](const char* what, const auto& p, const auto& q) {
    require_same(a, b, what, p, q, p == q);
  };
  same("the number of channels", x.n_chan, y.n_chan);
  same("the number of polarisations", x.n_pol, y.n_pol);
  same("the number of bits", a.format.n_bits, b.format.n_bits);
  same("the kind of polarisation", static_cast<int>(a.format.pol_kind), static_cast<int>(b.format.pol_kind));
  same("'channels descending'", a.format.channels_descending, b.format.channels_descending);
  same("'samples are signed'", a.format.is_signed, b.format.is_signed);
  same("'high bits first'", a.format.high_bits_first, b.format.high_bits_first);
  same("the zero offset", a.format.zero_offset, b.format.zero_offset);
  const double tenth_mhz = 0.1 * x.channel_width_mhz;
  require_same(a, b, "the lowest frequency in MHz", x.freq_low_mhz, y.freq_low_mhz,
               is_near(x.freq_low_mhz, y.freq_low_mhz, tenth_mhz));
  require_same(a, b, "the highest frequency in MHz", x.ref_freq_mhz(), y.ref_freq_mhz(),
               is_near(x.ref_freq_mhz(), y.ref_freq_mhz(), tenth_mhz));
  require_same(a, b, "the sample time in s", x.sample_time_s, y.sample_time_s,
               is_near(x.sample_time_s, y.sample_time_s, 1e-7 * x.sample_time_s));
  require_same(a, b, "the source", x.source_name, y.source_name,
               x.source_name == y.source_name || x.source_name.empty() || y.source_name.empty());
}

/// Of those that know theirs.
void check_same_beam(const std::vector<Part>& parts) {
  const Part* known = nullptr;
  for (const auto& part : parts) {
    if (part.info.beam == 0) continue;
    if (known)
      require_same(*known, part, "the beam", known->info.beam, part.info.beam,
                   known->info.beam == part.info.beam);
    known = &part;
  }
}

/// Samples missing between two files; 0 where they follow each other to within half a sample or the clocks'
/// error.
std::int64_t gap_between(const Part& a, const Part& b) {
  const double late_s = seconds_between(a, b), tolerance_s = contiguous_s(a);
  require(late_s >= -tolerance_s,
          "{} and {} overlap by {} s: the first ends at MJD {:.9f}, the second starts at {:.9f}", a.path,
          b.path, -late_s, a.info.start.plus_seconds(a.info.duration_s()).value(), b.info.start.value());
  return late_s > tolerance_s ? std::llround(late_s / a.info.sample_time_s) : 0;
}

void append_span(CalibrationSpan span, RawBlock& out) {
  if (!out.spans.empty()) {
    CalibrationSpan& last = out.spans.back();
    if (last.missing == span.missing && last.scale == span.scale && last.offset == span.offset &&
        last.weight == span.weight) {
      last.end = span.end;
      return;
    }
  }
  out.spans.push_back(std::move(span));
}

class SeriesSource : public Source {
 public:
  explicit SeriesSource(std::vector<Part> parts) : parts_(std::move(parts)), info_(parts_.front().info) {
    std::int64_t end = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const std::int64_t gap = i == 0 ? 0 : gap_between(parts_[i - 1], parts_[i]);
      gap_samples_ += gap;
      n_gaps_ += gap > 0 ? 1 : 0;
      parts_[i].first_sample = parts_[i].file.first_sample = end + gap;
      end = parts_[i].end_sample();
      files_.push_back(parts_[i].file);
      if (info_.beam == 0) info_.beam = parts_[i].info.beam;
    }
    info_.n_time = end;
    info_.take_track(joined_track());
    check_header(info_, format(), parts_.front().path);
  }

  const StreamInfo& info() const override { return info_; }
  const SampleFormat& format() const override { return parts_.front().format; }
  const std::vector<InputFile>& files() const override { return files_; }
  std::string format_name() const override { return parts_.front().format_name; }

  const Losses& losses() const override {
    losses_ = {};
    for (const auto& part : parts_) losses_.add(part.losses);
    losses_.gap_samples += gap_samples_;
    losses_.n_gaps += n_gaps_;
    if (n_gaps_ > 0)
      losses_.notes.push_back(
          fmt::format("{} gaps between the {} files from {} on: {} samples filled with zero weight", n_gaps_,
                      parts_.size(), parts_.front().path, gap_samples_));
    return losses_;
  }

  void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info_.n_time - n_time,
           "{}: samples [{}, {}) of {}", parts_.front().path, first_sample, first_sample + n_time,
           info_.n_time);
    const std::int64_t end = first_sample + n_time;
    auto part = std::partition_point(parts_.begin(), parts_.end(),
                                     [&](const Part& p) { return p.end_sample() <= first_sample; });
    if (part != parts_.end() && part->first_sample <= first_sample && end <= part->end_sample()) {
      read_part(*part, first_sample, n_time, out);
      return;
    }
    out.reserve(n_time, spectrum_bytes(info_, format()));
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.spans.clear();
    std::int64_t at = first_sample;
    for (; part != parts_.end() && at < end; ++part) {
      at = fill_gap(at, std::min(end, part->first_sample), out);
      at = copy_part(*part, at, std::min(end, part->end_sample()), out);
    }
  }

 private:
  /// Those of the files that move; one that stands still does so where its neighbours are.
  SkyTrack joined_track() const {
    SkyTrack all;
    for (const auto& part : parts_) {
      const auto track =
          since(part.info.track, -static_cast<double>(part.first_sample) * info_.sample_time_s);
      all.insert(all.end(), track.begin(), track.end());
    }
    return all;
  }

  /// Straight into `out`, which then holds nothing else.
  void read_part(Part& part, std::int64_t first_sample, std::int64_t n_time, RawBlock& out) {
    Source& source = opened(part);
    source.read(first_sample - part.first_sample, n_time, out);
    out.first_sample = first_sample;
    const std::int64_t index = &part - parts_.data();
    if (index < last_counted_) return;  // what its reader counts was counted when it was first read
    last_counted_ = index;
    part.losses = source.losses();
  }

  /// Piece by piece through a small buffer: a read that crosses files takes no more memory than one that does
  /// not.
  std::int64_t copy_part(Part& part, std::int64_t at, std::int64_t end, RawBlock& out) {
    const std::int64_t bytes = spectrum_bytes(info_, format());
    const std::int64_t n_piece = std::max<std::int64_t>(1, kPieceBytes / bytes);
    while (at < end) {
      const std::int64_t n = std::min(n_piece, end - at), begin = at - out.first_sample;
      read_part(part, at, n, piece_);
      std::memcpy(out.samples.data() + begin * bytes, piece_.samples.data(),
                  static_cast<std::size_t>(n * bytes));
      for (CalibrationSpan span : piece_.spans) {
        span.begin += begin;
        span.end += begin;
        append_span(std::move(span), out);
      }
      at += n;
    }
    return at;
  }

  std::int64_t fill_gap(std::int64_t at, std::int64_t end, RawBlock& out) const {
    if (at >= end) return at;
    const std::int64_t bytes = spectrum_bytes(info_, format());
    std::memset(out.samples.data() + (at - out.first_sample) * bytes, 0,
                static_cast<std::size_t>((end - at) * bytes));
    append_span({at - out.first_sample, end - out.first_sample, true, {}, {}, {}}, out);
    return end;
  }

  Source& opened(const Part& part) {
    for (auto& [of, source] : open_)
      if (of == &part) return *source;
    auto source = open_source(part.path);
    require(source->info().n_time == part.info.n_time && source->format() == part.format,
            "{}: changed while it was being read: {} spectra, {} before", part.path, source->info().n_time,
            part.info.n_time);
    if (open_.size() == kMaxOpen) open_.erase(open_.begin());
    open_.emplace_back(&part, std::move(source));
    return *open_.back().second;
  }

  std::vector<Part> parts_;
  StreamInfo info_;
  std::vector<InputFile> files_;
  std::int64_t gap_samples_ = 0, n_gaps_ = 0;
  std::int64_t last_counted_ = 0;
  mutable Losses losses_;  // made when asked for: parts count as they are read
  std::vector<std::pair<const Part*, std::unique_ptr<Source>>> open_;
  RawBlock piece_;
};

}  // namespace

std::unique_ptr<Source> open_series(const std::vector<std::string>& paths) {
  expect(!paths.empty(), "a series of no files");
  if (paths.size() == 1) return open_source(paths.front());
  std::vector<Part> parts;
  for (const auto& path : paths) parts.push_back(describe(path));
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return a.info.start.seconds_since(b.info.start) < 0.0;
  });
  for (std::size_t i = 1; i < parts.size(); ++i) check_same_stream(parts[i - 1], parts[i]);
  check_same_beam(parts);
  return std::make_unique<SeriesSource>(std::move(parts));
}

}  // namespace tianyan
