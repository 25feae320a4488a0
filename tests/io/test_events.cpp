// Alerts of single events: VOEvent by its schema and by the FRB standard's own template, TNS reports, and the
// texts and times in both.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <set>

#include "io/exporter.hpp"
#include "io/iso_time.hpp"
#include "io/json_text.hpp"
#include "io/tns.hpp"
#include "io/utf8_text.hpp"
#include "io/voevent.hpp"
#include "tests/io/event_lists.hpp"
#include "tests/io/third_party.hpp"

namespace tianyan {
namespace {

using test::event_list;
using test::read_file;
using test::TempFolder;
using test::third_party;

struct EventDocument {
  explicit EventDocument(const std::string& text) {
    EXPECT_TRUE(document.load_string(text.c_str()));
    root = document.child("voe:VOEvent");
  }
  pugi::xml_node param(const std::string& name) const {
    return root.child("What").find_node(
        [&](const pugi::xml_node& node) { return node.attribute("name").value() == name; });
  }
  std::string value(const std::string& name) const { return param(name).attribute("value").value(); }
  std::string text(const char* path) const { return root.select_node(path).node().text().get(); }

  pugi::xml_document document;
  pugi::xml_node root;
};

TEST(Voevent, HasTheValuesWorkedByHand) {
  const EventDocument event(format_voevent(event_list(), 0));
  EXPECT_STREQ(event.root.attribute("ivorn").value(),
               "ivo://cn.fast/19beam#FRB2005310000/59000.000052083333");
  EXPECT_STREQ(event.root.attribute("role").value(), "observation");
  const std::map<std::string, std::string> expected = {
      {"beam_semi-major_axis", "1.45"},
      {"beam_semi-minor_axis", "1.45"},
      {"beam_rotation_angle", "23.4"},
      {"sampling_time", "0.049152"},
      {"bandwidth", "500"},
      {"nchan", "4096"},
      {"centre_frequency", "1250"},
      {"npol", "2"},
      {"bits_per_sample", "8"},
      {"gain", "16"},
      {"tsys", "20"},
      {"backend", "ROACH2 <a&b>"},
      {"beam", "7"},
      {"dm", "565.25"},
      {"dm_error", "0.5"},
      {"width", "1"},
      {"snr", "30"},
      {"flux", "0.0375"},  // 30 * 20 / 16 / sqrt(2 * 5e8 * 1e-3)
      {"target_name", "G50.9+1.0"},
      {"observation_start_MJD", "59000.000011574074"}};
  for (const auto& [name, value] : expected) {
    if (name == "flux")
      EXPECT_NEAR(std::stod(event.value(name)), 600.0 / 16.0 / 1000.0, 1e-9);
    else
      EXPECT_EQ(event.value(name), value) << name;
  }
  // 8.298755187 us DM (df / MHz) (GHz / f)^3 = 8.298755187e-3 ms * 565.25 * 0.1220703125 / 1.953125
  EXPECT_NEAR(std::stod(event.value("dispersion_smearing")), 0.2931795, 1e-6);
  EXPECT_NEAR(std::stod(event.value("gl")), 184.5574, 1e-3);  // the Crab's
  EXPECT_NEAR(std::stod(event.value("gb")), -5.7843, 1e-3);
  EXPECT_EQ(event.text("//ISOTime"), "2020-05-31T00:00:04.500000");
  EXPECT_EQ(event.text("//C1"), "83.633000");
  EXPECT_EQ(event.text("//C2"), "22.014500");
  EXPECT_EQ(event.text("//Error2Radius"), "0.012500");
  EXPECT_EQ(event.text("Who/AuthorIVORN"), "ivo://cn.fast/contact");
  EXPECT_EQ(event.text("Who/Author/contactName"), "Zhang \"San\" & Łukasz <FAST>");
  EXPECT_EQ(event.text("How/Description[2]"), "Found in G50.9+1.0_tracking-M07_0001.fits");
  EXPECT_EQ(event.text("Why/Name"), "FRB200531");
  EXPECT_EQ(event.root.child("Why").attribute("importance").as_double(), 0.75);
}

TEST(Voevent, LeavesOutWhatIsNotKnown) {
  const EventDocument event(format_voevent(event_list(), 1));
  std::set<std::string> names;
  for (const auto& param : event.root.select_nodes("//Param"))
    names.insert(param.node().attribute("name").value());
  EXPECT_EQ(names, (std::set<std::string>{"beam", "dm", "width", "snr"}));
  EXPECT_FALSE(event.root.select_node("//Position2D"));
  DetectionList list = event_list();
  list.detections[0].pos_err_deg = std::nan("");
  EXPECT_EQ(EventDocument(format_voevent(list, 0)).text("//Error2Radius"), "NaN");
}

TEST(Voevent, IsATestUntilAnAuthorityIsConfigured) {
  DetectionList list = event_list();
  list.publisher = {};
  const EventDocument event(format_voevent(list, 0));
  EXPECT_STREQ(event.root.attribute("role").value(), "test");
  EXPECT_FALSE(event.root.child("Who").child("Author"));
  for (const char* authority : {"", "fast", "/fast", "fast/", "a b/c", "fast/x#y"}) {
    list.publisher.ivo_authority = authority;
    EXPECT_THROW(format_voevent(list, 0), std::invalid_argument) << authority;
  }
}

TEST(Voevent, NamesEachEventOfOneMinute) {
  DetectionList list = event_list();
  list.detections.resize(2);
  list.detections.push_back(list.detections[0]);
  std::set<std::string> ivorns;
  for (std::size_t i = 0; i < 3; ++i)
    ivorns.insert(EventDocument(format_voevent(list, i)).root.attribute("ivorn").value());
  EXPECT_EQ(ivorns, (std::set<std::string>{"ivo://cn.fast/19beam#FRB2005310000/59000.000052083333",
                                           "ivo://cn.fast/19beam#FRB2005310000/59000.000052083333/2",
                                           "ivo://cn.fast/19beam#FRB2005310000/59000.000167824074"}));
}

/// Group and name of each Param of the standard's template, whose optional parts are in comments that nest.
std::map<std::pair<std::string, std::string>, pugi::xml_node> template_params(pugi::xml_document& document) {
  std::string text = read_file(third_party("voevent/01-Detection.xml"));
  text.erase(0, text.find("<?xml"));
  for (const std::string mark : {"<!--", "-->"})
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark))
      text.erase(at, mark.size());
  EXPECT_TRUE(document.load_string(text.c_str()));
  std::map<std::pair<std::string, std::string>, pugi::xml_node> params;
  for (const auto& found : document.select_nodes("//Group/Param"))
    params[{found.node().parent().attribute("name").value(), found.node().attribute("name").value()}] =
        found.node();
  return params;
}

