// Polyphase filterbank: worked by hand, numpy's answers, the sum in double precision, and all that may not
// change a bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/pfb_fold.hpp"
#include "tests/kernels/pfb_test.hpp"
#include "tests/kernels/target_test.hpp"

namespace tianyan {
namespace {

PfbPlan plain_plan(std::int64_t n_chan, int n_tap, bool is_complex = true) {
  return make_pfb_plan(
      {.n_chan = n_chan, .n_tap = n_tap, .is_complex = is_complex, .window = PfbWindow::kRectangular});
}

void expect_near(const std::vector<Complex>& a, const std::vector<Complex64>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); ++k)
    EXPECT_LE(std::abs(Complex64(a[k]) - b[k]), tolerance)
        << "[channel=" << k << "]: " << a[k] << " against " << b[k];
}

// h = 1/2; sum x[n] exp(-2 pi i (k - 2) n / 4) of x = 1, i, 0, 2.
TEST(Pfb, OfOneRectangularTapIsTheFourierTransform) {
  const auto plan = plain_plan(4, 1);
  Samples x(0, 4, 2);
  const float values[] = {1, 0, 0, 1, 0, 0, 2, 0};
  std::copy_n(values, 8, x.memory.data());
  expect_near(frame_of(plan, x, 0), {{-0.5, -0.5}, {0.0, -1.0}, {1.5, 0.5}, {1.0, 1.0}}, 4 * 0x1p-24);
}

// Of an impulse at sample 5 frame 1, which begins at sample 2, has h[3] and frame 0 has h[7], both with the
// phases exp(-2 pi i f 5 / 4) = (-i)^f, f = -2 ... 1; frame 2 begins at 6. h[n] = sinc((n - 3.5) / 4), whose
// squares sum to 2 (0.974495^2 + 0.784213^2 + 0.470528^2 + 0.139213^2) = 3.610816.
TEST(Pfb, OfAnImpulseIsATapAtThePhaseOfItsSample) {
  const auto plan = plain_plan(4, 2);
  Samples x(-2, 16, 2);
  x.memory(2 * (5 + 2)) = 1.0F;
  for (const auto& [frame, tap] : {std::pair{0, 0.0732620}, {1, 0.5128342}, {2, 0.0}})
    expect_near(frame_of(plan, x, frame), {{-tap, 0.0}, {0.0, tap}, {tap, 0.0}, {0.0, -tap}}, 2e-7);
}

// numpy: x = (7*n*n + 3*n) % 17 - 8 + 1j * ((5*n*n + n) % 13 - 6); w as the header has them; X =
//        np.exp(-2j*pi*np.outer(f, s + np.arange(W)) / N) @ (h * x[s:s+W])
TEST(Pfb, IsThatOfNumpy) {
  struct Case {
    PfbParams params;
    std::int64_t frame;
    std::vector<Complex64> spectrum;
  };
  const Case cases[] = {
      {{.n_chan = 4,
        .n_tap = 3,
        .window = PfbWindow::kKaiser,
        .kaiser_beta = 6.0,
        .over_num = 4,
        .over_den = 3},
       2,
       {{5.0156010318761, -3.3157544075865},
        {-2.9718492426354, 2.2326681835482},
        {8.7232596052431, -2.6372542208325},
        {0.20950705909285, -2.97097331032}}},
      {{.n_chan = 3, .n_tap = 4},
       3,
       {{-0.92046735654676, 4.1596024971801},
        {11.465307021669, -2.060694724443},
        {-3.4551447181155, 1.0023465064556}}},
      {{.n_chan = 3, .n_tap = 2, .is_complex = false, .window = PfbWindow::kHann},
       1,
       {{11.929364015325, 0.0}, {-5.1274276087668, 1.3596382170426}, {2.6145636700266, 0.29366711772486}}}};
  for (const auto& c : cases) {
    const int n_component = c.params.n_component();
    Samples x(0, 24, n_component);
    for (int n = 0; n < 24; ++n) {
      x.memory(n * n_component) = static_cast<float>((7 * n * n + 3 * n) % 17 - 8);
      if (c.params.is_complex) x.memory(2 * n + 1) = static_cast<float>((5 * n * n + n) % 13 - 6);
    }
    const auto plan = make_pfb_plan(c.params);
    expect_near(frame_of(plan, x, c.frame), c.spectrum, error_bound(plan, x, c.frame));
    const auto reference = reference_of(c.params, x, c.frame);
    for (std::size_t k = 0; k < reference.size(); ++k)
      EXPECT_NEAR(std::abs(reference[k] - c.spectrum[k]), 0.0, 1e-12);
  }
}

