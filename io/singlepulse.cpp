// .singlepulse and .inf of PRESTO.
#include "io/singlepulse.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "io/exporter.hpp"
#include "io/key_values.hpp"
#include "io/raw_file.hpp"
#include "io/scan_files.hpp"
#include "io/text_file.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr double kTimeRounding_s = 0.6e-6;  // of six decimals
constexpr std::int64_t kMaxSamples = std::int64_t{1} << 50;
constexpr std::int64_t kMaxWidth = 1 << 30;

struct Row {
  double dm_pc_cm3 = 0.0, sigma = 0.0, time_s = 0.0;
  std::int64_t sample = 0, n_width = 0;
};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

double number_of(const std::string& word, const char* column, const std::string& place) {
  const auto value = parse_number(word);
  require(value.has_value(), "{}: {} is '{:.40}'; a number is needed", place, column, word);
  return *value;
}

std::int64_t integer_of(const std::string& word, const char* column, std::int64_t min, std::int64_t max,
                        const std::string& place) {
  const auto value = parse_integer(word);
  require(value.has_value() && *value >= min && *value <= max,
          "{}: {} is '{:.40}'; an integer from {} to {} is needed", place, column, word, min, max);
  return *value;
}

Row parse_row(const std::string& line, const std::string& place) {
  const auto words = words_of(line);
  require(words.size() == 5, "{}: '{:.60}' has {} columns; DM, sigma, time, sample and downfact are needed",
          place, trimmed(line), words.size());
  Row row;
  row.dm_pc_cm3 = number_of(words[0], "DM", place);
  row.sigma = number_of(words[1], "sigma", place);
  row.time_s = number_of(words[2], "time", place);
  row.sample = integer_of(words[3], "sample", 0, kMaxSamples, place);
  row.n_width = integer_of(words[4], "downfact", 1, kMaxWidth, place);
  require(row.time_s >= 0.0 && (row.time_s > 0.0 || row.sample == 0),
          "{}: sample {} at {} s; times are from the beginning of the first sample", place, row.sample,
          row.time_s);
  return row;
}

std::vector<Row> read_rows(const std::string& path) {
  const RawFile file(path);  // says why, where it is no file
  std::ifstream in(path, std::ios::binary);
  std::vector<Row> rows;
  std::string line;
  for (int n = 1; std::getline(in, line); ++n) {
    const std::string text = trimmed(line);
    if (!text.empty() && text.front() != '#') rows.push_back(parse_row(text, fmt::format("{}:{}", path, n)));
  }
  require(in.eof(), "{}: cannot be read", path);
  return rows;
}

/// 0 for an empty list.
double sample_time_of(const std::vector<Row>& rows, const std::string& path) {
  if (rows.empty()) return 0.0;
  const auto last = std::max_element(rows.begin(), rows.end(),
                                     [](const Row& a, const Row& b) { return a.sample < b.sample; });
  require(last->sample > 0,
          "{}: all rows are at sample 0, which does not tell the sample time; give the .inf as well", path);
  return last->time_s / static_cast<double>(last->sample);
}

/// A multiple of the list's sample time where it fits to a sample, else what the row itself says.
double sample_time_of(const Row& row, double list_s) {
  if (row.sample < 2) return list_s;
  const double own_s = row.time_s / static_cast<double>(row.sample);
  const double multiple_s = std::round(own_s / list_s) * list_s;
  const double error_s = std::abs(row.time_s - static_cast<double>(row.sample) * multiple_s);
  return error_s <= multiple_s + kTimeRounding_s ? multiple_s : own_s;
}

Event event_of(const Row& row, double list_s) {
  const double sample_time_s = sample_time_of(row, list_s);
  Event event;
  event.time_s = row.time_s + (middle_of_boxcar(row.n_width) * sample_time_s - 0.5 * list_s);
  event.dm_pc_cm3 = row.dm_pc_cm3;
  event.width_s = static_cast<double>(row.n_width) * sample_time_s;
  event.snr = event.snr_white = row.sigma;
  return event;
}

