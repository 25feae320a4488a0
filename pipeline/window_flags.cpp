// Bookkeeping of flags.
#include "pipeline/window_flags.hpp"

#include <algorithm>
#include <utility>

#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

std::uint8_t code_of(FlagRule rule) { return static_cast<std::uint8_t>(rule); }

// Boundaries at which a mask's rows or times change, within [0, n_time).
std::vector<std::int64_t> mask_boundaries(const MaskWindow& mask, std::int64_t n_time) {
  std::vector<std::int64_t> at;
  for (std::int64_t k = 0; k < mask.rule.shape(0); ++k) at.push_back(k * kCellSamples);
  for (const auto& run : mask.times) {
    at.push_back(run.begin);
    at.push_back(run.end);
  }
  std::erase_if(at, [&](std::int64_t t) { return t < 0 || t >= n_time; });
  std::sort(at.begin(), at.end());
  return at;
}

// Of two parts of a cell: none where one has weight, else the later rule, without which it would have some.
std::uint8_t last_of(std::uint8_t a, std::uint8_t b) {
  return a == 0 || b == 0 ? std::uint8_t{0} : std::max(a, b);
}

std::int64_t overlap(const FlaggedTimes& run, std::int64_t begin, std::int64_t end) {
  return std::max<std::int64_t>(0, std::min(run.end, end) - std::max(run.begin, begin));
}

bool hold(const std::vector<FlaggedTimes>& times, std::int64_t t) {
  return std::any_of(times.begin(), times.end(),
                     [&](const FlaggedTimes& run) { return run.begin <= t && t < run.end; });
}

}  // namespace

WindowFlags::WindowFlags(int n_chan, std::int64_t window_samples, int n_threads)
    : n_chan_(n_chan), window_samples_(window_samples), n_threads_(n_threads) {
  expect(window_samples > 0 && window_samples % kCellSamples == 0,
         "statistics windows of {} samples; a multiple of {} is needed", window_samples, kCellSamples);
}

std::int64_t WindowFlags::footprint_bytes(int n_chan, std::int64_t window_samples) {
  constexpr std::int64_t kPerChannel = 3 + 2 * kNumFlagRules * 8;
  return n_chan * (3 * (window_samples / kCellSamples) + kPerChannel) + window_samples;
}

void WindowFlags::allocate() {
  channel_good_ = Array<std::uint8_t, 1>({n_chan_});
  time_good_ = Array<std::uint8_t, 1>({window_samples_});
  for (auto* cells : {&cell_good_, &cell_rule_, &count_})
    *cells = Array<std::uint8_t, 2>({n_chan_, n_cell()});
  by_channel_ = Array<std::int64_t, 2>({kNumFlagRules, n_chan_});
  of_window_ = Array<std::int64_t, 2>({kNumFlagRules, n_chan_});
}

void WindowFlags::count(FlagRule rule, std::int64_t c, std::int64_t n) { of_window_(code_of(rule), c) += n; }

void WindowFlags::begin(SpanWeights recorded, const std::vector<std::uint8_t>& in_band,
                        const MaskWindow* mask) {
  weights_ = std::move(recorded);
  n_time_ = weights_.n_time();
  std::fill(of_window_.data(), of_window_.data() + of_window_.size(), 0);
  std::copy(in_band.begin(), in_band.end(), channel_good_.data());
  channel_rule_.assign(static_cast<std::size_t>(n_chan_), code_of(FlagRule::kNone));
  std::fill(time_good_.data(), time_good_.data() + n_time_, std::uint8_t{1});
  std::fill(time_good_.data() + n_time_, time_good_.data() + window_samples_, std::uint8_t{0});
  any_cell_ = false;
  flagged_times_.clear();
  if (mask != nullptr) weights_ = split_at(weights_, mask_boundaries(*mask, n_time_));
  span_rule_.assign(weights_.good.size(), code_of(FlagRule::kNone));
  for (std::size_t i = 0; i < weights_.good.size(); ++i)
    if (weights_.good[i] == 0) span_rule_[i] = code_of(FlagRule::kRecorded);
  take_bands(in_band);
  if (mask != nullptr) take_mask(*mask);
  for (int s = 0; s < weights_.n_span(); ++s)
    for (int c = 0; c < n_chan_; ++c) {
      const auto rule = span_rule_[static_cast<std::size_t>(s) * static_cast<std::size_t>(n_chan_) +
                                   static_cast<std::size_t>(c)];
      if (rule != 0) of_window_(rule, c) += weights_.length(s);
    }
  before_rules_ = weights_;
}

