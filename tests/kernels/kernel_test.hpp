// What the kernel tests share: random inputs, rows that are padded and misaligned, comparison that names the
// axes.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "kernels/base/array.hpp"
#include "kernels/base/random.hpp"
#include "kernels/unpack.hpp"

namespace tianyan {

/// Channel counts that no power of two helps with, and some where it does.
inline constexpr int kAwkwardChannels[] = {1, 2, 3, 5, 42, 63, 64, 65, 130, 336, 1000};

/// In [low, high], both included.
inline std::int64_t random_between(Xoshiro256& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

template <class T, std::size_t N>
T one_of(Xoshiro256& random, const T (&choices)[N]) {
  return choices[random.below(N)];
}

/// A true Gaussian of mean 0 and sigma 1, tails included (Box & Muller 1958).
inline double gaussian(Xoshiro256& random) {
  const double u = 1.0 - random.uniform(), v = random.uniform();
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

/// Rows that begin at any address and have a gap behind them; the gaps hold a mark that nobody may overwrite.
template <class T>
class PaddedRows {
 public:
  PaddedRows(std::int64_t n_row, std::int64_t n_column, Xoshiro256& random)
      : lead_(random_between(random, 0, 7)), pad_(random_between(random, 1, 13)) {
    const std::int64_t stride = n_column + pad_;
    memory_ = Array<T, 1>({lead_ + n_row * stride});
    for (std::int64_t i = 0; i < memory_.size(); ++i) memory_(i) = kMark;
    view_ = View<T, 2>(memory_.data() + lead_, {n_row, n_column}, {stride, 1});
  }
  View<T, 2> view() { return view_; }
  View<const T, 2> cview() const { return view_; }
  bool gaps_untouched() const {
    bool whole = true;
    for (std::int64_t i = 0; i < lead_; ++i) whole = whole && memory_(i) == kMark;
    for (std::int64_t r = 0; r < view_.shape(0); ++r)
      for (std::int64_t j = view_.shape(1); j < view_.stride(0); ++j) whole = whole && view_(r, j) == kMark;
    return whole;
  }

 private:
  static constexpr T kMark = static_cast<T>(113);
  std::int64_t lead_, pad_;
  Array<T, 1> memory_;
  View<T, 2> view_;
};

/// Whole numbers in [-max_abs, max_abs], evenly: their variance is max_abs (max_abs + 1) / 3.
template <class T>
void fill_uniform(View<T, 2> x, int max_abs, Xoshiro256& random) {
  for (std::int64_t i = 0; i < x.shape(0); ++i)
    for (std::int64_t j = 0; j < x.shape(1); ++j)
      x(i, j) = static_cast<T>(random_between(random, -max_abs, max_abs));
}

inline void fill_gaussian(View<float, 2> x, double mean, double sigma, Xoshiro256& random) {
  for (std::int64_t i = 0; i < x.shape(0); ++i)
    for (std::int64_t j = 0; j < x.shape(1); ++j)
      x(i, j) = static_cast<float>(mean + sigma * gaussian(random));
}

template <class T>
Array<T, 1> array_of(const std::vector<T>& values) {
  Array<T, 1> a({std::ssize(values)});
  for (std::int64_t i = 0; i < a.size(); ++i) a(i) = values[static_cast<std::size_t>(i)];
  return a;
}

template <class T>
std::vector<std::remove_const_t<T>> values_of(View<T, 1> x) {
  std::vector<std::remove_const_t<T>> values;
  for (std::int64_t i = 0; i < x.shape(0); ++i) values.push_back(x[i]);
  return values;
}

/// Equal in shape and in every element; a mismatch prints its indices under the axes' names.
template <class A, class B>
testing::AssertionResult equal(View<A, 2> a, View<B, 2> b, const char* row, const char* column) {
  if (a.shape() != b.shape())
    return testing::AssertionFailure()
           << a.shape(0) << " x " << a.shape(1) << " against " << b.shape(0) << " x " << b.shape(1);
  for (std::int64_t i = 0; i < a.shape(0); ++i)
    for (std::int64_t j = 0; j < a.shape(1); ++j)
      if (a(i, j) != b(i, j))
        return testing::AssertionFailure() << "[" << row << "=" << i << "][" << column << "=" << j
                                           << "]: " << +a(i, j) << " against " << +b(i, j);
  return testing::AssertionSuccess();
}

/// Spans of random lengths over [0, n_time), each channel good with the given chance.
inline SpanWeights random_weights(std::int64_t n_time, int n_chan, Xoshiro256& random, double chance = 0.8) {
  SpanWeights w;
  w.n_chan = n_chan;
  for (std::int64_t t = 0; t < n_time; t += random_between(random, 1, n_time)) w.begin.push_back(t);
  w.begin.push_back(n_time);
  for (std::int64_t i = 0; i < std::int64_t{n_chan} * w.n_span(); ++i)
    w.good.push_back(random.uniform() < chance);
  return w;
}

/// One span, everything good.
inline SpanWeights all_good(std::int64_t n_time, int n_chan) {
  return {{0, n_time}, std::vector<std::uint8_t>(static_cast<std::size_t>(n_chan), 1), n_chan};
}

}  // namespace tianyan
