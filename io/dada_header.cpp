// Reads and writes DADA headers.
#include "io/dada_header.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <sstream>

#include "io/beam_name.hpp"
#include "io/key_values.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kDefaultHeaderBytes = 4096;
constexpr std::int64_t kMaxHeaderBytes = 1 << 20;
constexpr std::size_t kPreciseDecimals = 11;  // 1e-11 days are 0.9 us
constexpr double kSameStart_s = 1.0;          // UTC_START often has whole seconds only
constexpr std::int64_t kMjdOfUnixEpoch = 40587;
constexpr std::int64_t kPicosecondsPerDay = 86'400'000'000'000'000;

/// Line by line; the first word is the key, the second its value.
KeyValues parse_lines(const std::string& text, const std::string& path) {
  KeyValues keys(path);
  std::istringstream lines(text.substr(0, text.find('\0')));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key, value;
    words >> key >> value;
    if (!key.empty() && key[0] != '#' && !value.empty() && value[0] != '#') keys.add(key, value);
  }
  return keys;
}

std::string read_text(const RawFile& file, std::int64_t n) {
  std::string text(static_cast<std::size_t>(std::min(n, file.size_bytes())), '\0');
  file.read(0, static_cast<std::int64_t>(text.size()), text.data());
  return text;
}

/// yyyy-mm-dd-hh:mm:ss.fff
std::optional<Mjd> parse_utc(const std::string& text) {
  int year = 0, hour = 0, minute = 0;
  unsigned month = 0, day = 0;
  double second = 0.0;
  char between = '\0';
  if (std::sscanf(text.c_str(), "%d-%u-%u%c%d:%d:%lf", &year, &month, &day, &between, &hour, &minute,
                  &second) != 7)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  const bool is_time = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0.0 && second < 61.0;
  if (!date.ok() || !is_time || year < 1858 || year > 4000) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Mjd{kMjdOfUnixEpoch + days, 3600.0 * hour + 60.0 * minute + second};
}

/// Where the first sample of the whole recording is.
Mjd read_recording_start(const KeyValues& keys, std::vector<std::string>& notes) {
  const std::string utc_text = keys.known_text("UTC_START"), mjd_text = keys.known_text("MJD_START");
  auto utc = parse_utc(utc_text);
  require(utc || utc_text.empty(), "{}: UTC_START is '{}'; yyyy-mm-dd-hh:mm:ss is needed", keys.place(),
          utc_text);
  if (utc) utc = utc->plus_seconds(keys.number("PICOSECONDS").value_or(0.0) * 1e-12);
  const auto mjd = parse_mjd(mjd_text);
  require(mjd || mjd_text.empty(), "{}: MJD_START is '{}'; an MJD is needed", keys.place(), mjd_text);
  require(utc || mjd, "{}: the header has neither UTC_START nor MJD_START", keys.place());
  if (!utc) return *mjd;
  if (!mjd) return *utc;
  const bool is_precise = mjd_text.size() - std::min(mjd_text.find('.'), mjd_text.size()) > kPreciseDecimals;
  const double late_s = mjd->seconds_since(*utc);
  if (is_precise && std::abs(late_s) <= kSameStart_s) return *mjd;
  if (is_precise)
    notes.push_back(fmt::format("{}: MJD_START {} is {} s after UTC_START {}, which was taken", keys.place(),
                                mjd_text, late_s, utc_text));
  return *utc;
}

void read_start(const KeyValues& keys, DadaHeader& header) {
  VoltageInfo& info = header.info;
  const std::int64_t offset_bytes = keys.integer("OBS_OFFSET").value_or(0);
  constexpr std::int64_t kMaxOffset = std::int64_t{1} << 59;
  require(offset_bytes >= 0 && offset_bytes < kMaxOffset, "{}: OBS_OFFSET is {}; 0 to 2^59 are possible",
          keys.place(), offset_bytes);
  const std::int64_t n_before = offset_bytes * 8 / header.spectrum_bits();
  info.start = read_recording_start(keys, header.notes)
                   .plus_seconds(static_cast<double>(n_before) * info.sample_time_s);
}

