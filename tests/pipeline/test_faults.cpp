// Searches whose files fail under them: input that cannot be read, shrinks or vanishes, output that is full,
// read-only or slow, in the real program, by the faults of tests/faults/shim.cpp.
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>

#include "io/atomic_file.hpp"
#include "io/ecsv_reader.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

// Without what a run takes: seconds, memory, threads and devices are those of the run at hand.
json without_times(json j) {
  for (const char* key : {"seconds", "real_time_factor", "threads", "memory_bytes", "beams_at_once",
                          "backend", "devices", "why_host"})
    if (j.is_object()) j.erase(key);
  if (j.is_structured())
    for (auto& part : j) part = without_times(part);
  return j;
}

using Contents = std::map<std::string, std::string>;

// Of every file of a run by its name, what does not depend on how long it took.
Contents contents_of(const std::string& run) {
  Contents all;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const auto name = fs::relative(entry.path(), run).string();
    if (!entry.is_regular_file() || name == ".lock" || name == "report.html") continue;
    std::string text = read_text(entry.path().string());
    if (name.ends_with(".json")) {
      json j = json::parse(text);
      if (j.is_object() && j.contains("unit")) j = json::parse(j["unit"].get<std::string>());
      text = without_times(j).dump();
    }
    all[name] = text;
  }
  return all;
}

void expect_same(const Contents& a, const Contents& b, const std::string& what) {
  for (const auto& [name, text] : a) EXPECT_TRUE(b.contains(name)) << what << ": without " << name;
  for (const auto& [name, text] : b) {
    EXPECT_TRUE(a.contains(name)) << what << ": with " << name;
    EXPECT_TRUE(!a.contains(name) || a.at(name) == text) << what << ": differs in " << name;
  }
}

// Nothing that is not whole: each file that is there can be read to its end.
void expect_whole(const std::string& run) {
  if (!fs::exists(run)) return;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    const std::string path = entry.path().string();
    EXPECT_EQ(name_of_temporary(entry.path().filename().string()), "") << path;
    const auto has = [&](const char* ending) { return path.ends_with(ending); };
    const auto end_of_file = [&] { return read_text(path).substr(fs::file_size(path) - 8); };
    if (has(".json")) {
      EXPECT_NO_THROW(json::parse(read_text(path))) << path;
    } else if (has(".ecsv")) {
      EXPECT_NO_THROW(read_ecsv(path)) << path;
    } else if (has(".html")) {
      EXPECT_EQ(end_of_file(), "</html>\n") << path;
    } else if (has(".png")) {
      EXPECT_TRUE(end_of_file().starts_with("IEND")) << path;
    }
  }
}

class FaultsTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    if (IsSkipped()) return;
    shim_ = (fs::path(binary_).parent_path() / "libfaults.so").string();
    if (!fs::exists(shim_)) GTEST_SKIP() << shim_ << " is not there";
  }

  /// 16 s in units of 3 s, with pulses in the first and in the last of them.
  static ScanSpec spec(const std::string& format) {
    ScanSpec spec;
    spec.format = format;
    spec.n_chan = 128;
    spec.sample_time_s = 1e-3;
    spec.duration_s = 16.0;
    spec.pulses = {{60.0, 8e-3, 30.0, 2.5, {}}, {80.0, 8e-3, 25.0, 13.0, {}}};
    return spec;
  }

  /// Voltages of as many seconds: a narrow band, so low that it disperses.
  std::string make_voltages(const std::string& format) {
    settings_ =
        "--set channelize.channels=64 --set channelize.sample_time_s=4e-3 --set search.width_min_s=8e-3";
    ScanSpec s;
    s.format = format;
    s.freq_low_mhz = 100.0;
    s.freq_high_mhz = 100.128;
    s.duration_s = 16.0;
    s.voltages = {4, 1, true, 8, 0.0};
    s.pulses = {{60.0, 30e-3, 40.0, 2.5, {}}, {80.0, 30e-3, 40.0, 13.0, {}}};
    return make(s);
  }

  /// The one file of a simulated scan.
  std::string make(const ScanSpec& spec) const {
    return simulate_scan(spec, dir_.file("scan"), {2, true, nullptr}).at(0);
  }

  /// Ends with 124 where it hangs. `before` stands before the program.
  Outcome search(const std::string& input, const std::string& name, const std::string& more = "",
                 const std::string& faults = "", const std::string& before = "timeout 60 ") const {
    const std::string shell = before + "env LD_PRELOAD='" + shim_ + "' TIANYAN_FAULTS='" + faults +
                              "' ASAN_OPTIONS=\"$ASAN_OPTIONS:verify_asan_link_order=0\" ";
    return run("search '' '" + input + "' -q --threads " + n_threads_ + " -o '" + dir_.file(name) +
                   "' --set search.unit_s=3 --set search.dm_max_pc_cm3=100 --set search.width_min_s=4e-3 "
                   "--set output.max_plots=1 " +
                   more + " " + settings_,
               shell);
  }

  json report(const std::string& name) const {
    return json::parse(read_text(dir_.file(name + "/report.json")));
  }

  /// How many stretches of beam M01 a run names as not searched, each for `reason`, on stderr and in its
  /// report.
  std::int64_t n_lost(const std::string& name, const Outcome& o, const std::string& input,
                      const std::string& reason) const {
    EXPECT_EQ(o.exit_code, 3) << o.err;
    const auto r = report(name);
    EXPECT_EQ(r["exit_code"], 3);
    EXPECT_TRUE(r["beams"][0]["losses"]["cut_short"].get<bool>());
    std::int64_t n = 0;
    for (const std::string note : r["beams"][0]["losses"]["notes"]) {
      if (!contains(note, " s were not searched: ")) continue;
      ++n;
      EXPECT_TRUE(note.starts_with("beam M01: ") && contains(note, input)) << note;
      EXPECT_TRUE(contains(note, reason)) << note;
      EXPECT_EQ(std::count(note.begin(), note.end(), '\n'), 0) << note;
      EXPECT_TRUE(contains(o.err, "tianyan: " + note + "\n")) << o.err;
    }
    return n;
  }

  /// Of five units the second cannot be read, or all from the third on; then the file is as it was.
  void expect_losses_and_resume(const std::string& path) const {
    const auto file = fs::path(path).filename().string();
    const auto whole = undisturbed(path);
    const auto once = search(path, "once", "", file + " read EIO times=1 after=M01/0000.json");
    EXPECT_EQ(n_lost("once", once, path, "Input/output error"), 1) << once.err;
    expect_whole(dir_.file("once"));
    for (const auto& [name, text] : contents_of(dir_.file("once"))) {
      const bool is_unit = name.starts_with("ledger/M01/") && name.ends_with(".json");
      EXPECT_TRUE(!is_unit || text == whole.at(name)) << "half-read data in " << name;
    }
    const auto gone =
        search(path, "gone", "",
               file + " read ESTALE after=M01/0001.json;" + file + " open ENOENT after=M01/0001.json");
    EXPECT_GE(n_lost("gone", gone, path, ""), 2) << gone.err;
    EXPECT_TRUE(contains(gone.err, "Stale file handle")) << gone.err;
    EXPECT_TRUE(contains(gone.err, "No such file or directory")) << gone.err;
    const auto kept = fs::last_write_time(dir_.file("gone/ledger/M01/0000.json"));
    for (const char* name : {"once", "gone"}) {
      EXPECT_EQ(search(path, name, "--resume").exit_code, 0) << name;
      expect_same(contents_of(dir_.file(name)), whole, path + ": " + name);
    }
    EXPECT_EQ(fs::last_write_time(dir_.file("gone/ledger/M01/0000.json")), kept);
  }

  /// The file is really cut while it is open.
  void expect_a_cut_file_to_be_named(const std::string& path) const {
    const auto text = read_text(path);
    const auto whole = undisturbed(path);
    const auto file = fs::path(path).filename().string();
    const auto n_left = text.size() / 3;
    const auto o = search(path, "cut", "",
                          file + " read cut after=M01/0001.json times=1 bytes=" + std::to_string(n_left));
    EXPECT_EQ(fs::file_size(path), n_left);
    EXPECT_GE(n_lost("cut", o, path, ""), 2) << o.err;
    EXPECT_TRUE(contains(o.err, "ends at byte ")) << o.err;
    expect_whole(dir_.file("cut"));
    EXPECT_NE(search(path, "cut", "--resume").exit_code, 0) << "it is another file now";
    dir_.write("scan/" + file, text);
    EXPECT_EQ(search(path, "cut", "--resume").exit_code, 0);
    expect_same(contents_of(dir_.file("cut")), whole, path);
    fs::remove_all(dir_.file("cut"));
  }

  /// Contents of a run that nothing disturbs.
  Contents undisturbed(const std::string& path) const {
    const auto o = search(path, "whole", "--overwrite");
    EXPECT_EQ(o.exit_code, 0) << o.err;
    auto whole = contents_of(dir_.file("whole"));
    EXPECT_EQ(whole.count("ledger/M01/0003.json"), 1U);
    EXPECT_GT(read_ecsv(dir_.file("whole/detections.ecsv")).n_row(), 0U) << o.out;
    return whole;
  }

  std::string shim_, settings_;
  std::string n_threads_ = "1";  // two wait for each other, where other tests run, for longer than they work
};

