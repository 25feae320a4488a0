// DADA files made by hand, written by our sink and recorded by others.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <map>

#include "tests/io/third_party.hpp"
#include "tests/io/voltage_files.hpp"

namespace tianyan::test {
namespace {

using Keys = std::map<std::string, std::string>;

/// 3 channels of 1 MHz from 1000 MHz up, 2 polarisations, complex of 8 bits. "" takes a key away.
std::string header(const Keys& set = {}) {
  Keys keys = {{"HDR_SIZE", "1024"},   {"NBIT", "8"},
               {"NDIM", "2"},          {"NPOL", "2"},
               {"NCHAN", "3"},         {"FREQ", "1001.5"},
               {"BW", "3.0"},          {"TSAMP", "1.0"},
               {"OBS_OFFSET", "0"},    {"UTC_START", "2020-05-31-01:00:00"},
               {"SOURCE", "B0329+54"}, {"TELESCOPE", "FAST"}};
  for (const auto& [key, value] : set) keys[key] = value;
  std::string text = "# made by hand\n\n";
  for (const auto& [key, value] : keys)
    if (!value.empty()) text += fmt::format("{:<14} {}   # a comment\n", key, value);
  text.resize(1024, '\0');
  return text;
}

/// Byte b is b % 251.
std::string ramp(std::size_t n) {
  std::string bytes(n, '\0');
  for (std::size_t b = 0; b < n; ++b) bytes[b] = static_cast<char>(b % 251);
  return bytes;
}

double power(const WholeVoltages& whole, int c, int p) {
  double sum = 0.0;
  for (std::int64_t t = 0; t < whole.n_time; ++t)
    for (int k = 0; k < 2; ++k) sum += whole.at(c, p, t, k) * whole.at(c, p, t, k);
  return sum;
}

int as_int8(std::int64_t byte) { return static_cast<int>(byte % 251 < 128 ? byte % 251 : byte % 251 - 256); }

TEST(DadaSource, ReadsTimesThenChannelsThenPolarisations) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write("x.any", header() + ramp(12 * 40)));
  const VoltageInfo& info = source->info();
  EXPECT_EQ(source->format_name(), "DADA");
  EXPECT_EQ(info.n_coarse, 3);
  EXPECT_EQ(info.n_pol, 2);
  EXPECT_EQ(info.n_time, 40);
  EXPECT_DOUBLE_EQ(info.band_low_mhz, 1000.0);
  EXPECT_DOUBLE_EQ(info.coarse_width_mhz, 1.0);
  EXPECT_DOUBLE_EQ(info.sample_time_s, 1e-6);
  EXPECT_EQ(info.start.day, 59000);
  EXPECT_DOUBLE_EQ(info.start.second, 3600.0);
  EXPECT_EQ(info.source_name, "B0329+54");
  EXPECT_EQ(info.telescope, "FAST");
  EXPECT_EQ(source->format(), VoltageFormat{});
  EXPECT_TRUE(source->losses().notes.empty());
  for (const std::int64_t n_block : {1, 7, 40}) {
    const WholeVoltages whole = read_voltages(*source, n_block);
    for (int c = 0; c < 3; ++c)
      for (int p = 0; p < 2; ++p)
        for (int t = 0; t < 40; ++t)
          for (int k = 0; k < 2; ++k) {
            ASSERT_TRUE(whole.has(c, p, t));
            ASSERT_EQ(whole.at(c, p, t, k), as_int8(t * 12 + c * 4 + p * 2 + k));
          }
  }
  VoltageBlock block;
  EXPECT_THROW(source->read(-1, 1, block), std::invalid_argument);
  EXPECT_THROW(source->read(39, 2, block), std::invalid_argument);
}

TEST(DadaSource, ReadsRealSamplesOfSixteenBits) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write(
      "x.dada", header({{"NDIM", "1"}, {"NBIT", "16"}, {"TSAMP", "0.5"}, {"BW", "-3"}}) + ramp(240)));
  EXPECT_FALSE(source->format().is_complex);
  EXPECT_TRUE(source->format().is_inverted);
  EXPECT_EQ(source->info().n_time, 20);
  EXPECT_DOUBLE_EQ(source->info().sample_time_s, 0.5e-6);
  const WholeVoltages whole = read_voltages(*source, 6);
  for (int c = 0; c < 3; ++c)  // recorded from the highest channel down
    for (int t = 0; t < 20; ++t) {
      const int byte = t * 12 + (2 - c) * 4 + 2;
      ASSERT_EQ(whole.at(c, 1, t), byte + 256 * (byte + 1 < 128 ? byte + 1 : byte + 1 - 256));
    }
}

