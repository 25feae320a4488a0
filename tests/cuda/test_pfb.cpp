// The polyphase filterbank, on the host and on a device.
#include "cuda/pfb.hpp"

#include "kernels/base/division.hpp"
#include "kernels/pfb_fold.hpp"
#include "tests/cuda/device_test.hpp"
#include "tests/kernels/pfb_test.hpp"

namespace tianyan {
namespace {

struct HostPfb {
  static constexpr double kMoreRounding = 1.0;

  static void frames(const PfbPlan& plan, const Samples& x, std::int64_t first_frame, View<Complex, 2> out,
                     std::int64_t = 1) {
    std::vector<PfbScratch> scratch;
    scratch.emplace_back(plan);
    pfb(plan, scratch, x.cview(), x.first, first_frame, out);
  }
  static void fold(const PfbPlan& plan, const Samples& x, std::int64_t first_frame, View<float, 2> folded) {
    const auto n_component = plan.params.n_component();
    for (std::int64_t m = 0; m < folded.shape(0); ++m) {
      const auto sample = plan.first_sample(first_frame + m);
      const bool is_negated = plan.params.is_complex && plan.params.n_chan % 2 == 0 && sample % 2 != 0;
      pfb_fold({plan.params.n_tap, plan.n_fft * n_component}, plan.fold_taps.data(),
               &x.cview()[(sample - x.first) * n_component], n_component * floor_mod(sample, plan.n_fft),
               is_negated, folded[m].data());
    }
  }
};
struct DevicePfb {
  // Where n_fft has a large prime factor cuFFT takes Bluestein's algorithm: three transforms of m < 4 n_fft
  // points, log2(m) steps of 8 u each (Higham 2002, theorem 24.2), relative to (2 n_fft)^1/2 times the norm
  // of y. That is 1.25 S of noise, S as error_bound() has it: 30 log2(m) u S. Of 131 points, the smallest
  // prime here that it would not have a step for, 270; error_bound() counts 139.
  static constexpr double kMoreRounding = 4.0;

