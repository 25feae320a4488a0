// SIGPROC files made by hand: every keyword, every defect.
#include <cmath>

#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

std::string ramp(std::size_t n) {
  std::string bytes(n, '\0');
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(i * 7 + 1);
  return bytes;
}

TEST(SigprocSource, ReadsEveryKeywordOfAHeader) {
  const TempFolder folder;
  FilBytes fil = fil_header(3);
  fil.real("src_raj", 53431.9).real("src_dej", -10052.5).real("tstart", 59000.25).real("az_start", 1.0);
  fil.text("rawdatafile", "x.fits").integer("machine_id", 2).real("refdm", 0.0).integer("barycentric", 0);
  const auto source = open_source(folder.write("any.name", fil.bare("HEADER_END").bytes + ramp(12)));
  const StreamInfo& info = source->info();
  EXPECT_EQ(source->format_name(), "SIGPROC");
  EXPECT_EQ(info.n_chan, 3);
  EXPECT_EQ(info.n_time, 4);
  EXPECT_DOUBLE_EQ(info.freq_low_mhz, 1498.0);
  EXPECT_DOUBLE_EQ(info.ref_freq_mhz(), 1500.0);
  EXPECT_TRUE(source->format().channels_descending);
  EXPECT_EQ(info.start.day, 59000);
  EXPECT_DOUBLE_EQ(info.start.second, 21600.0);
  EXPECT_EQ(info.source_name, "B0531+21");
  EXPECT_EQ(info.telescope, "FAST");
  EXPECT_EQ(info.backend, "WAPP");
  EXPECT_EQ(info.beam, 3);
  EXPECT_NEAR(info.ra_deg, 15.0 * (5 + 34 / 60.0 + 31.9 / 3600), 1e-9);
  EXPECT_NEAR(info.dec_deg, -(1 + 0 / 60.0 + 52.5 / 3600), 1e-9);
  EXPECT_TRUE(source->losses().notes.empty());
}

TEST(SigprocSource, ReadsTheSamplesOfAnyRange) {
  const TempFolder folder;
  const std::string samples = ramp(3 * 10);
  const auto source = open_source(folder.write("a.fil", fil_file(3, samples)));
  RawBlock block;
  for (std::int64_t first = 0; first <= 10; ++first)
    for (std::int64_t n = 0; first + n <= 10; ++n) {
      source->read(first, n, block);
      ASSERT_EQ(block.n_time, n);
      ASSERT_EQ(std::string(reinterpret_cast<char*>(block.samples.data()), static_cast<std::size_t>(n * 3)),
                samples.substr(static_cast<std::size_t>(first * 3), static_cast<std::size_t>(n * 3)));
    }
  EXPECT_THROW(source->read(-1, 1, block), std::invalid_argument);
  EXPECT_THROW(source->read(5, 6, block), std::invalid_argument);
  EXPECT_THROW(source->read(0, INT64_MAX, block), std::invalid_argument);
}

TEST(SigprocSource, ReportsASpectrumThatIsCut) {
  const TempFolder folder;
  const auto source = open_source(folder.write("a.fil", fil_file(5, ramp(5 * 4 + 3))));
  EXPECT_EQ(source->info().n_time, 4);
  EXPECT_EQ(source->losses().lost_bytes, 3);
  EXPECT_TRUE(source->losses().cut_short);
  ASSERT_EQ(source->losses().notes.size(), 1u);
  EXPECT_TRUE(says(source->losses().notes[0], {"a.fil", "cut short", "3 bytes"}));
}

TEST(SigprocSource, ReportsThatNsamplesPromisesMore) {
  const TempFolder folder;
  const std::string header =
      fil_header(5).real("tstart", 1.0).integer("nsamples", 10).bare("HEADER_END").bytes;
  const auto source = open_source(folder.write("a.fil", header + ramp(5 * 4 + 3)));
  EXPECT_EQ(source->info().n_time, 4);
  EXPECT_EQ(source->losses().lost_bytes, 30);
  EXPECT_TRUE(source->losses().cut_short);
  EXPECT_TRUE(says(source->losses().notes.at(0), {"4 spectra of the 10"}));
}

TEST(SigprocSource, TakesAllThatIsThereWhereNsamplesSaysLess) {
  const TempFolder folder;
  const std::string header =
      fil_header(5).real("tstart", 1.0).integer("nsamples", 2).bare("HEADER_END").bytes;
  const auto source = open_source(folder.write("a.fil", header + ramp(20)));
  EXPECT_EQ(source->info().n_time, 4);
  EXPECT_FALSE(source->losses().cut_short);
  EXPECT_EQ(source->losses().notes.size(), 1u);
}

