// Reads PSRFITS headers (definition 6.1) as FAST and others write them: van Straten, Manchester et al.,
// PSRFITS.
#include "io/psrfits_header.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "io/beam_name.hpp"
#include "io/fits_scan.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr std::int64_t kMaxRowTime = std::int64_t{1} << 31;

struct Primary {
  StreamInfo info;
  long long beam = 0;
  double centre_mhz = std::numeric_limits<double>::quiet_NaN();
  double bandwidth_mhz = std::numeric_limits<double>::quiet_NaN();
};

/// "-12:34:56.7" in its own unit; NaN where it is no such thing.
double sexagesimal(const std::string& text) {
  double whole = 0.0, minutes = 0.0, seconds = 0.0;
  const bool is_angle = std::sscanf(text.c_str(), "%lf:%lf:%lf", &whole, &minutes, &seconds) == 3;
  if (!is_angle) return std::numeric_limits<double>::quiet_NaN();
  const double magnitude = std::abs(whole) + minutes / 60.0 + seconds / 3600.0;
  return text.front() == '-' ? -magnitude : magnitude;
}

/// RA, Dec of exactly 0, 0 are what programs write that do not know them.
void read_position(const FitsFile& file, StreamInfo& info) {
  const double ra_hours = sexagesimal(file.text("RA")), dec_deg = sexagesimal(file.text("DEC"));
  if (!(ra_hours >= 0.0 && ra_hours < 24.0 && std::abs(dec_deg) <= 90.0)) return;
  if (ra_hours == 0.0 && dec_deg == 0.0) return;
  info.ra_deg = ra_hours * 15.0;
  info.dec_deg = dec_deg;
}

/// '*' and 'UNSET' are PSRFITS' words for unknown.
std::string known_text(const FitsFile& file, const char* keyword) {
  const std::string text = file.text(keyword);
  return text == "*" || text == "UNSET" ? "" : text;
}

Primary read_primary(const FitsFile& file) {
  Primary primary;
  const std::string mode = file.text("OBS_MODE");
  require(mode != "PSR" && mode != "CAL", "{}: OBS_MODE {}: folded or calibration data, not a search",
          file.path(), mode);
  primary.info.source_name = known_text(file, "SRC_NAME");
  primary.info.telescope = known_text(file, "TELESCOP");
  primary.info.backend = known_text(file, "BACKEND");
  const std::string feed = file.text("FD_POLN");
  if (feed == "LIN" || feed == "CIRC") primary.info.feed = feed;
  primary.info.start.day = file.required_integer("STT_IMJD");
  primary.info.start.second = file.number("STT_SMJD").value_or(0.0) + file.number("STT_OFFS").value_or(0.0);
  require(primary.info.start.day >= 0 && primary.info.start.day < 1'000'000 &&
              std::abs(primary.info.start.second) <= 2.0 * kSecondsPerDay,
          "{}: start at MJD {} and {} s; MJD 0 to 1e6 and less than two days are possible", file.path(),
          primary.info.start.day, primary.info.start.second);
  read_position(file, primary.info);
  primary.info.coherent_dm_pc_cm3 = std::max(0.0, file.number("CHAN_DM").value_or(0.0));
  primary.beam = file.integer("IBEAM").value_or(0);
  primary.centre_mhz = file.number("OBSFREQ").value_or(primary.centre_mhz);
  primary.bandwidth_mhz = file.number("OBSBW").value_or(primary.bandwidth_mhz);
  return primary;
}

std::int64_t positive(const FitsFile& file, const char* keyword, std::int64_t max) {
  const std::int64_t value = file.required_integer(keyword);
  require(value >= 1 && value <= max, "{}: {} is {}; 1 to {} are possible", file.path(), keyword, value, max);
  return value;
}

