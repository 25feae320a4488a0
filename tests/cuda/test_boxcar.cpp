// Cells of boxcars, on the host and on a device: by hand, the same events as the search of whole rows, tails,
// memory that is too small.
#include "cuda/boxcar.hpp"

#include <limits>

#include "tests/cuda/device_test.hpp"
#include "tests/kernels/boxcar_test.hpp"

namespace tianyan {
namespace {

constexpr int kTailInts = kBoxcarLevels * kBoxcarTail;

// Rows and what is asked of them; tails [row][kTailInts] are replaced.
struct CellRun {
  BoxcarPlan plan;
  Array<std::int32_t, 2> rows, tails;
  Array<BoxcarLeastSums, 2> least;  // [run][row]
  int first_row = 0;
  std::int64_t n_sample;  // that a device reads of each row

  CellRun(const BoxcarPlan& boxcar, std::int64_t n_row, std::int64_t n_run)
      : plan(boxcar),
        rows({n_row, n_run * kBoxcarRun}),
        tails({n_row, kTailInts}),
        least({n_run, n_row}),
        n_sample(rows.shape(1)) {
    for (std::int64_t i = 0; i < least.size(); ++i)
      for (auto& level : least.data()[i].of)
        std::fill(std::begin(level), std::end(level), std::numeric_limits<std::int32_t>::max());
  }
};

struct HostCells {
  static std::vector<BoxcarCell> find(CellRun& run) {
    std::vector<BoxcarCell> cells;
    for (std::int64_t i = 0; i < run.rows.shape(0); ++i) {
      std::vector<BoxcarLeastSums> least;
      for (std::int64_t r = 0; r < run.least.shape(0); ++r) least.push_back(run.least(r, i));
      auto& tail = *reinterpret_cast<BoxcarTail*>(&run.tails(i, 0));
      boxcar_cells(run.plan, run.rows.cview()[i], {least.data(), {std::ssize(least)}},
                   run.first_row + static_cast<int>(i), tail, cells);
    }
    return cells;
  }
};

struct DeviceCells {
  static std::vector<BoxcarCell> find(CellRun& run) {
    return find(run, run.rows.shape(0) * most_boxcar_cells(run.least.shape(0)), nullptr);
  }
  static std::vector<BoxcarCell> find(CellRun& run, std::int64_t room, unsigned* n_found) {
    const Stream stream;
    const auto rows = on_device(run.rows.cview(), stream), before = on_device(run.tails.cview(), stream);
    const auto least = on_device(run.least.cview(), stream);
    const DeviceArray<std::int32_t, 2> after(run.tails.cview().shape());
    const DeviceArray<BoxcarCell, 1> cells({room});
    const DeviceArray<unsigned, 1> count({1});
    fill_zero(count, stream);
    fill_zero(after, stream);  // a level that is not searched has no tail
    boxcar_cells(run.plan, rows.cview(), run.n_sample, least.cview(), run.first_row, before.cview(),
                 after.view(), cells.view(), count.view(), stream);
    Array<unsigned, 1> n({1});
    to_host(count, n.view(), stream);
    to_host(after, run.tails.view(), stream);
    if (n_found != nullptr) *n_found = n(0);
    const auto n_cell = std::min<std::int64_t>(room, n(0));
    Array<BoxcarCell, 1> found({n_cell});
    download(cells.cview().slice(0, 0, n_cell), found.view(), stream);
    stream.synchronise();
    return {found.data(), found.data() + n_cell};
  }
};

template <class Backend>
class BoxcarCells : public testing::Test {};
using Backends = testing::Types<HostCells, DeviceCells>;
TYPED_TEST_SUITE(BoxcarCells, Backends);

template <class Backend>
std::vector<BoxcarCell> sorted_cells(CellRun& run) {
  auto cells = Backend::find(run);
  std::sort(cells.begin(), cells.end(), is_before);
  return cells;
}

TYPED_TEST(BoxcarCells, APulseIsInTheCellsWhereItsBoxcarsBegin) {
  CellRun run(make_boxcar_plan(0.0, 2048.0, 1000, 6.0, 0.0), 2, 1);
  run.first_row = 7;
  run.rows(1, 100) = 5, run.rows(1, 101) = 6, run.rows(1, 102) = 7;
  run.least(0, 1).of[0][2] = 18;  // three samples: from 100 on, which is start 132 of the row and its tail
  run.least(0, 1).of[1][0] = 18;  // the sum of samples 96 to 103, the 12th of level 1
  const auto cells = sorted_cells<TypeParam>(run);
  ASSERT_EQ(cells.size(), 2U);
  EXPECT_EQ(cells[0].row, 8);
  EXPECT_EQ(cells[0].run, 0);
  EXPECT_EQ(cells[0].level, 0);
  EXPECT_EQ(cells[0].first, 96);
  EXPECT_EQ(cells[0].x[4], 5);
  EXPECT_EQ(cells[0].x[6], 7);
  EXPECT_EQ(cells[1].level, 1);
  EXPECT_EQ(cells[1].first, 12);
  EXPECT_EQ(cells[1].x[0], 18);
}

TYPED_TEST(BoxcarCells, EachWidthIsJudgedByItsOwnLeastSum) {
  const auto plan = make_boxcar_plan(0.0, 2048.0, 1000, 6.0, 0.0);
  for (int level = 0; level < kBoxcarLevels; ++level)
    for (int j = 0; j < kNumNarrowWidths; ++j)
      for (const int missing : {0, 1}) {
        CellRun run(plan, 1, 3);
        const auto scale = static_cast<int>(BoxcarPlan::decimation(level)), width = kNarrowWidths[j] * scale;
        for (int i = 0; i < width; ++i) run.rows(0, 512 + i) = 1 + i % 3;
        std::int32_t sum = 0;
        for (int i = 0; i < width; ++i) sum += 1 + i % 3;
        for (std::int64_t r = 0; r < 3; ++r) run.least(r, 0).of[level][j] = sum + missing;
        const auto cells = sorted_cells<TypeParam>(run);
        ASSERT_EQ(cells.size(), 1U - static_cast<unsigned>(missing))
            << "level " << level << " width " << width;
        if (missing == 1) continue;
        const auto start = cells[0].run * kBoxcarRun / scale + cells[0].first;
        EXPECT_LE(start, 512 / scale);
        EXPECT_GT(start + BoxcarPlan::cell(level) / scale, 512 / scale);
      }
}

// The search of a row by cells, in calls of at most `n_at_once` runs.
template <class Backend>
std::vector<BoxcarEvent> search_by_cells(const BoxcarPlan& plan, const WholeRow& row,
                                         std::int64_t n_at_once) {
  const WholeTrack whole(row);
  std::vector<BoxcarEvent> events;
  const auto n_run = (row.n() + plan.lag() + kBoxcarRun - 1) / kBoxcarRun;
  Array<std::int32_t, 2> tails({1, kTailInts});
  const auto n_bin = (plan.lag() + kBoxcarRun) / kVarianceBin;
  for (std::int64_t first = 0; first < n_run; first += n_at_once) {
    const auto n = std::min(n_at_once, n_run - first);
    CellRun run(plan, 1, n);
    std::copy_n(tails.data(), kTailInts, run.tails.data());
    std::vector<VarianceTrack> tracks;
    Array<float, 2> per_bin({n, n_bin}), mean({n, n_bin});
    Array<double, 2> prefix({n, n_bin + 1}), mean_prefix({n, n_bin + 1});
    for (std::int64_t r = 0; r < n; ++r) {
      const auto at = (first + r) * kBoxcarRun;
      for (std::int64_t i = 0; i < kBoxcarRun; ++i) run.rows(0, r * kBoxcarRun + i) = row.at(at + i);
      for (std::int64_t i = 0; i < n_bin; ++i) {
        per_bin(r, i) = WholeRow::of_bin(row.per_bin, (at - plan.lag()) / kVarianceBin + i);
        mean(r, i) = WholeRow::of_bin(row.mean, (at - plan.lag()) / kVarianceBin + i);
      }
      tracks.push_back(make_variance_track(plan, per_bin.cview()[r], kBoxcarRun, prefix.view()[r]));
      if (!row.mean.empty()) set_row_mean(mean.cview()[r], mean_prefix.view()[r], tracks.back());
      run.least(r, 0) = least_boxcar_sums(plan, tracks.back());
    }
    for (const auto& cell : sorted_cells<Backend>(run)) {
      auto best = best_of_cell(plan, tracks[static_cast<std::size_t>(cell.run)], run.least(cell.run, 0),
                               cell.level, cell.first, {cell.x, {kBoxcarCellSamples}});
      best.start += (first + cell.run) * kBoxcarRun;
      if (best.width > 0) events.push_back(best);
    }
    std::copy_n(run.tails.data(), kTailInts, tails.data());
  }
  sort_events(events);
  return events;
}

TYPED_TEST(BoxcarCells, HoldAllEventsOfTheSearch) {
  Xoshiro256 random(3);
  std::size_t n_event = 0;
  for (int round = 0; round < 6; ++round) {
    const auto row = lively_row(8 * random_between(random, 1, 500), random);
    const auto plan = random_boxcar_plan(random);
    const auto wanted = search(plan, row);
    n_event += wanted.size();
    EXPECT_TRUE(same(search_by_cells<TypeParam>(plan, row, 1 + round % 3), wanted)) << "round " << round;
  }
  EXPECT_GT(n_event, 30U);
}

TEST(BoxcarCellsOnADevice, AreThoseOfTheHost) {
  Xoshiro256 random(4);
  for (const double most : {32.0, 256.0, 2048.0}) {
    const auto plan = make_boxcar_plan(0.0, most, 1000, 6.0, 0.0);
    CellRun host(plan, 3, 2), device(plan, 3, 2);
    fill_uniform(host.rows.view(), 100, random);
    fill_uniform(host.tails.view(), 100, random);
    for (std::int64_t i = 0; i < host.least.size(); ++i)
      for (int level = 0; level < plan.n_level; ++level)
        for (int j = plan.first_width[level]; j < plan.end_width[level]; ++j)
          host.least.data()[i].of[level][j] =
              static_cast<std::int32_t>(100 * kNarrowWidths[j] * BoxcarPlan::decimation(level) /
                                        (2 + 2 * static_cast<int>(random.below(9))));
    std::copy_n(host.rows.data(), host.rows.size(), device.rows.data());
    std::copy_n(host.tails.data(), host.tails.size(), device.tails.data());
    std::copy_n(host.least.data(), host.least.size(), device.least.data());
    const auto wanted = sorted_cells<HostCells>(host), found = sorted_cells<DeviceCells>(device);
    ASSERT_EQ(found.size(), wanted.size());
    EXPECT_GT(found.size(), 10U);
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_EQ(std::memcmp(&found[i], &wanted[i], sizeof(BoxcarCell)), 0) << "cell " << i;
    for (std::int64_t row = 0; row < 3; ++row)
      for (int i = 0; i < plan.n_level * kBoxcarTail; ++i)
        EXPECT_EQ(device.tails(row, i), host.tails(row, i));
  }
}

TEST(BoxcarCellsOnADevice, HaveZerosBehindTheLastSample) {
  CellRun run(make_boxcar_plan(0.0, 256.0, 1000, 6.0, 0.0), 1, 2);
  std::fill_n(run.rows.data(), run.rows.size(), 9);
  run.n_sample = kBoxcarRun + 100;
  run.least(1, 0).of[0][0] = 9;
  const auto cells = sorted_cells<DeviceCells>(run);
  ASSERT_EQ(cells.size(), 5U);  // of 32 starts, the first before the run
  EXPECT_EQ(cells[4].first, 96);
  for (int i = 0; i < kBoxcarCellSamples; ++i) EXPECT_EQ(cells[4].x[i], i < 4 ? 9 : 0) << i;
}

TEST(BoxcarCellsOnADevice, WithoutRoomAreCountedAllTheSame) {
  CellRun run(make_boxcar_plan(0.0, 32.0, 1000, 6.0, 0.0), 2, 1);
  run.least(0, 0).of[0][0] = run.least(0, 1).of[0][0] = 0;
  unsigned n = 0;
  EXPECT_EQ(DeviceCells::find(run, 5, &n).size(), 5U);
  EXPECT_EQ(n, 64U);
}

TEST(BoxcarCellsOnADevice, RefuseWhatDoesNotFit) {
  const auto plan = make_boxcar_plan(0.0, 32.0, 1000, 6.0, 0.0);
  CellRun run(plan, 2, 1);
  run.least = Array<BoxcarLeastSums, 2>({1, 3});
  EXPECT_THROW(DeviceCells::find(run), std::invalid_argument);
  run.least = Array<BoxcarLeastSums, 2>({2, 2});
  EXPECT_THROW(DeviceCells::find(run), std::invalid_argument);
  run.least = Array<BoxcarLeastSums, 2>({1, 2});
  run.tails = Array<std::int32_t, 2>({2, 32});
  EXPECT_THROW(DeviceCells::find(run), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
