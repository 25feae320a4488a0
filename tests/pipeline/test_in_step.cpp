// Beams that are judged by each other: what all of them see is flagged, what one sees is not, and a beam that
// ends early or fails leaves the others whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/sink.hpp"
#include "pipeline/beam_runner.hpp"
#include "pipeline/flag_beam.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;
const std::vector<int> kFarBeams = {1, 8, 12, 16};  // no two of them are neighbours

ScanSpec far_scan() {
  auto spec = small_scan();
  spec.beams = kFarBeams;
  spec.duration_s = 3.5;
  return spec;
}

Config quick_config(int threads = 2) {
  auto config = small_config();
  config.search.dm_max_pc_cm3 = 200.0;
  config.search.width_min_s = 4e-3;
  config.limits.threads = threads;
  return config;
}

json report_of(const std::string& run) { return json::parse(read_text(run + "/report.json")); }

std::int64_t taken_by_beams(const json& beam) {
  return beam["flags"].value("beams_samples", std::int64_t{0});
}

// Adds levels to channels [160, 168), two subbands, over 8 cells: 0.3 sigma a sample, 5 sigma a cell of a
// subband, which is 0.7 sigma of the zero-DM series over a cell and 2.4 sigma of a channel's cell.
constexpr std::int64_t kBegin = 40 * 64, kEnd = 48 * 64;
constexpr int kSpoiledChannels = 8;
void add_weak_interference(const std::string& path) {
  RawBlock block;
  StreamInfo info;
  SampleFormat format;
  {
    const auto source = open_source(path);
    info = source->info();
    format = source->format();
    source->read(0, info.n_time, block);
  }
  for (auto t = kBegin; t < kEnd; ++t)
    for (int c = 160; c < 160 + kSpoiledChannels; ++c) {
      auto& x = block.samples(t, format.channels_descending ? info.n_chan - 1 - c : c);
      x = static_cast<std::uint8_t>(x + 3 + (t + c) % 2);
    }
  const auto sink = create_sink(path, info, format, true);
  sink->write(block);
  sink->finish();
}

TEST(CanTellBeams, WantsTwoKnownBeamsThatAreNotNeighbours) {
  EXPECT_TRUE(can_tell_beams({1, 8}));
  EXPECT_TRUE(can_tell_beams({1, 2, 3, 8}));
  for (const auto& beams : std::vector<std::vector<int>>{{}, {5}, {1, 2, 3}, {0, 8}, {8, 8}, {20, 8}})
    EXPECT_FALSE(can_tell_beams(beams)) << beams.size() << " beams";
}

TEST(InStep, FlagsWhatAllBeamsSeeTooWeaklyToBeSeenInOne) {
  const TempDir dir;
  const auto files = simulate_scan(far_scan(), dir.file("scan"));
  for (const auto& path : files) add_weak_interference(path);
  search_into(dir.file("run"), {dir.file("scan")}, quick_config());
  const auto report = report_of(dir.file("run"));
  EXPECT_EQ(report["beams_in_step"], 4);
  const std::int64_t spoiled = kSpoiledChannels * (kEnd - kBegin);
  for (const auto& beam : report["beams"]) {
    EXPECT_GE(taken_by_beams(beam), spoiled * 3 / 4) << beam["beam"];
    EXPECT_LE(taken_by_beams(beam), spoiled + 4 * 64 * 4) << beam["beam"];  // and a few cells of noise
  }
  auto config = quick_config();
  config.rfi.beams.enabled = false;
  search_into(dir.file("alone"), {dir.file("scan")}, config);
  const auto alone = report_of(dir.file("alone"));
  EXPECT_EQ(alone["beams_in_step"], 0);
  for (const auto& beam : alone["beams"]) {
    EXPECT_EQ(taken_by_beams(beam), 0);
    EXPECT_LT(beam["flags"]["fraction"].get<double>() * beam["flags"]["total_samples"].get<double>(),
              0.1 * static_cast<double>(spoiled));
  }
}

