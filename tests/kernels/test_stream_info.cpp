// Headers: frequencies and sizes by hand, and every limit that a header must keep.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "kernels/base/stream_info.hpp"

namespace tianyan {
namespace {

struct Header {
  StreamInfo info;
  SampleFormat format;
};

Header fast_header() {
  Header h;
  h.info.n_chan = 4096;
  h.info.n_pol = 2;
  h.info.freq_low_mhz = 1000.0;
  h.info.channel_width_mhz = 500.0 / 4096.0;
  h.info.sample_time_s = 49.152e-6;
  h.info.n_time = 1 << 20;
  h.format.pol_kind = PolKind::kAaBb;
  return h;
}

std::string complaint_about(const Header& h) {
  try {
    check_header(h.info, h.format, "scan.fits");
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "";
}

TEST(StreamInfo, FrequenciesAreChannelCentresFromTheLowest) {
  const auto info = fast_header().info;
  EXPECT_DOUBLE_EQ(info.freq_mhz(0), 1000.0);
  EXPECT_DOUBLE_EQ(info.freq_mhz(2048), 1250.0);
  EXPECT_DOUBLE_EQ(info.ref_freq_mhz(), 1500.0 - 500.0 / 4096.0);
  EXPECT_DOUBLE_EQ(info.duration_s(), 1048576.0 * 49.152e-6);
}

TEST(StreamInfo, ASpectrumIsPackedBits) {
  auto h = fast_header();
  EXPECT_EQ(spectrum_bytes(h.info, h.format), 8192);
  h.format.n_bits = 2;
  EXPECT_EQ(spectrum_bytes(h.info, h.format), 2048);
  h.format.n_bits = 32;
  EXPECT_EQ(spectrum_bytes(h.info, h.format), 32768);
}

TEST(CheckHeader, TakesWhatTelescopesRecord) {
  for (int bits : {1, 2, 4, 8, 16, 32}) {
    auto h = fast_header();
    h.format.n_bits = bits;
    h.format.is_float = bits == 32;
    EXPECT_EQ(complaint_about(h), "") << bits;
  }
  auto h = fast_header();
  h.info.n_time = 0;  // a scan cut short before its first sample
  EXPECT_EQ(complaint_about(h), "");
}

TEST(CheckHeader, RefusesEachValueThatNoHeaderHas) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const std::vector<std::function<void(Header&)>> faults = {
      [](Header& h) { h.info.n_chan = 0; },
      [](Header& h) { h.info.n_chan = (1 << 20) + 8; },
      [](Header& h) { h.format.n_bits = 3; },
      [](Header& h) { h.format.n_bits = 32; },
      [](Header& h) { h.format.is_float = true; },
      [](Header& h) { h.info.n_pol = 1; },
      [](Header& h) { h.format.pol_kind = PolKind::kStokes; },
      [](Header& h) { h.info.n_chan = 3, h.format.n_bits = 1; },
      [&](Header& h) { h.info.sample_time_s = nan; },
      [](Header& h) { h.info.sample_time_s = 0.0; },
      [](Header& h) { h.info.sample_time_s = 101.0; },
      [](Header& h) { h.info.channel_width_mhz = -0.1; },
      [&](Header& h) { h.info.channel_width_mhz = inf; },
      [](Header& h) { h.info.freq_low_mhz = 0.0; },
      [&](Header& h) { h.info.freq_low_mhz = nan; },
      [](Header& h) { h.info.freq_low_mhz = 999'900.0; },
      [](Header& h) { h.info.n_time = -1; }};
  for (std::size_t i = 0; i < faults.size(); ++i) {
    auto h = fast_header();
    faults[i](h);
    EXPECT_EQ(complaint_about(h).substr(0, 11), "scan.fits: ") << "fault " << i;
  }
}

TEST(CheckHeader, RefusesSpectraThatCouldNotBeHeld) {
  auto h = fast_header();
  h.info.n_chan = 1 << 20;
  h.info.channel_width_mhz = 1e-4;
  h.info.n_pol = 4;
  h.format.pol_kind = PolKind::kStokes;
  h.format.n_bits = 16;  // 8 MiB a spectrum
  EXPECT_EQ(complaint_about(h), "");
  h.info.n_chan *= 2;
  EXPECT_NE(complaint_about(h), "");
}

}  // namespace
}  // namespace tianyan