void WindowFlags::take_bands(const std::vector<std::uint8_t>& in_band) {
  for (std::size_t i = 0; i < weights_.good.size(); ++i) {
    if (weights_.good[i] == 0 || in_band[i % static_cast<std::size_t>(n_chan_)] != 0) continue;
    weights_.good[i] = 0;
    span_rule_[i] = code_of(FlagRule::kBands);
  }
}

void WindowFlags::take_mask(const MaskWindow& mask) {
  for (int s = 0; s < weights_.n_span(); ++s) {
    const auto t = weights_.begin[static_cast<std::size_t>(s)];
    const bool whole = hold(mask.times, t);
    const auto rule = mask.rule[t / kCellSamples];
    for (int c = 0; c < n_chan_; ++c) {
      auto& good = weights_.row(s)[c];
      if (good == 0 || !(whole || rule[c] != 0)) continue;
      good = 0;
      span_rule_[static_cast<std::size_t>(&good - weights_.good.data())] = code_of(FlagRule::kMask);
    }
  }
}

std::int64_t WindowFlags::n_weighted(std::int64_t c) const {
  std::int64_t n = 0;
  for (int s = 0; s < weights_.n_span(); ++s) n += weights_.row(s)[c] != 0 ? weights_.length(s) : 0;
  return n;
}

void WindowFlags::take_channels(FlagRule rule) {
  for (int c = 0; c < n_chan_; ++c) {
    auto& own = channel_rule_[static_cast<std::size_t>(c)];
    if (channel_good_(c) != 0 || own != 0) continue;
    own = code_of(rule);
    count(rule, c, n_weighted(c));
    for (int s = 0; s < weights_.n_span(); ++s) weights_.row(s)[c] = 0;
  }
}

void WindowFlags::take_times() {
  auto& runs = flagged_times_;
  const auto before = std::exchange(runs, {});
  for (std::int64_t t = 0; t < n_time_; ++t) {
    if (time_good_(t) != 0) continue;
    if (runs.empty() || runs.back().end != t) runs.push_back({t, t});
    runs.back().end = t + 1;
  }
  for (int s = 0; s < weights_.n_span(); ++s) {
    const auto begin = weights_.begin[static_cast<std::size_t>(s)], end = begin + weights_.length(s);
    auto n = std::count(time_good_.data() + begin, time_good_.data() + end, std::uint8_t{0});
    for (const auto& run : before) n -= overlap(run, begin, end);
    for (int c = 0; n > 0 && c < n_chan_; ++c)
      if (weights_.row(s)[c] != 0) count(FlagRule::kTimes, c, n);
  }
}

void WindowFlags::begin_cells() {
  parallel_for(n_threads_, (n_chan_ + 63) / 64, [&](std::int64_t task, int) {
    std::vector<std::int32_t> n(static_cast<std::size_t>(n_cell()));
    for (auto c = task * 64; c < std::min<std::int64_t>(n_chan_, (task + 1) * 64); ++c) {
      // Neighbours mostly have the same weights.
      bool same = c > task * 64;
      for (int s = 0; same && s < weights_.n_span(); ++s) same = weights_.row(s)[c] == weights_.row(s)[c - 1];
      if (!same)
        count_good(weights_, time_good_.cview(), static_cast<int>(c), kCellSamples, {n.data(), {n_cell()}});
      for (std::int64_t k = 0; k < n_cell(); ++k) {
        count_(c, k) = static_cast<std::uint8_t>(n[static_cast<std::size_t>(k)]);
        cell_good_(c, k) = n[static_cast<std::size_t>(k)] > 0 ? 1 : 0;
        cell_rule_(c, k) = 0;
      }
    }
  });
}

