// VDIF files: VoltageSource. Threads are [coarse][pol], the channels within a thread are coarse channels too.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "io/beam_name.hpp"
#include "io/dada_header.hpp"
#include "io/raw_file.hpp"
#include "io/vdif_index.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/expect.hpp"
#include "kernels/base/sample_range.hpp"

namespace tianyan {
namespace {

/// Of files whose first bytes name their format: tables and samples in them may look like frames.
bool is_other_format(const std::vector<unsigned char>& head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.starts_with("\x89HDF\r\n\x1a\n") ||
      text.substr(std::min<std::size_t>(4, text.size())).starts_with("HEADER_START"))
    return true;
  const auto is_card_name = [](char letter) {
    return (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') || letter == ' ' ||
           letter == '_' || letter == '-';
  };
  const std::string_view name = text.substr(0, 8);  // of a card of FITS or GUPPI
  if (name.size() == 8 && text.substr(8).starts_with("=") &&
      std::all_of(name.begin(), name.end(), is_card_name))
    return true;
  return is_dada_text(head) || text.starts_with("HEADER ") || text.starts_with("HEADER\t") ||
         text.starts_with("HDR_");
}

bool is_vdif(const std::string& path, const std::vector<unsigned char>& head) {
  return !is_other_format(head) && find_first_vdif_frame(RawFile(path), head).has_value();
}

/// Slots without a frame in any of the threads.
std::vector<SampleRange> missing_slots(const VdifIndex& index) {
  std::vector<SampleRange> missing;
  for (const auto& runs : index.runs) {
    std::int64_t at = 0;
    for (const VdifRun& run : runs) {
      if (run.first_slot > at) missing.push_back({at, run.first_slot});
      at = run.first_slot + run.n;
    }
    if (at < index.n_slot) missing.push_back({at, index.n_slot});
  }
  return joined(std::move(missing));
}

/// The part of a run in slots [begin, end).
VdifRun part_of(VdifRun run, std::int64_t begin, std::int64_t end) {
  const std::int64_t n_before = std::max<std::int64_t>(0, begin - run.first_slot);
  run.n = std::min(end - run.first_slot, run.n) - n_before;
  run.first_slot += n_before;
  run.offset += n_before * run.step_bytes;
  return run;
}

std::int64_t end_of(const VdifRun& run) { return run.first_slot + run.n; }

VoltageFormat format_of(const VdifHeader& header, const VoltageHints& hints, const std::string& path) {
  const int bits = header.n_bits;
  require(bits == 2 || bits == 4 || bits == 8 || bits == 16,
          "{}: voltages of {} bits; 2, 4, 8 and 16 are known", path, bits);
  VoltageFormat format;
  format.n_bits = bits;
  format.is_complex = header.is_complex;
  format.code = bits == 2 ? VoltageCode::kFourLevel : VoltageCode::kOffsetBinary;
  format.is_inverted = hints.lower_sideband;
  return format;
}

std::int64_t samples_per_frame(const VdifHeader& header, const std::string& path) {
  const std::int64_t bits = 8 * header.payload_bytes(), sample = header.sample_bits();
  require(bits % sample == 0, "{}: frames of {} bytes hold no whole number of samples of {} bits", path,
          header.payload_bytes(), sample);
  return bits / sample;
}

/// 0 where neither the hints nor the header know the rate.
std::int64_t frames_per_second(double rate_hz, std::int64_t n_sample, const std::string& path) {
  const double rate = rate_hz / static_cast<double>(n_sample), nearest = std::round(rate);
  // A given rate has at least 9 digits; the frame number has 24 bits.
  require(rate_hz == 0.0 || (nearest >= 1.0 && nearest <= 0x1p24 && std::abs(rate - nearest) <= 1e-9 * rate),
          "{}: {} samples a second are {} frames of {} samples: their number must be whole: set "
          "voltages.sample_rate_hz",
          path, rate_hz, rate, n_sample);
  return static_cast<std::int64_t>(nearest);
}

int polarisations(int n_thread, int hint, const std::string& path) {
  if (hint == 0) return n_thread % 2 == 0 ? 2 : 1;
  require(n_thread % hint == 0, "{}: {} threads do not hold {} polarisations each", path, n_thread, hint);
  return hint;
}

class VdifSource : public VoltageSource {
 public:
  VdifSource(const std::string& path, int beam, const VoltageHints& hints) : file_(path) {
    expect(hints.n_pol >= 0 && hints.n_pol <= 2, "n_pol {}; 1, 2 or 0 for what the file has", hints.n_pol);
    expect(std::isfinite(hints.sample_rate_hz) && hints.sample_rate_hz >= 0.0,
           "a sample rate of {} Hz; it must be positive, or 0 for what the file has", hints.sample_rate_hz);
    const auto first = find_first_vdif_frame(file_, read_head(file_));
    require(first.has_value(), "{}: no VDIF: no two headers that follow each other at its start", path);
    format_ = format_of(first->header, hints, path);
    n_sample_ = samples_per_frame(first->header, path);
    const double rate_hz = hints.sample_rate_hz > 0.0 ? hints.sample_rate_hz : first->header.sample_rate_hz;
    index_ = index_vdif(file_, *first, frames_per_second(rate_hz, n_sample_, path));
    fill_info(beam, hints);
    count_losses();
    files_ = {describe_input(file_, info_.n_time)};
  }

