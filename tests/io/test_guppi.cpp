// GUPPI raw files made by hand, written by our sink and recorded by others.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "io/key_values.hpp"
#include "tests/io/third_party.hpp"
#include "tests/io/voltage_files.hpp"

namespace tianyan::test {
namespace {

using Keys = std::map<std::string, std::string>;

/// 3 channels of 1 MHz from 1000 MHz up, 2 polarisations, 8 bits, blocks of 8 samples, the last 2 again in
/// the next block. "" takes a key away.
Keys block_keys(const Keys& set = {}) {
  Keys keys = {{"BACKEND", "'GUPPI   '"},
               {"TELESCOP", "'GBT     '"},
               {"SRC_NAME", "'B0329+54'"},
               {"OBSFREQ", "1001.5"},
               {"OBSBW", "3.0"},
               {"OBSNCHAN", "3"},
               {"NPOL", "4"},
               {"NBITS", "8"},
               {"TBIN", "1e-6"},
               {"OVERLAP", "2"},
               {"BLOCSIZE", "96"},
               {"PKTSIZE", "12"},
               {"PKTIDX", "0"},
               {"STT_IMJD", "59000"},
               {"STT_SMJD", "3600"},
               {"STT_OFFS", "0.25"}};
  for (const auto& [key, value] : set) keys[key] = value;
  return keys;
}

std::string cards(const Keys& keys) {
  std::string text;
  for (const auto& [key, value] : keys)
    if (!value.empty()) text += fmt::format("{:<80}", fmt::format("{:<8}= {:>20}", key, value));
  return text + fmt::format("{:<80}", "END");
}

/// Byte b of a block's data is (first + b) % 251.
std::string block(const Keys& keys, int first) {
  std::string bytes(static_cast<std::size_t>(std::stoi(keys.at("BLOCSIZE"))), '\0');
  for (std::size_t b = 0; b < bytes.size(); ++b)
    bytes[b] = static_cast<char>((static_cast<std::size_t>(first) + b) % 251);
  return cards(keys) + bytes;
}

/// Blocks with the given PKTIDX: 6 samples, thus 6 packets of 12 bytes, from one to the next.
std::string blocks(const std::vector<std::string>& indices, const Keys& set = {}) {
  std::string bytes;
  for (std::size_t k = 0; k < indices.size(); ++k) {
    Keys keys = block_keys(set);
    keys["PKTIDX"] = indices[k];
    bytes += block(keys, static_cast<int>(k) * 100);
  }
  return bytes;
}

int as_int8(int value) { return value % 251 < 128 ? value % 251 : value % 251 - 256; }

TEST(KeyValues, AreMadePrintable) {
  KeyValues keys("a.raw");
  keys.add("SRC_NAME", "Sgr\tA\xb0");
  EXPECT_EQ(keys.text("SRC_NAME"), "Sgr A\ufffd");
  EXPECT_EQ(keys.known_text("SRC_NAME"), "Sgr A\ufffd");
}

TEST(GuppiSource, ReadsChannelsThenTimesThenPolarisations) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.any", blocks({"0", "6"})));
  const VoltageInfo& info = source->info();
  EXPECT_EQ(source->format_name(), "GUPPI");
  EXPECT_EQ(info.n_coarse, 3);
  EXPECT_EQ(info.n_pol, 2);
  EXPECT_EQ(info.n_time, 12);  // the last block's overlap belongs to the next file
  EXPECT_DOUBLE_EQ(info.band_low_mhz, 1000.0);
  EXPECT_DOUBLE_EQ(info.coarse_width_mhz, 1.0);
  EXPECT_DOUBLE_EQ(info.sample_time_s, 1e-6);
  EXPECT_EQ(info.start.day, 59000);
  EXPECT_DOUBLE_EQ(info.start.second, 3600.25);
  EXPECT_EQ(info.telescope, "GBT");
  EXPECT_EQ(info.backend, "GUPPI");
  EXPECT_EQ(info.source_name, "B0329+54");
  EXPECT_EQ(source->format(), VoltageFormat{});
  EXPECT_TRUE(source->losses().notes.empty());
  for (const std::int64_t n_block : {1, 5, 6, 12}) {
    const WholeVoltages whole = read_voltages(*source, n_block);
    for (int c = 0; c < 3; ++c)
      for (int p = 0; p < 2; ++p)
        for (int t = 0; t < 12; ++t)
          for (int k = 0; k < 2; ++k) {
            ASSERT_TRUE(whole.has(c, p, t));
            ASSERT_EQ(whole.at(c, p, t, k), as_int8(t / 6 * 100 + (c * 8 + t % 6) * 4 + p * 2 + k));
          }
  }
}

TEST(GuppiSource, RefusesARangeOutsideTheFile) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"0", "6"})));
  VoltageBlock block;
  EXPECT_THROW(source->read(-1, 1, block), std::invalid_argument);
  EXPECT_THROW(source->read(12, 1, block), std::invalid_argument);
  EXPECT_THROW(source->read(0, INT64_MAX, block), std::invalid_argument);
  source->read(12, 0, block);
  EXPECT_TRUE(block.pieces.empty());
}

