// Coherent dedispersion, on the host and on a device.
#include "cuda/coherent.hpp"

#include "kernels/base/units.hpp"
#include "tests/cuda/device_test.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Complex = std::complex<float>;

// out [row][n_valid] of in [row][n_fft] at each of the plans in turn, rows as CoherentRows has them.
struct HostCoherent {
  static void steps(const std::vector<const CoherentPlan*>& plans, const CoherentRows& rows,
                    std::int64_t first_channel, View<const Complex, 2> in, View<Complex, 3> out) {
    CoherentScratch scratch(plans.front()->n_fft);
    for (std::int64_t r = 0; r < rows.n_row; ++r) {
      forward_step(*plans.front(), scratch, in[r]);
      for (std::int64_t d = 0; d < std::ssize(plans); ++d)
        backward_step(*plans[static_cast<std::size_t>(d)], scratch, first_channel + r % rows.n_channel,
                      out[d][r]);
    }
  }
};
struct DeviceCoherent {
  static void steps(const std::vector<const CoherentPlan*>& plans, const CoherentRows& rows,
                    std::int64_t first_channel, View<const Complex, 2> in, View<Complex, 3> out) {
    const Stream stream;
    const auto n_fft = plans.front()->n_fft;
    // As the host's rows lie in memory: they may overlap.
    const View<const Complex, 1> memory(in.data(), {(rows.n_row - 1) * in.stride(0) + n_fft});
    const auto samples = on_device(memory, stream);
    const DeviceView<const Complex, 2> x(
        View<const Complex, 2>(samples.data(), in.shape(), {in.stride(0), 1}));
    DeviceCoherentScratch scratch(n_fft, {rows.n_row, rows.n_channel, in.stride(0)});
    const DeviceArray<Complex, 2> y({rows.n_row, n_fft});
    forward_step(scratch, x, stream);
    for (std::int64_t d = 0; d < std::ssize(plans); ++d) {
      const DeviceCoherentPlan plan(*plans[static_cast<std::size_t>(d)], stream);
      backward_step(plan, scratch, first_channel, y.view(), stream);
      download(y.cview().slice(1, plan.n_before(), plan.n_before() + plan.n_valid()), out[d], stream);
      stream.synchronise();
    }
  }
};

template <class Backend>
class CoherentStepsOf : public testing::Test {};
using Backends = testing::Types<HostCoherent, DeviceCoherent>;
TYPED_TEST_SUITE(CoherentStepsOf, Backends);

// As tests/kernels/test_coherent.cpp has it: two transforms, each log2(n) stages of 8 roundings, a product
// and a rounded chirp, relative to the norm of all samples.
double transform_bound(std::int64_t n) {
  return (16.0 * std::ceil(std::log2(static_cast<double>(n))) + 6.0) * 0x1p-24;
}

double norm_of(View<const Complex, 1> x) {
  double sum = 0.0;
  for (std::int64_t t = 0; t < x.shape(0); ++t) sum += std::norm(std::complex<double>(x[t]));
  return std::sqrt(sum);
}

Array<Complex, 1> noise(std::int64_t n, Xoshiro256& random) {
  Array<Complex, 1> x({n});
  for (std::int64_t t = 0; t < n; ++t)
    x(t) = {static_cast<float>(gaussian(random)), static_cast<float>(gaussian(random))};
  return x;
}

TYPED_TEST(CoherentStepsOf, AgreeWithNumpy) {
  // The numbers of Coherent.AgreesWithNumpy in tests/kernels/test_coherent.cpp: sample 6 of 12, channel 1.
  Array<Complex, 2> x({1, 12});
  for (int t = 0; t < 12; ++t)
    x(0, t) = {static_cast<float>((7 * t + 3) % 11 - 5), static_cast<float>((5 * t + 1) % 7 - 3)};
  const CoherentParams params{2, 300.0, 1.0, 1.25, 0.02};
  const auto plan = make_coherent_plan(params, CoherentLengths{6, 5, 12, 1});
  Array<Complex, 3> out({1, 1, 1});
  TypeParam::steps({&plan}, {1, 1}, 1, x.cview(), out.view());
  EXPECT_LT(std::abs(out(0, 0, 0) - Complex(2.7624471F, -0.6402757F)),
            1e-6 + transform_bound(12) * norm_of(x.cview()[0]));
}