// numpy: the first half of h of n_chan = 4, mirrored in the second.
TEST(PfbTaps, AreThoseOfNumpy) {
  struct Case {
    PfbParams params;
    std::vector<double> half;
  };
  const Case cases[] = {
      {{.n_chan = 4, .n_tap = 1, .window = PfbWindow::kHann}, {0.11957315586905, 0.696923425058676}},
      {{.n_chan = 4, .n_tap = 2, .window = PfbWindow::kRectangular},
       {0.0732620334504708, 0.247618272668421, 0.412697121114035, 0.512834234153295}},
      {{.n_chan = 4, .n_tap = 2},
       {0.0102120364481266, 0.109224581642483, 0.35813160611485, 0.599756165269024}},
      {{.n_chan = 4, .n_tap = 3, .window = PfbWindow::kKaiser, .kaiser_beta = 6.0},
       {-0.005718722581671, -0.0104605997498481, 0.0297490167282198, 0.169307220928618, 0.389299022440449,
        0.564583212765798}}};
  for (const auto& c : cases) {
    const auto h = pfb_taps(c.params);
    ASSERT_EQ(h.size(), 2 * c.half.size());
    for (std::size_t n = 0; n < c.half.size(); ++n) {
      EXPECT_NEAR(h[n], c.half[n], 1e-14);
      EXPECT_NEAR(h[h.size() - 1 - n], c.half[n], 1e-14);
    }
  }
}

TEST(PfbTaps, HaveUnitPowerAndAreFiniteOfTheSmallestBanks) {
  for (const auto window :
       {PfbWindow::kRectangular, PfbWindow::kHann, PfbWindow::kHamming, PfbWindow::kKaiser})
    for (const std::int64_t n_chan : {1, 2, 5})
      for (const int n_tap : {1, 2, 5})
        for (const double beta : {0.0, 8.0, kMaxKaiserBeta}) {
          double squares = 0.0;
          for (const double tap :
               pfb_taps({.n_chan = n_chan, .n_tap = n_tap, .window = window, .kaiser_beta = beta}))
            squares += tap * tap;
          EXPECT_NEAR(squares, 1.0, 1e-14);
        }
}

// The table of the header: the largest response at a distance of so many channels or more, of a tone in the
// middle of a channel; and where it is below -60 dB for good. Responses fall as the windows' do beyond the
// eight channels looked at.
TEST(PfbTaps, RejectTonesAsTheHeaderSays) {
  struct Case {
    int n_tap;
    PfbWindow window;
    double at_1_db, at_1_5_db, at_2_db, last_above;
  };
  constexpr std::int64_t kN = 64, kFine = 64;
  for (const auto& c : {Case{4, PfbWindow::kHamming, -50.2, -67.9, -68.8, 1.12},
                        {4, PfbWindow::kKaiser, -42.1, -83.6, -93.1, 1.09},
                        {8, PfbWindow::kHamming, -63.9, -67.4, -72.1, 0.81},
                        {8, PfbWindow::kKaiser, -83.1, -94.9, -100.9, 0.80}}) {
    const auto h = pfb_taps({.n_chan = kN, .n_tap = c.n_tap, .window = c.window});
    std::vector<double> response_db;
    for (std::int64_t d = 0; d <= 8 * kFine; ++d) {
      Complex64 sum = 0.0;
      for (std::size_t n = 0; n < h.size(); ++n)
        sum += std::polar(h[n], kTwoPi * static_cast<double>(d) * static_cast<double>(n) / (kN * kFine));
      response_db.push_back(20.0 * std::log10(std::abs(sum)));
    }
    const auto from = [&](double d) {
      return *std::max_element(response_db.begin() + static_cast<int>(d * kFine), response_db.end()) -
             response_db.front();
    };
    EXPECT_NEAR(response_db[kFine / 2] - response_db.front(), -6.0, 0.15);
    EXPECT_NEAR(from(1.0), c.at_1_db, 0.15);  // the grid may miss a maximum by 0.1 dB
    EXPECT_NEAR(from(1.5), c.at_1_5_db, 0.15);
    EXPECT_NEAR(from(2.0), c.at_2_db, 0.15);
    EXPECT_LE(from(c.last_above + 1.0 / kFine), -60.0);
    EXPECT_GT(from(c.last_above - 1.5 / kFine), -60.0);
  }
}

