// Polyphase filterbank: what tones and white noise come to.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/kernels/pfb_test.hpp"

namespace tianyan {
namespace {

// exp(2 pi i f n / n_fft) of complex, cos(2 pi f n / n_fft + 0.3) of real input.
Samples tone(const PfbPlan& plan, double f, std::int64_t begin, std::int64_t end) {
  const int n_component = plan.params.n_component();
  const auto first = plan.first_sample(begin);
  Samples x(first, plan.end_sample(end - 1) - first, n_component);
  for (std::int64_t i = 0; i < x.memory.size() / n_component; ++i) {
    const double turns = f * static_cast<double>(first + i) / static_cast<double>(plan.n_fft);
    x.memory(i * n_component) =
        static_cast<float>(std::cos(kTwoPi * turns + (plan.params.is_complex ? 0.0 : 0.3)));
    if (plan.params.is_complex) x.memory(2 * i + 1) = static_cast<float>(std::sin(kTwoPi * turns));
  }
  return x;
}

// At the edge the tone's own channel is 6 dB lower: -67.4 + 6.0 = -61.4 of Hamming, -94.9 + 6.0 of Kaiser.
TEST(Pfb, ToneFallsInItsChannelAndThoseBeyondTheAdjacentDoNotHearIt) {
  for (const auto& [window, limit_db] : {std::pair{PfbWindow::kHamming, -61.3}, {PfbWindow::kKaiser, -88.8}})
    for (const bool is_complex : {true, false})
      for (const std::int64_t n_chan : {32, 33})
        for (const double offset : {-0.5, -0.25, 0.0, 0.1, 0.25, 0.5}) {
          const auto plan =
              make_pfb_plan({.n_chan = n_chan, .n_tap = 8, .is_complex = is_complex, .window = window});
          for (const std::int64_t k : {std::int64_t{12}, n_chan / 2, std::int64_t{20}}) {
            const double f = static_cast<double>(is_complex ? k - n_chan / 2 : k) + offset;
            const auto spectrum = frame_of(plan, tone(plan, f, 5, 6), 5);
            for (std::int64_t c = 0; c < n_chan; ++c) {
              const double db = 20.0 * std::log10(std::abs(spectrum[static_cast<std::size_t>(c)]) /
                                                  std::abs(spectrum[static_cast<std::size_t>(k)]));
              if (std::abs(c - k) > 1) {
                EXPECT_LE(db, limit_db) << "channel " << c << ", tone " << k << " + " << offset;
              } else if (c != k && std::abs(offset) < 0.5) {
                EXPECT_LT(db, 0.0);
              }
            }
          }
        }
}

TEST(Pfb, ToneTurnsByItsDistanceFromTheMiddleOfTheChannel) {
  for (const auto& [num, den] : {std::pair{1, 1}, {4, 3}, {2, 1}, {16, 1}})
    for (const std::int64_t n_chan : {16, 48}) {
      const auto plan = make_pfb_plan({.n_chan = n_chan, .over_num = num, .over_den = den});
      for (const double offset : {-0.5, -0.2, 0.0, 0.35}) {
        const auto x = tone(plan, 3.0 + offset, 1000, 1006);
        const auto k = static_cast<std::size_t>(n_chan / 2 + 3);
        const auto turn = std::polar(
            1.0, kTwoPi * offset * static_cast<double>(plan.hop) / static_cast<double>(plan.n_fft));
        for (std::int64_t m = 1000; m < 1005; ++m) {
          const Complex64 now(frame_of(plan, x, m)[k]), next(frame_of(plan, x, m + 1)[k]);
          EXPECT_GT(std::abs(now), 0.4 * std::sqrt(static_cast<double>(n_chan)));
          EXPECT_LE(std::abs(next - now * turn), 2.0 * error_bound(plan, x, m));
        }
      }
    }
}

TEST(Pfb, OddBanksOfComplexInputHaveTheBandsMiddleInTheirMiddle) {
  const auto plan = make_pfb_plan({.n_chan = 5, .n_tap = 3});
  for (int k = 0; k < 5; ++k) {
    const auto spectrum = frame_of(plan, tone(plan, k - 2.0, 0, 1), 0);
    for (int c = 0; c < 5; ++c)
      EXPECT_EQ(std::abs(spectrum[static_cast<std::size_t>(c)]) > 1.0F, c == k) << c << " " << k;
  }
}

// Of complex Gaussian noise of variance 1, with A(d, e) = sum_n h[n] h[n - d hop] exp(2 pi i e n / N),
//   E X[m][k] X[m + d][k + e]* = A(d, e) exp(2 pi i e s / N),   s the first sample of frame m,
// and the mean of M such products has the variance sum_d |A(d, 0)|^2 / M at most (Isserlis' theorem).
TEST(Pfb, WhiteNoiseStaysWhiteButForTheWindowsOwnCorrelation) {
  constexpr std::int64_t kN = 16, kFrames = 5000, kLags = 6;
  const auto plan = make_pfb_plan({.n_chan = kN, .over_num = 4, .over_den = 3});
  const auto correlation = [&](std::int64_t d, std::int64_t e) {
    Complex64 sum = 0.0;
    for (std::int64_t n = d * plan.hop; n < plan.n_window; ++n)
      sum += std::polar(static_cast<double>(plan.taps(n)) * plan.taps(n - d * plan.hop),
                        kTwoPi * static_cast<double>(e * n) / kN);
    return sum;
  };
  double squares = -1.0;  // that of lag 0 counts once
  for (std::int64_t d = 0; d < kLags; ++d) squares += 2.0 * std::norm(correlation(d, 0));
  auto x = noise_of(plan, 0, kFrames, 11);
  for (std::int64_t i = 0; i < x.memory.size(); ++i) x.memory(i) *= std::numbers::sqrt2_v<float> / 2.0F;
  const auto out = frames_of(plan, x, kFrames);
  double power = 0.0;
  for (std::int64_t d = 0; d < kLags; ++d)
    for (std::int64_t e = 0; e < 4; ++e)
      for (std::int64_t k = 0; k + e < kN; ++k) {
        Complex64 sum = 0.0;
        const auto n = kFrames - d;
        for (std::int64_t m = 0; m < n; ++m) {
          const auto turns = static_cast<double>(e * plan.first_sample(m) % kN) / kN;
          sum += Complex64(out(m, k)) * std::conj(Complex64(out(m + d, k + e))) *
                 std::polar(1.0, -kTwoPi * turns);
        }
        const auto mean = sum / static_cast<double>(n);
        EXPECT_LE(std::abs(mean - correlation(d, e)), 5.0 * std::sqrt(squares / static_cast<double>(n)))
            << "lag " << d << ", channels " << k << " and " << k + e;
        if (d == 0 && e == 0) power += mean.real();
      }
  // The whole power: n_chan channels of variance 1, adjacent ones correlated by |A(0, 1)|^2 < 0.2.
  EXPECT_NEAR(power, kN, 5.0 * std::sqrt(1.4 * kN * squares / kFrames));
}

// A channel's power has the variance 1 of an exponential, that of channel 0 the variance 2 of a square.
TEST(Pfb, RealNoiseHasItsVarianceInEachChannelAndChannel0IsReal) {
  constexpr std::int64_t kChan = 8, kFrames = 6000;
  const auto plan = make_pfb_plan({.n_chan = kChan, .is_complex = false});
  const auto x = noise_of(plan, 0, kFrames, 13);
  const auto out = frames_of(plan, x, kFrames);
  for (std::int64_t k = 0; k < kChan; ++k) {
    double power = 0.0, square = 0.0;
    for (std::int64_t m = 0; m < kFrames; ++m) {
      EXPECT_TRUE(k > 0 || out(m, 0).imag() == 0.0F);
      power += std::norm(Complex64(out(m, k))) / kFrames;
      square += std::pow(std::norm(Complex64(out(m, k))), 2) / kFrames;
    }
    const double variance = k == 0 ? 2.0 : 1.0;
    // sum_d |A(d, 0)|^2 < 1.1 at critical sampling; powers beyond the second are those of the distributions:
    // the variance of P^2 is 20 of an exponential P, 96 of a square.
    EXPECT_NEAR(power, 1.0, 5.0 * std::sqrt(1.1 * variance / kFrames)) << k;
    EXPECT_NEAR(square, variance + 1.0, 5.0 * std::sqrt(1.1 * (k == 0 ? 96.0 : 20.0) / kFrames)) << k;
  }
}

}  // namespace
}  // namespace tianyan