TEST(DadaSource, TakesDefaultsOfWhatAHeaderMayLeaveOut) {
  const TempFolder folder;
  const auto source = open_voltage_file(folder.write(
      "x.dada",
      header({{"NDIM", ""}, {"NPOL", ""}, {"NCHAN", ""}, {"TSAMP", ""}, {"OBS_OFFSET", ""}}) + ramp(8)));
  EXPECT_FALSE(source->format().is_complex);
  EXPECT_EQ(source->info().n_coarse, 1);
  EXPECT_EQ(source->info().n_pol, 1);
  EXPECT_DOUBLE_EQ(source->info().sample_time_s, 1e-6 / 6.0);
  EXPECT_EQ(source->info().n_time, 8);
}

TEST(DadaSource, KnowsTheCodesOfSmallAndLargeSamples) {
  const TempFolder folder;
  const auto code = [&](const char* bits, const char* encoding) {
    return open_voltage_file(folder.write("x.dada", header({{"NBIT", bits}, {"ENCODING", encoding}})))
        ->format()
        .code;
  };
  EXPECT_EQ(code("8", ""), VoltageCode::kTwosComplement);
  EXPECT_EQ(code("8", "OFFSETBINARY"), VoltageCode::kOffsetBinary);
  EXPECT_EQ(code("16", "TWOSCOMPLEMENT"), VoltageCode::kTwosComplement);
  EXPECT_EQ(code("4", ""), VoltageCode::kTwosComplement);
  EXPECT_EQ(code("2", ""), VoltageCode::kFourLevel);
  EXPECT_EQ(code("2", "TWOSCOMPLEMENT"), VoltageCode::kTwosComplement);
}

TEST(DadaSource, ReadsSamplesThatBeginInsideAByte) {
  const TempFolder folder;
  const Keys set = {{"NBIT", "2"}, {"NPOL", "1"}};  // 12 bits a spectrum
  const auto source = open_voltage_file(folder.write("x.dada", header(set) + ramp(31)));
  EXPECT_EQ(source->info().n_time, 20);
  EXPECT_EQ(source->losses().lost_bytes, 1);
  for (const std::int64_t n_block : {1, 3, 20}) {
    const WholeVoltages whole = read_voltages(*source, n_block);
    for (int t = 0; t < 20; ++t)
      for (int c = 0; c < 3; ++c) {
        const int bit = t * 12 + c * 4 + 2;
        ASSERT_EQ(whole.at(c, 0, t, 1), ((bit / 8) >> (bit % 8)) & 3);
      }
  }
}

TEST(DadaSource, PutsHeapsOfMeerkatInOrder) {
  const TempFolder folder;
  const std::int64_t heap = 2 * 3 * 256 * 2;
  for (const char* bandwidth : {"3.0", "-3.0"}) {
    const auto source =
        open_voltage_file(folder.write("x.dada", header({{"INSTRUMENT", "MKBF"}, {"BW", bandwidth}}) +
                                                     ramp(static_cast<std::size_t>(2 * heap + 100))));
    EXPECT_EQ(source->info().n_time, 512);
    EXPECT_EQ(source->losses().lost_bytes, 100);
    EXPECT_TRUE(source->losses().cut_short);
    EXPECT_TRUE(says(source->losses().notes.at(0), {"x.dada", "inside heap 2", "100 bytes"}));
    for (const std::int64_t n_block : {100, 256, 300, 512}) {
      const WholeVoltages whole = read_voltages(*source, n_block);
      for (int c = 0; c < 3; ++c)
        for (int p = 0; p < 2; ++p)
          for (int t = 0; t < 512; ++t) {
            const int recorded = bandwidth[0] == '-' ? 2 - c : c;
            ASSERT_TRUE(whole.has(c, p, t));
            ASSERT_EQ(whole.at(c, p, t, 1),
                      as_int8(t / 256 * heap + ((p * 3 + recorded) * 256 + t % 256) * 2 + 1));
          }
    }
  }
}

