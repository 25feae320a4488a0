// The program as a user runs it: exit codes, messages, and files that other commands read back.
#include <algorithm>

#include "io/sink.hpp"
#include "io/source.hpp"
#include "pipeline/simulate.hpp"
#include "tests/pipeline/commands_test.hpp"

namespace tianyan {
namespace {

/// All recorded bytes of a file.
std::vector<std::uint8_t> samples_of(const std::string& path) {
  const auto source = open_source(path);
  RawBlock block;
  source->read(0, source->info().n_time, block);
  const auto n = source->info().n_time * spectrum_bytes(source->info(), source->format());
  return {block.samples.data(), block.samples.data() + n};
}

TEST_F(CommandsTest, HelpAndVersionSucceed) {
  const Outcome help = run("--help");
  EXPECT_EQ(help.exit_code, 0);
  for (const char* command : {"check", "convert", "info", "simulate"})
    EXPECT_PRED2(contains, help.out, command);
  EXPECT_PRED2(contains, run("convert --help").out, "Examples:");
  EXPECT_PRED2(contains, run("--version").out, "tianyan ");
}

TEST_F(CommandsTest, BadUsageExitsWithTwoAndOneLine) {
  for (const char* arguments : {"", "frobnicate", "info", "check --nonsense", "simulate", "convert x.fil"}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments;
    EXPECT_EQ(outcome.err.rfind("tianyan: ", 0), 0u) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_EQ(outcome.out, "") << arguments;
  }
  EXPECT_PRED2(contains, run("frobnicate").err, "there is no command 'frobnicate'");
}

TEST_F(CommandsTest, CheckNamesTheUnknownKey) {
  const std::string path = dir_.write("bad.toml", "[search]\ndm_max = 100.0\nsnr_min = 1.0\n");
  const Outcome outcome = run("check " + path);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_PRED2(contains, outcome.err, "tianyan: " + path + ":2: unknown key 'search.dm_max'");
  EXPECT_PRED2(contains, outcome.err, "tianyan: " + path + ":3: search.snr_min = 1 is out of range");
}

TEST_F(CommandsTest, CheckSaysThatAFileIsMissing) {
  const Outcome outcome = run("check /nowhere.toml");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "tianyan: /nowhere.toml: no such file\n");
}

TEST_F(CommandsTest, CheckPrintsAConfigThatItAccepts) {
  const Outcome printed = run("check --print --set search.snr_min=8.5");
  EXPECT_EQ(printed.exit_code, 0);
  const std::string path = dir_.write("printed.toml", printed.out);
  EXPECT_EQ(run("check --print " + path).out, printed.out);
  EXPECT_PRED2(contains, printed.out, "snr_min = 8.5\n");
}

TEST_F(CommandsTest, SimulateWritesAScanThatInfoReads) {
  const std::string spec = dir_.write("scan.toml",
                                      "[scan]\nsource_name = \"X1\"\nbeams = [2, 5]\nn_chan = 32\n"
                                      "sample_time_s = 1e-3\nduration_s = 0.5\nstart_mjd = 59000.5\n");
  const Outcome made = run("simulate " + spec + " -o " + dir_.file("data") + " --threads 1");
  EXPECT_EQ(made.exit_code, 0) << made.err;
  const Outcome info = run("info --json " + dir_.file("data"));
  ASSERT_EQ(info.exit_code, 0) << info.err;
  const json found = json::parse(info.out);
  ASSERT_EQ(found["beams"].size(), 2u);
  const json& beam = found["beams"][1];
  EXPECT_EQ(beam["beam"], 5);
  EXPECT_EQ(beam["format"], "PSRFITS");
  EXPECT_EQ(beam["source_name"], "X1");
  EXPECT_EQ(beam["n_time"], 500);
  EXPECT_EQ(beam["n_chan"], 32);
  EXPECT_EQ(beam["n_bits"], 8);
  EXPECT_EQ(beam["cut_short"], false);
  EXPECT_EQ(beam["start_mjd"].get<std::string>().substr(0, 15), "59000.500000000");
  EXPECT_NEAR(beam["freq_high_mhz"].get<double>(), 1500.0 - 0.5 * 500.0 / 32, 1e-6);
  EXPECT_EQ(found["skipped"].size(), 1u) << "truth.json is no scan";
}

TEST_F(CommandsTest, InfoShowsATableForPeople) {
  const Outcome outcome = run("info " + scan("fil"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* text :
       {"beam 4", "SIGPROC", "MJD 59000.000000000", "1.500000 s", "8 bits", "1 polarisation"})
    EXPECT_PRED2(contains, outcome.out, text);
}

TEST_F(CommandsTest, InfoOfWhatIsNotThereFails) {
  const Outcome missing = run("info /nowhere.fil");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_PRED2(contains, missing.err, "/nowhere.fil");
  EXPECT_EQ(run("info " + dir_.write("text.fil", "not a filterbank")).exit_code, 1);
}

TEST_F(CommandsTest, InfoOfATruncatedFileSaysSo) {
  const std::string path = scan("fits");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 20'000);
  const Outcome outcome = run("info " + path);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.out << outcome.err;
  EXPECT_PRED2(contains, outcome.out, "cut short");
}

TEST_F(CommandsTest, ConvertKeepsEveryBitThereAndBack) {
  for (int n_bits : {1, 2, 4, 8, 16, 32}) {
    const std::string original = scan("fits", n_bits), fil = dir_.file("a.fil"), back = dir_.file("b.fits");
    const Outcome there = run("convert --overwrite " + original + " -o " + fil);
    ASSERT_EQ(there.exit_code, 0) << there.err;
    EXPECT_PRED2(contains, there.out, "recorded samples unchanged");
    ASSERT_EQ(run("convert --overwrite " + fil + " -o " + back).exit_code, 0);
    EXPECT_EQ(samples_of(back), samples_of(original)) << n_bits << " bits";
    if (n_bits < 8) {
      EXPECT_NE(samples_of(fil), samples_of(original)) << "bit order differs between the formats";
    }
  }
}

TEST_F(CommandsTest, ADriftScanIsToldOfAndItsPartsLookWhereTheyDid) {
  const std::string spec =
      dir_.write("scan.toml",
                 "[scan]\nsource_name = \"D\"\nbeams = [1]\nn_chan = 32\nsample_time_s = 1e-3\n"
                 "duration_s = 20.0\nra_deg = 359.95\ndec_deg = 30.0\ndrift_deg_s = 0.01\n");
  const std::string fits = dir_.file("data/D_tracking-M01_0001.fits"), part = dir_.file("part.fits");
  ASSERT_EQ(run("simulate " + spec + " -o " + dir_.file("data")).exit_code, 0);
  ASSERT_EQ(run("convert " + fits + " -o " + part + " --start-s 8 --duration-s 4").exit_code, 0);
  const Outcome fil = run("convert " + part + " -o " + dir_.file("part.fil"));
  EXPECT_PRED2(contains, fil.out, "the beam moved");
  const auto beam = [&](const std::string& file) {
    return json::parse(run("info --json " + file).out)["beams"][0];
  };
  const double tolerance_deg = 1.0 / 3600.0;
  EXPECT_NEAR(beam(fits)["ra_deg"].get<double>(), 359.95, tolerance_deg);
  EXPECT_NEAR(beam(fits)["ra_end_deg"].get<double>(), 0.15, tolerance_deg);
  EXPECT_NEAR(beam(part)["ra_deg"].get<double>(), 0.03, tolerance_deg);
  EXPECT_NEAR(beam(part)["ra_end_deg"].get<double>(), 0.07, tolerance_deg);
  EXPECT_NEAR(beam(dir_.file("part.fil"))["ra_end_deg"].get<double>(), 0.03, tolerance_deg);
  EXPECT_PRED2(contains, run("info " + part).out, "moves to");
  const Outcome refused = run("simulate " + spec + " -o " + dir_.file("no") + " --set scan.format=fil");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_PRED2(contains, refused.err, "scan.drift_deg_s");
}

TEST_F(CommandsTest, ConvertKeepsHeadersAndPolarisations) {
  const std::string original = scan("fits", 8, 2), h5 = dir_.file("a.h5");
  const Outcome outcome = run("convert " + original + " -o " + h5);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const json a = json::parse(run("info --json " + original).out)["beams"][0];
  const json b = json::parse(run("info --json " + h5).out)["beams"][0];
  for (const char* key :
       {"n_chan", "n_pol", "n_time", "n_bits", "source_name", "freq_low_mhz", "sample_time_s"})
    EXPECT_EQ(a[key], b[key]) << key;
  EXPECT_NEAR(std::stod(a["start_mjd"].get<std::string>()), std::stod(b["start_mjd"].get<std::string>()),
              1e-9);
  EXPECT_EQ(samples_of(original), samples_of(h5));
}

TEST_F(CommandsTest, ConvertCutsAPieceOutOfAScan) {
  const std::string original = scan("fil"), piece = dir_.file("piece.fil");
  ASSERT_EQ(run("convert " + original + " -o " + piece + " --start-s 0.25 --duration-s 0.5").exit_code, 0);
  const auto all = samples_of(original);
  EXPECT_EQ(samples_of(piece), std::vector<std::uint8_t>(all.begin() + 250 * 32, all.begin() + 750 * 32));
  const auto info = open_source(piece)->info();
  EXPECT_NEAR(info.start.seconds_since(open_source(original)->info().start), 0.25,
              2e-6);  // a double MJD: 1 us
  EXPECT_EQ(
      run("convert " + original + " -o " + dir_.file("x.fil") + " --start-s 1.2 --duration-s 0.5").exit_code,
      2);
}

TEST_F(CommandsTest, ConvertOfCalibratedDataWritesValues) {
  const std::string original = calibrated_scan(), fil = dir_.file("values.fil");
  const Outcome outcome = run("convert " + original + " -o " + fil);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_PRED2(contains, outcome.out, "calibrated float32 values");
  EXPECT_PRED2(contains, outcome.out, "1500 flagged or missing samples are written as 0");
  const auto raw = samples_of(original), bytes = samples_of(fil);
  ASSERT_EQ(bytes.size(), raw.size() * sizeof(float));
  const auto* value = reinterpret_cast<const float*>(bytes.data());
  for (std::size_t i = 0; i < raw.size(); ++i)
    ASSERT_EQ(value[i], i % 32 == 5 ? 0.0F : 2.0F * raw[i] - 3.0F) << i;
}

TEST_F(CommandsTest, ConvertRefusesToReplaceAFileAndUnknownFormats) {
  const std::string original = scan("fil");
  const std::string there = dir_.write("there.fits", "precious");
  const Outcome outcome = run("convert " + original + " -o " + there);
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_EQ(read_text(there), "precious");
  EXPECT_EQ(run("convert " + original + " -o " + dir_.file("x.dat")).exit_code, 2);
}

TEST_F(CommandsTest, ConvertWantsOneBeam) {
  ScanSpec spec;
  spec.n_chan = 8;
  spec.duration_s = 0.1;
  spec.beams = {1, 2};
  simulate_scan(spec, dir_.file("two"));
  const Outcome outcome = run("convert " + dir_.file("two") + " -o " + dir_.file("x.fil"));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_PRED2(contains, outcome.err, "2 beams");
}

}  // namespace
}  // namespace tianyan
