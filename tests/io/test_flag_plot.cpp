// Pages of flags: PNGs of made-up flags, read back pixel by pixel.
#include "io/flag_plot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "io/hdf5_file.hpp"
#include "kernels/base/array.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kFreqLowMhz = 1000.0, kFreqHighMhz = 1500.0, kLengthS = 12.885;

/// The view of a vector, which must outlive it.
View<const float, 1> view_of(const std::vector<float>& values) {
  return {values.data(), {static_cast<std::int64_t>(values.size())}};
}

double gaussian(double offset, double sigma) { return std::exp(-0.5 * offset * offset / (sigma * sigma)); }

/// An observation of 1000 to 1500 MHz as a 512 x 512 page has it: one channel bin in 33 flagged, satellites
/// in 1172 to 1181 MHz always, two stripes of time, mains lines in the zero-DM series.
struct Synthetic {
  static constexpr int kBins = 512;
  static constexpr int kFirstStripe = 150, kSecondStripe = 371;  ///< time bins

  Array<float, 2> occupancy{{kBins, kBins}};
  std::vector<float> channel_occupancy, time_occupancy, bandpass, noise, bandpass_kept, zero_dm;
  FlagPlot plot;

  Synthetic() {
    fill_occupancy();
    fill_levels();
    plot.title = "M01  Dec+2812_{10}_05";
    plot.subtitle = "Dec+2812_10_05_arcdrift-M01_0001.fits, 2020-05-31 12:34:56 UTC, 12.9 s, 4096 channels";
    plot.freq_mhz = {kFreqLowMhz, kFreqHighMhz};
    plot.time_s = {0.0, kLengthS};
    plot.rule_fraction = {0.0,    0.0,    0.0195, 0.0,    0.0029, 0.0,
                          0.0131, 0.0067, 0.0045, 0.0008, 0.0059, 0.00002};
    fill_spectrum();
    bind();
  }

  void bind() {
    plot.occupancy = occupancy.cview();
    plot.channel_occupancy = view_of(channel_occupancy);
    plot.time_occupancy = view_of(time_occupancy);
    plot.bandpass = view_of(bandpass);
    plot.noise = view_of(noise);
    plot.bandpass_kept = view_of(bandpass_kept);
    plot.zero_dm = view_of(zero_dm);
  }

  static double freq_mhz(int c) { return kFreqLowMhz + (c + 0.5) * (kFreqHighMhz - kFreqLowMhz) / kBins; }
  static bool is_satellite(int c) { return freq_mhz(c) > 1172.0 && freq_mhz(c) < 1181.0; }
  static bool is_narrow(int c) { return c % 33 == 20; }
  static bool is_stripe(int t) { return t == kFirstStripe || (t >= kSecondStripe && t < kSecondStripe + 3); }

  void fill_occupancy() {
    std::mt19937 engine(7);
    std::uniform_real_distribution<float> uniform;
    channel_occupancy.assign(kBins, 0.0f);
    time_occupancy.assign(kBins, 0.0f);
    for (int c = 0; c < kBins; ++c)
      for (int t = 0; t < kBins; ++t) {
        const float now_and_then = uniform(engine) < 0.01f ? 0.6f * uniform(engine) : 0.0f;
        const bool is_all = is_satellite(c) || is_narrow(c) || is_stripe(t);
        occupancy(c, t) = is_all ? 1.0f : now_and_then;
        channel_occupancy[c] += occupancy(c, t) / kBins;
        time_occupancy[t] += occupancy(c, t) / kBins;
      }
  }

  void fill_levels() {
    std::mt19937 engine(8);
    std::normal_distribution<double> normal;
    for (int c = 0; c < kBins; ++c) {
      const double edge = 1.0 - 0.8 * (gaussian(freq_mhz(c) - 1000, 25) + gaussian(freq_mhz(c) - 1500, 25));
      const double interference = is_satellite(c) ? 90.0 : is_narrow(c) ? 30.0 : 0.0;
      const double mean = edge * (62.0 + 6.0 * std::sin(freq_mhz(c) / 30.0)) + interference;
      bandpass.push_back(static_cast<float>(mean + 0.3 * normal(engine)));
      noise.push_back(static_cast<float>(0.13 * mean + 0.05 * normal(engine)));
      bandpass_kept.push_back(interference > 0.0 ? kNan : bandpass.back());
      const double sum = is_stripe(c) ? 80.0 + 40.0 * (c % 2) : 3.4 + 0.4 * normal(engine);
      zero_dm.push_back(static_cast<float>(sum));  // c counts time bins here
    }
  }