TEST(GuppiSource, PutsBlocksWherePktidxSays) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"60", "66", "84"})));
  EXPECT_EQ(source->info().n_time, 30);
  EXPECT_DOUBLE_EQ(source->info().start.second, 3600.25 + 60e-6);
  EXPECT_EQ(source->losses().n_gaps, 1);
  EXPECT_EQ(source->losses().gap_samples, 10);  // before a gap the overlap is used: 6 + 8 samples, next at 24
  EXPECT_FALSE(source->losses().cut_short);
  ASSERT_EQ(source->losses().notes.size(), 1u);
  EXPECT_TRUE(says(source->losses().notes[0], {"x.raw", "1 gaps", "10 samples"}));
  const WholeVoltages whole = read_voltages(*source, 7);
  for (int t = 0; t < 30; ++t) ASSERT_EQ(whole.has(1, 1, t), t < 14 || t >= 24) << t;
  EXPECT_EQ(whole.at(2, 0, 13, 1), as_int8(100 + (2 * 8 + 7) * 4 + 1));
  EXPECT_EQ(whole.at(2, 0, 24, 1), as_int8(200 + 2 * 8 * 4 + 1));
}

TEST(GuppiSource, TakesTheStepOfPktidxFromPiperblkElseFromTheBlocks) {
  const TempFolder folder;
  const auto by_key = open_voltage_file(folder.write("a.raw", blocks({"0", "6"}, {{"PIPERBLK", "3"}})));
  EXPECT_EQ(by_key->info().n_time, 18);
  const auto by_blocks =
      open_voltage_file(folder.write("b.raw", blocks({"0", "5", "15"}, {{"PKTSIZE", "9000"}})));
  EXPECT_EQ(by_blocks->info().n_time, 24);
  EXPECT_EQ(by_blocks->losses().gap_samples, 4);
}

/// Samples [6 i, 6 i + 6) are the first of the block number from[i] of the file.
void expect_blocks(VoltageSource& source, const std::vector<int>& from) {
  ASSERT_EQ(source.info().n_time, 6 * std::ssize(from));
  const WholeVoltages whole = read_voltages(source, 7);
  for (int t = 0; t < whole.n_time; ++t) {
    ASSERT_TRUE(whole.has(2, 1, t)) << t;
    ASSERT_EQ(whole.at(2, 1, t, 0),
              as_int8(from[static_cast<std::size_t>(t / 6)] * 100 + (16 + t % 6) * 4 + 2))
        << t;
  }
}

TEST(GuppiSource, LetsBlocksFollowEachOtherWherePktidxDoesNotFit) {
  const TempFolder folder;
  const std::vector<std::vector<std::string>> cases = {
      {"0", "0", "0"}, {"7", "7", "7"}, {"0", "0", "0", "6"}};
  for (const auto& indices : cases) {
    const auto source = open_voltage_file(folder.write("x.raw", blocks(indices)));
    EXPECT_EQ(source->losses().n_gaps, 0);
    EXPECT_FALSE(source->losses().cut_short);
    ASSERT_EQ(source->losses().notes.size(), 1u);
    EXPECT_TRUE(says(source->losses().notes[0], {"x.raw", "PKTIDX does not fit"}));
    EXPECT_DOUBLE_EQ(source->info().start.second, 3600.25);
    std::vector<int> all(indices.size());
    std::iota(all.begin(), all.end(), 0);
    expect_blocks(*source, all);
  }
  const auto silent = open_voltage_file(folder.write("y.raw", blocks({"", "", ""})));
  EXPECT_EQ(silent->info().n_time, 18);
  EXPECT_TRUE(silent->losses().notes.empty());
}

