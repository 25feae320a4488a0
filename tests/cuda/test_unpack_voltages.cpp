// Unpacking of voltages, on the host and on a device.
#include "cuda/unpack_voltages.hpp"

#include <tuple>

#include "cuda/transpose.hpp"

#include "tests/cuda/device_test.hpp"
#include "tests/kernels/voltage_test.hpp"

namespace tianyan {
namespace {

constexpr int kCoarse = 4, kPol = 3;  // of which blocks hold some

/// Samples [begin, begin + n) of the block, of all streams: v [coarse * kPol + pol][component].
struct HostUnpack {
  static void all(const VoltageFormat& format, const VoltageBlock& block, std::int64_t begin,
                  View<float, 2> v) {
    for (int s = 0; s < kCoarse * kPol; ++s) unpack_voltages(format, block, s / kPol, s % kPol, begin, v[s]);
  }
};
struct DeviceUnpack {
  static void all(const VoltageFormat& format, const VoltageBlock& block, std::int64_t begin,
                  View<float, 2> v) {
    const Stream stream;
    const auto places = voltage_runs(format, block, kCoarse, kPol);
    const auto bytes = on_device(block.bytes.cview(), stream);
    const auto runs =
        on_device(View<const VoltageRun, 1>(places.runs.data(), {std::ssize(places.runs)}), stream);
    const auto first =
        on_device(View<const std::int64_t, 1>(places.first.data(), {std::ssize(places.first)}), stream);
    const DeviceArray<float, 2> floats(v.shape());
    unpack_voltages(format, bytes.cview(), runs.cview(), first.cview(), block.first_sample + begin,
                    floats.view(), stream);
    to_host(floats, v, stream);
  }
};

template <class Backend>
class UnpackVoltagesOf : public testing::Test {};
using Backends = testing::Types<HostUnpack, DeviceUnpack>;
TYPED_TEST_SUITE(UnpackVoltagesOf, Backends);

TYPED_TEST(UnpackVoltagesOf, ALaterPieceWinsAndWhatNoneCoversIsZero) {
  // Samples 1, 2, 3 and 6, 7 of the first two pieces, in the wrong order; the third takes sample 2 again.
  VoltageBlock block;
  block.n_time = 9;
  block.first_sample = 7;
  block.bytes = array_of<std::uint8_t>({1, 2, 3, 4, 5, 6});
  for (const auto& [begin, end, byte] : {std::tuple{6, 8, 3}, {1, 4, 0}, {2, 3, 5}}) {
    VoltagePiece p;
    p.begin = begin;
    p.end = end;
    p.first_bit = 8 * byte;
    p.group_samples = 10;
    p.sample_stride_bits = 8;
    p.coarse_begin = 1;
    p.pol_begin = 2;
    block.pieces.push_back(p);
  }
  Array<float, 2> v({kCoarse * kPol, 9});
  TypeParam::all(format_of(8, false), block, 0, v.view());
  EXPECT_EQ(values_of(v.cview()[1 * kPol + 2]), (std::vector<float>{0, 1, 6, 3, 0, 0, 4, 5, 0}));
  EXPECT_EQ(values_of(v.cview()[1 * kPol + 1]), std::vector<float>(9, 0.0F));
  // A real stream that is inverted: every second sample of the stream, which begins at 7.
  TypeParam::all(format_of(8, false, kSigned, true), block, 0, v.view());
  EXPECT_EQ(values_of(v.cview()[1 * kPol + 2]), (std::vector<float>{0, 1, -6, 3, 0, 0, -4, 5, 0}));
}

TYPED_TEST(UnpackVoltagesOf, EqualsTheReferenceOverStridesGroupsAndPhases) {
  Xoshiro256 random(61);
  for (const auto& format : all_formats())
    for (const std::int64_t n_time : {1, 16, 130}) {
      const auto block = random_block(format, n_time, random);
      const auto begin = random_between(random, 0, n_time);
      const auto n = random_between(random, 0, n_time - begin) * format.n_component();
      Array<float, 2> v({kCoarse * kPol, n}), wanted({kCoarse * kPol, n});
      TypeParam::all(format, block, begin, v.view());
      for (int s = 0; s < kCoarse * kPol; ++s)
        unpack_voltages_reference(format, block, s / kPol, s % kPol, begin, wanted.view()[s]);
      ASSERT_TRUE(equal(v.cview(), wanted.cview(), "stream", "component"))
          << format.n_bits << " bits, complex " << format.is_complex << ", code "
          << static_cast<int>(format.code);
    }
}

TYPED_TEST(UnpackVoltagesOf, RefusesWhatDoesNotFit) {
  Xoshiro256 random(62);
  const auto format = format_of(8, true);
  auto block = random_block(format, 16, random);
  Array<float, 2> v({kCoarse * kPol, 16});
  EXPECT_NO_THROW(TypeParam::all(format, block, 0, v.view()));
  EXPECT_THROW(TypeParam::all(format, block, 0, v.view().slice(1, 0, 15)), std::invalid_argument);
  EXPECT_THROW(TypeParam::all(format_of(7, true), block, 0, v.view()), std::invalid_argument);
  VoltagePiece outside;
  outside.end = 17;
  block.pieces.push_back(outside);
  EXPECT_THROW(TypeParam::all(format, block, 0, v.view()), std::invalid_argument);
}

TEST(DeviceUnpackVoltages, HasZerosBeyondTheBlock) {
  const Stream stream;
  VoltageBlock block;
  block.n_time = 2;
  block.first_sample = 1;
  block.bytes = array_of<std::uint8_t>({5, 7});
  VoltagePiece p;
  p.end = 2;
  p.group_samples = 2;
  p.sample_stride_bits = 8;
  block.pieces.push_back(p);
  Array<float, 2> v({kCoarse * kPol, 6});
  DeviceUnpack::all(format_of(8, false), block, -3, v.view());  // samples -2 ... 3 of the stream
  EXPECT_EQ(values_of(v.cview()[0]), (std::vector<float>{0, 0, 0, 5, 7, 0}));
  const DeviceArray<float, 2> floats({3, 4});
  const DeviceArray<std::int64_t, 1> first({3});
  EXPECT_THROW(unpack_voltages(format_of(8, false), {}, {}, first.cview(), 0, floats.view(), stream),
               std::invalid_argument);
}

TEST(DeviceTranspose, ExchangesRowsAndColumns) {
  const Stream stream;
  Xoshiro256 random(63);
  for (const auto& [n_row, n_column] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {3, 70}, {32, 33}, {65, 31}}) {
    Array<std::complex<float>, 2> in({n_row, n_column}), out({n_column, n_row});
    for (std::int64_t i = 0; i < in.size(); ++i)
      in.data()[i] = {static_cast<float>(i), static_cast<float>(random.uniform())};
    const auto x = on_device(in.cview(), stream);
    const DeviceArray<std::complex<float>, 2> y({n_column, n_row + 2});
    transpose(x.cview(), y.view().slice(1, 1, n_row + 1), stream);
    download(y.cview().slice(1, 1, n_row + 1), out.view(), stream);
    stream.synchronise();
    for (std::int64_t i = 0; i < n_row; ++i)
      for (std::int64_t j = 0; j < n_column; ++j) ASSERT_EQ(out(j, i), in(i, j)) << i << " " << j;
    EXPECT_THROW(transpose(x.cview(), y.view(), stream), std::invalid_argument);
  }
}

}  // namespace
}  // namespace tianyan
