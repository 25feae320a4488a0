// Cutting the channels into bands.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/base/expect.hpp"

namespace tianyan {

/// Boundaries of n bands of equal width, fewer where there are fewer channels: band b is channels [v[b], v[b
/// + 1]).
inline std::vector<int> equal_bands(int n_chan, int n) {
  expect(n_chan >= 1 && n >= 1, "{} bands of {} channels", n, n_chan);
  n = std::min(n, n_chan);
  std::vector<int> bound;
  for (int b = 0; b <= n; ++b) bound.push_back(static_cast<int>(std::int64_t{b} * n_chan / n));
  return bound;
}

}  // namespace tianyan