struct StartCase {
  Keys set;
  std::int64_t day;
  double second;
  std::size_t n_note;
};

TEST(DadaSource, FindsTheStartWhereverItIsSaid) {
  const TempFolder folder;
  const std::vector<StartCase> cases = {
      {{{"UTC_START", "2013-07-02-01:37:40.125"}}, 56475, 5860.125, 0},
      {{{"UTC_START", "2013-07-02-01:37:40"}, {"PICOSECONDS", "250000000000"}}, 56475, 5860.25, 0},
      {{{"UTC_START", "2013-07-02-23:59:59"}, {"OBS_OFFSET", "12000000"}}, 56476, 0.0, 0},  // 1e6 samples
      {{{"UTC_START", ""}, {"MJD_START", "56475.5"}}, 56475, 43200.0, 0},
      {{{"UTC_START", "2013-07-02-12:00:00"}, {"MJD_START", "56475.500001"}}, 56475, 43200.0, 0},
      {{{"UTC_START", "2013-07-02-12:00:00"}, {"MJD_START", "56475.500005000000"}}, 56475, 43200.432, 0},
      {{{"UTC_START", "2013-07-02-12:00:00"}, {"MJD_START", "56475.600005000000"}}, 56475, 43200.0, 1},
      {{{"UTC_START", "2000-02-29-00:00:00"}}, 51603, 0.0, 0}};
  for (const auto& start : cases) {
    const auto source = open_voltage_file(folder.write("x.dada", header(start.set) + ramp(24)));
    EXPECT_EQ(source->info().start.day, start.day);
    EXPECT_NEAR(source->info().start.second, start.second, 1e-10);
    EXPECT_EQ(source->losses().notes.size(), start.n_note);
  }
}

TEST(DadaSource, LetsTheUserKnowBetter) {
  const TempFolder folder;
  const auto source =
      open_voltage_file(folder.write("x.dada", header() + ramp(24)),
                        {.sample_rate_hz = 2e6, .band_low_mhz = 1200.0, .n_pol = 0, .lower_sideband = true});
  EXPECT_DOUBLE_EQ(source->info().sample_time_s, 0.5e-6);
  EXPECT_DOUBLE_EQ(source->info().coarse_width_mhz, 2.0);
  EXPECT_DOUBLE_EQ(source->info().band_low_mhz, 1200.0);
  EXPECT_TRUE(source->format().is_inverted);
  EXPECT_EQ(read_voltages(*source, 2).at(0, 1, 1, 1), 12 + 2 * 4 + 3);
}

TEST(DadaSource, NeedsNoBandWhereTheUserGivesIt) {
  const TempFolder folder;
  const VoltageHints hints{.sample_rate_hz = 2e6, .band_low_mhz = 1200.0};
  for (const Keys& set : {Keys{{"FREQ", ""}, {"BW", ""}, {"TSAMP", ""}}, Keys{{"FREQ", "1"}, {"TSAMP", "0"}},
                          Keys{{"BW", "77"}, {"TSAMP", "nan"}}}) {
    const std::string path = folder.write("x-M06.dada", header(set) + ramp(24));
    EXPECT_NE(voltage_error(path), "");
    EXPECT_EQ(voltage_format_of(path)->beams(path), std::vector<int>{6});
    const auto source = open_voltage_file(path, hints);
    EXPECT_DOUBLE_EQ(source->info().sample_time_s, 0.5e-6);
    EXPECT_DOUBLE_EQ(source->info().coarse_width_mhz, 2.0);
    EXPECT_DOUBLE_EQ(source->info().band_low_mhz, 1200.0);
    EXPECT_FALSE(source->format().is_inverted);
    EXPECT_EQ(source->info().n_time, 2);
  }
}