  static void frames(const PfbPlan& plan, const Samples& x, std::int64_t first_frame, View<Complex, 2> out,
                     std::int64_t n_batch = 2) {
    const Stream stream;
    const DevicePfbPlan device(plan, n_batch, stream);
    DevicePfbScratch scratch(device, stream);
    const auto samples = on_device(x.cview(), stream);
    // Rows as far apart as the host's.
    const DeviceArray<Complex, 2> memory({out.shape(0), out.stride(0)});
    const auto spectra = memory.view().slice(1, 0, out.shape(1));
    pfb(device, scratch, samples.cview(), x.first, first_frame, spectra, stream);
    download(DeviceView<const Complex, 2>(spectra), out, stream);
    stream.synchronise();
  }
  static void fold(const PfbPlan& plan, const Samples& x, std::int64_t first_frame, View<float, 2> folded) {
    const Stream stream;
    const DevicePfbPlan device(plan, 1, stream);
    const auto samples = on_device(x.cview(), stream);
    const DeviceArray<float, 2> sums(folded.shape());
    pfb_fold(device, samples.cview(), x.first, first_frame, sums.view(), stream);
    to_host(sums, folded, stream);
  }
};

template <class Backend>
class PfbOf : public testing::Test {};
using Backends = testing::Types<HostPfb, DevicePfb>;
TYPED_TEST_SUITE(PfbOf, Backends);

// h = 1/2; sum x[n] exp(-2 pi i (k - 2) n / 4) of x = 1, i, 0, 2.
TYPED_TEST(PfbOf, OneRectangularTapIsTheFourierTransform) {
  const auto plan = make_pfb_plan({.n_chan = 4, .n_tap = 1, .window = PfbWindow::kRectangular});
  Samples x(0, 4, 2);
  const float values[] = {1, 0, 0, 1, 0, 0, 2, 0};
  std::copy_n(values, 8, x.memory.data());
  Array<Complex, 2> out({1, 4});
  TypeParam::frames(plan, x, 0, out.view());
  const Complex wanted[] = {{-0.5F, -0.5F}, {0.0F, -1.0F}, {1.5F, 0.5F}, {1.0F, 1.0F}};
  for (int k = 0; k < 4; ++k) EXPECT_LE(std::abs(out(0, k) - wanted[k]), 8 * 0x1p-24) << k;
}

TYPED_TEST(PfbOf, FoldsInOrderOfTheTapsToTheBit) {
  Xoshiro256 random(31);
  for (const auto& params : {PfbParams{.n_chan = 1, .n_tap = 3},
                             {.n_chan = 6, .n_tap = 4, .over_num = 2},
                             {.n_chan = 15, .n_tap = 3, .over_num = 5, .over_den = 3},
                             {.n_chan = 48, .n_tap = 8, .over_num = 4, .over_den = 3},
                             {.n_chan = 131, .n_tap = 1},
                             {.n_chan = 130, .n_tap = 2, .is_complex = false}}) {
    const auto plan = make_pfb_plan(params);
    const auto n_frame = random_between(random, 1, 9), first = random_between(random, -9, 100000);
    const auto x = noise_of(plan, first, first + n_frame, random());
    const int n_component = params.n_component();
    const auto h = pfb_taps(params);
    Array<float, 2> folded({n_frame, plan.n_fft * n_component}), wanted(folded.view().shape());
    TypeParam::fold(plan, x, first, folded.view());
    for (std::int64_t m = 0; m < n_frame; ++m)
      for (std::int64_t n = 0; n < plan.n_window; ++n) {
        const auto sample = plan.first_sample(first + m) + n;
        const bool is_odd = params.is_complex && params.n_chan % 2 == 0 && sample % 2 != 0;
        for (int i = 0; i < n_component; ++i) {
          const float product =
              plan.taps(n) * x.cview()[(sample - x.first) * n_component + i] * (is_odd ? -1.0F : 1.0F);
          wanted(m, floor_mod(sample, plan.n_fft) * n_component + i) += product;
        }
      }
    ASSERT_TRUE(equal(folded.cview(), wanted.cview(), "frame", "float")) << params.n_chan << " channels";
  }
}

TYPED_TEST(PfbOf, IsTheReferenceAtAwkwardSizes) {
  constexpr std::pair<int, int> kOver[] = {{1, 1}, {4, 3}, {2, 1}};
  Xoshiro256 random(32);
  for (const std::int64_t n_chan : {1, 3, 7, 16, 17, 100, 257, 262})
    for (const bool is_complex : {true, false})
      for (const auto& [num, den] : kOver) {
        if (n_chan * (is_complex ? 1 : 2) * den % num != 0) continue;
        const PfbParams params{.n_chan = n_chan,
                               .n_tap = static_cast<int>(random_between(random, 1, 5)),
                               .is_complex = is_complex,
                               .over_num = num,
                               .over_den = den};
        const auto plan = make_pfb_plan(params);
        const auto n_frame = random_between(random, 1, 5), first = random_between(random, -9, 100000);
        const auto x = noise_of(plan, first, first + n_frame, random());
        Array<Complex, 2> memory({n_frame, n_chan + 3});
        const auto out = memory.view().slice(1, 0, n_chan);
        TypeParam::frames(plan, x, first, out);
        for (std::int64_t m = 0; m < n_frame; ++m) {
          const auto wanted = reference_of(params, x, first + m);
          const double bound = TypeParam::kMoreRounding * error_bound(plan, x, first + m);
          for (std::int64_t k = 0; k < n_chan; ++k)
            ASSERT_LE(std::abs(Complex64(out(m, k)) - wanted[static_cast<std::size_t>(k)]), bound)
                << n_chan << (is_complex ? " complex, " : " real, ") << num << "/" << den << ", frame " << m
                << ", channel " << k;
        }
      }
}

// However many frames are asked for, and wherever they go.
TYPED_TEST(PfbOf, BatchesAndGapsBetweenSpectraChangeNoBit) {
  Xoshiro256 random(33);
  for (const auto& params : {PfbParams{.n_chan = 48, .n_tap = 3, .over_num = 4, .over_den = 3},
                             {.n_chan = 15, .n_tap = 3},
                             {.n_chan = 24, .n_tap = 2, .is_complex = false}}) {
    const auto plan = make_pfb_plan(params);
    const auto x = noise_of(plan, -3, 5, random());
    Array<Complex, 2> whole({8, params.n_chan}), parts({8, params.n_chan + 2});
    TypeParam::frames(plan, x, -3, whole.view(), 4);
    for (const std::int64_t n : {1, 3, 4, 8})
      for (std::int64_t m = 0; m < 8; m += n) {
        const auto rows =
            parts.view().slice(0, m, std::min<std::int64_t>(8, m + n)).slice(1, 0, params.n_chan);
        TypeParam::frames(plan, x, -3 + m, rows, 4);
        ASSERT_TRUE(tianyan::equal(rows, whole.view().slice(0, m, m + rows.shape(0)), "frame", "channel"))
            << params.n_chan << " channels, " << n << " frames from " << m;
      }
  }
}

TYPED_TEST(PfbOf, RefusesSamplesAndSpectraThatDoNotFit) {
  const auto plan = make_pfb_plan({.n_chan = 4, .n_tap = 2});  // frame 1: samples [2, 10)
  Array<Complex, 2> out({2, 5});
  const auto good = out.view().slice(1, 0, 4).slice(0, 0, 1);
  EXPECT_NO_THROW(TypeParam::frames(plan, Samples(2, 8, 2), 1, good));
  EXPECT_NO_THROW(TypeParam::frames(plan, Samples(2, 8, 2), 1, good.slice(0, 0, 0)));
  EXPECT_THROW(TypeParam::frames(plan, Samples(3, 8, 2), 1, good), std::invalid_argument);
  EXPECT_THROW(TypeParam::frames(plan, Samples(1, 8, 2), 1, good), std::invalid_argument);
  EXPECT_THROW(TypeParam::frames(plan, Samples(2, 15, 1), 1, good), std::invalid_argument);
  EXPECT_THROW(TypeParam::frames(plan, Samples(2, 8, 2), 1, out.view().slice(1, 0, 4)),
               std::invalid_argument);
  EXPECT_THROW(TypeParam::frames(plan, Samples(2, 8, 2), 1, out.view().slice(0, 0, 1)),
               std::invalid_argument);
}

TEST(DevicePfbPlan, RefusesScratchOfAnother) {
  const Stream stream;
  const auto plan = make_pfb_plan({.n_chan = 4, .n_tap = 2}),
             real = make_pfb_plan({.n_chan = 4, .is_complex = false});
  const DevicePfbPlan device(plan, 2, stream), longer(plan, 3, stream), other(real, 2, stream);
  const DeviceArray<float, 1> x({32});
  const DeviceArray<Complex, 2> out({1, 4});
  for (const auto* wrong : {&longer, &other}) {
    DevicePfbScratch scratch(*wrong, stream);
    EXPECT_THROW(pfb(device, scratch, x.cview(), 2, 1, out.view(), stream), std::invalid_argument);
  }
  const DeviceArray<float, 2> folded({1, 7});
  EXPECT_THROW(pfb_fold(device, x.cview(), 2, 1, folded.view(), stream), std::invalid_argument);
}

}  // namespace
}  // namespace tianyan
