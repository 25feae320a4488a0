// Cleaning of recorded samples: every format by hand, spans, a plain version, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels/clean.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

CalibrationSpan span_of(std::int64_t begin, std::int64_t end, bool missing = false) {
  CalibrationSpan span;
  span.begin = begin, span.end = end, span.missing = missing;
  return span;
}

// Spectra [time][pol][channel] of samples of type T, in one span.
template <class T>
struct Spectra {
  SampleFormat format;
  int n_pol = 1, n_chan = 1;
  RawBlock block;

  Spectra(int pols, int chans, const std::vector<T>& values) : n_pol(pols), n_chan(chans) {
    format.n_bits = 8 * static_cast<int>(sizeof(T));
    format.is_float = std::is_floating_point_v<T>;
    format.is_signed = std::is_signed_v<T> && !format.is_float;
    block.n_time = std::ssize(values) / (pols * chans);
    block.reserve(block.n_time, pols * chans * static_cast<std::int64_t>(sizeof(T)));
    std::memcpy(block.samples.data(), values.data(), values.size() * sizeof(T));
    block.spans = {span_of(0, block.n_time)};
  }
  std::vector<T> values() const {
    std::vector<T> v(static_cast<std::size_t>(block.n_time * n_pol * n_chan));
    std::memcpy(v.data(), block.samples.data(), v.size() * sizeof(T));
    return v;
  }
  std::int64_t clean(const SpanWeights& w, const std::vector<std::uint8_t>& time_good) {
    return replace_flagged(format, n_pol, n_chan, w,
                           View<const std::uint8_t, 1>(time_good.data(), {std::ssize(time_good)}), block);
  }
};

using Flags = std::vector<std::uint8_t>;

// Channel 0 is flagged in [0, 2), channel 1 never, channel 2 always; time 3 is flagged.
const SpanWeights kWeights{{0, 2, 4}, {0, 1, 0, 1, 1, 0}, 3};
const Flags kTimes{1, 1, 1, 0};

TEST(ReplaceFlagged, ValuesThatAreNotFiniteDoNotCount) {
  const float nan = std::nanf(""), inf = INFINITY;
  Spectra<float> s(1, 2, {1, nan, 3, inf, nan, nan});
  EXPECT_EQ(s.clean({{0, 3}, {0, 0}, 2}, {1, 1, 1}), 6);
  EXPECT_EQ(s.values(), (std::vector<float>{2, 0, 2, 0, 2, 0}));
}

TEST(ReplaceFlagged, OfBytesByHand) {
  Spectra<std::uint8_t> s(1, 3,
                          {9, 10, 200,  //
                           8, 20, 210,  //
                           7, 31, 220,  //
                           6, 99, 250});
  EXPECT_EQ(s.clean(kWeights, kTimes), 2 + 2 + 1 + 3);
  // Channel 0: 7 is good alone. Channel 1: (10 + 20 + 31) / 3 = 20.3. Channel 2: of all, 880 / 4.
  EXPECT_EQ(s.values(), (std::vector<std::uint8_t>{7, 10, 220,  //
                                                   7, 20, 220,  //
                                                   7, 31, 220,  //
                                                   7, 20, 220}));
}

TEST(ReplaceFlagged, OfDescendingChannelsReadsWeightsFromTheOtherEnd) {
  Spectra<std::uint8_t> s(1, 3, {200, 10, 9, 210, 20, 8, 220, 31, 7, 250, 99, 6});
  s.format.channels_descending = true;
  EXPECT_EQ(s.clean(kWeights, kTimes), 8);
  EXPECT_EQ(s.values(), (std::vector<std::uint8_t>{220, 10, 7, 220, 20, 7, 220, 31, 7, 220, 20, 7}));
}

const SpanWeights kSecondTime{{0, 1, 2, 3}, {1, 0, 1}, 1};

TEST(ReplaceFlagged, CrossTermsAreSignedThoughPowersAreNot) {
  // AA, BB, CR, CI of one channel: means of 250 and 252, of 255 = -1 and 3, and of 200 = -56 and 156 = -100.
  Spectra<std::uint8_t> s(4, 1, {250, 0, 255, 200, 1, 1, 1, 1, 252, 2, 3, 156});
  s.format.pol_kind = PolKind::kCoherence;
  EXPECT_EQ(s.clean(kSecondTime, {1, 1, 1}), 4);
  EXPECT_EQ(s.values(), (std::vector<std::uint8_t>{250, 0, 255, 200, 251, 1, 1, 178, 252, 2, 3, 156}));
}

