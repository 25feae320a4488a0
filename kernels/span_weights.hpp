// Weights of channels that are constant over spans of time.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/base/view.hpp"

namespace tianyan {

/// good[s][c] is 0 (flagged) or 1 for samples [begin[s], begin[s + 1]). A fractional recorded weight counts
/// as 1.
struct SpanWeights {
  std::vector<std::int64_t> begin;  ///< n_span + 1 boundaries, from 0 to n_time
  std::vector<std::uint8_t> good;   ///< [span * n_chan + channel], canonical order
  int n_chan = 0;

  int n_span() const { return begin.empty() ? 0 : static_cast<int>(begin.size()) - 1; }
  std::int64_t n_time() const { return begin.empty() ? 0 : begin.back(); }
  std::int64_t length(int span) const {
    return begin[static_cast<std::size_t>(span) + 1] - begin[static_cast<std::size_t>(span)];
  }
  std::uint8_t* row(int span) { return good.data() + static_cast<std::ptrdiff_t>(span) * n_chan; }
  const std::uint8_t* row(int span) const { return good.data() + static_cast<std::ptrdiff_t>(span) * n_chan; }

  /// Adds a span of n samples with this row [channel]; a row equal to the last one lengthens its span.
  void append(std::int64_t n, const std::uint8_t* row);
};

/// The same weights with a boundary at each of the times that lie inside them. Times ascend.
SpanWeights split_at(const SpanWeights& weights, const std::vector<std::int64_t>& times);

/// n[k] = number of good times of channel c in cell k, samples [k cell, (k + 1) cell); time_good [time] may
/// be longer than the weights.
void count_good(const SpanWeights& weights, View<const std::uint8_t, 1> time_good, int c, std::int64_t cell,
                View<std::int32_t, 1> n);

}  // namespace tianyan
