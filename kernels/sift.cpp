// Seeded groups: what matches, the plain loop, and the search by classes of width and slices of time.
#include "kernels/sift.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <tuple>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

/// In a crowd nobody is looked at as a loner for longer than this many others.
constexpr int kLonerLooks = 32;

static_assert(kSiftMaxWidthRatio == 16.0);
constexpr double kLnMaxWidthRatio = 4.0 * std::numbers::ln2;

/// A candidate in the terms of the tolerances; errors are of n_sigma.
struct Point {
  double dm_pc_cm3, time_s;
  double half_width_s, half_width_dm;  ///< w / 2, w / (2 B)
  double time_err_s, dm_err_pc_cm3;
  double ln_width, ln_width_err;

  /// Two match only within the sum of their reaches: a hypotenuse is no longer than both legs.
  double reach_s() const { return half_width_s + time_err_s; }
  double reach_dm() const { return half_width_dm + dm_err_pc_cm3; }
};

double width_error(double snr, double n_sigma) {
  const double loss = 2.0 * (n_sigma / snr) * (n_sigma / snr);
  return loss < 1.0 ? -2.0 * std::log1p(-loss) : std::numeric_limits<double>::infinity();
}

Point point_of(const SiftCandidate& c, const SiftParams& p) {
  return {c.dm_pc_cm3,
          c.time_s,
          0.5 * c.width_s,
          0.5 * c.width_s / p.band_delay_s_per_dm,
          p.n_sigma * c.time_err_s,
          p.n_sigma * c.dm_err_pc_cm3,
          std::log(c.width_s),
          width_error(c.snr, p.n_sigma)};
}

// Products, sums and roots round monotonically, hypot() need not: bounds of errors then bound tolerances.
double hypotenuse(double a, double b) { return std::sqrt(a * a + b * b); }

bool widths_match(double difference, double error_a, double error_b) {
  return difference <= std::min(kLnMaxWidthRatio, std::numbers::ln2 + hypotenuse(error_a, error_b));
}

bool match(const Point& a, const Point& b) {
  const double time_s = std::abs(a.time_s - b.time_s), dm = std::abs(a.dm_pc_cm3 - b.dm_pc_cm3);
  return time_s <= a.half_width_s + b.half_width_s + hypotenuse(a.time_err_s, b.time_err_s) &&
         dm <= a.half_width_dm + b.half_width_dm + hypotenuse(a.dm_err_pc_cm3, b.dm_err_pc_cm3) &&
         widths_match(std::abs(a.ln_width - b.ln_width), a.ln_width_err, b.ln_width_err);
}

// Within bounds that keep quotients and sums of these finite.
bool is_error(double x) { return x >= 0.0 && x < 1e50; }
bool is_positive(double x) { return x > 1e-50 && x < 1e50; }

void check(const SiftParams& p) {
  expect(is_error(p.n_sigma) && is_positive(p.band_delay_s_per_dm),
         "sifting at {} sigma with {} s of delay per pc/cm3 across the band", p.n_sigma,
         p.band_delay_s_per_dm);
}

void check(const SiftCandidate& c, std::size_t index) {
  expect(std::isfinite(c.time_s) && is_error(c.time_err_s) && std::isfinite(c.dm_pc_cm3) &&
             is_error(c.dm_err_pc_cm3) && is_positive(c.width_s) && is_positive(c.snr),
         "candidate {} to sift: {} +- {} s, {} +- {} pc/cm3, width {} s, S/N {}", index, c.time_s,
         c.time_err_s, c.dm_pc_cm3, c.dm_err_pc_cm3, c.width_s, c.snr);
}

void check(const std::vector<SiftCandidate>& candidates, const SiftParams& params) {
  check(params);
  expect(candidates.size() < std::size_t{1} << 31, "{} candidates to sift, not below 2^31",
         candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) check(candidates[i], i);
}

/// Total but for candidates that are equal in everything, which match.
bool more_significant(const SiftCandidate& a, const SiftCandidate& b) {
  const auto key = [](const SiftCandidate& c) {
    return std::tuple(-c.snr, c.width_s, c.time_s, c.dm_pc_cm3, c.beam, c.time_err_s, c.dm_err_pc_cm3);
  };
  return key(a) < key(b);
}

/// Indices of the candidates, the most significant first.
std::vector<std::uint32_t> by_significance(const std::vector<SiftCandidate>& candidates) {
  struct Ranked {
    double snr;
    std::uint32_t index;
  };
  std::vector<Ranked> ranked;
  ranked.reserve(candidates.size());
  for (const auto& c : candidates) ranked.push_back({c.snr, static_cast<std::uint32_t>(ranked.size())});
  std::sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) {
    if (a.snr != b.snr) return a.snr > b.snr;
    return more_significant(candidates[a.index], candidates[b.index]);
  });
  std::vector<std::uint32_t> order;
  order.reserve(ranked.size());
  for (const auto& r : ranked) order.push_back(r.index);
  return order;
}

