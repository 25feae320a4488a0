// Walks from header to header of a GUPPI raw file and places the blocks in time.
#include "io/guppi_blocks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "io/series_parts.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

const char* const kLayoutKeys[] = {"OBSNCHAN", "NPOL",    "NBITS", "OVERLAP",
                                   "TBIN",     "OBSFREQ", "OBSBW", "PKTFMT"};

using Wide = __int128;  // products of a 64-bit counter and of samples

/// What the headers say of PKTIDX; empty where one of them says nothing.
struct PacketIndex {
  std::vector<std::int64_t> of_block;
  std::int64_t start = 0;
  std::int64_t per_block = 0;  ///< PIPERBLK
  std::int64_t size_bytes = 0;
};

class Scan {
 public:
  Scan(const RawFile& file, const VoltageHints& hints) : file_(file) {
    auto first = read_guppi_cards(file, 0, place(0));
    require(first.has_value(), "{}: cut short: ends inside the first header", file.path());
    keys_ = std::move(first->keys);
    scanned_.header = parse_guppi_header(keys_, file.path(), hints);
    index_.start = keys_.integer("PKTSTART").value_or(0);
    index_.per_block = keys_.integer("PIPERBLK").value_or(0);
    index_.size_bytes = keys_.integer("PKTSIZE").value_or(0);
    walk(first->data_offset);
    require(!scanned_.blocks.empty(), "{}: cut short: ends inside the first block of {} bytes", file.path(),
            scanned_.header.block_bytes);
  }

  GuppiFile place_blocks() && {
    GuppiHeader& header = scanned_.header;
    const std::int64_t step = find_step();
    for (std::size_t k = 0; k < scanned_.blocks.size(); ++k)
      scanned_.blocks[k].first_sample =
          step > 0 ? sample_of(k, step) : static_cast<std::int64_t>(k) * header.hop_samples();
    set_ends();
    header.info.n_time = scanned_.blocks.back().end_sample;
    header.info.start = header.info.start.plus_seconds(start_offset_s(step));
    count_gaps();
    note_drops();
    scanned_.losses.notes = header.notes;
    scanned_.losses.notes.insert(scanned_.losses.notes.end(), notes_.begin(), notes_.end());
    return std::move(scanned_);
  }

 private:
  std::string place(std::size_t block) const { return fmt::format("{}, block {}", file_.path(), block); }

  void walk(std::int64_t data_offset) {
    KeyValues keys = keys_;
    while (take_block(keys, data_offset)) {
      const std::int64_t offset = data_offset + bytes_of(keys);
      if (offset == file_.size_bytes()) return;
      auto cards = read_guppi_cards(file_, offset, place(scanned_.blocks.size()));
      if (!cards) return lose(offset, "header");
      keys = std::move(cards->keys);
      check_same_layout(keys);
      data_offset = cards->data_offset;
    }
  }

  /// False where the file ends inside the block.
  bool take_block(const KeyValues& keys, std::int64_t data_offset) {
    const std::int64_t n_bytes = bytes_of(keys), spectrum_bits = scanned_.header.spectrum_bits();
    if (n_bytes > file_.size_bytes() - data_offset) {
      lose(std::min(data_offset, file_.size_bytes()), "data");
      return false;
    }
    scanned_.blocks.push_back({data_offset, n_bytes * 8 / spectrum_bits, 0, 0});
    if (keys.has("PKTIDX")) index_.of_block.push_back(*keys.integer("PKTIDX"));
    // DROPBLK is the fraction of the block's packets that were lost, NDROP their number.
    if (keys.number("NDROP").value_or(0.0) > 0.0 || keys.number("DROPBLK").value_or(0.0) > 0.0) ++n_dropped_;
    return true;
  }

  std::int64_t bytes_of(const KeyValues& keys) const {
    return keys.required_integer("BLOCSIZE", 1, scanned_.header.block_bytes);
  }

  void lose(std::int64_t from, const char* part) {
    scanned_.losses.lost_bytes = file_.size_bytes() - from;
    scanned_.losses.cut_short = true;
    notes_.push_back(fmt::format("{}: cut short: ends inside the {} of block {}, {} bytes lost", file_.path(),
                                 part, scanned_.blocks.size(), scanned_.losses.lost_bytes));
  }

