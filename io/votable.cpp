// VOTable 1.4, https://www.ivoa.net/documents/VOTable/20191021/; registers the format "votable".
#include "io/votable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "io/detection_table.hpp"
#include "io/exporter.hpp"
#include "io/text_file.hpp"
#include "io/utf8_text.hpp"
#include "io/xml_tree.hpp"
#include "kernels/base/units.hpp"

namespace tianyan {
namespace {

/// What a column of this name means to the Virtual Observatory; `frame` is the ID of a Frame, or empty.
struct Meaning {
  const char *name, *ucd, *frame;
};
constexpr Meaning kMeanings[] = {
    {"beam", "meta.id;instr.beam", ""},
    {"time_s", "time.interval", ""},
    {"mjd", "time.epoch", "utc"},
    {"dm_pc_cm3", "phys.dispMeasure", ""},
    {"dm_err_pc_cm3", "stat.error;phys.dispMeasure", ""},
    {"snr", "stat.snr", ""},
    {"width_s", "time.duration", ""},
    {"ref_freq_mhz", "em.freq", ""},
    {"n_members", "meta.number", ""},
    {"rank", "meta.number", ""},
    {"n_beams", "meta.number;instr.beam", ""},
    {"beams", "meta.id;instr.beam", ""},
    {"ra_deg", "pos.eq.ra;meta.main", "icrs"},
    {"dec_deg", "pos.eq.dec;meta.main", "icrs"},
    {"pos_err_deg", "stat.error;pos.eq", "icrs"},
    {"mjd_inf_bary", "time.epoch", "tdb"},
    {"class", "meta.code.class", ""},
    {"id", "meta.id;meta.main", ""},
    {"snr_white", "stat.snr", ""},
    {"scan", "meta.id;obs", ""},
    {"detection", "meta.id.parent", ""},
    {"reasons", "meta.note", ""},
};

const Meaning* meaning_of(const std::string& column) {
  const auto* it = std::find_if(std::begin(kMeanings), std::end(kMeanings),
                                [&](const Meaning& m) { return column == m.name; });
  return it == std::end(kMeanings) ? nullptr : it;
}

/// The frames that columns of the table refer to.
void add_frames(pugi::xml_node resource, const Table& table) {
  const auto is_used = [&](const std::string& frame) {
    return std::any_of(table.columns().begin(), table.columns().end(), [&](const Column& column) {
      const Meaning* meaning = meaning_of(column.name);
      return meaning && frame == meaning->frame;
    });
  };
  if (is_used("icrs")) add_element(resource, "COOSYS", {{"ID", "icrs"}, {"system", "ICRS"}});
  const auto add_time = [&](const char* id, const char* scale, const char* place) {
    if (is_used(id))
      add_element(resource, "TIMESYS",
                  {{"ID", id}, {"timeorigin", "MJD-origin"}, {"timescale", scale}, {"refposition", place}});
  };
  add_time("utc", "UTC", "TOPOCENTER");
  add_time("tdb", "TDB", "BARYCENTER");
}

std::string number_text(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", number);
}

/// "pc / cm3" as "pc/cm**3", "K Jy" as "K.Jy".
std::string vo_unit(const std::string& unit) {
  std::string text;
  for (std::size_t i = 0; i < unit.size(); ++i) {
    const char c = unit[i];
    const char last = text.empty() ? '/' : text.back();
    const bool is_exponent = std::isdigit(static_cast<unsigned char>(c)) || c == '-';
    if (is_exponent && std::isalpha(static_cast<unsigned char>(last))) text += "**";
    if (c == ' ' && last != '/' && i + 1 < unit.size() && unit[i + 1] != '/')
      text += '.';
    else if (c != ' ')
      text += c;
  }
  return text;
}

/// By the type of the metadata's value.
struct MetaWriter {
  pugi::xml_node table;
  const std::string& name;