void WindowFlags::take_cells(FlagRule rule) {
  const auto code = code_of(rule);
  std::int64_t n_taken = 0;
  for (int c = 0; c < n_chan_; ++c) {
    std::uint8_t *own = &cell_rule_(c, 0), *good = &cell_good_(c, 0), *n = &count_(c, 0);
    std::int32_t taken = 0;
    for (std::int64_t k = 0; k < n_cell(); ++k) {
      const bool is_new = good[k] == 0 && own[k] == 0 && n[k] != 0;
      taken += is_new ? n[k] : 0;
      own[k] = is_new ? code : own[k];
    }
    count(rule, c, taken);
    n_taken += taken;
  }
  any_cell_ = any_cell_ || n_taken > 0;
}

// Cells that differ from the one before in some channel, as samples.
std::vector<std::int64_t> WindowFlags::changing_cells() const {
  std::vector<std::uint8_t> changes(static_cast<std::size_t>(n_cell()), 0);
  for (int c = 0; c < n_chan_; ++c) {
    const std::uint8_t* own = &cell_rule_(c, 0);
    for (std::int64_t k = 1; k < n_cell(); ++k)
      changes[static_cast<std::size_t>(k)] |= static_cast<std::uint8_t>((own[k] != 0) != (own[k - 1] != 0));
  }
  std::vector<std::int64_t> at;
  for (std::int64_t k = 1; k < n_cell(); ++k)
    if (changes[static_cast<std::size_t>(k)] != 0) at.push_back(k * kCellSamples);
  return at;
}

void WindowFlags::finish(bool is_counted) {
  if (any_cell_) {
    weights_ = split_at(weights_, changing_cells());
    parallel_for(n_threads_, (n_chan_ + 63) / 64, [&](std::int64_t task, int) {
      for (int s = 0; s < weights_.n_span(); ++s) {
        const auto k = weights_.begin[static_cast<std::size_t>(s)] / kCellSamples;
        for (auto c = task * 64; c < std::min<std::int64_t>(n_chan_, (task + 1) * 64); ++c)
          if (cell_rule_(c, k) != 0) weights_.row(s)[c] = 0;
      }
    });
  }
  if (n_time_ < window_samples_) {
    const std::vector<std::uint8_t> nothing(static_cast<std::size_t>(n_chan_), 0);
    weights_.append(window_samples_ - n_time_, nothing.data());
  }
  window_counts_ = {};
  window_counts_.total = n_time_ * n_chan_;
  for (std::int64_t r = 0; r < kNumFlagRules; ++r)
    for (std::int64_t c = 0; c < n_chan_; ++c) {
      by_channel_(r, c) += is_counted ? of_window_(r, c) : 0;
      window_counts_.by_rule[static_cast<std::size_t>(r)] += of_window_(r, c);
    }
  n_time_total_ += is_counted ? n_time_ : 0;
}

void WindowFlags::rules(View<std::uint8_t, 2> rule) const {
  const auto n = (n_time_ + kCellSamples - 1) / kCellSamples;
  expect(rule.shape(0) == n && rule.shape(1) == n_chan_, "rules of {} cells and {} channels into {} x {}", n,
         n_chan_, rule.shape(0), rule.shape(1));
  const auto& begin = before_rules_.begin;
  std::size_t span = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    const auto first = k * kCellSamples, end = std::min(n_time_, first + kCellSamples);
    while (begin[span + 1] <= first) ++span;
    for (auto s = span; s + 1 < begin.size() && begin[s] < end; ++s) {
      const auto* own = span_rule_.data() + static_cast<std::ptrdiff_t>(s) * n_chan_;
      for (std::int64_t c = 0; c < n_chan_; ++c)
        rule(k, c) = s == span ? own[c] : last_of(rule(k, c), own[c]);
    }
    for (std::int64_t c = 0; c < n_chan_; ++c) {
      if (rule(k, c) != 0) continue;
      const auto channel = channel_rule_[static_cast<std::size_t>(c)];
      rule(k, c) = channel != 0 ? channel : any_cell_ ? cell_rule_(c, k) : std::uint8_t{0};
    }
  }
}

}  // namespace tianyan