TEST(Pfb, IsTheReferenceAtAwkwardSizes) {
  constexpr std::pair<int, int> kOver[] = {{1, 1}, {4, 3}, {32, 27}, {2, 1}};
  Xoshiro256 random(3);
  for (const std::int64_t n_chan : {1, 3, 7, 16, 17, 100, 1023, 1024})
    for (const bool is_complex : {true, false})
      for (const auto& [num, den] : kOver) {
        if (n_chan * (is_complex ? 1 : 2) * den % num != 0) continue;
        const int only = n_chan > 100 ? static_cast<int>(random_between(random, 1, 8)) : 0;
        for (int n_tap = std::max(1, only); n_tap <= (only > 0 ? only : 8); ++n_tap) {
          const PfbParams params{
              .n_chan = n_chan, .n_tap = n_tap, .is_complex = is_complex, .over_num = num, .over_den = den};
          const auto plan = make_pfb_plan(params);
          const auto frame = random_between(random, -9, 100000);
          const auto x = noise_of(plan, frame, frame + 1, random());
          SCOPED_TRACE(testing::Message() << n_chan << (is_complex ? " complex " : " real ") << n_tap
                                          << " taps, " << num << "/" << den << ", frame " << frame);
          expect_near(frame_of(plan, x, frame), reference_of(params, x, frame), error_bound(plan, x, frame));
        }
      }
}

TEST(PfbFold, IsTheSumInOrderOnEveryInstructionSet) {
  Xoshiro256 random(5);
  for (const std::int64_t n : {1, 2, 5, 31, 32, 33, 64, 100, 257})
    for (const int n_tap : {1, 2, 3, 4, 8}) {
      const PfbFold fold{n_tap, n};
      const auto lead = random_between(random, 0, 17);
      std::vector<float> x(static_cast<std::size_t>(lead + n_tap * n)), taps(x.size());
      for (auto& v : x) v = static_cast<float>(random.uniform() - 0.4);
      for (auto& v : taps) v = static_cast<float>(random.uniform() - 0.4);
      const float* first = x.data() + lead;
      for (const auto shift : {std::int64_t{0}, n / 3, n - 1, random_between(random, 0, n - 1)}) {
        std::vector<float> sums(static_cast<std::size_t>(n));
        for (std::int64_t i = 0; i < n; ++i) {
          float sum = taps[static_cast<std::size_t>(fold.tap_index(0, i))] * first[i];
          for (int t = 1; t < n_tap; ++t)
            sum += taps[static_cast<std::size_t>(fold.tap_index(t, i))] * first[t * n + i];
          sums[static_cast<std::size_t>((i + shift) % n)] = shift % 2 == 0 ? sum : -sum;
        }
        sums.push_back(99.0F);
        for_each_target([&] {
          std::vector<float> y(sums.size(), 99.0F);
          pfb_fold(fold, taps.data(), first, shift, shift % 2 != 0, y.data());
          EXPECT_EQ(y, sums) << n << " floats, " << n_tap << " taps, shift " << shift;
        });
      }
    }
}

TEST(PfbFold, HasAPlaceForEachTap) {
  for (const std::int64_t n : {1, 31, 32, 33, 100}) {
    const PfbFold fold{3, n};
    std::vector<int> taken(static_cast<std::size_t>(3 * n));
    for (int t = 0; t < 3; ++t)
      for (std::int64_t i = 0; i < n; ++i) ++taken[static_cast<std::size_t>(fold.tap_index(t, i))];
    EXPECT_EQ(taken, std::vector<int>(static_cast<std::size_t>(3 * n), 1));
  }
}

