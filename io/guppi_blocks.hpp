// Where the blocks of a GUPPI raw file lie, in bytes and in time.
#pragma once
#include <cstdint>
#include <vector>

#include "io/guppi_header.hpp"

namespace tianyan {

/// Samples [first_sample, end_sample) of the file, of block_samples stored from byte data_offset on.
struct GuppiBlock {
  std::int64_t data_offset = 0;
  std::int64_t block_samples = 0;
  std::int64_t first_sample = 0, end_sample = 0;
};

struct GuppiFile {
  GuppiHeader header;  ///< start, n_time and notes are those of the file
  std::vector<GuppiBlock> blocks;
  Losses losses;
};

/// Reads all headers. Blocks are put in the order of PKTIDX; block k begins at sample (PKTIDX_k - PKTIDX_0)
/// hop / step. `step`, of PKTIDX from one block to the next, is PIPERBLK, else what PKTSIZE makes it, else
/// the commonest difference: the first of these by which no two blocks overlap, no gap is a day or more, and
/// all begin at whole samples, or that by which most blocks do. The others are left out and counted, as is
/// what repeats a PKTIDX; where half of them or more are others, the blocks follow each other as they stand.
/// STT_* is when PKTIDX was PKTSTART, or 0 where there is none (hpguppi; GUPPI).
///
/// The overlap at the end of the last block is left to the next file, which begins with it (as baseband
/// has it, too); before a gap it is used.
///
/// A last block that is cut is missing. Blocks have the layout of the first; only the last may be shorter.
/// Throws std::runtime_error naming the block.
GuppiFile scan_guppi(const RawFile& file, const VoltageHints& hints);

}  // namespace tianyan
