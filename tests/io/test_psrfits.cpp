// PSRFITS files made by hand: layout, calibration, times, defects.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::unique_ptr<Source> opened(const TempFolder& folder, const FitsBytes& fits) {
  return open_source(folder.write("a.fits", fits.bytes()));
}
std::string error_with(const FitsBytes& fits) {
  const TempFolder folder;
  return open_error(folder.write("bad.fits", fits.bytes()));
}
std::string error_with(const std::string& keyword, const std::string& value) {
  FitsBytes fits;
  fits.set[keyword] = value;
  return error_with(fits);
}

TEST(PsrfitsSource, ReadsTheHeaders) {
  const TempFolder folder;
  const auto source = opened(folder, {});
  const StreamInfo& info = source->info();
  EXPECT_EQ(source->format_name(), "PSRFITS");
  EXPECT_EQ(info.n_chan, 4);
  EXPECT_EQ(info.n_time, 24);
  EXPECT_DOUBLE_EQ(info.freq_low_mhz, 1000.0);
  EXPECT_DOUBLE_EQ(info.channel_width_mhz, 1.0);
  EXPECT_DOUBLE_EQ(info.sample_time_s, 1e-3);
  EXPECT_EQ(info.start.day, 59000);
  EXPECT_DOUBLE_EQ(info.start.second, 43200.25);
  EXPECT_EQ(info.source_name, "J1935+2154");
  EXPECT_EQ(info.telescope, "FAST");
  EXPECT_EQ(info.backend, "ROACH2");
  EXPECT_EQ(info.beam, 7);
  EXPECT_NEAR(info.ra_deg, 15.0 * (19 + 34 / 60.0 + 55.6 / 3600), 1e-9);
  EXPECT_NEAR(info.dec_deg, -0.5, 1e-12);
  EXPECT_FALSE(source->format().channels_descending);
  EXPECT_TRUE(source->losses().notes.empty());
}

TEST(PsrfitsSource, MakesNamesPrintable) {
  const TempFolder folder;
  std::string bytes = FitsBytes().bytes();
  bytes.replace(bytes.find("J1935+2154"), 10, "Sgr A\xb0  \t.");
  EXPECT_EQ(open_source(folder.write("a.fits", bytes))->info().source_name, "Sgr A\ufffd   .");
}

TEST(PsrfitsSource, ReadsRowsThroughBlocksOfAnyLength) {
  const TempFolder folder;
  const auto source = opened(folder, {});
  for (const std::int64_t n_block : {1, 3, 7, 8, 9, 24, 100}) {
    const WholeStream whole = read_all(*source, n_block);
    ASSERT_EQ(whole.samples.size(), 96u);
    for (int i = 0; i < 96; ++i)
      ASSERT_EQ(whole.samples[i], static_cast<std::uint8_t>(i / 32 * 100 + i % 32));
    for (const auto& scale : whole.scale) ASSERT_TRUE(scale.empty());
  }
}

TEST(PsrfitsSource, JoinsRowsOfOneCalibrationIntoOneSpan) {
  const TempFolder folder;
  FitsBytes fits;
  fits.n_row = 4;
  fits.scale = [](int row, int) { return row < 3 ? 2.0 : 3.0; };
  RawBlock block;
  opened(folder, fits)->read(0, 32, block);
  ASSERT_EQ(block.spans.size(), 2u);
  EXPECT_EQ(block.spans[0].end, 24);
  EXPECT_EQ(block.spans[1].scale, std::vector<float>(4, 3.0f));
}

TEST(PsrfitsSource, GivesEachRowItsCalibration) {
  const TempFolder folder;
  FitsBytes fits;
  fits.n_pol = 2;
  fits.pol_type = "AABB";
  fits.scale = [](int row, int i) { return row + i * 0.5; };
  fits.offset = [](int row, int i) { return row == 1 ? 0.0 : -i; };
  fits.weight = [](int row, int c) { return row == 2 && c == 1 ? 0.0 : 1.0; };
  const WholeStream whole = read_all(*opened(folder, fits), 5);
  ASSERT_EQ(whole.scale.size(), 24u);
  for (int t = 0; t < 24; ++t) {
    const int row = t / 8;
    for (int i = 0; i < 8; ++i) ASSERT_EQ(whole.scale[t].at(i), static_cast<float>(row + i * 0.5));
    ASSERT_EQ(whole.offset[t].empty(), row == 1);
    ASSERT_EQ(whole.weight[t], row == 2 ? (std::vector<float>{1, 0, 1, 1}) : std::vector<float>{});
  }
}

