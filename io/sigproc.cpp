// SIGPROC filterbank files (.fil): Source and Sink.
#include <cstring>

#include "io/output_file.hpp"
#include "io/sigproc_header.hpp"
#include "io/sink.hpp"
#include "io/source.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

bool is_sigproc(const std::string&, const std::vector<unsigned char>& head) {
  return head.size() >= 16 && std::memcmp(head.data() + 4, "HEADER_START", 12) == 0;
}

class SigprocSource : public Source {
 public:
  explicit SigprocSource(const std::string& path) : file_(path), header_(read_sigproc_header(file_)) {
    losses_.notes = header_.notes;
    spectrum_bytes_ = spectrum_bytes(header_.info, header_.format);
    const std::int64_t data_bytes = file_.size_bytes() - header_.size_bytes;
    header_.info.n_time = data_bytes / spectrum_bytes_;
    count_losses(data_bytes);
    files_ = {describe_input(file_, header_.info.n_time)};
  }

  const StreamInfo& info() const override { return header_.info; }
  const SampleFormat& format() const override { return header_.format; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "SIGPROC"; }

  void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info().n_time - n_time,
           "{}: samples [{}, {}) of {}", file_.path(), first_sample, first_sample + n_time, info().n_time);
    out.reserve(n_time, spectrum_bytes_);
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.spans.clear();
    if (n_time > 0) out.spans.push_back({0, n_time, false, {}, {}, {}});
    file_.read(header_.size_bytes + first_sample * spectrum_bytes_, n_time * spectrum_bytes_,
               out.samples.data());
  }

 private:
  /// What nsamples promised and the file does not hold, else what is left of a spectrum at its end.
  void count_losses(std::int64_t data_bytes) {
    const std::int64_t n_time = header_.info.n_time, n_promised = header_.n_promised;
    losses_.lost_bytes = data_bytes % spectrum_bytes_;
    if (n_promised > n_time) losses_.lost_bytes = (n_promised - n_time) * spectrum_bytes_;
    losses_.cut_short = losses_.lost_bytes > 0;
    if (n_promised > n_time)
      losses_.notes.push_back(
          fmt::format("{}: cut short: {} spectra of the {} that its header promises; {} bytes lost",
                      file_.path(), n_time, n_promised, losses_.lost_bytes));
    else if (losses_.cut_short)
      losses_.notes.push_back(fmt::format("{}: cut short: ends inside spectrum {}, {} bytes lost",
                                          file_.path(), n_time, losses_.lost_bytes));
    if (n_promised >= 0 && n_promised < n_time)
      losses_.notes.push_back(fmt::format("{}: nsamples says {}, the file holds {} spectra: all were taken",
                                          file_.path(), n_promised, n_time));
  }

  RawFile file_;
  SigprocHeader header_;
  Losses losses_;
  std::vector<InputFile> files_;
  std::int64_t spectrum_bytes_ = 0;
};

SampleFormat storable_format(SampleFormat format) {
  format.high_bits_first = false;
  format.zero_offset = 0.0;
  return format;
}

class SigprocSink : public Sink {
 public:
  SigprocSink(const std::string& path, const StreamInfo& info, const SampleFormat& wanted)
      : file_(path), format_(storable_format(wanted)), spectrum_bytes_(spectrum_bytes(info, format_)) {
    const std::string header = make_sigproc_header(info, format_);
    file_.put(header.data(), header.size());
  }

  const SampleFormat& format() const override { return format_; }
  const SinkLosses& losses() const override { return losses_; }

  void write(const RawBlock& block) override {
    expect(block.n_time == 0 || block.samples.shape(1) == spectrum_bytes_,
           "{}: spectra of {} bytes, {} were announced", file_.path(), block.samples.shape(1),
           spectrum_bytes_);
    losses_.add(block);
    for (const auto& span : block.spans) {
      const auto n = static_cast<std::size_t>((span.end - span.begin) * spectrum_bytes_);
      if (span.missing)
        put_zeros(n);
      else
        file_.put(block.samples.data() + span.begin * spectrum_bytes_, n);
    }
  }

  void finish() override { file_.commit(); }

 private:
  void put_zeros(std::size_t n) {
    const std::vector<char> zeros(std::min<std::size_t>(n, 1 << 20));
    for (; n > zeros.size(); n -= zeros.size()) file_.put(zeros.data(), zeros.size());
    file_.put(zeros.data(), n);
  }

  OutputFile file_;
  SampleFormat format_;
  SinkLosses losses_;
  std::int64_t spectrum_bytes_;
};

std::unique_ptr<Source> open_sigproc(const std::string& path) {
  return std::make_unique<SigprocSource>(path);
}

std::unique_ptr<Sink> create_sigproc(const std::string& path, const StreamInfo& info,
                                     const SampleFormat& wanted) {
  return std::make_unique<SigprocSink>(path, info, wanted);
}

[[maybe_unused]] const bool kSource = register_source_format({"SIGPROC", is_sigproc, open_sigproc});
[[maybe_unused]] const bool kSink = register_sink_format({"SIGPROC", {".fil"}, false, false, create_sigproc});

}  // namespace
}  // namespace tianyan
