// The report page: what goes into it, what cannot break out of it, and runs of which parts are missing.
#include "pipeline/report_page.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/pipeline/temp_dir.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

constexpr const char* kBegin = "<script type=\"application/json\" id=\"run\">";
constexpr const char* kEnd = "</script>";

std::string data_text(const std::string& page) {
  const auto begin = page.find(kBegin);
  if (begin == std::string::npos) throw std::runtime_error("the page holds no data");
  const auto text = begin + std::string(kBegin).size();
  return page.substr(text, page.find(kEnd, text) - text);
}

json data_of(const std::string& page) { return json::parse(data_text(page)); }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

constexpr const char* kHostile = R"(</script><script>alert("x")</script><b>&amp; ' <!-- )"
                                 "\xe5\xa4\xa9\xe7\x9c\xbc \xe2\x80\xa8";  // "tianyan" in Chinese, U+2028

// Two candidates of one group, whose texts are hostile.
std::string candidates() {
  std::string quoted = kHostile;
  for (auto at = quoted.find('"'); at != std::string::npos; at = quoted.find('"', at + 2))
    quoted.insert(at, "\"");
  return "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: beam, datatype: int64}\n"
         "# - {name: snr, datatype: float64}\n# - {name: class, datatype: string}\n"
         "# - {name: detection, datatype: string}\n# - {name: reasons, datatype: string}\n"
         "# delimiter: ','\n# schema: astropy-2.0\n"
         "beam,snr,class,detection,reasons\n7,12.5,astrophysical,D1,\"" +
         quoted + "\"\n8,\"\",astrophysical,D1,\"\"\n";
}

class ReportPage : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(run());
    std::filesystem::create_directory(run() + "/plots");
  }
  std::string run() const { return dir_.file("night"); }
  void put(const std::string& name, const std::string& text) const { dir_.write("night/" + name, text); }

  TempDir dir_;
};

TEST_F(ReportPage, HoldsTheRunsTablesByColumn) {
  put("report.json", R"({"version": "0.1.0", "exit_code": 0})");
  put("candidates.ecsv", candidates());
  const json data = data_of(report_page(run()));
  EXPECT_EQ(data.at("run"), "night");
  EXPECT_EQ(data.at("report").at("version"), "0.1.0");
  EXPECT_EQ(data.at("candidates").at("beam"), json({7, 8}));
  EXPECT_EQ(data.at("candidates").at("snr"), json({12.5, nullptr}));
  EXPECT_EQ(data.at("beam_offsets_arcmin").size(), 19u);
  EXPECT_EQ(data.at("beam_offsets_arcmin").at(1), json({5.74, 0.01}));
}

TEST_F(ReportPage, TakesTheStrongestOfVeryManyRowsAndSaysSo) {
  put("report.json", R"({"remarks": ["one"]})");
  std::string rows =
      "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: rank, datatype: int64}\n# delimiter: ','\nrank\n";
  for (std::size_t r = 1; r <= kMaxReportRows + 3; ++r) rows += std::to_string(r) + "\n";
  put("candidates.ecsv", rows);
  const json data = data_of(report_page(run()));
  EXPECT_EQ(data.at("candidates").at("rank").size(), kMaxReportRows);
  EXPECT_EQ(data.at("report").at("remarks").at(1),
            "this page has the 20000 strongest candidates: candidates.ecsv has 3 more");
}

TEST_F(ReportPage, LetsNoTextOfTheRunBecomeMarkup) {
  put("report.json", json{{"remarks", {kHostile}}}.dump());
  put("candidates.ecsv", candidates());
  put("config.toml", kHostile);
  const std::string page = report_page(run());
  const json data = data_of(page);
  EXPECT_EQ(data.at("candidates").at("reasons").at(0), kHostile);
  EXPECT_EQ(data.at("report").at("remarks").at(0), kHostile);
  EXPECT_EQ(data.at("config"), kHostile);
  EXPECT_EQ(data_text(page).find('<'), std::string::npos);
  EXPECT_EQ(data_text(page).find("\xe2\x80\xa8"), std::string::npos);
  EXPECT_EQ(count(page, "alert(\"x\")"), 0u);
}