TEST(PsrfitsSource, FlagsChannelsWhoseCalibrationIsNoNumberAndCountsThem) {
  const TempFolder folder;
  FitsBytes fits;
  fits.scale = [](int row, int c) { return row == 0 && c == 2 ? kNan : 1.0; };
  fits.offset = [](int row, int c) { return row == 1 && c == 0 ? HUGE_VAL : 0.0; };
  fits.weight = [](int row, int c) { return row == 1 && c == 3 ? kNan : 1.0; };
  const auto source = opened(folder, fits);
  for (int repeat = 0; repeat < 2; ++repeat) {
    const WholeStream whole = read_all(*source, 5);
    EXPECT_EQ(whole.weight[0], (std::vector<float>{1, 1, 0, 1}));
    EXPECT_EQ(whole.weight[8], (std::vector<float>{0, 1, 1, 0}));
    EXPECT_TRUE(whole.weight[16].empty());
    EXPECT_TRUE(whole.scale[0].empty());  // NaN gone, all 1
    ASSERT_EQ(source->losses().notes.size(), 1u);
    EXPECT_TRUE(says(source->losses().notes[0], {"a.fits", "3 times", "weight 0"}));
  }
}

TEST(PsrfitsSource, FlagsEverythingWhereNoScaleIsANumber) {
  const TempFolder folder;
  FitsBytes fits;
  fits.scale = [](int, int) { return kNan; };
  const WholeStream whole = read_all(*opened(folder, fits), 24);
  EXPECT_EQ(whole.weight[5], std::vector<float>(4, 0.0f));
}

TEST(PsrfitsSource, TakesChannelOrderFromDatFreq) {
  const TempFolder folder;
  FitsBytes fits;
  for (const char type : {'D', 'E'}) {
    fits.freq_type = type;
    fits.freq = [](int c) { return 1499.93896484375 - c * 0.1220703125; };
    fits.set["OBSBW"] = "0";
    const auto source = opened(folder, fits);
    EXPECT_TRUE(source->format().channels_descending);
    EXPECT_NEAR(source->info().ref_freq_mhz(), 1499.93896484375, type == 'D' ? 1e-9 : 1e-4);
    EXPECT_NEAR(source->info().channel_width_mhz, 0.1220703125, type == 'D' ? 1e-9 : 1e-4);
  }
  fits.freq = [](int c) { return 1000.0 + c * c; };
  EXPECT_TRUE(says(error_with(fits), {"DAT_FREQ", "evenly spaced"}));
  fits.freq = [](int) { return kNan; };
  EXPECT_NE(error_with(fits), "");
}

TEST(PsrfitsSource, FallsBackToObsfreqWhereDatFreqIsMissing) {
  const TempFolder folder;
  FitsBytes fits;
  fits.has_dat_freq = false;
  EXPECT_TRUE(says(error_with(fits), {"DAT_FREQ", "CHAN_BW"}));
  fits.set["CHAN_BW"] = "-2.0";
  const auto source = opened(folder, fits);
  EXPECT_DOUBLE_EQ(source->info().freq_low_mhz, 1247.0);
  EXPECT_TRUE(source->format().channels_descending);
  EXPECT_EQ(source->losses().notes.size(), 1u);
}

