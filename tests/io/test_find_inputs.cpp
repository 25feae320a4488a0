// find_inputs: what becomes of files that cannot be read, and of voltages beside spectra.
#include "io/voltage_sink.hpp"
#include "tests/io/voltage_files.hpp"

namespace tianyan::test {
namespace {

/// 64 samples of a channel, in the format of the name.
std::string write_voltage_file(const TempFolder& folder, const std::string& name) {
  const VoltageInfo info = voltage_info(1, 1, 64);
  const auto sink = create_voltage_sink(folder / name, info, {0}, {}, true);
  write_voltages(*sink, info, {});
  sink->finish();
  return folder / name;
}

/// The file again with `from` in its header replaced by `to`, as long.
void damage(const std::string& path, const TempFolder& folder, const std::string& name,
            const std::string& from, const std::string& to) {
  std::string bytes = read_file(path);
  const std::size_t at = bytes.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  ASSERT_EQ(from.size(), to.size());
  folder.write(name, bytes.replace(at, from.size(), to));
}

const std::string kNbits = fmt::format("{:<8}= {:>20}", "NBITS", 8),
                  kNbits3 = fmt::format("{:<8}= {:>20}", "NBITS", 3);

TEST(FindInputs, PutsAnUnreadableFileWithItsBeamsVoltages) {
  for (const char* empty : {"V_tracking-M01_0002.raw", "V_tracking-M01_0000.raw"}) {  // the last, the first
    const TempFolder folder;
    write_voltage_file(folder, "V_tracking-M01_0001.raw");
    write_voltage_file(folder, "V_tracking-M02_0001.raw");
    folder.write(empty, "");
    const FoundInputs found = find_inputs({folder.path()});
    ASSERT_EQ(found.beams.size(), 2u);
    EXPECT_TRUE(found.beams[0].is_voltage);
    ASSERT_EQ(found.beams[0].paths.size(), 2u);
    EXPECT_TRUE(found.skipped.empty());
    EXPECT_TRUE(says(error_of([&] { open_voltages(found.beams[0].paths, 1, {}); }), {empty}));
    EXPECT_EQ(open_voltages(found.beams[1].paths, 2, {})->info().n_time, 64);
  }
}

TEST(FindInputs, PutsAnUnreadableFileWithItsBeamsSpectra) {
  const TempFolder folder;
  folder.write("a-M01_0001.raw", "junk");
  folder.write("a-M01_0002.fits", FitsBytes{}.bytes());
  folder.write("a-M01_0003.fits", "");
  const FoundInputs found = find_inputs({folder.path()});
  ASSERT_EQ(found.beams.size(), 1u);
  EXPECT_FALSE(found.beams[0].is_voltage);
  EXPECT_EQ(found.beams[0].paths.size(), 3u);
}

TEST(FindInputs, TakesABeamOfUnreadableFilesAsTheyLook) {
  const TempFolder folder;
  const std::string good = write_voltage_file(folder, "a-M01_0001.raw");
  damage(good, folder, "a-M02_0001.raw", kNbits, kNbits3);
  folder.write("a-M03_0001.fits", "");
  const FoundInputs found = find_inputs({folder.path()});
  ASSERT_EQ(found.beams.size(), 3u);
  EXPECT_TRUE(found.beams[1].is_voltage);
  EXPECT_TRUE(
      says(error_of([&] { open_voltages(found.beams[1].paths, 2, {}); }), {"a-M02_0001.raw", "NBITS is 3"}));
  EXPECT_FALSE(found.beams[2].is_voltage);
}

TEST(FindInputs, SkipsVoltagesOfABadHeaderUnlessTheyWereNamed) {
  const TempFolder folder;
  const std::string raw = write_voltage_file(folder, "good.raw"),
                    dada = write_voltage_file(folder, "good.dada");
  damage(raw, folder, "bad.raw", kNbits, kNbits3);
  damage(dada, folder, "bad.dada", "NBIT         8", "NBIT         3");
  damage(dada, folder, "none.dada", "BW           0.48828125", "BW           0.00000000");
  const FoundInputs found = find_inputs({folder.path()});
  ASSERT_EQ(found.beams.size(), 1u);
  EXPECT_EQ(found.beams[0].paths.size(), 2u);
  ASSERT_EQ(found.skipped.size(), 3u);
  EXPECT_TRUE(says(found.skipped[0], {"bad.dada", "NBIT is 3"}));
  EXPECT_TRUE(says(found.skipped[1], {"bad.raw", "NBITS is 3"}));
  EXPECT_TRUE(says(found.skipped[2], {"none.dada", "BW is 0"}));
  EXPECT_TRUE(says(error_of([&] { find_inputs({folder / "bad.raw"}); }), {"bad.raw", "NBITS is 3"}));
}

TEST(FindInputs, RefusesGoodVoltagesAndGoodSpectraOfOneBeam) {
  const TempFolder folder;
  folder.write("a-M01_0000.raw", "");  // of neither kind
  folder.write("a-M01_0001.fits", FitsBytes{}.bytes());
  write_voltage_file(folder, "a-M01_0002.raw");
  EXPECT_THROW(find_inputs({folder.path()}), std::invalid_argument);
  EXPECT_TRUE(says(error_of([&] { find_inputs({folder.path()}); }),
                   {"a-M01_0001.fits and ", "a-M01_0002.raw", "one beam's voltages and spectra"}));
}

TEST(FindInputs, KnowsTheTruthOfASimulatedScan) {
  const TempFolder folder;
  write_voltage_file(folder, "a.raw");
  folder.write("truth.json", "{}");
  EXPECT_EQ(find_inputs({folder.path()}).skipped,
            std::vector<std::string>{folder / "truth.json" + ": truth of a simulated scan"});
}

TEST(FindInputs, LeavesTheBandToTheUser) {
  const TempFolder folder;
  const std::string path = write_voltage_file(folder, "a.dada");
  damage(path, folder, "a.dada", "BW           0.48828125", "BW           0.77777777");
  const FoundInputs found = find_inputs({path});
  EXPECT_TRUE(
      says(error_of([&] { open_voltages(found.beams[0].paths, 0, {}); }), {"a.dada", "critical sampling"}));
  EXPECT_EQ(open_voltages(found.beams[0].paths, 0, {.sample_rate_hz = 1e6})->info().n_time, 64);
}

}  // namespace
}  // namespace tianyan::test
