// VoltageSeries: files of one beam that follow each other, read as one stream of voltages.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "io/series_parts.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::size_t kMaxOpen = 32;  // a series may have more files than a process may open

/// A file with its samples [first_sample, end_sample) of the stream; those before own_begin are the end of
/// the file before it as well.
struct Part {
  std::string path;
  std::unique_ptr<VoltageSource> source;  ///< null while the file is closed
  VoltageInfo info;
  VoltageFormat format;
  InputFile file;
  Losses losses;
  std::string format_name;
  std::int64_t first_sample = 0, own_begin = 0;
  std::int64_t last_read = 0;  ///< number of the read that used it last

  std::int64_t end_sample() const { return first_sample + info.n_time; }
};

std::unique_ptr<VoltageSource> open_one(const std::string& path, int beam, const VoltageHints& hints) {
  return known_voltage_format(path).open(path, beam, hints);
}

Part describe(const std::string& path, int beam, const VoltageHints& hints, bool keep_open) {
  Part part;
  auto source = open_one(path, beam, hints);
  part.path = path;
  part.info = source->info();
  part.format = source->format();
  part.file = source->files().at(0);
  part.losses = source->losses();
  part.format_name = source->format_name();
  if (keep_open) part.source = std::move(source);
  return part;
}

void check_same_format(const Part& a, const Part& b) {
  const auto same = [&](const char* what, const auto& x, const auto& y) {
    require_same(a, b, what, x, y, x == y);
  };
  same("the number of bits", a.format.n_bits, b.format.n_bits);
  same("'samples are complex'", a.format.is_complex, b.format.is_complex);
  same("the kind of code", static_cast<int>(a.format.code), static_cast<int>(b.format.code));
  same("'the band is inverted'", a.format.is_inverted, b.format.is_inverted);
  require_same(a, b, "the format", a.format_name, b.format_name, a.format == b.format);
}

void check_same_stream(const Part& a, const Part& b) {
  const auto near = [&](const char* what, double x, double y, double tolerance) {
    require_same(a, b, what, x, y, std::abs(x - y) <= tolerance);
  };
  const VoltageInfo &x = a.info, &y = b.info;
  check_same_format(a, b);
  require_same(a, b, "the number of coarse channels", x.n_coarse, y.n_coarse, x.n_coarse == y.n_coarse);
  require_same(a, b, "the number of polarisations", x.n_pol, y.n_pol, x.n_pol == y.n_pol);
  near("the lower edge of the band in MHz", x.band_low_mhz, y.band_low_mhz, 1e-3 * x.coarse_width_mhz);
  near("the width of a coarse channel in MHz", x.coarse_width_mhz, y.coarse_width_mhz,
       1e-6 * x.coarse_width_mhz);
  near("the sample time in s", x.sample_time_s, y.sample_time_s, 1e-9 * x.sample_time_s);
}

/// Of the files that know theirs; files that do not may stand between them.
void check_same_target(const std::vector<Part>& parts) {
  const Part *has_source = nullptr, *has_beam = nullptr;
  for (const auto& part : parts) {
    const VoltageInfo& info = part.info;
    if (!info.source_name.empty()) {
      if (!has_source) has_source = &part;
      const std::string& known = has_source->info.source_name;
      require_same(*has_source, part, "the source", known, info.source_name, known == info.source_name);
    }
    if (info.beam != 0) {
      if (!has_beam) has_beam = &part;
      const int known = has_beam->info.beam;
      require_same(*has_beam, part, "the beam", known, info.beam, known == info.beam);
    }
  }
}

/// Samples from the end of a to the start of b: missing ones where positive, shared ones where negative, 0
/// where the files follow each other to within half a sample or the clocks' error.
///
/// The headers of these two files alone decide. What is within the tolerance is left out of the stream's
/// positions and never handed on: were the next start compared with where the stream stands instead, a
/// sample time that is wrong in its tenth digit would become a gap or an overlap after enough files.
std::int64_t gap_between(const Part& a, const Part& b) {
  const double late_s = seconds_between(a, b);
  if (std::abs(late_s) <= contiguous_s(a)) return 0;
  // b starts no earlier than a, so that -late_s is at most the duration of a.
  const std::int64_t gap = std::llround(late_s / a.info.sample_time_s);
  require(gap >= 0 || -2 * gap < std::min(a.info.n_time, b.info.n_time),
          "{} and {} overlap by {} samples of {} and {}; half of the shorter or more is not believed to be "
          "one scan",
          a.path, b.path, -gap, a.info.n_time, b.info.n_time);
  return gap;
}

/// Bytes of all blocks one after the other, pieces moved along.
void join(const std::vector<VoltageBlock>& blocks, std::int64_t first_sample, VoltageBlock& out) {
  std::int64_t n_byte = 0;
  for (const auto& block : blocks) n_byte += block.bytes.size();
  out.reserve(n_byte);
  out.pieces.clear();
  std::int64_t at = 0;
  for (const auto& block : blocks) {
    const std::int64_t n = block.bytes.size(), later = block.first_sample - first_sample;
    if (n > 0) std::memcpy(out.bytes.data() + at, block.bytes.data(), static_cast<std::size_t>(n));
    for (VoltagePiece piece : block.pieces) {
      piece.begin += later;
      piece.end += later;
      piece.first_bit += 8 * at;
      out.pieces.push_back(piece);
    }
    at += n;
  }
}