TEST(PsrfitsSource, SwapsBytesOf16And32Bits) {
  const TempFolder folder;
  FitsBytes fits;
  fits.n_bits = 16;
  fits.data_type = 'I';
  const std::uint16_t first = 0 * 256 + 1;
  const auto value = [](const WholeStream& whole, int i) {
    std::uint16_t v;
    std::memcpy(&v, whole.samples.data() + 2 * i, 2);
    return v;
  };
  auto source = opened(folder, fits);
  EXPECT_TRUE(source->format().is_signed);
  EXPECT_EQ(value(read_all(*source, 7), 0), first);
  EXPECT_EQ(value(read_all(*source, 7), 33), static_cast<std::uint16_t>((100 + 2) * 256 + 103));
  fits.set["SIGNINT"] = "0";
  EXPECT_FALSE(opened(folder, fits)->format().is_signed);
  fits.set["TZERO6"] = "32768";
  source = opened(folder, fits);
  EXPECT_FALSE(source->format().is_signed);
  EXPECT_EQ(value(read_all(*source, 7), 0), first ^ 0x8000);
  fits.set["TZERO6"] = "5";
  EXPECT_TRUE(says(error_with(fits), {"TZERO 5"}));

  FitsBytes floats;
  floats.n_bits = 32;
  floats.data_type = 'E';
  floats.data = [](int, int i) { return "\x3f\xc0\x00\x00"[i % 4]; };  // 1.5f
  const WholeStream whole = read_all(*opened(folder, floats), 7);
  float v;
  std::memcpy(&v, whole.samples.data() + 4 * 50, 4);
  EXPECT_EQ(v, 1.5f);
}

TEST(PsrfitsSource, LeavesPackedBitsAsTheyAre) {
  const TempFolder folder;
  for (const int bits : {1, 2, 4}) {
    FitsBytes fits;
    fits.n_bits = bits;
    fits.n_chan = 8;
    const auto source = opened(folder, fits);
    EXPECT_TRUE(source->format().high_bits_first);
    const WholeStream whole = read_all(*source, 3);
    ASSERT_EQ(whole.samples.size(), static_cast<std::size_t>(24 * bits));
    EXPECT_EQ(whole.samples[1], 1);
  }
}

TEST(PsrfitsSource, KnowsItsPolarisationsAndNoOthers) {
  const TempFolder folder;
  const auto kind = [&](int n_pol, const std::string& type) {
    FitsBytes fits;
    fits.n_pol = n_pol;
    fits.pol_type = type;
    return opened(folder, fits)->format().pol_kind;
  };
  EXPECT_EQ(kind(1, "AA+BB"), PolKind::kIntensity);
  EXPECT_EQ(kind(1, "INTEN"), PolKind::kIntensity);
  EXPECT_EQ(kind(2, "AABB"), PolKind::kAaBb);
  EXPECT_EQ(kind(4, "AABBCRCI"), PolKind::kCoherence);
  EXPECT_EQ(kind(4, "IQUV"), PolKind::kStokes);
  for (const auto& [n_pol, type] : {std::pair{1, "IQUV"}, {2, "AABBCRCI"}, {4, "XXYY"}, {3, "AABB"}})
    EXPECT_TRUE(says(error_of([&] { kind(n_pol, type); }), {"POL_TYPE", type, std::to_string(n_pol)}));
}

TEST(PsrfitsSource, FindsItsTableBehindOthers) {
  const TempFolder folder;
  FitsBytes other;  // as HISTORY stands in front of SUBINT
  other.n_row = 1;
  other.set["EXTNAME"] = "'HISTORY '";
  FitsBytes fits;
  fits.between = other.bytes().substr(2880);
  EXPECT_EQ(read_all(*opened(folder, fits), 24).samples[33], 101);
  EXPECT_TRUE(says(error_with(other), {"without a table SUBINT"}));
}

TEST(PsrfitsSource, IgnoresBracketsAndSignsInNames) {
  const TempFolder folder;
  for (const std::string name : {"G50.94+1.02_snapshot-M02-P1.fits", "a[1].fits", "b+1"}) {
    const auto source = open_source(folder.write(name, FitsBytes{}.bytes()));
    EXPECT_EQ(source->info().n_time, 24);
    EXPECT_EQ(source->info().beam, name[0] == 'G' ? 2 : 7);
  }
}

