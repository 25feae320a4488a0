// `tianyan channelize` as a user runs it, and the other commands on voltages.
#include "tests/pipeline/channelize_test.hpp"

namespace tianyan {
namespace {

TEST_F(ChannelizeCommandTest, TheCommandWritesThoseFilesAndSaysWhat) {
  const auto path = voltages();
  const Outcome o = command(path, "out.fits", "--set channelize.n_bits=32 --threads 1");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_PRED2(contains, o.out, dir_.file("out.fits") + "\n");
  EXPECT_PRED2(contains, o.out, "2500 spectra of 16.0000 us, 32 channels of 0.2500000 MHz, 1 product\n");
  expect_same_values(read_spectra(dir_.file("out.fits")), made_of({path}, small_channels(4)), true);
  auto spec = voltage_spec("dada");
  spec.pulses = {{1.0, 20e-6, 400.0, 0.03, {}}};
  const Outcome clipped = command(voltages(spec), "out.fil", "--set channelize.sample_time_s=4e-6");
  const auto result = make({voltages(spec)}, "same.fil", small_channels(1, 8));
  EXPECT_GT(result.clipped_samples, 0);
  EXPECT_PRED2(contains, clipped.out,
               std::to_string(result.clipped_samples) + " of 320000 samples were beyond 8 bits");
  EXPECT_TRUE(read_text(dir_.file("out.fil")) == read_text(dir_.file("same.fil")));
}

constexpr const char* kReadByAstropy = R"(
import sys, warnings, numpy as np
warnings.simplefilter('error')
from astropy.io import fits
path, values, first, bits = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
want = np.fromfile(values, '<f4').reshape(-1, 4, 32)
with fits.open(path) as f:
    f.verify('exception')
    p, h, t = f[0].header, f['SUBINT'].header, f['SUBINT'].data
    assert h['POL_TYPE'] == 'IQUV' and h['NPOL'] == 4 and h['NCHAN'] == 32 and h['NBITS'] == bits
    assert p['CHAN_DM'] == 30.0 and p['OBS_MODE'] == 'SEARCH' and p['TELESCOP'] == 'FAST' and p['IBEAM'] == 1
    assert h['TBIN'] == 4e-6 and h['CHAN_BW'] == 0.25 and abs(p['OBSBW'] - 8) < 1e-9
    start_s = p['STT_SMJD'] + p['STT_OFFS']
    assert p['STT_IMJD'] == 59000 and abs(start_s - 21600 - first * 4e-6) < 1e-9, start_s
    # Channel k of 8 in a complex coarse channel is k - 4 widths from its centre, 1235 MHz in the first.
    assert np.allclose(t['DAT_FREQ'], 1234 + 0.25 * np.arange(32), rtol=0, atol=1e-9)
    n, got = h['NSBLK'], []
    for row in t:
        v, scale = row['DATA'].reshape(n, 4, 32).astype(float), row['DAT_SCL'].reshape(4, 32).astype(float)
        k = int(round(row['OFFS_SUB'] / h['TBIN'] - n / 2))
        assert (row['DAT_WTS'] == 1).all() and k == len(got)
        v = v * scale + row['DAT_OFFS'].reshape(4, 32)
        m = row['N_VALID']
        off = np.abs(v[:m] - want[first + k:first + k + m]) / scale
        raw = row['DATA'].reshape(n, 4, 32)[:m]
        assert off.max() == 0 if bits == 32 else off[(raw > 0) & (raw < 255)].max() < 0.501, off.max()
        got.extend(v[:m])
    assert len(got) == int(sys.argv[5]) == h['NSTOT'], len(got)
print('good')
)";

TEST_F(ChannelizeCommandTest, AstropyReadsThePsrfitsFiles) {
  if (std::system("/usr/bin/python3 -c 'import astropy.io.fits, numpy' >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "/usr/bin/python3 with astropy is missing";
  const auto path = voltages();
  const auto program = dir_.write("program.py", kReadByAstropy);
  for (const int n_bits : {8, 32}) {
    auto config = small_channels(1, n_bits);
    config.channelize.products = "iquv";
    config.channelize.coherent_dm_pc_cm3 = {30.0};
    const auto made = made_of({path}, config);
    make({path}, "out.fits", config);
    dir_.write("values",
               std::string(reinterpret_cast<const char*>(made.value.data()), 4 * made.value.size()));
    const auto first = made.first_there(), n = made.end_there() - first;
    EXPECT_GT(first, 0);
    const auto arguments =
        fmt::format("{} {} {} {} {}", dir_.file("out.fits"), dir_.file("values"), first, n_bits, n);
    EXPECT_EQ(
        std::system(
            ("/usr/bin/python3 " + program + " " + arguments + " >" + dir_.file("said") + " 2>&1").c_str()),
        0);
    EXPECT_EQ(read_text(dir_.file("said")), "good\n") << n_bits;
  }
}

TEST_F(ChannelizeCommandTest, SeveralDmsAreAFileEach) {
  const auto path = voltages();
  const std::string dms = "--set 'channelize.coherent_dm_pc_cm3=[12.5, 30.0]'";
  fs::create_directories(dir_.file("out"));
  const Outcome o = command(path, "out/x.fits", "--set channelize.n_bits=32 " + dms);
  ASSERT_EQ(o.exit_code, 0) << o.err;
  EXPECT_EQ(names_in("out"), (std::set<std::string>{"x_DM12.50.fits", "x_DM30.00.fits"}));
  EXPECT_PRED2(contains, o.out, "x_DM12.50.fits\n" + dir_.file("out/x_DM30.00.fits") + "\n2500 spectra");
  auto config = small_channels(4);
  config.channelize.coherent_dm_pc_cm3 = {12.5, 30.0};
  for (int d = 0; d < 2; ++d) {
    const auto spectra = read_spectra(dir_.file(d == 0 ? "out/x_DM12.50.fits" : "out/x_DM30.00.fits"));
    EXPECT_EQ(spectra.info.coherent_dm_pc_cm3, d == 0 ? 12.5 : 30.0);
    expect_same_values(spectra, made_of({path}, config, d), true);
  }
  const Outcome search = run("search '' '" + path + "' -o '" + dir_.file("run") + "' -q " + dms);
  EXPECT_EQ(search.exit_code, 2);
  EXPECT_PRED2(contains, search.err, "channelize.coherent_dm_pc_cm3 has 2 values");
  EXPECT_FALSE(fs::exists(dir_.file("run")));
  // One is there already: neither is made.
  fs::remove(dir_.file("out/x_DM12.50.fits"));
  EXPECT_EQ(command(path, "out/x.fits", dms).exit_code, 1);
  EXPECT_EQ(names_in("out"), std::set<std::string>{"x_DM30.00.fits"});
}

TEST_F(ChannelizeCommandTest, DmsThatWouldBeOneFileAreRefused) {
  const auto path = voltages();
  for (const char* dms : {"[12.5, 12.5]", "[12.501, 12.502]"})
    expect_refused(path, "out.fits", std::string("--set 'channelize.coherent_dm_pc_cm3=") + dms + "'", 2,
                   {"the same to 0.01", "coherent_dm_pc_cm3"});
}

TEST_F(ChannelizeCommandTest, ABeamOfAFileOfManyIsThatBeam) {
  const auto all = voltages(voltage_spec("voltages.h5", {1, 3, 8}), "all");
  const auto alone = voltages(voltage_spec("dada", {3}), "alone");
  const Outcome o = command(all, "three.fits", "--beam 3 --set channelize.n_bits=32");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const auto spectra = read_spectra(dir_.file("three.fits"));
  EXPECT_EQ(spectra.info.beam, 3);
  expect_same_values(spectra, made_of({alone}, small_channels(4)), true);
  expect_refused(all, "x.fits", "", 2, {"beams 1, 3, 8", "--beam"});
  expect_refused(all, "x.fits", "--beam 2", 2, {"beams 1, 3, 8", "not 2"});
  expect_refused(alone, "x.fits", "--beam -3", 2, {"beams 3", "not -3"});
}

TEST_F(ChannelizeCommandTest, WhatCannotWorkIsOneLineAndNoFile) {
  const auto path = voltages();
  const auto set = [](const std::string& text) { return "--set '" + text + "'"; };
  const auto refused = [&](const std::string& more, const std::vector<std::string>& parts) {
    expect_refused(path, "out.fits", more, 2, parts);
  };
  refused(set("channelize.channels=30"), {"channelize.channels = 30", "4 coarse channels"});
  refused(set("channelize.oversampling=\"4/0\""), {"channelize.oversampling", "4/3"});
  refused(set("channelize.oversampling=\"two\""), {"channelize.oversampling", "two"});
  refused(set("channelize.oversampling=\"0.5\""), {"channelize.oversampling", "0.5"});
  refused(set("channelize.oversampling=\"7/5\""), {"7 / 5", "not whole"});  // of 8 channels: no whole hop
  refused(set("channelize.coherent_dm_pc_cm3=[1e5]") + set(" channelize.channels=4").replace(0, 5, " --set"),
          {"DM"});
  refused(set("channelize.coherent_dm_pc_cm3=[-1.0]"), {"channelize.coherent_dm_pc_cm3"});
  refused(set("channelize.n_bits=16"), {"channelize.n_bits = 16", "8", "32"});
  refused(set("limits.memory_bytes=100000"), {"limits.memory_bytes"});
  refused(set("channelize.chanels=32"), {"channelize.channels"});
  refused("--start-s 0.05", {"0.05", "0.04"});
  refused("--start-s -0.01", {"-0.01"});
  refused("--start-s 0.03 --duration-s 0.02", {"0.03", "0.02"});
  for (const char* products : {"iquv", "aabbcrci"})
    expect_refused(path, "out.fil", set(std::string("channelize.products=\"") + products + "\""), 2,
                   {"out.fil", ".fits", "channelize.n_bits = 32"});
  expect_refused(path, "out.dat", "", 2, {"out.dat", ".fits (PSRFITS)"});
  expect_refused(path, "nowhere/out.fits", "", 1, {"nowhere/out.fits"});
  expect_refused(dir_.file("none.dada"), "out.fits", "", 1, {"none.dada"});
  auto spec = voltage_spec("dada");
  spec.voltages.n_pol = 1;
  expect_refused(voltages(spec, "one"), "out.fits", set("channelize.products=\"iquv\""), 2,
                 {"iquv", "two polarisations"});
}

TEST_F(ChannelizeCommandTest, SpectraAndVoltagesAreSentToTheirCommands) {
  expect_refused(scan("fits"), "out.fits", "", 2, {"tianyan convert"});
  const Outcome o = run("convert '" + voltages() + "' -o '" + dir_.file("out.fits") + "'");
  EXPECT_EQ(o.exit_code, 2);
  EXPECT_PRED2(contains, o.err, "tianyan channelize");
  EXPECT_FALSE(fs::exists(dir_.file("out.fits")));
}

TEST_F(ChannelizeCommandTest, AFileThatIsThereStaysUnlessOverwritten) {
  const auto path = voltages();
  for (const char* name : {"there.fits", "there.fil", "there.h5"}) {
    const auto there = dir_.write(name, "precious");
    expect_refused(path, name, "", 1, {name, "exists"});
    EXPECT_EQ(read_text(there), "precious");
    const Outcome failed = command(path, name, "--overwrite --set channelize.channels=30");
    EXPECT_EQ(failed.exit_code, 2);
    EXPECT_EQ(read_text(there), "precious");
    EXPECT_EQ(command(path, name, "--overwrite").exit_code, 0);
    EXPECT_EQ(read_spectra(there).info.n_chan, 32);
  }
}

TEST_F(ChannelizeCommandTest, AFrequencyThatNoHeaderHasIsAskedFor) {
  const auto path = dir_.write("scan.vdif", vdif_without(5, [](int) { return false; }));
  const std::string rate = "--set voltages.sample_rate_hz=2e6 ";
  expect_refused(path, "out.fits", rate, 2, {"voltages.band_low_mhz"});
  const Outcome info = run("info '" + path + "' " + rate);
  EXPECT_EQ(info.exit_code, 0) << info.err;
  EXPECT_PRED2(contains, info.out, "voltages.band_low_mhz");
  ASSERT_EQ(command(path, "out.fits", rate + "--set voltages.band_low_mhz=1400").exit_code, 0);
  EXPECT_NEAR(open_source(dir_.file("out.fits"))->info().freq_low_mhz, 1400.0, 1e-9);
}

TEST_F(ChannelizeCommandTest, VoltagesCutShortAreMadeWithExitCode3) {
  const auto whole = voltages("raw"), path = dir_.file("cut-M01.raw");
  fs::copy_file(whole, path);
  append_half_a_block(path);
  const Outcome o = command(path, "out.fits", "--set channelize.n_bits=32");
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_PRED2(contains, o.err, "cut short");
  const auto info = run("info '" + path + "'");
  EXPECT_EQ(info.exit_code, 3);
  EXPECT_PRED2(contains, info.out, "cut short");
  expect_same_values(read_spectra(dir_.file("out.fits")), made_of({whole}, small_channels(4)), true);
}

TEST_F(ChannelizeCommandTest, ASignalLeavesNoFile) {
  auto spec = voltage_spec("dada");
  spec.duration_s = 0.4;
  const auto path = voltages(spec);
  fs::create_directories(dir_.file("out"));
  for (const char* name : {"x.fits", "x.fil", "x.h5"}) {
    // Temporary names are there from before the first stretch of 4096 spectra until after the last.
    const Outcome o =
        run("channelize '' '" + path + "' -o '" + dir_.file("out/") + name +
                "' --threads 1 --set channelize.channels=32 --set channelize.sample_time_s=4e-6 "
                "--set 'channelize.coherent_dm_pc_cm3=[1.0, 2.0]'",
            "(while [ -z \"$(ls -A '" + dir_.file("out") +
                "')\" ]; do sleep 0.002; done; kill -TERM $$) & exec ");
    EXPECT_EQ(o.exit_code, 75) << name << o.err;
    EXPECT_PRED2(contains, o.err, "nothing was kept");
    EXPECT_TRUE(names_in("out").empty()) << *names_in("out").begin();
  }
}

TEST_F(ChannelizeCommandTest, AFullDiskLeavesNoFile) {
  const auto path = voltages();
  fs::create_directories(dir_.file("out"));
  for (const char* name : {"x.fits", "x.fil", "x.h5"}) {
    const Outcome o = run("channelize '' '" + path + "' -o '" + dir_.file("out/") + name + "'",
                          "trap '' XFSZ; ulimit -f 8; ");
    EXPECT_EQ(o.exit_code, 1) << name << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_TRUE(names_in("out").empty()) << *names_in("out").begin();
  }
}

TEST_F(ChannelizeCommandTest, InfoShowsVoltages) {
  const auto path = voltages(voltage_spec("voltages.h5", {2, 5}));
  const Outcome text = run("info '" + path + "'");
  ASSERT_EQ(text.exit_code, 0) << text.err;
  for (const char* part :
       {"beam 2", "beam 5", "HDF5 voltages", "80000 voltages", "1234.000000 to 1242.000000 MHz",
        "4 coarse channels of 2.0000000 MHz", "8 bits, complex, 2 polarisations", "MJD 59000.25", "none"})
    EXPECT_PRED2(contains, text.out, part);
  const json beams = json::parse(run("info --json '" + path + "'").out)["beams"];
  ASSERT_EQ(beams.size(), 2U);
  const json& b = beams[1];
  EXPECT_EQ(b["beam"], 5);
  EXPECT_EQ(b["is_voltage"], true);
  EXPECT_EQ(b["is_complex"], true);
  EXPECT_EQ(b["is_inverted"], false);
  EXPECT_EQ(b["n_coarse"], 4);
  EXPECT_EQ(b["n_pol"], 2);
  EXPECT_EQ(b["n_bits"], 8);
  EXPECT_EQ(b["n_time"], 80000);
  EXPECT_EQ(b["band_low_mhz"], 1234.0);
  EXPECT_EQ(b["band_high_mhz"], 1242.0);
  EXPECT_EQ(b["coarse_width_mhz"], 2.0);
  EXPECT_EQ(b["files"].size(), 1U);
  EXPECT_EQ(json::parse(run("info --json '" + scan("fil") + "'").out)["beams"][0]["is_voltage"], false);
}

TEST_F(ChannelizeCommandTest, PlanCountsSmearingFromTheCoherentDm) {
  const auto path = voltages();
  const auto smearing = [&](const std::string& more) {
    const Outcome o =
        run("plan '' '" + path +
            "' --json --set channelize.channels=32 --set channelize.sample_time_s=64e-6 --set "
            "search.dm_min_pc_cm3=190 --set search.dm_max_pc_cm3=210 --set search.width_min_s=2e-4 " +
            more);
    EXPECT_EQ(o.exit_code, 0) << o.err;
    double largest = 0.0;
    const json plans = json::parse(o.out);
    for (const auto& pass : plans.at(0).at("passes"))
      largest = std::max(largest, pass["loss"]["smearing"].get<double>());
    return largest;
  };
  // At 1238 MHz 0.25 MHz are 8.3 us x 0.25 x 200 / 1.9 = 0.22 ms, of variance 0.22^2 / 12 against (0.2
  // / 2.355)^2: 1 - (1 + 0.56)^-1/4 = 0.1.
  const double without = smearing(""), with = smearing("--set 'channelize.coherent_dm_pc_cm3=[200.0]'");
  EXPECT_NEAR(without, 0.1, 0.03);
  EXPECT_LT(with, 1e-3);
  EXPECT_NEAR(smearing("--set 'channelize.coherent_dm_pc_cm3=[400.0]'"), without, 0.02);
}

class SearchVoltagesTest : public ChannelizeCommandTest {
 protected:
  /// 0.2 s, 6.4 MB, with a pulse.
  static ScanSpec pulse_spec(const std::string& format) {
    auto spec = voltage_spec(format);
    spec.duration_s = 0.2;
    spec.pulses = {{600.0, 5e-4, 30.0, 0.08, {}}};
    return spec;
  }
  static std::string how(int taps, int n_bits = 32) {
    return fmt::format(
        " --threads 1 --set channelize.channels=64 --set channelize.sample_time_s=64e-6 --set "
        "channelize.taps={} "
        "--set 'channelize.coherent_dm_pc_cm3=[{}]' --set channelize.n_bits={} ",
        taps, taps == 1 ? "" : "600.0", n_bits);
  }
  Outcome search(const std::string& input, const std::string& out, const std::string& more) const {
    return run(
        "search '' " + input + " -o '" + dir_.file(out) +
        "' -q --set output.plots=false --set search.dm_min_pc_cm3=500 --set search.dm_max_pc_cm3=700 --set "
        "search.width_min_s=3e-4 " +
        more);
  }
  std::string rows(const std::string& out) const { return rows_of(dir_.file(out + "/candidates.ecsv")); }
  json report(const std::string& out) const {
    return json::parse(read_text(dir_.file(out + "/report.json")))["beams"][0];
  }
};

// A plain Fourier transform has no window that reaches beyond the ends of the scan, so that both streams
// begin with the same spectrum.
TEST_F(SearchVoltagesTest, GivesTheRowsOfTheSpectraMadeOfThem) {
  const auto path = voltages(pulse_spec("raw"));
  ASSERT_EQ(run("channelize '' '" + path + "' -o '" + dir_.file("s-M01.fits") + "'" + how(1)).exit_code, 0);
  for (const auto& [input, out] :
       {std::pair{path, "voltages"}, std::pair{dir_.file("s-M01.fits"), "spectra"}}) {
    const Outcome o = search("'" + input + "'", out, how(1));
    ASSERT_EQ(o.exit_code, 0) << o.err;
  }
  EXPECT_EQ(rows("voltages"), rows("spectra"));
  EXPECT_EQ(candidates_of(dir_.file("voltages")).size(), 1U);
  EXPECT_EQ(report("voltages")["format"], "GUPPI");
  EXPECT_EQ(search("'" + path + "'", "voltages", how(1) + "--resume").exit_code, 0);
  EXPECT_EQ(report("voltages")["threads"], 0) << "from the ledger";
  EXPECT_EQ(rows("voltages"), rows("spectra"));
  fs::remove_all(dir_.file("voltages/ledger"));
  EXPECT_EQ(search("'" + path + "'", "voltages", how(1) + "--resume").exit_code, 0);
  EXPECT_NE(report("voltages")["threads"], 0);
  EXPECT_EQ(rows("voltages"), rows("spectra"));
}

// PSRFITS begins at the first spectrum with weight: statistics are of other stretches, S/N differs by some
// per cent.
TEST_F(SearchVoltagesTest, FindsTheSamePulseWhereFilesBeginLater) {
  const auto path = voltages(pulse_spec("dada"));
  ASSERT_EQ(run("channelize '' '" + path + "' -o '" + dir_.file("s-M01.fits") + "'" + how(4, 8)).exit_code,
            0);
  ASSERT_EQ(search("'" + path + "'", "voltages", how(4)).exit_code, 0);
  ASSERT_EQ(search("'" + dir_.file("s-M01.fits") + "'", "spectra", how(4)).exit_code, 0);
  const auto a = candidates_of(dir_.file("voltages")), b = candidates_of(dir_.file("spectra"));
  ASSERT_EQ(a.size(), 1U);
  ASSERT_EQ(b.size(), 1U);
  EXPECT_NEAR(a[0].snr, b[0].snr, 0.05 * b[0].snr);
  EXPECT_NEAR(a[0].mjd, b[0].mjd, 3 * 64e-6 / 86400.0);
  EXPECT_NEAR(a[0].dm_pc_cm3, b[0].dm_pc_cm3, b[0].dm_err_pc_cm3);
}

TEST_F(SearchVoltagesTest, ReportNamesWhatIsMissingInSpectra) {
  auto spec = pulse_spec("raw");
  spec.duration_s = 0.1;
  const auto first = voltages(spec, "a");
  spec.start_mjd += 0.12 / 86400.0;
  spec.pulses.clear();
  const auto second = voltages(spec, "b");
  append_half_a_block(second);
  const Outcome o = search("'" + first + "' '" + second + "'", "run", how(4));
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_PRED2(contains, o.err, "cut short");
  const auto losses = report("run")["losses"];
  EXPECT_EQ(losses["cut_short"], true);
  EXPECT_EQ(losses["n_gaps"], 1);
  EXPECT_NEAR(losses["gap_samples"].get<double>(), 0.02 / 64e-6, 1.0);  // spectra, rounded up
  EXPECT_GT(losses["lost_bytes"].get<std::int64_t>(), 0);
  EXPECT_EQ(losses["notes"].size(), 2U);
  EXPECT_GE(report("run")["flags"]["recorded_samples"].get<std::int64_t>(), 312 * 64);
  const auto files = report("run")["files"];
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0]["n_time"], 1563);  // of the first voltage of each
  EXPECT_NEAR(files[1]["first_sample"].get<double>(), 1875.0, 1.0);
}

// The second file's voltages are too few for one more spectrum.
TEST_F(SearchVoltagesTest, AFileWithoutSpectraIsNoMask) {
  auto spec = pulse_spec("dada");
  const auto first = voltages(spec, "a");
  spec.start_mjd += 0.2 / 86400.0;
  spec.duration_s = 2e-5;
  spec.pulses.clear();
  const auto second = voltages(spec, "b");
  ASSERT_EQ(search("'" + first + "' '" + second + "'", "run", how(1)).exit_code, 0);
  const auto files = report("run")["files"];
  ASSERT_EQ(files.size(), 2U);
  ASSERT_EQ(files[1]["n_time"], 0);
  const Outcome again = run("sift '" + dir_.file("run") + "' -o '" + dir_.file("again") + "'");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.err.find("measured again"), std::string::npos) << again.err;
  EXPECT_EQ(rows_of(dir_.file("again/detections.ecsv")), rows_of(dir_.file("run/detections.ecsv")));
}