  void operator()(const std::string& text) const {
    add_element(table, "INFO", {{"name", name}})
        .append_attribute("value")
        .set_value(printable_text(text).c_str());
  }
  void operator()(std::int64_t count) const {
    add_element(table, "PARAM", {{"name", name}, {"datatype", "long"}, {"value", fmt::format("{}", count)}});
  }
  void operator()(double number) const {
    add_element(table, "PARAM", {{"name", name}, {"datatype", "double"}, {"value", number_text(number)}});
  }
  void operator()(const std::vector<std::string>& texts) const {
    for (const std::string& text : texts) (*this)(text);
  }
  void operator()(const std::vector<double>& numbers) const {
    std::vector<std::string> texts;
    for (const double number : numbers) texts.push_back(number_text(number));
    if (texts.empty()) return;  // there is no PARAM of no value
    add_element(table, "PARAM",
                {{"name", name},
                 {"datatype", "double"},
                 {"arraysize", fmt::format("{}", numbers.size())},
                 {"value", fmt::format("{}", fmt::join(texts, " "))}});
  }
};

/// INFOs stand before PARAMs.
void add_meta(pugi::xml_node node, const std::vector<MetaEntry>& meta) {
  for (const bool wants_info : {true, false})
    for (const MetaEntry& entry : meta) {
      const bool is_info = std::holds_alternative<std::string>(entry.value) ||
                           std::holds_alternative<std::vector<std::string>>(entry.value);
      if (is_info == wants_info) std::visit(MetaWriter{node, entry.name}, entry.value);
    }
}

void add_field(pugi::xml_node table, const Column& column) {
  const Meaning* meaning = meaning_of(column.name);
  const bool is_text = column.type == ColumnType::kString;
  const char* number_type = column.type == ColumnType::kInt64 ? "long" : "double";
  const pugi::xml_node field = add_element(table, "FIELD",
                                           {{"name", column.name},
                                            {"datatype", is_text ? "unicodeChar" : number_type},
                                            {"arraysize", is_text ? "*" : ""},
                                            {"unit", vo_unit(column.unit)},
                                            {"ucd", meaning ? meaning->ucd : ""},
                                            {"ref", meaning ? meaning->frame : ""}});
  if (!column.description.empty()) add_text(field, "DESCRIPTION", column.description);
}

std::string data_text(const Column& column, const Cell& cell) {
  const auto* number = std::get_if<double>(&cell);
  return number && std::isinf(*number) ? number_text(*number) : cell_text(column, cell);
}

void add_row(pugi::xml_node data, const std::vector<Column>& columns, const std::vector<Cell>& cells) {
  const pugi::xml_node row = add_element(data, "TR");
  for (std::size_t i = 0; i < columns.size(); ++i) add_text(row, "TD", data_text(columns[i], cells[i]));
}

void write_votable(const DetectionList& list, const std::string& directory) {
  Table table = detections_table(list);
  table.meta = {{"version", list.publisher.software},
                {"author", list.publisher.author},
                {"contact", list.publisher.contact},
                {"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant}};
  for (std::size_t i = 0; i < list.scans.size(); ++i)
    table.meta.push_back({fmt::format("scan_{}", i),
                          fmt::format("{}: {} {} of {}", list.scans[i].file, list.scans[i].telescope,
                                      list.scans[i].backend, list.scans[i].source_name)});
  write_text_file(directory + "/detections.vot", format_votable(table));
}

const bool kIsRegistered = register_exporter({"votable", "detections.vot", false, write_votable});

}  // namespace

std::string format_votable(const Table& table) {
  pugi::xml_document document;
  const pugi::xml_node votable = add_element(
      document, "VOTABLE", {{"version", "1.4"}, {"xmlns", "http://www.ivoa.net/xml/VOTable/v1.3"}});
  const pugi::xml_node resource = add_element(votable, "RESOURCE", {{"type", "results"}});
  add_frames(resource, table);
  const pugi::xml_node node = add_element(resource, "TABLE");
  add_meta(node, table.meta);
  for (const Column& column : table.columns()) add_field(node, column);
  const pugi::xml_node data = add_element(add_element(node, "DATA"), "TABLEDATA");
  for (std::size_t r = 0; r < table.n_row(); ++r) add_row(data, table.columns(), table.row(r));
  return xml_text(document);
}

}  // namespace tianyan