PolKind pol_kind_of(const FitsFile& file, int n_pol) {
  const std::string type = file.text("POL_TYPE");
  if (n_pol == 1 && (type == "AA+BB" || type == "INTEN" || type.empty())) return PolKind::kIntensity;
  if (n_pol == 2 && (type == "AABB" || type.empty())) return PolKind::kAaBb;
  if (n_pol == 4 && type == "AABBCRCI") return PolKind::kCoherence;
  if (n_pol == 4 && type == "IQUV") return PolKind::kStokes;
  throw std::runtime_error(
      fmt::format("{}: POL_TYPE '{}' with NPOL {}; known are AA+BB and INTEN (1), AABB (2), "
                  "AABBCRCI and IQUV (4)",
                  file.path(), type, n_pol));
}

/// Type of DATA, signs and offset. SIGNINT decides where the column's type leaves a choice.
void read_samples(const FitsFile& file, PsrfitsHeader& header) {
  SampleFormat& format = header.format;
  const FitsColumn& data = *header.data;
  const char wanted = format.n_bits == 32 ? 'E' : format.n_bits == 16 ? 'I' : 'B';
  const bool fits = data.type == wanted || (wanted == 'B' && (data.type == 'X' || data.type == 'A'));
  require(fits, "{}: column DATA has type {}, NBITS {} needs {}", file.path(), data.type, format.n_bits,
          wanted);
  const double flip = format.n_bits == 16 ? 32768.0 : -128.0;
  header.flips_top_bit = data.zero == flip && format.n_bits >= 8 && !format.is_float;
  require((data.zero == 0.0 || header.flips_top_bit) && data.scale == 1.0,
          "{}: column DATA has TZERO {} and TSCAL {}, which cannot be read", file.path(), data.zero,
          data.scale);
  const bool is_signed = (data.type == 'I') != header.flips_top_bit;
  const auto signed_key = file.integer("SIGNINT");
  format.is_signed = format.n_bits >= 8 && !format.is_float &&
                     (header.flips_top_bit ? is_signed
                      : signed_key         ? *signed_key != 0
                                           : is_signed);
  format.zero_offset = file.number("ZERO_OFF").value_or(0.0);
  require(std::isfinite(format.zero_offset), "{}: ZERO_OFF is {}", file.path(), format.zero_offset);
}

/// A table of calibration: one value for each channel (and polarisation), or no column at all.
const FitsColumn* find_calibration(const FitsTable& table, const char* name, std::int64_t n) {
  const FitsColumn* column = table.find(name);
  if (!column || column->repeat == 0) return nullptr;
  require((column->type == 'E' || column->type == 'D') && column->repeat == n,
          "{}: column {} has {} values of type {}; {} of type E or D are needed", table.raw().path(), name,
          column->repeat, column->type, n);
  return column;
}

void set_band(PsrfitsHeader& header, double first_mhz, double step_mhz) {
  StreamInfo& info = header.info;
  header.format.channels_descending = step_mhz < 0.0;
  info.channel_width_mhz = std::abs(step_mhz);
  info.freq_low_mhz = step_mhz < 0.0 ? first_mhz + (info.n_chan - 1) * step_mhz : first_mhz;
}

/// Where DAT_FREQ is missing: OBSFREQ is the centre of the band, CHAN_BW the step.
void read_band_from_keywords(const FitsFile& file, const Primary& primary, PsrfitsHeader& header) {
  const int n = header.info.n_chan;
  const double step = file.number("CHAN_BW").value_or(primary.bandwidth_mhz / n);
  require(std::isfinite(primary.centre_mhz) && std::isfinite(step) && step != 0.0,
          "{}: no column DAT_FREQ, and no OBSFREQ with CHAN_BW instead", file.path());
  set_band(header, primary.centre_mhz - 0.5 * (n - 1) * step, step);
  header.notes.push_back(
      fmt::format("{}: no column DAT_FREQ: frequencies are those of OBSFREQ and CHAN_BW", file.path()));
}

