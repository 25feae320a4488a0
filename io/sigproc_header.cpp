// Reads and writes SIGPROC headers.
#include "io/sigproc_header.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "io/beam_name.hpp"
#include "io/sigproc_ids.hpp"
#include "io/utf8_text.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

static_assert(std::endian::native == std::endian::little, "SIGPROC headers are little-endian");

enum class ValueType { kNone, kInt, kDouble, kText, kByte };
struct Keyword {
  const char* name;
  ValueType type;
};
// SIGPROC 4.3, PRESTO, sigpyproc, dspsr, Bifrost.
constexpr std::array kKeywords{Keyword{"HEADER_START", ValueType::kNone},
                               Keyword{"HEADER_END", ValueType::kNone},
                               Keyword{"FREQUENCY_START", ValueType::kNone},
                               Keyword{"FREQUENCY_END", ValueType::kNone},
                               Keyword{"telescope_id", ValueType::kInt},
                               Keyword{"machine_id", ValueType::kInt},
                               Keyword{"data_type", ValueType::kInt},
                               Keyword{"barycentric", ValueType::kInt},
                               Keyword{"pulsarcentric", ValueType::kInt},
                               Keyword{"nbits", ValueType::kInt},
                               Keyword{"nsamples", ValueType::kInt},
                               Keyword{"nchans", ValueType::kInt},
                               Keyword{"nifs", ValueType::kInt},
                               Keyword{"nbeams", ValueType::kInt},
                               Keyword{"ibeam", ValueType::kInt},
                               Keyword{"nbins", ValueType::kInt},
                               Keyword{"npuls", ValueType::kInt},
                               Keyword{"hdrlen", ValueType::kInt},
                               Keyword{"orig_hdrlen", ValueType::kInt},
                               Keyword{"new_hdrlen", ValueType::kInt},
                               Keyword{"sampsize", ValueType::kInt},
                               Keyword{"az_start", ValueType::kDouble},
                               Keyword{"za_start", ValueType::kDouble},
                               Keyword{"src_raj", ValueType::kDouble},
                               Keyword{"src_dej", ValueType::kDouble},
                               Keyword{"tstart", ValueType::kDouble},
                               Keyword{"tsamp", ValueType::kDouble},
                               Keyword{"fch1", ValueType::kDouble},
                               Keyword{"foff", ValueType::kDouble},
                               Keyword{"fchannel", ValueType::kDouble},
                               Keyword{"refdm", ValueType::kDouble},
                               Keyword{"period", ValueType::kDouble},
                               Keyword{"flux", ValueType::kDouble},
                               Keyword{"pb", ValueType::kDouble},
                               Keyword{"ecc", ValueType::kDouble},
                               Keyword{"asini", ValueType::kDouble},
                               Keyword{"accel", ValueType::kDouble},
                               Keyword{"bandwidth", ValueType::kDouble},
                               Keyword{"fbottom", ValueType::kDouble},
                               Keyword{"ftop", ValueType::kDouble},
                               Keyword{"rawdatafile", ValueType::kText},
                               Keyword{"source_name", ValueType::kText},
                               Keyword{"filename", ValueType::kText},
                               Keyword{"telescope", ValueType::kText},
                               Keyword{"obs_date", ValueType::kText},
                               Keyword{"obs_time", ValueType::kText},
                               Keyword{"signed", ValueType::kByte}};

constexpr std::int32_t kMaxKeyword = 80;
constexpr std::int32_t kMaxText = 4096;
constexpr std::size_t kMaxFrequencies = std::size_t{1} << 20;

const Keyword* find_keyword(const std::string& name) {
  for (const auto& keyword : kKeywords)
    if (name == keyword.name) return &keyword;
  return nullptr;
}

/// Walks through the header; what it finds are numbers and texts by keyword.
class Parser {
 public:
  explicit Parser(const RawFile& file) : file_(file) {}

