// Searches of many beams: how they share threads and memory, and that it changes no answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <tuple>

#include "pipeline/beam_waves.hpp"
#include "pipeline/progress.hpp"
#include "tests/pipeline/commands_test.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

std::vector<std::size_t> first_beams(std::size_t n) {
  std::vector<std::size_t> beams(n);
  std::iota(beams.begin(), beams.end(), 0);
  return beams;
}

// (beams, workers, threads of the first worker, of the last) of each wave of `n_beam` beams, each of which
// takes 10 + threads.
using WaveShape = std::tuple<std::size_t, int, int, int>;
std::vector<WaveShape> wave_shapes(std::size_t n_beam, int n_threads, std::int64_t memory_bytes) {
  std::vector<WaveShape> shapes;
  for (const auto& w :
       make_waves(first_beams(n_beam), n_threads, memory_bytes, [](std::size_t, int n) { return 10 + n; }))
    shapes.emplace_back(w.beams.size(), w.n_worker, w.threads_of(0), w.threads_of(w.n_worker - 1));
  return shapes;
}

TEST(MakeWaves, GivesEachBeamAThreadAndTheLastBeamsMore) {
  EXPECT_EQ(wave_shapes(19, 16, 1000), (std::vector<WaveShape>{{16, 16, 1, 1}, {3, 3, 6, 5}}));
  EXPECT_EQ(wave_shapes(19, 2, 1000), (std::vector<WaveShape>{{18, 2, 1, 1}, {1, 1, 2, 2}}));
  EXPECT_EQ(wave_shapes(19, 1, 1000), (std::vector<WaveShape>{{19, 1, 1, 1}}));
  EXPECT_EQ(wave_shapes(1, 8, 1000), (std::vector<WaveShape>{{1, 1, 8, 8}}));
  EXPECT_EQ(wave_shapes(3, 64, 1000), (std::vector<WaveShape>{{3, 3, 22, 21}}));
  EXPECT_TRUE(wave_shapes(0, 8, 1000).empty());
}

TEST(MakeWaves, SearchesAsManyAtOnceAsTheMemoryHolds) {
  EXPECT_EQ(wave_shapes(4, 4, 44), (std::vector<WaveShape>{{4, 4, 1, 1}}));
  EXPECT_EQ(wave_shapes(4, 4, 43), (std::vector<WaveShape>{{4, 2, 2, 2}}));  // three would be 2, 1 and 1
  EXPECT_EQ(wave_shapes(4, 4, 24), (std::vector<WaveShape>{{4, 2, 2, 2}}));
  EXPECT_EQ(wave_shapes(4, 4, 23), (std::vector<WaveShape>{{4, 1, 4, 4}}));
  EXPECT_EQ(wave_shapes(4, 4, 14), (std::vector<WaveShape>{{4, 1, 4, 4}}));
}

TEST(MakeWaves, PrefersEqualSharesOfTheThreads) {
  EXPECT_EQ(wave_shapes(19, 16, 125).front(), (WaveShape{16, 8, 2, 2}));  // ten would fit, six of them with 2
}

TEST(MakeWaves, GivesABeamFewerThreadsWhereItDoesNotFitWithAll) {
  EXPECT_EQ(wave_shapes(2, 16, 18), (std::vector<WaveShape>{{2, 1, 8, 8}}));
  EXPECT_EQ(wave_shapes(2, 16, 5), (std::vector<WaveShape>{{2, 1, 1, 1}}));
}

TEST(MakeWaves, NeverExceedsTheMemoryWhicheverBeamsRunAtOnce) {
  std::mt19937_64 random(5);
  const auto draw = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int repeat = 0; repeat < 300; ++repeat) {
    const auto n_beam = static_cast<std::size_t>(draw(1, 19));
    const int n_threads = draw(1, 40);
    std::vector<int> base(n_beam), each(n_beam);
    for (auto& b : base) b = draw(1, 100);
    for (auto& e : each) e = draw(0, 5);
    const std::int64_t memory = draw(105, 2000);
    const auto footprint = [&](std::size_t b, int n) -> std::int64_t { return base[b] + each[b] * n; };
    std::vector<std::size_t> all;
    for (const auto& w : make_waves(first_beams(n_beam), n_threads, memory, footprint)) {
      std::vector<std::int64_t> bytes;
      for (const auto b : w.beams) bytes.push_back(footprint(b, w.threads_of(0)));
      std::sort(bytes.rbegin(), bytes.rend());
      EXPECT_LE(std::accumulate(bytes.begin(), bytes.begin() + w.n_worker, std::int64_t{0}), memory);
      int threads = 0;
      for (int worker = 0; worker < w.n_worker; ++worker) threads += w.threads_of(worker);
      EXPECT_EQ(threads, w.n_threads);
      EXPECT_LE(threads, n_threads);
      EXPECT_EQ(w.beams.size() % static_cast<std::size_t>(w.n_worker), 0U);
      all.insert(all.end(), w.beams.begin(), w.beams.end());
    }
    EXPECT_EQ(all, first_beams(n_beam));
  }
}

TEST(BeamProgress, NamesTheBeamsThatRunAndCountsThoseThatAreDone) {
  BeamProgress one("CRAB", 1, 100, true);
  one.begin(4);
  EXPECT_EQ(one.label(), "CRAB M04");
  BeamProgress progress("CRAB", 19, 1900, true);
  for (const int beam : {3, 1, 2}) progress.begin(beam);
  progress.update(2, 50);
  progress.end(1, 100);
  EXPECT_EQ(progress.label(), "CRAB M02 M03, 1 of 19 done");
  for (int beam = 4; beam < 9; ++beam) progress.begin(beam);
  EXPECT_EQ(progress.label(), "CRAB M02 M03 M04 M05 and 3 more, 1 of 19 done");
}

