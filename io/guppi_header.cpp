// Reads and writes the cards of GUPPI raw files.
#include "io/guppi_header.hpp"

#include <algorithm>
#include <cmath>

#include "io/beam_name.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::size_t kCardBytes = 80;
constexpr std::int64_t kChunkCards = 64;
constexpr std::int64_t kMaxCards = 1024;
constexpr std::int64_t kDirectIoBytes = 512;
constexpr std::int64_t kMaxBlockBytes = std::int64_t{1} << 40;
constexpr std::int64_t kFirstDay = 40000;    // 1968: earlier ones are of clocks that were not set
constexpr double kCriticalTolerance = 1e-3;  // of check_voltage_header()

bool is_end(const std::string& card) { return trimmed(card) == "END"; }

/// "KEY     = 'text'" or "KEY     = 12 / comment"; false where the card is neither.
bool add_card(const std::string& card, KeyValues& keys) {
  if (card[8] == ' ' && card.find('\0') == std::string::npos) return true;  // COMMENT, blank cards
  if (card[8] != '=') return false;
  std::string value = trimmed(card.substr(9));
  if (value.starts_with('\''))
    value = value.substr(1, value.find('\'', 1) - 1);
  else
    value = value.substr(0, value.find('/'));
  keys.add(trimmed(card.substr(0, 8)), trimmed(value));
  return true;
}

/// Reads cards a chunk at a time: headers are a few kB, blocks may be small and many.
class CardReader {
 public:
  CardReader(const RawFile& file, std::int64_t offset) : file_(file), offset_(offset) {}

  /// Empty at the end of the file.
  std::string next() {
    if (at_ == chunk_.size()) refill();
    if (at_ == chunk_.size()) return "";
    at_ += kCardBytes;
    return chunk_.substr(at_ - kCardBytes, kCardBytes);
  }

 private:
  void refill() {
    const auto card = static_cast<std::int64_t>(kCardBytes);
    const std::int64_t n = std::min(kChunkCards, (file_.size_bytes() - offset_) / card) * card;
    chunk_.assign(static_cast<std::size_t>(std::max<std::int64_t>(n, 0)), '\0');
    file_.read(offset_, static_cast<std::int64_t>(chunk_.size()), chunk_.data());
    offset_ += n;
    at_ = 0;
  }

  const RawFile& file_;
  std::int64_t offset_;
  std::string chunk_;
  std::size_t at_ = 0;
};

bool fits_critical(double ratio) { return std::abs(ratio - 1.0) <= kCriticalTolerance; }

/// How a channel of `width_mhz` may be sampled every `time_s`; none where it is not critical sampling.
std::optional<bool> complex_sampling(double width_mhz, double time_s, std::int64_t n_chan) {
  const double ratio = std::abs(width_mhz) * 1e6 * time_s;
  if (fits_critical(ratio)) return true;
  if (n_chan == 1 && fits_critical(2.0 * ratio)) return false;
  return std::nullopt;
}

/// Signed width of a channel: of OBSBW and CHAN_BW, which may contradict each other, OBSBW where it fits
/// the sample time, else CHAN_BW where that does.
double channel_step_mhz(const KeyValues& keys, int n_chan, double time_s, std::vector<std::string>& notes) {
  const auto bandwidth = keys.number("OBSBW"), width = keys.number("CHAN_BW");
  if (!bandwidth) return *width;
  const double step = *bandwidth / n_chan;
  if (!width || std::abs(*width - step) <= kCriticalTolerance * std::abs(step)) return step;
  const bool takes_width =
      !complex_sampling(step, time_s, n_chan) && complex_sampling(*width, time_s, n_chan);
  notes.push_back(fmt::format(
      "{}: CHAN_BW {} contradicts OBSBW {} / OBSNCHAN {}: {} was taken{}", keys.place(), *width, *bandwidth,
      n_chan, takes_width ? "CHAN_BW" : "OBSBW",
      complex_sampling(takes_width ? *width : step, time_s, n_chan) ? ", which fits the sample time" : ""));
  return takes_width ? *width : step;
}

void read_band(const KeyValues& keys, const VoltageHints& hints, GuppiHeader& header) {
  VoltageInfo& info = header.info;
  const bool is_told = hints.sample_rate_hz > 0.0;
  info.sample_time_s = is_told ? 1.0 / hints.sample_rate_hz : keys.required_number("TBIN");
  const double step = channel_step_mhz(keys, info.n_coarse, info.sample_time_s, header.notes);
  require(step != 0.0, "{}: OBSBW is 0; a bandwidth is needed", keys.place());
  header.format.is_complex = complex_sampling(step, info.sample_time_s, info.n_coarse).value_or(true);
  info.coarse_width_mhz =
      is_told ? hints.sample_rate_hz * 1e-6 / (header.format.is_complex ? 1 : 2) : std::abs(step);
  info.band_low_mhz = hints.band_low_mhz > 0.0
                          ? hints.band_low_mhz
                          : keys.required_number("OBSFREQ") - 0.5 * info.n_coarse * info.coarse_width_mhz;
  header.channels_descending = (step < 0.0) != hints.lower_sideband;
  header.format.is_inverted = header.channels_descending;
}