  void fill_spectrum() {
    std::mt19937 engine(9);
    std::exponential_distribution<double> exponential;
    for (int i = 0; i < 16384; ++i) {
      const double hz = i / kLengthS;
      const double line = std::abs(hz - 50.0) < 0.05 ? 900.0 : std::abs(hz - 100.0) < 0.05 ? 200.0 : 0.0;
      plot.line_hz.push_back(hz);
      plot.line_power.push_back((1.0 + std::pow(1.5 / std::max(hz, 0.01), 2.0)) * exponential(engine) + line);
    }
  }
};

std::uint32_t big_endian(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(i));
  return value;
}

/// What a zlib stream holds. HDF5 has zlib inside: the stream becomes the one chunk of a data set in memory.
std::vector<unsigned char> inflated(const std::string& stream, std::size_t size) {
  const Hdf5Lock lock;
  const std::string name = "inflated";
  Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, name, "make");
  check_hdf5(H5Pset_fapl_core(access, 1 << 20, 0), name, "set");
  Hdf5Id file(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose, name, "make");
  Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, name, "make");
  const hsize_t extent = size, origin = 0;
  check_hdf5(H5Pset_chunk(creation, 1, &extent), name, "set");
  check_hdf5(H5Pset_deflate(creation, 6), name, "set");
  Hdf5Id space(H5Screate_simple(1, &extent, nullptr), H5Sclose, name, "make");
  Hdf5Id data(H5Dcreate2(file, "d", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose, name,
              "make");
  check_hdf5(H5Dwrite_chunk(data, H5P_DEFAULT, 0, &origin, stream.size(), stream.data()), name, "write");
  std::vector<unsigned char> bytes(size);
  check_hdf5(H5Dread(data, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), name, "read");
  return bytes;
}

struct Colour {
  int red = 0, green = 0, blue = 0;
  bool operator==(const Colour&) const = default;
};
void PrintTo(const Colour& c, std::ostream* out) { *out << c.red << '/' << c.green << '/' << c.blue; }

constexpr Colour kWhite{255, 255, 255}, kNoData{0xc7, 0xc7, 0xc7}, kBlue{0x1f, 0x4f, 0x99};

/// A PNG of 8-bit red, green, blue and perhaps opacity, without interlacing: what cairo writes.
class Png {
 public:
  explicit Png(const std::string& path) {
    const std::string bytes = test::read_file(path);
    if (bytes.size() < 33 || bytes.substr(0, 8) != "\x89PNG\r\n\x1a\n" || bytes.substr(12, 4) != "IHDR")
      throw std::runtime_error(path + " is no PNG");
    width_ = static_cast<int>(big_endian(bytes, 16));
    height_ = static_cast<int>(big_endian(bytes, 20));
    n_bytes_ = bytes[25] == 6 ? 4 : 3;
    std::string stream;
    for (std::size_t at = 8; at + 12 <= bytes.size(); at += big_endian(bytes, at) + 12)
      if (bytes.substr(at + 4, 4) == "IDAT") stream += bytes.substr(at + 8, big_endian(bytes, at));
    pixels_ = inflated(stream, static_cast<std::size_t>(row_bytes() + 1) * height_);
    for (int row = 0; row < height_; ++row) unfilter(row);
  }
  int width() const { return width_; }
  int height() const { return height_; }
  /// x and y from the page's lower left corner, as PanelPixels.
  Colour at(int x, int y) const {
    const unsigned char* p = pixels_.data() + offset(height_ - 1 - y) + 1 + x * n_bytes_;
    return {p[0], p[1], p[2]};
  }

 private:
  int row_bytes() const { return width_ * n_bytes_; }
  std::size_t offset(int row) const { return static_cast<std::size_t>(row) * (row_bytes() + 1); }