TEST(InStep, KeepsAPulseThatOneBeamSees) {
  const TempDir dir;
  auto spec = far_scan();
  spec.pulses = {{100.0, 8e-3, 80.0, 1.5, {8}}};
  const auto files = simulate_scan(spec, dir.file("scan"));
  search_into(dir.file("run"), {dir.file("scan")}, quick_config());
  search_into(dir.file("alone"), {files.at(1)}, quick_config());
  EXPECT_EQ(report_of(dir.file("run"))["beams_in_step"], 4);
  EXPECT_EQ(report_of(dir.file("alone"))["beams_in_step"], 0);
  const auto together = candidates_of(dir.file("run")), alone = candidates_of(dir.file("alone"));
  ASSERT_EQ(together.size(), 1U);
  ASSERT_EQ(alone.size(), 1U);
  EXPECT_EQ(together[0].beam, 8);
  EXPECT_GT(alone[0].snr, 60.0);
  EXPECT_NEAR(together[0].snr, alone[0].snr, 0.01 * alone[0].snr);
  EXPECT_EQ(together[0].dm_pc_cm3, alone[0].dm_pc_cm3);
}

TEST(InStep, SaysNothingOfBeamsThatAreAllNeighbours) {
  const TempDir dir;
  auto spec = far_scan();
  spec.beams = {1, 2, 3};
  for (const auto& path : simulate_scan(spec, dir.file("scan"))) add_weak_interference(path);
  search_into(dir.file("run"), {dir.file("scan")}, quick_config());
  const auto report = report_of(dir.file("run"));
  EXPECT_EQ(report["beams_in_step"], 0);
  for (const auto& beam : report["beams"]) EXPECT_EQ(taken_by_beams(beam), 0);
}

// Beams of a scan that is not in step with the others, by its start, are searched by themselves.
TEST(InStep, TakesBeamsThatBeganTogether) {
  const TempDir dir;
  auto spec = far_scan();
  spec.duration_s = 1.0;
  spec.beams = {1, 8, 12};
  simulate_scan(spec, dir.file("scan"));
  spec.beams = {16};
  spec.start_mjd += 0.5 / 86400.0;
  simulate_scan(spec, dir.file("scan"), {2, true, nullptr});
  search_into(dir.file("run"), {dir.file("scan")}, quick_config());
  const auto report = report_of(dir.file("run"));
  EXPECT_EQ(report["beams_in_step"], 3);
  for (const auto& beam : report["beams"]) EXPECT_TRUE(beam["failure"].is_null()) << beam["beam"];
}

TEST(InStep, IsTheSameForEveryNumberOfThreads) {
  const TempDir dir;
  auto spec = far_scan();
  spec.pulses = {{50.0, 8e-3, 25.0, 1.0, {1}}, {150.0, 8e-3, 25.0, 2.0, {16}}};
  for (const auto& path : simulate_scan(spec, dir.file("scan"))) add_weak_interference(path);
  std::string tables;
  std::vector<json> flags;
  for (const int threads : {1, 2, 4, 9}) {
    const auto run = dir.file("run" + std::to_string(threads));
    auto config = quick_config(threads);
    config.search.snr_min = 6.0;  // some of the noise too
    search_into(run, {dir.file("scan")}, config);
    const auto report = report_of(run);
    EXPECT_EQ(report["beams_at_once"], std::min(threads, 4));
    std::vector<json> now;
    for (const auto& beam : report["beams"]) now.push_back(beam["flags"]);
    if (threads == 1) {
      tables = rows_of(run + "/candidates.ecsv");
      flags = now;
    }
    EXPECT_EQ(rows_of(run + "/candidates.ecsv"), tables) << threads;
    EXPECT_EQ(now, flags) << threads;
  }
  EXPECT_GE(std::count(tables.begin(), tables.end(), '\n'), 3);
}

