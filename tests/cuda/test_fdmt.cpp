// The FDMT, on the host and on a device: by hand, bit for bit against the plain tree, in pieces, overflow.
#include "cuda/fdmt.hpp"

#include <algorithm>

#include "tests/cuda/device_test.hpp"
#include "tests/kernels/fdmt_test.hpp"

namespace tianyan {
namespace {

struct HostFdmt {
  static void run(const FdmtPlan& plan, View<const std::int8_t, 2> in, View<std::int32_t, 2> out) {
    fdmt(plan, in, out);
  }
};

struct DeviceFdmt {
  static void run(const FdmtPlan& plan, View<const std::int8_t, 2> in, View<std::int32_t, 2> out) {
    run_with(make_fdmt_program(plan), plan, in, out);
  }
  static void run_with(const FdmtProgram& program, const FdmtPlan& plan, View<const std::int8_t, 2> in,
                       View<std::int32_t, 2> out) {
    const Stream stream;
    const DeviceFdmtPlan device(plan, program, stream);
    const auto samples = on_device(in, stream);
    const auto n_time = out.shape(1);
    const DeviceArray<std::int16_t, 2> group_rows({plan.n_group_row, device.group_columns(n_time)});
    const DeviceArray<std::int32_t, 2> rows(out.shape());
    fdmt_group_rows(device, samples.cview(), 0, n_time, group_rows.view(), stream);
    fdmt_trials(device, group_rows.cview(), 0, 0, rows.view(), stream);
    to_host(rows, out, stream);
  }
};

template <class Backend>
class FdmtOn : public testing::Test {};
using Backends = testing::Types<HostFdmt, DeviceFdmt>;
TYPED_TEST_SUITE(FdmtOn, Backends);

template <class Backend>
Array<std::int32_t, 2> rows_of(const FdmtPlan& plan, View<const std::int8_t, 2> in, std::int64_t n_time) {
  Array<std::int32_t, 2> out({plan.n_trial(), n_time});
  Backend::run(plan, in, out.view());
  return out;
}

TYPED_TEST(FdmtOn, ThreeChannelsByHand) {
  // 1000, 1500, 2000 MHz: g = 1, 4/9, 1/4: d = 4 reads the channels 4, 1 and 0 samples later; d = 5: 5, 1, 0.
  const auto p = fdmt_params(3, 1000.0, 2500.0, 4, 6);
  const std::int8_t in[3][8] = {
      {1, 2, 3, 4, 5, 6, 7, 8}, {10, 20, 30, 40, 50, 60, 70, 80}, {100, -100, 101, -101, 102, -102, 103, 0}};
  const auto out = rows_of<TypeParam>(make_fdmt_plan(p, 2), View<const std::int8_t, 2>(&in[0][0], {3, 8}), 2);
  EXPECT_EQ(out(0, 0), 5 + 20 + 100);
  EXPECT_EQ(out(0, 1), 6 + 30 - 100);
  EXPECT_EQ(out(1, 0), 6 + 20 + 100);
  EXPECT_EQ(out(1, 1), 7 + 30 - 100);
}

TYPED_TEST(FdmtOn, OneChannelIsThatChannel) {
  Xoshiro256 random(1);
  const auto plan = make_fdmt_plan(fdmt_params(1, 1000.0, 1001.0, 3, 6), 10);
  const auto in = random_spectra(plan.params, 33, random);
  const auto out = rows_of<TypeParam>(plan, in.cview(), 33);
  for (int d = 0; d < 3; ++d)
    for (int t = 0; t < 33; ++t) EXPECT_EQ(out(d, t), in(0, t));
}

TYPED_TEST(FdmtOn, AnyPlanIsThePlainTreeBitForBit) {
  Xoshiro256 random(2);
  for (int round = 0; round < 12; ++round) {
    const auto plan = make_fdmt_plan(random_fdmt_params(random), 100);
    const std::int64_t n_time = one_of(random, {1, 31, 33, 257});
    const auto in = random_spectra(plan.params, n_time, random);
    Array<std::int32_t, 2> wanted({plan.n_trial(), n_time});
    fdmt_reference(plan, in.cview(), wanted.view());
    const auto out = rows_of<TypeParam>(plan, in.cview(), n_time);
    ASSERT_TRUE(equal(out.cview(), wanted.cview(), "d", "t"))
        << plan.params.n_chan << " channels, delays [" << plan.params.delay_begin << ", "
        << plan.params.delay_end << ")";
  }
}

TYPED_TEST(FdmtOn, SumsBeyond16BitsDoNotOverflow) {
  auto p = fdmt_params(336, 1000.0, 1500.0, 0, 3);
  Array<std::int8_t, 2> in({p.n_chan, 20});
  std::fill_n(in.data(), in.size(), std::int8_t{127});
  in(5, 3) = -127;
  const auto plan = make_fdmt_plan(p, 16);
  Array<std::int32_t, 2> wanted({3, 16});
  fdmt_reference(plan, in.cview(), wanted.view());
  EXPECT_GT(wanted(0, 0), 32767);
  EXPECT_TRUE(equal(rows_of<TypeParam>(plan, in.cview(), 16).cview(), wanted.cview(), "d", "t"));
}

TEST(FdmtOnADevice, TilesOfAnySizeGiveTheSameRows) {
  Xoshiro256 random(4);
  for (const int n_chan : {17, 100}) {
    const auto plan = make_fdmt_plan(fdmt_params(n_chan, 1000.0, 1500.0, 5, 90), 100);
    const auto in = random_spectra(plan.params, 70, random);
    Array<std::int32_t, 2> wanted({plan.n_trial(), 70}), out({plan.n_trial(), 70});
    fdmt_reference(plan, in.cview(), wanted.view());
    for (const std::int64_t shared_bytes : {4000, 9000, 40000}) {
      DeviceFdmt::run_with(make_fdmt_program(plan, shared_bytes), plan, in.cview(), out.view());
      ASSERT_TRUE(equal(out.cview(), wanted.cview(), "d", "t")) << shared_bytes << " bytes";
    }
  }
}

TEST(FdmtOnADevice, TrialsAndTimesMayBeMadeInPieces) {
  Xoshiro256 random(5);
  const auto plan = make_fdmt_plan(fdmt_params(64, 1000.0, 1500.0, 0, 70), 100);
  const auto in = random_spectra(plan.params, 100, random);
  Array<std::int32_t, 2> wanted({plan.n_trial(), 100});
  fdmt_reference(plan, in.cview(), wanted.view());
  const Stream stream;
  const DeviceFdmtPlan device(plan, make_fdmt_program(plan), stream);
  const auto samples = on_device(in.cview(), stream);
  const DeviceArray<std::int16_t, 2> group_rows({plan.n_group_row, device.group_columns(100)});
  fdmt_group_rows(device, samples.cview(), 0, 40, group_rows.view(), stream);
  fdmt_group_rows(device, samples.cview(), 40, 100, group_rows.view(), stream);
  for (int first = 0; first < 70; first += 32) {
    const int n = std::min(32, 70 - first);
    Array<std::int32_t, 2> out({n, 61});
    const DeviceArray<std::int32_t, 2> rows(out.cview().shape());
    fdmt_trials(device, group_rows.cview(), first, 39, rows.view(), stream);
    to_host(rows, out.view(), stream);
    EXPECT_TRUE(equal(out.cview(), wanted.cview().slice(0, first, first + n).slice(1, 39, 100), "d", "t"));
  }
}

TEST(FdmtOnADevice, RefusesWhatDoesNotFit) {
  const auto plan = make_fdmt_plan(fdmt_params(8, 1000.0, 1500.0, 0, 40), 100);
  const Stream stream;
  const DeviceFdmtPlan device(plan, make_fdmt_program(plan), stream);
  const DeviceArray<std::int8_t, 2> in({8, 139});
  const DeviceArray<std::int16_t, 2> group_rows({plan.n_group_row, device.group_columns(100)});
  const DeviceArray<std::int32_t, 2> rows({40, 100});
  EXPECT_NO_THROW(fdmt_group_rows(device, in.cview(), 0, 0, group_rows.view(), stream));
  EXPECT_THROW(fdmt_group_rows(device, in.cview(), 0, 101, group_rows.view(), stream), std::invalid_argument);
  EXPECT_THROW(fdmt_group_rows(device, in.cview().slice(0, 0, 7), 0, 100, group_rows.view(), stream),
               std::invalid_argument);
  EXPECT_THROW(fdmt_trials(device, group_rows.cview(), 32, 0, rows.view(), stream), std::invalid_argument);
  EXPECT_THROW(fdmt_trials(device, group_rows.cview(), 0, 1, rows.view(), stream), std::invalid_argument);
  EXPECT_THROW(make_fdmt_program(plan, 16), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