/// GUPPI, PUPPI, VUPPI ...: the family whose 4-bit code dspsr knows.
bool is_guppi_kin(const std::string& backend) { return backend.size() == 5 && backend.ends_with("UPPI"); }

/// Real part in the high bits, read low bits first, is i conj(v): the conjugate of an inverted stream makes
/// it -i v, and a constant phase does not matter.
void read_code(const KeyValues& keys, GuppiHeader& header) {
  VoltageFormat& format = header.format;
  if (format.n_bits == 2) format.code = VoltageCode::kFourLevel;
  if (format.n_bits != 4) return;
  if (is_guppi_kin(header.info.backend)) {
    format.code = VoltageCode::kOffsetBinary;
  } else {
    format.is_inverted = format.is_inverted != format.is_complex;
    header.notes.push_back(
        fmt::format("{}: 4 bits of BACKEND '{}': taken as two's complement, the real part in the high bits",
                    keys.place(), header.info.backend));
  }
}

Mjd read_start(const KeyValues& keys, std::vector<std::string>& notes) {
  Mjd start;
  start.day = keys.required_integer("STT_IMJD", 0, 1'000'000);
  if (start.day < kFirstDay)
    notes.push_back(fmt::format("{}: STT_IMJD is {}: times are not to be believed", keys.place(), start.day));
  start.second = keys.number("STT_SMJD").value_or(0.0) + keys.number("STT_OFFS").value_or(0.0);
  require(std::abs(start.second) <= 2.0 * kSecondsPerDay,
          "{}: STT_SMJD and STT_OFFS make {} s; less than two days are possible", keys.place(), start.second);
  return start.plus_seconds(0.0);
}

/// What VoltageHints cannot mend.
void read_layout(const KeyValues& keys, GuppiHeader& header) {
  header.info.n_coarse = static_cast<int>(keys.required_integer("OBSNCHAN", 1, 1 << 16));
  const std::int64_t n_pol = keys.required_integer("NPOL", 1, 4);
  require(n_pol != 3, "{}: NPOL is 3; 1, 2 and 4 are possible", keys.place());
  header.info.n_pol = n_pol == 1 ? 1 : 2;
  const std::int64_t n_bits = keys.required_integer("NBITS", 1, 64);
  require(n_bits == 2 || n_bits == 4 || n_bits == 8 || n_bits == 16,
          "{}: NBITS is {}: voltages of {} bits; 2, 4, 8 and 16 are known", keys.place(), n_bits, n_bits);
  header.format.n_bits = static_cast<int>(n_bits);
  header.block_bytes = keys.required_integer("BLOCSIZE", 1, kMaxBlockBytes);
  header.info.start = read_start(keys, header.notes);
  const auto bandwidth = keys.number("OBSBW"), width = keys.number("CHAN_BW");
  require(bandwidth || width, "{}: the header has neither OBSBW nor CHAN_BW", keys.place());
  require(bandwidth.value_or(0.0) != 0.0 || width.value_or(0.0) != 0.0,
          "{}: OBSBW is 0; a bandwidth is needed", keys.place());
}

void check_block(const KeyValues& keys, const GuppiHeader& header) {
  const std::int64_t bits = header.block_bytes * 8;
  const std::int64_t n = header.block_samples();
  require(n > 0 && n * header.spectrum_bits() == bits,
          "{}: BLOCSIZE {} is not a whole number of samples of OBSNCHAN {} x {} polarisations x {} bits",
          keys.place(), header.block_bytes, header.info.n_coarse, header.info.n_pol,
          header.format.sample_bits());
  require(header.is_time_first || n * header.cell_bits() % 8 == 0,
          "{}: BLOCSIZE {} / OBSNCHAN {}: a channel is not a whole number of bytes", keys.place(),
          header.block_bytes, header.info.n_coarse);
  require(header.overlap_samples < n, "{}: OVERLAP {} of blocks of {} samples", keys.place(),
          header.overlap_samples, n);
}

std::string card(const std::string& key, const std::string& value) {
  return fmt::format("{:<80.80}", fmt::format("{:<8}= {:>20}", key, value));
}

std::string text_card(const std::string& key, std::string text) {
  std::replace(text.begin(), text.end(), '\'', ' ');
  return fmt::format("{:<80}", fmt::format("{:<8}= '{:<8}'", key, text.substr(0, 68)));
}