TEST(PsrfitsSource, FillsAGapBetweenRows) {
  const TempFolder folder;
  FitsBytes fits;
  fits.offs_sub = [](int row) { return 0.004 + row * 0.008 + (row == 2 ? 0.0053 : 0.0); };
  const auto source = opened(folder, fits);
  EXPECT_EQ(source->info().n_time, 29);
  EXPECT_EQ(source->losses().n_gaps, 1);
  EXPECT_EQ(source->losses().gap_samples, 5);
  for (const std::int64_t n_block : {1, 4, 29}) {
    const WholeStream whole = read_all(*source, n_block);
    for (int t = 0; t < 29; ++t) ASSERT_EQ(whole.missing[t], t >= 16 && t < 21) << t;
    EXPECT_EQ(whole.samples[15 * 4], 100 + 28);
    EXPECT_EQ(whole.samples[21 * 4], 200);
  }
}

TEST(PsrfitsSource, TakesHalfASampleAsContiguous) {
  const TempFolder folder;
  FitsBytes fits;
  fits.offs_sub = [](int row) { return 0.004 + row * 0.008 + (row == 1 ? 0.0004 : 0.0); };
  const auto source = opened(folder, fits);
  EXPECT_EQ(source->info().n_time, 24);
  EXPECT_EQ(source->losses().n_gaps, 0);
}

TEST(PsrfitsSource, NamesTheRowThatGoesBackInTime) {
  FitsBytes fits;
  fits.offs_sub = [](int row) { return row == 2 ? 0.011 : 0.004 + row * 0.008; };
  EXPECT_TRUE(says(error_with(fits), {"bad.fits", "row 3", "back in time", "0.011"}));
  fits.offs_sub = [](int row) { return row == 2 ? 1e6 : 0.004 + row * 0.008; };
  EXPECT_TRUE(says(error_with(fits), {"row 3", "more than a day"}));
  fits.offs_sub = [](int row) { return 1e300 + row; };
  EXPECT_NE(error_with(fits), "");
}

TEST(PsrfitsSource, TakesAllZeroOffsSubAsContiguousAndNoColumnToo) {
  const TempFolder folder;
  FitsBytes fits;
  fits.offs_sub = [](int) { return 0.0; };
  EXPECT_EQ(opened(folder, fits)->losses().n_gaps, 0);
  fits.has_offs_sub = false;
  EXPECT_EQ(opened(folder, fits)->info().n_time, 24);
}

TEST(PsrfitsSource, TakesRowsWithoutOffsSubAsMissing) {
  const TempFolder folder;
  FitsBytes fits;
  fits.n_row = 5;
  for (const int untimed : {0, 2, 4}) {
    fits.offs_sub = [=](int row) { return row == untimed ? 0.0 : 0.004 + row * 0.008; };
    const auto source = opened(folder, fits);
    EXPECT_EQ(source->info().n_time, 40);
    EXPECT_EQ(source->losses().gap_samples, 8);
    EXPECT_DOUBLE_EQ(source->info().start.second, 43200.25);
    EXPECT_TRUE(says(source->losses().notes.at(0), {"1 of 5 rows"}));
    const WholeStream whole = read_all(*source, 7);
    for (int t = 0; t < 40; ++t) ASSERT_EQ(whole.missing[t], t / 8 == untimed) << t;
  }
}

TEST(PsrfitsSource, BeginsWhereNsuboffsSays) {
  const TempFolder folder;
  FitsBytes fits;
  fits.set["NSUBOFFS"] = "100";
  fits.offs_sub = [](int row) { return 0.004 + (100 + row) * 0.008; };
  const auto agreed = opened(folder, fits);
  EXPECT_NEAR(agreed->info().start.second, 43200.25 + 0.8, 1e-9);
  EXPECT_TRUE(agreed->losses().notes.empty());
  fits.set["NSUBOFFS"] = "0";  // only OFFS_SUB counts on
  const auto later = opened(folder, fits);
  EXPECT_NEAR(later->info().start.second, 43200.25 + 0.8, 1e-9);
  EXPECT_TRUE(says(later->losses().notes.at(0), {"NSUBOFFS", "OFFS_SUB 0.8"}));
  fits.set["NSUBOFFS"] = "100";  // only NSUBOFFS counts on
  fits.offs_sub = nullptr;
  EXPECT_NEAR(opened(folder, fits)->info().start.second, 43200.25 + 0.8, 1e-9);
}