// A pulse in every third of 19 beams.
void simulate_beams(const std::string& directory) {
  auto spec = small_scan();
  spec.n_chan = 64;
  spec.duration_s = 1.0;
  spec.beams.resize(19);
  std::iota(spec.beams.begin(), spec.beams.end(), 1);
  spec.pulses = {{60.0, 8e-3, 25.0, 0.5, {1, 4, 7, 10, 13, 16, 19}}};
  simulate_scan(spec, directory);
}

json report_of(const std::string& run) { return json::parse(read_text(run + "/report.json")); }

TEST(Search, IsTheSameHoweverManyBeamsAreSearchedAtOnce) {
  const TempDir dir;
  simulate_beams(dir.file("scan"));
  auto config = small_config();
  config.search.dm_max_pc_cm3 = 100.0;
  config.search.width_min_s = 4e-3;
  config.rfi.beams.enabled = false;
  config.limits.threads = 1;
  search_into(dir.file("run1"), {dir.file("scan")}, config);
  const auto tables = read_text(dir.file("run1/candidates.ecsv"));
  EXPECT_GE(std::count(tables.begin(), tables.end(), '\n'), 7);
  const auto one = report_of(dir.file("run1"))["memory_bytes"].get<std::int64_t>();  // with one thread
  config.limits.threads = 20;
  for (const auto& [memory_bytes, at_once] :
       {std::pair{3 * one - 1, 2}, {5 * one, 5}, {std::int64_t{4'000'000'000}, 19}}) {
    config.limits.memory_bytes = memory_bytes;
    const auto run = dir.file("run" + std::to_string(at_once));
    search_into(run, {dir.file("scan")}, config);
    const auto report = report_of(run);
    EXPECT_LE(report["beams_at_once"], at_once);
    EXPECT_LE(report["memory_bytes"], memory_bytes);
    EXPECT_EQ(read_text(run + "/candidates.ecsv"), tables) << at_once;
    EXPECT_EQ(read_text(run + "/detections.ecsv"), read_text(dir.file("run1/detections.ecsv"))) << at_once;
  }
  EXPECT_EQ(report_of(dir.file("run19"))["beams_at_once"], 19);
}

TEST(Search, OfSeveralBeamsAtOnceGoesOnWithoutTheOneThatFails) {
  const TempDir dir;
  auto spec = small_scan();
  spec.beams = {1, 2, 3, 4};
  spec.duration_s = 2.0;
  const auto paths = simulate_scan(spec, dir.file("scan"));
  auto config = small_config();
  config.limits.threads = 3;
  search_into(dir.file("run"), {dir.file("scan")}, config);
  for (const char* name : {"M01", "M02", "M03"}) std::filesystem::remove_all(dir.file("run/ledger/") + name);
  std::ofstream(paths.at(1), std::ios::trunc) << "no scan";
  const auto summary = search_into(dir.file("run"), {dir.file("scan")}, config, ExistingRun::kResume);
  EXPECT_EQ(summary.exit_code, ExitCode::kIncomplete);
  EXPECT_EQ(summary.n_failed, 1);
  const auto report = report_of(dir.file("run"));
  EXPECT_EQ(report["beams_at_once"], 2);
  EXPECT_TRUE(contains(report["beams"][1]["failure"].get<std::string>(), "M02"));
  EXPECT_EQ(report["beams"][3]["threads"], 0);  // from the ledger
  EXPECT_TRUE(std::filesystem::is_regular_file(dir.file("run/ledger/M01.json")));
}

class SearchCommandTest : public CommandsTest {};

TEST_F(SearchCommandTest, ASignalStopsAllBeamsThatRunAndResumeGoesOn) {
  auto spec = small_scan();
  spec.beams = {1, 2, 3, 4, 5, 6};
  spec.duration_s = 4.0;
  spec.pulses = {{100.0, 3e-3, 30.0, 2.0, {}}};
  simulate_scan(spec, dir_.file("scan"));
  const std::string arguments = "search '' '" + dir_.file("scan") +
                                "' -q --threads 2 --set output.plots=false --set search.width_min_s=1e-3 "
                                "--set search.dm_max_pc_cm3=300 --set rfi.beams.enabled=false ";
  ASSERT_EQ(run(arguments + "-o '" + dir_.file("whole") + "'").exit_code, 0);
  // The first two beams are done, or nearly so, when the signal comes; four are left.
  const auto o = run(arguments + "-o '" + dir_.file("run") + "'",
                     "(while [ ! -e '" + dir_.file("run/ledger/M01/0000.json") +
                         "' ]; do sleep 0.01; done; kill -INT $$) & exec ");
  EXPECT_EQ(o.exit_code, 75) << o.err;
  EXPECT_FALSE(std::filesystem::exists(dir_.file("run/candidates.ecsv")));
  EXPECT_FALSE(std::filesystem::exists(dir_.file("run/ledger/M06")));
  EXPECT_EQ(run(arguments + "--resume -o '" + dir_.file("run") + "'").exit_code, 0);
  EXPECT_EQ(read_text(dir_.file("run/candidates.ecsv")), read_text(dir_.file("whole/candidates.ecsv")));
}

}  // namespace
}  // namespace tianyan