TEST(GuppiSource, TakesABlockThatComesTwiceOnce) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"60", "66", "66", "72"})));
  EXPECT_DOUBLE_EQ(source->info().start.second, 3600.25 + 60e-6);
  EXPECT_FALSE(source->losses().cut_short);
  EXPECT_EQ(source->losses().lost_bytes, 0);
  ASSERT_EQ(source->losses().notes.size(), 1u);
  EXPECT_TRUE(says(source->losses().notes[0], {"x.raw", "1 of 4 blocks", "repeat"}));
  expect_blocks(*source, {0, 1, 3});
}

TEST(GuppiSource, PutsBlocksIntoTheOrderOfPktidx) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"0", "12", "6", "18"})));
  EXPECT_EQ(source->losses().n_gaps, 0);
  ASSERT_EQ(source->losses().notes.size(), 1u);
  EXPECT_TRUE(says(source->losses().notes[0], {"x.raw", "order of PKTIDX"}));
  expect_blocks(*source, {0, 2, 1, 3});
  const auto backwards = open_voltage_file(folder.write("y.raw", blocks({"72", "66", "60"})));
  EXPECT_DOUBLE_EQ(backwards->info().start.second, 3600.25 + 60e-6);
  expect_blocks(*backwards, {2, 1, 0});
}

TEST(GuppiSource, LeavesOutABlockWhosePktidxIsWrong) {
  const TempFolder folder;
  for (const char* wrong : {"1000000000000", "9000000000000000000", "-9000000000000000000", "25"}) {
    // The block of PKTIDX 6 is missing: 8 samples of the one before it are used, 4 are not there.
    const auto source = open_voltage_file(folder.write("x.raw", blocks({"0", "12", "18", "24", wrong})));
    EXPECT_EQ(source->info().n_time, 30) << wrong;
    EXPECT_DOUBLE_EQ(source->info().start.second, 3600.25);
    EXPECT_EQ(source->losses().n_gaps, 1);
    EXPECT_EQ(source->losses().gap_samples, 4);
    EXPECT_EQ(source->losses().lost_bytes, 96);
    EXPECT_TRUE(source->losses().cut_short);
    EXPECT_TRUE(says(source->losses().notes.at(0), {"x.raw", "1 of 5 blocks", "does not fit", "left out"}));
    const WholeVoltages whole = read_voltages(*source, 7);
    for (int t = 0; t < 30; ++t) ASSERT_EQ(whole.has(0, 0, t), t < 8 || t >= 12) << t;
    EXPECT_EQ(whole.at(0, 0, 7, 0), as_int8(7 * 4));
    EXPECT_EQ(whole.at(0, 0, 29, 0), as_int8(300 + 5 * 4));
  }
}

TEST(GuppiSource, SaysThatADayWasNotSet) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"0"}, {{"STT_IMJD", "0"}})));
  EXPECT_TRUE(says(source->losses().notes.at(0), {"x.raw", "STT_IMJD is 0: times are not to be believed"}));
  EXPECT_TRUE(open_voltage_file(folder.write("y.raw", blocks({"0"}, {{"STT_IMJD", "40000"}})))
                  ->losses()
                  .notes.empty());
}

TEST(GuppiSource, ChecksForItsBeamsWhatNoHintCanMend) {
  const TempFolder folder;
  const auto beams = [&](const Keys& set) {
    const std::string path = folder.write("x-M04.raw", blocks({"0"}, set));
    return voltage_format_of(path)->beams(path);
  };
  for (const Keys& set : {Keys{{"TBIN", ""}}, Keys{{"OBSBW", "77"}}, Keys{{"OBSFREQ", "-5"}}})
    EXPECT_EQ(beams(set), std::vector<int>{4});
  for (const Keys& set : {Keys{{"NBITS", "3"}}, Keys{{"NPOL", "3"}}, Keys{{"OBSNCHAN", "0"}},
                          Keys{{"OBSBW", "0"}}, Keys{{"STT_IMJD", "x"}}})
    EXPECT_THROW(beams(set), std::runtime_error) << set.begin()->first;
}