  void parse() {
    require(take_name() == "HEADER_START", "{}: does not begin with the keyword HEADER_START", file_.path());
    for (std::string name = take_name(); name != "HEADER_END"; name = take_name()) {
      const Keyword* keyword = find_keyword(name);
      if (keyword)
        take_value(*keyword);
      else
        skip_unknown(name);
    }
  }

  std::optional<double> number(const std::string& name) const {
    const auto at = numbers_.find(name);
    return at == numbers_.end() ? std::nullopt : std::optional(at->second);
  }
  double number(const std::string& name, double otherwise) const { return number(name).value_or(otherwise); }
  double required(const std::string& name) const {
    const auto value = number(name);
    require(value.has_value(), "{}: the header has no keyword {}", file_.path(), name);
    return *value;
  }
  std::string text(const std::string& name) const {
    const auto at = texts_.find(name);
    return at == texts_.end() ? "" : at->second;
  }
  const std::vector<double>& frequencies() const { return frequencies_; }
  std::vector<std::string>& notes() { return notes_; }
  std::int64_t position() const { return position_; }

 private:
  template <class T>
  T take() {
    T value;
    take_bytes(sizeof(T), &value);
    return value;
  }

  void take_bytes(std::int64_t n, void* to) {
    require(position_ + n <= file_.size_bytes(), "{}: cut short: ends after {} bytes, inside the header",
            file_.path(), file_.size_bytes());
    file_.read(position_, n, to);
    position_ += n;
  }

  std::string take_text(std::int32_t max, const char* what) {
    const auto n = take<std::int32_t>();
    require(n >= 0 && n <= max, "{}: {} of {} bytes at byte {} of the header; at most {} are possible{}",
            file_.path(), what, n, position_ - 4, max,
            n == 0x0c000000 ? " (is it big-endian? convert it first)" : "");
    std::string text(static_cast<std::size_t>(n), '\0');
    take_bytes(n, text.data());
    return text.substr(0, text.find('\0'));
  }

  std::string take_name() { return take_text(kMaxKeyword, "keyword"); }

  void take_value(const Keyword& keyword) {
    if (keyword.type == ValueType::kInt) numbers_[keyword.name] = take<std::int32_t>();
    if (keyword.type == ValueType::kByte) numbers_[keyword.name] = take<std::uint8_t>();
    if (keyword.type == ValueType::kText)
      texts_[keyword.name] = printable_text(take_text(kMaxText, keyword.name));
    if (keyword.type == ValueType::kDouble) numbers_[keyword.name] = take<double>();
    if (std::strcmp(keyword.name, "fchannel") == 0) {
      require(frequencies_.size() < kMaxFrequencies, "{}: more than {} keywords fchannel", file_.path(),
              kMaxFrequencies);
      frequencies_.push_back(numbers_["fchannel"]);
    }
  }

  /// True where a known keyword begins at this byte.
  bool is_known_at(std::int64_t position) const {
    std::int32_t n = 0;
    if (position + 4 > file_.size_bytes()) return false;
    file_.read(position, 4, &n);
    if (n < 1 || n > kMaxKeyword || position + 4 + n > file_.size_bytes()) return false;
    std::string name(static_cast<std::size_t>(n), '\0');
    file_.read(position + 4, n, name.data());
    return find_keyword(name) != nullptr;
  }

  /// An unknown keyword's value has the one size after which a known keyword follows: nothing, a byte, an
  /// int, a double or a text.
  void skip_unknown(const std::string& name) {
    std::vector<std::int64_t> fits;
    for (const std::int64_t n : {0, 1, 4, 8})
      if (is_known_at(position_ + n)) fits.push_back(n);
    std::int32_t length = 0;
    if (position_ + 4 <= file_.size_bytes()) file_.read(position_, 4, &length);
    if (length > 0 && length != 4 && length <= kMaxText && is_known_at(position_ + 4 + length))
      fits.push_back(4 + length);
    require(fits.size() == 1,
            "{}: keyword '{}' of the header is not known, nor is the type of its value: remove it",
            file_.path(), name);
    position_ += fits[0];
    notes_.push_back(
        fmt::format("{}: keyword '{}' of the header is not known and was skipped", file_.path(), name));
  }