TEST(Voevent, NamesItsParamsAsTheStandardsTemplateDoes) {
  SKIP_WITHOUT("voevent/01-Detection.xml");
  pugi::xml_document document;
  const auto known = template_params(document);
  ASSERT_GT(known.size(), 40u);
  const EventDocument event(format_voevent(event_list(), 0));
  int n = 0;
  for (const auto& found : event.root.select_nodes("//Group/Param")) {
    const std::pair<std::string, std::string> key = {found.node().parent().attribute("name").value(),
                                                     found.node().attribute("name").value()};
    ASSERT_TRUE(known.count(key)) << key.first << ": " << key.second;
    for (const char* attribute : {"dataType", "ucd", "unit"})
      EXPECT_STREQ(found.node().attribute(attribute).value(), known.at(key).attribute(attribute).value())
          << key.second << " " << attribute;
    ++n;
  }
  EXPECT_EQ(n, 23);  // 13 of the observatory, 2 of the observation, 7 of the event, 1 advanced
}

TEST(Voevent, IsValidByItsSchema) {
  SKIP_WITHOUT("voevent/VOEvent-v2.0.xsd");
  if (std::system("command -v xmllint >/dev/null") != 0) GTEST_SKIP() << "xmllint is missing";
  const TempFolder folder;
  DetectionList list = event_list();
  list.detections[1].position = list.detections[0].position;  // with an unknown error
  list.publisher.author = "Z\x01hang \xff";
  export_format("voevent").write(list, folder.path());
  list.publisher = {};
  list.detections[0] = test::bare_detection();
  list.detections[0].id = "bare";
  export_format("voevent").write(list, folder.path());
  const std::string command =
      fmt::format("xmllint --noout --schema '{}' '{}'/events/*.xml >'{}' 2>&1",
                  third_party("voevent/VOEvent-v2.0.xsd"), folder.path(), folder / "said");
  EXPECT_EQ(std::system(command.c_str()), 0) << read_file(folder / "said");
}

