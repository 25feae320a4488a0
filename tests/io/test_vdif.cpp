// VDIF made by hand, what is taken for VDIF, and two recordings that others made.
#include <cmath>
#include <filesystem>

#include "io/vdif_header.hpp"
#include "tests/io/vdif_files.hpp"

namespace tianyan::test {
namespace {

TEST(VdifSource, ReadsAFrameWorkedByHand) {
  // 2 bits, real, one channel, one thread, 8 bytes of payload: 32 samples, 2 frames a second.
  // Word 0: second 5. Word 1: epoch 41 (0x29, 2020-07-01), frame 1. Word 2: version 1, 5 units of 8 bytes.
  // Word 3: 2 bits (1 << 26), thread 0, station 'AB'. 0xe4 is 11 10 01 00: codes 0, 1, 2, 3.
  std::string frame("\x05\0\0\0\x01\0\0\x29\x05\0\0\x20\x42\x41\0\x04", 16);
  frame += std::string(16, '\0') + std::string("\xe4\x1b\0\0\0\0\0\x80", 8);
  const TempFolder folder;
  const auto source = open_vdif(folder.write("a.vdif", frame), with_rate(64.0));
  EXPECT_EQ(source->format_name(), "VDIF");
  EXPECT_EQ(source->format(), (VoltageFormat{2, false, VoltageCode::kFourLevel, false}));
  EXPECT_EQ(source->info().n_coarse, 1);
  EXPECT_EQ(source->info().n_pol, 1);
  EXPECT_EQ(source->info().n_time, 32);
  EXPECT_DOUBLE_EQ(source->info().coarse_width_mhz, 32e-6);
  EXPECT_DOUBLE_EQ(source->info().sample_time_s, 1.0 / 64.0);
  EXPECT_EQ(source->info().start.day, 59031);
  EXPECT_DOUBLE_EQ(source->info().start.second, 5.5);
  VoltageCodes codes = read_codes(*source, 5);
  const int begin[] = {0, 1, 2, 3, 3, 2, 1, 0, 0};
  for (int t = 0; t < 9; ++t) EXPECT_EQ(codes.at(0, 0, t), begin[t]) << t;
  EXPECT_EQ(codes.at(0, 0, 31), 2);
  EXPECT_TRUE(source->losses().notes.empty());
}

TEST(VdifSource, ReadsEveryDepthAndKindInBlocksOfAnyLength) {
  for (const int bits : {2, 4, 8, 16})
    for (const bool is_complex : {false, true})
      for (const int log2_chan : {0, 1, 3}) {
        VdifMaker maker;
        maker.n_bits = bits;
        maker.is_complex = is_complex;
        maker.log2_chan = log2_chan;
        Opened file(maker, maker.bytes(5));
        EXPECT_EQ(file.source->format().n_bits, bits);
        EXPECT_EQ(file.source->format().is_complex, is_complex);
        EXPECT_EQ(file.source->info().n_time, 5 * maker.n_sample());
        EXPECT_EQ(file.source->info().n_coarse, 1 << log2_chan);
        EXPECT_EQ(file.source->info().n_pol, 2);
        for (const int n_block : {1, 3, maker.n_sample(), maker.n_sample() + 1, 1000})
          EXPECT_EQ(frames_of(*file.source, maker, n_block), all_frames(maker, 5)) << bits << " bits";
        EXPECT_EQ(file.source->losses().gap_samples, 0);
        EXPECT_TRUE(file.source->losses().notes.empty());
      }
}

TEST(VdifSource, ReadsLegacyHeaders) {
  VdifMaker maker;
  maker.is_legacy = true;
  maker.payload_bytes = 8;  // frames shorter than a full header
  Opened file(maker, maker.bytes(7));
  EXPECT_EQ(frames_of(*file.source, maker, 3), all_frames(maker, 7));
  EXPECT_TRUE(file.source->losses().notes.empty());
}

TEST(VdifSource, RefusesDepthsThatCrossWords) {
  for (const int bits : {1, 3, 5, 12, 32}) {
    VdifMaker maker;
    std::string bytes = maker.bytes(3);
    for (int k = 0; k < 6; ++k)
      bytes[static_cast<std::size_t>(k * maker.frame_bytes() + 15)] =
          static_cast<char>(0x80 | (bits - 1) << 2);
    const TempFolder folder;
    const std::string path = folder.write("a.vdif", bytes);
    EXPECT_TRUE(says(error_of([&] { open_vdif(path); }),
                     {"a.vdif", fmt::format("voltages of {} bits; 2, 4, 8 and 16", bits)}));
  }
}

TEST(VdifSource, TakesTheRateFromTheExtension) {
  const TempFolder folder;
  VdifMaker maker;  // 64 complex samples a frame; 128 kHz are 2000 frames a second
  for (const std::uint32_t edv : {1u, 3u}) {
    maker.extension = {edv << 24 | 128, 0xacabfeed, 0, 0};
    const auto kilo = open_vdif(folder.write("a.vdif", maker.bytes(3)));
    EXPECT_DOUBLE_EQ(kilo->info().sample_time_s, 1.0 / 128e3);
    EXPECT_DOUBLE_EQ(kilo->info().coarse_width_mhz, 0.128);
    maker.extension[0] = edv << 24 | 1 << 23 | 16;
    EXPECT_DOUBLE_EQ(open_vdif(folder.write("a.vdif", maker.bytes(3)))->info().sample_time_s, 1.0 / 16e6);
  }
  maker.is_complex = false;  // the field is half the rate of real samples
  const std::string path = folder.write("a.vdif", maker.bytes(3));
  EXPECT_DOUBLE_EQ(open_vdif(path)->info().sample_time_s, 1.0 / 32e6);
  EXPECT_DOUBLE_EQ(open_vdif(path)->info().coarse_width_mhz, 16.0);
  EXPECT_DOUBLE_EQ(open_vdif(path, with_rate(128e3))->info().sample_time_s, 1.0 / 128e3) << "hints win";
}

TEST(VdifSource, FindsTheRateFromFrameNumbers) {
  const TempFolder folder;
  VdifMaker maker;
  maker.first_frame = 7;
  std::string bytes = maker.bytes(20 - 7 + 20 + 1);
  const auto source = open_vdif(folder.write("a.vdif", bytes));
  EXPECT_DOUBLE_EQ(source->info().sample_time_s, 1.0 / (20 * 64));
  EXPECT_EQ(frames_of(*source, maker), all_frames(maker, 34));
  EXPECT_DOUBLE_EQ(source->info().start.second, 1000.35);
  bytes = maker.bytes(20 - 7 + 20);
  EXPECT_TRUE(says(error_of([&] { open_vdif(folder.write("b.vdif", bytes)); }),
                   {"b.vdif: the header has no sample rate: set voltages.sample_rate_hz"}));
}

TEST(VdifSource, RefusesRatesThatTheFramesContradict) {
  const TempFolder folder;
  const VdifMaker maker;
  const std::string path = folder.write("a.vdif", maker.bytes(45));
  const auto error = [&](double rate_hz) { return error_of([&] { open_vdif(path, with_rate(rate_hz)); }); };
  EXPECT_TRUE(says(error(64.0 * 20.5), {"a.vdif", "20.5 frames of 64", "voltages.sample_rate_hz"}));
  EXPECT_TRUE(says(error(64.0 * 10), {"a.vdif", "frame number 19", "10 frames a second"}));
  EXPECT_THROW(open_vdif(path, with_rate(-1.0)), std::invalid_argument);
  EXPECT_THROW(open_vdif(path, with_rate(NAN)), std::invalid_argument);
}

TEST(VdifSource, MapsThreadsToChannelsAndPolarisations) {
  VdifMaker maker;
  maker.threads = {9, 3, 12, 7};
  maker.log2_chan = 1;
  const TempFolder folder;
  const std::string path = folder.write("a.vdif", maker.bytes(3));
  VoltageHints hints = with_rate(maker.rate_hz());
  hints.band_low_mhz = 1200.0;
  const auto source = open_vdif(path, hints);
  EXPECT_EQ(source->info().n_pol, 2);
  EXPECT_EQ(source->info().n_coarse, 4);
  EXPECT_DOUBLE_EQ(source->info().band_low_mhz, 1200.0);
  VoltageCodes codes = read_codes(*source, 100);
  const int threads[2][2] = {{3, 7}, {9, 12}};  // [coarse of threads][pol]
  for (int c = 0; c < 4; ++c)
    for (int p = 0; p < 2; ++p)
      for (int t = 0; t < 3 * maker.n_sample(); ++t)
        ASSERT_EQ(codes.at(c, p, t, 1), maker.code(threads[c / 2][p], c % 2, t, 1));
  hints.n_pol = 1;
  EXPECT_EQ(open_vdif(path, hints)->info().n_coarse, 8);
  hints.n_pol = 3;
  EXPECT_THROW(open_vdif(path, hints), std::invalid_argument);
  maker.threads = {0, 1, 2};
  hints.n_pol = 0;
  const std::string odd = folder.write("b.vdif", maker.bytes(3));
  EXPECT_EQ(open_vdif(odd, hints)->info().n_pol, 1);
  hints.n_pol = 2;
  EXPECT_TRUE(says(error_of([&] { open_vdif(odd, hints); }), {"b.vdif", "3 threads", "2 polarisations"}));
}

TEST(VdifSource, TurnsTheBandOfALowerSideband) {
  VdifMaker maker;
  maker.threads = {0, 1, 2, 3};
  maker.log2_chan = 2;
  const TempFolder folder;
  VoltageHints hints = with_rate(maker.rate_hz());
  hints.lower_sideband = true;
  const auto source = open_vdif(folder.write("a.vdif", maker.bytes(3)), hints);
  EXPECT_TRUE(source->format().is_inverted);
  VoltageCodes codes = read_codes(*source, 7);
  for (int c = 0; c < 8; ++c)
    for (int p = 0; p < 2; ++p)
      for (int t = 0; t < 3 * maker.n_sample(); ++t)
        ASSERT_EQ(codes.at(7 - c, p, t), maker.code(c / 4 * 2 + p, c % 4, t, 0)) << c;
}

TEST(VdifSource, TellsTheTimeOfEveryEpoch) {
  EXPECT_EQ(vdif_time(0, 0).day, 51544);
  EXPECT_EQ(vdif_time(1, 86400).day, 51727);  // 2000-07-02
  EXPECT_EQ(vdif_time(63, 0).day, 63048);     // 2031-07-01
  // 2016-12-31 had a second more: counted from 2016-07-01 (184 days), 2017-01-01 begins at 184 * 86400 + 1.
  EXPECT_EQ(vdif_time(33, 184 * 86400 + 1).day, 57754);
  EXPECT_DOUBLE_EQ(vdif_time(33, 184 * 86400 + 1).second, 0.0);
  EXPECT_DOUBLE_EQ(vdif_time(33, 184 * 86400 + 5).second, 4.0);
  EXPECT_EQ(vdif_time(33, 184 * 86400 - 1).day, 57753);
  EXPECT_DOUBLE_EQ(vdif_time(33, 184 * 86400 - 1).second, 86399.0);
}

TEST(VdifSource, ChecksTheRangeThatIsAsked) {
  const VdifMaker maker;
  Opened file(maker, maker.bytes(2));
  VoltageBlock block;
  EXPECT_THROW(file.source->read(-1, 1, block), std::invalid_argument);
  EXPECT_THROW(file.source->read(100, 29, block), std::invalid_argument);
  EXPECT_THROW(file.source->read(1, INT64_MAX, block), std::invalid_argument);
  file.source->read(128, 0, block);
  EXPECT_TRUE(block.pieces.empty());
}

TEST(VdifProbe, TakesTwoFramesOrAFileOfOne) {
  const TempFolder folder;
  VdifMaker maker;
  EXPECT_TRUE(voltage_format_of(folder.write("a", maker.bytes(1))));
  EXPECT_TRUE(voltage_format_of(folder.write("a", maker.frame(0, 0))));
  EXPECT_FALSE(voltage_format_of(folder.write("a", maker.frame(0, 0) + "x")));
  EXPECT_FALSE(voltage_format_of(folder.write("a", maker.frame(0, 0) + maker.frame(0, 0))))
      << "the same twice";
  maker.payload_bytes = 1 << 17;  // the second header is behind the first 64 KiB
  EXPECT_TRUE(voltage_format_of(folder.write("a", maker.bytes(1))));
  EXPECT_EQ(voltage_format_of(folder.write("a", maker.bytes(1)))->beams(folder / "a"), std::vector{0});
}

TEST(VdifProbe, IsNotFooledByOtherFormats) {
  const TempFolder folder;
  std::string counter, noise;
  Xoshiro256 random(3);
  for (int i = 0; i < 50000; ++i) {
    for (int k = 0; k < 4; ++k) counter += static_cast<char>(i >> (8 * k));
    noise += static_cast<char>(random());
  }
  const std::string hdf5 = std::string("\x89HDF\r\n\x1a\n", 8) + std::string(100000, '\0');
  const std::string guppi = "BACKEND = 'GUPPI   '" + std::string(100000, ' ');
  const std::string dada = "HEADER       DADA\nHDR_VERSION  1.0\n" + std::string(100000, '\0');
  const std::string many_spaces(20 << 20, ' ');  // a space is epoch 32, version 1, 16.8 MB
  for (const std::string& bytes :
       {FitsBytes{}.bytes(), fil_file(16, noise), hdf5, guppi, dada, many_spaces, counter, noise,
        std::string(100000, '\0'), std::string(100000, '\xff'), std::string("")}) {
    const VoltageSourceFormat* format = voltage_format_of(folder.write("a", bytes));
    EXPECT_FALSE(format && format->name == "VDIF") << bytes.substr(0, 20);
  }
}

TEST(VdifProbe, RefusesFilesOfOtherFormatsWhateverTheyHold) {
  const TempFolder folder;
  const std::string frames = VdifMaker{}.bytes(20);
  const auto* taken = voltage_format_of(folder.write("a", std::string(512, '\0') + frames));
  ASSERT_TRUE(taken && taken->name == "VDIF");
  const std::string length("\x0c\0\0\0", 4);
  for (const std::string& begin :
       {std::string("\x89HDF\r\n\x1a\n"), std::string("SIMPLE  =                    T"),
        length + "HEADER_START", std::string("BACKEND = 'GUPPI   '"), std::string("HEADER       DADA\n"),
        std::string("HDR_SIZE 512\nNBIT 8\n")}) {
    std::string bytes = begin;
    bytes.resize(512, '\0');
    const auto* format = voltage_format_of(folder.write("a", bytes + frames));
    EXPECT_FALSE(format && format->name == "VDIF") << begin;
  }
}

TEST(VdifProbe, WantsMoreFramesFarBehindTheFirstByte) {
  const TempFolder folder;
  const VdifMaker maker;
  const auto is_taken = [&](const std::string& bytes) {
    return voltage_format_of(folder.write("a", bytes)) != nullptr;
  };
  const std::string garbage(500, '\xff'), behind(96, '\xff');
  EXPECT_TRUE(is_taken(maker.bytes(1) + behind));
  EXPECT_TRUE(is_taken(garbage + maker.bytes(1)));  // no room for more
  EXPECT_FALSE(is_taken(garbage + maker.bytes(3) + behind));
  EXPECT_TRUE(is_taken(garbage + maker.bytes(4) + behind));
}

TEST(VdifProbe, IsNotFooledByATable) {
  const TempFolder folder;
  VdifMaker maker;
  maker.fps = 1 << 23;
  std::string large(300, '\0');  // an address that grows by large steps
  for (int i = 0; i < 40; ++i) large += maker.frame(i * 4096, 0);
  EXPECT_EQ(voltage_format_of(folder.write("a", large)), nullptr);
  // Entries of the B-tree of an HDF5 file: 48 bytes, of which one counts where a header has thread and bits.
  std::string tree(7585, '\0');
  for (int i = 0; i < 64; ++i) {
    std::string entry(48, '\0');
    entry[1] = 0x10;
    entry[8] = 6;
    entry[15] = static_cast<char>(i);
    tree += entry;
  }
  EXPECT_EQ(voltage_format_of(folder.write("a", tree + std::string(500, '\0'))), nullptr);
}

TEST(VdifProbe, OpeningWhatIsNoVdifNamesTheFile) {
  const TempFolder folder;
  const VdifMaker maker;
  const auto* format = voltage_format_of(folder.write("a.vdif", maker.bytes(2)));
  ASSERT_TRUE(format);
  EXPECT_TRUE(says(error_of([&] { format->open(folder.write("b.vdif", std::string(5000, 'x')), 0, {}); }),
                   {"b.vdif: no VDIF"}));
}

// Recordings that come with the Python package baseband; the numbers are those of its documentation
// (docs/vdif) and tests (baseband/vdif/tests). Levels -3, -1, 1, 3 there are codes 0..3.
#define OPEN_VDIF_OR_SKIP(source, name, hints)                                                         \
  if (!std::filesystem::exists(third_party(name))) GTEST_SKIP() << third_party(name) << " is missing"; \
  const auto source = open_vdif(third_party(name), hints)

void expect_levels(VoltageCodes& codes, int thread, const std::vector<int>& levels) {
  for (std::size_t t = 0; t < levels.size(); ++t)
    EXPECT_EQ(2 * codes.at(thread / 2, thread % 2, static_cast<std::int64_t>(t)) - 3, levels[t])
        << "thread " << thread << ", sample " << t;
}

TEST(VdifThirdParty, AnEvnRecordingOfEightThreads) {
  OPEN_VDIF_OR_SKIP(source, "baseband/sample.vdif", VoltageHints{});
  const VoltageInfo& info = source->info();
  EXPECT_EQ(info.n_coarse, 4);
  EXPECT_EQ(info.n_pol, 2);
  EXPECT_EQ(info.n_time, 40000);
  EXPECT_DOUBLE_EQ(info.sample_time_s, 1.0 / 32e6);
  EXPECT_DOUBLE_EQ(info.coarse_width_mhz, 16.0);
  EXPECT_EQ(source->format(), (VoltageFormat{2, false, VoltageCode::kFourLevel, false}));
  EXPECT_EQ(info.start.day, 56824);  // 2014-06-16T05:56:07
  EXPECT_DOUBLE_EQ(info.start.second, 21367.0);
  EXPECT_TRUE(source->losses().notes.empty());
  VoltageCodes codes = read_codes(*source, 30000);
  expect_levels(codes, 0, {-1, -1, 3, -1, 1, -1, 3, -1, 1, 3, -1, 1});
  expect_levels(codes, 1, {1, 1, 1, -3, 1, 1, -3, -3, -3, 3, 3, -1});
  expect_levels(codes, 3, {-1, 1, -1, 1, -3, -1, 3, -1, 3, -3, 1, 3});
}

TEST(VdifThirdParty, AChimeRecordingOfOneSampleAFrame) {
  OPEN_VDIF_OR_SKIP(source, "baseband/sample_arochime.vdif", with_rate(800e6 / 2048));
  const VoltageInfo& info = source->info();
  EXPECT_EQ(info.n_coarse, 1024);
  EXPECT_EQ(info.n_pol, 2);
  EXPECT_EQ(info.n_time, 5);
  EXPECT_EQ(source->format(), (VoltageFormat{4, true, VoltageCode::kOffsetBinary, false}));
  EXPECT_EQ(info.start.day, 57500);  // 2016-04-22T08:45:31.788759040: four leap seconds after its epoch 2000
  EXPECT_NEAR(info.start.second, 31531.788759040, 1e-9);
  EXPECT_TRUE(source->losses().notes.empty());
  // Byte b of the payload is channel b, its real part in the low bits.
  const std::string bytes = read_file(third_party("baseband/sample_arochime.vdif"));
  VoltageCodes codes = read_codes(*source, 2);
  for (int t = 0; t < 5; ++t)
    for (int p = 0; p < 2; ++p)
      for (int c = 0; c < 1024; ++c) {
        const auto byte =
            static_cast<unsigned char>(bytes[static_cast<std::size_t>((2 * t + p) * 1056 + 32 + c)]);
        ASSERT_EQ(codes.at(c, p, t, 0), byte & 15);
        ASSERT_EQ(codes.at(c, p, t, 1), byte >> 4);
      }
  EXPECT_TRUE(says(error_of([&] { open_vdif(third_party("baseband/sample_arochime.vdif")); }),
                   {"sample_arochime.vdif: the header has no sample rate: set voltages.sample_rate_hz"}));
}

TEST(VdifThirdParty, OtherRecordingsAreNotVdif) {
  for (const std::string name :
       {"baseband/sample.dada", "baseband/sample_mkbf.dada", "baseband/sample_puppi.raw",
        "sigpyproc3/parkes_4bit.sf", "sigpyproc3/parkes_2bit.fil", "peasoup/tutorial.fil"}) {
    if (!std::filesystem::exists(third_party(name))) GTEST_SKIP() << third_party(name) << " is missing";
    const VoltageSourceFormat* format = voltage_format_of(third_party(name));
    EXPECT_FALSE(format && format->name == "VDIF") << name;
  }
}

}  // namespace
}  // namespace tianyan::test