// Frames of a block that begins anywhere, at any address, to any address, are those of the whole.
TEST(Pfb, BlocksAlignmentThreadsAndInstructionSetsChangeNoBit) {
  Xoshiro256 random(7);
  for (const auto& params : {PfbParams{.n_chan = 48, .over_num = 4, .over_den = 3},
                             {.n_chan = 15, .n_tap = 3},
                             {.n_chan = 10, .n_tap = 2},
                             {.n_chan = 24, .n_tap = 5, .is_complex = false, .over_num = 2}}) {
    const auto plan = make_pfb_plan(params);
    constexpr std::int64_t kFirst = -3, kFrames = 23;
    const int n_component = params.n_component();
    const auto x = noise_of(plan, kFirst, kFirst + kFrames, random());
    Array<Complex, 2> whole({kFrames, params.n_chan});
    for (std::int64_t m = 0; m < kFrames; ++m) {
      const auto spectrum = frame_of(plan, x, kFirst + m);
      std::copy(spectrum.begin(), spectrum.end(), &whole(m, 0));
    }
    for_each_target([&] {
      for (const int n_threads : {1, 2, 3, 7}) {
        std::vector<PfbScratch> scratch;
        for (int i = 0; i < n_threads; ++i) scratch.emplace_back(plan);
        Array<Complex, 2> out({kFrames, params.n_chan + 3});
        const auto rows = out.view().slice(1, n_threads % 3, n_threads % 3 + params.n_chan);
        for (std::int64_t m = 0, n = 0; m < kFrames; m += n) {
          n = random_between(random, 1, kFrames - m);
          const auto first = plan.first_sample(kFirst + m) - random_between(random, 0, m);
          const auto begin = (first - x.first) * n_component,
                     end = (plan.end_sample(kFirst + m + n - 1) - x.first) * n_component;
          Samples block(first, (end - begin) / n_component, n_component, random_between(random, 0, 15));
          std::copy_n(x.memory.data() + begin, end - begin, block.view().data());
          pfb(plan, scratch, block.cview(), first, kFirst + m, rows.slice(0, m, m + n));
        }
        EXPECT_TRUE(tianyan::equal(rows, whole.view(), "frame", "channel"))
            << params.n_chan << " " << n_threads;
        EXPECT_EQ(out(4, params.n_chan + (n_threads % 3 == 0 ? 0 : 2)), Complex(0.0F));
      }
    });
  }
}

TEST(PfbPlan, CentresTheWindowOnTheFramesOwnSamples) {
  const auto plan = make_pfb_plan({.n_chan = 64, .n_tap = 4, .over_num = 32, .over_den = 27});
  EXPECT_EQ(plan.n_fft, 64);
  EXPECT_EQ(plan.hop, 54);
  EXPECT_EQ(plan.n_window, 256);
  EXPECT_EQ(plan.lead, 101);  // 256 / 2 - 54 / 2
  EXPECT_EQ(plan.first_sample(10), 540 - 101);
  EXPECT_EQ(plan.end_sample(10), 540 + 155);
  const auto real = make_pfb_plan({.n_chan = 5, .n_tap = 1, .is_complex = false});
  EXPECT_EQ(real.n_fft, 10);
  EXPECT_EQ(real.hop, 10);
  EXPECT_EQ(real.lead, 0);
}

TEST(PfbFrames, AreAllWhoseSamplesLieInside) {
  for (const auto& params :
       {PfbParams{.n_chan = 8, .n_tap = 3, .over_num = 4, .over_den = 3}, {.n_chan = 3, .n_tap = 1}}) {
    const auto plan = make_pfb_plan(params);
    for (std::int64_t first = -40; first < 40; first += 3)
      for (std::int64_t end = first; end < first + 60; ++end) {
        std::vector<std::int64_t> inside;
        for (std::int64_t m = -50; m < 50; ++m)
          if (plan.first_sample(m) >= first && plan.end_sample(m) <= end) inside.push_back(m);
        const auto frames = pfb_frames(plan, first, end);
        ASSERT_EQ(frames.size(), std::ssize(inside)) << first << " " << end;
        EXPECT_TRUE(inside.empty() || frames.begin == inside.front());
      }
  }
}