/// Where a candidate stands: its class, the slice of time within that, and the DM within the slice.
struct Place {
  std::uint32_t in_class, index;
  double slice, dm_pc_cm3;
  bool operator<(const Place& o) const {
    return std::tie(in_class, slice, dm_pc_cm3, index) < std::tie(o.in_class, o.slice, o.dm_pc_cm3, o.index);
  }
};

/// Candidates of like width, whose reaches are like multiples of it: none makes the others' windows much
/// larger than they need to be.
struct WidthClass {
  double reach_s = 0.0, reach_dm = 0.0;  ///< the largest; slices are as long as reach_s
  double ln_width_low = std::numeric_limits<double>::infinity(), ln_width_high = -ln_width_low;
  double ln_width_err = 0.0;  ///< the largest
  std::size_t slice_begin = 0, slice_end = 0;
  std::size_t last_found = 0;  ///< slice

  void add(const Point& p) {
    reach_s = std::max(reach_s, p.reach_s());
    reach_dm = std::max(reach_dm, p.reach_dm());
    ln_width_low = std::min(ln_width_low, p.ln_width);
    ln_width_high = std::max(ln_width_high, p.ln_width);
    ln_width_err = std::max(ln_width_err, p.ln_width_err);
  }
  bool may_match(const Point& p) const {
    const double outside = std::max(ln_width_low - p.ln_width, p.ln_width - ln_width_high);
    return widths_match(outside - 1e-9, ln_width_err, p.ln_width_err);  // more than is rounded
  }
};

/// What is within `reach` of `x`, a hair wider: differences and sums of the exact tolerance are rounded.
struct Window {
  double low, high;
  Window(double x, double reach) {
    reach += 4.0 * std::numeric_limits<double>::epsilon() * (std::abs(x) + reach);
    low = x - reach;
    high = x + reach;
  }
};

/// The candidates that have no group yet, by class, slice of time and DM.
class Ungrouped {
 public:
  Ungrouped(const std::vector<SiftCandidate>& candidates, const SiftParams& params);
  /// Takes out what matches `seed`, itself included, and calls visit(index) for each.
  template <class Visit>
  void take(const Point& seed, const Visit& visit);
  /// Takes out most of those that match nothing and calls visit(index) for each. They are the bulk of noise,
  /// and found in the order of memory, many times faster than as seeds.
  template <class Visit>
  void take_loners(const Visit& visit);

 private:
  std::vector<Place> classify(const std::vector<SiftCandidate>& candidates, const SiftParams& params);
  void cut_slices(const std::vector<Place>& places);
  /// Calls visit(position) for all that `p` may match, until one returns false; returns whether none did.
  template <class Visit>
  bool scan(const Point& p, const Visit& visit);
  std::size_t find_slice(WidthClass& in, double number);
  template <class Visit>
  bool scan_slice(std::size_t slice, const Window& dm, const Visit& visit);
  bool is_loner(std::uint32_t position);
  /// The first one at or after position i that is still here.
  std::uint32_t next(std::uint32_t i) {
    while (next_[i] != i) i = next_[i] = next_[next_[i]];
    return i;
  }

  std::vector<WidthClass> classes_;
  std::vector<double> slices_;              ///< [slice]: number of its reach_s
  std::vector<std::uint32_t> slice_begin_;  ///< [slice + 1]: position of its first candidate
  std::vector<Point> points_;               ///< [position]
  std::vector<std::uint32_t> index_;        ///< [position]
  std::vector<std::uint32_t> next_;         ///< [position + 1]: itself while here, then a later one
};

/// Octave of the width and fourfold steps of the reaches over it.
std::array<int, 3> class_of(const Point& p) {
  return {std::ilogb(p.half_width_s), std::ilogb(p.reach_s() / p.half_width_s) / 2,
          std::ilogb(p.reach_dm() / p.half_width_dm) / 2};
}

std::vector<Place> Ungrouped::classify(const std::vector<SiftCandidate>& candidates,
                                       const SiftParams& params) {
  std::map<std::array<int, 3>, std::uint32_t> number;
  std::vector<Place> places;
  places.reserve(candidates.size());
  for (const auto& c : candidates) {
    const Point p = point_of(c, params);
    const auto in_class =
        number.try_emplace(class_of(p), static_cast<std::uint32_t>(classes_.size())).first->second;
    if (in_class == classes_.size()) classes_.emplace_back();
    classes_[in_class].add(p);
    places.push_back({in_class, static_cast<std::uint32_t>(places.size()), 0.0, c.dm_pc_cm3});
  }
  for (auto& place : places)
    place.slice = std::floor(candidates[place.index].time_s / classes_[place.in_class].reach_s);
  std::sort(places.begin(), places.end());
  return places;
}

void Ungrouped::cut_slices(const std::vector<Place>& places) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool is_new_class = i == 0 || places[i].in_class != places[i - 1].in_class;
    if (is_new_class)
      classes_[places[i].in_class].slice_begin = classes_[places[i].in_class].last_found = slices_.size();
    if (is_new_class || places[i].slice != places[i - 1].slice) {
      slices_.push_back(places[i].slice);
      slice_begin_.push_back(static_cast<std::uint32_t>(i));
    }
    classes_[places[i].in_class].slice_end = slices_.size();
  }
  slice_begin_.push_back(static_cast<std::uint32_t>(places.size()));
}