/// BW is needed for the sample rate, FREQ for the band's place: not where the user gives them. The sign of BW
/// is the order of channels all the same.
void read_band(const KeyValues& keys, const VoltageHints& hints, DadaHeader& header) {
  VoltageInfo& info = header.info;
  const bool is_told = hints.sample_rate_hz > 0.0;
  const double per_sample = header.format.is_complex ? 1.0 : 2.0;  // samples of 1 MHz in 1 us
  const double bandwidth_mhz = is_told ? keys.number("BW").value_or(1.0) : keys.required_number("BW");
  if (is_told) {
    info.sample_time_s = 1.0 / hints.sample_rate_hz;
    info.coarse_width_mhz = hints.sample_rate_hz * 1e-6 / per_sample;
  } else {
    info.coarse_width_mhz = std::abs(bandwidth_mhz) / info.n_coarse;
    info.sample_time_s = keys.number("TSAMP").value_or(1.0 / (per_sample * info.coarse_width_mhz)) * 1e-6;
  }
  info.band_low_mhz = hints.band_low_mhz > 0.0
                          ? hints.band_low_mhz
                          : keys.required_number("FREQ") - 0.5 * info.n_coarse * info.coarse_width_mhz;
  header.channels_descending = (bandwidth_mhz < 0.0) != hints.lower_sideband;
  header.format.is_inverted = header.channels_descending;
  if (header.format.is_complex && keys.integer("DSB").value_or(1) == 0)
    header.notes.push_back(
        fmt::format("{}: DSB is 0; zero frequency was taken to be the middle of each "
                    "channel all the same",
                    keys.place()));
}

/// Nothing in a DADA header says in which order samples below 8 bits lie in a byte.
void read_code(const KeyValues& keys, DadaHeader& header) {
  VoltageFormat& format = header.format;
  format.n_bits = static_cast<int>(keys.required_integer("NBIT", 1, 64));
  const std::int64_t n_dim = keys.has("NDIM") ? keys.required_integer("NDIM", 1, 2) : 1;
  format.is_complex = n_dim == 2;
  const std::string code = keys.known_text("ENCODING");
  require(code.empty() || code == "TWOSCOMPLEMENT" || code == "OFFSETBINARY",
          "{}: ENCODING is '{}'; TWOSCOMPLEMENT and OFFSETBINARY are known", keys.place(), code);
  if (code == "OFFSETBINARY") format.code = VoltageCode::kOffsetBinary;
  if (format.n_bits == 2 && code != "TWOSCOMPLEMENT") format.code = VoltageCode::kFourLevel;
  if (format.n_bits < 8)
    header.notes.push_back(fmt::format("{}: NBIT is {}: the first sample was taken to be in the low bits",
                                       keys.place(), format.n_bits));
  require(format.n_bits == 2 || format.n_bits == 4 || format.n_bits == 8 || format.n_bits == 16,
          "{}: NBIT is {}: voltages of {} bits; 2, 4, 8 and 16 are known", keys.place(), format.n_bits,
          format.n_bits);
  require(format.n_bits <= 8 || keys.text("ENDIAN") != "BIG", "{}: ENDIAN is BIG; 16 bits are read as LITTLE",
          keys.place());
}

/// ORDER, where a header has it, lists the axes from the slowest on; of those with one element it may be
/// silent.
void check_order(const KeyValues& keys, const DadaHeader& header) {
  std::string needed = "T";
  if (header.info.n_coarse > 1) needed += 'F';
  if (header.info.n_pol > 1) needed += 'P';
  const std::string order = keys.known_text("ORDER");
  require(header.has_heaps || order.empty() || order == "TFP" || order == needed,
          "{}: ORDER is '{}'; {} is known", keys.place(), order, needed);
}

KeyValues read_keys(const RawFile& file, DadaHeader& header) {
  const KeyValues first = parse_lines(read_text(file, kDefaultHeaderBytes), file.path());
  header.size_bytes =
      first.has("HDR_SIZE") ? first.required_integer("HDR_SIZE", 1, kMaxHeaderBytes) : kDefaultHeaderBytes;
  require(header.size_bytes <= file.size_bytes(), "{}: cut short: {} bytes, the header alone has HDR_SIZE {}",
          file.path(), file.size_bytes(), header.size_bytes);
  return parse_lines(read_text(file, header.size_bytes), file.path());
}

/// What VoltageHints cannot mend.
void read_layout(const KeyValues& keys, DadaHeader& header) {
  const auto count = [&](const char* key, std::int64_t max) {
    return keys.has(key) ? static_cast<int>(keys.required_integer(key, 1, max)) : 1;
  };
  header.info.n_coarse = count("NCHAN", 1 << 16);
  header.info.n_pol = count("NPOL", 2);
  header.info.backend = keys.known_text("INSTRUMENT");
  header.has_heaps = header.info.backend == "MKBF" || header.info.backend == "MeerKAT";
  read_code(keys, header);
  check_order(keys, header);
  require(keys.number("BW").value_or(1.0) != 0.0, "{}: BW is 0; a bandwidth is needed", keys.place());
}

int beam_in(const KeyValues& keys, const std::string& path, std::vector<std::string>& notes) {
  return beam_of(path, parse_integer(keys.text("BEAM")).value_or(0), notes);
}