TEST(InStep, ABeamThatEndsEarlyLeavesTheOthersWhole) {
  const TempDir dir;
  auto spec = far_scan();
  spec.pulses = {{50.0, 8e-3, 40.0, 0.5, {}}, {50.0, 8e-3, 40.0, 3.0, {16}}};
  spec.beams = {1, 8, 16};
  simulate_scan(spec, dir.file("scan"));
  spec.beams = {12};
  spec.duration_s = 1.1;
  spec.pulses.pop_back();
  simulate_scan(spec, dir.file("scan"), {2, true, nullptr});
  auto config = quick_config();
  config.rfi.beams.threshold_sigma = 100.0;  // the pulse of 0.5 s is in all beams
  EXPECT_EQ(search_into(dir.file("run"), {dir.file("scan")}, config).exit_code, ExitCode::kDone);
  const auto report = report_of(dir.file("run"));
  EXPECT_EQ(report["beams_in_step"], 4);
  for (const auto& beam : report["beams"]) {
    const double end_s = beam["flags"]["by_time"].back()["time_end_s"];
    EXPECT_NEAR(end_s, beam["beam"] == 12 ? 1.1 : 3.5, 1e-3) << beam["beam"];
  }
  EXPECT_EQ(candidates_of(dir.file("run")).size(), 5U);
}

// A scan that is bound to be searched as a command does it, with a hand on its files in between.
struct BoundScan {
  BoundScan(const std::string& scan, const std::string& run_directory, const Config& config)
      : request{config, {scan}, run_directory, "", ExistingRun::kRefuse, true},
        beams(open_beams(find_inputs({scan}), config, "")),
        plans(config, beams) {
    bind_beams(config, plans, beams);
  }
  void search() {
    const RunDirectory run(request.run_directory, request.config, request.existing);
    search_beams(request, run, plans, beams);
    join_beams(request.config, run, beams);
  }
  SearchRequest request;
  std::vector<Beam> beams;
  Plans plans;
};

TEST(InStep, ABeamWhoseFileBreaksOffInMidRunLeavesTheOthersWhole) {
  const TempDir dir;
  auto spec = far_scan();
  spec.format = "fil";
  spec.pulses = {{50.0, 8e-3, 40.0, 3.0, {8, 16}}};
  const auto files = simulate_scan(spec, dir.file("scan"));
  BoundScan scan(dir.file("scan"), dir.file("run"), quick_config());
  fs::resize_file(files.at(2), fs::file_size(files.at(2)) / 2);
  scan.search();
  for (const auto& beam : scan.beams) {
    EXPECT_EQ(beam.failure.empty(), beam.number != 12) << beam.failure;
    EXPECT_EQ(beam.result.has_value(), beam.number != 12);
    if (beam.result) {
      EXPECT_EQ(beam.result->flags.counts.total, beam.result->info.n_time * 256);
      EXPECT_EQ(beam.result->candidates.size(), beam.number == 1 ? 0U : 1U);
    }
  }
  EXPECT_TRUE(contains(scan.beams.at(2).failure, "M12")) << scan.beams.at(2).failure;
  EXPECT_FALSE(fs::exists(dir.file("run/ledger/M12.json")));
  EXPECT_TRUE(fs::exists(dir.file("run/ledger/M16.json")));
}

// Where the ledger's entry of a beam cannot be written, those of the others are kept all the same.
TEST(InStep, ABeamThatCannotBeStoredEndsTheRunAndLeavesTheOthersWhole) {
  const TempDir dir;
  auto spec = far_scan();
  spec.duration_s = 1.0;
  simulate_scan(spec, dir.file("scan"));
  BoundScan scan(dir.file("scan"), dir.file("run"), quick_config());
  fs::create_directories(dir.file("run/ledger/M08/0000.json/in_the_way"));
  scan.request.existing = ExistingRun::kResume;
  search_into(dir.file("other"), {dir.file("scan")}, scan.request.config);
  fs::copy_file(dir.file("other/config.toml"), dir.file("run/config.toml"));
  EXPECT_THROW(scan.search(), LedgerFailure);
  for (const char* whole : {"M01", "M16"})
    EXPECT_NO_THROW(
        nlohmann::json::parse(read_text(dir.file(std::string("run/ledger/") + whole + "/0000.json"))))
        << whole;
}

