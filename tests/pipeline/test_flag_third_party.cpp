// Flagging of files that others recorded: sensible masks, and the mains by name.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "pipeline/flag.hpp"
#include "tests/pipeline/search_test.hpp"

namespace tianyan {
namespace {

struct Masked {
  double fraction = 0.0;
  std::set<int> mains;  // harmonics of 50 Hz
};

Masked masked(const std::string& file) {
  const TempDir dir;
  FlagRequest request;
  request.config.output.plots = false;
  request.inputs = {file};
  request.output_directory = dir.file("flags");
  request.quiet = true;
  run_flag(request);
  const auto beam = nlohmann::json::parse(read_text(dir.file("flags/report.json")))["beams"][0];
  Masked m;
  m.fraction = beam["fraction"];
  for (const auto& line : beam["periodic_lines"])
    if (line["fundamental_hz"] == 50.0) m.mains.insert(line["harmonic"].get<int>());
  return m;
}

// The data's own description: mains lines at 50, 150, 200 and 250 Hz; an eighth of the band is cellular
// telephony.
TEST(FlagThirdParty, NamesTheMainsInParkesData) {
  const auto folder = test_data() + "/sigpyproc3/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not here";
  for (const char* name : {"parkes_8bit_1.fil", "parkes_8bit_2.fil"}) {
    const auto m = masked(folder + name);
    for (const int harmonic : {1, 3, 4, 5})
      EXPECT_TRUE(m.mains.contains(harmonic)) << name << " x " << harmonic;
    EXPECT_GT(m.fraction, 0.02) << name;
    EXPECT_LT(m.fraction, 0.15) << name;
  }
  for (const char* name : {"parkes_1bit.fil", "parkes_2bit.fil", "parkes_4bit.fil", "parkes_4bit.sf"}) {
    const auto m = masked(folder + name);
    EXPECT_TRUE(m.mains.contains(4)) << name;
    EXPECT_GT(m.fraction, 0.02) << name;
    EXPECT_LT(m.fraction, 0.2) << name;
  }
}

TEST(FlagThirdParty, MasksAskapData) {
  const auto file = test_data() + "/astroflow/FRB180417.fil";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not here";
  const auto m = masked(file);
  EXPECT_GT(m.fraction, 0.02);
  EXPECT_LT(m.fraction, 0.2);
  EXPECT_TRUE(m.mains.empty());
}

}  // namespace
}  // namespace tianyan