TEST(GuppiSource, CountsPktidxFromPktstart) {
  const TempFolder folder;
  const Keys set = {{"PKTSTART", "999999994"}};
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"1000000000"}, set)));
  EXPECT_DOUBLE_EQ(source->info().start.second, 3600.25 + 6e-6);
  const auto lost = open_voltage_file(folder.write("y.raw", blocks({"1000000000000"})));
  EXPECT_DOUBLE_EQ(lost->info().start.second, 3600.25);
  EXPECT_TRUE(says(lost->losses().notes.at(0), {"PKTIDX 1000000000000", "not believed"}));
}

TEST(GuppiSource, TurnsANegativeBandwidthRound) {
  const TempFolder folder;
  const std::string path = folder.write("x.raw", blocks({"0", "6"}, {{"OBSBW", "-3.0"}}));
  const auto source = open_voltage_file(path);
  EXPECT_TRUE(source->format().is_inverted);
  EXPECT_DOUBLE_EQ(source->info().band_low_mhz, 1000.0);
  EXPECT_EQ(read_voltages(*source, 5).at(0, 1, 7, 0), as_int8(100 + (2 * 8 + 1) * 4 + 2));
  const auto turned = open_voltage_file(path, {.lower_sideband = true});
  EXPECT_FALSE(turned->format().is_inverted);
  EXPECT_EQ(read_voltages(*turned, 5).at(0, 1, 7, 0), as_int8(100 + 1 * 4 + 2));
}

TEST(GuppiSource, LetsTheUserKnowBetter) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"0"})),
                                        {.sample_rate_hz = 2e6, .band_low_mhz = 1200.0});
  EXPECT_DOUBLE_EQ(source->info().sample_time_s, 0.5e-6);
  EXPECT_DOUBLE_EQ(source->info().coarse_width_mhz, 2.0);
  EXPECT_DOUBLE_EQ(source->info().band_low_mhz, 1200.0);
}

TEST(GuppiSource, ReadsTimesBeforeChannelsWherePktfmtIsSimple) {
  const TempFolder folder;
  const auto source =
      open_voltage_file(folder.write("x.raw", blocks({"0", "6"}, {{"PKTFMT", "'SIMPLE'"}, {"OBSBW", "-3"}})));
  const WholeVoltages whole = read_voltages(*source, 5);
  for (int c = 0; c < 3; ++c)
    for (int t = 0; t < 12; ++t)
      ASSERT_EQ(whole.at(c, 1, t, 1), as_int8(t / 6 * 100 + (t % 6 * 3 + 2 - c) * 4 + 3));
}

TEST(GuppiSource, SkipsThePaddingOfDirectIo) {
  const TempFolder folder;
  std::string bytes;
  for (const char* index : {"0", "6"}) {
    const Keys keys = block_keys({{"PKTIDX", index}, {"DIRECTIO", "1"}});
    bytes += cards(keys);
    bytes.resize((bytes.size() + 511) / 512 * 512, ' ');
    bytes += block(keys, 0).substr(cards(keys).size());
  }
  const auto source = open_voltage_file(folder.write("x.raw", bytes));
  EXPECT_EQ(source->info().n_time, 12);
  EXPECT_EQ(read_voltages(*source, 12).at(1, 0, 7, 1), (8 + 1) * 4 + 1);
}

TEST(GuppiSource, ReadsFourBitsAsDspsrForGuppiAndAsRawspecForOthers) {
  const TempFolder folder;
  const Keys half = {{"NBITS", "4"}, {"BLOCSIZE", "48"}, {"PKTSIZE", "6"}};
  const auto guppi = open_voltage_file(folder.write("a.raw", blocks({"0"}, half)));
  EXPECT_EQ(guppi->format().code, VoltageCode::kOffsetBinary);
  EXPECT_FALSE(guppi->format().is_inverted);
  EXPECT_EQ(read_voltages(*guppi, 4).at(2, 1, 5, 0), ((2 * 8 + 5) * 2 + 1) & 15);
  Keys other = half;
  other["BACKEND"] = "'ATA'";
  const auto ata = open_voltage_file(folder.write("b.raw", blocks({"0"}, other)));
  EXPECT_EQ(ata->format().code, VoltageCode::kTwosComplement);
  // Byte 0x2b is 2 - 5i by rawspec. Read low bits first it is -5 + 2i = i conj(2 - 5i), and inverted.
  EXPECT_TRUE(ata->format().is_inverted);
  const WholeVoltages whole = read_voltages(*ata, 8);
  const int byte = (2 * 8 + 5) * 2 + 1;
  ASSERT_EQ(byte, 0x2b);
  EXPECT_EQ(whole.at(2, 1, 5, 0), -5);
  EXPECT_EQ(whole.at(2, 1, 5, 1), 2);
  EXPECT_EQ(ata->losses().notes.size(), 1u);
}

