// Robust statistics of integers, on the host and on a device.
#include "cuda/channel_stats.hpp"

#include <cmath>

#include "tests/cuda/conditioning_test.hpp"

namespace tianyan {
namespace {

struct Stats {
  Array<float, 1> mean, sigma;
  Array<std::int64_t, 1> n_good;
  explicit Stats(std::int64_t n) : mean({n}), sigma({n}), n_good({n}) {}
};

struct HostStats {
  template <class T>
  static void run(View<const T, 2> x, const RowCalibration& calibration, const SpanWeights& w, int chan_begin,
                  Stats& out) {
    channel_stats(x, calibration, w, chan_begin, out.mean.view(), out.sigma.view(), out.n_good.view());
  }
};
struct DeviceStats {
  template <class T>
  static void run(View<const T, 2> x, const RowCalibration& calibration, const SpanWeights& w, int chan_begin,
                  Stats& out) {
    const Stream stream;
    const DeviceRows<T> in(x, stream);
    const CalibrationOnDevice of_device(calibration, stream);
    WeightsOnDevice weights(w.n_chan, x.shape(1));
    const DeviceArray<float, 1> mean(out.mean.view().shape()), sigma(out.sigma.view().shape());
    const DeviceArray<std::int64_t, 1> n_good(out.n_good.view().shape());
    channel_stats(in.cview(), of_device.view(), weights.upload(w, stream), chan_begin, mean.view(),
                  sigma.view(), n_good.view(), stream);
    to_host(mean, out.mean.view(), stream);
    to_host(sigma, out.sigma.view(), stream);
    to_host(n_good, out.n_good.view(), stream);
  }
};

template <class Backend>
class ChannelStatsOfIntegers : public testing::Test {};
using Backends = testing::Types<HostStats, DeviceStats>;
TYPED_TEST_SUITE(ChannelStatsOfIntegers, Backends);

TYPED_TEST(ChannelStatsOfIntegers, OfSixSamplesByHand) {
  const std::uint8_t x[12] = {1, 2, 3, 4, 5, 6, 200, 99, 1, 3, 3, 1};
  const SpanWeights w{{0, 2, 6}, {1, 1, 0, 1, 1, 1}, 3};  // channels 1 and 2; of 2 the first two are flagged
  Stats s(2);
  TypeParam::run(View<const std::uint8_t, 2>(x, {2, 6}), {{1.0, 1.0, -0.5}, {0.0, 0.0, 10.0}}, w, 1, s);
  EXPECT_EQ(s.n_good(0), 6);
  EXPECT_EQ(s.mean(0), 3.5F);
  EXPECT_FLOAT_EQ(s.sigma(0), std::sqrt(35.0F / 12.0F));
  EXPECT_EQ(s.n_good(1), 4);
  EXPECT_EQ(s.mean(1), 9.0F);
  EXPECT_EQ(s.sigma(1), 0.5F);
}

TYPED_TEST(ChannelStatsOfIntegers, FlaggedSamplesDoNotCountAndTheRestIsCalibrated) {
  const std::int16_t x[12] = {1, 2, 3, 4, 5, 6, 500, 499, 1, 3, 3, 1};
  const SpanWeights w{{0, 2, 6}, {0, 0, 0, 1}, 2};
  Stats s(2);
  TypeParam::run(View<const std::int16_t, 2>(x, {2, 6}), {{1.0, -0.5}, {3.0, 10.0}}, w, 0, s);
  EXPECT_EQ(s.n_good(0), 0);
  EXPECT_EQ(s.mean(0), 0.0F);
  EXPECT_EQ(s.sigma(0), 0.0F);
  EXPECT_EQ(s.n_good(1), 4);
  EXPECT_EQ(s.mean(1), 9.0F);
  EXPECT_EQ(s.sigma(1), 0.5F);
}

template <class Backend, class T>
void expect_the_hosts(std::int64_t n_time, int n_chan, bool bursts, Xoshiro256& random) {
  constexpr int kMost = sizeof(T) == 1 ? 255 : 511;
  const auto w = random_weights(n_time, n_chan + 3, random);
  const auto first = static_cast<int>(random.below(4));
  Array<T, 2> x({n_chan, n_time});
  Array<std::int16_t, 2> wide({n_chan, n_time});
  for (int c = 0; c < n_chan; ++c) {
    const double mean = kMost * random.uniform(), sigma = std::pow(10.0, -1.0 + 2.0 * random.uniform());
    for (std::int64_t t = 0; t < n_time; ++t) {
      const double burst = bursts && random.below(20) == 0 ? 200.0 * random.uniform() : 0.0;
      const auto v = std::clamp(std::nearbyint(mean + sigma * gaussian(random) + burst), 0.0, double{kMost});
      wide(c, t) = static_cast<std::int16_t>(v);
      x(c, t) = static_cast<T>(v);
    }
  }
  const auto calibration = random_calibration(n_chan + 3, random);
  Stats s(n_chan), expected(n_chan);
  Backend::run(View<const T, 2>(x.cview()), calibration, w, first, s);
  channel_stats_reference(wide.cview(), calibration, w, first, expected.mean.view(), expected.sigma.view(),
                          expected.n_good.view());
  EXPECT_EQ(values_of(s.n_good.cview()), values_of(expected.n_good.cview())) << n_time;
  EXPECT_EQ(values_of(s.mean.cview()), values_of(expected.mean.cview())) << n_time;
  EXPECT_EQ(values_of(s.sigma.cview()), values_of(expected.sigma.cview())) << n_time;
}

// The reference is exact for integers, too: it adds whole numbers in double.
TYPED_TEST(ChannelStatsOfIntegers, AreTheReferencesToTheBitAtAwkwardSizes) {
  Xoshiro256 random(6);
  for (const std::int64_t n_time : {1, 3, 63, 64, 65, 255, 257, 511, 513, 575, 577, 1100}) {
    expect_the_hosts<TypeParam, std::uint8_t>(n_time, 2, n_time % 2 == 0, random);
    expect_the_hosts<TypeParam, std::int16_t>(n_time, 3, n_time % 2 != 0, random);
  }
}

TYPED_TEST(ChannelStatsOfIntegers, RefuseShapesThatDiffer) {
  Array<std::uint8_t, 2> x({3, 16});
  const auto call = [&](const RowCalibration& calibration, const SpanWeights& w, int first, Stats& s) {
    TypeParam::run(View<const std::uint8_t, 2>(x.cview()), calibration, w, first, s);
  };
  const RowCalibration four{std::vector<double>(4, 1.0), std::vector<double>(4, 0.0)};
  const RowCalibration three{std::vector<double>(3, 1.0), std::vector<double>(3, 0.0)};
  Stats s(3), two(2);
  EXPECT_NO_THROW(call(four, all_good(16, 4), 1, s));
  EXPECT_THROW(call(four, all_good(16, 4), 2, s), std::invalid_argument);
  EXPECT_THROW(call(four, all_good(16, 4), -1, s), std::invalid_argument);
  EXPECT_THROW(call(four, all_good(15, 4), 0, s), std::invalid_argument);
  EXPECT_THROW(call(three, all_good(16, 4), 0, s), std::invalid_argument);
  EXPECT_THROW(call(four, all_good(16, 4), 0, two), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