TEST(EventFiles, AreWrittenForAstrophysicalDetectionsAlone) {
  const TempFolder folder;
  for (const char* format : {"voevent", "tns"}) {
    export_format(format).write({}, folder.path());
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << format;
  }
  for (const char* format : {"voevent", "tns"}) export_format(format).write(event_list(), folder.path());
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "events"))
    names.insert(entry.path().filename());
  EXPECT_EQ(names,
            (std::set<std::string>{"TY20200531T000004.500_M07.json", "TY20200531T000004.500_M07.xml",
                                   "TY20200531T000014.500_M19.json", "TY20200531T000014.500_M19.xml"}));
  EXPECT_EQ(read_file(folder / "events/TY20200531T000014.500_M19.xml"), format_voevent(event_list(), 1));
}

TEST(EventFiles, NameTheDetectionOrScanThatIsNotThere) {
  DetectionList list = event_list();
  list.detections[0].scan = 2;
  for (const auto format : {format_voevent, format_tns}) {
    EXPECT_THROW(format(list, 0), std::invalid_argument);
    EXPECT_THROW(format(list, 3), std::invalid_argument);
  }
}

nlohmann::json tns_report(const DetectionList& list, std::size_t index) {
  return nlohmann::json::parse(format_tns(list, index)).at("frb_report").at("0");
}

TEST(Tns, HasTheServersFieldsWithTheirTypes) {
  const nlohmann::json report = tns_report(event_list(), 0);
  for (const char* coordinate : {"ra", "dec"}) {
    EXPECT_TRUE(report.at(coordinate).at("value").is_number());
    EXPECT_EQ(report.at(coordinate).at("error"), 0.0125);
    EXPECT_EQ(report.at(coordinate).at("units"), "deg");
  }
  EXPECT_EQ(report.at("at_type"), "5");
  EXPECT_EQ(report.at("internal_name"), "TY20200531T000004.500_M07");
  EXPECT_EQ(report.at("reporter"), "Zhang \"San\" & Łukasz <FAST>");
  EXPECT_EQ(report.at("discovery_datetime"), "2020-05-31 00:00:04.500000");
  EXPECT_EQ(report.at("barycentric_event_time"), "2020-05-31 00:00:00.250000");
  EXPECT_EQ(report.at("dm"), 565.25);
  EXPECT_EQ(report.at("dm_err"), 0.5);
  EXPECT_EQ(report.at("dm_unitid"), "25");
  const nlohmann::json& photometry = report.at("photometry").at("photometry_group").at("0");
  EXPECT_EQ(photometry.at("obsdate"), report.at("discovery_datetime"));
  const std::map<std::string, double> numbers = {
      {"flux", 0.0375},          {"snr", 30.0},           {"burst_width", 1.0},       {"ref_freq", 1250.0},
      {"inst_bandwidth", 500.0}, {"channels_no", 4096.0}, {"sampling_time", 0.049152}};
  for (const auto& [name, value] : numbers) EXPECT_EQ(photometry.at(name), value) << name;
  const std::map<std::string, std::string> units = {{"flux_units", "8"},
                                                    {"burst_width_unitid", "23"},
                                                    {"ref_freq_unitid", "24"},
                                                    {"inst_bandwidth_unitid", "24"},
                                                    {"sampling_time_unitid", "23"}};
  for (const auto& [name, code] : units) EXPECT_EQ(photometry.at(name), code) << name;
}