TEST(GuppiSource, ReadsTwoBitsFromTheMiddleOfAByte) {
  const TempFolder folder;
  const Keys set = {{"NBITS", "2"}, {"NPOL", "1"}, {"BLOCSIZE", "12"}, {"PKTSIZE", "3"}, {"OVERLAP", "2"}};
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"0", "3"}, set)));
  EXPECT_EQ(source->format().code, VoltageCode::kFourLevel);
  EXPECT_EQ(source->info().n_pol, 1);
  ASSERT_EQ(source->info().n_time, 12);
  for (const std::int64_t n_block : {1, 3, 12}) {
    const WholeVoltages whole = read_voltages(*source, n_block);
    for (int c = 0; c < 3; ++c)
      for (int t = 0; t < 12; ++t)
        for (int k = 0; k < 2; ++k) {
          const int bit = (t % 6 * 2 + k) * 2;
          ASSERT_EQ(whole.at(c, 0, t, k), ((t / 6 * 100 + c * 4 + bit / 8) >> (bit % 8)) & 3);
        }
  }
}

TEST(GuppiSource, TakesOneChannelAsRealWhereTheSampleTimeSaysSo) {
  const TempFolder folder;
  const Keys set = {
      {"OBSNCHAN", "1"}, {"NPOL", "2"}, {"TBIN", "0.5e-6"}, {"OBSBW", "1"}, {"OBSFREQ", "1000.5"}};
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"0"}, set)));
  EXPECT_FALSE(source->format().is_complex);
  EXPECT_EQ(source->info().n_pol, 2);
  EXPECT_EQ(source->info().n_time, 46);
  EXPECT_DOUBLE_EQ(source->info().band_low_mhz, 1000.0);
  EXPECT_EQ(read_voltages(*source, 9).at(0, 1, 20), 41);
}

TEST(GuppiSource, SaysWhichOfTwoBandwidthsItTook) {
  const TempFolder folder;
  const auto by_obsbw = open_voltage_file(folder.write("a.raw", blocks({"0"}, {{"CHAN_BW", "3.125"}})));
  EXPECT_DOUBLE_EQ(by_obsbw->info().coarse_width_mhz, 1.0);
  EXPECT_TRUE(says(by_obsbw->losses().notes.at(0), {"CHAN_BW 3.125", "OBSBW was taken"}));
  const auto by_width =
      open_voltage_file(folder.write("b.raw", blocks({"0"}, {{"CHAN_BW", "1.0"}, {"OBSBW", "800"}})));
  EXPECT_DOUBLE_EQ(by_width->info().coarse_width_mhz, 1.0);
  EXPECT_TRUE(says(by_width->losses().notes.at(0), {"OBSBW 800", "CHAN_BW was taken"}));
}

TEST(GuppiSource, ReadsPositionAndBeam) {
  const TempFolder folder;
  const Keys set = {{"RA_STR", "'18:10:37.28'"}, {"DEC_STR", "'-00:44:37.5'"}, {"BEAM", "7"}};
  const std::string path = folder.write("x.raw", blocks({"0"}, set));
  const auto source = open_voltage_file(path);
  EXPECT_DOUBLE_EQ(source->info().ra_deg, 15.0 * (18 + 10 / 60.0 + 37.28 / 3600));
  EXPECT_DOUBLE_EQ(source->info().dec_deg, -(44 / 60.0 + 37.5 / 3600));
  EXPECT_EQ(source->info().beam, 7);
  EXPECT_EQ(voltage_format_of(path)->beams(path), std::vector<int>{7});
  EXPECT_THROW(voltage_format_of(path)->open(path, 8, {}), std::invalid_argument);
  const auto named = open_voltage_file(folder.write("y-M05.raw", blocks({"0"}, {{"BEAM", "'A'"}})));
  EXPECT_EQ(named->info().beam, 5);
  const auto lost = open_voltage_file(folder.write("z.raw", blocks({"0"}, {{"RA_STR", "'25:00:00'"}})));
  EXPECT_TRUE(std::isnan(lost->info().ra_deg));
  EXPECT_TRUE(says(lost->losses().notes.at(0), {"RA_STR '25:00:00'"}));
}