TEST(InStep, RefusesBeamsThatTheMemoryDoesNotHoldTogether) {
  const TempDir dir;
  auto spec = far_scan();
  spec.duration_s = 1.0;
  simulate_scan(spec, dir.file("scan"));
  auto config = quick_config();
  search_into(dir.file("run"), {dir.file("scan")}, config);
  const auto needed = report_of(dir.file("run"))["memory_bytes"].get<std::int64_t>();
  config.limits.memory_bytes = needed;
  search_into(dir.file("enough"), {dir.file("scan")}, config);
  config.limits.memory_bytes = needed - 1;
  try {
    search_into(dir.file("refused"), {dir.file("scan")}, config);
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& e) {
    for (const char* part : {"4 beams", "rfi.beams", "limits.memory_bytes"})
      EXPECT_TRUE(contains(e.what(), part)) << e.what();
  }
  EXPECT_FALSE(fs::exists(dir.file("refused")));
  config.rfi.beams.enabled = false;
  search_into(dir.file("one_by_one"), {dir.file("scan")}, config);
}

TEST(InStep, ResumeSearchesTheWholeGroupAgainOrNothing) {
  const TempDir dir;
  auto spec = far_scan();
  spec.duration_s = 1.5;
  spec.pulses = {{50.0, 8e-3, 30.0, 0.7, {12}}};
  for (const auto& path : simulate_scan(spec, dir.file("scan"))) add_weak_interference(path);
  const auto run = dir.file("run");
  search_into(run, {dir.file("scan")}, quick_config());
  const auto candidates = read_text(run + "/candidates.ecsv");
  const auto detections = read_text(run + "/detections.ecsv");
  search_into(run, {dir.file("scan")}, quick_config(), ExistingRun::kResume);
  auto beams = report_of(run)["beams"];
  for (const auto& beam : beams) EXPECT_EQ(beam["threads"], 0) << "from the ledger";
  EXPECT_EQ(read_text(run + "/candidates.ecsv"), candidates);
  fs::remove_all(run + "/ledger/M08");
  search_into(run, {dir.file("scan")}, quick_config(), ExistingRun::kResume);
  beams = report_of(run)["beams"];
  for (const auto& beam : beams) EXPECT_GT(beam["threads"], 0) << beam["beam"];
  EXPECT_EQ(read_text(run + "/candidates.ecsv"), candidates);
  EXPECT_EQ(read_text(run + "/detections.ecsv"), detections);
}

class InStepCommandTest : public CommandsTest {};

TEST_F(InStepCommandTest, ASignalStopsTheGroupAndResumeGivesTheSameTables) {
  auto spec = far_scan();
  spec.duration_s = 8.0;
  spec.pulses = {{100.0, 8e-3, 40.0, 1.5, {8}}};
  for (const auto& path : simulate_scan(spec, dir_.file("scan"))) add_weak_interference(path);
  const std::string arguments = "search '' '" + dir_.file("scan") +
                                "' -q --threads 1 --set output.plots=false --set search.width_min_s=1e-3 "
                                "--set search.dm_max_pc_cm3=1500 ";
  ASSERT_EQ(run(arguments + "-o '" + dir_.file("whole") + "'").exit_code, 0);
  // config.toml is written before the first window.
  const auto o =
      run(arguments + "-o '" + dir_.file("run") + "'", "(while [ ! -e '" + dir_.file("run/config.toml") +
                                                           "' ]; do sleep 0.002; done; sleep 0.02; "
                                                           "kill -INT $$) & exec ");
  EXPECT_EQ(o.exit_code, 75) << o.err;
  EXPECT_TRUE(contains(o.err, "--resume")) << o.err;
  EXPECT_FALSE(fs::exists(dir_.file("run/ledger/M01")));
  EXPECT_EQ(run(arguments + "--resume -o '" + dir_.file("run") + "'").exit_code, 0);
  EXPECT_EQ(read_text(dir_.file("run/candidates.ecsv")), read_text(dir_.file("whole/candidates.ecsv")));
}

