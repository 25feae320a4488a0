// Refinement on the CPU: a few rows of a few hundred samples.
#include "kernels/refine.hpp"

#include <algorithm>

namespace tianyan {
namespace {

constexpr int kGridSteps = 16, kDelaySteps = 8;  // of an event's width

// The neighbourhood of an event: samples [begin, end), widths and the grid's step.
struct Neighbourhood {
  std::int64_t begin = 0, end = 0;
  int width_min = 0, width_max = 0, step = 0;
};
Neighbourhood around(const BoxcarPlan& plan, const VarianceTrack& track, std::int64_t n,
                     const BoxcarEvent& event) {
  const int half = event.width / 2;
  Neighbourhood x;
  x.begin = std::max({event.start - half, -kRefineLead, track.begin});
  x.end = std::min(event.start + event.width + half, n);
  x.width_min = std::max(1, 3 * event.width / 4);
  x.width_max = std::min(3 * event.width / 2, plan.widths_samples().back());
  x.step = std::max(1, event.width / kGridSteps);
  return x;
}

// Tries every boxcar of the neighbourhood on a row that begins at its first sample; the row becomes running
// sums.
void try_boxcars(const BoxcarPlan& plan, const VarianceTrack& track, const Neighbourhood& x, double delay,
                 View<std::int32_t, 1> row, RefinedEvent& best) {
  const auto n = x.end - x.begin;
  for (std::int64_t i = 1; i < n; ++i) row[i] += row[i - 1];
  for (int w = x.width_min; w <= std::min<std::int64_t>(x.width_max, n); w += x.step)
    for (std::int64_t i = 0; i + w <= n; i += x.step) {
      const std::int64_t sum = row[i + w - 1] - (i > 0 ? row[i - 1] : 0);
      const double snr = boxcar_snr(plan, track, sum, x.begin + i, w);
      if (snr > best.boxcar.snr) best = {delay, {x.begin + i, w, snr}};
    }
}

}  // namespace

void HostDelayRows::prepare(const std::vector<int>& delays, std::int64_t t, std::int64_t) {
  delays_ = delays;
  begin_ = t_ + t;
}
void HostDelayRows::row(std::size_t i, View<std::int32_t, 1> out) {
  dedisperse(fdmt_, samples_, delays_[i], begin_, out);
}

RefinedEvent refine_event(const FdmtParams& fdmt, const BoxcarPlan& boxcar, const VarianceTrack& track,
                          DelayRows& rows, std::int64_t n, int trial, const BoxcarEvent& event,
                          View<std::int32_t, 1> scratch) {
  expect(scratch.shape(0) >= kRefineScratchInts, "refinement scratch of {}; {} needed", scratch.shape(0),
         kRefineScratchInts);
  const int own = fdmt.delay_of(trial), step = std::max(1, event.width / kDelaySteps);
  RefinedEvent best{static_cast<double>(own), event};
  if (event.width > kRefineMaxWidth) return best;
  const auto x = around(boxcar, track, n, event);
  const auto row = scratch.slice(0, 0, x.end - x.begin);
  const int reach = fdmt.delay_step / step * step;
  std::vector<int> delays;
  for (int d = own - reach; d <= own + reach; d += step)
    if (d >= fdmt.delay_begin && d < fdmt.delay_end) delays.push_back(d);
  rows.prepare(delays, x.begin, x.end - x.begin);
  for (std::size_t i = 0; i < delays.size(); ++i) {
    rows.row(i, row);
    try_boxcars(boxcar, track, x, delays[i], row, best);
  }
  return best;
}

}  // namespace tianyan
