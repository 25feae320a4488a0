// Cells of rows on the CPU, by the definition.
#include "kernels/boxcar_cells.hpp"

namespace tianyan {
namespace {

// Whether some boxcar that begins in [0, n_start) of x reaches what it must.
bool is_kept(const std::int32_t* x, std::int64_t n_start, const std::int32_t* least) {
  for (std::int64_t i = 0; i < n_start; ++i) {
    std::int32_t sum = 0;
    for (int j = 0, k = 0; j < kNumNarrowWidths; ++j) {
      for (; k < kNarrowWidths[j]; ++k) sum += x[i + k];
      if (sum >= least[j]) return true;
    }
  }
  return false;
}

}  // namespace

void boxcar_cells(const BoxcarPlan& plan, View<const std::int32_t, 1> row,
                  View<const BoxcarLeastSums, 1> least, int row_index, BoxcarTail& tail,
                  std::vector<BoxcarCell>& cells) {
  const auto n_run = least.shape(0);
  expect(row.shape(0) == n_run * kBoxcarRun && row.rows_contiguous(),
         "boxcar cells of {} samples in {} runs of {}", row.shape(0), n_run, kBoxcarRun);
  std::vector<std::int32_t> x, next;
  for (std::int64_t run = 0; run < n_run; ++run) {
    next.assign(row.data() + run * kBoxcarRun, row.data() + (run + 1) * kBoxcarRun);
    for (int level = 0; level < plan.n_level; ++level) {
      x.assign(tail[level], tail[level] + kBoxcarTail);
      x.insert(x.end(), next.begin(), next.end());
      std::copy(x.end() - kBoxcarTail, x.end(), tail[level]);
      x.resize(x.size() + kBoxcarCellSamples, 0);
      const auto n_start = BoxcarPlan::cell(level) / BoxcarPlan::decimation(level);
      for (std::int64_t i = 0; i < std::ssize(next); i += n_start) {
        if (!is_kept(x.data() + i, n_start, least[run].of[level])) continue;
        cells.push_back(
            {row_index, static_cast<std::int32_t>(run), level, static_cast<std::int32_t>(i) - kBoxcarTail});
        std::copy_n(x.data() + i, kBoxcarCellSamples, cells.back().x);
      }
      std::vector<std::int32_t> sums(next.size() / 8, 0);
      for (std::size_t i = 0; i < sums.size() * 8; ++i) sums[i / 8] += next[i];
      next = std::move(sums);
    }
  }
}

}  // namespace tianyan
