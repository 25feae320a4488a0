// Fourier transforms in batches, on the host and on a device.
#include "cuda/fft.hpp"

#include "tests/cuda/device_test.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

using Complex = std::complex<float>;

// Rows of complex numbers with a gap behind each.
struct HostFft {
  static void complex(FftKind kind, View<const Complex, 2> in, View<Complex, 2> out) {
    const Fft fft(kind, in.shape(1));
    Array<Complex, 1> x({in.shape(1)}), y({in.shape(1)});
    for (std::int64_t r = 0; r < in.shape(0); ++r) {
      std::copy_n(in[r].data(), in.shape(1), x.data());
      fft.run(x.data(), y.data());
      std::copy_n(y.data(), in.shape(1), out[r].data());
    }
  }
  static void real(View<const float, 2> in, View<Complex, 2> out) {
    const Fft fft(FftKind::kRealForward, in.shape(1));
    Array<float, 1> x({in.shape(1)});
    Array<Complex, 1> y({out.shape(1)});
    for (std::int64_t r = 0; r < in.shape(0); ++r) {
      std::copy_n(in[r].data(), in.shape(1), x.data());
      fft.run(x.data(), y.data());
      std::copy_n(y.data(), out.shape(1), out[r].data());
    }
  }
};
struct DeviceFftRows {
  static constexpr std::int64_t kInGap = 3, kOutGap = 2;

  static void complex(FftKind kind, View<const Complex, 2> in, View<Complex, 2> out) { run(kind, in, out); }
  static void real(View<const float, 2> in, View<Complex, 2> out) { run(FftKind::kRealForward, in, out); }
  template <class T>
  static void run(FftKind kind, View<const T, 2> in, View<Complex, 2> out) {
    const Stream stream;
    const auto n_row = in.shape(0), n_in = in.shape(1), n_out = out.shape(1);
    const DeviceArray<T, 2> x({n_row, n_in + kInGap});
    const DeviceArray<Complex, 2> y({n_row, n_out + kOutGap});
    const auto rows = x.view().slice(1, 0, n_in);
    upload(in, rows, stream);
    const DeviceFft fft(kind, n_in, {n_row, n_in + kInGap, n_out + kOutGap});
    fft.run(DeviceView<const T, 2>(rows), y.view().slice(1, 0, n_out), stream);
    download(y.cview().slice(1, 0, n_out), out, stream);
    stream.synchronise();
  }
};

template <class Backend>
class FftRowsOf : public testing::Test {};
using Backends = testing::Types<HostFft, DeviceFftRows>;
TYPED_TEST_SUITE(FftRowsOf, Backends);

std::complex<double> turn(std::int64_t k, std::int64_t t, std::int64_t n, double sign) {
  return std::polar(1.0,
                    sign * 2.0 * std::numbers::pi * static_cast<double>(k * t % n) / static_cast<double>(n));
}

// A sum of n terms of modulus |x|, in any order of additions: each rounds by u = 2^-24 of what it gives,
// which the sum of the moduli bounds; n additions, products and roots at most, and the reading. Bluestein's
// algorithm, of long primes, is two transforms of up to 4 n points: the sizes here have none.
double bound(std::int64_t n, double sum_of_moduli) {
  return (static_cast<double>(n) + 8.0) * sum_of_moduli * 0x1p-24;
}

TYPED_TEST(FftRowsOf, HaveTheirSigns) {
  Array<Complex, 2> in({1, 4}), out({1, 4});
  const Complex values[] = {{1, 0}, {0, 1}, {0, 0}, {2, 0}};
  std::copy_n(values, 4, in.data());
  TypeParam::complex(FftKind::kForward, in.cview(), out.view());
  EXPECT_EQ(out(0, 1), Complex(2.0F, 2.0F));  // 1 + i (-i) + 2 (i)
  TypeParam::complex(FftKind::kBackward, in.cview(), out.view());
  EXPECT_EQ(out(0, 1), Complex(0.0F, -2.0F));  // 1 + i (i) + 2 (-i)
}