TEST(ReplaceFlagged, AllOfStokesButTheFirstAreSigned) {
  Spectra<std::uint16_t> s(4, 1, {65'000, 65'535, 10, 65'526, 1, 1, 1, 1, 65'002, 3, 20, 65'516});
  s.format.pol_kind = PolKind::kStokes;
  EXPECT_EQ(s.clean(kSecondTime, {1, 1, 1}), 4);
  EXPECT_EQ(s.values(), (std::vector<std::uint16_t>{65'000, 65'535, 10, 65'526, 65'001, 1, 15, 65'521, 65'002,
                                                    3, 20, 65'516}));
}

TEST(ReplaceFlagged, OfSignedBytesAndWordsByHand) {
  Spectra<std::int8_t> bytes(1, 1, {-128, 5, -120});
  EXPECT_EQ(bytes.clean(kSecondTime, {1, 1, 1}), 1);
  EXPECT_EQ(bytes.values(), (std::vector<std::int8_t>{-128, -124, -120}));
  Spectra<std::int16_t> words(2, 1, {-32'768, 7, 5, 5, -32'766, 8});
  EXPECT_EQ(words.clean(kSecondTime, {1, 1, 1}), 2);
  EXPECT_EQ(words.values(), (std::vector<std::int16_t>{-32'768, 7, -32'767, 8, -32'766, 8}));  // 7.5 is 8
}

TEST(ReplaceFlagged, OfFloatsIsNotRounded) {
  Spectra<float> s(1, 1, {1.25F, 1e9F, 2.0F});
  EXPECT_EQ(s.clean(kSecondTime, {1, 1, 1}), 1);
  EXPECT_EQ(s.values(), (std::vector<float>{1.25F, 1.625F, 2.0F}));
}

TEST(ReplaceFlagged, WhereNothingIsGoodEveryChannelIsConstantAtItsLevel) {
  Spectra<std::uint8_t> s(1, 2, {1, 100, 2, 110, 6, 120});
  EXPECT_EQ(s.clean(all_good(3, 2), {0, 0, 0}), 6);
  EXPECT_EQ(s.values(), (std::vector<std::uint8_t>{3, 110, 3, 110, 3, 110}));
}

TEST(ReplaceFlagged, EachSpanHasItsOwnMeansAndMissingOnesAreLeft) {
  Spectra<std::uint8_t> s(1, 1, {10, 99, 12, 50, 51, 99, 201, 203});
  s.block.spans = {span_of(0, 3), span_of(3, 5, true), span_of(5, 8)};
  const SpanWeights w{
      {0, 1, 2, 4, 6, 10}, {1, 0, 1, 0, 1}, 1};  // flagged: 1, 4, 5; it reaches beyond the block
  EXPECT_EQ(s.clean(w, Flags(12, 1)), 2);
  EXPECT_EQ(s.values(), (std::vector<std::uint8_t>{10, 11, 12, 50, 51, 202, 201, 203}));
}

TEST(ReplaceFlagged, WhatIsGoodIsLeft) {
  Xoshiro256 random(1);
  std::vector<std::uint8_t> values;
  for (int i = 0; i < 7 * 2 * 33; ++i) values.push_back(static_cast<std::uint8_t>(random.below(256)));
  Spectra<std::uint8_t> s(2, 33, values);
  EXPECT_EQ(s.clean(all_good(7, 33), Flags(7, 1)), 0);
  EXPECT_EQ(s.values(), values);
  s.block.n_time = 0;
  s.block.spans.clear();
  EXPECT_EQ(s.clean(all_good(7, 33), {}), 0);
}

// numpy: x[bad] = np.broadcast_to(np.nanmean(np.where(bad, nan, x), axis=0), x.shape)[bad], in each span
template <class T>
std::vector<T> cleaned_plainly(const Spectra<T>& s, const SpanWeights& w, const Flags& time_good) {
  auto x = s.values();
  const auto original = x;
  const auto at = [&](std::int64_t t, int i) { return static_cast<std::size_t>(t * s.n_pol * s.n_chan + i); };
  const auto good = [&](std::int64_t t, int i) {
    int span = 0;
    while (t >= w.begin[static_cast<std::size_t>(span) + 1]) ++span;
    const int c = i % s.n_chan;
    return time_good[static_cast<std::size_t>(t)] != 0 &&
           w.row(span)[s.format.channels_descending ? s.n_chan - 1 - c : c] != 0;
  };
  for (const auto& span : s.block.spans)
    for (int i = 0; i < s.n_pol * s.n_chan && !span.missing; ++i) {
      double sum[2] = {}, n[2] = {};  // of all, of good ones
      for (auto t = span.begin; t < span.end; ++t)
        for (int kind = 0; kind <= (good(t, i) ? 1 : 0); ++kind)
          sum[kind] += original[at(t, i)], n[kind] += 1.0;
      const double mean = n[1] > 0.0 ? sum[1] / n[1] : sum[0] / n[0];
      for (auto t = span.begin; t < span.end; ++t)
        if (!good(t, i)) x[at(t, i)] = static_cast<T>(std::is_floating_point_v<T> ? mean : std::round(mean));
    }
  return x;
}

template <class T>
void check_random(int n_pol, int n_chan, std::int64_t n_time, int least, int most, Xoshiro256& random) {
  std::vector<T> values;
  for (std::int64_t i = 0; i < n_time * n_pol * n_chan; ++i)
    values.push_back(static_cast<T>(random_between(random, least, most)));
  Spectra<T> s(n_pol, n_chan, values);
  s.format.channels_descending = random.below(2) == 0;
  s.block.spans.clear();
  for (std::int64_t t = 0, end = 0; t < n_time; t = end) {
    end = random_between(random, t + 1, n_time);
    s.block.spans.push_back(span_of(t, end, random.below(4) == 0));
  }
  const auto w = random_weights(n_time + 3, n_chan, random);
  Flags time_good(static_cast<std::size_t>(n_time + 2));
  for (auto& g : time_good) g = random.uniform() < 0.8;
  const auto expected = cleaned_plainly(s, w, time_good);
  s.clean(w, time_good);
  EXPECT_EQ(s.values(), expected) << n_pol << " x " << n_chan << " x " << n_time;
}

TEST(ReplaceFlagged, EqualsItsPlainVersionOverAwkwardSizes) {
  Xoshiro256 random(2);
  for (int n_chan : {1, 2, 3, 5, 42, 65})
    for (std::int64_t n_time : {1, 2, 3, 7, 63, 64, 65}) {
      check_random<std::uint8_t>(2, n_chan, n_time, 0, 255, random);
      check_random<std::int8_t>(1, n_chan, n_time, -128, 127, random);
      check_random<std::uint16_t>(1, n_chan, n_time, 0, 65'535, random);
      check_random<std::int16_t>(4, n_chan, n_time, -32'768, 32'767, random);
      check_random<float>(2, n_chan, n_time, -1'000'000, 1'000'000, random);
    }
}

TEST(ReplaceFlagged, RefusesShapesAndFormatsThatDoNotFit) {
  Spectra<std::uint8_t> s(1, 4, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_NO_THROW(s.clean(all_good(2, 4), {1, 1}));
  EXPECT_THROW(s.clean(all_good(2, 3), {1, 1}), std::invalid_argument);
  EXPECT_THROW(s.clean(all_good(1, 4), {1, 1}), std::invalid_argument);
  EXPECT_THROW(s.clean(SpanWeights{{}, {}, 4}, {1, 1}), std::invalid_argument);
  EXPECT_THROW(s.clean(all_good(2, 4), {1}), std::invalid_argument);
  s.n_pol = 2;
  EXPECT_THROW(s.clean(all_good(2, 4), {1, 1}), std::invalid_argument);
  s.n_pol = 1;
  s.block.n_time = 3;  // more than there are
  EXPECT_THROW(s.clean(all_good(3, 4), {1, 1, 1}), std::invalid_argument);
  s.block.n_time = 2;
  s.format.is_float = true;  // of 8 bits
  EXPECT_THROW(s.clean(all_good(2, 4), {1, 1}), std::invalid_argument);
}

TEST(ReplaceFlagged, RefusesBitsThatItCannotReplaceOneByOne) {
  for (int n_bits : {1, 2, 4, 32}) {
    Spectra<std::uint8_t> s(1, 8, std::vector<std::uint8_t>(64, 1));
    s.format.n_bits = n_bits;
    s.block.n_time = 1;
    s.block.samples = Array<std::uint8_t, 2>({1, n_bits});
    s.block.spans = {span_of(0, 1)};
    EXPECT_THROW(s.clean(all_good(1, 8), {1}), std::invalid_argument) << n_bits;
  }
}

}  // namespace
}  // namespace tianyan
