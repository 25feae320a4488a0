// Refinement of an event: the same pulse at the delays between its trial and the next ones, at any width and
// any start near its own.
//
//   the highest snr(t, w) of kernels/boxcar.hpp over delays d0 - m .. d0 + m, m being the step of the trials,
//   in steps of an 8th of its width w0, widths 3/4 w0 to 3/2 w0 and starts within w0 / 2 of its own, in 16ths
//   of w0
//
// A coarse grid of trials finds a pulse; what is reported of it is what a fine one would, from samples whose
// delays are rounded once (kernels/fdmt.hpp, dedisperse). It costs less than 2^22 additions.
#pragma once
#include <vector>

#include "kernels/boxcar.hpp"
#include "kernels/fdmt.hpp"

namespace tianyan {

inline constexpr int kRefineMaxWidth = 256;       ///< wider events are left as they are
inline constexpr std::int64_t kRefineLead = 512;  ///< samples before a run that its events may reach back to

/// An event of a run of samples at any delay.
struct RefinedEvent {
  double delay = 0.0;  ///< samples
  BoxcarEvent boxcar;
};

/// Makes rows of a run at any delay: dedisperse() of kernels/fdmt.hpp, relative to the run's first sample.
class DelayRows {
 public:
  virtual ~DelayRows() = default;
  /// Which rows will be wanted: samples [t, t + n) at each of the delays.
  virtual void prepare(const std::vector<int>& delays, std::int64_t t, std::int64_t n) = 0;
  /// The i-th of them, n samples.
  virtual void row(std::size_t i, View<std::int32_t, 1> out) = 0;
};

/// Of samples [channel][time] of the host, of which the run begins at sample t.
class HostDelayRows final : public DelayRows {
 public:
  HostDelayRows(const FdmtParams& fdmt, View<const std::int8_t, 2> samples, std::int64_t t)
      : fdmt_(fdmt), samples_(samples), t_(t) {}
  void prepare(const std::vector<int>& delays, std::int64_t t, std::int64_t n) override;
  void row(std::size_t i, View<std::int32_t, 1> out) override;

 private:
  const FdmtParams& fdmt_;
  View<const std::int8_t, 2> samples_;
  std::int64_t t_;
  std::int64_t begin_ = 0;
  std::vector<int> delays_;
};

/// `event` of trial `trial`, in samples relative to a run of n that was searched; `track` is the run's.
/// Returns the event itself where nothing is better or it is too wide.
RefinedEvent refine_event(const FdmtParams& fdmt, const BoxcarPlan& boxcar, const VarianceTrack& track,
                          DelayRows& rows, std::int64_t n, int trial, const BoxcarEvent& event,
                          View<std::int32_t, 1> scratch);
/// Elements of scratch.
inline constexpr std::int64_t kRefineScratchInts = 2 * kRefineMaxWidth;

}  // namespace tianyan
