// Files joined into one stream, and inputs sorted into beams.
#include <filesystem>

#include "io/beam_name.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {
namespace {

constexpr double kDay = 86400.0;
constexpr double kStart = 59000.25;

std::string ramp(int first, int n) {
  std::string bytes;
  for (int i = 0; i < n; ++i) bytes += static_cast<char>(first + i);
  return bytes;
}

/// Three files of 2 channels and 1 ms: 10, 6 and 8 spectra, with a gap of `gap` samples before the third.
std::vector<std::string> three_files(const TempFolder& folder, double gap) {
  return {folder.write("b.fil", fil_file(2, ramp(20, 12), kStart + 0.010 / kDay)),
          folder.write("c.fil", fil_file(2, ramp(32, 16), kStart + (0.016 + gap * 1e-3) / kDay)),
          folder.write("a.fil", fil_file(2, ramp(0, 20), kStart))};
}

TEST(OpenSeries, OrdersFilesByTimeAndJoinsThem) {
  const TempFolder folder;
  const auto source = open_series(three_files(folder, 0.0));
  EXPECT_EQ(source->info().n_time, 24);
  EXPECT_EQ(source->losses().n_gaps, 0);
  EXPECT_TRUE(source->losses().notes.empty());
  for (const std::int64_t n_block : {1, 5, 16, 24}) {
    const WholeStream whole = read_all(*source, n_block);
    for (int i = 0; i < 48; ++i) ASSERT_EQ(whole.samples[i], i);
  }
  ASSERT_EQ(source->files().size(), 3u);
  EXPECT_EQ(source->files()[0].path, folder / "a.fil");
  EXPECT_EQ(source->files()[1].first_sample, 10);
  EXPECT_EQ(source->files()[2].first_sample, 16);
  EXPECT_EQ(source->files()[2].n_time, 8);
}

TEST(OpenSeries, FillsAGapBetweenFiles) {
  const TempFolder folder;
  const auto source = open_series(three_files(folder, 7.2));
  EXPECT_EQ(source->info().n_time, 31);
  EXPECT_EQ(source->losses().n_gaps, 1);
  EXPECT_EQ(source->losses().gap_samples, 7);
  EXPECT_EQ(source->losses().notes.size(), 1u);
  for (const std::int64_t n_block : {1, 4, 9, 31}) {
    const WholeStream whole = read_all(*source, n_block);
    for (int t = 0; t < 31; ++t) {
      ASSERT_EQ(whole.missing[t], t >= 16 && t < 23);
      if (whole.missing[t]) continue;
      ASSERT_EQ(whole.samples[2 * t], t < 16 ? 2 * t : 2 * (t - 7));
    }
  }
  RawBlock block;
  source->read(17, 3, block);  // wholly inside the gap
  ASSERT_EQ(block.spans.size(), 1u);
  EXPECT_TRUE(block.spans[0].missing);
  EXPECT_THROW(source->read(30, 2, block), std::invalid_argument);
}

TEST(OpenSeries, TakesHalfASampleAsContiguous) {
  const TempFolder folder;
  for (const double late : {-0.45, 0.45})
    EXPECT_EQ(open_series(three_files(folder, late))->info().n_time, 24);
}

TEST(OpenSeries, RefusesFilesThatOverlapNamingBoth) {
  const TempFolder folder;
  const std::string error = error_of([&] { open_series(three_files(folder, -0.7)); });
  EXPECT_TRUE(says(error, {"b.fil", "c.fil", "overlap"}));
  const std::string path = folder / "a.fil";
  EXPECT_TRUE(says(error_of([&] { open_series({path, path}); }), {"a.fil", "overlap"}));
}

TEST(OpenSeries, RefusesAGapOfMoreThanADay) {
  const TempFolder folder;
  const std::string error = error_of([&] { open_series(three_files(folder, 1.1e3 * kDay)); });
  EXPECT_TRUE(says(error, {"b.fil", "c.fil", "more than a day"}));
}

TEST(OpenSeries, RefusesFilesOfDifferentHeadersNamingBoth) {
  const TempFolder folder;
  const std::string a = folder.write("a.fil", fil_file(8, ramp(0, 8)));
  const auto other = [&](int n_bits, int n_ifs, double foff, const std::function<void(FilBytes&)>& change) {
    FilBytes fil = fil_header(8, foff, n_bits, n_ifs).real("tstart", kStart + 0.001 / kDay);
    change(fil);
    folder.write("b.fil", fil.bare("HEADER_END").bytes + ramp(0, 64));
    return error_of([&] { open_series({a, folder / "b.fil"}); });
  };
  const auto same = [](FilBytes&) {};
  EXPECT_EQ(other(8, 1, -1.0, same), "");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {other(16, 1, -1.0, same), "bits"},
      {other(8, 2, -1.0, same), "polarisations"},
      {other(8, 1, 1.0, same), "descending"},
      {other(8, 1, -1.5, same), "frequency"},
      {other(8, 1, -1.0, [](FilBytes& f) { f.real("fch1", 1501.0); }), "frequency"},
      {other(8, 1, -1.0, [](FilBytes& f) { f.integer("nchans", 4); }), "channels"},
      {other(8, 1, -1.0, [](FilBytes& f) { f.real("tsamp", 1.001e-3); }), "sample time"},
      {other(8, 1, -1.0, [](FilBytes& f) { f.integer("ibeam", 4); }), "beam"},
      {other(8, 1, -1.0, [](FilBytes& f) { f.byte("signed", 1); }), "signed"},
      {other(8, 1, -1.0, [](FilBytes& f) { f.text("source_name", "B0329+54"); }), "source"}};
  for (const auto& [error, word] : cases) EXPECT_TRUE(says(error, {"a.fil", "b.fil", word}));
}