void read_band(FitsTable& table, const Primary& primary, PsrfitsHeader& header) {
  const FitsFile& file = table.header();
  const FitsColumn* column = table.find("DAT_FREQ");
  if (!column || column->repeat == 0) return read_band_from_keywords(file, primary, header);
  const int n = header.info.n_chan;
  require((column->type == 'D' || column->type == 'E') && column->repeat == n,
          "{}: column DAT_FREQ has {} values of type {}; NCHAN {} of type D or E are needed", file.path(),
          column->repeat, column->type, n);
  const auto f = table.read_doubles(0, *column);
  const double width = file.number("CHAN_BW").value_or(primary.bandwidth_mhz);
  const double step = n > 1 ? (f.back() - f.front()) / (n - 1) : width;
  const double rounding_mhz =
      column->type == 'E' ? 2.5e-7 * std::abs(f.front()) : 0.0;  // two roundings to float
  for (int c = 0; c < n; ++c) {
    const double even = f.front() + c * step;
    require(std::abs(f[static_cast<std::size_t>(c)] - even) <= 0.1 * std::abs(step) + rounding_mhz,
            "{}: DAT_FREQ puts channel {} at {} MHz, even spacing would put it at {}: only evenly spaced "
            "channels can "
            "be read",
            file.path(), c, f[static_cast<std::size_t>(c)], even);
  }
  set_band(header, f.front(), step);
}

void find_columns(const FitsTable& table, PsrfitsHeader& header) {
  const std::string& path = table.raw().path();
  const std::int64_t n_chan = header.info.n_chan, n_value = n_chan * header.info.n_pol;
  header.data = table.find("DATA");
  require(header.data != nullptr, "{}: table SUBINT has no column DATA", path);
  const std::int64_t n_bits = n_value * header.format.n_bits;
  require(n_bits % 8 == 0 && header.data->n_bytes == header.rows_n_time * (n_bits / 8),
          "{}: column DATA has {} bytes in a row; NSBLK {} x NPOL {} x NCHAN {} x NBITS {} / 8 are {}", path,
          header.data->n_bytes, header.rows_n_time, header.info.n_pol, n_chan, header.format.n_bits,
          static_cast<double>(header.rows_n_time) * static_cast<double>(n_bits) / 8.0);
  header.scale = find_calibration(table, "DAT_SCL", n_value);
  header.offset = find_calibration(table, "DAT_OFFS", n_value);
  header.weight = find_calibration(table, "DAT_WTS", n_chan);
}

PsrfitsHeader read_header(const Primary& primary, FitsTable& table) {
  const FitsFile& file = table.header();
  PsrfitsHeader header;
  StreamInfo& info = header.info;
  info = primary.info;
  info.beam = beam_of(file.path(), primary.beam, header.notes);
  info.n_chan = static_cast<int>(positive(file, "NCHAN", kMaxInt));
  info.n_pol = static_cast<int>(positive(file, "NPOL", 4));
  info.sample_time_s = file.required_number("TBIN");
  header.rows_n_time = positive(file, "NSBLK", kMaxRowTime);
  header.rows_before = file.integer("NSUBOFFS").value_or(0);
  require(std::abs(header.rows_before) < kMaxRowTime, "{}: NSUBOFFS is {}", file.path(), header.rows_before);
  header.n_total = std::max<std::int64_t>(0, file.integer("NSTOT").value_or(0));
  header.format.n_bits = static_cast<int>(positive(file, "NBITS", 64));
  header.format.is_float = header.format.n_bits == 32;
  header.format.high_bits_first = header.format.n_bits < 8;
  header.format.pol_kind = pol_kind_of(file, info.n_pol);
  // A believable band until the table is known to be sound, and then the real one.
  info.freq_low_mhz = info.channel_width_mhz = 1e-6;
  check_header(info, header.format, file.path());
  find_columns(table, header);
  read_samples(file, header);
  require(table.n_row_whole() > 0, "{}: cut short: not one whole row of {} bytes", file.path(),
          table.row_bytes());
  read_band(table, primary, header);
  check_header(info, header.format, file.path());
  return header;
}

}  // namespace

PsrfitsTable open_psrfits(const std::string& path) {
  const int hdu = find_fits_table(RawFile(path), "SUBINT");
  require(hdu > 0, "{}: FITS without a table SUBINT: not a PSRFITS search-mode file", path);
  FitsFile file = FitsFile::open(path);
  const Primary primary = read_primary(file);
  file.move_to(hdu);
  FitsTable table(std::move(file));
  PsrfitsHeader header = read_header(primary, table);
  return {std::move(header), std::move(table)};
}

}  // namespace tianyan