  /// Bytes are differences from the byte at the left, above, or a mixture (PNG specification, chapter 9).
  void unfilter(int row) {
    unsigned char* line = pixels_.data() + offset(row) + 1;
    for (int i = 0; i < row_bytes(); ++i) {
      const int left = i >= n_bytes_ ? line[i - n_bytes_] : 0;
      const int up = row > 0 ? line[i - row_bytes() - 1] : 0;
      const int corner = i >= n_bytes_ && row > 0 ? line[i - row_bytes() - 1 - n_bytes_] : 0;
      const int predicted[] = {0, left, up, (left + up) / 2, paeth(left, up, corner)};
      line[i] = static_cast<unsigned char>(line[i] + predicted[line[-1]]);
    }
  }
  static int paeth(int left, int up, int corner) {
    const int guess = left + up - corner;
    const int to_left = std::abs(guess - left), to_up = std::abs(guess - up),
              to_corner = std::abs(guess - corner);
    if (to_left <= to_up && to_left <= to_corner) return left;
    return to_up <= to_corner ? up : corner;
  }

  int width_ = 0, height_ = 0, n_bytes_ = 0;
  std::vector<unsigned char> pixels_;
};

// Where the panels of flag_plot.cpp lie, without the edges that frames and ticks cover.
struct Inside {
  int left, right, bottom, top;
};
constexpr Inside kZeroDm{92, 836, 889, 935}, kTimes{92, 836, 809, 843}, kImage{92, 836, 280, 768},
    kChannels{902, 1080, 280, 768}, kRules{866, 1180, 820, 935}, kBandpass{92, 378, 86, 194},
    kNoise{487, 773, 86, 194}, kSpectrum{882, 1168, 86, 194};
constexpr int kImageLeft = 80, kImageBottom = 268, kImageWidth = 768, kImageHeight = 512;

// Lines are blended with what is under them, so their hues are counted.
bool is_blue(const Colour& c) { return c.blue > c.red + 60; }
bool is_orange(const Colour& c) { return c.red > c.blue + 60; }
bool is_dark(const Colour& c) { return c.red + c.green + c.blue < 200; }

template <class Is>
int count(const Png& png, const Inside& panel, Is is) {
  int n = 0;
  for (int y = panel.bottom; y < panel.top; ++y)
    for (int x = panel.left; x < panel.right; ++x) n += is(png.at(x, y));
  return n;
}

/// The column of a panel's highest blue pixel; -1 where there is none.
int column_of_highest(const Png& png, const Inside& panel) {
  for (int y = panel.top - 1; y >= panel.bottom; --y)
    for (int x = panel.left; x < panel.right; ++x)
      if (is_blue(png.at(x, y))) return x;
  return -1;
}

int n_different(const Png& one, const Png& two, const Inside& panel) {
  int n = 0;
  for (int y = panel.bottom; y < panel.top; ++y)
    for (int x = panel.left; x < panel.right; ++x) n += !(one.at(x, y) == two.at(x, y));
  return n;
}

Png drawn(const FlagPlot& plot) {
  const test::TempFolder folder;
  write_flag_png(folder / "page.png", plot);
  return Png(folder / "page.png");
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

/// One page of the synthetic observation for all tests that look at it.
class FlagPage : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    synthetic_ = std::make_unique<Synthetic>();
    png_ = std::make_unique<Png>(drawn(synthetic_->plot));
  }
  static void TearDownTestSuite() {
    png_.reset();
    synthetic_.reset();
  }
  static int image_x(int t) { return kImageLeft + kImageWidth * t / Synthetic::kBins; }
  static int image_y(int c) { return kImageBottom + kImageHeight * c / Synthetic::kBins; }

  static std::unique_ptr<Synthetic> synthetic_;
  static std::unique_ptr<Png> png_;
};
std::unique_ptr<Synthetic> FlagPage::synthetic_;
std::unique_ptr<Png> FlagPage::png_;

TEST_F(FlagPage, HasTheWantedSizeAndAWhiteMargin) {
  EXPECT_EQ(png_->width(), 1200);
  EXPECT_EQ(png_->height(), 1000);
  for (int x = 0; x < 1200; ++x) {
    EXPECT_EQ(png_->at(x, 0), kWhite) << x;
    EXPECT_EQ(png_->at(x, 999), kWhite) << x;
  }
  for (int y = 0; y < 1000; ++y) {
    EXPECT_EQ(png_->at(0, y), kWhite) << y;
    EXPECT_EQ(png_->at(1199, y), kWhite) << y;
  }
}

TEST_F(FlagPage, IsDarkInTheBandOfTheSatellitesAtAllTimes) {
  for (int c = 0; c < Synthetic::kBins; ++c)
    for (int x = kImage.left; Synthetic::is_satellite(c) && x < kImage.right; ++x)
      EXPECT_TRUE(is_dark(png_->at(x, image_y(c)))) << "channel bin " << c << ", pixel " << x;
}

