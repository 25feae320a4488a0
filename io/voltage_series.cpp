// VoltageSeries: files of one beam that follow each other, read as one stream of voltages.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "io/voltage_source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr double kMaxGap_s = kSecondsPerDay;  // longer ones are mistakes: another scan, a wrong clock

/// A file with its samples [first_sample, end_sample) of the stream; those before own_begin are the end of
/// the file before it as well, as GUPPI files overlap.
struct Part {
  std::unique_ptr<VoltageSource> source;
  std::int64_t first_sample = 0, own_begin = 0;

  const std::string& path() const { return source->files().front().path; }
  std::int64_t end_sample() const { return first_sample + source->info().n_time; }
};

void check_same_stream(const VoltageSource& a, const VoltageSource& b) {
  const auto same = [&](const char* what, const auto& x, const auto& y, bool is_same) {
    require(is_same, "{} and {} do not belong to one scan: {} is {} and {}; give them in separate runs",
            a.files().front().path, b.files().front().path, what, x, y);
  };
  const auto near = [](double x, double y, double tolerance) { return std::abs(x - y) <= tolerance; };
  const VoltageInfo &x = a.info(), &y = b.info();
  same("the number of coarse channels", x.n_coarse, y.n_coarse, x.n_coarse == y.n_coarse);
  same("the number of polarisations", x.n_pol, y.n_pol, x.n_pol == y.n_pol);
  same("the number of bits", a.format().n_bits, b.format().n_bits, a.format() == b.format());
  same("the lower edge of the band in MHz", x.band_low_mhz, y.band_low_mhz,
       near(x.band_low_mhz, y.band_low_mhz, 1e-3 * x.coarse_width_mhz));
  same("the width of a coarse channel in MHz", x.coarse_width_mhz, y.coarse_width_mhz,
       near(x.coarse_width_mhz, y.coarse_width_mhz, 1e-6 * x.coarse_width_mhz));
  same("the sample time in s", x.sample_time_s, y.sample_time_s,
       near(x.sample_time_s, y.sample_time_s, 1e-9 * x.sample_time_s));
  same("the source", x.source_name, y.source_name,
       x.source_name == y.source_name || x.source_name.empty() || y.source_name.empty());
}

