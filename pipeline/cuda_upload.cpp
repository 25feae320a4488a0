// Two pieces of pinned memory in turn: one is filled while the other is sent.
#include "pipeline/cuda_upload.hpp"

#include <algorithm>
#include <cstring>

#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kPieceBytes = std::int64_t{8} << 20;
constexpr int kPieces = 2;

std::int64_t piece_rows(std::int64_t row_bytes) {
  return std::max<std::int64_t>(1, kPieceBytes / std::max<std::int64_t>(1, row_bytes));
}

}  // namespace

PinnedUpload::PinnedUpload(std::int64_t row_bytes, int n_threads) : n_threads_(n_threads) {
  for (int i = 0; i < kPieces; ++i)
    pieces_.push_back({PinnedArray<std::uint8_t, 2>({piece_rows(row_bytes), row_bytes}), StreamEvent()});
}

std::int64_t PinnedUpload::footprint_bytes(std::int64_t row_bytes) {
  return kPieces * piece_rows(row_bytes) * row_bytes;
}

void PinnedUpload::operator()(View<const std::uint8_t, 2> from, DeviceView<std::uint8_t, 2> to,
                              const Stream& stream) {
  const auto at_once = pieces_.front().rows.view().shape(0), row_bytes = pieces_.front().rows.view().shape(1);
  expect(from.shape() == View<std::uint8_t, 2>::Extents{to.shape(0), row_bytes} && from.rows_contiguous(),
         "sending {} rows of {} bytes; {} of {} are expected", from.shape(0), from.shape(1), to.shape(0),
         row_bytes);
  std::size_t next = 0;
  for (std::int64_t first = 0; first < from.shape(0); first += at_once) {
    auto& piece = pieces_[next++ % kPieces];
    const auto n = std::min(at_once, from.shape(0) - first), per_thread = (n + n_threads_ - 1) / n_threads_;
    const auto rows = piece.rows.view().slice(0, 0, n);
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
