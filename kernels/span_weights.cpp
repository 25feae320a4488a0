// Spans of weights: appended, split, counted.
#include "kernels/span_weights.hpp"

#include <algorithm>

namespace tianyan {

void SpanWeights::append(std::int64_t n, const std::uint8_t* row_of_span) {
  expect(n > 0, "a span of {} samples", n);
  if (begin.empty()) begin.push_back(0);
  if (n_span() > 0 && std::equal(row_of_span, row_of_span + n_chan, row(n_span() - 1))) {
    begin.back() += n;
    return;
  }
  good.insert(good.end(), row_of_span, row_of_span + n_chan);
  begin.push_back(begin.back() + n);
}

SpanWeights split_at(const SpanWeights& w, const std::vector<std::int64_t>& times) {
  SpanWeights out;
  out.n_chan = w.n_chan;
  out.begin.push_back(0);
  auto next = times.begin();
  for (int s = 0; s < w.n_span(); ++s) {
    const auto end = w.begin[static_cast<std::size_t>(s) + 1];
    const auto add = [&](std::int64_t t) {
      out.good.insert(out.good.end(), w.row(s), w.row(s) + w.n_chan);
      out.begin.push_back(t);
    };
    for (; next != times.end() && *next < end; ++next)
      if (*next > out.begin.back()) add(*next);
    add(end);
  }
  return out;
}

void count_good(const SpanWeights& w, View<const std::uint8_t, 1> time_good, int c, std::int64_t cell,
                View<std::int32_t, 1> n) {
  expect(w.n_time() <= time_good.shape(0) && w.n_time() <= cell * n.shape(0),
         "weights over {} samples, {} times, {} cells of {}", w.n_time(), time_good.shape(0), n.shape(0),
         cell);
  expect(c >= 0 && c < w.n_chan, "good times of channel {} of {}", c, w.n_chan);
  for (std::int64_t k = 0; k < n.shape(0); ++k) n[k] = 0;
  for (int s = 0; s < w.n_span(); ++s) {
    if (w.row(s)[c] == 0) continue;
    const auto end = w.begin[static_cast<std::size_t>(s) + 1];
    for (auto t = w.begin[static_cast<std::size_t>(s)]; t < end;) {
      const auto k = t / cell, stop = std::min(end, (k + 1) * cell);
      for (; t < stop; ++t) n[k] += time_good[t] != 0 ? 1 : 0;
    }
  }
}

}  // namespace tianyan