TEST(PfbPlan, RefusesWhatIsNoFilterbank) {
  const auto refuses = [](const PfbParams& params) {
    EXPECT_THROW(make_pfb_plan(params), std::invalid_argument);
  };
  refuses({.n_chan = 0});
  refuses({.n_chan = -1});
  refuses({.n_chan = kMaxPfbChannels + 1});
  refuses({.n_chan = 4, .n_tap = 0});
  refuses({.n_chan = 4, .n_tap = kMaxPfbTaps + 1});
  refuses({.n_chan = 4, .kaiser_beta = -0.1});
  refuses({.n_chan = 4, .kaiser_beta = std::nan("")});
  refuses({.n_chan = 4, .kaiser_beta = kMaxKaiserBeta + 1.0});
  refuses({.n_chan = 4, .over_num = 3, .over_den = 4});
  refuses({.n_chan = 4, .over_num = 3, .over_den = 2});  // a hop of 8 / 3 samples
  refuses({.n_chan = 4, .over_num = 0, .over_den = 0});
  refuses({.n_chan = 4, .over_num = -1, .over_den = -1});
}

TEST(Pfb, RefusesSamplesAndSpectraThatDoNotFit) {
  const auto plan = make_pfb_plan({.n_chan = 4, .n_tap = 2});  // frame 1: samples [2, 10)
  PfbScratch scratch(plan);
  Array<float, 1> x({16});
  Array<Complex, 1> spectrum({5});
  const auto run = [&](View<const float, 1> samples, std::int64_t first, View<Complex, 1> out) {
    pfb_frame(plan, scratch, samples, first, 1, out);
  };
  const auto good = spectrum.view().slice(0, 0, 4);
  EXPECT_NO_THROW(run(x.cview(), 2, good));
  EXPECT_THROW(run(x.cview(), 3, good), std::invalid_argument);
  EXPECT_THROW(run(x.cview(), 1, good), std::invalid_argument);
  EXPECT_THROW(run(x.cview().slice(0, 0, 15), 2, good), std::invalid_argument);
  EXPECT_THROW(run(x.cview().slice(0, 0, 0), 2, good), std::invalid_argument);
  EXPECT_THROW(run(View<const float, 1>(x.data(), {16}, {2}), 2, good), std::invalid_argument);
  EXPECT_THROW(run(x.cview(), 2, spectrum.view()), std::invalid_argument);
  EXPECT_THROW(run(x.cview(), 2, View<Complex, 1>(spectrum.data(), {4}, {2})), std::invalid_argument);
  Array<Complex, 2> out({2, 4});
  std::vector<PfbScratch> none, one;
  one.emplace_back(plan);
  for (const auto& other : {PfbParams{.n_chan = 5}, {.n_chan = 4, .is_complex = false}}) {
    std::vector<PfbScratch> wrong;
    wrong.emplace_back(make_pfb_plan(other));
    EXPECT_THROW(pfb_frame(plan, wrong[0], x.cview(), 2, 1, good), std::invalid_argument);
    EXPECT_THROW(pfb(plan, wrong, x.cview(), 2, 1, out.view().slice(0, 0, 1)), std::invalid_argument);
  }
  EXPECT_THROW(pfb(plan, none, x.cview(), 2, 1, out.view()), std::invalid_argument);
  EXPECT_THROW(pfb(plan, one, x.cview(), 2, 1, out.view()), std::invalid_argument);  // frame 2 is not there
  EXPECT_THROW(pfb(plan, one, x.cview(), 2, 1, out.view().slice(1, 0, 3)), std::invalid_argument);
  EXPECT_NO_THROW(pfb(plan, one, x.cview(), 2, 1, out.view().slice(0, 0, 1)));
  EXPECT_NO_THROW(pfb(plan, one, x.cview(), 2, 1, out.view().slice(0, 0, 0)));
}

}  // namespace
}  // namespace tianyan