std::string utc_text(const Mjd& start) {
  const auto picoseconds = static_cast<std::int64_t>(std::llround(start.second * 1e12));
  const std::int64_t day = start.day + picoseconds / kPicosecondsPerDay;
  const std::int64_t of_day = picoseconds % kPicosecondsPerDay;
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(day - kMjdOfUnixEpoch)))};
  const std::int64_t second = of_day / 1'000'000'000'000, fraction = of_day % 1'000'000'000'000;
  return fmt::format("{:04}-{:02}-{:02}-{:02}:{:02}:{:02}{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), second / 3600,
                     second / 60 % 60, second % 60, fraction == 0 ? "" : fmt::format(".{:012}", fraction));
}

/// The fraction to 16 decimals, 9 ps; one that rounds to a whole day is the next day's start.
std::string mjd_text(const Mjd& start) {
  const auto units = std::llround(start.second / kSecondsPerDay * 1e16);
  constexpr std::int64_t kUnitsPerDay = 10'000'000'000'000'000;
  return fmt::format("{}.{:016}", start.day + units / kUnitsPerDay, units % kUnitsPerDay);
}

/// One word, as readers take it.
std::string word(std::string text) {
  for (char& letter : text)
    if (letter == ' ' || letter == '\t' || letter == '#') letter = '_';
  return text.empty() ? "unset" : text.substr(0, 63);  // dspsr has room for so many
}

}  // namespace

bool is_dada_text(const std::vector<unsigned char>& head) {
  const auto end = std::find_if(head.begin(), head.end(), [](unsigned char byte) {
    return byte < 32 ? byte != '\n' && byte != '\r' && byte != '\t' : byte > 126;
  });
  const KeyValues keys = parse_lines(std::string(head.begin(), end), "");
  return keys.has("NBIT") && (keys.has("HDR_SIZE") || keys.text("HEADER") == "DADA");
}

DadaHeader read_dada_header(const RawFile& file, const VoltageHints& hints) {
  DadaHeader header;
  VoltageInfo& info = header.info;
  const KeyValues keys = read_keys(file, header);
  read_layout(keys, header);
  read_band(keys, hints, header);
  read_start(keys, header);
  info.source_name = keys.known_text("SOURCE");
  info.telescope = keys.known_text("TELESCOPE");
  info.beam = beam_in(keys, file.path(), header.notes);
  read_position(keys, "RA", "DEC", info, header.notes);
  header.n_promised = keys.integer("FILE_SIZE").value_or(-1);
  check_voltage_header(info, header.format, file.path());
  return header;
}

int read_dada_beam(const RawFile& file) {
  DadaHeader header;
  const KeyValues keys = read_keys(file, header);
  read_layout(keys, header);
  read_recording_start(keys, header.notes);
  return beam_in(keys, file.path(), header.notes);
}

std::string make_dada_header(const VoltageInfo& info, int beam, const VoltageFormat& format) {
  const double bandwidth_mhz = info.n_coarse * info.coarse_width_mhz;
  const std::int64_t spectrum_bytes = std::int64_t{info.n_coarse} * info.n_pol * format.sample_bits() / 8;
  std::string text;
  const auto line = [&text](const char* key, const auto& value) {
    text += fmt::format("{:<12} {}\n", key, value);
  };
  line("HEADER", "DADA");
  line("HDR_VERSION", "1.0");
  line("HDR_SIZE", kDefaultHeaderBytes);
  line("FILE_SIZE", info.n_time * spectrum_bytes);
  line("UTC_START", utc_text(info.start));
  line("MJD_START", mjd_text(info.start));
  line("OBS_OFFSET", 0);
  line("SOURCE", word(info.source_name));
  if (std::isfinite(info.ra_deg) && std::isfinite(info.dec_deg)) {
    line("RA", format_ra(info.ra_deg));
    line("DEC", format_sexagesimal(info.dec_deg, true));
  }
  line("TELESCOPE", word(info.telescope));
  line("INSTRUMENT", word(info.backend));
  if (beam != 0) line("BEAM", beam);
  line("FREQ", info.band_low_mhz + 0.5 * bandwidth_mhz);
  line("BW", bandwidth_mhz);
  line("TSAMP", info.sample_time_s * 1e6);
  line("NCHAN", info.n_coarse);
  line("NPOL", info.n_pol);
  line("NDIM", format.n_component());
  line("NBIT", format.n_bits);
  line("ENCODING", "TWOSCOMPLEMENT");
  line("ENDIAN", "LITTLE");
  text.resize(static_cast<std::size_t>(kDefaultHeaderBytes), '\0');
  return text;
}

}  // namespace tianyan
