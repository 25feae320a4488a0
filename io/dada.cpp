// DADA files: VoltageSource.
#include <algorithm>

#include "io/beam_name.hpp"
#include "io/dada_header.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

bool is_dada(const std::string&, const std::vector<unsigned char>& head) { return is_dada_text(head); }

class DadaSource : public VoltageSource {
 public:
  DadaSource(const std::string& path, int beam, const VoltageHints& hints)
      : file_(path), header_(read_dada_header(file_, hints)) {
    expect_beam(path, beam, info().beam);
    losses_.notes = header_.notes;
    const std::int64_t data_bytes = file_.size_bytes() - header_.size_bytes;
    const std::int64_t n_group = data_bytes * 8 / group_bits();
    header_.info.n_time = n_group * group_samples();
    count_losses(data_bytes, (n_group * group_bits() + 7) / 8);
    files_ = {describe_input(file_, info().n_time)};
  }

  const VoltageInfo& info() const override { return header_.info; }
  const VoltageFormat& format() const override { return header_.format; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "DADA"; }

  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info().n_time - n_time,
           "{}: samples [{}, {}) of {}", file_.path(), first_sample, first_sample + n_time, info().n_time);
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.pieces.clear();
    if (n_time == 0) return;
    const std::int64_t first_group = first_sample / group_samples();
    const std::int64_t end_group = (first_sample + n_time - 1) / group_samples() + 1;
    const std::int64_t from_bit = first_group * group_bits(), to_bit = end_group * group_bits();
    const std::int64_t n_bytes = (to_bit + 7) / 8 - from_bit / 8;
    out.reserve(n_bytes);
    file_.read(header_.size_bytes + from_bit / 8, n_bytes, out.bytes.data());
    out.pieces.push_back(piece(first_sample, n_time, from_bit % 8));
  }

 private:
  /// Samples that lie together: a heap, else one.
  std::int64_t group_samples() const { return header_.has_heaps ? kDadaHeapSamples : 1; }
  std::int64_t group_bits() const { return group_samples() * header_.spectrum_bits(); }

  VoltagePiece piece(std::int64_t first_sample, std::int64_t n_time, std::int64_t first_bit) const {
    const std::int64_t sample_bits = format().sample_bits(), n_chan = info().n_coarse;
    VoltagePiece piece;
    piece.end = n_time;
    piece.first_bit = first_bit;
    piece.n_coarse = info().n_coarse;
    piece.n_pol = info().n_pol;
    if (header_.has_heaps) {
      piece.first_in_group = first_sample % kDadaHeapSamples;
      piece.group_samples = kDadaHeapSamples;
      piece.group_stride_bits = group_bits();
      piece.sample_stride_bits = sample_bits;
      piece.coarse_stride_bits = kDadaHeapSamples * sample_bits;
      piece.pol_stride_bits = n_chan * kDadaHeapSamples * sample_bits;
    } else {
      piece.group_samples = n_time;
      piece.sample_stride_bits = group_bits();
      piece.coarse_stride_bits = info().n_pol * sample_bits;
      piece.pol_stride_bits = sample_bits;
    }
    if (header_.channels_descending) piece.turn_coarse();
    return piece;
  }

  /// FILE_SIZE is what a writer was asked for: the last file of a scan is shorter.
  void count_losses(std::int64_t data_bytes, std::int64_t used_bytes) {
    const std::int64_t n_promised = header_.n_promised;
    losses_.lost_bytes = data_bytes - used_bytes;
    losses_.cut_short = losses_.lost_bytes > 0;
    if (losses_.cut_short)
      losses_.notes.push_back(fmt::format("{}: cut short: ends inside {} {}, {} bytes lost", file_.path(),
                                          header_.has_heaps ? "heap" : "sample",
                                          info().n_time / group_samples(), losses_.lost_bytes));
    // Some writers count the header, too.
    if (n_promised > data_bytes && n_promised != file_.size_bytes())
      losses_.notes.push_back(fmt::format(
          "{}: {} samples, {} bytes less than the FILE_SIZE {} of its header: the last file of a scan, "
          "or cut short",
          file_.path(), info().n_time, n_promised - data_bytes, n_promised));
  }

  RawFile file_;
  DadaHeader header_;
  Losses losses_;
  std::vector<InputFile> files_;
};

std::unique_ptr<VoltageSource> open_dada(const std::string& path, int beam, const VoltageHints& hints) {
  return std::make_unique<DadaSource>(path, beam, hints);
}

std::vector<int> dada_beams(const std::string& path) { return {read_dada_beam(RawFile(path))}; }

[[maybe_unused]] const bool kSource = register_voltage_format({"DADA", is_dada, dada_beams, open_dada});

}  // namespace
}  // namespace tianyan