TYPED_TEST(FftRowsOf, AreTheSumsAtAwkwardSizes) {
  Xoshiro256 random(21);
  for (const std::int64_t n : {1, 2, 3, 7, 12, 35, 64})
    for (const FftKind kind : {FftKind::kForward, FftKind::kBackward, FftKind::kRealForward}) {
      const bool is_real = kind == FftKind::kRealForward;
      const auto n_out = is_real ? n / 2 + 1 : n, n_row = random_between(random, 1, 4);
      Array<Complex, 2> in({n_row, n}), out({n_row, n_out});
      Array<float, 2> real({n_row, n});
      for (std::int64_t i = 0; i < in.size(); ++i) {
        real.data()[i] = static_cast<float>(random.uniform() - 0.4);
        in.data()[i] = {real.data()[i], is_real ? 0.0F : static_cast<float>(random.uniform() - 0.4)};
      }
      if (is_real) {
        TypeParam::real(real.cview(), out.view());
      } else {
        TypeParam::complex(kind, in.cview(), out.view());
      }
      for (std::int64_t r = 0; r < n_row; ++r)
        for (std::int64_t k = 0; k < n_out; ++k) {
          std::complex<double> sum;
          double moduli = 0.0;
          for (std::int64_t t = 0; t < n; ++t) {
            sum += std::complex<double>(in(r, t)) * turn(k, t, n, kind == FftKind::kBackward ? 1.0 : -1.0);
            moduli += std::abs(in(r, t));
          }
          ASSERT_LE(std::abs(std::complex<double>(out(r, k)) - sum), bound(n, moduli))
              << n << " points, row " << r << ", bin " << k;
        }
    }
}

TEST(DeviceFft, MayWriteOverWhatItReads) {
  const Stream stream;
  Array<Complex, 2> in({2, 6}), wanted({2, 6}), out({2, 6});
  for (int i = 0; i < 12; ++i) in.data()[i] = {static_cast<float>(i * i % 7), static_cast<float>(i % 5)};
  const auto x = on_device(in.cview(), stream);
  const DeviceArray<Complex, 2> y({2, 6});
  const DeviceFft fft(FftKind::kForward, 6, {.n_row = 2});
  fft.run(x.cview(), y.view(), stream);
  fft.run(x.cview(), x.view(), stream);
  to_host(y, wanted.view(), stream);
  to_host(x, out.view(), stream);
  for (int i = 0; i < 12; ++i) EXPECT_NEAR(std::abs(out.data()[i] - wanted.data()[i]), 0.0, bound(6, 42.0));
}

TEST(DeviceFft, RefusesWhatItsPlanIsNotFor) {
  EXPECT_THROW(DeviceFft(FftKind::kForward, 0, {}), std::invalid_argument);
  EXPECT_THROW(DeviceFft(FftKind::kForward, 4, {.n_row = 0}), std::invalid_argument);
  EXPECT_THROW(DeviceFft(FftKind::kForward, 1 << 20, {.n_row = 1 << 11}), std::invalid_argument);
  EXPECT_THROW(DeviceFft(FftKind::kForward, 4, {.out_pitch = 3}), std::invalid_argument);
  const Stream stream;
  const DeviceArray<Complex, 2> x({2, 8}), y({2, 8});
  const DeviceArray<float, 2> real({2, 8});
  const DeviceFft fft(FftKind::kForward, 8, {.n_row = 2}), real_fft(FftKind::kRealForward, 8, {.n_row = 2});
  EXPECT_THROW(fft.run(real.cview(), y.view().slice(1, 0, 5), stream), std::invalid_argument);
  EXPECT_THROW(real_fft.run(x.cview(), y.view(), stream), std::invalid_argument);
  EXPECT_THROW(fft.run(x.cview().slice(0, 0, 1), y.view(), stream), std::invalid_argument);
  EXPECT_THROW(fft.run(x.cview(), y.view().slice(1, 0, 7), stream), std::invalid_argument);
  EXPECT_THROW(real_fft.run(real.cview(), y.view().slice(1, 0, 5), stream),
               std::invalid_argument);  // its pitch
}

}  // namespace
}  // namespace tianyan
