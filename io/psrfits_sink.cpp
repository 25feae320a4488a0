// PSRFITS search-mode files: Sink. See the class for how gaps and parts of rows are stored.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "io/atomic_file.hpp"
#include "io/psrfits_layout.hpp"
#include "io/sink.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kUsualRow = 1024;   // spectra, as FAST writes them
constexpr std::int64_t kShortestRow = 64;  // shorter ones would be mostly tables
constexpr std::int64_t kLongestRow = 16384;
constexpr std::int64_t kMaxPendingBytes = 64 << 20;  // of spectra whose row length is not decided yet

bool is_same_calibration(const CalibrationSpan& a, const CalibrationSpan& b) {
  return a.scale == b.scale && a.offset == b.offset && a.weight == b.weight;
}

bool is_trivial(const CalibrationSpan& span) {
  return span.scale.empty() && span.offset.empty() && span.weight.empty();
}

/// A row has one calibration and NSBLK spectra. Where the calibration changes, a gap begins or the data end
/// inside a row, the row is filled up with zeros and the next begins with what follows. Column N_VALID says
/// how many spectra of a row count, which our Source honours; NSTOT is their sum, and other programs see the
/// zeros. A gap is a jump of OFFS_SUB, nothing is stored for it; so a gap before the first or after the last
/// sample leaves no trace but the start time. NSBLK is the length over which the first calibration holds, so
/// that copies of PSRFITS files keep their rows, and 1024 where there is none.
class PsrfitsSink : public Sink {
 public:
  PsrfitsSink(const std::string& path, const StreamInfo& info, const SampleFormat& wanted)
      : target_(path), layout_(info, wanted), file_(FitsFile::create(target_.temporary_path(), path)) {
    const std::int64_t bytes = layout_.spectrum_bytes();
    max_pending_ = std::clamp<std::int64_t>(kMaxPendingBytes / bytes, 1, kLongestRow);
    usual_row_ = std::min(kUsualRow, max_pending_);
  }

  const SampleFormat& format() const override { return layout_.format(); }
  const SinkLosses& losses() const override { return losses_; }

  void write(const RawBlock& block) override {
    const std::int64_t bytes = layout_.spectrum_bytes();
    expect(block.n_time == 0 || block.samples.shape(1) == bytes, "{}: spectra of {} bytes, {} were announced",
           target_.path(), block.samples.shape(1), bytes);
    for (const auto& span : block.spans) {
      if (span.missing) {
        end_run();
        next_sample_ += span.end - span.begin;
        continue;
      }
      if (n_pending_ > 0 && !is_same_calibration(span, calibration_)) end_run();
      if (n_pending_ == 0) calibration_ = span;
      append(block.samples.data() + span.begin * bytes, span.end - span.begin);
    }
  }

  void finish() override {
    is_ending_ = true;
    end_run();
    require(n_row_ > 0, "{}: no spectra to write", target_.path());
    layout_.finish_headers(file_, n_valid_total_, next_sample_ - first_sample_);
    file_.close();
    target_.commit();
  }

 private:
  void append(const std::uint8_t* samples, std::int64_t n) {
    const std::int64_t bytes = layout_.spectrum_bytes();
    while (n > 0) {
      const std::int64_t room = (rows_n_time_ > 0 ? rows_n_time_ : max_pending_) - n_pending_;
      const std::int64_t k = std::min(n, room);
      pending_.insert(pending_.end(), samples, samples + k * bytes);
      n_pending_ += k;
      next_sample_ += k;
      samples += k * bytes;
      n -= k;
      if (rows_n_time_ == 0) decide_row_length(false);
      if (rows_n_time_ > 0) put_whole_rows();
    }
  }

  /// The pending spectra are the first; `is_run` says that all of their calibration's are here.
  void decide_row_length(bool is_run) {
    if (is_run && (is_ending_ || n_pending_ >= kShortestRow) && n_pending_ <= max_pending_)
      rows_n_time_ = is_trivial(calibration_) || is_ending_ ? std::min(usual_row_, n_pending_) : n_pending_;
    else if (is_run || n_pending_ == max_pending_ || (is_trivial(calibration_) && n_pending_ >= usual_row_))
      rows_n_time_ = usual_row_;
    if (rows_n_time_ == 0) return;
    first_sample_ = next_sample_ - n_pending_;
    layout_.create_tables(file_, rows_n_time_, first_sample_);
  }

  void put_whole_rows() {
    const std::int64_t bytes = layout_.spectrum_bytes();
    std::int64_t at = 0;
    for (; n_pending_ - at >= rows_n_time_; at += rows_n_time_) put_row(at, rows_n_time_);
    pending_.erase(pending_.begin(), pending_.begin() + at * bytes);
    n_pending_ -= at;
  }

  void end_run() {
    if (n_pending_ == 0) return;
    if (rows_n_time_ == 0) decide_row_length(true);
    put_whole_rows();
    if (n_pending_ > 0) put_row(0, n_pending_);
    pending_.clear();
    n_pending_ = 0;
  }

  void put_row(std::int64_t pending_begin, std::int64_t n_valid) {
    const std::int64_t begin = next_sample_ - n_pending_ + pending_begin - first_sample_;
    const std::uint8_t* samples = pending_.data() + pending_begin * layout_.spectrum_bytes();
    layout_.write_row(file_, n_row_++, {begin, n_valid, samples, calibration_});
    n_valid_total_ += n_valid;
  }

  AtomicFile target_;
  PsrfitsLayout layout_;
  FitsFile file_;  // closed before target_ removes it
  SinkLosses losses_;
  std::int64_t max_pending_ = 0, usual_row_ = 0;
  std::int64_t rows_n_time_ = 0;  ///< 0: not decided
  std::vector<std::uint8_t> pending_;
  CalibrationSpan calibration_;  ///< of the pending spectra
  std::int64_t n_pending_ = 0;
  std::int64_t next_sample_ = 0;   ///< of the stream, behind the pending ones
  std::int64_t first_sample_ = 0;  ///< of the first row, in the stream
  std::int64_t n_row_ = 0, n_valid_total_ = 0;
  bool is_ending_ = false;
};

std::unique_ptr<Sink> create_psrfits(const std::string& path, const StreamInfo& info,
                                     const SampleFormat& wanted) {
  return std::make_unique<PsrfitsSink>(path, info, wanted);
}

[[maybe_unused]] const bool kSink =
    register_sink_format({"PSRFITS", {".fits", ".sf", ".psrfits"}, true, true, create_psrfits});

}  // namespace
}  // namespace tianyan