TEST(OpenSeries, CountsWhatItsFilesLose) {
  const TempFolder folder;
  FitsBytes fits;
  fits.weight = [](int row, int c) { return row == 1 && c == 0 ? -1.0 : 1.0; };
  std::vector<std::string> paths;
  for (int i = 0; i < 5; ++i) {
    fits.set["NSUBOFFS"] = std::to_string(3 * i);
    fits.offs_sub = [i](int row) { return 0.008 * (3 * i + row + 0.5); };
    paths.push_back(folder.write(fmt::format("{}.fits", i), fits.bytes()));
  }
  std::filesystem::resize_file(paths[4], std::filesystem::file_size(paths[4]) - 2880 + 2 * 120 + 50);
  const auto source = open_series(paths);
  EXPECT_TRUE(source->losses().cut_short);
  EXPECT_EQ(source->losses().n_gaps, 0);
  for (int repeat = 0; repeat < 2; ++repeat) {
    const WholeStream whole = read_all(*source, 17);
    EXPECT_EQ(whole.weight[24 + 8], (std::vector<float>{0, 1, 1, 1}));
    int n_note = 0;
    for (const auto& note : source->losses().notes) n_note += note.find("1 times") != std::string::npos;
    EXPECT_GE(n_note, 4);
  }
}

TEST(OpenSeries, OpensMoreFilesThanItKeepsOpen) {
  const TempFolder folder;
  std::vector<std::string> paths;
  for (int i = 0; i < 50; ++i)
    paths.push_back(
        folder.write(fmt::format("{}.fil", i), fil_file(1, ramp(2 * i, 2), kStart + i * 0.002 / kDay)));
  const WholeStream whole = read_all(*open_series(paths), 7);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(whole.samples[i], i);
}

TEST(OpenSeries, NoticesAFileThatChanged) {
  const TempFolder folder;
  const auto paths = three_files(folder, 0.0);
  const auto source = open_series(paths);
  std::filesystem::resize_file(folder / "c.fil", std::filesystem::file_size(folder / "c.fil") - 2);
  EXPECT_TRUE(says(error_of([&] { read_all(*source, 24); }), {"c.fil", "changed"}));
}

TEST(BeamName, IsThatOfFast) {
  EXPECT_EQ(beam_from_name("/x-M03/J1935+2154_tracking-M01_0001.fits"), 1);
  EXPECT_EQ(beam_from_name("Dec+5757_00_05_arcdrift-M11_0221_2bit.fits"), 11);
  EXPECT_EQ(beam_from_name("G50.94+1.02_20210822_snapshot-M02-P1-c2048b1.fits"), 2);
  EXPECT_EQ(beam_from_name("x-M19.fil"), 19);
  for (const char* name : {"x-M20.fits", "x-M00.fits", "x-M1.fits", "x-M123.fits", "xM01.fits", "-M", ""})
    EXPECT_EQ(beam_from_name(name), 0) << name;
}