class VoltageSeries : public VoltageSource {
 public:
  VoltageSeries(std::vector<Part> parts, int beam, const VoltageHints& hints)
      : parts_(std::move(parts)), beam_(beam), hints_(hints), info_(parts_.front().info) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (i > 0) place(parts_[i - 1], parts_[i]);
      files_.push_back(parts_[i].file);
      files_.back().first_sample = parts_[i].first_sample;
      if (info_.beam == 0) info_.beam = parts_[i].info.beam;
      if (info_.source_name.empty()) info_.source_name = parts_[i].info.source_name;
    }
    info_.n_time = parts_.back().end_sample();
    if (between_.n_gaps > 0)
      between_.notes.push_back(fmt::format("{} gaps between the {} files from {} on: {} samples are missing",
                                           between_.n_gaps, parts_.size(), parts_.front().path,
                                           between_.gap_samples));
  }

  const VoltageInfo& info() const override { return info_; }
  const VoltageFormat& format() const override { return parts_.front().format; }
  const std::vector<InputFile>& files() const override { return files_; }
  std::string format_name() const override { return parts_.front().format_name; }

  const Losses& losses() const override {
    losses_ = between_;
    for (const auto& part : parts_) losses_.add(part.losses);
    return losses_;
  }

  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
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
    std::vector<VoltageBlock> blocks;
    for (; part != parts_.end() && part->own_begin < end; ++part) {
      const std::int64_t begin = std::max(first_sample, part->own_begin);
      const std::int64_t n = std::min(end, part->end_sample()) - begin;
      if (n > 0) read_part(*part, begin, n, blocks.emplace_back());
    }
    join(blocks, first_sample, out);
    out.first_sample = first_sample;
    out.n_time = n_time;
  }

 private:
  void place(const Part& before, Part& part) {
    const std::int64_t gap = gap_between(before, part);
    part.first_sample = before.end_sample() + gap;
    part.own_begin = before.end_sample() + std::max<std::int64_t>(0, gap);
    if (gap > 0) {
      between_.gap_samples += gap;
      ++between_.n_gaps;
    } else if (gap < 0) {
      between_.notes.push_back(fmt::format("{} and {} share {} samples: those of {} were taken", before.path,
                                           part.path, -gap, before.path));
    }
  }

  void read_part(Part& part, std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) {
    VoltageSource& source = opened(part);
    source.read(first_sample - part.first_sample, n_time, out);
    out.first_sample = first_sample;
    if (part.losses.counts_less_than(source.losses())) part.losses = source.losses();
  }

  VoltageSource& opened(Part& part) {
    part.last_read = ++n_read_;
    if (part.source) return *part.source;
    close_one_of_many();
    auto source = open_one(part.path, beam_, hints_);
    const InputFile& now = source->files().at(0);
    require(now.size_bytes == part.file.size_bytes && now.n_time == part.file.n_time &&
                now.header_checksum == part.file.header_checksum && source->format() == part.format,
            "{}: changed while it was being read: {} bytes and {} samples, {} and {} before", part.path,
            now.size_bytes, now.n_time, part.file.size_bytes, part.file.n_time);
    part.source = std::move(source);
    return *part.source;
  }

  /// So that one more can be opened: the one that was not read for longest.
  void close_one_of_many() {
    std::size_t n_open = 0;
    Part* oldest = nullptr;
    for (Part& part : parts_) {
      if (!part.source) continue;
      ++n_open;
      if (!oldest || part.last_read < oldest->last_read) oldest = &part;
    }
    if (n_open >= kMaxOpen) oldest->source.reset();
  }

  std::vector<Part> parts_;
  int beam_;
  VoltageHints hints_;
  VoltageInfo info_;
  std::vector<InputFile> files_;
  Losses between_;         // what the files' order shows, beside what each loses itself
  mutable Losses losses_;  // made when asked for: parts count as they are read
  std::int64_t n_read_ = 0;
};

}  // namespace

std::unique_ptr<VoltageSource> open_voltages(const std::vector<std::string>& paths, int beam,
                                             const VoltageHints& hints) {
  expect(!paths.empty(), "a series of no files");
  if (paths.size() == 1) return open_one(paths.front(), beam, hints);
  const bool keep_open = paths.size() <= kMaxOpen;  // opening takes time where headers lie among the data
  std::vector<Part> parts;
  for (const auto& path : paths) parts.push_back(describe(path, beam, hints, keep_open));
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return a.info.start.seconds_since(b.info.start) < 0.0;
  });
  for (std::size_t i = 1; i < parts.size(); ++i) check_same_stream(parts.front(), parts[i]);
  check_same_target(parts);
  return std::make_unique<VoltageSeries>(std::move(parts), beam, hints);
}

}  // namespace tianyan