  const RawFile& file_;
  std::int64_t position_ = 0;
  std::map<std::string, double> numbers_;
  std::map<std::string, std::string> texts_;
  std::vector<double> frequencies_;
  std::vector<std::string> notes_;
};

PolKind pol_kind_of(int n_pol, const std::string& statement) {
  if (n_pol == 2) return PolKind::kAaBb;
  if (n_pol != 4) return PolKind::kIntensity;
  return stated(statement, "POL_TYPE") == "AABBCRCI" ? PolKind::kCoherence : PolKind::kStokes;
}

SampleFormat read_format(const Parser& header, const RawFile& file) {
  SampleFormat format;
  const int n_pol = static_cast<int>(header.number("nifs", 1));
  require(n_pol == 1 || n_pol == 2 || n_pol == 4, "{}: nifs {}; 1, 2 and 4 polarisations are known",
          file.path(), n_pol);
  format.n_bits = static_cast<int>(header.required("nbits"));
  format.is_float = format.n_bits == 32;
  format.is_signed = header.number("signed", 0) != 0 && (format.n_bits == 8 || format.n_bits == 16);
  format.pol_kind = pol_kind_of(n_pol, header.text("rawdatafile"));
  return format;
}

/// First channel and step of a table of frequencies, which must be evenly spaced.
void read_frequencies(const Parser& header, const RawFile& file, double& first, double& step) {
  const auto& table = header.frequencies();
  if (table.empty()) {
    first = header.required("fch1");
    step = header.required("foff");
    return;
  }
  const auto n = static_cast<std::int64_t>(table.size());
  require(n == static_cast<std::int64_t>(header.required("nchans")), "{}: {} keywords fchannel, nchans is {}",
          file.path(), n, header.required("nchans"));
  first = table.front();
  step = n > 1 ? (table.back() - first) / static_cast<double>(n - 1) : header.number("foff", 0.0);
  for (std::int64_t c = 0; c < n; ++c) {
    const double even = first + static_cast<double>(c) * step;
    require(std::abs(table[static_cast<std::size_t>(c)] - even) <= 0.1 * std::abs(step),
            "{}: channel {} is at {} MHz, even spacing would put it at {}: only evenly spaced channels can "
            "be read",
            file.path(), c, table[static_cast<std::size_t>(c)], even);
  }
}

void read_position(Parser& header, const RawFile& file, StreamInfo& info) {
  const auto ra = header.number("src_raj"), dec = header.number("src_dej");
  if (!ra || !dec || (*ra == 0.0 && *dec == 0.0)) return;
  const double ra_hours = unpack_sexagesimal(*ra), dec_deg = unpack_sexagesimal(*dec);
  if (ra_hours >= 0.0 && ra_hours < 24.0 && std::abs(dec_deg) <= 90.0) {
    info.ra_deg = ra_hours * 15.0;
    info.dec_deg = dec_deg;
  } else {
    header.notes().push_back(fmt::format("{}: src_raj {} and src_dej {} are no position: taken as unknown",
                                         file.path(), *ra, *dec));
  }
}

Mjd read_start(Parser& header, const RawFile& file) {
  const double mjd = header.number("tstart", 0.0);
  require(std::isfinite(mjd) && mjd >= 0.0 && mjd < 1e6, "{}: tstart {}; an MJD from 0 to 1e6 is possible",
          file.path(), mjd);
  if (mjd == 0.0)
    header.notes().push_back(fmt::format("{}: the header has no start time: MJD 0", file.path()));
  const double day = std::floor(mjd);
  return {static_cast<std::int64_t>(day), (mjd - day) * kSecondsPerDay};
}

void put_text(std::string& bytes, const std::string& text) {
  const auto n = static_cast<std::int32_t>(text.size());
  bytes.append(reinterpret_cast<const char*>(&n), sizeof n);
  bytes += text;
}