TEST(GuppiSource, SaysThatPacketsWereDropped) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.raw", blocks({"0", "6"}, {{"NDROP", "3"}})));
  EXPECT_TRUE(says(source->losses().notes.at(0), {"dropped in 2 of 2 blocks"}));
}

TEST(GuppiSource, TakesABlockThatIsCutAsMissing) {
  const TempFolder folder;
  const std::string whole = blocks({"0", "6"});
  const std::size_t one = whole.size() / 2;
  for (const std::size_t n : {one + 1, one + 80, one + 500, whole.size() - 96, whole.size() - 1}) {
    const auto source = open_voltage_file(folder.write("x.raw", whole.substr(0, n)));
    EXPECT_EQ(source->info().n_time, 6) << n;
    EXPECT_TRUE(source->losses().cut_short);
    EXPECT_TRUE(says(source->losses().notes.at(0), {"x.raw", "cut short", "block 1"}));
  }
  EXPECT_EQ(open_voltage_file(folder.write("x.raw", whole.substr(0, whole.size() - 1)))->losses().lost_bytes,
            95);
  for (const std::size_t n : {one - 1, one - 96, one - 97})
    EXPECT_TRUE(says(voltage_error(folder.write("y.raw", whole.substr(0, n))), {"y.raw", "cut short"})) << n;
}

struct BadKeys {
  Keys set;
  std::vector<std::string> words;
};

TEST(GuppiSource, RefusesEachBadHeaderByName) {
  const TempFolder folder;
  const std::vector<BadKeys> cases = {{{{"OBSNCHAN", "0"}}, {"OBSNCHAN is 0"}},
                                      {{{"OBSNCHAN", "three"}}, {"OBSNCHAN is 'three'"}},
                                      {{{"NPOL", "3"}}, {"NPOL is 3"}},
                                      {{{"NPOL", ""}}, {"no NPOL"}},
                                      {{{"NBITS", "7"}}, {"7 bits"}},
                                      {{{"NBITS", "32"}}, {"32 bits"}},
                                      {{{"OBSBW", "0"}}, {"OBSBW is 0"}},
                                      {{{"OBSBW", "nan"}}, {"OBSBW is 'nan'"}},
                                      {{{"OBSBW", ""}}, {"neither OBSBW nor CHAN_BW"}},
                                      {{{"OBSBW", "4.0"}}, {"critical sampling"}},
                                      {{{"OBSFREQ", ""}}, {"no OBSFREQ"}},
                                      {{{"OBSFREQ", "-5"}}, {"band"}},
                                      {{{"TBIN", "0"}}, {"sample time 0"}},
                                      {{{"TBIN", "-1e-6"}}, {"sample time -1e-06"}},
                                      {{{"OVERLAP", "8"}}, {"OVERLAP 8", "8 samples"}},
                                      {{{"OVERLAP", "-1"}}, {"OVERLAP is -1"}},
                                      {{{"BLOCSIZE", "95"}}, {"BLOCSIZE 95", "whole number"}},
                                      {{{"BLOCSIZE", "5"}}, {"BLOCSIZE 5", "whole number"}},
                                      {{{"STT_IMJD", "-1"}}, {"STT_IMJD is -1"}},
                                      {{{"STT_SMJD", "1e9"}}, {"STT_SMJD"}},
                                      {{{"PKTIDX", "x"}}, {"PKTIDX is 'x'"}}};
  for (const auto& bad : cases) {
    const std::string error = voltage_error(folder.write("bad.raw", block(block_keys(bad.set), 0)));
    EXPECT_TRUE(says(error, bad.words) && says(error, {"bad.raw", "block 0"}));
  }
}

