// Two pieces of pinned memory in turn: one is filled while the other is sent.
#include "pipeline/cuda_upload.hpp"

#include <algorithm>
#include <cstring>

#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kPieceBytes = std::int64_t{8} << 20;
constexpr int kPieces = 2;

std::int64_t piece_bytes(std::int64_t row_bytes) { return std::max(kPieceBytes, row_bytes); }

}  // namespace

PinnedUpload::PinnedUpload(std::int64_t row_bytes, int n_threads) : n_threads_(n_threads) {
  for (int i = 0; i < kPieces; ++i)
    pieces_.push_back({PinnedArray<std::uint8_t, 1>({piece_bytes(row_bytes)}), StreamEvent()});
}

std::int64_t PinnedUpload::footprint_bytes(std::int64_t row_bytes) {
  return kPieces * piece_bytes(row_bytes);
}

void PinnedUpload::operator()(View<const std::uint8_t, 2> from, DeviceView<std::uint8_t, 2> to,
                              const Stream& stream) {
  const auto n_row = from.shape(0), row_bytes = from.shape(1), room = pieces_.front().bytes.size();
  expect(to.shape(0) == n_row && to.shape(1) == row_bytes && row_bytes > 0 && row_bytes <= room,
         "sending {} rows of {} bytes, at most {} each, to {} of {}", n_row, row_bytes, room, to.shape(0),
         to.shape(1));
  expect(from.rows_contiguous() && to.rows_contiguous(), "sending needs contiguous rows");
  std::size_t next = 0;
  const auto at_once = room / row_bytes;
  for (std::int64_t first = 0; first < n_row; first += at_once) {
    auto& piece = pieces_[next++ % kPieces];
    const auto n = std::min(at_once, n_row - first), per_thread = (n + n_threads_ - 1) / n_threads_;
    const View<std::uint8_t, 2> rows(piece.bytes.data(), {n, row_bytes});
    piece.sent.synchronise();
    parallel_for(n_threads_, n_threads_, [&](std::int64_t part, int) {
      for (auto r = part * per_thread; r < std::min(n, (part + 1) * per_thread); ++r)
        std::memcpy(rows[r].data(), from[first + r].data(), static_cast<std::size_t>(row_bytes));
    });
    upload(rows, to.slice(0, first, first + n), stream);
    piece.sent.record(stream);
  }
}

}  // namespace tianyan