TEST(DadaSource, ChecksForItsBeamsWhatNoHintCanMend) {
  const TempFolder folder;
  for (const Keys& set : {Keys{{"NBIT", "3"}}, Keys{{"NPOL", "4"}}, Keys{{"NDIM", "3"}}, Keys{{"NCHAN", "0"}},
                          Keys{{"BW", "0"}}, Keys{{"UTC_START", ""}}}) {
    const std::string path = folder.write("x-M06.dada", header(set) + ramp(24));
    EXPECT_THROW(voltage_format_of(path)->beams(path), std::runtime_error) << set.begin()->first;
  }
}

TEST(DadaSource, ReportsWhatIsMissingAtTheEnd) {
  const TempFolder folder;
  const auto cut = open_voltage_file(folder.write("a.dada", header() + ramp(12 * 4 + 5)));
  EXPECT_EQ(cut->info().n_time, 4);
  EXPECT_EQ(cut->losses().lost_bytes, 5);
  EXPECT_TRUE(cut->losses().cut_short);
  EXPECT_TRUE(says(cut->losses().notes.at(0), {"a.dada", "inside sample 4", "5 bytes"}));
  const auto promised =
      open_voltage_file(folder.write("b.dada", header({{"FILE_SIZE", "1200"}}) + ramp(12 * 4)));
  EXPECT_EQ(promised->losses().lost_bytes, 0);
  EXPECT_FALSE(promised->losses().cut_short);
  EXPECT_TRUE(says(promised->losses().notes.at(0), {"b.dada", "4 samples", "1152 bytes", "FILE_SIZE 1200"}));
  for (const char* size : {"24", "48", "1072"})  // less than there is; as it is; with the header
    EXPECT_TRUE(open_voltage_file(folder.write("c.dada", header({{"FILE_SIZE", size}}) + ramp(48)))
                    ->losses()
                    .notes.empty());
}

TEST(DadaSource, ReadsPositionAndBeam) {
  const TempFolder folder;
  const Keys set = {{"RA", "20:16:00.20"}, {"DEC", "-28:30:30.0"}, {"BEAM", "12"}};
  const std::string path = folder.write("x.dada", header(set));
  const auto source = open_voltage_file(path);
  EXPECT_DOUBLE_EQ(source->info().ra_deg, 15.0 * (20 + 16 / 60.0 + 0.2 / 3600));
  EXPECT_DOUBLE_EQ(source->info().dec_deg, -(28 + 30 / 60.0 + 30.0 / 3600));
  EXPECT_EQ(source->info().beam, 12);
  EXPECT_EQ(voltage_format_of(path)->beams(path), std::vector<int>{12});
  EXPECT_THROW(voltage_format_of(path)->open(path, 3, {}), std::invalid_argument);
}

struct BadKeys {
  Keys set;
  std::vector<std::string> words;
};

TEST(DadaSource, RefusesEachBadHeaderByName) {
  const TempFolder folder;
  const std::vector<BadKeys> cases = {
      {{{"NBIT", "3"}}, {"3 bits"}},
      {{{"NBIT", "eight"}}, {"NBIT is 'eight'"}},
      {{{"NDIM", "4"}}, {"NDIM is 4"}},
      {{{"NPOL", "4"}}, {"NPOL is 4"}},
      {{{"NCHAN", "0"}}, {"NCHAN is 0"}},
      {{{"BW", "0"}}, {"BW is 0"}},
      {{{"BW", ""}}, {"no BW"}},
      {{{"BW", "16"}}, {"critical sampling"}},
      {{{"TSAMP", "0"}}, {"sample time 0"}},
      {{{"TSAMP", "inf"}}, {"TSAMP is 'inf'"}},
      {{{"FREQ", "1"}}, {"band"}},
      {{{"HDR_SIZE", "0"}}, {"HDR_SIZE is 0"}},
      {{{"HDR_SIZE", "100000"}}, {"HDR_SIZE 100000", "cut short"}},
      {{{"HDR_SIZE", "9999999"}}, {"HDR_SIZE is 9999999"}},
      {{{"UTC_START", "2013-02-30-00:00:00"}}, {"UTC_START is '2013-02-30-00:00:00'"}},
      {{{"UTC_START", ""}}, {"neither UTC_START nor MJD_START"}},
      {{{"MJD_START", "yesterday"}}, {"MJD_START is 'yesterday'"}},
      {{{"OBS_OFFSET", "-1"}}, {"OBS_OFFSET is -1"}},
      {{{"OBS_OFFSET", "9223372036854775807"}}, {"OBS_OFFSET is 9223372036854775807"}},
      {{{"ENCODING", "FLOAT"}}, {"ENCODING is 'FLOAT'"}},
      {{{"ORDER", "FTP"}}, {"ORDER is 'FTP'", "TFP"}},
      {{{"NBIT", "16"}, {"ENDIAN", "BIG"}}, {"ENDIAN is BIG"}}};
  for (const auto& bad : cases) {
    const std::string error = voltage_error(folder.write("bad.dada", header(bad.set) + ramp(24)));
    EXPECT_TRUE(says(error, bad.words) && says(error, {"bad.dada"}));
  }
}