TEST(FindInputs, SortsADirectoryIntoBeams) {
  const TempFolder folder;
  for (const char* name :
       {"s_tracking-M02_0001.fits", "s_tracking-M01_0002.fits", "s_tracking-M01_0001.fits"})
    folder.write(name, FitsBytes{}.bytes());
  folder.write("other.fil", fil_file(2, "ab"));
  folder.write("s_MultiBeamOTF-M01_W_0001.fits", "x");
  folder.write("s_cal-M01_0001.fits", "x");
  folder.write("notes.txt", "hello");
  folder.write("empty.fil", fil_file(2, ""));
  std::filesystem::create_directory(folder / "inner");
  const FoundInputs found = find_inputs({folder.path()});
  ASSERT_EQ(found.beams.size(), 3u);
  EXPECT_EQ(found.beams[0].beam, 1);
  EXPECT_EQ(found.beams[0].paths, (std::vector<std::string>{folder / "s_tracking-M01_0001.fits",
                                                            folder / "s_tracking-M01_0002.fits"}));
  EXPECT_EQ(found.beams[1].beam, 2);
  EXPECT_EQ(found.beams[2].beam, 3);  // the header's
  ASSERT_EQ(found.skipped.size(), 5u);
  EXPECT_TRUE(says(found.skipped[0], {"empty.fil", "no spectra"}));
  EXPECT_TRUE(says(found.skipped[1], {"inner", "directory"}));
  EXPECT_TRUE(says(found.skipped[2], {"notes.txt", "no known format"}));
  EXPECT_TRUE(says(found.skipped[3], {"M01_W_", "spectral"}));
  EXPECT_TRUE(says(found.skipped[4], {"s_cal-", "calibration"}));
}

TEST(FindInputs, ExpandsAGlobAndTakesEachFileOnce) {
  const TempFolder folder;
  folder.write("a1.fil", fil_file(2, "ab"));
  folder.write("a2.fil", fil_file(2, "ab"));
  folder.write("a3.fil", "junk");
  folder.write("b.fil", fil_file(2, "ab"));
  const FoundInputs found = find_inputs({folder / "a*.fil", folder / "a1.fil"});
  ASSERT_EQ(found.beams.size(), 1u);
  EXPECT_EQ(found.beams[0].paths.size(), 2u);
  EXPECT_EQ(found.skipped.size(), 1u);
}

TEST(FindInputs, DemandsThatNamedFilesAreReadable) {
  const TempFolder folder;
  folder.write("x.txt", "hello");
  EXPECT_TRUE(says(error_of([&] { find_inputs({folder / "x.txt"}); }), {"x.txt", "no known format"}));
  EXPECT_TRUE(says(error_of([&] { find_inputs({folder / "none.fil"}); }), {"none.fil", "no such file"}));
  EXPECT_TRUE(says(error_of([&] { find_inputs({folder / "*.fil"}); }), {"*.fil", "no such file"}));
  EXPECT_TRUE(says(error_of([&] { find_inputs({folder.path()}); }), {"nothing to read", "x.txt"}));
  EXPECT_THROW(find_inputs({}), std::invalid_argument);
}

TEST(FindInputs, TakesANamedFileWhateverItsNameIs) {
  const TempFolder folder;
  const std::string path = folder.write("s_cal-M05_0001.fil", fil_file(2, "ab"));
  EXPECT_EQ(find_inputs({path}).beams.at(0).beam, 5);
}

/// Files of 3 rows of 8 ms, the second 0.1 s after the first; right ascension grows by 0.5 degrees a second
/// from 293.7 on. Of the third, which follows, rows say nothing new: the beam has stopped.
TEST(OpenSeries, FollowsTheBeamThroughFiles) {
  const TempFolder folder;
  FitsBytes fits;
  std::vector<std::string> paths;
  for (const double begin_s : {0.0, 0.1, 0.124}) {
    fits.offs_sub = [&](int row) { return begin_s + 0.004 + 0.008 * row; };
    fits.pointing = [&](int row) {
      return SkyPosition{293.7 + 0.5 * std::min(0.124, begin_s + 0.004 + 0.008 * row), 0.0};
    };
    paths.push_back(folder.write("f" + std::to_string(paths.size()) + ".fits", fits.bytes()));
  }
  const auto info = open_series(paths)->info();
  EXPECT_EQ(info.n_time, 148);
  EXPECT_NEAR(info.ra_deg, 293.7, 1e-9);
  for (const double time_s : {0.0, 0.01, 0.05, 0.11, 0.124})
    EXPECT_NEAR(info.pointing_at(time_s).ra_deg, 293.7 + 0.5 * time_s, 1e-9) << time_s;
  EXPECT_NEAR(info.pointing_at(0.148).ra_deg, 293.762, 1e-9);
}

}  // namespace
}  // namespace tianyan::test
