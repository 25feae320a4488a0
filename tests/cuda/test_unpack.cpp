// Unpacking to small integers, on the host and on a device.
#include "cuda/unpack.hpp"

#include "tests/cuda/device_rows.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

struct HostUnpack {
  template <class T>
  static void run(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<T, 2> x) {
    unpack(plan, block, chan_begin, x);
  }
};
struct DeviceUnpack {
  template <class T>
  static void run(const UnpackPlan& plan, const RawBlock& block, int chan_begin, View<T, 2> x) {
    const Stream stream;
    const DeviceRows<std::uint8_t> raw(block.samples.cview().slice(0, 0, block.n_time), stream);
    const DeviceRows<T> out(x.shape(0), x.shape(1), stream);
    unpack(plan, raw.cview(), chan_begin, out.view(), stream);
    out.to_host(x, stream);
  }
};

template <class Backend>
class UnpackIntegers : public testing::Test {};
using Backends = testing::Types<HostUnpack, DeviceUnpack>;
TYPED_TEST_SUITE(UnpackIntegers, Backends);

UnpackPlan plan_of(int n_chan, const SampleFormat& format) {
  StreamInfo info;
  info.n_chan = n_chan;
  info.n_pol = format.pol_kind == PolKind::kIntensity ? 1 : format.pol_kind == PolKind::kAaBb ? 2 : 4;
  info.freq_low_mhz = 1000.0;
  info.channel_width_mhz = 0.25;
  info.sample_time_s = 1e-4;
  return make_unpack_plan(info, format);
}

RawBlock block_of(const UnpackPlan& plan, std::int64_t n_time, Xoshiro256& random) {
  RawBlock block;
  block.n_time = n_time;
  block.reserve(n_time, std::int64_t{plan.n_pol} * plan.n_chan * plan.format.n_bits / 8);
  for (std::int64_t i = 0; i < block.samples.size(); ++i)
    block.samples.data()[i] = static_cast<std::uint8_t>(random());
  block.spans = {{0, n_time, false, {}, {}, {}}};
  return block;
}

TYPED_TEST(UnpackIntegers, SumsPolarisationsCountsFromTheLowestAndTurnsTheBand) {
  const auto plan = plan_of(
      3, {.is_signed = true, .channels_descending = true, .pol_kind = PolKind::kAaBb, .zero_offset = 4.0});
  RawBlock block;
  block.n_time = 2;
  block.reserve(2, 6);
  const int values[12] = {-128, 0, 127, 1, 2, 127, 3, -4, 5, -6, 7, -8};
  for (int i = 0; i < 12; ++i) block.samples.data()[i] = static_cast<std::uint8_t>(values[i]);
  block.spans = {{0, 2, false, {}, {}, {}}};
  Array<std::int16_t, 2> x({3, 2});
  TypeParam::run(plan, block, 0, x.view());
  const int expected[6] = {510, 253, 258, 259, 129, 253};  // [channel][time], sums of values + 128
  EXPECT_EQ(std::vector<int>(x.data(), x.data() + 6), std::vector<int>(expected, expected + 6));
}

TYPED_TEST(UnpackIntegers, TakesBitsFromTheEndThatTheFormatSays) {
  for (const bool high_first : {false, true}) {
    RawBlock block;
    block.n_time = 1;
    block.reserve(1, 1);
    block.samples(0, 0) = 0b00'01'10'11;
    block.spans = {{0, 1, false, {}, {}, {}}};
    Array<std::uint8_t, 2> x({4, 1});
    TypeParam::run(plan_of(4, {.n_bits = 2, .high_bits_first = high_first}), block, 0, x.view());
    for (int c = 0; c < 4; ++c) EXPECT_EQ(x(c, 0), high_first ? c : 3 - c) << "channel " << c;
  }
}

template <class Backend, class T>
void expect_reference(const SampleFormat& format, int n_chan, std::int64_t n_time, Xoshiro256& random) {
  const auto plan = plan_of(n_chan, format);
  const auto block = block_of(plan, n_time, random);
  const auto n = random_between(random, 1, n_chan);
  const auto first = static_cast<int>(random_between(random, 0, n_chan - n));
  Array<T, 2> x({n, n_time});
  Array<std::int16_t, 2> expected({n, n_time});
  Backend::run(plan, block, first, x.view());
  unpack_reference(plan, block, first, expected.view());
  EXPECT_TRUE(equal(x.cview(), expected.cview(), "c", "t"))
      << format.n_bits << " bits, " << n_chan << " channels from " << first << ", " << n_time << " times";
}

TYPED_TEST(UnpackIntegers, AreTheReferencesForEveryFormatAtAwkwardSizes) {
  Xoshiro256 random(5);
  const std::int64_t channels[] = {1, 3, 63, 64, 65, 130}, times[] = {1, 7, 63, 64, 65};
  for (const int bits : {1, 2, 4, 8})
    for (const int flags : {0, 1, 2, 3, 4, 5, 6, 7}) {
      SampleFormat format;
      format.n_bits = bits;
      format.is_signed = bits == 8 && (flags & 1) != 0;
      format.high_bits_first = (flags & 1) != 0;
      format.channels_descending = (flags & 2) != 0;
      auto n_chan = static_cast<int>(one_of(random, channels));
      if (n_chan * bits % 8 != 0) n_chan *= 8 / bits;
      const auto n_time = one_of(random, times);
      if ((flags & 4) == 0) expect_reference<TypeParam, std::uint8_t>(format, n_chan, n_time, random);
      format.pol_kind = (flags & 4) == 0 ? PolKind::kStokes : PolKind::kCoherence;
      expect_reference<TypeParam, std::int16_t>(format, n_chan, n_time, random);
    }
}

TYPED_TEST(UnpackIntegers, RefuseWhatDoesNotFit) {
  Xoshiro256 random(6);
  const auto plan = plan_of(8, {});
  const auto block = block_of(plan, 16, random);
  Array<std::uint8_t, 2> x({8, 16});
  EXPECT_NO_THROW(TypeParam::run(plan, block, 0, x.view()));
  EXPECT_THROW(TypeParam::run(plan, block, 1, x.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::run(plan, block, -1, x.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::run(plan, block, 0, x.view().slice(1, 0, 15)), std::invalid_argument);
  EXPECT_THROW(TypeParam::run(plan_of(9, {}), block, 0, x.view()), std::invalid_argument) << "8 bytes";
  const auto two = plan_of(4, {.pol_kind = PolKind::kAaBb});
  EXPECT_THROW(TypeParam::run(two, block, 0, x.view().slice(0, 0, 4)), std::invalid_argument);
  const auto wide = plan_of(4, {.n_bits = 16});
  EXPECT_THROW(TypeParam::run(wide, block, 0, x.view().slice(0, 0, 4)), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