// A stream with a beam's number that does as it is told.
class ToldStream final : public BeamStream {
 public:
  ToldStream(BeamStream& inner, int fails_at, bool badly)
      : inner_(inner), fails_at_(fails_at), badly_(badly) {}
  int beam() const override { return inner_.beam(); }
  bool measure() override { return inner_.measure(); }
  const Conditioner& conditioner() const override { return inner_.conditioner(); }
  void take(const View<const std::uint8_t, 2>* good) override {
    was_judged = was_judged || good != nullptr;
    if (n_taken == fails_at_ && badly_) throw std::logic_error("stop everything");
    if (n_taken == fails_at_) throw std::runtime_error("this beam only");
    inner_.take(good);
    ++n_taken;
  }
  int n_taken = 0;
  bool was_judged = false;

 private:
  BeamStream& inner_;
  int fails_at_;
  bool badly_;
};

struct ToldRun {
  ToldRun(const std::vector<int>& numbers, bool badly) {
    auto spec = far_scan();
    spec.duration_s = 2.0;  // three windows
    spec.beams = numbers;
    beams = open_beams(find_inputs(simulate_scan(spec, dir.path())), Config{}, "");
    for (auto& beam : beams) {
      searches.push_back(std::make_unique<BeamSearch>(quick_config(), *beam.source, beam.number, 1));
      told.push_back(std::make_unique<ToldStream>(*searches.back(), beam.number == 8 ? 1 : -1, badly));
      streams.push_back(told.back().get());
    }
  }
  void run() {
    run_in_step(
        streams, 4.5, 2, [](std::size_t) {},
        [&](std::size_t i, const std::exception_ptr& failure) { note_failure(beams[i], failure); });
  }
  TempDir dir;
  std::vector<Beam> beams;
  std::vector<std::unique_ptr<BeamSearch>> searches;
  std::vector<std::unique_ptr<ToldStream>> told;
  std::vector<BeamStream*> streams;
};

TEST(RunInStep, GoesOnWithoutAStreamThatFails) {
  ToldRun told({1, 8, 12}, false);
  told.run();
  EXPECT_EQ(told.beams[1].failure, "this beam only");
  EXPECT_EQ(told.told[1]->n_taken, 1);
  for (const std::size_t i : {0U, 2U}) EXPECT_EQ(told.told[i]->n_taken, 3) << i;
  for (const auto& stream : told.told) EXPECT_TRUE(stream->was_judged);
}

TEST(RunInStep, StopsAtWhatIsNoBeamsFailure) {
  ToldRun told({1, 8, 12}, true);
  EXPECT_THROW(told.run(), std::logic_error);
  for (const std::size_t i : {0U, 2U}) EXPECT_LE(told.told[i]->n_taken, 2) << i;
}

TEST(RunInStep, JudgesNoNeighbours) {
  ToldRun told({1, 2}, false);
  told.run();
  for (const auto& stream : told.told) EXPECT_FALSE(stream->was_judged);
}

TEST(RunInStep, WithoutStreamsDoesNothing) {
  int n = 0;
  run_in_step(
      {}, 4.5, 3, [&](std::size_t) { ++n; }, [&](std::size_t, const std::exception_ptr&) { ++n; });
  EXPECT_EQ(n, 0);
}

// Files of a beam that fails stay away; nothing has its own name before it is whole.
TEST(FlagBeam, OfAFileThatBreaksOffLeavesNothing) {
  const TempDir dir;
  auto spec = far_scan();
  spec.format = "fil";
  spec.beams = {1};
  const auto path = simulate_scan(spec, dir.file("scan")).at(0);
  fs::create_directories(dir.file("out"));
  {
    const auto source = open_source(path);
    FlagBeam beam(quick_config(), *source, 1, 1,
                  {dir.file("out/M01_mask.h5"), dir.file("out/M01_rfifind.mask"), "",
                   dir.file("out/M01_clean.fil"), false});
    fs::resize_file(path, fs::file_size(path) / 2);
    EXPECT_THROW(while (beam.measure()) beam.take(nullptr), std::runtime_error);
    EXPECT_FALSE(fs::exists(dir.file("out/M01_mask.h5")));
    EXPECT_FALSE(fs::exists(dir.file("out/M01_clean.fil")));
  }
  EXPECT_TRUE(fs::is_empty(dir.file("out")));
}

}  // namespace
}  // namespace tianyan