template <class Number>
std::string number_card(const std::string& key, Number value) {
  return card(key, fmt::format("{}", value));
}

std::string or_unset(const std::string& text) { return text.empty() ? "unset" : text; }

std::string position_cards(const VoltageInfo& info) {
  if (!std::isfinite(info.ra_deg) || !std::isfinite(info.dec_deg)) return "";
  return text_card("RA_STR", format_ra(info.ra_deg)) +
         text_card("DEC_STR", format_sexagesimal(info.dec_deg, true));
}

}  // namespace

std::optional<GuppiCards> read_guppi_cards(const RawFile& file, std::int64_t offset,
                                           const std::string& place) {
  GuppiCards cards{KeyValues(place), offset};
  CardReader reader(file, offset);
  for (std::int64_t i = 0; i < kMaxCards; ++i) {
    const std::string card = reader.next();
    if (card.empty()) return std::nullopt;
    cards.data_offset += static_cast<std::int64_t>(kCardBytes);
    if (is_end(card)) {
      if (cards.keys.integer("DIRECTIO").value_or(0) == 1)
        cards.data_offset = (cards.data_offset + kDirectIoBytes - 1) / kDirectIoBytes * kDirectIoBytes;
      return cards;
    }
    require(add_card(card, cards.keys), "{}: no header of GUPPI: at byte {} is no card KEY = value", place,
            cards.data_offset - static_cast<std::int64_t>(kCardBytes));
  }
  throw std::runtime_error(fmt::format("{}: no END card among {} cards", place, kMaxCards));
}

GuppiHeader parse_guppi_header(const KeyValues& keys, const std::string& path, const VoltageHints& hints) {
  GuppiHeader header;
  VoltageInfo& info = header.info;
  read_layout(keys, header);
  info.source_name = keys.known_text("SRC_NAME");
  info.telescope = keys.known_text("TELESCOP");
  info.backend = keys.known_text("BACKEND");
  read_band(keys, hints, header);
  read_code(keys, header);
  read_position(keys, "RA_STR", "DEC_STR", info, header.notes);
  info.beam = guppi_beam(keys, path, header.notes);
  check_voltage_header(info, header.format, keys.place());
  header.is_time_first = keys.text("PKTFMT") == "SIMPLE";
  header.overlap_samples = keys.integer("OVERLAP").value_or(0);
  require(header.overlap_samples >= 0, "{}: OVERLAP is {}", keys.place(), header.overlap_samples);
  check_block(keys, header);
  return header;
}

void check_guppi_layout(const KeyValues& keys) {
  GuppiHeader header;
  read_layout(keys, header);
}

int guppi_beam(const KeyValues& keys, const std::string& path, std::vector<std::string>& notes) {
  const std::string beam = keys.text(keys.has("BEAM") ? "BEAM" : "IBEAM");  // may be a name
  return beam_of(path, parse_integer(beam).value_or(0), notes);
}

std::string make_guppi_header(const VoltageInfo& info, int beam, std::int64_t block,
                              std::int64_t block_samples, std::int64_t n_samples) {
  const std::int64_t sample_bytes = std::int64_t{info.n_coarse} * info.n_pol * 2;
  const double bandwidth_mhz = info.n_coarse * info.coarse_width_mhz;
  const double whole_second = std::floor(info.start.second);
  std::string cards = text_card("BACKEND", or_unset(info.backend));
  cards +=
      text_card("TELESCOP", or_unset(info.telescope)) + text_card("SRC_NAME", or_unset(info.source_name));
  cards += text_card("FRONTEND", "unset") + text_card("FD_POLN", "unset") + position_cards(info);
  if (beam != 0) cards += number_card("BEAM", beam);
  cards += text_card("OBS_MODE", "RAW") + text_card("PKTFMT", "1SFA");
  cards += number_card("OBSFREQ", info.band_low_mhz + 0.5 * bandwidth_mhz);
  cards += number_card("OBSBW", bandwidth_mhz) + number_card("CHAN_BW", info.coarse_width_mhz);
  cards += number_card("OBSNCHAN", info.n_coarse) + number_card("NPOL", info.n_pol == 2 ? 4 : 1);
  cards += number_card("NBITS", 8) + number_card("TBIN", info.sample_time_s);
  cards += number_card("STT_IMJD", info.start.day);
  cards += number_card("STT_SMJD", static_cast<std::int64_t>(whole_second));
  cards += number_card("STT_OFFS", info.start.second - whole_second);
  cards += number_card("OVERLAP", 0) + number_card("BLOCSIZE", n_samples * sample_bytes);
  cards += number_card("PKTSIZE", kGuppiPacketSamples * sample_bytes);
  cards += number_card("PKTIDX", block * (block_samples / kGuppiPacketSamples));
  return cards + fmt::format("{:<80}", "END");
}

}  // namespace tianyan