TEST(PsrfitsSource, TrimsTheLastRowToNstot) {
  const TempFolder folder;
  FitsBytes fits;
  for (const auto& [n_total, n_time] :
       {std::pair{"21", 21}, {"24", 24}, {"1", 24}, {"0", 24}, {"9999", 24}, {"16", 24}}) {
    fits.set["NSTOT"] = n_total;
    EXPECT_EQ(opened(folder, fits)->info().n_time, n_time) << n_total;
  }
}

TEST(PsrfitsSource, ReadsTheWholeRowsOfAFileThatIsCut) {
  const TempFolder folder;
  FitsBytes fits;
  fits.n_chan = 64;
  fits.n_row = 20;
  const std::string path = folder.write("cut.fits", fits.bytes());
  const std::int64_t header = std::filesystem::file_size(path) - (20 * fits.row_bytes() + 2879) / 2880 * 2880;
  for (const std::int64_t n_row : {19, 7, 1}) {
    std::filesystem::resize_file(path, static_cast<std::uintmax_t>(header + n_row * fits.row_bytes() + 1000));
    const auto source = open_source(path);
    EXPECT_EQ(source->info().n_time, n_row * 8);
    EXPECT_TRUE(source->losses().cut_short);
    EXPECT_EQ(source->losses().lost_bytes, (20 - n_row) * fits.row_bytes());
    EXPECT_TRUE(says(source->losses().notes.at(0), {"cut.fits", "cut short", std::to_string(n_row)}));
    EXPECT_EQ(read_all(*source, 100).samples.size(), static_cast<std::size_t>(n_row * 8 * 64));
  }
  for (const std::int64_t size : {header + 1000, header, header - 1, header - 2880, std::int64_t{100}}) {
    std::filesystem::resize_file(path, static_cast<std::uintmax_t>(size));
    EXPECT_TRUE(says(open_error(path), {"cut.fits"})) << size;
  }
}

TEST(PsrfitsSource, RefusesEachBadHeaderByName) {
  for (const auto& [keyword, value] :
       std::vector<std::pair<std::string, std::string>>{{"NCHAN", "0"},
                                                        {"NCHAN", "-4"},
                                                        {"NCHAN", "2147483647"},
                                                        {"NCHAN", "''"},
                                                        {"NSBLK", "0"},
                                                        {"NSBLK", "-8"},
                                                        {"NSBLK", "9e18"},
                                                        {"NBITS", "0"},
                                                        {"NBITS", "-8"},
                                                        {"NPOL", "0"},
                                                        {"NPOL", "-1"},
                                                        {"NPOL", "5"},
                                                        {"NSBLK", ""},
                                                        {"NBITS", ""},
                                                        {"TBIN", ""}})
    EXPECT_TRUE(says(error_with(keyword, value),
                     {"bad.fits", keyword == "NCHAN" && value.size() > 5 ? "channels" : keyword}))
        << keyword << " = " << value;
  for (const std::string value : {"0", "-1e-3", "1e9", "1e-30"})
    EXPECT_TRUE(says(error_with("TBIN", value), {"bad.fits", "sample time"})) << value;
  EXPECT_TRUE(says(error_with("NBITS", "3"), {"3 bits"}));
  EXPECT_TRUE(says(error_with("NBITS", "4"), {"DATA has 32 bytes", "NBITS 4"}));
  EXPECT_TRUE(says(error_with("NSBLK", "9"), {"DATA has 32 bytes", "NSBLK 9", "36"}));
  EXPECT_TRUE(says(error_with("NSBLK", "2000000000"), {"DATA has 32 bytes"}));
  EXPECT_TRUE(says(error_with("NAXIS2", "0"), {"0 rows"}));
  for (const std::string keyword : {"NAXIS1", "NAXIS2", "TFIELDS", "PCOUNT", "NAXIS", "BITPIX"})
    for (const std::string value : {"-3", "''", "", "'x'", "1.5", "999999999999999999999"}) {
      if (keyword == "BITPIX" && value == "-3") continue;
      EXPECT_TRUE(says(error_with(keyword, value), {"bad.fits, HDU 2", keyword}))
          << keyword << " = " << value;
    }
  EXPECT_TRUE(says(error_with("NAXIS1", "10"), {"bad.fits, HDU 2", "CFITSIO"}));
  EXPECT_TRUE(says(error_with("TFORM6", "'999999999999B'"), {"bad.fits"}));
  EXPECT_TRUE(says(error_with("TFORM1", "'1Z'"), {"bad.fits, HDU 2", "CFITSIO"}));
  EXPECT_TRUE(says(error_with("TTYPE6", "'DATUM   '"), {"no column DATA"}));
  EXPECT_TRUE(says(error_with("TTYPE6", std::string(70, '2')), {"bad.fits, HDU 2", "TTYPE6", "no value"}));
  EXPECT_TRUE(says(error_with("NCHAN", "'" + std::string(60, '2') + "'"), {"HDU 2", "NCHAN", "no integer"}));
  EXPECT_TRUE(says(error_with("NSUBOFFS", "999999999999"), {"NSUBOFFS"}));
}