TEST(DadaSink, LosesNothingOfAnyShapeDepthOrLength) {
  const TempFolder folder;
  for (const int n_coarse : {1, 3})
    for (const int n_pol : {1, 2})
      for (const int n_bits : {8, 16})
        for (const bool is_complex : {false, true})
          for (const std::int64_t n_time : {1, 64, 1001}) {
            const std::string path = folder / "x.dada";
            const VoltageFormat format{.n_bits = n_bits, .is_complex = is_complex};
            const VoltageInfo info = voltage_info(n_coarse, n_pol, n_time, is_complex);
            const auto sink = create_voltage_sink(path, info, {19}, format, true);
            write_voltages(*sink, info, format);
            sink->finish();
            const auto source = open_voltage_file(path);
            expect_same_info(source->info(), info);
            EXPECT_EQ(source->info().beam, 19);
            EXPECT_EQ(source->format(), format);
            EXPECT_TRUE(source->losses().notes.empty());
            expect_written(*source, 100);
          }
}

TEST(DadaSink, WritesBytesThatAnIndependentReaderFinds) {
  const TempFolder folder;
  const std::string path = folder / "x.dada";
  VoltageInfo info = voltage_info(3, 2, 200);
  info.start = {59000, 86399.9999999999999};  // rounds to the next day
  const VoltageFormat format{.n_bits = 16};
  const auto sink = create_voltage_sink(path, info, {0}, format, false);
  write_voltages(*sink, info, format);
  sink->finish();
  const std::string bytes = read_file(path);
  ASSERT_EQ(bytes.size(), 4096u + 200 * 3 * 2 * 2 * 2);
  EXPECT_TRUE(says(bytes.substr(0, 4096), {"UTC_START    2020-06-01-00:00:00\n", "FILE_SIZE    4800\n",
                                           "MJD_START    59001.0000000000000000\n", "NBIT         16\n"}));
  for (std::size_t t = 0; t < 200; ++t)
    for (std::size_t c = 0; c < 3; ++c) {
      std::int16_t value = 0;
      std::memcpy(&value, &bytes[4096 + (((t * 3 + c) * 2 + 1) * 2 + 1) * 2], 2);
      ASSERT_EQ(value, sample_of(16, static_cast<std::int64_t>(c), 1, static_cast<std::int64_t>(t) * 2 + 1));
    }
}

TEST(DadaSink, RefusesWhatTheFormatCannotHold) {
  const TempFolder folder;
  const VoltageInfo info = voltage_info(2, 1, 128);
  const auto create = [&](VoltageFormat format) {
    return create_voltage_sink(folder / "x.dada", info, {1}, format, false);
  };
  EXPECT_THROW(create({.n_bits = 4}), std::invalid_argument);
  EXPECT_THROW(create({.is_inverted = true}), std::invalid_argument);
  const auto sink = create({});
  EXPECT_THROW(sink->write(1, Array<std::int16_t, 3>({2, 1, 128}).cview()), std::invalid_argument);
  EXPECT_THROW(sink->write(0, Array<std::int16_t, 3>({2, 1, 127}).cview()), std::invalid_argument);
  EXPECT_THROW(sink->write(0, Array<std::int16_t, 3>({2, 1, 258}).cview()), std::invalid_argument);
  EXPECT_THROW(sink->finish(), std::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(folder / "x.dada"));
}