class VoltageSeries : public VoltageSource {
 public:
  explicit VoltageSeries(std::vector<Part> parts)
      : parts_(std::move(parts)), info_(parts_.front().source->info()) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      place(i);
      files_.push_back(parts_[i].source->files().front());
      files_.back().first_sample = parts_[i].first_sample;
    }
    info_.n_time = parts_.back().end_sample();
  }

  const VoltageInfo& info() const override { return info_; }
  const VoltageFormat& format() const override { return parts_.front().source->format(); }
  const std::vector<InputFile>& files() const override { return files_; }
  std::string format_name() const override { return parts_.front().source->format_name(); }

  const Losses& losses() const override {
    losses_ = {};
    losses_.gap_samples = gap_samples_;
    losses_.n_gaps = n_gaps_;
    if (n_gaps_ > 0)
      losses_.notes.push_back(fmt::format("{} gaps between the {} files from {} on: {} samples are missing",
                                          n_gaps_, parts_.size(), parts_.front().path(), gap_samples_));
    for (const auto& part : parts_) {
      const Losses& l = part.source->losses();
      losses_.gap_samples += l.gap_samples;
      losses_.n_gaps += l.n_gaps;
      losses_.lost_bytes += l.lost_bytes;
      losses_.cut_short = losses_.cut_short || l.cut_short;
      losses_.notes.insert(losses_.notes.end(), l.notes.begin(), l.notes.end());
    }
    return losses_;
  }

  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info_.n_time - n_time,
           "{}: samples [{}, {}) of {}", parts_.front().path(), first_sample, first_sample + n_time,
           info_.n_time);
    const std::int64_t end = first_sample + n_time;
    auto part = std::partition_point(parts_.begin(), parts_.end(),
                                     [&](const Part& p) { return p.end_sample() <= first_sample; });
    if (part != parts_.end() && part->first_sample <= first_sample && end <= part->end_sample()) {
      part->source->read(first_sample - part->first_sample, n_time, out);
      out.first_sample = first_sample;
      return;
    }
    std::vector<VoltageBlock> blocks;
    for (; part != parts_.end() && part->own_begin < end; ++part) {
      const std::int64_t begin = std::max(first_sample, part->own_begin);
      const std::int64_t n = std::min(end, part->end_sample()) - begin;
      if (n <= 0) continue;
      part->source->read(begin - part->first_sample, n, blocks.emplace_back());
      blocks.back().first_sample = begin;
    }
    join(blocks, first_sample, out);
    out.first_sample = first_sample;
    out.n_time = n_time;
  }

 private:
  /// Where part i begins in the stream, after what the part before it left.
  void place(std::size_t i) {
    if (i == 0) return;
    const Part& before = parts_[i - 1];
    Part& part = parts_[i];
    const double since_s = part.source->info().start.seconds_since(info_.start);
    require(since_s <= before.source->info().start.seconds_since(info_.start) +
                           before.source->info().duration_s() + kMaxGap_s,
            "{} and {} are more than a day apart: not believed to be one scan", before.path(), part.path());
    part.first_sample = std::llround(since_s / info_.sample_time_s);
    part.own_begin = std::max(part.first_sample, before.end_sample());
    const std::int64_t n_shared = before.end_sample() - part.first_sample;
    require(2 * n_shared < std::min(before.source->info().n_time, part.source->info().n_time),
            "{} and {} overlap by {} samples", before.path(), part.path(), n_shared);
    if (n_shared >= 0) return;
    gap_samples_ -= n_shared;
    ++n_gaps_;
  }

  static void join(const std::vector<VoltageBlock>& blocks, std::int64_t first_sample, VoltageBlock& out) {
    std::int64_t n_byte = 0;
    for (const auto& block : blocks) n_byte += block.bytes.size();
    out.reserve(n_byte);
    out.pieces.clear();
    std::int64_t at = 0;
    for (const auto& block : blocks) {
      if (block.bytes.size() > 0)
        std::memcpy(out.bytes.data() + at, block.bytes.data(), static_cast<std::size_t>(block.bytes.size()));
      const std::int64_t later = block.first_sample - first_sample;
      for (VoltagePiece piece : block.pieces) {
        piece.begin += later;
        piece.end += later;
        piece.first_bit += 8 * at;
        out.pieces.push_back(piece);
      }
      at += block.bytes.size();
    }
  }

  std::vector<Part> parts_;
  VoltageInfo info_;
  std::vector<InputFile> files_;
  std::int64_t gap_samples_ = 0, n_gaps_ = 0;
  mutable Losses losses_;  // made when asked for: parts count as they are read
};

std::unique_ptr<VoltageSource> open_one(const std::string& path, int beam, const VoltageHints& hints) {
  const auto* format = voltage_format_of(path);
  require(format != nullptr, "{}: no known format of voltages", path);
  return format->open(path, beam, hints);
}

}  // namespace

std::unique_ptr<VoltageSource> open_voltages(const std::vector<std::string>& paths, int beam,
                                             const VoltageHints& hints) {
  expect(!paths.empty(), "a series of no files");
  if (paths.size() == 1) return open_one(paths.front(), beam, hints);
  std::vector<Part> parts;
  for (const auto& path : paths) parts.push_back({open_one(path, beam, hints), 0, 0});
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return a.source->info().start.seconds_since(b.source->info().start) < 0.0;
  });
  for (std::size_t i = 1; i < parts.size(); ++i) check_same_stream(*parts[i - 1].source, *parts[i].source);
  return std::make_unique<VoltageSeries>(std::move(parts));
}

}  // namespace tianyan