TEST(PsrfitsSource, AllocatesNothingLargeForAbsurdValues) {
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (const auto& [keyword, value] : {std::pair{"NCHAN", "2147483647"},
                                       {"NCHAN", "1000000"},
                                       {"NSBLK", "2147483647"},
                                       {"NAXIS2", "999999999999"},
                                       {"NSTOT", "9000000000000000000"},
                                       {"TFIELDS", "100000000"}})
    error_with(keyword, value);
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 * 1024) << "KiB";
}

TEST(PsrfitsSource, BelievesTheFileNotNaxis2) {
  const TempFolder folder;
  FitsBytes fits;
  fits.set["NAXIS2"] = "999999999999";
  const auto source = opened(folder, fits);
  EXPECT_TRUE(source->losses().cut_short);
  EXPECT_GE(source->info().n_time, 24);  // padding may look like rows
}

TEST(PsrfitsSource, ReadsWhatFpackCompressed) {
  if (std::system("which fpack >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "fpack (package libcfitsio-bin) is missing";
  const TempFolder folder;
  FitsBytes fits;
  fits.n_chan = 512;
  fits.n_block = 1024;
  fits.n_row = 45;  // 45 x 0.5 MB: more than one tile of 10 MB
  fits.scale = [](int row, int) { return 1.0 + row; };
  fits.offs_sub = [](int row) { return (row + 0.5) * 1.024 + (row >= 30 ? 0.1 : 0.0); };
  const std::string plain = folder.write("a.fits", fits.bytes()), packed = folder / "a.fits.fz";
  ASSERT_EQ(std::system(("fpack -table -S " + plain + " >" + packed + " 2>/dev/null").c_str()), 0);
  const auto a = open_source(plain), b = open_source(packed);
  EXPECT_EQ(b->info().n_time, 45 * 1024 + 100);
  EXPECT_EQ(b->losses().gap_samples, 100);
  const WholeStream x = read_all(*a, 5000), y = read_all(*b, 5000);
  EXPECT_TRUE(x.samples == y.samples);
  EXPECT_TRUE(x.scale == y.scale);
  std::filesystem::resize_file(packed, std::filesystem::file_size(packed) * 3 / 4);
  const auto cut = open_source(packed);
  EXPECT_TRUE(cut->losses().cut_short);
  EXPECT_LT(cut->info().n_time, b->info().n_time);
  const WholeStream z = read_all(*cut, 5000);
  EXPECT_TRUE(std::equal(z.samples.begin(), z.samples.end(), x.samples.begin()));
}

/// Rows of 8 ms; by row, 0.001 degrees of right ascension from 293.7 on: 0.125 degrees a second.
FitsBytes drifting() {
  FitsBytes fits;
  fits.n_row = 5;
  fits.pointing = [](int row) { return SkyPosition{293.7005 + 0.001 * row, 0.0}; };
  return fits;
}

TEST(PsrfitsSource, FollowsTheBeamByRow) {
  const TempFolder folder;
  for (const char type : {'D', 'E'}) {
    auto fits = drifting();
    fits.pointing_type = type;
    const auto source = opened(folder, fits);
    const StreamInfo& info = source->info();
    const double rounding_deg = type == 'D' ? 1e-9 : 4e-5;  // of 294 as a float, twice where it is extended
    EXPECT_EQ(info.track.size(), 2u);
    EXPECT_NEAR(info.ra_deg, 293.7, rounding_deg);  // the first sample, half a row before the middle
    EXPECT_NEAR(info.dec_deg, 0.0, 1e-9);
    EXPECT_NEAR(info.pointing_at(0.016).ra_deg, 293.702, rounding_deg);
    EXPECT_NEAR(info.pointing_at(0.040).ra_deg, 293.705, rounding_deg);
    EXPECT_TRUE(source->losses().notes.empty());
  }
}

TEST(PsrfitsSource, FollowsTheBeamOverGapsAndRowsThatSayNothing) {
  const TempFolder folder;
  auto fits = drifting();
  fits.offs_sub = [](int row) { return 0.004 + 0.008 * (row < 2 ? row : row + 10); };  // 80 ms are missing
  fits.pointing = [](int row) {
    const SkyPosition nothing[] = {{0.0, 0.0}, {293.701, 91.0}, {kNan, 0.0}};
    return row > 0 && row < 4 ? nothing[row - 1]
                              : SkyPosition{293.7005 + 0.001 * (row < 2 ? row : row + 10), 0.0};
  };
  const StreamInfo info = opened(folder, fits)->info();
  EXPECT_EQ(info.n_time, 120);
  EXPECT_NEAR(info.pointing_at(0.060).ra_deg, 293.7075, 1e-9);
}

TEST(PsrfitsSource, KeepsTheHeadersPositionWhereRowsSayNothingNew) {
  const SkyPosition header{15.0 * (19 + 34 / 60.0 + 55.6 / 3600), -0.5};
  const std::vector<std::function<SkyPosition(int)>> rows = {
      [&](int) { return header; },
      [](int) {
        return SkyPosition{0.0, 0.0};
      },
      [](int) {
        return SkyPosition{kNan, kNan};
      },
      [](int) {
        return SkyPosition{19.58, -0.5};
      },  // hours
      [](int row) {
        return row == 2 ? SkyPosition{293.9, -0.5} : SkyPosition{0.0, 0.0};
      },
      [](int row) {
        return SkyPosition{293.7 + 2e-3 * (row % 2), -0.5};
      },  // 7": it follows a source
  };
  for (const auto& pointing : rows) {
    const TempFolder folder;
    auto fits = drifting();
    fits.pointing = pointing;
    const auto source = opened(folder, fits);
    EXPECT_TRUE(source->info().track.empty());
    EXPECT_NEAR(source->info().ra_deg, header.ra_deg, 1e-9);
    EXPECT_TRUE(source->losses().notes.empty());
  }
}

TEST(PsrfitsSource, DoesNotBelieveRowsThatJumpOrAreElsewhereAndSaysSo) {
  const std::vector<std::pair<std::function<SkyPosition(int)>, const char*>> rows = {
      {[](int row) {
         return SkyPosition{293.7 + 20.0 * row, -0.5};
       },
       "jump by 19.99"},
      {[](int row) {
         return SkyPosition{19.58 + 1e-3 * row, -0.5};
       },
       "85.8 degrees from RA and DEC"},
  };
  for (const auto& [pointing, words] : rows) {
    const TempFolder folder;
    auto fits = drifting();
    fits.pointing = pointing;
    const auto source = opened(folder, fits);
    EXPECT_TRUE(source->info().track.empty());
    EXPECT_NEAR(source->info().dec_deg, -0.5, 1e-12);
    ASSERT_EQ(source->losses().notes.size(), 1u);
    EXPECT_TRUE(says(source->losses().notes[0], {"a.fits", "RA_SUB", words, "not believed"}));
  }
}

}  // namespace
}  // namespace tianyan::test