TEST_F(FlagPage, IsDarkInTheStripesAtAllFrequenciesAndWhiteBesideThem) {
  const int first_x = image_x(Synthetic::kFirstStripe), second_x = image_x(Synthetic::kSecondStripe + 1);
  for (int y = kImage.bottom; y < kImage.top; ++y) {
    EXPECT_TRUE(is_dark(png_->at(first_x, y))) << y;
    EXPECT_TRUE(is_dark(png_->at(second_x, y))) << y;
  }
  const Inside beside{first_x + 4, first_x + 104, kImageBottom + 230, kImageBottom + 250};  // narrow: 251
  const int n_white = count(*png_, beside, [](const Colour& c) { return c == kWhite; });
  EXPECT_GT(n_white, 0.97 * 100 * 20);  // one sample in 100 has something flagged
}

TEST_F(FlagPage, ShowsEachFlaggedChannelInTheImageAndInTheProfile) {
  for (int c = 20; c < Synthetic::kBins - 12; c += 33) {
    EXPECT_TRUE(is_dark(png_->at(500, image_y(c)))) << c;
    EXPECT_TRUE(is_blue(png_->at(1000, image_y(c)))) << c;
    EXPECT_EQ(png_->at(1000, image_y(c + 3)), kWhite) << c;
  }
}

TEST_F(FlagPage, MarksFlaggedLevelsInOrange) {
  for (const Inside& panel : {kBandpass, kNoise}) {
    EXPECT_GT(count(*png_, panel, is_orange), 300);
    EXPECT_GT(count(*png_, panel, is_blue), 200);
  }
  EXPECT_EQ(count(*png_, kSpectrum, is_orange), 0);
}

TEST_F(FlagPage, HasTheHighestZeroDmSumAtTheTimeOfTheStripe) {
  EXPECT_NEAR(column_of_highest(*png_, kZeroDm), image_x(Synthetic::kSecondStripe), 2);
}

/// Eight channel bins and sixteen time bins, nothing flagged.
struct Small {
  Array<float, 2> occupancy{{8, 16}};
  std::vector<float> channel_occupancy = std::vector<float>(8, 0.0f);
  std::vector<float> time_occupancy = std::vector<float>(16, 0.0f);
  std::vector<float> bandpass = {3, 5, 6, 7, 7, 6, 5, 3}, noise = {1, 2, 2, 3, 3, 2, 2, 1};
  std::vector<float> bandpass_kept = bandpass;
  std::vector<float> zero_dm = std::vector<float>(16, 3.0f);
  FlagPlot plot;

  Small() {
    plot.title = "M01";
    plot.freq_mhz = {1000.0, 1500.0};
    plot.time_s = {0.0, 1.6};
    for (int c = 0; c < 8; ++c)
      for (int t = 0; t < 16; ++t) occupancy(c, t) = 0.0f;
    plot.occupancy = occupancy.cview();
    plot.channel_occupancy = view_of(channel_occupancy);
    plot.time_occupancy = view_of(time_occupancy);
    plot.bandpass = view_of(bandpass);
    plot.noise = view_of(noise);
    plot.bandpass_kept = view_of(bandpass_kept);
    plot.zero_dm = view_of(zero_dm);
  }
  /// The middle of a sample's 48 x 64 pixels.
  static int x(int t) { return kImageLeft + 48 * t + 24; }
  static int y(int c) { return kImageBottom + 64 * c + 32; }
};

TEST(FlagPng, DrawsTimeToTheRightFrequencyUpwardsAndNoDataInGrey) {
  Small small;
  small.occupancy(1, 3) = 1.0f;
  small.occupancy(6, 3) = 0.5f;
  small.occupancy(1, 12) = kNan;
  const Png png = drawn(small.plot);
  EXPECT_TRUE(is_dark(png.at(Small::x(3), Small::y(1))));
  EXPECT_FALSE(is_dark(png.at(Small::x(3), Small::y(6))));
  EXPECT_TRUE(is_blue(png.at(Small::x(3), Small::y(6))));
  EXPECT_EQ(png.at(Small::x(12), Small::y(1)), kNoData);
  EXPECT_EQ(png.at(Small::x(12), Small::y(6)), kWhite);
  EXPECT_EQ(png.at(Small::x(3), Small::y(2)), kWhite);
}