// Two polarisations of three channels; rows of steps that overlap.
TYPED_TEST(CoherentStepsOf, AreThePartsOfTheReferenceThatDoNotWrap) {
  Xoshiro256 random(41);
  for (const std::int64_t n_fft : {243, 256, 420}) {
    CoherentParams params{
        .n_chan = 5, .freq_low_mhz = 400.0, .channel_spacing_mhz = 0.25, .sample_rate_mhz = 0.3};
    params.dm_pc_cm3 = 5.0;
    const auto lengths = coherent_lengths(params, n_fft);
    const auto plan = make_coherent_plan(params, lengths);
    params.dm_pc_cm3 = 2.0;
    const auto smaller = make_coherent_plan(params, lengths);
    ASSERT_GT(plan.n_valid, 0);
    for (const std::int64_t pitch : {n_fft, n_fft + 3, plan.n_valid}) {
      const CoherentRows rows{6, 3};
      const auto memory = noise(5 * pitch + n_fft, random);
      const View<const Complex, 2> x(memory.data(), {6, n_fft}, {pitch, 1});
      Array<Complex, 3> out({2, 6, plan.n_valid});
      TypeParam::steps({&plan, &smaller}, rows, 2, x, out.view());
      for (int d = 0; d < 2; ++d)
        for (std::int64_t r = 0; r < 6; ++r) {
          params.dm_pc_cm3 = d == 0 ? 5.0 : 2.0;
          Array<Complex, 1> whole({n_fft});
          dedisperse_reference(params, 2 + r % 3, x[r], whole.view());
          for (std::int64_t t = 0; t < plan.n_valid; ++t)
            ASSERT_LT(std::abs(out(d, r, t) - whole(plan.n_before + t)),
                      transform_bound(n_fft) * norm_of(x[r]))
                << n_fft << " points, pitch " << pitch << ", DM " << d << ", row " << r << ", time " << t;
        }
    }
  }
}

TYPED_TEST(CoherentStepsOf, RefuseChannelsThatAreNotThere) {
  const auto plan = make_coherent_plan(
      {.n_chan = 5, .freq_low_mhz = 400.0, .channel_spacing_mhz = 0.25, .sample_rate_mhz = 0.25}, 8);
  Array<Complex, 2> in({2, 8});
  Array<Complex, 3> out({1, 2, plan.n_valid});
  EXPECT_NO_THROW(TypeParam::steps({&plan}, {2, 2}, 3, in.cview(), out.view()));
  EXPECT_THROW(TypeParam::steps({&plan}, {2, 2}, 4, in.cview(), out.view()), std::invalid_argument);
  EXPECT_THROW(TypeParam::steps({&plan}, {2, 2}, -1, in.cview(), out.view()), std::invalid_argument);
}

TEST(CoherentProduct, IsTheHostsToTheBit) {
  Xoshiro256 random(42);
  const auto plan = make_coherent_plan({.n_chan = 4,
                                        .freq_low_mhz = 400.0,
                                        .channel_spacing_mhz = 0.25,
                                        .sample_rate_mhz = 0.25,
                                        .dm_pc_cm3 = 3.0},
                                       300);
  const Stream stream;
  const DeviceCoherentPlan device(plan, stream);
  DeviceCoherentScratch scratch(300, {4, 2});
  const auto memory = noise(4 * 300, random);
  const View<const Complex, 2> a(memory.data(), {4, 300});
  upload(a, scratch.spectrum.view(), stream);
  const DeviceArray<Complex, 2> product({4, 300});
  multiply_by_response(device, scratch, 1, product.view(), stream);
  Array<Complex, 2> out({4, 300});
  to_host(product, out.view(), stream);
  for (std::int64_t r = 0; r < 4; ++r)
    for (std::int64_t k = 0; k < 300; ++k) {
      const Complex x = a(r, k), h = plan.response(1 + r % 2, k);
      ASSERT_EQ(out(r, k).real(), x.real() * h.real() - x.imag() * h.imag()) << r << " " << k;
      ASSERT_EQ(out(r, k).imag(), x.imag() * h.real() + x.real() * h.imag()) << r << " " << k;
    }
}

TEST(DeviceCoherentScratch, RefusesWhatItIsNotFor) {
  EXPECT_THROW(DeviceCoherentScratch(8, {3, 2}), std::invalid_argument);
  EXPECT_THROW(DeviceCoherentScratch(8, {2, 0}), std::invalid_argument);
  const Stream stream;
  const auto plan = make_coherent_plan(
      {.n_chan = 5, .freq_low_mhz = 400.0, .channel_spacing_mhz = 0.25, .sample_rate_mhz = 0.25}, 8);
  const DeviceCoherentPlan device(plan, stream);
  DeviceCoherentScratch scratch(8, {2, 2}), longer(9, {2, 2});
  const DeviceArray<Complex, 2> x({2, 9});
  const auto good = x.view().slice(1, 0, 8);
  const DeviceArray<Complex, 2> y({2, 8});
  EXPECT_THROW(forward_step(scratch, x.cview(), stream), std::invalid_argument);
  EXPECT_THROW(forward_step(scratch, x.cview().slice(1, 0, 8), stream), std::invalid_argument);  // 9 apart
  EXPECT_THROW(backward_step(device, longer, 0, y.view(), stream), std::invalid_argument);
  EXPECT_THROW(backward_step(device, scratch, 0, y.view().slice(0, 0, 1), stream), std::invalid_argument);
  EXPECT_THROW(backward_step(device, scratch, 0, good, stream), std::invalid_argument);  // with gaps
}

}  // namespace
}  // namespace tianyan