TEST(GuppiSource, NamesABlockThatDiffersFromTheFirst) {
  const TempFolder folder;
  const std::string first = block(block_keys(), 0);
  const std::string other = block(block_keys({{"PKTIDX", "6"}, {"NBITS", "4"}}), 0);
  EXPECT_TRUE(says(voltage_error(folder.write("x.raw", first + other)), {"block 1", "NBITS is '4'", "'8'"}));
  const std::string little = block(block_keys({{"PKTIDX", "6"}, {"BLOCSIZE", "36"}}), 0);
  EXPECT_EQ(open_voltage_file(folder.write("x.raw", first + little))->info().n_time, 7);
  EXPECT_TRUE(says(voltage_error(folder.write("x.raw", first + little + first)), {"block 2", "shorter"}));
  EXPECT_TRUE(says(voltage_error(folder.write("x.raw", first + std::string(200, '\x01'))),
                   {"x.raw, block 1", "no header"}));
}

TEST(GuppiSource, IsNotTakenForOtherFormats) {
  const TempFolder folder;
  EXPECT_EQ(voltage_format_of(folder.write("a", "")), nullptr);
  EXPECT_EQ(voltage_format_of(folder.write("b", cards({{"SIMPLE", "T"}, {"BITPIX", "8"}}))), nullptr);
  EXPECT_EQ(voltage_format_of(folder.write("c", fil_file(4, "abcd"))), nullptr);
}

TEST(GuppiSink, LosesNothingOfAnyShapeOrLength) {
  const TempFolder folder;
  for (const int n_coarse : {1, 3, 8})
    for (const int n_pol : {1, 2})
      for (const std::int64_t n_time : {1, 63, 64, 65, 1500}) {
        const std::string path = folder / "x.raw";
        const VoltageInfo info = voltage_info(n_coarse, n_pol, n_time);
        const auto sink = create_voltage_sink(path, info, {4}, VoltageFormat{}, true);
        write_voltages(*sink, info, VoltageFormat{});
        sink->finish();
        const auto source = open_voltage_file(path);
        expect_same_info(source->info(), info);
        EXPECT_EQ(source->info().beam, 4);
        EXPECT_EQ(source->format(), VoltageFormat{});
        EXPECT_TRUE(source->losses().notes.empty());
        expect_written(*source, 100);
      }
}

// Blocks of 64 samples are 64 x 60000 x 2 bytes: just one packet fits into 8 MiB. Bytes at known offsets.
TEST(GuppiSink, WritesBlocksThatAnIndependentReaderFinds) {
  const TempFolder folder;
  const std::string path = folder / "x.raw";
  VoltageInfo info = voltage_info(60000, 1, 80);
  info.coarse_width_mhz = 1.0 / 128;
  info.sample_time_s = 128e-6;
  const auto sink = create_voltage_sink(path, info, {0}, VoltageFormat{}, false);
  write_voltages(*sink, info, VoltageFormat{});
  sink->finish();
  const std::string bytes = read_file(path);
  const auto card_of = [&](std::size_t from, const std::string& key) {
    const std::size_t at = bytes.find(fmt::format("{:<8}= ", key), from);
    return std::stol(bytes.substr(at + 10, 70));
  };
  const std::size_t header = bytes.find(fmt::format("{:<80}", "END")) + 80;
  EXPECT_EQ(card_of(0, "BLOCSIZE"), 64 * 60000 * 2);
  EXPECT_EQ(card_of(0, "PKTIDX"), 0);
  const std::size_t second = header + 64 * 60000 * 2;
  EXPECT_EQ(card_of(second, "BLOCSIZE"), 16 * 60000 * 2);
  EXPECT_EQ(card_of(second, "PKTIDX") * card_of(second, "PKTSIZE"), 64 * 60000 * 2);
  const std::size_t data = bytes.find(fmt::format("{:<80}", "END"), second) + 80;
  EXPECT_EQ(bytes.size(), data + 16 * 60000 * 2);
  for (const std::size_t c : {0u, 1u, 59999u})
    for (const std::size_t t : {0u, 63u, 64u, 79u}) {
      const std::size_t at = t < 64 ? header + (c * 64 + t) * 2 : data + (c * 16 + t - 64) * 2;
      EXPECT_EQ(static_cast<std::int8_t>(bytes[at + 1]),
                sample_of(8, static_cast<std::int64_t>(c), 0, static_cast<std::int64_t>(t) * 2 + 1));
    }
  const auto source = open_voltage_file(path);
  EXPECT_EQ(source->info().n_time, 80);
  EXPECT_TRUE(source->losses().notes.empty());
}

