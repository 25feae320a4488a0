// GUPPI raw files: VoltageSource.
#include <algorithm>

#include "io/beam_name.hpp"
#include "io/guppi_blocks.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

/// Cards from the first byte on, with those that every reader needs among them.
bool is_guppi(const std::string&, const std::vector<unsigned char>& head) {
  constexpr std::size_t kCard = 80;
  bool has_block = false, has_chan = false;
  for (std::size_t at = 0; at + kCard <= head.size(); at += kCard) {
    const std::string card(reinterpret_cast<const char*>(&head[at]), kCard);
    if (card.starts_with("END ") || (card[8] != '=' && card[8] != ' ')) break;
    has_block = has_block || card.starts_with("BLOCSIZE=");
    has_chan = has_chan || card.starts_with("OBSNCHAN=");
  }
  return has_block && has_chan;
}

class GuppiSource : public VoltageSource {
 public:
  GuppiSource(const std::string& path, int beam, const VoltageHints& hints)
      : file_(path), scanned_(scan_guppi(file_, hints)) {
    expect_beam(path, beam, info().beam);
    files_ = {describe_input(file_, info().n_time)};
  }

  const VoltageInfo& info() const override { return header().info; }
  const VoltageFormat& format() const override { return header().format; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return scanned_.losses; }
  std::string format_name() const override { return "GUPPI"; }

  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
    expect(first_sample >= 0 && n_time >= 0 && first_sample <= info().n_time - n_time,
           "{}: samples [{}, {}) of {}", file_.path(), first_sample, first_sample + n_time, info().n_time);
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.pieces.clear();
    const std::vector<Part> parts = parts_of(first_sample, first_sample + n_time);
    std::int64_t n_bytes = 0;
    for (const Part& part : parts) n_bytes += part.n_row * part.row_bytes;
    out.reserve(n_bytes);
    std::int64_t at = 0;
    for (const Part& part : parts) {
      load(part, out.bytes.data() + at);
      out.pieces.push_back(piece_of(part, first_sample, at));
      at += part.n_row * part.row_bytes;
    }
  }

 private:
  /// Samples [begin, end) of the file out of one block: a row of bytes for each channel, or one for all.
  struct Part {
    const GuppiBlock* block;
    std::int64_t begin, end;
    std::int64_t n_row, row_bytes;
    std::int64_t first_bit;  ///< of the first row's bytes
  };

  const GuppiHeader& header() const { return scanned_.header; }
  /// Bits from one sample to the next in a row.
  std::int64_t step_bits() const {
    return header().is_time_first ? header().spectrum_bits() : header().cell_bits();
  }

  std::vector<Part> parts_of(std::int64_t begin, std::int64_t end) const {
    const auto& blocks = scanned_.blocks;
    auto block = std::partition_point(blocks.begin(), blocks.end(),
                                      [&](const GuppiBlock& b) { return b.end_sample <= begin; });
    std::vector<Part> parts;
    for (; block != blocks.end() && block->first_sample < end; ++block) {
      Part part{&*block, std::max(begin, block->first_sample), std::min(end, block->end_sample), 0, 0, 0};
      const std::int64_t from_bit = (part.begin - block->first_sample) * step_bits();
      const std::int64_t to_bit = (part.end - block->first_sample) * step_bits();
      part.n_row = header().is_time_first ? 1 : info().n_coarse;
      part.row_bytes = (to_bit + 7) / 8 - from_bit / 8;
      part.first_bit = from_bit % 8;
      if (part.begin < part.end) parts.push_back(part);
    }
    return parts;
  }

  void load(const Part& part, std::uint8_t* to) const {
    const GuppiBlock& block = *part.block;
    const std::int64_t skipped = (part.begin - block.first_sample) * step_bits() / 8;
    const std::int64_t stored = block.block_samples * step_bits() / 8;  // bytes from row to row of the file
    if (part.row_bytes == stored)
      file_.read(block.data_offset, part.n_row * stored, to);
    else
      for (std::int64_t row = 0; row < part.n_row; ++row)
        file_.read(block.data_offset + row * stored + skipped, part.row_bytes, to + row * part.row_bytes);
  }

  VoltagePiece piece_of(const Part& part, std::int64_t first_sample, std::int64_t at_byte) const {
    VoltagePiece piece;
    piece.begin = part.begin - first_sample;
    piece.end = part.end - first_sample;
    piece.first_bit = at_byte * 8 + part.first_bit;
    piece.group_samples = part.end - part.begin;
    piece.sample_stride_bits = step_bits();
    piece.coarse_stride_bits = header().is_time_first ? header().cell_bits() : part.row_bytes * 8;
    piece.pol_stride_bits = format().sample_bits();
    piece.n_coarse = info().n_coarse;
    piece.n_pol = info().n_pol;
    if (header().channels_descending) piece.turn_coarse();
    return piece;
  }

  RawFile file_;
  GuppiFile scanned_;
  std::vector<InputFile> files_;
};

std::unique_ptr<VoltageSource> open_guppi(const std::string& path, int beam, const VoltageHints& hints) {
  return std::make_unique<GuppiSource>(path, beam, hints);
}

std::vector<int> guppi_beams(const std::string& path) {
  const RawFile file(path);
  const auto cards = read_guppi_cards(file, 0, path);
  require(cards.has_value(), "{}: cut short: ends inside the first header", path);
  check_guppi_layout(cards->keys);
  std::vector<std::string> notes;  // which come again with the source
  return {guppi_beam(cards->keys, path, notes)};
}

[[maybe_unused]] const bool kSource = register_voltage_format({"GUPPI", is_guppi, guppi_beams, open_guppi});

}  // namespace
}  // namespace tianyan
