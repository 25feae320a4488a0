// The config path: defaults, parsing, every kind of mistake, and what is printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "pipeline/config.hpp"
#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {
namespace {

class ConfigTest : public ::testing::Test {
 protected:
  std::string file(const std::string& text) { return dir_.write("test.toml", text); }

  /// The text of the std::invalid_argument that loading throws; a failure where it does not.
  std::string mistake(const std::string& text, const std::vector<std::string>& set = {}) {
    try {
      load_config(file(text), set);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    ADD_FAILURE() << "accepted:\n" << text;
    return "";
  }

  TempDir dir_;
};

TEST_F(ConfigTest, AnEmptyPathGivesTheDefaults) {
  const Config config = load_config("");
  EXPECT_EQ(config.search.dm_max_pc_cm3, 3000.0);
  EXPECT_EQ(config.search.snr_min, 7.0);
  EXPECT_EQ(config.search.backend, "auto");
  EXPECT_EQ(config.rfi.channels.threshold_sigma, 5.0);
  EXPECT_EQ(config.rfi.zero_dm.threshold_sigma, 6.0);
  EXPECT_EQ(config.limits.memory_bytes, 16'000'000'000);
}

TEST_F(ConfigTest, ReadsEveryTypeOfValue) {
  const Config config = load_config(file(R"(
    [search]
    dm_max_pc_cm3 = 1234.5
    snr_min = 8            # an integer where a number is wanted
    backend = "cpu"
    [rfi.channels]
    enabled = false
    [rfi.bands]
    mhz = [[1083, 1099.5], [1380.0, 1382.0]]
    [limits]
    memory_bytes = 8_000_000_000)"));
  EXPECT_EQ(config.search.dm_max_pc_cm3, 1234.5);
  EXPECT_EQ(config.search.snr_min, 8.0);
  EXPECT_EQ(config.search.backend, "cpu");
  EXPECT_FALSE(config.rfi.channels.enabled);
  EXPECT_EQ(config.rfi.bands.mhz, (std::vector<Pair>{{1083.0, 1099.5}, {1380.0, 1382.0}}));
  EXPECT_EQ(config.limits.memory_bytes, 8'000'000'000);
}

TEST_F(ConfigTest, SetWinsOverTheFileAndTheLastSetWins) {
  const std::string path = file("search.snr_min = 8.0\nsearch.block_s = 3.0");
  const Config config = load_config(path, {"search.snr_min=9", "search.snr_min=10.5", "search.backend=cpu",
                                           "rfi.bands.mhz=[[1000, 1050]]"});
  EXPECT_EQ(config.search.snr_min, 10.5);
  EXPECT_EQ(config.search.block_s, 3.0);
  EXPECT_EQ(config.search.backend, "cpu");
  EXPECT_EQ(config.rfi.bands.mhz, (std::vector<Pair>{{1000.0, 1050.0}}));
}

TEST_F(ConfigTest, AnUnknownKeyNamesItsLineAndTheNearestKey) {
  const std::string text = mistake("[search]\nsnr_min = 8.0\nsnr_mni_member = 6.0\n");
  EXPECT_PRED2(contains, text, "test.toml:3:");
  EXPECT_PRED2(contains, text, "'search.snr_mni_member'");
  EXPECT_PRED2(contains, text, "'search.snr_min_member'");
}

TEST_F(ConfigTest, AMissingOrWrongUnitInANameFindsTheKeyThatWasMeant) {
  EXPECT_PRED2(contains, mistake("search.dm_max = 1000.0"), "'search.dm_max_pc_cm3'");
  EXPECT_PRED2(contains, mistake("search.width_max_ms = 10.0"), "'search.width_max_s'");
  EXPECT_PRED2(contains, mistake("dm_min = 10.0"), "'search.dm_min_pc_cm3'");
  EXPECT_PRED2(contains, mistake("limits.memory_gb = 10"), "'limits.memory_bytes'");
}

TEST_F(ConfigTest, KeysThatDoNothingAreRefused) {
  EXPECT_PRED2(contains, mistake("limits.cores = 10"), "unknown key 'limits.cores'");
  EXPECT_PRED2(contains, mistake("[nothing]"), "unknown key 'nothing'; no known one is near it");
}

TEST_F(ConfigTest, AWrongTypeSaysWhichIsWanted) {
  EXPECT_PRED2(contains, mistake("search.snr_min = true"), "wants a number, not true");
  EXPECT_PRED2(contains, mistake("limits.threads = 2.5"), "wants an integer, not 2.5");
  EXPECT_PRED2(contains, mistake("output.plots = 1"), "wants true or false, not 1");
  EXPECT_PRED2(contains, mistake("search.backend = 3"), "wants a string, not 3");
  EXPECT_PRED2(contains, mistake("rfi.bands.mhz = [1, 2]"), "wants an array of [low, high] pairs");
  EXPECT_PRED2(contains, mistake("search = 3"), "'search' is a table of keys");
}

TEST_F(ConfigTest, AUnitInAValueIsExplained) {
  const std::string text = mistake("search.dm_max_pc_cm3 = \"1000 pc/cm3\"");
  EXPECT_PRED2(contains, text, "units are in the names");
  EXPECT_PRED2(contains, text, "(here in pc/cm3)");
}

TEST_F(ConfigTest, AValueOutOfRangeNamesTheRangeAndTheUnit) {
  EXPECT_PRED2(contains, mistake("search.dm_max_pc_cm3 = -5.0"), "-5 is out of range: 0 to 100000 pc/cm3");
  EXPECT_PRED2(contains, mistake("search.snr_loss_max = 0.6"), "0.6 is out of range: 0.01 to 0.5");
  EXPECT_PRED2(contains, mistake("search.snr_min = nan"), "out of range");
  EXPECT_PRED2(contains, mistake("search.snr_min = inf"), "out of range");
  EXPECT_PRED2(contains, mistake("limits.threads = -1"), "out of range: 0 to 4096");
  EXPECT_PRED2(contains, mistake("limits.threads = 99999999999"), "out of range");
  EXPECT_PRED2(contains, mistake("search.backend = \"gpu\""), "auto, cpu or cuda");
  EXPECT_PRED2(contains, mistake("rfi.bands.mhz = [[-3, 5]]"), "out of range");
}

TEST_F(ConfigTest, ReversedRangesAreRefused) {
  EXPECT_PRED2(contains, mistake("search.dm_min_pc_cm3 = 500.0\nsearch.dm_max_pc_cm3 = 100.0"), "reversed");
  EXPECT_PRED2(contains, mistake("search.width_min_s = 0.2"),
               "search.width_max_s = 0.1 s: the range is reversed");
  EXPECT_PRED2(contains, mistake("search.snr_min_member = 7.5"), "above search.snr_min = 7");
  EXPECT_PRED2(contains, mistake("rfi.bands.mhz = [[1200, 1100]]"), "reversed");
}

TEST_F(ConfigTest, ASiteThatIsNotOnTheEarthIsRefused) {
  EXPECT_PRED2(contains, mistake("sift.site_itrf_m = [1e6, 1e6, 1e6]"), "no place on the Earth");
  EXPECT_PRED2(contains, mistake("sift.site_itrf_m = [1e6]"), "has 1 numbers");
  EXPECT_NO_THROW(load_config(file("sift.site_itrf_m = [-1668557.0, 5506838.0, 2744934.0]")));
}

TEST_F(ConfigTest, AllMistakesAreReportedAtOnceInTheOrderOfTheFile) {
  const std::string text =
      mistake("[search]\nsnr_min = -1.0\nblok_s = 2.0\ndm_min_pc_cm3 = 4000.0\n", {"limits.threads=x"});
  const auto snr = text.find("test.toml:2:"), block = text.find("test.toml:3:"),
             threads = text.find("--set limits.threads=x:"), range = text.find("reversed");
  ASSERT_NE(range, std::string::npos) << text;
  EXPECT_LT(snr, block) << text;
  EXPECT_LT(block, threads) << text;
  EXPECT_LT(threads, range) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
}

TEST_F(ConfigTest, ARangeIsNotJudgedWhereOneEndIsAlreadyWrong) {
  const std::string text = mistake("search.dm_min_pc_cm3 = 4000.0\nsearch.dm_max_pc_cm3 = \"5000\"");
  EXPECT_EQ(text.find("reversed"), std::string::npos) << text;
}

TEST_F(ConfigTest, MalformedTomlGivesLineAndColumn) {
  EXPECT_PRED2(contains, mistake("[search]\nsnr_min = = 3\n"), "test.toml:2:11: not valid TOML");
  EXPECT_PRED2(contains, mistake("", {"search..snr_min=3"}), "--set search..snr_min=3: not valid TOML");
  EXPECT_PRED2(contains, mistake("", {"search.snr_min"}), "key=value is wanted");
}

TEST_F(ConfigTest, AMissingFileIsARuntimeErrorThatNamesIt) {
  EXPECT_THROW(
      try { load_config("/nowhere/at/all.toml"); } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "/nowhere/at/all.toml: no such file");
        throw;
      },
      std::runtime_error);
}

TEST_F(ConfigTest, ThePrintedConfigLoadsAsTheSameConfig) {
  const Config config =
      load_config("", {"search.snr_min=8.125", "search.width_min_s=3e-5", "rfi.bands.mhz=[[1, 2.5]]",
                       "output.plots=false", "limits.memory_bytes=123456789"});
  const Config again = load_config(file(print_config(config)));
  EXPECT_EQ(again.search.snr_min, 8.125);
  EXPECT_EQ(again.search.width_min_s, 3e-5);
  EXPECT_EQ(again.rfi.bands.mhz, (std::vector<Pair>{{1.0, 2.5}}));
  EXPECT_FALSE(again.output.plots);
  EXPECT_EQ(print_config(again), print_config(config));
  EXPECT_EQ(config_hash(again), config_hash(config));
}

TEST_F(ConfigTest, TheHashChangesWithWhatChangesAnAnswerAndWithNothingElse) {
  const std::string hash = config_hash(load_config(""));
  EXPECT_EQ(hash.size(), 16u);
  for (const char* change : {"search.snr_min=7.5", "rfi.zero_dm.enabled=false", "rfi.window_s=2.0"})
    EXPECT_NE(config_hash(load_config("", {change})), hash) << change;
  for (const char* change : {"output.max_plots=99", "limits.threads=1", "search.block_s=3.0"})
    EXPECT_EQ(config_hash(load_config("", {change})), hash) << change;
}

TEST_F(ConfigTest, EveryKeyIsPrintedWithACommentAndDocumented) {
  const std::string printed = print_config(Config{}), markdown = config_reference_markdown();
  for (const char* key :
       {"dm_min_pc_cm3", "snr_loss_max", "window_s", "threshold_sigma", "mhz", "memory_bytes", "max_plots"}) {
    const auto at = printed.find(std::string("\n") + key + " = ");
    ASSERT_NE(at, std::string::npos) << key;
    EXPECT_EQ(printed[printed.rfind('\n', at - 1) + 1], '#') << key;
    EXPECT_PRED2(contains, markdown, std::string("`") + key + "`");
  }
}

TEST_F(ConfigTest, TheShippedDefaultConfigShowsTheDefaults) {
  EXPECT_TRUE(read_text(TIANYAN_SOURCE_DIR "/configs/fast_frb.toml") == print_config(Config{}))
      << "make it again with `tianyan check --print > configs/fast_frb.toml`";
}

TEST_F(ConfigTest, TheReferenceInTheDocumentationIsUpToDate) {
  EXPECT_TRUE(read_text(TIANYAN_SOURCE_DIR "/docs/config.md") == config_reference_markdown())
      << "make it again with `tianyan check --markdown > docs/config.md`";
}

TEST_F(ConfigTest, EveryShippedSearchConfigLoads) {
  for (const auto& entry : std::filesystem::directory_iterator(TIANYAN_SOURCE_DIR "/configs")) {
    const std::string name = entry.path().filename().string();
    if (contains(name, "_scan") || name == "injections.toml" || entry.path().extension() != ".toml") continue;
    EXPECT_NO_THROW(load_config(entry.path().string())) << entry.path();
  }
}

}  // namespace
}  // namespace tianyan