TEST(GuppiSink, RefusesWhatTheFormatCannotHold) {
  const TempFolder folder;
  const VoltageInfo info = voltage_info(2, 1, 128);
  const auto create = [&](VoltageFormat format, std::vector<int> beams) {
    return create_voltage_sink(folder / "x.raw", info, beams, format, false);
  };
  EXPECT_THROW(create({.n_bits = 16}, {0}), std::invalid_argument);
  EXPECT_THROW(create({.is_inverted = true}, {0}), std::invalid_argument);
  EXPECT_THROW(create({}, {1, 2}), std::invalid_argument);
  const auto sink = create({}, {1});
  EXPECT_THROW(sink->write(0, Array<std::int16_t, 3>({2, 2, 128}).cview()), std::invalid_argument);
  EXPECT_THROW(sink->write(0, Array<std::int16_t, 3>({2, 1, 258}).cview()), std::invalid_argument);
  EXPECT_THROW(sink->finish(), std::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(folder / "x.raw"));
}

// Start, rate, shape and samples as the tests of the package baseband have them (test_guppi.py): stream of
// shape (3840, 2, 4), 250 Hz, 2018-01-14T14:11:33; [time][pol][channel] of samples 0 and 339.
TEST(ThirdPartyGuppi, PuppiSample) {
  SKIP_WITHOUT("baseband/sample_puppi.raw");
  const auto source = open_voltage_file(third_party("baseband/sample_puppi.raw"));
  const VoltageInfo& info = source->info();
  EXPECT_EQ(info.n_time, 3840);
  EXPECT_EQ(info.n_coarse, 4);
  EXPECT_EQ(info.n_pol, 2);
  EXPECT_DOUBLE_EQ(info.sample_time_s, 1.0 / 250.0);
  EXPECT_EQ(info.start.day, 58132);
  EXPECT_EQ(info.start.second, 14 * 3600 + 11 * 60 + 33);
  EXPECT_DOUBLE_EQ(info.coarse_width_mhz, 0.00025);
  EXPECT_DOUBLE_EQ(info.band_low_mhz, 356.6870);
  EXPECT_EQ(info.source_name, "J1810+1744");
  EXPECT_EQ(info.telescope, "Arecibo");
  EXPECT_NEAR(info.ra_deg, 272.655, 0.001);    // its RA
  EXPECT_NEAR(info.dec_deg, 17.7437, 0.0001);  // and DEC
  ASSERT_EQ(source->losses().notes.size(), 1u);
  EXPECT_TRUE(says(source->losses().notes[0], {"CHAN_BW 3.125", "OBSBW was taken"}));
  const WholeVoltages whole = read_voltages(*source, 1000);
  const int first[2][4][2] = {{{-7, 12}, {-32, -10}, {-17, 25}, {16, -5}},
                              {{14, 21}, {-5, -7}, {19, -8}, {7, 7}}};
  const int later[2][4][2] = {{{22, -7}, {5, 11}, {-21, 4}, {2, 0}}, {{-4, -12}, {1, 1}, {13, 6}, {-31, -4}}};
  for (int p = 0; p < 2; ++p)
    for (int c = 0; c < 4; ++c)
      for (int k = 0; k < 2; ++k) {
        EXPECT_EQ(whole.at(c, p, 0, k), first[p][c][k]);
        EXPECT_EQ(whole.at(c, p, 339, k), later[p][c][k]);
      }
  // "Check that stream properly skips overlap": sample 1523 is 563 of the second block, by its bytes.
  const std::string bytes = read_file(third_party("baseband/sample_puppi.raw"));
  const std::size_t at = (16384 + 6400) + 6400 + (3 * 1024 + 563) * 4 + 2;
  EXPECT_EQ(whole.at(3, 1, 1523, 0), static_cast<std::int8_t>(bytes[at]));
}

}  // namespace
}  // namespace tianyan::test
