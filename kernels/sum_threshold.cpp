// SumThreshold by sums of two sums of half the length: in place, and vectorised with Highway.
//
// Lanes are rows (or columns) judged side by side: value i of lane k is element i * n_lane + k of the
// buffers.
#include "kernels/sum_threshold.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum_threshold.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sum[i] += sum[i + shift], count likewise, i in [0, n), in place. True where for some i a sum s of c values
// may exceed its limit: s^2 > mean2 c and (|s| - keep c)^2 > margin2 c. What lies behind n is read, and
// overwritten, up to shift + 16 elements on.
bool JoinAndScreen(int32_t* sum, int32_t* count, int64_t n, int64_t shift, float mean2, float keep,
                   float margin2) {
  const hn::CappedTag<int32_t, 16> d;
  const hn::RebindToFloat<decltype(d)> df;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto vmean2 = hn::Set(df, mean2), vkeep = hn::Set(df, keep), vmargin2 = hn::Set(df, margin2);
  const auto zero = hn::Zero(df);
  auto least = zero;  // above zero where a limit is exceeded
  const auto join = [&](int64_t i) HWY_ATTR {
    const auto s = hn::Add(hn::LoadU(d, sum + i), hn::LoadU(d, sum + i + shift));
    const auto c = hn::Add(hn::LoadU(d, count + i), hn::LoadU(d, count + i + shift));
    hn::StoreU(s, d, sum + i);
    hn::StoreU(c, d, count + i);
    const auto a = hn::ConvertTo(df, hn::Abs(s)), m = hn::ConvertTo(df, c);
    const auto b = hn::Max(hn::Sub(a, hn::Mul(vkeep, m)), zero);
    return hn::Min(hn::Sub(hn::Mul(a, a), hn::Mul(vmean2, m)), hn::Sub(hn::Mul(b, b), hn::Mul(vmargin2, m)));
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) least = hn::Max(least, join(i));
  if (i < n) {
    const auto inside = hn::FirstN(df, static_cast<size_t>(n - i));
    least = hn::Max(least, hn::IfThenElseZero(inside, join(i)));
  }
  return !hn::AllFalse(df, hn::Gt(least, zero));
}

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {

HWY_EXPORT(JoinAndScreen);

namespace {

constexpr std::int64_t kLanes = 8;         // columns judged side by side: 4096 channels stay in the L2 cache
constexpr std::int64_t kPad = 16;          // elements that a vector may reach behind a buffer
constexpr std::int32_t kNone = INT32_MIN;  // steps of a value that is flagged

// Buffers of n_lane lines of n values each; runs are along these.
struct Lanes {
  std::int64_t n_lane = 0, n = 0;
  std::int32_t *steps = nullptr, *sum = nullptr, *count = nullptr;  // [n][n_lane]
  std::int64_t size() const { return n_lane * n; }
};

// A run's limits in steps.
struct Limits {
  int length;
  float mean2, keep, margin2;          // of the screen, a little below
  std::vector<std::int32_t> of_count;  // [n good values]
};

Limits limits_of(const RunThreshold& run) {
  constexpr double kBelow = 0.9999;  // floats of the screen round by less
  const double scale = kBelow * double{kSumThresholdScale};
  const auto square = [](double v) { return static_cast<float>(std::min(v * v, 1e30)); };
  Limits limits{run.length,
                square(scale * run.mean * std::sqrt(run.length)),
                static_cast<float>(std::min(scale * run.keep, 1e30)),
                square(scale * run.margin),
                {}};
  for (int n = 0; n <= run.length; ++n) {
    const double most = double{kSumThresholdMax} * n,
                 steps = std::min(run.limit(n), most) * kSumThresholdScale;
    limits.of_count.push_back(std::max(n > 0 ? 1 : 0, static_cast<std::int32_t>(std::lround(steps))));
  }
  return limits;
}

// Sums over single values. True where one may exceed its limit.
bool start(const Lanes& lanes, const Limits& limits) {
  const std::int32_t step = limits.of_count[1];
  std::int32_t negative = 0;
  for (std::int64_t i = 0; i < lanes.size(); ++i) {
    const std::int32_t v = lanes.steps[i], good = v == kNone ? 0 : 1, s = v == kNone ? 0 : v;
    lanes.sum[i] = s;
    lanes.count[i] = good;
    negative |= step * good - std::abs(s);
  }
  return negative < 0;
}

// Sums over runs of the limits' length from those of `from` values, or from single ones where that is 0. True
// where a run may exceed its limit.
bool grow(const Lanes& lanes, int from, const Limits& limits) {
  bool exceeds = false;
  if (from == 0) {
    exceeds = start(lanes, limits);
    from = 1;
  }
  for (; from < limits.length; from *= 2)
    exceeds =
        HWY_DYNAMIC_DISPATCH(JoinAndScreen)(lanes.sum, lanes.count, (lanes.n - 2 * from + 1) * lanes.n_lane,
                                            from * lanes.n_lane, limits.mean2, limits.keep, limits.margin2);
  return exceeds;
}

// Flags all runs that exceed their limit. Returns how many values that adds.
std::int64_t flag_runs(const Lanes& lanes, const Limits& limits) {
  const int length = limits.length;
  std::int64_t flagged = 0;
  for (std::int64_t k = 0; k < lanes.n_lane; ++k) {
    std::int64_t done = 0;
    for (std::int64_t i = 0; i + length <= lanes.n; ++i) {
      const auto at = i * lanes.n_lane + k;
      if (std::abs(lanes.sum[at]) <= limits.of_count[static_cast<std::size_t>(lanes.count[at])]) continue;
      for (done = std::max(done, i); done < i + length; ++done) {
        auto& v = lanes.steps[done * lanes.n_lane + k];
        flagged += v == kNone ? 0 : 1;
        v = kNone;
      }
    }
  }
  return flagged;
}

std::vector<Limits> all_limits(const std::vector<RunThreshold>& runs) {
  std::vector<Limits> limits;
  for (const auto& run : runs) limits.push_back(limits_of(run));
  return limits;
}

std::int64_t judge(const std::vector<Limits>& all, const Lanes& lanes) {
  std::int64_t flagged = 0;
  int length = 0;  // of the runs that the sums are over; 0 where these are out of date
  for (const auto& limits : all) {
    if (limits.length > lanes.n) break;
    const bool exceeds = grow(lanes, length, limits);
    length = limits.length;
    const auto more = exceeds ? flag_runs(lanes, limits) : 0;
    if (more == 0) continue;
    flagged += more;
    length = 0;
  }
  return flagged;
}

// Steps of a row of values.
void to_steps(const float* x, const std::uint8_t* good, std::int64_t n, std::int32_t* steps) {
  for (std::int64_t i = 0; i < n; ++i) {
    const auto v = sum_threshold_steps(x[i]);
    steps[i] = good[i] == 0 ? kNone : v;
  }
}

void write_flags(const std::int32_t* steps, std::int64_t n, std::uint8_t* good) {
  for (std::int64_t i = 0; i < n; ++i)
    if (steps[i] == kNone) good[i] = 0;
}

void check(const std::vector<RunThreshold>& runs, View<const float, 2> x, View<const std::uint8_t, 2> good) {
  expect(x.shape() == good.shape(), "flags of {} x {} for values of {} x {}", good.shape(0), good.shape(1),
         x.shape(0), x.shape(1));
  expect(x.rows_contiguous() && good.rows_contiguous(), "runs are judged in planes with contiguous rows");
  int shortest = 1;
  for (const auto& run : runs) {
    expect(run.length >= shortest && run.length <= kSumThresholdLongest &&
               std::has_single_bit(static_cast<unsigned>(run.length)),
           "a run length of {}; they are ascending powers of two, at most {}", run.length,
           kSumThresholdLongest);
    expect(run.mean > 0.0, "a threshold of {} deviations; it must be positive", run.mean);
    expect(run.keep >= 0.0 && run.margin >= 0.0, "{} and {} deviations to keep; they cannot be negative",
           run.keep, run.margin);
    shortest = run.length + 1;
  }
}

Lanes lanes_in(View<std::int32_t, 1> scratch, std::int64_t n_lane, std::int64_t n) {
  const auto size = n_lane * n + kPad;
  return {n_lane, n, scratch.data(), scratch.data() + size, scratch.data() + 2 * size};
}

void check_scratch(RunAxis axis, std::int64_t n, View<const std::int32_t, 1> scratch) {
  const auto needed = sum_threshold_scratch_ints(axis, n);
  expect(scratch.shape(0) >= needed && scratch.rows_contiguous(),
         "scratch of {} elements for runs along an axis of {}; {} contiguous ones needed", scratch.shape(0),
         n, needed);
}

// Judges a line of n values, of which value(i) and good(i) are the i-th.
std::int64_t judge_plainly(const std::vector<RunThreshold>& runs, std::int64_t n, const auto& value,
                           const auto& good) {
  std::int64_t flagged = 0;
  for (const auto& run : runs) {
    const auto limits = limits_of(run);
    std::vector<std::uint8_t> bad(static_cast<std::size_t>(n), 0);
    for (std::int64_t first = 0; first + run.length <= n; ++first) {
      std::int64_t sum = 0;
      std::size_t count = 0;
      for (auto i = first; i < first + run.length; ++i) {
        if (good(i) == 0) continue;
        sum += sum_threshold_steps(value(i));
        ++count;
      }
      if (std::abs(sum) > limits.of_count[count])
        std::fill_n(bad.begin() + first, run.length, std::uint8_t{1});
    }
    for (std::int64_t i = 0; i < n; ++i) {
      if (bad[static_cast<std::size_t>(i)] == 0 || good(i) == 0) continue;
      good(i) = 0;
      ++flagged;
    }
  }
  return flagged;
}

}  // namespace

double RunThreshold::limit(int n) const {
  const double root = std::sqrt(n);
  return std::max(mean * std::sqrt(length) * root, keep * n + margin * root);
}

std::vector<RunThreshold> sum_thresholds(RunAxis axis, const RunThresholdParams& params) {
  expect(params.first_sigma > 0.0, "a first threshold of {} deviations; it must be positive",
         params.first_sigma);
  expect(params.base >= 1.0, "thresholds that fall by {} per doubling; at least 1 is needed", params.base);
  expect(params.longest >= 1 && params.longest <= kSumThresholdLongest,
         "runs of up to {} values; 1 to {} can be", params.longest, kSumThresholdLongest);
  expect(params.keep_sigma >= 0.0 && params.margin_sigma >= 0.0,
         "runs of {} and {} deviations to keep; they cannot be negative", params.keep_sigma,
         params.margin_sigma);
  std::vector<RunThreshold> runs;
  double falling = params.first_sigma;
  for (int n = 1; n <= params.longest; n *= 2, falling /= params.base) {
    if (axis == RunAxis::kTime)
      runs.push_back({n, falling, 0.0, params.keep_sigma + params.margin_sigma});
    else
      runs.push_back({n, falling, params.keep_sigma, params.margin_sigma});
  }
  return runs;
}

std::int64_t sum_threshold_scratch_ints(RunAxis axis, std::int64_t n) {
  return 3 * ((axis == RunAxis::kTime ? 1 : kLanes) * n + kPad);
}

std::int64_t sum_threshold_times(const std::vector<RunThreshold>& runs, View<const float, 2> x,
                                 View<std::uint8_t, 2> good, View<std::int32_t, 1> scratch) {
  const auto n = x.shape(1);
  check(runs, x, good);
  check_scratch(RunAxis::kTime, n, scratch);
  const auto lanes = lanes_in(scratch, 1, n);
  const auto limits = all_limits(runs);
  std::int64_t flagged = 0;
  for (std::int64_t c = 0; c < x.shape(0); ++c) {
    to_steps(x[c].data(), good[c].data(), n, lanes.steps);
    const auto more = judge(limits, lanes);
    flagged += more;
    if (more > 0) write_flags(lanes.steps, n, good[c].data());
  }
  return flagged;
}

std::int64_t sum_threshold_channels(const std::vector<RunThreshold>& runs, View<const float, 2> x,
                                    View<std::uint8_t, 2> good, View<std::int32_t, 1> scratch) {
  const auto n = x.shape(0);
  check(runs, x, good);
  check_scratch(RunAxis::kChannel, n, scratch);
  const auto limits = all_limits(runs);
  std::int64_t flagged = 0;
  for (std::int64_t t = 0; t < x.shape(1); t += kLanes) {
    const auto lanes = lanes_in(scratch, std::min(kLanes, x.shape(1) - t), n);
    for (std::int64_t c = 0; c < n; ++c)
      to_steps(&x(c, t), &good(c, t), lanes.n_lane, lanes.steps + c * lanes.n_lane);
    const auto more = judge(limits, lanes);
    flagged += more;
    for (std::int64_t c = 0; more > 0 && c < n; ++c)
      write_flags(lanes.steps + c * lanes.n_lane, lanes.n_lane, &good(c, t));
  }
  return flagged;
}

std::int64_t sum_threshold_times_reference(const std::vector<RunThreshold>& runs, View<const float, 2> x,
                                           View<std::uint8_t, 2> good) {
  check(runs, x, good);
  std::int64_t flagged = 0;
  for (std::int64_t c = 0; c < x.shape(0); ++c)
    flagged += judge_plainly(
        runs, x.shape(1), [&](auto t) { return x(c, t); }, [&](auto t) -> auto& { return good(c, t); });
  return flagged;
}

std::int64_t sum_threshold_channels_reference(const std::vector<RunThreshold>& runs, View<const float, 2> x,
                                              View<std::uint8_t, 2> good) {
  check(runs, x, good);
  std::int64_t flagged = 0;
  for (std::int64_t t = 0; t < x.shape(1); ++t)
    flagged += judge_plainly(
        runs, x.shape(0), [&](auto c) { return x(c, t); }, [&](auto c) -> auto& { return good(c, t); });
  return flagged;
}

}  // namespace tianyan
#endif