TEST(FlagPng, DrawsProfilesAsFarAsTheirFractions) {
  Small small;
  small.channel_occupancy[2] = 0.5f;
  small.channel_occupancy[5] = kNan;
  small.time_occupancy[10] = 1.0f;
  const Png png = drawn(small.plot);
  // The axis of fractions ends at 1.04, on 202 pixels from 890 and on 58 pixels from 797.
  const int half_x = 890 + static_cast<int>(202 * 0.5 / 1.04);
  EXPECT_EQ(png.at(half_x - 3, Small::y(2)), kBlue);
  EXPECT_EQ(png.at(half_x + 3, Small::y(2)), kWhite);
  EXPECT_EQ(png.at(half_x - 3, Small::y(5)), kWhite);
  EXPECT_EQ(png.at(Small::x(10), 797 + 52), kBlue);
  EXPECT_EQ(png.at(Small::x(9), 797 + 30), kWhite);
}

TEST(FlagPng, DrawsALineOfTheSpectrumAtItsFrequency) {
  Small small;
  for (int hz = 0; hz <= 1000; ++hz) {
    small.plot.line_hz.push_back(hz);
    small.plot.line_power.push_back(hz == 50 ? 1000.0 : 1.0 + 0.5 * (hz % 2));
  }
  // From 1 to 1000 Hz with 0.02 decades of margin on 310 pixels from 870; 0 Hz has no place.
  const double x = 870.0 + 310.0 * (std::log10(50.0) + 0.02) / 3.04;
  EXPECT_NEAR(column_of_highest(drawn(small.plot), kSpectrum), x, 2.0);
}

TEST(FlagPng, DrawsNothingFlaggedWithoutInkInImageAndProfiles) {
  const Png png = drawn(Small().plot);
  for (const Inside& panel : {kImage, kChannels, kTimes})
    EXPECT_EQ(count(png, panel, [](const Colour& c) { return !(c == kWhite); }), 0);
  EXPECT_EQ(count(png, kBandpass, is_orange), 0);
  EXPECT_GT(count(png, kBandpass, is_blue), 200);
  EXPECT_EQ(count(png, kSpectrum, is_blue), 0);  // no lines were given
}

TEST(FlagPng, DrawsEverythingFlaggedInOrangeAndDark) {
  Small small;
  for (int c = 0; c < 8; ++c) {
    for (int t = 0; t < 16; ++t) small.occupancy(c, t) = 1.0f;
    small.bandpass_kept[c] = kNan;
    small.noise[c] = kNan;
  }
  small.plot.rule_fraction[static_cast<int>(FlagRule::kRecorded)] = 1.0;
  const Png png = drawn(small.plot);
  EXPECT_EQ(count(png, kImage, [](const Colour& c) { return !is_dark(c); }), 0);
  EXPECT_EQ(count(png, kBandpass, is_blue), 0);
  EXPECT_GT(count(png, kBandpass, is_orange), 200);
  EXPECT_EQ(count(png, kNoise, is_orange) + count(png, kNoise, is_blue), 0);
}

TEST(FlagPng, DrawsOneBinOfWhichNothingIsKnown) {
  const std::vector<float> nothing(1, kNan);
  FlagPlot plot = Small().plot;
  plot.occupancy = View<const float, 2>(nothing.data(), {1, 1});
  plot.channel_occupancy = plot.time_occupancy = plot.bandpass = plot.noise = view_of(nothing);
  plot.bandpass_kept = plot.zero_dm = view_of(nothing);
  plot.title = "";
  const Png png = drawn(plot);
  EXPECT_EQ(count(png, kImage, [](const Colour& c) { return !(c == kNoData); }), 0);
}

TEST(FlagPng, DrawsValuesFarBeyondItsAxes) {
  Small small;
  const float huge = std::numeric_limits<float>::max(), infinity = std::numeric_limits<float>::infinity();
  small.bandpass[3] = huge;
  small.bandpass_kept[3] = kNan;
  small.noise = {0, 0, 0, 0, 0, 0, 0, 0};
  small.zero_dm[2] = infinity;
  small.zero_dm[3] = -1.0f;
  small.plot.line_hz = {0.0, 10.0};
  small.plot.line_power = {1e300, 1e-300};
  small.plot.title = std::string(300, 'W');
  small.plot.subtitle = std::string(300, '_');
  const Png png = drawn(small.plot);
  EXPECT_GT(count(png, kBandpass, is_blue), 200);  // the kept channels set the scale
  EXPECT_NEAR(column_of_highest(png, kZeroDm), 80 + 48 * 2, 2);
}