/// The names that .inf files give their lines, without the unit in brackets.
constexpr const char* kTelescope = "Telescope used";
constexpr const char* kBackend = "Instrument used";
constexpr const char* kSource = "Object being observed";
constexpr const char* kRa = "J2000 Right Ascension";
constexpr const char* kDec = "J2000 Declination";
constexpr const char* kEpoch = "Epoch of observation";
constexpr const char* kBarycentred = "Barycentered?";
constexpr const char* kNumTime = "Number of bins in the time series";
constexpr const char* kSampleTime = "Width of each time series bin";
constexpr const char* kDm = "Dispersion measure";
constexpr const char* kFreqLow = "Central freq of low channel";
constexpr const char* kNumChan = "Number of channels";
constexpr const char* kChannelWidth = "Channel bandwidth";

/// "NAME (unit) = value" a line; lines without '=' are notes of people.
KeyValues read_inf_lines(const std::string& path) {
  const RawFile file(path);
  std::ifstream in(path, std::ios::binary);
  KeyValues keys(path);
  for (std::string line; std::getline(in, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals);
    keys.add(trimmed(name.substr(0, name.find('('))), trimmed(line.substr(equals + 1)));
  }
  return keys;
}

/// Day and fraction each on their own: a double has too few digits for both.
Mjd read_epoch(const KeyValues& keys) {
  const std::string text = keys.known_text(kEpoch);
  if (text.empty()) return {};
  const auto epoch = parse_mjd(text);
  require(epoch.has_value(), "{}: {} is '{}'; an MJD is needed", keys.place(), kEpoch, text);
  return *epoch;
}

SkyPosition read_inf_position(const KeyValues& keys, std::vector<std::string>& notes) {
  VoltageInfo pointing;
  read_position(keys, kRa, kDec, pointing, notes);
  return {pointing.ra_deg, pointing.dec_deg};
}

std::string format_row(const Detection& detection, double sample_time_s) {
  const Candidate& best = detection.best;
  const std::int64_t n = width_samples(best.width_s, sample_time_s);
  const NamedInstant at = named_instant(best.time_s, n, sample_time_s);
  return fmt::format("{:7.2f} {:7.2f} {:13.6f} {:10d}     {:3d}\n", best.dm_pc_cm3, best.snr, at.time_s,
                     at.sample, n);
}

void write_singlepulse(const DetectionList& list, const std::string& directory) {
  for (const ScanFile& file : scan_files(list, directory, "detections", ".singlepulse")) {
    std::string text = "# DM      Sigma      Time (s)     Sample    Downfact\n";
    for (const Detection* detection : file.detections) text += format_row(*detection, file.sample_time_s);
    write_text_file(file.path, text);
  }
}

const bool kIsRegistered =
    register_exporter({"singlepulse", "detections.singlepulse", false, write_singlepulse});

}  // namespace

std::optional<InfHeader> read_inf(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const KeyValues keys = read_inf_lines(path);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  InfHeader inf;
  inf.telescope = keys.known_text(kTelescope);
  inf.backend = keys.known_text(kBackend);
  inf.source_name = keys.known_text(kSource);
  inf.position = read_inf_position(keys, inf.notes);
  inf.start = read_epoch(keys);
  inf.is_barycentred = keys.integer(kBarycentred).value_or(0) != 0;
  inf.sample_time_s = keys.required_number(kSampleTime);
  require(inf.sample_time_s > 0.0, "{}: {} is {}; it must be positive", path, kSampleTime, inf.sample_time_s);
  inf.n_time = keys.integer(kNumTime).value_or(0);
  inf.dm_pc_cm3 = keys.number(kDm).value_or(nan);
  inf.freq_low_mhz = keys.number(kFreqLow).value_or(nan);
  inf.channel_width_mhz = keys.number(kChannelWidth).value_or(nan);
  if (keys.has(kNumChan)) inf.n_chan = static_cast<int>(keys.required_integer(kNumChan, 1, 1 << 24));
  return inf;
}

SinglePulseList read_singlepulse(const std::string& path) {
  SinglePulseList list;
  const std::vector<Row> rows = read_rows(path);
  list.inf = read_inf(std::filesystem::path(path).replace_extension(".inf").string());
  list.sample_time_s = list.inf ? list.inf->sample_time_s : sample_time_of(rows, path);
  list.events.reserve(rows.size());
  for (const Row& row : rows) list.events.push_back(event_of(row, list.sample_time_s));
  return list;
}

}  // namespace tianyan
