// Least squares of sines: projections of all frequencies at once on blocks of samples folded about their
// centres.
#include "kernels/periodic.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/periodic.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <numbers>

#include "kernels/robust.hpp"

HWY_BEFORE_NAMESPACE();
namespace tianyan {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sums[block][cos, sin][i] = sum_r even[block][r] cos[r][i], sum_r odd[block][r] sin[r][i]: a lane is a
// frequency, four blocks share what is loaded of the tile, and terms are added in order of r.
void ProjectTile(const float* HWY_RESTRICT folded, int64_t n_block, const float* HWY_RESTRICT tile,
                 float* HWY_RESTRICT sums) {
  constexpr int64_t half = kPhaseBlock / 2, row = 2 * kPhaseTile;
  const hn::CappedTag<float, kPhaseTile> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t block = 0; block < n_block; block += 4, folded += 4 * kPhaseBlock, sums += 4 * row) {
    for (int64_t lane = 0; lane < kPhaseTile; lane += lanes) {
      auto c0 = hn::Zero(d), c1 = c0, c2 = c0, c3 = c0, s0 = c0, s1 = c0, s2 = c0, s3 = c0;
      for (int64_t r = 0; r < half; ++r) {
        const auto cosine = hn::LoadU(d, tile + r * row + lane),
                   sine = hn::LoadU(d, tile + r * row + kPhaseTile + lane);
        const float *even = folded + r, *odd = even + half;
        c0 = hn::Add(c0, hn::Mul(hn::Set(d, even[0]), cosine));
        s0 = hn::Add(s0, hn::Mul(hn::Set(d, odd[0]), sine));
        c1 = hn::Add(c1, hn::Mul(hn::Set(d, even[kPhaseBlock]), cosine));
        s1 = hn::Add(s1, hn::Mul(hn::Set(d, odd[kPhaseBlock]), sine));
        c2 = hn::Add(c2, hn::Mul(hn::Set(d, even[2 * kPhaseBlock]), cosine));
        s2 = hn::Add(s2, hn::Mul(hn::Set(d, odd[2 * kPhaseBlock]), sine));
        c3 = hn::Add(c3, hn::Mul(hn::Set(d, even[3 * kPhaseBlock]), cosine));
        s3 = hn::Add(s3, hn::Mul(hn::Set(d, odd[3 * kPhaseBlock]), sine));
      }
      float* out = sums + lane;
      hn::StoreU(c0, d, out), hn::StoreU(s0, d, out + kPhaseTile);
      hn::StoreU(c1, d, out + row), hn::StoreU(s1, d, out + row + kPhaseTile);
      hn::StoreU(c2, d, out + 2 * row), hn::StoreU(s2, d, out + 2 * row + kPhaseTile);
      hn::StoreU(c3, d, out + 3 * row), hn::StoreU(s3, d, out + 3 * row + kPhaseTile);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tianyan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tianyan {
namespace {

HWY_EXPORT(ProjectTile);

constexpr std::int64_t kHalf = kPhaseBlock / 2;
constexpr std::int64_t kBlockGroup = 4;  // blocks that are projected together
constexpr double kMaxHarmonics = 1e5;
// In units of 1/T: where the level is measured, how far from any line, and from each other.
constexpr double kLevelOffsets[] = {-2.0, -1.0, 1.0, 2.0};
constexpr double kLevelClearance = 0.75, kLevelSpacing = 0.5;
constexpr double kNegligiblePower = 0.1;  // left at a line: 0.45 of a standard deviation of its amplitude
// Of |sum g exp(2 i w k)| to n: above it the good samples do not tell cosine and sine apart.
constexpr double kMaxCorrelation = 0.9;

double radians_per_sample(const PeriodicPlan& plan, double frequency_hz) {
  return 2.0 * std::numbers::pi * frequency_hz * plan.sample_time_s;
}
std::int64_t n_block_of(const PeriodicPlan& plan) {
  constexpr auto group = kPhaseBlock * kBlockGroup;
  return (plan.window_samples + group - 1) / group * kBlockGroup;
}

PhaseTable make_phase_table(const std::vector<double>& radians) {
  PhaseTable table;
  table.n = std::ssize(radians);
  const std::int64_t n_tile = (table.n + kPhaseTile - 1) / kPhaseTile;
  table.tiles.resize(static_cast<std::size_t>(n_tile * kHalf * 2 * kPhaseTile));
  for (std::int64_t i = 0; i < n_tile * kPhaseTile; ++i) {
    const double w = i < table.n ? radians[static_cast<std::size_t>(i)] : 0.0;
    float* column = table.tiles.data() + i / kPhaseTile * (kHalf * 2 * kPhaseTile) + i % kPhaseTile;
    for (std::int64_t r = 0; r < kHalf; ++r) {
      const double phase = w * (static_cast<double>(r) + 0.5);
      column[2 * r * kPhaseTile] = static_cast<float>(std::cos(phase));
      column[(2 * r + 1) * kPhaseTile] = static_cast<float>(std::sin(phase));
    }
    table.cos_first.push_back(std::cos(w * (kHalf - 0.5)));
    table.sin_first.push_back(std::sin(w * (kHalf - 0.5)));
    table.cos_step.push_back(std::cos(w * kPhaseBlock));
    table.sin_step.push_back(std::sin(w * kPhaseBlock));
  }
  return table;
}

// True where an ascending list has a value closer to `x` than `reach`.
bool any_within(const std::vector<double>& ascending, double x, double reach) {
  const auto next = std::lower_bound(ascending.begin(), ascending.end(), x);
  return (next != ascending.end() && *next - x < reach) ||
         (next != ascending.begin() && x - *std::prev(next) < reach);
}

std::vector<PeriodicFrequency> lines_of(const std::vector<double>& fundamentals_hz, double max_hz,
                                        double nyquist_hz, double resolution_hz) {
  std::vector<PeriodicFrequency> wanted;
  for (std::size_t i = 0; i < fundamentals_hz.size(); ++i) {
    const double last = std::floor(std::min(max_hz, nyquist_hz) / fundamentals_hz[i] * (1.0 + 1e-12));
    expect(last <= kMaxHarmonics, "a line every {} Hz up to {} Hz: more than {} harmonics",
           fundamentals_hz[i], max_hz, kMaxHarmonics);
    for (int h = 1; h <= static_cast<int>(last); ++h) {
      const double f = h * fundamentals_hz[i];
      if (f < nyquist_hz && f >= 2.0 * resolution_hz * (1.0 - 1e-12))
        wanted.push_back({f, static_cast<int>(i), h});
    }
  }
  std::stable_sort(wanted.begin(), wanted.end(),
                   [](const auto& a, const auto& b) { return a.harmonic < b.harmonic; });
  std::map<double, PeriodicFrequency> kept;
  for (const auto& line : wanted) {
    const auto next = kept.lower_bound(line.frequency_hz);
    if (next != kept.end() && next->first - line.frequency_hz < 0.5 * resolution_hz) continue;
    if (next != kept.begin() && line.frequency_hz - std::prev(next)->first < 0.5 * resolution_hz) continue;
    kept[line.frequency_hz] = line;
  }
  std::vector<PeriodicFrequency> lines;
  for (const auto& [frequency_hz, line] : kept) lines.push_back(line);
  return lines;
}

std::vector<double> levels_between(const std::vector<double>& lines_hz, double nyquist_hz,
                                   double resolution_hz) {
  std::vector<double> wanted, kept;
  for (const double f : lines_hz)
    for (const double offset : kLevelOffsets) wanted.push_back(f + offset * resolution_hz);
  std::sort(wanted.begin(), wanted.end());
  for (const double f : wanted) {
    if (f < (1.0 - 1e-9) * resolution_hz || f >= nyquist_hz) continue;
    if (!kept.empty() && f - kept.back() < kLevelSpacing * resolution_hz) continue;
    if (!any_within(lines_hz, f, kLevelClearance * resolution_hz)) kept.push_back(f);
  }
  return kept;
}

// Good samples about their mean, 0 where missing and behind the window's end; whole blocks.
struct Window {
  std::vector<float> x, good;
  std::int64_t n_good = 0;
};
Window window_of(View<const std::int32_t, 1> z, View<const std::uint8_t, 1> good, std::int64_t n_block) {
  Window w;
  std::int64_t sum = 0;
  for (std::int64_t k = 0; k < z.shape(0); ++k) {
    sum += good[k] != 0 ? z[k] : 0;
    w.n_good += good[k] != 0 ? 1 : 0;
  }
  const double mean = w.n_good > 0 ? static_cast<double>(sum) / static_cast<double>(w.n_good) : 0.0;
  w.x.assign(static_cast<std::size_t>(n_block * kPhaseBlock), 0.0F);
  w.good = w.x;
  for (std::int64_t k = 0; k < z.shape(0); ++k) {
    const auto at = static_cast<std::size_t>(k);
    w.x[at] = good[k] != 0 ? static_cast<float>(z[k] - mean) : 0.0F;
    w.good[at] = good[k] != 0 ? 1.0F : 0.0F;
  }
  return w;
}

// sigma^2 of the noise, 0 where too few pairs tell.
double noise_variance(const Window& w) {
  std::vector<double> difference;
  difference.reserve(w.x.size() / 2);
  for (std::size_t k = 0; k + 1 < w.x.size(); k += 2)
    if (w.good[k] * w.good[k + 1] != 0.0F) difference.push_back(double{w.x[k + 1]} - w.x[k]);
  if (std::ssize(difference) < kMinPeriodicPairs) return 0.0;
  const double deviation = robust_spread(std::move(difference)).deviation;
  return std::max(0.5 * deviation * deviation, 1.0 / 12.0);
}

// sum_k x[k] cos(w k), sum_k x[k] sin(w k)
struct Projection {
  double cosine = 0.0, sine = 0.0;
};

// Each block as what is even and odd about its centre, so that a cosine or a sine needs half of it.
std::vector<float> fold_blocks(const std::vector<float>& x) {
  std::vector<float> folded(x.size());
  for (std::size_t block = 0; block < x.size(); block += kPhaseBlock) {
    const float* middle = x.data() + block + kHalf;
    for (std::int64_t r = 0; r < kHalf; ++r) {
      folded[block + static_cast<std::size_t>(r)] = middle[r] + middle[-1 - r];
      folded[block + static_cast<std::size_t>(kHalf + r)] = middle[r] - middle[-1 - r];
    }
  }
  return folded;
}

// Phases of a tile's frequencies at the centres of successive blocks.
struct Phases {
  std::array<double, kPhaseTile> cosine, sine, cos_step, sin_step;

  Phases(const PhaseTable& table, std::size_t first) {
    for (std::size_t i = 0; i < kPhaseTile; ++i) {
      cosine[i] = table.cos_first[first + i];
      sine[i] = table.sin_first[first + i];
      cos_step[i] = table.cos_step[first + i];
      sin_step[i] = table.sin_step[first + i];
    }
  }
  void to_next_block() {
    for (std::size_t i = 0; i < kPhaseTile; ++i) {
      const double c = cosine[i] * cos_step[i] - sine[i] * sin_step[i];
      sine[i] = sine[i] * cos_step[i] + cosine[i] * sin_step[i];
      cosine[i] = c;
    }
  }
};

std::vector<Projection> project(const PhaseTable& table, const std::vector<float>& folded) {
  const auto n_block = std::ssize(folded) / kPhaseBlock;
  std::vector<float> sums(static_cast<std::size_t>(n_block * 2 * kPhaseTile));
  std::vector<Projection> projections;
  for (std::size_t first = 0; first < table.cos_first.size(); first += kPhaseTile) {
    HWY_DYNAMIC_DISPATCH(ProjectTile)
    (folded.data(), n_block, table.tiles.data() + first * kHalf * 2, sums.data());
    Phases at(table, first);
    std::array<double, kPhaseTile> a{}, b{};
    for (const float* sum = sums.data(); sum != sums.data() + sums.size(); sum += 2 * kPhaseTile) {
      for (std::size_t i = 0; i < kPhaseTile; ++i) {
        const double c = sum[i], s = sum[kPhaseTile + i];
        a[i] += at.cosine[i] * c - at.sine[i] * s;
        b[i] += at.sine[i] * c + at.cosine[i] * s;
      }
      at.to_next_block();
    }
    for (std::size_t i = 0; i < kPhaseTile; ++i) projections.push_back({a[i], b[i]});
  }
  projections.resize(static_cast<std::size_t>(table.n));
  return projections;
}

// One frequency over a block, sample by sample.
class Carrier {
 public:
  explicit Carrier(double radians) : radians_(radians) {
    for (std::size_t r = 0; r < kHalf; ++r) {
      const double phase = radians * (static_cast<double>(r) + 0.5);
      cosine_[kHalf + r] = cosine_[kHalf - 1 - r] = static_cast<float>(std::cos(phase));
      sine_[kHalf + r] = static_cast<float>(std::sin(phase));
      sine_[kHalf - 1 - r] = -sine_[kHalf + r];
    }
  }
  /// Blocks are added up sample by sample, each turned by the phase of its centre, and then projected.
  Projection project(const std::vector<float>& x) const {
    std::array<float, kPhaseBlock> u{}, v{};
    for_each_block(std::ssize(x), [&](std::int64_t begin, double cosine, double sine) {
      const auto c = static_cast<float>(cosine), s = static_cast<float>(sine);
      const float* block = x.data() + begin;
      for (std::size_t r = 0; r < kPhaseBlock; ++r) u[r] += c * block[r];
      for (std::size_t r = 0; r < kPhaseBlock; ++r) v[r] += s * block[r];
    });
    Projection sum;
    for (std::size_t r = 0; r < kPhaseBlock; ++r) {
      sum.cosine += double{u[r]} * cosine_[r] - double{v[r]} * sine_[r];
      sum.sine += double{v[r]} * cosine_[r] + double{u[r]} * sine_[r];
    }
    return sum;
  }
  /// x[k] += good[k] (a cos(w k) + b sin(w k))
  void add(double a, double b, const std::vector<float>& good, std::vector<float>& x) const {
    for_each_block(std::ssize(x), [&](std::int64_t begin, double cosine, double sine) {
      const auto c = static_cast<float>(a * cosine + b * sine), s = static_cast<float>(b * cosine - a * sine);
      float* block = x.data() + begin;
      const float* keep = good.data() + begin;
      for (std::size_t r = 0; r < kPhaseBlock; ++r) block[r] += keep[r] * (c * cosine_[r] + s * sine_[r]);
    });
  }

 private:
  // body(first sample, cosine and sine of the phase at the centre), for each block
  template <class Body>
  void for_each_block(std::int64_t n, const Body& body) const {
    const double cos_step = std::cos(radians_ * kPhaseBlock), sin_step = std::sin(radians_ * kPhaseBlock);
    double cosine = std::cos(radians_ * (kHalf - 0.5)), sine = std::sin(radians_ * (kHalf - 0.5));
    for (std::int64_t begin = 0; begin < n; begin += kPhaseBlock) {
      body(begin, cosine, sine);
      const double c = cosine * cos_step - sine * sin_step;
      sine = sine * cos_step + cosine * sin_step;
      cosine = c;
    }
  }

  double radians_;
  std::array<float, kPhaseBlock> cosine_, sine_;
};

// Normal equations of one line: sums of g cos^2, g sin^2 and g cos sin.
class Normal {
 public:
  Normal() = default;
  /// From the projection of the good samples on twice the line's frequency.
  Normal(double n_good, const Projection& twice)
      : cc_(0.5 * (n_good + twice.cosine)), ss_(0.5 * (n_good - twice.cosine)), cs_(0.5 * twice.sine) {
    const double limit = kMaxCorrelation * n_good;
    solvable_ = twice.cosine * twice.cosine + twice.sine * twice.sine < limit * limit;
  }
  bool solvable() const { return solvable_; }
  Projection solve(const Projection& p) const {
    const double determinant = cc_ * ss_ - cs_ * cs_;
    return {(ss_ * p.cosine - cs_ * p.sine) / determinant, (cc_ * p.sine - cs_ * p.cosine) / determinant};
  }
  /// What a line of these amplitudes takes from the sum of squares.
  double squares(double a, double b) const { return a * a * cc_ + 2.0 * a * b * cs_ + b * b * ss_; }
  double squares(const Projection& p) const {
    if (!solvable_) return 0.0;
    const auto [a, b] = solve(p);
    return squares(a, b);
  }

 private:
  double cc_ = 0.0, ss_ = 0.0, cs_ = 0.0;
  bool solvable_ = false;
};

// The search of one window; what is found leaves window.x.
struct Search {
  const PeriodicPlan& plan;
  double threshold;
  Window window;
  std::vector<Normal> normal;         // by line of the plan
  std::vector<Projection> amplitude;  // a, b; 0 where nothing is found
  std::vector<bool> found;

  bool subtract_pass(double variance);
  std::vector<PeriodicLine> significant(double variance) const;
};

// Fits the lines that stand out, the strongest first; false where none did.
bool Search::subtract_pass(double variance) {
  const auto projections = project(plan.at_lines, fold_blocks(window.x));
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < normal.size(); ++i) {
    const double power = normal[i].squares(projections[i]) / (2.0 * variance);
    if (power > (found[i] ? kNegligiblePower : threshold)) order.emplace_back(-power, i);
  }
  std::sort(order.begin(), order.end());
  bool changed = false;
  for (const auto& [power, i] : order) {
    const Carrier carrier(radians_per_sample(plan, plan.lines[i].frequency_hz));
    const auto left = carrier.project(window.x);
    if (!found[i] && !(normal[i].squares(left) / (2.0 * variance) > threshold)) continue;
    const auto [a, b] = normal[i].solve(left);
    carrier.add(-a, -b, window.good, window.x);
    amplitude[i].cosine += a;
    amplitude[i].sine += b;
    found[i] = changed = true;
  }
  return changed;
}

// Median of the `count` powers that are nearest to f, over its expectation for exponential powers of mean 1:
// that of the (m + 1)-th smallest of n is 1/n + 1/(n - 1) + ... + 1/(n - m).
double median_level(const std::vector<double>& at_hz, const std::vector<double>& powers, double f,
                    std::size_t count) {
  const std::size_t n = std::min(count, at_hz.size());
  if (n == 0) return 0.0;
  auto end = static_cast<std::size_t>(std::lower_bound(at_hz.begin(), at_hz.end(), f) - at_hz.begin());
  auto begin = end;
  while (end - begin < n)
    if (end == at_hz.size() || (begin > 0 && f - at_hz[begin - 1] <= at_hz[end] - f))
      --begin;
    else
      ++end;
  std::vector<double> near(powers.begin() + static_cast<std::ptrdiff_t>(begin),
                           powers.begin() + static_cast<std::ptrdiff_t>(end));
  double expected = 0.0;
  for (std::size_t i = n - n / 2; i <= n; ++i) expected += 1.0 / static_cast<double>(i);
  return median_of(near) / expected;
}

std::vector<PeriodicLine> Search::significant(double variance) const {
  std::vector<double> powers;
  for (const auto& [c, s] : project(plan.at_levels, fold_blocks(window.x)))
    powers.push_back((c * c + s * s) / (static_cast<double>(window.n_good) * variance));
  std::vector<PeriodicLine> lines;
  for (std::size_t i = 0; i < normal.size(); ++i) {
    if (!found[i]) continue;
    const auto& [f, fundamental, harmonic] = plan.lines[i];
    const double level = std::max({1.0, median_level(plan.level_hz, powers, f, kLevelNear),
                                   median_level(plan.level_hz, powers, f, kLevelFar)});
    const auto& [a, b] = amplitude[i];
    const double power = normal[i].squares(a, b) / (2.0 * variance * level);
    if (power > threshold) lines.push_back({f, fundamental, harmonic, a, b, power});
  }
  return lines;
}

}  // namespace

PeriodicPlan make_periodic_plan(const std::vector<double>& fundamentals_hz, double max_hz,
                                double sample_time_s, std::int64_t window_samples) {
  expect(window_samples > 0, "a window of {} samples", window_samples);
  expect(sample_time_s > 0.0 && std::isfinite(sample_time_s), "a sample time of {} s", sample_time_s);
  expect(max_hz > 0.0 && std::isfinite(max_hz), "periodic lines up to {} Hz", max_hz);
  for (const double f : fundamentals_hz)
    expect(f > 0.0 && std::isfinite(f), "a fundamental of {} Hz; it must be positive", f);
  PeriodicPlan plan;
  plan.sample_time_s = sample_time_s;
  plan.window_samples = window_samples;
  const double nyquist_hz = 0.5 / sample_time_s;
  const double resolution_hz = 1.0 / (sample_time_s * static_cast<double>(window_samples));
  plan.lines = lines_of(fundamentals_hz, max_hz, nyquist_hz, resolution_hz);
  std::vector<double> lines_hz, radians, twice, level_radians;
  for (const auto& line : plan.lines) {
    lines_hz.push_back(line.frequency_hz);
    radians.push_back(radians_per_sample(plan, line.frequency_hz));
    twice.push_back(2.0 * radians.back());
  }
  plan.level_hz = levels_between(lines_hz, nyquist_hz, resolution_hz);
  for (const double f : plan.level_hz) level_radians.push_back(radians_per_sample(plan, f));
  plan.at_lines = make_phase_table(radians);
  plan.at_twice_lines = make_phase_table(twice);
  plan.at_levels = make_phase_table(level_radians);
  return plan;
}

std::vector<PeriodicLine> find_periodic(const PeriodicPlan& plan, View<const std::int32_t, 1> z,
                                        View<const std::uint8_t, 1> good, double threshold_power) {
  expect(z.shape(0) == plan.window_samples && good.shape(0) == plan.window_samples,
         "periodic lines in {} samples with {} weights; the plan's window has {}", z.shape(0), good.shape(0),
         plan.window_samples);
  expect(threshold_power > 0.0, "lines above a power of {}; it must be positive", threshold_power);
  Search search{plan, threshold_power, window_of(z, good, n_block_of(plan)), {}, {}, {}};
  double variance = noise_variance(search.window);
  if (variance <= 0.0 || plan.lines.empty()) return {};
  for (const auto& twice : project(plan.at_twice_lines, fold_blocks(search.window.good)))
    search.normal.emplace_back(static_cast<double>(search.window.n_good), twice);
  search.amplitude.resize(plan.lines.size());
  search.found.resize(plan.lines.size());
  int pass = 0;
  while (pass < kPeriodicPasses && search.subtract_pass(variance)) {
    variance = noise_variance(search.window);
    ++pass;
  }
  if (pass == 0) return {};
  return search.significant(variance);
}

void periodic_waveform(const PeriodicPlan& plan, const std::vector<PeriodicLine>& lines,
                       View<float, 1> wave) {
  expect(wave.shape(0) == plan.window_samples, "a waveform of {} samples; the plan's window has {}",
         wave.shape(0), plan.window_samples);
  std::vector<float> sum(static_cast<std::size_t>(n_block_of(plan) * kPhaseBlock));
  const std::vector<float> everywhere(sum.size(), 1.0F);
  for (const auto& line : lines)
    Carrier(radians_per_sample(plan, line.frequency_hz)).add(line.cosine, line.sine, everywhere, sum);
  for (std::int64_t k = 0; k < wave.shape(0); ++k) wave[k] = sum[static_cast<std::size_t>(k)];
}

}  // namespace tianyan
#endif