TEST_F(ReportPage, KeepsTheNameOfTheRunOutOfTheMarkup) {
  const std::string odd = dir_.file("a<b>&c");
  std::filesystem::create_directory(odd);
  std::ofstream(odd + "/report.json") << "{}";
  const std::string page = report_page(odd + "/");
  EXPECT_TRUE(contains(page, "<title>a&lt;b>&amp;c: tianyan report</title>"));
  EXPECT_EQ(data_of(page).at("run"), "a<b>&c");
}

TEST_F(ReportPage, ReplacesBytesThatAreNoUtf8) {
  put("report.json", "{}");
  put("config.toml", "a\xff\xfe z");
  EXPECT_EQ(data_of(report_page(run())).at("config"), "a\xef\xbf\xbd\xef\xbf\xbd z");
}

TEST_F(ReportPage, HoldsThePlotsOfItsGroupsAsBase64) {
  put("report.json", "{}");
  put("candidates.ecsv", candidates());
  for (const auto& [bytes, text] : {std::pair("M", "TQ=="), std::pair("Ma", "TWE="), std::pair("Man", "TWFu"),
                                    std::pair("\xfb\xff\xfe", "+//+")}) {
    put("plots/D1.png", bytes);
    EXPECT_EQ(data_of(report_page(run())).at("plots"),
              json({{"D1", std::string("data:image/png;base64,") + text}}));
  }
}

TEST_F(ReportPage, LeavesOutWhatItDoesNotShowAndKeepsChecksumsWhole) {
  put("report.json",
      R"({"beams": [{"beam": 1, "candidates": [1, 2], "files": [{"header_checksum": 18446744073709551615}],
      "flags": {"fraction": 0.25, "channel_fraction": [0, 1]}}]})");
  const json beam = data_of(report_page(run())).at("report").at("beams").at(0);
  EXPECT_FALSE(beam.contains("candidates"));
  EXPECT_EQ(beam.at("flags"), json({{"fraction", 0.25}}));
  EXPECT_EQ(beam.at("files").at(0).at("header_checksum"), "ffffffffffffffff");
}

TEST_F(ReportPage, IsMadeOfARunOfWhichOnlyTheReportIsThere) {
  put("report.json", R"({"beams": [{"beam": 1, "failure": "cannot be read", "plan": null}]})");
  const json data = data_of(report_page(run()));
  for (const char* part : {"candidates", "detections", "completeness", "config"})
    EXPECT_TRUE(data.at(part).is_null()) << part;
  EXPECT_TRUE(data.at("plots").empty());
}

TEST_F(ReportPage, LoadsNothing) {
  put("report.json", "{}");
  const std::string page = report_page(run());
  EXPECT_TRUE(contains(page, "default-src 'none'"));
  const std::string own = page.substr(0, page.find("<style>"));
  for (const char* part : {" src=", "@import", "url("}) EXPECT_FALSE(contains(own, part)) << part;
  EXPECT_EQ(count(page, "<script"), 2u);
  EXPECT_EQ(count(page, "</style>"), 1u);
}

TEST_F(ReportPage, IsWrittenBesideTheRunOrWhereAskedAndTheSameEachTime) {
  put("report.json", "{}");
  EXPECT_EQ(write_report(run()), run() + "/report.html");
  const std::string first = read_text(run() + "/report.html");
  EXPECT_EQ(write_report(run(), dir_.file("x.html")), dir_.file("x.html"));
  EXPECT_EQ(read_text(dir_.file("x.html")), first);
}

TEST_F(ReportPage, RefusesWhatIsNoFinishedRun) {
  const auto error_of = [](const std::string& directory) -> std::string {
    try {
      report_page(directory);
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error_of(run()), run() + " holds no finished run: report.json is missing");
  EXPECT_TRUE(contains(error_of(dir_.file("nowhere")), "report.json is missing"));
  put("report.json", "{\"version\": ");
  EXPECT_TRUE(contains(error_of(run()), "night/report.json is not a run's report"));
  put("report.json", "{}");
  put("candidates.ecsv", "beam,snr\n1,2\n");
  EXPECT_TRUE(contains(error_of(run()), "candidates.ecsv"));
}

}  // namespace
}  // namespace tianyan
