// Normalisation and downsampling, on the host and on a device.
#include "cuda/quantise.hpp"

#include "kernels/quantise.hpp"
#include "tests/cuda/device_test.hpp"

namespace tianyan {
namespace {

struct HostQuantise {
  static void halve(View<const std::int8_t, 2> fine, int shift, View<std::int8_t, 2> coarse) {
    downsample(fine, shift, coarse);
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

}  // namespace
}  // namespace tianyan