  void check_same_layout(const KeyValues& keys) const {
    for (const char* key : kLayoutKeys)
      require(keys.text(key) == keys_.text(key), "{}: {} is '{}', '{}' in the first block", keys.place(), key,
              keys.text(key), keys_.text(key));
    const GuppiHeader& header = scanned_.header;
    require(scanned_.blocks.back().block_samples == header.block_samples(),
            "{}: follows a block of {} samples, the first has {}: only the last may be shorter", keys.place(),
            scanned_.blocks.back().block_samples, header.block_samples());
    const std::int64_t n_bytes = keys.required_integer("BLOCSIZE", 1, header.block_bytes);
    const std::int64_t n = n_bytes * 8 / header.spectrum_bits();
    require(n > header.overlap_samples && n * header.spectrum_bits() == n_bytes * 8 &&
                (header.is_time_first || n * header.cell_bits() % 8 == 0),
            "{}: BLOCSIZE is {}, {} in the first block", keys.place(), n_bytes, header.block_bytes);
  }

  /// (PKTIDX_k - PKTIDX_0) hop / step, which follows() has found to be whole.
  std::int64_t sample_of(std::size_t k, std::int64_t step) const {
    const Wide since = Wide{index_.of_block[k]} - index_.of_block[0];
    return static_cast<std::int64_t>(since * scanned_.header.hop_samples() / step);
  }

  /// Whether block b can come after block a.
  bool follows(std::size_t a, std::size_t b, std::int64_t step) const {
    const Wide hop = scanned_.header.hop_samples();
    const Wide since = (Wide{index_.of_block[b]} - index_.of_block[a]) * hop;
    const double max_samples = kMaxGap_s / scanned_.header.info.sample_time_s;
    return since % step == 0 && since / step >= hop && static_cast<double>(since / step - hop) <= max_samples;
  }

  /// The blocks of `order` that follow each other, with that at `at` among them.
  std::vector<std::size_t> chain_through(const std::vector<std::size_t>& order, std::size_t at,
                                         std::int64_t step) const {
    std::vector<std::size_t> chain = {order[at]};
    for (std::size_t k = at; k-- > 0;)
      if (follows(order[k], chain.back(), step)) chain.push_back(order[k]);
    std::reverse(chain.begin(), chain.end());
    for (std::size_t k = at + 1; k < order.size(); ++k)
      if (follows(chain.back(), order[k], step)) chain.push_back(order[k]);
    return chain;
  }