// Start, rate, shape and samples as the tests of the package baseband have them (test_dada.py): 16000
// samples of 2 polarisations at 16 MHz, from 2013-07-02T01:39:20, 100 s after UTC_START.
TEST(ThirdPartyDada, EffelsbergSample) {
  SKIP_WITHOUT("baseband/sample.dada");
  const auto source = open_voltage_file(third_party("baseband/sample.dada"));
  const VoltageInfo& info = source->info();
  EXPECT_EQ(info.n_time, 16000);
  EXPECT_EQ(info.n_coarse, 1);
  EXPECT_EQ(info.n_pol, 2);
  EXPECT_DOUBLE_EQ(info.sample_time_s, 1.0 / 16e6);
  EXPECT_EQ(info.start.day, 56475);
  EXPECT_NEAR(info.start.second, 1 * 3600 + 39 * 60 + 20, 1e-9);
  EXPECT_DOUBLE_EQ(info.band_low_mhz, 312.0);
  EXPECT_DOUBLE_EQ(info.coarse_width_mhz, 16.0);
  EXPECT_EQ(info.source_name, "2016+28");
  EXPECT_EQ(info.telescope, "Effelsberg");
  EXPECT_TRUE(source->losses().notes.empty());
  const WholeVoltages whole = read_voltages(*source, 7000);
  const int first[3][2][2] = {{{-38, -38}, {-38, -38}}, {{-38, -38}, {-40, 0}}, {{-105, 60}, {85, -15}}};
  for (int t = 0; t < 3; ++t)
    for (int p = 0; p < 2; ++p)
      for (int k = 0; k < 2; ++k) EXPECT_EQ(whole.at(0, p, t, k), first[t][p][k]);
}

// One heap of a longer file. By hand: OBS_OFFSET 418222440448 / 4096 bytes = 102105088 samples of 1024 / 544
// us are 192.1978127 s after 15:24:04.000107083414; the edge below the lowest channel is at 815.734375 - 272
// MHz. Samples of channel 0 by numpy: np.fromfile(path, np.int8, offset=4096).reshape(2, 1024, 256, 2), the
// order (npol, nchan, 256) that baseband's MKBFPayload and dspsr's MeerKATUnpacker have.
TEST(ThirdPartyDada, MeerkatSample) {
  SKIP_WITHOUT("baseband/sample_mkbf.dada");
  const auto source = open_voltage_file(third_party("baseband/sample_mkbf.dada"));
  const VoltageInfo& info = source->info();
  EXPECT_EQ(info.n_time, 256);
  EXPECT_EQ(info.n_coarse, 1024);
  EXPECT_EQ(info.n_pol, 2);
  EXPECT_EQ(info.start.day, 60144);
  EXPECT_NEAR(info.start.second, 15 * 3600 + 24 * 60 + 4.000107083414 + 102105088.0 * 1024.0 / 544e6, 1e-9);
  EXPECT_DOUBLE_EQ(info.band_low_mhz, 543.734375);
  EXPECT_DOUBLE_EQ(info.coarse_width_mhz, 0.53125);
  EXPECT_EQ(info.source_name, "J1823-3021A");
  EXPECT_EQ(source->format(), VoltageFormat{});
  EXPECT_FALSE(source->losses().cut_short);
  ASSERT_EQ(source->losses().notes.size(), 1u);
  EXPECT_TRUE(says(source->losses().notes[0], {"FILE_SIZE 22011707392"}));
  const WholeVoltages whole = read_voltages(*source, 100);
  const int some[5][5] = {// polarisation, channel, sample, real, imaginary
                          {0, 0, 0, -1, -3},
                          {1, 0, 0, 9, 8},
                          {0, 1, 0, -5, 7},
                          {1, 1023, 255, 2, -1},
                          {0, 511, 128, 4, -12}};
  for (const auto& s : some)
    for (int k = 0; k < 2; ++k) EXPECT_EQ(whole.at(s[1], s[0], s[2], k), s[3 + k]);
  // The filter's edge is at channel 0 in both polarisations, and not in the middle, where [channel][pol]
  // would put polarisation 1's: there power(512, 0) would be 1.6 power(0, 0); it is 3.4, and 2.3 of the
  // other.
  for (int p = 0; p < 2; ++p) EXPECT_LT(2.0 * power(whole, 0, p), power(whole, 512, p));
}

}  // namespace
}  // namespace tianyan::test