template <class T>
void put(std::string& bytes, const char* keyword, T value) {
  put_text(bytes, keyword);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put(std::string& bytes, const char* keyword, const std::string& text) {
  put_text(bytes, keyword);
  put_text(bytes, text.substr(0, kMaxKeyword - 1));
}

}  // namespace

SigprocHeader read_sigproc_header(const RawFile& file) {
  Parser parser(file);
  parser.parse();
  const double data_type = parser.number("data_type", 1);
  require(data_type != 2 && data_type != 3, "{}: data_type {}: time series or profiles, not a filterbank",
          file.path(), data_type);
  SigprocHeader header;
  header.size_bytes = parser.position();
  header.format = read_format(parser, file);
  StreamInfo& info = header.info;
  info.n_chan = static_cast<int>(parser.required("nchans"));
  info.n_pol = static_cast<int>(parser.number("nifs", 1));
  double first = 0.0, step = 0.0;
  read_frequencies(parser, file, first, step);
  header.format.channels_descending = step < 0.0;
  info.channel_width_mhz = std::abs(step);
  info.freq_low_mhz = step < 0.0 ? first + (info.n_chan - 1) * step : first;
  info.sample_time_s = parser.required("tsamp");
  info.start = read_start(parser, file);
  info.source_name = parser.text("source_name");
  const std::string statement = parser.text("rawdatafile");
  const int telescope_id = static_cast<int>(parser.number("telescope_id", 0));
  info.telescope = telescope_id != 0 ? telescope_name(telescope_id) : stated(statement, "TELESCOP");
  const int machine_id = static_cast<int>(parser.number("machine_id", 0));
  info.backend = machine_id != 0 ? machine_name(machine_id) : stated(statement, "BACKEND");
  read_position(parser, file, info);
  info.beam = beam_of(file.path(), static_cast<long long>(parser.number("ibeam", 0)), parser.notes());
  const double n_promised = parser.number("nsamples", 0);
  if (n_promised > 0) header.n_promised = static_cast<std::int64_t>(n_promised);
  header.notes = parser.notes();
  check_header(info, header.format, file.path());
  return header;
}

std::string make_sigproc_header(const StreamInfo& info, const SampleFormat& format) {
  const bool has_position = std::isfinite(info.ra_deg) && std::isfinite(info.dec_deg);
  const double width = info.channel_width_mhz;
  std::string bytes;
  put_text(bytes, "HEADER_START");
  put(bytes, "telescope_id", std::int32_t{telescope_id_of(info.telescope)});
  put(bytes, "machine_id", std::int32_t{machine_id_of(info.backend)});
  put(bytes, "data_type", std::int32_t{1});
  put(bytes, "rawdatafile", make_statement(info, format));
  put(bytes, "source_name", info.source_name);
  put(bytes, "barycentric", std::int32_t{0});
  put(bytes, "pulsarcentric", std::int32_t{0});
  put(bytes, "az_start", 0.0);
  put(bytes, "za_start", 0.0);
  put(bytes, "src_raj", has_position ? pack_sexagesimal(info.ra_deg / 15.0) : 0.0);
  put(bytes, "src_dej", has_position ? pack_sexagesimal(info.dec_deg) : 0.0);
  put(bytes, "tstart", info.start.value());
  put(bytes, "tsamp", info.sample_time_s);
  put(bytes, "nbits", std::int32_t{format.n_bits});
  if (format.is_signed) put(bytes, "signed", std::uint8_t{1});
  put(bytes, "fch1", format.channels_descending ? info.ref_freq_mhz() : info.freq_low_mhz);
  put(bytes, "foff", format.channels_descending ? -width : width);
  put(bytes, "nchans", std::int32_t{info.n_chan});
  put(bytes, "nifs", std::int32_t{info.n_pol});
  if (info.beam != 0) put(bytes, "ibeam", std::int32_t{info.beam});
  put_text(bytes, "HEADER_END");
  return bytes;
}

}  // namespace tianyan
