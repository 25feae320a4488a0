// Sums over beams that are not neighbours: tiles of cells that stay in the cache while every beam is done.
#include "kernels/beam_coincidence.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "kernels/base/beam_layout.hpp"
#include "kernels/row_ops.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kTileCells = 256;

// Rows of the input by ascending number of their beam, and for each of those what its S_b holds, in that
// order.
struct Groups {
  std::vector<std::int64_t> row;
  std::vector<std::vector<std::size_t>> members;
};

Groups groups_of(const std::vector<int>& beams) {
  Groups g;
  for (int beam = 1; beam <= kNumBeams; ++beam)
    for (std::size_t b = 0; b < beams.size(); ++b)
      if (beams[b] == beam) g.row.push_back(static_cast<std::int64_t>(b));
  for (const auto b : g.row) {
    g.members.emplace_back();
    for (std::size_t i = 0; i < g.row.size(); ++i)
      if (!are_neighbours(beams[static_cast<std::size_t>(b)], beams[static_cast<std::size_t>(g.row[i])]))
        g.members.back().push_back(i);
  }
  return g;
}

// Cells of one subband, beams in the order of Groups::row.
struct Tile {
  std::array<std::array<float, kTileCells>, kNumBeams> y;              // clipped, 0 without weight
  std::array<std::array<std::uint8_t, kTileCells>, kNumBeams> weight;  // 0 or 1
  std::array<float, kTileCells> sum;
  std::array<std::uint8_t, kTileCells> n;
};

float clipped(float y) { return std::min(std::max(y, -kCoincidenceClip), kCoincidenceClip); }

void clip_row(const float* y, const std::uint8_t* good, std::int64_t n, float* out, std::uint8_t* weight) {
  for (std::int64_t t = 0; t < n; ++t) {
    const bool counts = good[t] != 0 && y[t] == y[t];
    out[t] = counts ? clipped(y[t]) : 0.0F;
    weight[t] = counts ? 1 : 0;
  }
}

void add_up(const std::vector<std::size_t>& members, std::int64_t n, Tile& tile) {
  std::array<const float*, kNumBeams> rows{};
  tile.n.fill(0);
  for (std::size_t j = 0; j < members.size(); ++j) {
    rows[j] = tile.y[members[j]].data();
    const auto& weight = tile.weight[members[j]];
    for (std::size_t t = 0; t < kTileCells; ++t) tile.n[t] = static_cast<std::uint8_t>(tile.n[t] + weight[t]);
  }
  sum_rows(rows.data(), static_cast<int>(members.size()), 1.0F, tile.sum.data(), n);
}

// threshold^2, which no sum of clipped samples reaches where it does not fit a float.
float limit_of(double threshold) {
  return static_cast<float>(
      std::min(threshold * threshold, double{std::numeric_limits<float>::max()} / kNumBeams));
}

// One element: n T^2 against threshold^2 n.
bool coincides(float sum, int n, float limit) { return n >= 2 && sum * sum > limit * static_cast<float>(n); }

std::int64_t flag_row(const Tile& tile, float limit, std::int64_t n, std::uint8_t* good) {
  std::int32_t flagged = 0;
  for (std::int64_t t = 0; t < n; ++t) {
    const auto at = static_cast<std::size_t>(t);
    const bool bad = good[t] != 0 && coincides(tile.sum[at], tile.n[at], limit);
    flagged += bad ? 1 : 0;
    good[t] = bad ? 0 : good[t];
  }
  return flagged;
}

void check(const std::vector<int>& beams, View<const float, 3> y, double threshold,
           View<std::uint8_t, 3> good) {
  expect(y.shape(0) == std::ssize(beams), "coincidences of {} beams in a plane of {}", beams.size(),
         y.shape(0));
  expect(y.shape() == good.shape(), "coincidences of {} x {} x {} cells with weights for {} x {} x {}",
         y.shape(0), y.shape(1), y.shape(2), good.shape(0), good.shape(1), good.shape(2));
  expect(y.rows_contiguous() && good.rows_contiguous(), "coincidences need contiguous cells");
  expect(threshold > 0.0, "flagging coincidences above {} deviations; it must be positive", threshold);
  std::array<bool, kNumBeams + 1> seen{};
  for (const int beam : beams) {
    expect(1 <= beam && beam <= kNumBeams, "beam {} has no place: beams are 1..{}", beam, kNumBeams);
    expect(!seen[static_cast<std::size_t>(beam)], "beam {} is given twice", beam);
    seen[static_cast<std::size_t>(beam)] = true;
  }
}

}  // namespace

std::int64_t flag_coincidences(const std::vector<int>& beams, View<const float, 3> y, double threshold,
                               View<std::uint8_t, 3> good) {
  check(beams, y, threshold, good);
  const auto groups = groups_of(beams);
  const auto limit = limit_of(threshold);
  Tile tile{};
  std::int64_t flagged = 0;
  for (std::int64_t s = 0; s < y.shape(1); ++s) {
    for (std::int64_t t = 0; t < y.shape(2); t += kTileCells) {
      const auto n = std::min(kTileCells, y.shape(2) - t);
      for (std::size_t i = 0; i < groups.row.size(); ++i)
        clip_row(&y(groups.row[i], s, t), &good(groups.row[i], s, t), n, tile.y[i].data(),
                 tile.weight[i].data());
      for (std::size_t i = 0; i < groups.row.size(); ++i) {
        add_up(groups.members[i], n, tile);
        flagged += flag_row(tile, limit, n, &good(groups.row[i], s, t));
      }
    }
  }
  return flagged;
}

std::int64_t flag_coincidences_reference(const std::vector<int>& beams, View<const float, 3> y,
                                         double threshold, View<std::uint8_t, 3> good) {
  check(beams, y, threshold, good);
  const auto groups = groups_of(beams);
  const auto limit = limit_of(threshold);
  std::vector<std::uint8_t*> bad;  // what is flagged in one beam still counts for the others
  for (std::int64_t s = 0; s < y.shape(1); ++s) {
    for (std::int64_t t = 0; t < y.shape(2); ++t) {
      for (std::size_t b = 0; b < groups.row.size(); ++b) {
        float sum = 0.0F;
        int n = 0;
        for (const auto i : groups.members[b]) {
          const auto row = groups.row[i];
          if (good(row, s, t) == 0 || !(y(row, s, t) == y(row, s, t))) continue;
          sum += clipped(y(row, s, t));
          ++n;
        }
        auto& own = good(groups.row[b], s, t);
        if (own != 0 && coincides(sum, n, limit)) bad.push_back(&own);
      }
    }
  }
  for (auto* cell : bad) *cell = 0;
  return std::ssize(bad);
}

}  // namespace tianyan
