// Pages of detections: PNGs of a synthetic dispersed pulse, under the wanted name and nothing beside it.
#include "io/detection_plot.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <vector>

#include "io/giza_page.hpp"
#include "kernels/base/array.hpp"

namespace tianyan {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

double gaussian(double offset, double sigma) { return std::exp(-0.5 * offset * offset / (sigma * sigma)); }

/// A pulse of 2 ms at DM 565 in 1000 to 1500 MHz, with a band of flagged channels.
struct Synthetic {
  Array<float, 2> before{{128, 512}}, after{{128, 256}}, dm_time{{96, 480}};
  Array<float, 1> profile{{256}};
  DetectionPlot plot;

  Synthetic() {
    plot.candidate = {1, 4.0, 565.25, 0.47, 23.4, 0.002, 1499.939, 431};
    plot.arrival = {59000, 4.0};
    plot.id = "TY20200531T000004.000_M01";
    plot.source = "FRB{20121102}_A";
    plot.file = "/data/2020/FRB121102_tracking-M01_0001.fits";
    plot.before_time_s = {-0.2, 1.6};
    plot.after_time_ms = {-50.0, 50.0};
    plot.freq_mhz = {1000.0, 1500.0};
    plot.dm_time_ms = {-100.0, 100.0};
    plot.dm_pc_cm3 = {515.0, 615.0};
    fill();
    plot.dynamic_before = before.cview();
    plot.dynamic_after = after.cview();
    plot.profile = profile.cview();
    plot.dm_time = dm_time.cview();
  }

  void fill() {
    std::mt19937 engine(12345);
    std::normal_distribution<double> noise;
    for (int c = 0; c < 128; ++c) {
      const double freq_mhz = 1000.0 + (c + 0.5) * 500.0 / 128;
      const double delay_s = dispersion_delay_s(565.25, freq_mhz, 1499.939);
      const bool is_flagged = c >= 40 && c < 58;
      for (int t = 0; t < 512; ++t) {
        const double time_s = -0.2 + (t + 0.5) * 1.8 / 512;
        before(c, t) =
            is_flagged ? kNan : static_cast<float>(noise(engine) + 4 * gaussian(time_s - delay_s, 0.004));
      }
      for (int t = 0; t < 256; ++t) {
        const double time_ms = -50.0 + (t + 0.5) * 100.0 / 256;
        after(c, t) = is_flagged ? kNan : static_cast<float>(noise(engine) + 3 * gaussian(time_ms, 1.0));
        profile(t) = static_cast<float>(c == 0 ? noise(engine) + 22 * gaussian(time_ms, 1.0) : profile(t));
      }
    }
    for (int d = 0; d < 96; ++d)
      for (int t = 0; t < 480; ++t) {
        const double ddm = 515.0 + (d + 0.5) * 100.0 / 96 - 565.25;
        const double time_ms = -100.0 + (t + 0.5) * 200.0 / 480, smear_ms = 1.0 + 0.8 * std::abs(ddm);
        dm_time(d, t) = static_cast<float>(0.8 * noise(engine) + 22 / std::sqrt(smear_ms) *
                                                                     gaussian(time_ms + ddm * 0.6, smear_ms));
      }
  }
};

class DetectionPng : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = ::testing::TempDir() + "tianyan_plot_" + test->name() + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::vector<std::string> files_in(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      names.push_back(entry.path().filename().string());
    return names;
  }

  std::string folder_;
};

