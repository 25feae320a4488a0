// Normalisation and downsampling, on the host and on a device.
#include "cuda/quantise.hpp"

#include "tests/cuda/conditioning_test.hpp"

namespace tianyan {
namespace {

struct HostQuantise {
  static void halve(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse) {
    downsample(fine, shift, coarse);
  }
  template <class T>
  static void normal(View<const T, 2> x, const RowCalibration& calibration, View<const float, 1> mean,
                     View<const float, 1> sigma, const SpanWeights& w, int chan_begin,
                     const SharedWave& shared, View<std::int8_t, 2> q) {
    normalise(x, calibration, mean, sigma, w, chan_begin, shared, q);
  }
};
struct DeviceQuantise {
  static void halve(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse) {
    const Stream stream;
    const auto in = on_device(fine, stream);
    const DeviceArray<std::int8_t, 2> out(coarse.shape());
    downsample(in.cview(), shift, out.view(), stream);
    to_host(out, coarse, stream);
  }
  template <class T>
  static void normal(View<const T, 2> x, const RowCalibration& calibration, View<const float, 1> mean,
                     View<const float, 1> sigma, const SpanWeights& w, int chan_begin,
                     const SharedWave& shared, View<std::int8_t, 2> q) {
    const Stream stream;
    const DeviceRows<T> in(x, stream);
    const CalibrationOnDevice of_device(calibration, stream);
    const auto m = on_device(mean, stream), s = on_device(sigma, stream),
               factor = on_device(shared.factor, stream);
    const auto wave = on_device(shared.wave, stream);
    WeightsOnDevice weights(w.n_chan, x.shape(1) + 1);
    const DeviceRows<std::int8_t> out(q.shape(0), q.shape(1), stream);
    normalise(in.cview(), of_device.view(), m.cview(), s.cview(), weights.upload(w, stream), chan_begin,
              {wave.cview(), factor.cview()}, out.view(), stream);
    out.to_host(q, stream);
  }
};

template <class Backend>
class Downsample : public testing::Test {};
using Backends = testing::Types<HostQuantise, DeviceQuantise>;
TYPED_TEST_SUITE(Downsample, Backends);

TYPED_TEST(Downsample, AddsNeighboursAndRoundsHalvesToEven) {
  Array<std::int8_t, 2> fine({1, 8}), coarse({1, 4});
  const int values[] = {1, 2, 3, 2, -3, 0, 127, 127};
  for (int t = 0; t < 8; ++t) fine(0, t) = static_cast<std::int8_t>(values[t]);
  TypeParam::halve(fine.cview(), 1, coarse.view());
  EXPECT_EQ(coarse(0, 0), 2);   // 1.5
  EXPECT_EQ(coarse(0, 1), 2);   // 2.5
  EXPECT_EQ(coarse(0, 2), -2);  // -1.5
  EXPECT_EQ(coarse(0, 3), 127);
  TypeParam::halve(fine.cview(), 0, coarse.view());
  EXPECT_EQ(coarse(0, 0), 3);
  EXPECT_EQ(coarse(0, 3), 127);  // clipped
}

TYPED_TEST(Downsample, IsTheReferenceAtAwkwardSizes) {
  Xoshiro256 random(3);
  for (const std::int64_t n_chan : {1, 3, 7})
    for (const std::int64_t n : {1, 31, 255, 256, 257})
      for (const int shift : {0, 1}) {
        Array<std::int8_t, 2> fine({n_chan, 2 * n}), coarse({n_chan, n}), wanted({n_chan, n});
        for (std::int64_t i = 0; i < fine.size(); ++i)
          fine.data()[i] = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
        downsample_reference(fine.cview(), shift, wanted.view());
        TypeParam::halve(fine.cview(), shift, coarse.view());
        for (std::int64_t i = 0; i < coarse.size(); ++i)
          ASSERT_EQ(coarse.data()[i], wanted.data()[i])
              << n_chan << " channels, " << n << " samples, at " << i;
      }
}

TYPED_TEST(Downsample, RefusesShapesThatDoNotFit) {
  Array<std::int8_t, 2> fine({2, 8}), coarse({2, 3});
  EXPECT_THROW(TypeParam::halve(fine.cview(), 0, coarse.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::halve(fine.cview(), 2, coarse.view().slice(1, 0, 2)), std::invalid_argument);
}

template <class Backend>
class NormaliseIntegers : public testing::Test {};
TYPED_TEST_SUITE(NormaliseIntegers, Backends);

TYPED_TEST(NormaliseIntegers, IsFourLevelsASigmaRoundedToEvenAndClippedWhereThereIsWeight) {
  // (x - 10) 2 of channel 1; of channel 2, 5 + x / 2 with sigma 2: 10.5 + x / 2 - 12 = x - 3 levels.
  const std::uint8_t x[12] = {10, 12, 8, 11, 26, 200, 0, 1, 2, 3, 4, 255};
  const float mean[2] = {10.0F, 6.5F}, sigma[2] = {2.0F, 2.0F};
  const RowCalibration calibration{{9.0, 1.0, 0.5}, {9.0, 0.0, 5.0}};
  const SpanWeights w{{0, 2, 6}, {0, 1, 0, 0, 1, 1}, 3};
  Array<std::int8_t, 2> q({2, 6});
  TypeParam::normal(View<const std::uint8_t, 2>(x, {2, 6}), calibration, View<const float, 1>(mean, {2}),
                    View<const float, 1>(sigma, {2}), w, 1, {}, q.view());
  EXPECT_EQ(values_of(q.cview()[0]), (std::vector<std::int8_t>{0, 4, -4, 2, 31, 31}));
  EXPECT_EQ(values_of(q.cview()[1]), (std::vector<std::int8_t>{0, 0, -1, 0, 1, 31}));
  const std::int16_t wave[6] = {64, -64, 0, 128, 3200, -32767};
  const float factor[2] = {1.0F / 32.0F, 1.5F / 64.0F};
  TypeParam::normal(View<const std::uint8_t, 2>(x, {2, 6}), calibration, View<const float, 1>(mean, {2}),
                    View<const float, 1>(sigma, {2}), w, 1,
                    {View<const std::int16_t, 1>(wave, {6}), View<const float, 1>(factor, {2})}, q.view());
  EXPECT_EQ(values_of(q.cview()[0]), (std::vector<std::int8_t>{-2, 6, -4, -2, -31, 31}));
  EXPECT_EQ(values_of(q.cview()[1]), (std::vector<std::int8_t>{0, 0, -1, -3, -31, 31}));
}

TYPED_TEST(NormaliseIntegers, RoundsTiesToEven) {
  const std::uint8_t x[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  const float mean = 2.0F, sigma = 8.0F;
  Array<std::int8_t, 2> q({1, 8});
  TypeParam::normal(View<const std::uint8_t, 2>(x, {1, 8}), {{1.0}, {0.0}}, View<const float, 1>(&mean, {1}),
                    View<const float, 1>(&sigma, {1}), all_good(8, 1), 0, {}, q.view());
  EXPECT_EQ(values_of(q.cview()[0]), (std::vector<std::int8_t>{-1, 0, 0, 0, 1, 2, 2, 2}));
}

template <class Backend, class T>
void expect_reference(std::int64_t n_time, int n_chan, bool with_wave, Xoshiro256& random) {
  const float unusable[] = {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), 1e-42F};
  const auto w = random_weights(n_time, n_chan + 3, random);
  const auto first = static_cast<int>(random.below(4));
  const auto calibration = random_calibration(n_chan + 3, random);
  Array<T, 2> x({n_chan, n_time});
  Array<std::int16_t, 2> wide({n_chan, n_time});
  Array<float, 1> mean({n_chan}), sigma({n_chan}), factor({with_wave ? n_chan : 0});
  Array<std::int16_t, 1> wave({with_wave ? n_time : 0});
  for (int c = 0; c < n_chan; ++c) {
    const auto at = static_cast<std::size_t>(first + c);
    mean(c) = static_cast<float>(calibration.scale[at] * 100.0 + calibration.offset[at]);
    sigma(c) = random.below(8) == 0
                   ? one_of(random, unusable)
                   : static_cast<float>(std::abs(calibration.scale[at]) * 40.0 * random.uniform());
    if (with_wave) factor(c) = static_cast<float>(random.below(5) == 0 ? 0.0 : 0.05 * gaussian(random));
    for (std::int64_t t = 0; t < n_time; ++t)
      x(c, t) = static_cast<T>(wide(c, t) = static_cast<std::int16_t>(random_between(random, 0, 255)));
  }
  for (std::int64_t t = 0; t < wave.size(); ++t)
    wave(t) = static_cast<std::int16_t>(random_between(random, -32'767, 32'767));
  Array<std::int8_t, 2> q({n_chan, n_time}), expected({n_chan, n_time});
  const SharedWave shared{wave.cview(), factor.cview()};
  Backend::normal(View<const T, 2>(x.cview()), calibration, mean.cview(), sigma.cview(), w, first, shared,
                  q.view());
  normalise_reference(wide.cview(), calibration, mean.cview(), sigma.cview(), w, first, shared,
                      expected.view());
  EXPECT_TRUE(equal(q.cview(), expected.cview(), "c", "t")) << n_chan << " x " << n_time;
}

TYPED_TEST(NormaliseIntegers, IsTheReferenceAtAwkwardSizes) {
  Xoshiro256 random(8);
  for (const std::int64_t n_time : {1, 3, 255, 256, 257, 4095, 4097})
    for (const bool with_wave : {false, true}) {
      expect_reference<TypeParam, std::uint8_t>(n_time, 5, with_wave, random);
      expect_reference<TypeParam, std::int16_t>(n_time, 4, with_wave, random);
    }
}

TYPED_TEST(NormaliseIntegers, RefusesShapesThatDiffer) {
  Array<std::uint8_t, 2> x({3, 16});
  Array<float, 1> mean({3}), two({2});
  Array<std::int8_t, 2> q({3, 16});
  Array<std::int16_t, 1> wave({16});
  const RowCalibration four{std::vector<double>(4, 1.0), std::vector<double>(4, 0.0)};
  const RowCalibration three{std::vector<double>(3, 1.0), std::vector<double>(3, 0.0)};
  const auto call = [&](const RowCalibration& calibration, View<const float, 1> m, View<const float, 1> s,
                        const SpanWeights& w, int first, const SharedWave& shared, View<std::int8_t, 2> out) {
    TypeParam::normal(View<const std::uint8_t, 2>(x.cview()), calibration, m, s, w, first, shared, out);
  };
  const auto w = all_good(16, 4);
  const auto m = mean.cview();
  EXPECT_NO_THROW(call(four, m, m, w, 1, {wave.cview(), m}, q.view()));
  EXPECT_THROW(call(four, m, m, w, 2, {}, q.view()), std::invalid_argument);
  EXPECT_THROW(call(four, m, m, w, -1, {}, q.view()), std::invalid_argument);
  EXPECT_THROW(call(three, m, m, w, 0, {}, q.view()), std::invalid_argument);
  EXPECT_THROW(call(four, two.cview(), m, w, 0, {}, q.view()), std::invalid_argument);
  EXPECT_THROW(call(four, m, two.cview(), w, 0, {}, q.view()), std::invalid_argument);
  EXPECT_THROW(call(four, m, m, all_good(15, 4), 0, {}, q.view()), std::invalid_argument);
  EXPECT_THROW(call(four, m, m, w, 0, {}, q.view().slice(1, 0, 15)), std::invalid_argument);
  EXPECT_THROW(call(four, m, m, w, 0, {wave.cview().slice(0, 0, 15), m}, q.view()), std::invalid_argument);
  EXPECT_THROW(call(four, m, m, w, 0, {wave.cview(), two.cview()}, q.view()), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
