// Files that others recorded and wrote: see the README of the test data for their sources and answers.
#include <cmath>

#include "tests/io/spectra_files.hpp"
#include "tests/io/third_party.hpp"

namespace tianyan::test {
namespace {

#define OPEN_OR_SKIP(source, name) \
  SKIP_WITHOUT(name);              \
  const auto source = open_source(third_party(name))

/// Mean of unsigned samples of 1, 2, 4 or 8 bits, low bits first.
double mean_of(const WholeStream& whole, int bits) {
  double sum = 0.0;
  for (const std::uint8_t byte : whole.samples)
    for (int shift = 0; shift < 8; shift += bits) sum += (byte >> shift) & ((1 << bits) - 1);
  return sum / (static_cast<double>(whole.samples.size()) * 8.0 / bits);
}

TEST(ThirdParty, ParkesFilterbanksOfFourDepths) {
  for (const int bits : {1, 2, 4}) {
    OPEN_OR_SKIP(source, fmt::format("sigpyproc3/parkes_{}bit.fil", bits));
    EXPECT_EQ(source->info().n_chan, 832);
    EXPECT_EQ(source->info().n_time, 4096);
    EXPECT_DOUBLE_EQ(source->info().ref_freq_mhz(), 4030.0);
    EXPECT_DOUBLE_EQ(source->info().sample_time_s, 512e-6);
    EXPECT_EQ(source->info().telescope, "Parkes");
    const double half = 0.5 * ((1 << bits) - 1);
    EXPECT_NEAR(mean_of(read_all(*source, 1000), bits), half, 0.5 * half);
  }
}

TEST(ThirdParty, ParkesFilesContinueEachOther) {
  const std::string first = third_party("sigpyproc3/parkes_8bit_1.fil"),
                    second = third_party("sigpyproc3/parkes_8bit_2.fil");
  SKIP_WITHOUT("sigpyproc3/parkes_8bit_1.fil");
  const auto source = open_series({second, first});
  EXPECT_EQ(source->info().n_time, 8192);
  EXPECT_EQ(source->losses().n_gaps, 0);
  const std::string a = read_file(first), b = read_file(second);
  const WholeStream whole = read_all(*source, 3000);
  const std::size_t n = 4096u * 832u;
  EXPECT_EQ(a.substr(a.size() - n) + b.substr(b.size() - n),
            std::string(reinterpret_cast<const char*>(whole.samples.data()), whole.samples.size()));
}

TEST(ThirdParty, ParkesPsrfitsHasPositivePowers) {
  OPEN_OR_SKIP(source, "sigpyproc3/parkes_4bit.sf");
  const StreamInfo& info = source->info();
  EXPECT_EQ(info.n_chan, 416);
  EXPECT_EQ(info.n_pol, 4);
  EXPECT_EQ(info.n_time, 4096);
  EXPECT_TRUE(source->format().channels_descending);
  EXPECT_TRUE(source->format().high_bits_first);
  EXPECT_EQ(source->format().pol_kind, PolKind::kCoherence);
  EXPECT_EQ(source->format().zero_offset, 7.5);
  EXPECT_DOUBLE_EQ(0.5 * (info.freq_low_mhz + info.ref_freq_mhz()), 2368.0);
  EXPECT_DOUBLE_EQ(info.channel_width_mhz, 8.0);
  EXPECT_EQ(info.start.day, 58543);
  EXPECT_NEAR(info.start.second, 28543.3605, 1e-9);
  EXPECT_EQ(source->losses().notes.size(), 0u);
  const WholeStream whole = read_all(*source, 1000);
  int n_negative = 0;  // six, in one channel of BB whose level jumps: astropy finds the same ones
  for (std::size_t t = 0; t < 4096; ++t)
    for (std::size_t i = 0; i < 832; ++i) {
      const std::uint8_t byte = whole.samples[t * 832 + i / 2];
      const float raw = static_cast<float>(i % 2 == 0 ? byte >> 4 : byte & 15);
      if ((raw - 7.5f) * whole.scale[t].at(i) + whole.offset[t].at(i) > 0.0f) continue;
      ++n_negative;
      ASSERT_EQ(i, 416u + 405u) << t;
    }
  EXPECT_EQ(n_negative, 6);
}

TEST(ThirdParty, PeasoupTutorial) {
  OPEN_OR_SKIP(source, "peasoup/tutorial.fil");
  EXPECT_EQ(source->info().n_chan, 64);
  EXPECT_EQ(source->format().n_bits, 2);
  EXPECT_DOUBLE_EQ(source->info().ref_freq_mhz(), 1510.0);
  EXPECT_NEAR(source->info().duration_s(), 60.0, 0.1);
  EXPECT_EQ(source->losses().lost_bytes, 0);
}

TEST(ThirdParty, AskapBurst) {
  OPEN_OR_SKIP(source, "astroflow/FRB180417.fil");
  EXPECT_EQ(source->info().n_chan, 336);
  EXPECT_EQ(source->info().n_time, 5120);
  EXPECT_DOUBLE_EQ(source->info().ref_freq_mhz(), 1465.0);
  EXPECT_DOUBLE_EQ(source->info().channel_width_mhz, 1.0);
  EXPECT_NEAR(mean_of(read_all(*source, 999), 8), 128.0, 10.0);
}

TEST(ThirdParty, ATimeSeriesIsNoFilterbank) {
  SKIP_WITHOUT("sigpyproc3/GBT_J1807-0847.tim");
  EXPECT_TRUE(
      says(open_error(third_party("sigpyproc3/GBT_J1807-0847.tim")), {"GBT_J1807-0847.tim", "time series"}));
}

TEST(ThirdParty, OtherFormatsAreNotTaken) {
  for (const std::string name :
       {"baseband/sample.dada", "baseband/sample.vdif", "baseband/sample_puppi.raw"}) {
    SKIP_WITHOUT(name);
    EXPECT_TRUE(says(open_error(third_party(name)), {"no known format"}));
  }
}

}  // namespace
}  // namespace tianyan::test