Ungrouped::Ungrouped(const std::vector<SiftCandidate>& candidates, const SiftParams& params) {
  const auto places = classify(candidates, params);
  cut_slices(places);
  points_.reserve(places.size());
  index_.reserve(places.size());
  next_.reserve(places.size() + 1);
  for (const auto& place : places) {
    next_.push_back(static_cast<std::uint32_t>(points_.size()));
    points_.push_back(point_of(candidates[place.index], params));
    index_.push_back(place.index);
  }
  next_.push_back(static_cast<std::uint32_t>(points_.size()));
}

/// The first slice of that number or higher, looked for in growing steps from where the last one was found.
std::size_t Ungrouped::find_slice(WidthClass& in, double number) {
  std::size_t low = in.last_found, high = low;
  for (std::size_t step = 1; low > in.slice_begin && slices_[low - 1] >= number; step *= 2) {
    high = low - 1;
    low -= std::min(step, low - in.slice_begin);
  }
  for (std::size_t step = 1; high < in.slice_end && slices_[high] < number; step *= 2) {
    low = high + 1;
    high += std::min(step, in.slice_end - high);
  }
  const auto begin = slices_.begin();
  const auto found = std::lower_bound(begin + static_cast<std::ptrdiff_t>(low),
                                      begin + static_cast<std::ptrdiff_t>(high), number);
  return in.last_found = static_cast<std::size_t>(found - begin);
}

template <class Visit>
bool Ungrouped::scan_slice(std::size_t slice, const Window& dm, const Visit& visit) {
  const auto begin = points_.begin() + slice_begin_[slice], end = points_.begin() + slice_begin_[slice + 1];
  const auto first =
      std::lower_bound(begin, end, dm.low, [](const Point& p, double x) { return p.dm_pc_cm3 < x; });
  auto i = next(static_cast<std::uint32_t>(first - points_.begin()));
  for (; i < slice_begin_[slice + 1] && points_[i].dm_pc_cm3 <= dm.high; i = next(i + 1))
    if (!visit(i)) return false;
  return true;
}

template <class Visit>
bool Ungrouped::scan(const Point& p, const Visit& visit) {
  for (auto& c : classes_) {
    if (!c.may_match(p)) continue;
    const Window time(p.time_s, p.reach_s() + c.reach_s);
    const Window dm(p.dm_pc_cm3, p.reach_dm() + c.reach_dm);
    const double last = std::floor(time.high / c.reach_s);
    auto slice = find_slice(c, std::floor(time.low / c.reach_s));
    for (; slice < c.slice_end && slices_[slice] <= last; ++slice)
      if (!scan_slice(slice, dm, visit)) return false;
  }
  return true;
}

template <class Visit>
void Ungrouped::take(const Point& seed, const Visit& visit) {
  scan(seed, [&](std::uint32_t i) {
    if (!match(seed, points_[i])) return true;
    visit(index_[i]);
    next_[i] = i + 1;
    return true;
  });
}

bool Ungrouped::is_loner(std::uint32_t position) {
  int n_left = kLonerLooks;
  return scan(points_[position], [&](std::uint32_t i) {
    return i == position || (--n_left > 0 && !match(points_[position], points_[i]));
  });
}

template <class Visit>
void Ungrouped::take_loners(const Visit& visit) {
  for (std::uint32_t i = 0; i < points_.size(); ++i) {
    if (!is_loner(i)) continue;
    visit(index_[i]);
    next_[i] = i + 1;
  }
}

}  // namespace

bool sift_match(const SiftCandidate& a, const SiftCandidate& b, const SiftParams& params) {
  check({a, b}, params);
  return match(point_of(a, params), point_of(b, params));
}

std::vector<std::int32_t> sift_groups(const std::vector<SiftCandidate>& candidates,
                                      const SiftParams& params) {
  check(candidates, params);
  Ungrouped ungrouped(candidates, params);
  constexpr std::int32_t kNone = -1, kLoner = -2;
  std::vector<std::int32_t> group(candidates.size(), kNone);
  ungrouped.take_loners([&](std::uint32_t i) { group[i] = kLoner; });
  std::int32_t n_group = 0;
  for (const auto i : by_significance(candidates)) {
    if (group[i] >= 0) continue;
    if (group[i] == kLoner)
      group[i] = n_group;
    else
      ungrouped.take(point_of(candidates[i], params), [&](std::uint32_t j) { group[j] = n_group; });
    ++n_group;
  }
  return group;
}

std::vector<std::int32_t> sift_groups_reference(const std::vector<SiftCandidate>& candidates,
                                                const SiftParams& params) {
  check(candidates, params);
  std::vector<std::int32_t> group(candidates.size(), -1);
  std::int32_t n_group = 0;
  for (const auto i : by_significance(candidates)) {
    if (group[i] >= 0) continue;
    const Point seed = point_of(candidates[i], params);
    for (std::size_t j = 0; j < candidates.size(); ++j)
      if (group[j] < 0 && match(seed, point_of(candidates[j], params))) group[j] = n_group;
    ++n_group;
  }
  return group;
}

}  // namespace tianyan