TEST(FlagPng, ChangesOnlyTheTableWithTheRules) {
  Small small;
  const Png before = drawn(small.plot);
  small.plot.rule_fraction[static_cast<int>(FlagRule::kNone)] = 0.875;
  EXPECT_EQ(n_different(before, drawn(small.plot), {0, 1200, 0, 1000}), 0);
  small.plot.rule_fraction[static_cast<int>(FlagRule::kIqrm)] = 0.125;
  const Png after = drawn(small.plot);
  const int n_in_table = n_different(before, after, kRules);
  EXPECT_GT(n_in_table, 50);
  EXPECT_EQ(n_different(before, after, {0, 1200, 0, 1000}), n_in_table);
}

TEST(FlagPng, LiesUnderTheWantedNameAloneAndIsTheSameBytesEachTime) {
  const test::TempFolder folder;
  const Small small;
  ::testing::internal::CaptureStdout();
  write_flag_png(folder / "one", small.plot);
  write_flag_png(folder / "two flags.png", small.plot);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  std::vector<std::string> names = files_in(folder.path());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"one", "two flags.png"}));
  EXPECT_TRUE(test::read_file(folder / "one") == test::read_file(folder / "two flags.png"));
}

TEST(FlagPng, NamesWhatCannotBeDrawn) {
  const test::TempFolder folder;
  const Small small;
  const auto expect_refused = [&](const std::string& name, const std::function<void(FlagPlot&)>& spoil) {
    FlagPlot plot = small.plot;
    spoil(plot);
    EXPECT_THROW(write_flag_png(folder / "bad.png", plot), std::invalid_argument) << name;
    EXPECT_TRUE(test::says(test::error_of([&] { write_flag_png(folder / "bad.png", plot); }), {name}));
  };
  expect_refused("occupancy", [](FlagPlot& p) { p.occupancy = {}; });
  expect_refused("channel_occupancy has 7",
                 [](FlagPlot& p) { p.channel_occupancy = p.channel_occupancy.slice(0, 0, 7); });
  expect_refused("time_occupancy has 8 bins, occupancy 16",
                 [](FlagPlot& p) { p.time_occupancy = p.channel_occupancy; });
  expect_refused("bandpass has 16", [](FlagPlot& p) { p.bandpass = p.zero_dm; });
  expect_refused("noise", [](FlagPlot& p) { p.noise = {}; });
  expect_refused("bandpass_kept", [](FlagPlot& p) { p.bandpass_kept = p.zero_dm; });
  expect_refused("zero_dm", [](FlagPlot& p) { p.zero_dm = p.noise; });
  expect_refused("freq_mhz goes from 1500", [](FlagPlot& p) { p.freq_mhz = {1500.0, 1000.0}; });
  expect_refused("freq_mhz begins at 0", [](FlagPlot& p) { p.freq_mhz.first = 0.0; });
  expect_refused("time_s", [](FlagPlot& p) { p.time_s.last = std::nan(""); });
  expect_refused("line_hz has 1 values, line_power 0", [](FlagPlot& p) { p.line_hz = {1.0}; });
  expect_refused("line_hz[1]", [](FlagPlot& p) { p.line_hz = p.line_power = {1.0, 1.0}; });
  expect_refused("'kurtosis' is 1.5",
                 [](FlagPlot& p) { p.rule_fraction[static_cast<int>(FlagRule::kKurtosis)] = 1.5; });
  expect_refused("'bands'",
                 [](FlagPlot& p) { p.rule_fraction[static_cast<int>(FlagRule::kBands)] = std::nan(""); });
  expect_refused("adds up to 1.2", [](FlagPlot& p) { p.rule_fraction[1] = p.rule_fraction[2] = 0.6; });
  EXPECT_TRUE(files_in(folder.path()).empty());
}

TEST(FlagPng, LeavesNothingBehindWhereItCannotWrite) {
  const test::TempFolder folder;
  const Small small;
  EXPECT_THROW(write_flag_png(folder / "none/p.png", small.plot), std::runtime_error);
  std::filesystem::create_directories(folder / "p.png/occupied");
  EXPECT_THROW(write_flag_png(folder / "p.png", small.plot), std::runtime_error);
  EXPECT_EQ(files_in(folder.path()), std::vector<std::string>{"p.png"});
}

}  // namespace
}  // namespace tianyan