TEST_F(FaultsTest, StretchesOfPsrfitsThatCannotBeReadAreNamedAndResumed) {
  expect_losses_and_resume(make(spec("fits")));
}
TEST_F(FaultsTest, StretchesOfCompressedPsrfitsThatCannotBeReadAreNamedAndResumed) {
  if (std::system("which fpack >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "fpack (package libcfitsio-bin) is missing";
  auto long_one = spec("fits");
  long_one.n_chan = 512;
  long_one.duration_s = 24.0;  // 12 MB: more than one tile of 10
  const auto plain = make(long_one);
  const auto packed = plain + ".fz";
  ASSERT_EQ(std::system(("fpack -table -S '" + plain + "' >'" + packed + "' 2>/dev/null").c_str()), 0);
  expect_losses_and_resume(packed);
}
TEST_F(FaultsTest, StretchesOfFilterbankThatCannotBeReadAreNamedAndResumed) {
  expect_losses_and_resume(make(spec("fil")));
}
TEST_F(FaultsTest, StretchesOfHdf5ThatCannotBeReadAreNamedAndResumed) {
  expect_losses_and_resume(make(spec("h5")));
}
TEST_F(FaultsTest, StretchesOfGuppiVoltagesThatCannotBeReadAreNamedAndResumed) {
  expect_losses_and_resume(make_voltages("raw"));
}
TEST_F(FaultsTest, StretchesOfHdf5VoltagesThatCannotBeReadAreNamedAndResumed) {
  expect_losses_and_resume(make_voltages("voltages.h5"));
}

TEST_F(FaultsTest, AFileThatIsCutWhileItIsReadIsNamedAndResumedWhenItIsBack) {
  for (const char* format : {"fits", "fil", "h5"}) expect_a_cut_file_to_be_named(make(spec(format)));
  for (const char* format : {"raw", "voltages.h5"}) expect_a_cut_file_to_be_named(make_voltages(format));
}

// The data are there when the beam is searched, and not when its detection is measured.
TEST_F(FaultsTest, ADetectionThatCannotBeMeasuredAgainIsNamed) {
  const auto path = make(spec("fil"));
  const auto whole = undisturbed(path);
  const auto o = search(path, "run", "", "M01_0001 read EIO after=ledger/M01.json");
  EXPECT_EQ(o.exit_code, 3) << o.err;
  EXPECT_TRUE(contains(o.err, "was not measured again: " + path)) << o.err;
  EXPECT_TRUE(contains(o.err, "Input/output error")) << o.err;
  EXPECT_EQ(report("run")["exit_code"], 3);
  EXPECT_EQ(search(path, "run", "--resume").exit_code, 0);
  expect_same(contents_of(dir_.file("run")), whole, path);
}

TEST_F(FaultsTest, APlotOrCutoutThatCannotBeWrittenIsNamedAndTheRestIsWhole) {
  const auto path = make(spec("fil"));
  const auto whole = undisturbed(path);
  for (const char* fault :
       {".png write ENOSPC bytes=100", ".png flush EIO", "cutouts/ write ENOSPC bytes=5000",
        "cutouts/ close EDQUOT", "cutouts/ rename EROFS", "cutouts/ open EROFS"}) {
    fs::remove_all(dir_.file("run"));
    const auto o = search(path, "run", "", fault);
    EXPECT_EQ(o.exit_code, 3) << fault << o.err;
    EXPECT_TRUE(contains(o.err, "its plot or cut-out was not written: " + dir_.file("run")))
        << fault << o.err;
    expect_whole(dir_.file("run"));
    EXPECT_EQ(search(path, "run", "--resume").exit_code, 0) << fault;
    expect_same(contents_of(dir_.file("run")), whole, fault);
  }
}

/// A fault of the output, the file that it is said of, and the reason.
struct OutputFault {
  const char *rule, *file, *reason;
};

TEST_F(FaultsTest, OutputThatCannotBeWrittenEndsTheRunWithOneLine) {
  const auto path = make(spec("fil"));
  const auto whole = undisturbed(path);
  for (const auto& [rule, file, reason] : std::initializer_list<OutputFault>{
           {"/run mkdir EROFS", "", "Read-only file system"},
           {"/run/ledger mkdir ENOSPC", "", "No space left on device"},
           {".lock open EROFS", "", "Read-only file system"},
           {"config.toml write ENOSPC bytes=100", "/config.toml", "No space left on device"},
           {"inputs.json close ENOSPC", "/ledger/inputs.json", "No space left on device"},
           {"0000.json write ENOSPC bytes=10", "/ledger/M01/0000.json", "No space left on device"},
           {"0002.json write ENOSPC bytes=4096", "/ledger/M01/0002.json", "No space left on device"},
           {"0002.json open EROFS", "/ledger/M01/0002.json", "Read-only file system"},
           {"0002.json flush EIO", "/ledger/M01/0002.json", "Input/output error"},
           {"0002.json close EDQUOT", "/ledger/M01/0002.json", "Disk quota exceeded"},
           {"0002.json rename EROFS", "/ledger/M01/0002.json", "Read-only file system"},
           {"ledger/M01.json write ENOSPC", "/ledger/M01.json", "No space left on device"},
           {"detections.ecsv close ENOSPC", "/detections.ecsv", "No space left on device"},
           {"candidates.ecsv write ENOSPC bytes=500", "/candidates.ecsv", "No space left on device"},
           {"detections.vot write EIO bytes=99", "/detections.vot", "Input/output error"},
           {"run/events mkdir EROFS", "/events", "Read-only file system"},
           {"report.json flush ENOSPC", "/report.json", "No space left on device"},
           {"report.html write ENOSPC bytes=70000", "/report.html", "No space left on device"}}) {
    const auto o = search(path, "run", "", rule);
    EXPECT_EQ(o.exit_code, 1) << rule << ": " << o.err;
    EXPECT_TRUE(contains(o.err, "tianyan: " + dir_.file("run") + file)) << rule << ": " << o.err;
    EXPECT_TRUE(contains(o.err, reason)) << rule << ": " << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << rule << ": " << o.err;
    expect_whole(dir_.file("run"));
    const auto resumed = search(path, "run", "--resume");
    EXPECT_EQ(resumed.exit_code, 0) << rule << ": " << resumed.err;
    expect_same(contents_of(dir_.file("run")), whole, rule);
    fs::remove_all(dir_.file("run"));
  }
}

// What has been searched is not searched on where it cannot be kept.
TEST_F(FaultsTest, AFullLedgerStopsTheRunAtOnce) {
  auto two = spec("fil");
  two.beams = {1, 8};
  n_threads_ = "2";
  simulate_scan(two, dir_.file("scan"));
  for (const char* in_step : {"true", "false"}) {
    const auto name = std::string("run_") + in_step;
    const auto o = search(dir_.file("scan"), name, std::string("--set rfi.beams.enabled=") + in_step,
                          "0001.json write ENOSPC");
    EXPECT_EQ(o.exit_code, 1) << o.err;
    EXPECT_TRUE(contains(o.err, "0001.json: cannot be written: No space left on device; ")) << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_FALSE(fs::exists(dir_.file(name + "/ledger/M01/0003.json")));
    EXPECT_FALSE(fs::exists(dir_.file(name + "/candidates.ecsv")));
    expect_whole(dir_.file(name));
  }
}

/// A file system of its own, as small as it is said.
class SmallDisk {
 public:
  SmallDisk(std::string path, const char* options) : path_(std::move(path)) {
    fs::create_directories(path_);
    is_mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options) == 0;
  }
  ~SmallDisk() {
    if (is_mounted_) ::umount(path_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const { return is_mounted_; }
  void remount(unsigned long flags, const char* options) const {
    EXPECT_EQ(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | flags, options), 0);
  }

 private:
  std::string path_;
  bool is_mounted_;
};

TEST_F(FaultsTest, AFullDiskThatGrowsEndsInTheSameRun) {
  const SmallDisk disk(dir_.file("disk"), "size=64k");
  if (!disk.is_mounted()) GTEST_SKIP() << "a small file system is only for root to mount";
  const auto path = make(spec("fil"));
  const auto whole = undisturbed(path);
  int n_full = 0;
  Outcome o;
  for (const char* size : {"size=100k", "size=200k", "size=400k", "size=1m", "size=16m"}) {
    o = search(path, "disk/run", "--resume");
    if (o.exit_code == 0) break;
    n_full += o.exit_code == 1 ? 1 : 0;
    EXPECT_TRUE(contains(o.err, "No space left on device") || contains(o.err, "disk full")) << o.err;
    expect_whole(dir_.file("disk/run"));
    disk.remount(0, size);
  }
  EXPECT_GE(n_full, 2);
  disk.remount(MS_RDONLY, "size=16m");
  o = search(path, "disk/run", "--resume");
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_EQ(o.err, "tianyan: " + dir_.file("disk/run") + " cannot be written: Read-only file system\n");
  disk.remount(0, "size=16m");
  EXPECT_EQ(search(path, "disk/run", "--resume").exit_code, 0);
  expect_same(contents_of(dir_.file("disk/run")), whole, "disk");
}

TEST_F(FaultsTest, SlowFilesChangeNothing) {
  const auto path = make(spec("fits"));
  const auto whole = undisturbed(path);
  const auto o = search(path, "run", "", "M01_0001 read slow ms=2 after=inputs.json;run/ write slow ms=20");
  EXPECT_EQ(o.exit_code, 0) << o.err;
  expect_same(contents_of(dir_.file("run")), whole, path);
}

TEST_F(FaultsTest, ASignalEndsARunOfSlowFilesSoon) {
  const auto path = make(spec("fil"));
  const auto whole = undisturbed(path);
  for (const char* fault : {"M01_0001 read slow ms=500 after=M01/0000.json",
                            "run/ledger/M01 write slow ms=500 after=inputs.json"}) {
    fs::remove_all(dir_.file("run"));
    const auto o = search(path, "run", "", fault,
                          "(while [ ! -e '" + dir_.file("run/ledger/M01/0000.json") +
                              "' ]; do sleep 0.01; done; sleep 0.2; kill -TERM $$; date +%s%N >'" +
                              dir_.file("killed") + "') & exec ");
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const double late_s =
        std::chrono::duration<double>(now).count() - 1e-9 * std::stod(read_text(dir_.file("killed")));
    EXPECT_EQ(o.exit_code, 75) << fault << o.err;
    EXPECT_LT(late_s, 3.0) << fault;
    EXPECT_EQ(search(path, "run", "--resume").exit_code, 0);
    expect_same(contents_of(dir_.file("run")), whole, fault);
  }
}

// All beams of the receiver, of which M05 fails.
class NineteenBeamsTest : public FaultsTest {
 protected:
  void SetUp() override {
    FaultsTest::SetUp();
    if (IsSkipped()) return;
    auto s = spec("fits");
    s.n_chan = 64;
    s.duration_s = 6.0;
    n_threads_ = "2";  // two beams at a time
    for (int beam = 2; beam <= 19; ++beam) s.beams.push_back(beam);
    s.pulses = {{60.0, 8e-3, 30.0, 1.5, {12}}, {80.0, 8e-3, 30.0, 4.5, {1}}};  // M05 is next to M01
    simulate_scan(s, dir_.file("scan"));
    text_ = read_text(file());
  }
  std::string file() const { return dir_.file("scan/SIMULATED_tracking-M05_0001.fits"); }
  void put(const std::string& text) const { dir_.write("scan/SIMULATED_tracking-M05_0001.fits", text); }
  Outcome search_all(const std::string& name, const std::string& more = "",
                     const std::string& faults = "") const {
    return search(dir_.file("scan"), name, more, faults);
  }
  std::string table(const std::string& name, const char* which) const {
    return read_text(dir_.file(name + "/" + which + ".ecsv"));
  }
  /// The file's text with `n` bytes of noise from `at` on.
  std::string with_garbage(std::size_t at, std::size_t n) const {
    std::mt19937 random(5);
    std::string text = text_;
    std::generate_n(text.begin() + static_cast<std::ptrdiff_t>(at), n,
                    [&] { return static_cast<char>(random()); });
    return text;
  }

  void expect_m05_named(const std::string& name, const Outcome& o) const {
    EXPECT_EQ(o.exit_code, 3) << name << o.err;
    EXPECT_TRUE(contains(o.err, "tianyan: beam M05")) << name << o.err;
    EXPECT_TRUE(contains(o.err, "-M05_0001.fits")) << name << o.err;
    EXPECT_TRUE(contains(report(name)["remarks"].dump(), "beam M05")) << name;
    EXPECT_EQ(report(name)["exit_code"], 3) << name;
    expect_whole(dir_.file(name));
  }

  void expect_the_others_to_be_searched() const {
    ASSERT_EQ(search_all("whole").exit_code, 0);
    const auto whole = contents_of(dir_.file("whole"));
    fs::remove(file());
    ASSERT_EQ(search_all("without").exit_code, 0);
    ASSERT_EQ(read_ecsv(dir_.file("without/detections.ecsv")).n_row(), 2U);
    for (const auto& [name, text] :
         std::map<std::string, std::string>{{"bad_header", with_garbage(0, 8000)},
                                            {"bad_middle", with_garbage(200000, 20000)},
                                            {"empty", ""}}) {
      put(text);
      const auto o = search_all(name);
      expect_m05_named(name, o);
      EXPECT_TRUE(contains(o.out, " in 18 of 19 beams: ")) << name << o.out;
      EXPECT_FALSE(report(name)["beams"][4]["failure"].is_null()) << name;
      for (const char* which : {"detections", "candidates"})
        EXPECT_EQ(table(name, which), table("without", which)) << name;
    }
    put(text_);
    const auto o = search_all("stale", "", "M05_0001 read ESTALE after=M05/0000.json");
    expect_m05_named("stale", o);
    EXPECT_TRUE(contains(o.err, "beam M05: 3.072 s to 6.000 s were not searched: " + file())) << o.err;
    for (const char* which :
         {"detections", "candidates"})  // positions too: it says nothing of what it missed
      EXPECT_EQ(rows_of(dir_.file(std::string("stale/") + which + ".ecsv")),
                rows_of(dir_.file(std::string("without/") + which + ".ecsv")));
    for (const char* name : {"empty", "stale"}) {
      EXPECT_EQ(search_all(name, "--resume").exit_code, 0);
      expect_same(contents_of(dir_.file(name)), whole, name);
    }
  }

  std::string text_;
};

TEST_F(NineteenBeamsTest, OneThatIsCorruptStopsNoOtherOneInStep) { expect_the_others_to_be_searched(); }

TEST_F(NineteenBeamsTest, OneThatIsCorruptStopsNoOtherOneAlone) {
  settings_ = "--set rfi.beams.enabled=false";
  expect_the_others_to_be_searched();
}

}  // namespace
}  // namespace tianyan
