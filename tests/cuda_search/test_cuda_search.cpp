// Whole searches on a device: the same candidates as on the host, several beams and devices, and what happens
// where there is none or it is too small.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cuda/device.hpp"
#include "kernels/boxcar_cells.hpp"
#include "pipeline/beam_search.hpp"
#include "pipeline/open_input.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

// An emulated device takes its time: few trials.
Config tiny_config() {
  auto config = small_config();
  config.search.dm_max_pc_cm3 = 160.0;
  config.search.width_min_s = 2e-3;
  return config;
}

Config on(const std::string& backend) {
  auto config = tiny_config();
  config.search.backend = backend;
  return config;
}

ScanSpec tiny_scan(double duration_s) {
  auto spec = small_scan();
  spec.n_chan = 96;
  spec.sample_time_s = 393.216e-6;
  spec.duration_s = duration_s;
  return spec;
}

// Pulses at DMs of different octaves, and an impulse.
ScanSpec lively_scan() {
  auto spec = tiny_scan(2.4);
  spec.pulses = {{30.0, 4e-3, 25.0, 0.7, {}}, {140.0, 20e-3, 40.0, 1.5, {}}};
  spec.impulses = {{1.1, 4e-3, 1.5, {}}};
  return spec;
}

nlohmann::json report_of(const std::string& run) {
  return nlohmann::json::parse(read_text(run + "/report.json"));
}

// The runs "host" and "device" of the inputs in `dir`: candidates and detections are the same to the letter.
void expect_same_search(const TempDir& dir, const std::vector<std::string>& inputs, const Config& config) {
  auto host = config, device = config;
  host.search.backend = "cpu";
  device.search.backend = "cuda";
  search_into(dir.file("host"), inputs, host);
  search_into(dir.file("device"), inputs, device);
  EXPECT_GT(candidates_of(dir.file("host")).size(), 0U);
  EXPECT_EQ(rows_of(dir.file("device") + "/candidates.ecsv"), rows_of(dir.file("host") + "/candidates.ecsv"));
  EXPECT_EQ(rows_of(dir.file("device") + "/detections.ecsv"), rows_of(dir.file("host") + "/detections.ecsv"));
  EXPECT_EQ(report_of(dir.file("device"))["backend"], "cuda");
  EXPECT_EQ(report_of(dir.file("host"))["backend"], "cpu");
}

TEST(CudaSearch, GivesTheCandidatesOfTheHost) {
  const TempDir dir;
  expect_same_search(dir, simulate_scan(lively_scan(), dir.path()), tiny_config());
  EXPECT_GE(candidates_of(dir.file("device")).size(), 2U);
}

TEST(CudaSearch, GivesTheCandidatesOfTheHostInShortBlocksAndUnitsAndWideBoxcars) {
  const TempDir dir;
  auto config = tiny_config();
  config.search.dm_min_pc_cm3 = 20.0;
  config.search.block_s = 0.5;
  config.search.unit_s = 1.0;
  config.search.width_max_s = 0.3;
  expect_same_search(dir, simulate_scan(lively_scan(), dir.path()), config);
}

// Nearly every cell may hold an event: more than there is room for at once, and tiles that drop some.
TEST(CudaSearch, GivesTheEventsOfTheHostWhereThereAreTooMany) {
  const TempDir dir;
  auto spec = tiny_scan(1.7);
  spec.pulses = {{80.0, 4e-3, 200.0, 0.7, {}}};
  const auto files = simulate_scan(spec, dir.path());
  auto config = tiny_config();
  config.search.snr_min = config.search.snr_min_member = 1.5;
  std::vector<BeamResult> results;
  for (const int device : {SearchDevice::kHost, 0}) {
    const auto source = open_input(find_inputs(files).beams.front(), config);
    BeamSearch search(config, *source, 1, 2, make_search_plan(config, source->info()),
                      whole_stream(source->info()), SearchDevice{device});
    const auto unit = search.run_unit(nullptr);
    results.push_back(join_units(config, search.plan(), *source, 1, {unit}));
  }
  const auto &host = results[0], &device = results[1];
  EXPECT_GT(host.n_events_dropped, 0);
  EXPECT_EQ(device.n_events, host.n_events);
  EXPECT_EQ(device.n_events_dropped, host.n_events_dropped);
  ASSERT_EQ(device.candidates.size(), host.candidates.size());
  for (std::size_t i = 0; i < host.candidates.size(); ++i) {
    EXPECT_EQ(device.candidates[i].snr, host.candidates[i].snr);
    EXPECT_EQ(device.candidates[i].time_s, host.candidates[i].time_s);
    EXPECT_EQ(device.candidates[i].dm_pc_cm3, host.candidates[i].dm_pc_cm3);
    EXPECT_EQ(device.candidates[i].n_members, host.candidates[i].n_members);
  }
}