TEST(Tns, LeavesNullWhatTheDataDoNotSay) {
  DetectionList list = event_list();
  list.publisher.author = "unknown";
  const nlohmann::json report = tns_report(list, 1);
  for (const char* name : {"reporting_group_id", "discovery_data_source_id", "galactic_max_dm",
                           "galactic_max_dm_model", "reporter", "barycentric_event_time"})
    EXPECT_TRUE(report.at(name).is_null()) << name;
  EXPECT_TRUE(report.at("ra").at("value").is_null());
  const nlohmann::json& photometry = report.at("photometry").at("photometry_group").at("0");
  for (const char* name : {"filter_value", "instrument_value", "flux", "flux_error", "channels_no"})
    EXPECT_TRUE(photometry.at(name).is_null()) << name;
}

TEST(IsoTime, RoundsToMicrosecondsAndIntoTheNextDay) {
  EXPECT_EQ(iso_time({59000, 4.5}), "2020-05-31T00:00:04.500000");
  EXPECT_EQ(iso_time({59000, 86399.9999996}, ' '), "2020-06-01 00:00:00.000000");
  EXPECT_EQ(iso_time({57753, 86399.5}), "2016-12-31T23:59:59.500000");  // a day with a leap second
  EXPECT_EQ(iso_time({51544, 43200.000001}), "2000-01-01T12:00:00.000001");
  EXPECT_THROW(iso_time({59000, -1.0}), std::invalid_argument);
  EXPECT_THROW(iso_time({59000, 86401.0}), std::invalid_argument);
  EXPECT_THROW(iso_time({-3000000, 0.0}), std::invalid_argument);
  EXPECT_EQ(iso_time_ms({57753, 43200.0}), "2016-12-31T12:00:00.000");
  EXPECT_EQ(iso_time_ms({59000, 4.0004996}), "2020-05-31T00:00:04.000");  // not of the rounded microseconds
  EXPECT_EQ(iso_time_ms({59000, 86399.9996}), "2020-06-01T00:00:00.000");
}

TEST(PrintableText, KeepsUtf8AndMarksWhatIsNot) {
  EXPECT_EQ(printable_text("Ł 天眼 \xf0\x9f\x94\xad <&>"), "Ł 天眼 \xf0\x9f\x94\xad <&>");
  EXPECT_EQ(printable_text(std::string("a\0b\nc\x7f", 6)), "a b c ");
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(printable_text("a\u0080b\u009fc\u00a0\u00c2"), "a b c\u00a0\u00c2");
  EXPECT_EQ(valid_utf8("\n\u0085\xb0"), "\n\u0085" + mark);
  EXPECT_EQ(printable_text("\xff"), mark);
  EXPECT_EQ(printable_text("\xe5\xa4"), mark + mark);                        // cut short
  EXPECT_EQ(printable_text("\xc0\x80"), mark + mark);                        // overlong
  EXPECT_EQ(printable_text("\xe0\x80\x80"), mark + mark + mark);             // overlong
  EXPECT_EQ(printable_text("\xed\xa0\x80"), mark + mark + mark);             // half of a UTF-16 pair
  EXPECT_EQ(printable_text("\xef\xbf\xbf"), mark + mark + mark);             // U+FFFF, no character of XML
  EXPECT_EQ(printable_text("\xf4\x90\x80\x80"), mark + mark + mark + mark);  // above U+10FFFF
}

TEST(DumpJson, TakesAnyBytes) {
  EXPECT_EQ(dump_json({{"path", "\xcc\xec.fits"}, {"n", {1, 2}}}),
            "{\"n\":[1,2],\"path\":\"\ufffd\ufffd.fits\"}");
  EXPECT_EQ(dump_json({{"a", "\xff"}}, 1), "{\n \"a\": \"\ufffd\"\n}");
}

}  // namespace
}  // namespace tianyan