TEST(SigprocSource, KnowsTheEndOfAHeaderThatIsCut) {
  const TempFolder folder;
  const std::string whole = fil_file(4, "");
  for (std::size_t n = 16; n < whole.size(); ++n)
    ASSERT_TRUE(says(open_error(folder.write("a.fil", whole.substr(0, n))), {"a.fil", "cut short"})) << n;
}

TEST(SigprocSource, SkipsAnUnknownKeywordWhoseSizeFollows) {
  const TempFolder folder;
  const FilBytes start = fil_header(2).real("tstart", 1.0);
  for (const auto& fil : {FilBytes(start).integer("antennas", 9), FilBytes(start).real("gain", 1.5),
                          FilBytes(start).text("operator", "somebody"), FilBytes(start).byte("flag", 1),
                          FilBytes(start).bare("MARK")}) {
    const auto source = open_source(folder.write("a.fil", FilBytes(fil).bare("HEADER_END").bytes + ramp(4)));
    EXPECT_EQ(source->info().n_time, 2);
    ASSERT_EQ(source->losses().notes.size(), 1u);
    EXPECT_TRUE(says(source->losses().notes[0], {"not known", "skipped"}));
  }
}

TEST(SigprocSource, NamesAnUnknownKeywordWhoseSizeCannotBeKnown) {
  const TempFolder folder;
  FilBytes fil = fil_header(2);
  fil.bare("matrix").bytes += std::string(24, 'x');
  EXPECT_TRUE(
      says(open_error(folder.write("a.fil", fil.bare("HEADER_END").bytes)), {"a.fil", "'matrix'", "type"}));
}

TEST(SigprocSource, ReadsATableOfFrequencies) {
  const TempFolder folder;
  FilBytes fil;
  fil.bare("HEADER_START").integer("nchans", 3).integer("nbits", 8).real("tsamp", 1e-3).real("tstart", 1.0);
  FilBytes bent = fil;
  fil.bare("FREQUENCY_START").real("fchannel", 1400.0).real("fchannel", 1398.5).real("fchannel", 1397.0);
  const auto source =
      open_source(folder.write("a.fil", fil.bare("FREQUENCY_END").bare("HEADER_END").bytes + "abc"));
  EXPECT_DOUBLE_EQ(source->info().freq_low_mhz, 1397.0);
  EXPECT_DOUBLE_EQ(source->info().channel_width_mhz, 1.5);
  EXPECT_TRUE(source->format().channels_descending);
  bent.real("fchannel", 1400.0).real("fchannel", 1398.0).real("fchannel", 1397.0).bare("HEADER_END");
  EXPECT_TRUE(says(open_error(folder.write("b.fil", bent.bytes)), {"b.fil", "evenly spaced"}));
}

TEST(SigprocSource, KnowsEveryDepthAndNumberOfPolarisations) {
  const TempFolder folder;
  for (const int bits : {1, 2, 4, 8, 16, 32})
    for (const int pols : {1, 2, 4}) {
      const std::string header = fil_header(8, 1.0, bits, pols).real("tstart", 1.0).bare("HEADER_END").bytes;
      const auto source =
          open_source(folder.write("a.fil", header + ramp(static_cast<std::size_t>(3 * pols * bits))));
      EXPECT_EQ(source->info().n_time, 3) << bits << " bits, " << pols << " pols";
      EXPECT_EQ(source->info().n_pol, pols);
      EXPECT_EQ(source->format().n_bits, bits);
      EXPECT_EQ(source->format().is_float, bits == 32);
      EXPECT_FALSE(source->format().high_bits_first);
      EXPECT_FALSE(source->format().channels_descending);
    }
}

TEST(SigprocSource, HonoursSigned) {
  const TempFolder folder;
  const auto header = fil_header(2).real("tstart", 1.0).byte("signed", 1).bare("HEADER_END").bytes;
  EXPECT_TRUE(open_source(folder.write("a.fil", header + ramp(4)))->format().is_signed);
}

struct BadHeader {
  const char* name;
  std::function<void(FilBytes&)> change;  ///< a later keyword wins
  std::vector<std::string> words;
};