  const VoltageInfo& info() const override { return info_; }
  const VoltageFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "VDIF"; }

  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info_.n_time - n_time,
           "{}: samples [{}, +{}) of {}", file_.path(), first_sample, n_time, info_.n_time);
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.pieces.clear();
    if (n_time == 0) return;
    const auto parts = parts_in(first_sample / n_sample_, (first_sample + n_time - 1) / n_sample_ + 1);
    const auto ranges = bytes_of(parts);
    load(ranges, out);
    for (const Part& part : parts) out.pieces.push_back(piece_of(part, ranges, out));
  }

 private:
  struct Part {
    int thread = 0;  ///< index
    VdifRun run;
  };
  struct Loaded {
    SampleRange file;     ///< bytes
    std::int64_t at = 0;  ///< of the first of them in the block
  };

  void fill_info(int beam, const VoltageHints& hints) {
    const int n_thread = static_cast<int>(index_.threads.size());
    const double fps = static_cast<double>(index_.frames_per_second);
    const double rate_hz = fps * static_cast<double>(n_sample_);
    info_.n_pol = polarisations(n_thread, hints.n_pol, file_.path());
    const std::int64_t n_coarse = std::int64_t{n_thread / info_.n_pol} << index_.first.log2_chan;
    info_.n_coarse = static_cast<int>(std::min<std::int64_t>(n_coarse, std::numeric_limits<int>::max()));
    info_.band_low_mhz = hints.band_low_mhz;
    info_.coarse_width_mhz = 1e-6 * (format_.is_complex ? rate_hz : 0.5 * rate_hz);
    info_.sample_time_s = 1.0 / rate_hz;
    info_.beam = beam_of(file_.path(), beam, losses_.notes);
    info_.start = vdif_time(index_.first.epoch, index_.start_second)
                      .plus_seconds(static_cast<double>(index_.start_frame) / fps);
    check_voltage_header(info_, format_, file_.path());
    // A week of a rate that was just checked: far from overflow.
    info_.n_time = index_.n_slot * n_sample_;
  }

  void count_losses() {
    std::int64_t n_found = 0;
    for (const auto& runs : index_.runs)
      for (const VdifRun& run : runs) n_found += run.n;
    for (const SampleRange& gap : missing_slots(index_)) {
      losses_.gap_samples += (gap.end - gap.begin) * n_sample_;
      ++losses_.n_gaps;
    }
    losses_.lost_bytes = index_.lost_bytes;
    losses_.cut_short = index_.lost_bytes > 0;
    const std::int64_t n_all = index_.n_slot * static_cast<std::int64_t>(index_.threads.size());
    if (n_found < n_all || index_.skipped_bytes > 0 || index_.n_repeated + index_.n_stray > 0)
      losses_.notes.push_back(note_of_losses(n_all, n_found));
    if (losses_.cut_short)
      losses_.notes.push_back(
          fmt::format("{}: cut short: ends inside a frame, {} bytes lost", file_.path(), index_.lost_bytes));
  }

  /// An invalid frame that comes again as a valid one is not missing, but was invalid.
  std::string note_of_losses(std::int64_t n_all, std::int64_t n_found) const {
    std::string note =
        fmt::format("{}: {} of {} frames missing, {} invalid, {} bytes skipped in {} places", file_.path(),
                    std::max<std::int64_t>(0, n_all - n_found - index_.n_invalid), n_all, index_.n_invalid,
                    index_.skipped_bytes, index_.n_skips);
    if (index_.n_repeated > 0) note += fmt::format(", {} came twice", index_.n_repeated);
    if (index_.n_stray > 0) note += fmt::format(", {} with damaged numbers", index_.n_stray);
    return note;
  }

  std::vector<Part> parts_in(std::int64_t begin, std::int64_t end) const {
    std::vector<Part> parts;
    for (std::size_t i = 0; i < index_.runs.size(); ++i) {
      const auto& runs = index_.runs[i];
      auto run = std::partition_point(runs.begin(), runs.end(),
                                      [&](const VdifRun& r) { return end_of(r) <= begin; });
      for (; run != runs.end() && run->first_slot < end; ++run)
        parts.push_back({static_cast<int>(i), part_of(*run, begin, end)});
    }
    return parts;
  }

  /// What to read: threads that alternate in the file share a range.
  std::vector<Loaded> bytes_of(const std::vector<Part>& parts) const {
    std::vector<SampleRange> wanted;
    for (const Part& part : parts) {
      const VdifRun& run = part.run;
      wanted.push_back({run.offset, run.offset + (run.n - 1) * run.step_bytes + index_.first.frame_bytes});
    }
    std::vector<Loaded> loaded;
    std::int64_t at = 0;
    for (const SampleRange& range : joined(std::move(wanted))) {
      loaded.push_back({range, at});
      at += range.end - range.begin;
    }
    return loaded;
  }

  void load(const std::vector<Loaded>& ranges, VoltageBlock& out) const {
    if (ranges.empty()) return;
    const Loaded& last = ranges.back();
    out.reserve(last.at + last.file.end - last.file.begin);
    for (const Loaded& range : ranges)
      file_.read(range.file.begin, range.file.end - range.file.begin, out.bytes.data() + range.at);
  }

  VoltagePiece piece_of(const Part& part, const std::vector<Loaded>& ranges, const VoltageBlock& out) const {
    const auto after = std::partition_point(ranges.begin(), ranges.end(), [&](const Loaded& range) {
      return range.file.begin <= part.run.offset;
    });
    const Loaded& range = *(after - 1);
    const std::int64_t frame_at = range.at + part.run.offset - range.file.begin;
    const std::int64_t run_first = part.run.first_slot * n_sample_;
    VoltagePiece piece;
    piece.begin = std::max<std::int64_t>(0, run_first - out.first_sample);
    piece.end = std::min(out.n_time, end_of(part.run) * n_sample_ - out.first_sample);
    piece.first_bit = 8 * (frame_at + index_.first.header_bytes());
    piece.first_in_group = out.first_sample + piece.begin - run_first;
    piece.group_samples = n_sample_;
    piece.group_stride_bits = 8 * part.run.step_bytes;
    piece.sample_stride_bits = index_.first.sample_bits();
    place_streams(part.thread, piece);
    return piece;
  }

  /// Which streams the thread is; from the top where the sideband is the lower one.
  void place_streams(int thread, VoltagePiece& piece) const {
    piece.n_coarse = 1 << index_.first.log2_chan;
    piece.pol_begin = thread % info_.n_pol;
    piece.coarse_begin = thread / info_.n_pol * piece.n_coarse;
    piece.coarse_stride_bits = format_.sample_bits();
    if (!format_.is_inverted) return;
    piece.coarse_begin = info_.n_coarse - piece.coarse_begin - piece.n_coarse;
    piece.turn_coarse();
  }

  RawFile file_;
  VdifIndex index_;
  VoltageInfo info_;
  VoltageFormat format_;
  Losses losses_;
  std::vector<InputFile> files_;
  std::int64_t n_sample_ = 0;  ///< complete samples of a frame
};

std::vector<int> beams_of(const std::string& path) { return {beam_from_name(path)}; }

std::unique_ptr<VoltageSource> open_vdif(const std::string& path, int beam, const VoltageHints& hints) {
  return std::make_unique<VdifSource>(path, beam, hints);
}

[[maybe_unused]] const bool kSource = register_voltage_format({"VDIF", is_vdif, beams_of, open_vdif});

}  // namespace
}  // namespace tianyan