/// Checks the signature and the size in the IHDR chunk.
void expect_page(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<unsigned char> head(24);
  ASSERT_TRUE(in.read(reinterpret_cast<char*>(head.data()), 24)) << path;
  EXPECT_EQ(std::string(head.begin(), head.begin() + 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(std::string(head.begin() + 12, head.begin() + 16), "IHDR");
  const auto big_endian = [&](int i) {
    return int{head[i]} << 24 | head[i + 1] << 16 | head[i + 2] << 8 | head[i + 3];
  };
  EXPECT_EQ(big_endian(16), 1200);
  EXPECT_EQ(big_endian(20), 1000);
}

TEST_F(DetectionPng, IsAPageUnderTheWantedNameOnly) {
  const Synthetic synthetic;
  ::testing::internal::CaptureStdout();
  write_detection_png(folder_ + "/TY1_M01.png", synthetic.plot);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  expect_page(folder_ + "/TY1_M01.png");
  EXPECT_EQ(files_in(folder_), std::vector<std::string>{"TY1_M01.png"});
}

TEST_F(DetectionPng, KeepsNamesThatGizaWouldChange) {
  const Synthetic synthetic;
  for (const std::string name : {"no_extension", "two words.PNG", "a.png.b"}) {
    write_detection_png(folder_ + "/" + name, synthetic.plot);
    expect_page(folder_ + "/" + name);
    EXPECT_EQ(files_in(folder_), std::vector<std::string>{name});
    std::filesystem::remove(folder_ + "/" + name);
  }
}

TEST_F(DetectionPng, LiesAtPathsLongerThanGizaCanHold) {
  const std::string deep = folder_ + "/" + std::string(150, 'a') + "/" + std::string(150, 'b');
  std::filesystem::create_directories(deep);
  write_detection_png(deep + "/p.png", Synthetic().plot);
  expect_page(deep + "/p.png");
  EXPECT_EQ(files_in(deep), std::vector<std::string>{"p.png"});
}

TEST_F(DetectionPng, IsTheSameBytesEachTime) {
  const Synthetic synthetic;
  const auto bytes = [&](const std::string& name) {
    write_detection_png(folder_ + name, synthetic.plot);
    std::ifstream in(folder_ + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_TRUE(bytes("/one.png") == bytes("/two.png"));
}

TEST_F(DetectionPng, DrawsOneBinAndNoDataAtAll) {
  Synthetic synthetic;
  const std::vector<float> nothing(1, kNan);
  DetectionPlot plot = synthetic.plot;
  plot.dynamic_before = plot.dynamic_after = plot.dm_time = View<const float, 2>(nothing.data(), {1, 1});
  plot.profile = View<const float, 1>(nothing.data(), {1});
  plot.source = plot.file = plot.id = "";
  write_detection_png(folder_ + "/empty.png", plot);
  expect_page(folder_ + "/empty.png");
}

TEST_F(DetectionPng, RefusesShapesAndRangesThatCannotBeDrawn) {
  const Synthetic synthetic;
  const auto expect_refused = [&](auto&& spoil) {
    DetectionPlot plot = synthetic.plot;
    spoil(plot);
    EXPECT_THROW(write_detection_png(folder_ + "/bad.png", plot), std::invalid_argument);
  };
  expect_refused([](DetectionPlot& p) { p.dynamic_before = {}; });
  expect_refused([](DetectionPlot& p) { p.dm_time = {}; });
  expect_refused([](DetectionPlot& p) { p.profile = p.profile.slice(0, 0, 255); });
  expect_refused([](DetectionPlot& p) { p.after_time_ms = {50.0, -50.0}; });
  expect_refused([](DetectionPlot& p) { p.freq_mhz.first = 0.0; });
  expect_refused([](DetectionPlot& p) { p.candidate.dm_pc_cm3 = std::nan(""); });
  expect_refused([](DetectionPlot& p) { p.dm_pc_cm3.last = std::nan(""); });
  EXPECT_TRUE(files_in(folder_).empty());
}

TEST_F(DetectionPng, NamesTheFileThatCannotBeWritten) {
  const Synthetic synthetic;
  EXPECT_THROW(write_detection_png(folder_ + "/none/p.png", synthetic.plot), std::runtime_error);
  EXPECT_TRUE(files_in(folder_).empty());
}

TEST(RobustLimits, IgnoreNanAndAreNeverEmpty) {
  std::vector<float> values = {kNan, 3, 1, 2, 5, 4, 1000, kNan};
  const ColourLimits limits = robust_limits(View<const float, 2>(values.data(), {2, 4}), 0.0, 0.8);
  EXPECT_EQ(limits.low, 1.0);
  EXPECT_EQ(limits.high, 5.0);
  values.assign(8, 7.0f);
  const ColourLimits flat = robust_limits(View<const float, 2>(values.data(), {2, 4}), 0.0, 1.0);
  EXPECT_LT(flat.low, flat.high);
}

TEST(GizaLiteral, EscapesWhatGizaWouldInterpretAndDropsWhatItCannotDraw) {
  EXPECT_EQ(giza_literal("a_b^{c}\\d"), "a\\_b\\^\\{c\\}\\\\d");
  EXPECT_EQ(giza_literal("5 \xc2\xb5s\n"), "5 ?s?");
}

}  // namespace
}  // namespace tianyan