TEST(SigprocSource, RefusesEachBadHeaderByName) {
  const TempFolder folder;
  const std::vector<BadHeader> cases = {
      {"nchans", [](FilBytes& f) { f.integer("nchans", 0); }, {"0 channels"}},
      {"nchans", [](FilBytes& f) { f.integer("nchans", -4); }, {"-4 channels"}},
      {"nchans", [](FilBytes& f) { f.integer("nchans", INT32_MAX); }, {"2147483647 channels"}},
      {"nbits", [](FilBytes& f) { f.integer("nbits", 3); }, {"3 bits"}},
      {"nbits", [](FilBytes& f) { f.integer("nbits", 64); }, {"64 bits"}},
      {"nbits", [](FilBytes& f) { f.integer("nbits", -8); }, {"-8 bits"}},
      {"nbits", [](FilBytes& f) { f.integer("nchans", 3).integer("nbits", 1); }, {"whole number of bytes"}},
      {"nifs", [](FilBytes& f) { f.integer("nifs", 3); }, {"nifs 3"}},
      {"nifs", [](FilBytes& f) { f.integer("nifs", 0); }, {"nifs 0"}},
      {"tsamp", [](FilBytes& f) { f.real("tsamp", 0.0); }, {"sample time 0"}},
      {"tsamp", [](FilBytes& f) { f.real("tsamp", std::nan("")); }, {"sample time nan"}},
      {"tsamp", [](FilBytes& f) { f.real("tsamp", -1e-3); }, {"sample time -0.001"}},
      {"foff", [](FilBytes& f) { f.real("foff", 0.0); }, {"channel width 0"}},
      {"foff", [](FilBytes& f) { f.real("foff", std::nan("")); }, {"channel width nan"}},
      {"fch1", [](FilBytes& f) { f.real("fch1", -5.0); }, {"frequencies"}},
      {"tstart", [](FilBytes& f) { f.real("tstart", std::nan("")); }, {"tstart nan"}},
      {"tstart", [](FilBytes& f) { f.real("tstart", -2.0); }, {"tstart -2"}},
      {"data_type", [](FilBytes& f) { f.integer("data_type", 2); }, {"time series"}}};
  for (const auto& bad : cases) {
    FilBytes fil = fil_header(8).real("tstart", 59000.0);
    bad.change(fil);
    const std::string error = open_error(folder.write("bad.fil", fil.bare("HEADER_END").bytes + ramp(64)));
    EXPECT_TRUE(says(error, bad.words) && says(error, {"bad.fil"})) << bad.name;
  }
}

TEST(SigprocSource, NamesAKeywordThatIsMissing) {
  const TempFolder folder;
  for (const std::string missing : {"nchans", "nbits", "tsamp", "fch1", "foff"}) {
    FilBytes fil;
    fil.bare("HEADER_START").real("tstart", 59000.0);
    if (missing != "nchans") fil.integer("nchans", 4);
    if (missing != "nbits") fil.integer("nbits", 8);
    if (missing != "tsamp") fil.real("tsamp", 1e-3);
    if (missing != "fch1") fil.real("fch1", 1500.0);
    if (missing != "foff") fil.real("foff", -1.0);
    EXPECT_TRUE(
        says(open_error(folder.write("a.fil", fil.bare("HEADER_END").bytes)), {"no keyword " + missing}));
  }
}

TEST(SigprocSource, TakesAnImpossiblePositionAsUnknown) {
  const TempFolder folder;
  FilBytes fil = fil_header(4).real("tstart", 1.0).real("src_raj", 127500.0).real("src_dej", 0.0);
  const auto source = open_source(folder.write("a.fil", fil.bare("HEADER_END").bytes));
  EXPECT_TRUE(std::isnan(source->info().ra_deg));
  EXPECT_TRUE(says(source->losses().notes.at(0), {"src_raj 127500"}));
}

TEST(SigprocSource, LetsTheNameSayTheBeam) {
  const TempFolder folder;
  const auto source = open_source(folder.write("x_tracking-M11_0001.fil", fil_file(4, "")));
  EXPECT_EQ(source->info().beam, 11);
  EXPECT_TRUE(says(source->losses().notes.at(0), {"beam 3", "11"}));
}

TEST(OpenSource, SaysWhatAFileMayBe) {
  const TempFolder folder;
  EXPECT_TRUE(says(open_error(folder / "none"), {"none", "No such file"}));
  EXPECT_TRUE(says(open_error(folder.path()), {"not a file"}));
  EXPECT_TRUE(says(open_error(folder.write("empty", "")), {"FBH5, PSRFITS, SIGPROC", "empty"}));
  EXPECT_TRUE(says(open_error(folder.write("x.fits", "no FITS")), {"no known format"}));
  EXPECT_TRUE(says(open_error(folder.write("x.fits.gz", "\x1f\x8b\x08")), {"gzip", "expand it first"}));
}

TEST(OpenSource, DescribesTheFile) {
  const TempFolder folder;
  const std::string bytes = fil_file(2, "abcd");
  const auto source = open_source(folder.write("a.fil", bytes));
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a as its authors define it
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  ASSERT_EQ(source->files().size(), 1u);
  EXPECT_EQ(source->files()[0].path, folder / "a.fil");
  EXPECT_EQ(source->files()[0].size_bytes, static_cast<std::int64_t>(bytes.size()));
  EXPECT_EQ(source->files()[0].header_checksum, hash);
  EXPECT_EQ(source->files()[0].n_time, 2);
}

}  // namespace
}  // namespace tianyan::test