  /// By PKTIDX, each number once.
  std::vector<std::size_t> order_by_index() const {
    const auto& index = index_.of_block;
    std::vector<std::size_t> order(index.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return index[a] < index[b]; });
    const auto repeated = std::unique(order.begin(), order.end(),
                                      [&](std::size_t a, std::size_t b) { return index[a] == index[b]; });
    order.erase(repeated, order.end());
    return order;
  }

  /// Of PKTIDX from one block to the next, with the blocks that go with it; 0 where PKTIDX cannot be used: it
  /// is missing, or fewer than half of the blocks fit.
  std::int64_t find_step() {
    const auto& index = index_.of_block;
    if (index.size() != scanned_.blocks.size()) return 0;
    const auto order = order_by_index();
    std::vector<std::size_t> best;
    std::int64_t best_step = 0;
    for (const std::int64_t step : {index_.per_block, step_by_size(), commonest_step(order)}) {
      if (step <= 0 || best.size() == order.size()) continue;
      for (const std::size_t quarter : {2, 1, 3}) {  // a wrong number may stand at any one of them
        auto chain = chain_through(order, quarter * (order.size() - 1) / 4, step);
        if (chain.size() <= best.size()) continue;
        best = std::move(chain);
        best_step = step;
      }
    }
    if (2 * best.size() > index.size()) return take_blocks(best, order.size()), best_step;
    if (index.size() > 1)
      notes_.push_back(
          fmt::format("{}: PKTIDX does not fit blocks of {} samples: they were taken to follow "
                      "each other",
                      file_.path(), scanned_.header.hop_samples()));
    return 0;
  }

  /// Of all blocks, of which n_number have PKTIDX of their own, those of the chain in its order; the others
  /// are lost.
  void take_blocks(const std::vector<std::size_t>& chain, std::size_t n_number) {
    const std::size_t n_all = scanned_.blocks.size();
    const auto say = [&](std::size_t n, const char* what) {
      if (n > 0) notes_.push_back(fmt::format("{}: {} of {} blocks {}", file_.path(), n, n_all, what));
    };
    say(n_all - n_number, "repeat the PKTIDX of another one, which was taken");
    say(n_number - chain.size(), "have a PKTIDX that does not fit the others: they were left out");
    if (!std::is_sorted(chain.begin(), chain.end()))
      notes_.push_back(
          fmt::format("{}: blocks are not in the order of PKTIDX: they were put into it", file_.path()));
    std::vector<GuppiBlock> blocks;
    std::vector<std::int64_t> index;
    for (const std::size_t k : chain) {
      blocks.push_back(scanned_.blocks[k]);
      index.push_back(index_.of_block[k]);
    }
    scanned_.losses.lost_bytes +=
        static_cast<std::int64_t>(n_number - chain.size()) * scanned_.header.block_bytes;
    scanned_.losses.cut_short = scanned_.losses.cut_short || chain.size() < n_number;
    scanned_.blocks = std::move(blocks);
    index_.of_block = std::move(index);
  }

  std::int64_t step_by_size() const {
    constexpr std::int64_t kMaxPacketBytes = std::int64_t{1} << 40;
    if (index_.size_bytes <= 0 || index_.size_bytes > kMaxPacketBytes) return 0;
    const std::int64_t hop_bits = scanned_.header.hop_samples() * scanned_.header.spectrum_bits();
    return hop_bits % (index_.size_bytes * 8) == 0 ? hop_bits / (index_.size_bytes * 8) : 0;
  }

  /// The difference of neighbours that occurs most often, and of those the smallest; 0 where there is none.
  std::int64_t commonest_step(const std::vector<std::size_t>& order) const {
    std::map<std::int64_t, int> count;
    for (std::size_t k = 1; k < order.size(); ++k) {
      const Wide since = Wide{index_.of_block[order[k]]} - index_.of_block[order[k - 1]];
      if (since <= std::numeric_limits<std::int64_t>::max()) ++count[static_cast<std::int64_t>(since)];
    }
    const auto most = std::max_element(count.begin(), count.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == count.end() ? 0 : most->first;
  }

  double start_offset_s(std::int64_t step) {
    if (step <= 0) return 0.0;
    const auto since = static_cast<double>(Wide{index_.of_block[0]} - index_.start);
    const auto hop = static_cast<double>(scanned_.header.hop_samples());
    const double offset_s = since * hop / static_cast<double>(step) * scanned_.header.info.sample_time_s;
    if (std::abs(offset_s) < kMaxGap_s) return offset_s;
    notes_.push_back(
        fmt::format("{}: PKTIDX {} puts the first block {} s after STT_*: not believed, it "
                    "begins then",
                    file_.path(), index_.of_block[0], offset_s));
    return 0.0;
  }

  void set_ends() {
    auto& blocks = scanned_.blocks;
    for (std::size_t k = 0; k + 1 < blocks.size(); ++k)
      blocks[k].end_sample =
          std::min(blocks[k].first_sample + blocks[k].block_samples, blocks[k + 1].first_sample);
    blocks.back().end_sample =
        blocks.back().first_sample + blocks.back().block_samples - scanned_.header.overlap_samples;
  }

  void count_gaps() {
    const auto& blocks = scanned_.blocks;
    Losses& losses = scanned_.losses;
    for (std::size_t k = 0; k + 1 < blocks.size(); ++k) {
      const std::int64_t gap = blocks[k + 1].first_sample - blocks[k].end_sample;
      losses.gap_samples += gap;
      losses.n_gaps += gap > 0 ? 1 : 0;
    }
    if (losses.n_gaps > 0)
      notes_.push_back(fmt::format("{}: {} gaps by PKTIDX: {} samples are missing", file_.path(),
                                   losses.n_gaps, losses.gap_samples));
  }

  void note_drops() {
    if (n_dropped_ > 0)
      notes_.push_back(
          fmt::format("{}: packets were dropped in {} of {} blocks (NDROP, DROPBLK): what is in "
                      "their place cannot be told",
                      file_.path(), n_dropped_, scanned_.blocks.size()));
  }

  const RawFile& file_;
  KeyValues keys_{""};
  PacketIndex index_;
  GuppiFile scanned_;
  std::vector<std::string> notes_;
  std::int64_t n_dropped_ = 0;
};

}  // namespace

GuppiFile scan_guppi(const RawFile& file, const VoltageHints& hints) {
  return Scan(file, hints).place_blocks();
}

}  // namespace tianyan