class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

TEST(CudaSearch, TakesBeamsInStepAndAloneToSeveralDevices) {
  const Environment two("SIMT_DEVICES", "2");
  const TempDir dir;
  auto spec = lively_scan();
  spec.beams = {1, 8, 14};
  const auto files = simulate_scan(spec, dir.path());
  for (const bool in_step : {true, false}) {
    const TempDir runs;
    auto config = tiny_config();
    config.search.dm_max_pc_cm3 = 50.0;
    config.rfi.beams.enabled = in_step;
    expect_same_search(runs, files, config);
    EXPECT_NE(std::string(report_of(runs.file("device"))["devices"]).find("; "), std::string::npos);
  }
}

TEST(CudaSearch, NeedsWhatItSaysOfTheDevice) {
  const TempDir dir;
  const auto files = simulate_scan(lively_scan(), dir.path());
  const auto config = tiny_config();
  const auto source = open_input(find_inputs(files).beams.front(), config);
  const auto plan = make_search_plan(config, source->info());
  const SearchBlocks blocks(plan, source->info(), variance_subbands(source->info().n_chan));
  const auto search = make_row_search(blocks, source->format(), 2, SearchDevice{0});
  const auto before = device_in_use().free_bytes;
  search->allocate();
  search->levels().allocate();
  const auto taken = before - device_in_use().free_bytes;
  EXPECT_EQ(taken, search->device_bytes());
}

TEST(CudaSearch, WithoutADeviceIsRefusedOrOnTheHost) {
  const Environment none("SIMT_DEVICES", "0");
  const TempDir dir;
  const auto files = simulate_scan(tiny_scan(0.9), dir.path());
  try {
    search_into(dir.file("refused"), files, on("cuda"));
    ADD_FAILURE() << "searched without a device";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("search.backend = \"cuda\": no CUDA"), std::string::npos)
        << e.what();
  }
  EXPECT_FALSE(std::filesystem::exists(dir.file("refused")));
  search_into(dir.file("run"), files, on("auto"));
  const auto report = report_of(dir.file("run"));
  EXPECT_EQ(report["backend"], "cpu");
  EXPECT_NE(std::string(report["why_host"]).find("no CUDA"), std::string::npos) << report["why_host"];
}

TEST(CudaSearch, OnADeviceThatIsTooSmallIsRefusedOrOnTheHost) {
  const TempDir dir;
  const auto files = simulate_scan(tiny_scan(0.9), dir.path());
  auto config = on("cuda");
  config.limits.device_memory_bytes = 1'000'000;
  try {
    search_into(dir.file("refused"), files, config);
    ADD_FAILURE() << "searched without memory";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("limits.device_memory_bytes"), std::string::npos) << e.what();
  }
  EXPECT_FALSE(std::filesystem::exists(dir.file("refused")));
  config.search.backend = "auto";
  search_into(dir.file("run"), files, config);
  const auto report = report_of(dir.file("run"));
  EXPECT_EQ(report["backend"], "cpu");
  EXPECT_NE(std::string(report["why_host"]).find("device memory"), std::string::npos) << report["why_host"];
}

}  // namespace
}  // namespace tianyan