TEST_F(ChannelizeCommandTest, ADirectoryMayHoldVoltagesOfManyBeamsAndOtherFiles) {
  auto spec = voltage_spec("voltages.h5", {1, 3});
  voltages(spec, "mixed");
  voltages(voltage_spec("raw", {5}), "mixed");
  ScanSpec spectra;
  spectra.n_chan = 32;
  spectra.duration_s = 0.1;
  spectra.beams = {7};
  simulate_scan(spectra, dir_.file("mixed"), {1, true, nullptr});
  dir_.write("mixed/notes.txt", "not a scan");
  const Outcome o = run("info --json '" + dir_.file("mixed") + "'");
  ASSERT_EQ(o.exit_code, 0) << o.err;
  const json found = json::parse(o.out);
  std::vector<std::pair<int, bool>> beams;
  for (const auto& b : found["beams"]) beams.emplace_back(b["beam"], b["is_voltage"]);
  EXPECT_EQ(beams, (std::vector<std::pair<int, bool>>{{1, true}, {3, true}, {5, true}, {7, false}}));
  EXPECT_EQ(found["skipped"].size(), 2U);  // truth.json and the notes
  EXPECT_EQ(command(dir_.file("mixed"), "five.fits", "--beam 5").exit_code, 0);
  EXPECT_EQ(read_spectra(dir_.file("five.fits")).info.beam, 5);
  const Outcome seven = command(dir_.file("mixed"), "seven.fits", "--beam 7");
  EXPECT_EQ(seven.exit_code, 2);
  EXPECT_PRED2(contains, seven.err, "tianyan convert");
  fs::copy_file(dir_.file("five.fits"), dir_.file("mixed/again-M05.fits"));
  for (const char* arguments : {"info ", "channelize '' ", "search '' "}) {
    const bool is_info = std::string(arguments) == "info ";
    const Outcome both = run(arguments + ("'" + dir_.file("mixed") + "'") +
                             (is_info ? "" : " -o '" + dir_.file("both.fits") + "'"));
    EXPECT_EQ(both.exit_code, 2) << arguments << both.err;
    EXPECT_PRED2(contains, both.err, "again-M05.fits");
    EXPECT_PRED2(contains, both.err, "voltages and spectra");
  }
  EXPECT_FALSE(fs::exists(dir_.file("both.fits")));
}

}  // namespace
}  // namespace tianyan
