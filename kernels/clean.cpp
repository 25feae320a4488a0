// Means of what is good, span by span, in place of what is flagged.
#include "kernels/clean.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

namespace tianyan {
namespace {

// Weights of the samples of a block, by recorded channel.
class Weights {
 public:
  Weights(const SpanWeights& w, View<const std::uint8_t, 1> time_good, bool descending)
      : w_(w), time_good_(time_good), descending_(descending) {}
  /// Moves on to sample t; times ascend.
  void go_to(std::int64_t t) {
    while (t >= w_.begin[static_cast<std::size_t>(span_) + 1]) ++span_;
    row_ = time_good_[t] != 0 ? w_.row(span_) : nullptr;
  }
  void restart() { span_ = 0; }
  bool good(std::int64_t recorded) const {
    return row_ != nullptr && row_[descending_ ? w_.n_chan - 1 - recorded : recorded] != 0;
  }

 private:
  const SpanWeights& w_;
  View<const std::uint8_t, 1> time_good_;
  bool descending_;
  int span_ = 0;
  const std::uint8_t* row_ = nullptr;
};

struct Sums {
  double good = 0.0, n_good = 0.0, all = 0.0, n = 0.0;
  void add(double v, bool is_good) {
    if (!std::isfinite(v)) return;
    good += is_good ? v : 0.0;
    n_good += is_good ? 1.0 : 0.0;
    all += v;
    n += 1.0;
  }
  double mean() const { return n_good > 0.0 ? good / n_good : n > 0.0 ? all / n : 0.0; }
};

// Polarisations from this one on are signed, whatever the format says of the others.
int first_signed_pol(const SampleFormat& format, int n_pol) {
  if (format.is_signed) return 0;
  if (format.pol_kind == PolKind::kCoherence) return 2;
  return format.pol_kind == PolKind::kStokes ? 1 : n_pol;
}

// A sample in memory, as a number. S is the signed type of T's size, or T.
template <class T, class S>
struct Samples {
  T* row;
  std::size_t first_signed;  // index within a spectrum
  double operator[](std::size_t i) const {
    return i >= first_signed ? static_cast<double>(static_cast<S>(row[i])) : static_cast<double>(row[i]);
  }
  void set(std::size_t i, double mean) const {
    if constexpr (std::is_floating_point_v<T>)
      row[i] = static_cast<T>(mean);
    else
      row[i] = static_cast<T>(std::llround(mean));
  }
};

template <class T, class S>
std::int64_t replace_in_span(const SampleFormat& format, int n_pol, int n_chan, const CalibrationSpan& span,
                             Weights weights, RawBlock& block) {
  std::vector<Sums> sums(static_cast<std::size_t>(n_pol) * static_cast<std::size_t>(n_chan));
  const auto first_signed =
      static_cast<std::size_t>(first_signed_pol(format, n_pol)) * static_cast<std::size_t>(n_chan);
  const auto row = [&](std::int64_t t) {
    return Samples<T, S>{reinterpret_cast<T*>(&block.samples(t, 0)), first_signed};
  };
  for (auto t = span.begin; t < span.end; ++t) {
    weights.go_to(t);
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i].add(row(t)[i], weights.good(static_cast<std::int64_t>(i) % n_chan));
  }
  std::int64_t replaced = 0;
  weights.restart();
  for (auto t = span.begin; t < span.end; ++t) {
    weights.go_to(t);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (weights.good(static_cast<std::int64_t>(i) % n_chan)) continue;
      row(t).set(i, sums[i].mean());
      ++replaced;
    }
  }
  return replaced;
}

}  // namespace

std::int64_t replace_flagged(const SampleFormat& format, int n_pol, int n_chan, const SpanWeights& w,
                             View<const std::uint8_t, 1> time_good, RawBlock& block) {
  const auto bytes = std::int64_t{n_pol} * n_chan * format.n_bits / 8;
  expect(block.samples.shape(1) == bytes && w.n_chan == n_chan, "cleaning spectra of {} bytes, {} expected",
         block.samples.shape(1), bytes);
  expect(block.samples.shape(0) >= block.n_time, "cleaning {} spectra of {}", block.n_time,
         block.samples.shape(0));
  expect(w.n_time() >= block.n_time && time_good.shape(0) >= block.n_time,
         "cleaning {} spectra by weights of {} and {}", block.n_time, w.n_time(), time_good.shape(0));
  expect(format.is_float ? format.n_bits == 32 : format.n_bits == 8 || format.n_bits == 16,
         "cleaning samples of {} bits; integers of 8 and 16 and floats of 32 are possible", format.n_bits);
  const Weights weights(w, time_good, format.channels_descending);
  const auto each = [&](auto replace) {
    std::int64_t n = 0;
    for (const auto& span : block.spans)
      if (!span.missing) n += replace(format, n_pol, n_chan, span, weights, block);
    return n;
  };
  if (format.is_float) return each(replace_in_span<float, float>);
  return format.n_bits == 8 ? each(replace_in_span<std::uint8_t, std::int8_t>)
                            : each(replace_in_span<std::uint16_t, std::int16_t>);
}

}  // namespace tianyan
