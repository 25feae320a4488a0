// Writes PSRFITS headers (definition 6.1) and rows.
#include "io/psrfits_layout.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "io/iso_time.hpp"
#include "io/sigproc_ids.hpp"
#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

/// Keywords of one HDU; the first status that is not 0 is kept.
class Keywords {
 public:
  explicit Keywords(const FitsFile& file) : file_(file) {}
  ~Keywords() = default;

  void put(const char* keyword, std::string text, const char* comment) {
    fits_update_key(file_.get(), TSTRING, keyword, text.data(), comment, &status_);
  }
  void put(const char* keyword, const char* text, const char* comment) {
    put(keyword, std::string(text), comment);
  }
  void put(const char* keyword, std::int64_t value, const char* comment) {
    LONGLONG number = value;
    fits_update_key(file_.get(), TLONGLONG, keyword, &number, comment, &status_);
  }
  void put(const char* keyword, int value, const char* comment) {
    put(keyword, std::int64_t{value}, comment);
  }
  /// With as many digits as it takes to read the same number again.
  void put(const char* keyword, double value, const char* comment) {
    const bool is_short = std::strtod(fmt::format("{:.15g}", value).c_str(), nullptr) == value;
    fits_update_key_dbl(file_.get(), keyword, value, is_short ? -15 : -17, comment, &status_);
  }
  void check() const { file_.check(status_, "write its header"); }

 private:
  const FitsFile& file_;
  int status_ = 0;
};

/// "05:34:31.900000", or "*", PSRFITS' word for unknown.
std::string sexagesimal(double value, bool has_sign) {
  if (!std::isfinite(value)) return "*";
  const auto micro = std::llround(std::abs(value) * 3600e6);
  const char* sign = !has_sign ? "" : value < 0.0 ? "-" : "+";
  return fmt::format("{}{:02}:{:02}:{:02}.{:06}", sign, micro / 3'600'000'000, micro / 60'000'000 % 60,
                     micro / 1'000'000 % 60, micro % 1'000'000);
}

std::string known(const std::string& text) { return text.empty() ? "*" : text; }

template <class T>
void put_big_endian(std::uint8_t*& to, T value) {
  auto bytes = std::bit_cast<std::array<std::uint8_t, sizeof(T)>>(value);
  std::reverse(bytes.begin(), bytes.end());
  std::memcpy(to, bytes.data(), bytes.size());
  to += bytes.size();
}

void put_floats(std::uint8_t*& to, const std::vector<float>& values, float otherwise, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i)
    put_big_endian(to, values.empty() ? otherwise : values[static_cast<std::size_t>(i)]);
}

SampleFormat storable_format(SampleFormat format) {
  format.high_bits_first = format.n_bits < 8;
  return format;
}

/// FITS has signed 16-bit integers only: unsigned ones are stored with their top bit flipped, and TZERO says
/// so.
bool flips_top_bit(const SampleFormat& format) { return format.n_bits == 16 && !format.is_signed; }

/// Big-endian, with the top bit as FITS wants it; behind them, up to n_room bytes, samples of value 0.
void put_samples(std::uint8_t* to, const std::uint8_t* samples, std::int64_t n_bytes, std::int64_t n_room,
                 const SampleFormat& format) {
  if (format.n_bits <= 8) {
    std::memcpy(to, samples, static_cast<std::size_t>(n_bytes));
    return;
  }
  const std::uint8_t flip = flips_top_bit(format) ? 0x80 : 0;
  const std::int64_t width = format.n_bits / 8;
  for (std::int64_t i = 0; i < n_bytes; i += width) {
    std::reverse_copy(samples + i, samples + i + width, to + i);
    to[i] ^= flip;
  }
  for (std::int64_t i = n_bytes; i < n_room; i += width) to[i] = flip;  // other bytes are 0 already
}

void check_length(const std::vector<float>& values, std::int64_t n, const char* what) {
  expect(values.empty() || std::ssize(values) == n, "{} {} for a spectrum of {}", values.size(), what, n);
}

}  // namespace

PsrfitsLayout::PsrfitsLayout(const StreamInfo& info, const SampleFormat& wanted)
    : info_(info), format_(storable_format(wanted)) {}

std::vector<PsrfitsLayout::Column> PsrfitsLayout::columns() const {
  const auto n = [](std::int64_t count, char type) { return fmt::format("{}{}", count, type); };
  const std::int64_t n_chan = info_.n_chan, n_value = n_chan * info_.n_pol;
  const std::int64_t n_bytes = rows_n_time_ * spectrum_bytes();
  const std::string data = format_.n_bits == 32   ? n(n_bytes / 4, 'E')
                           : format_.n_bits == 16 ? n(n_bytes / 2, 'I')
                                                  : n(n_bytes, 'B');
  return {{"TSUBINT", "1D", "s"},
          {"OFFS_SUB", "1D", "s"},
          {"RA_SUB", "1D", "deg"},
          {"DEC_SUB", "1D", "deg"},
          {"N_VALID", "1J", ""},
          {"DAT_FREQ", n(n_chan, 'D'), "MHz"},
          {"DAT_WTS", n(n_chan, 'E'), ""},
          {"DAT_OFFS", n(n_value, 'E'), ""},
          {"DAT_SCL", n(n_value, 'E'), ""},
          {"DATA", data, "Jy"}};
}

void PsrfitsLayout::create_tables(const FitsFile& file, std::int64_t rows_n_time, std::int64_t first_sample) {
  rows_n_time_ = rows_n_time;
  first_sample_ = first_sample;
  put_primary(file);
  create_subint(file);
  put_subint_keywords(file);
}

void PsrfitsLayout::put_primary(const FitsFile& file) const {
  int status = 0;
  fits_create_img(file.get(), BYTE_IMG, 0, nullptr, &status);
  fits_write_date(file.get(), &status);
  file.check(status, "write its header");
  const bool is_fast = telescope_id_of(info_.telescope) == telescope_id_of("FAST");
  Keywords keys(file);
  keys.put("HDRVER", "6.1", "Header version");
  keys.put("FITSTYPE", "PSRFITS", "FITS definition for pulsar data files");
  keys.put("OBSERVER", "*", "Observer name(s)");
  keys.put("PROJID", "*", "Project name");
  keys.put("TELESCOP", known(info_.telescope), "Telescope name");
  keys.put("ANT_X", is_fast ? -1668557.0 : 0.0, "[m] Antenna ITRF X-coordinate");
  keys.put("ANT_Y", is_fast ? 5506838.0 : 0.0, "[m] Antenna ITRF Y-coordinate");
  keys.put("ANT_Z", is_fast ? 2744934.0 : 0.0, "[m] Antenna ITRF Z-coordinate");
  keys.put("FRONTEND", is_fast ? "19BEAM" : "*", "Receiver ID");
  if (info_.beam != 0) keys.put("IBEAM", info_.beam, "Beam ID for multibeam systems");
  keys.put("NRCVR", 2, "Number of receiver polarisation channels");
  keys.put("FD_POLN", !info_.feed.empty() ? info_.feed : is_fast ? "LIN" : "*", "LIN or CIRC");
  keys.put("FD_HAND", 1, "+/- 1. +1 is LIN:A=X,B=Y, CIRC:A=L,B=R (I)");
  keys.put("FD_SANG", 0.0, "[deg] FA of E vect for equal sig in A&B");
  keys.put("FD_XYPH", 0.0, "[deg] Phase of A^* B for injected cal");
  keys.put("BACKEND", known(info_.backend), "Backend ID");
  keys.put("BECONFIG", "*", "Backend configuration file name");
  keys.put("BE_PHASE", 0, "0/+1/-1 BE cross-phase:0 unknown,+/-1 std/rev");
  keys.put("BE_DCC", 0, "0/1 BE downconversion conjugation corrected");
  keys.put("BE_DELAY", 0.0, "[s] Backend propn delay from digitiser input");
  keys.put("TCYCLE", 0.0, "[s] On-line cycle time");
  keys.check();
  put_observation(file);
}

void PsrfitsLayout::put_observation(const FitsFile& file) const {
  const double band_mhz = info_.n_chan * info_.channel_width_mhz;
  const Mjd start = info_.start.plus_seconds(time_s(0.0));
  const SkyPosition pointing = info_.pointing_at(time_s(0.0));
  const std::string ra = sexagesimal(pointing.ra_deg / 15.0, false),
                    dec = sexagesimal(pointing.dec_deg, true);
  const double whole_s = std::floor(start.second);
  Keywords keys(file);
  keys.put("OBS_MODE", "SEARCH", "(PSR, CAL, SEARCH)");
  keys.put("DATE-OBS", iso_time_ms(start), "Date of observation (YYYY-MM-DDThh:mm:ss UTC)");
  keys.put("OBSFREQ", 0.5 * (info_.freq_low_mhz + info_.ref_freq_mhz()),
           "[MHz] Centre frequency for observation");
  keys.put("OBSBW", format_.channels_descending ? -band_mhz : band_mhz, "[MHz] Bandwidth for observation");
  keys.put("OBSNCHAN", info_.n_chan, "Number of frequency channels (original)");
  keys.put("CHAN_DM", info_.coherent_dm_pc_cm3, "[cm-3 pc] DM used for on-line dedispersion");
  keys.put("SRC_NAME", known(info_.source_name), "Source or scan ID");
  keys.put("COORD_MD", "J2000", "Coordinate mode (J2000, GALACTIC, ECLIPTIC)");
  keys.put("EQUINOX", 2000.0, "Equinox of coords (e.g. 2000.0)");
  keys.put("RA", ra, "Right ascension (hh:mm:ss.ssss)");
  keys.put("DEC", dec, "Declination (-dd:mm:ss.sss)");
  keys.put("BMAJ", 0.0, "[deg] Beam major axis length");
  keys.put("BMIN", 0.0, "[deg] Beam minor axis length");
  keys.put("BPA", 0.0, "[deg] Beam position angle");
  keys.put("STT_CRD1", ra, "Start coord 1 (hh:mm:ss.sss or ddd.ddd)");
  keys.put("STT_CRD2", dec, "Start coord 2 (-dd:mm:ss.sss or -dd.ddd)");
  keys.put("TRK_MODE", "*", "Track mode (TRACK, SCANGC, SCANLAT)");
  keys.put("STP_CRD1", ra, "Stop coord 1 (hh:mm:ss.sss or ddd.ddd)");
  keys.put("STP_CRD2", dec, "Stop coord 2 (-dd:mm:ss.sss or -dd.ddd)");
  keys.put("SCANLEN", 0.0, "[s] Scan length");
  keys.put("FD_MODE", "FA", "Feed track mode - FA, CPA, SPA, TPA");
  keys.put("FA_REQ", 0.0, "[deg] Feed/Posn angle requested");
  keys.put("CAL_MODE", "*", "Cal mode (OFF, SYNC, EXT1, EXT2)");
  keys.put("CAL_FREQ", 0.0, "[Hz] Cal modulation frequency");
  keys.put("CAL_DCYC", 0.0, "Cal duty cycle");
  keys.put("CAL_PHS", 0.0, "Cal phase (wrt start time)");
  keys.put("STT_IMJD", start.day, "Start MJD (UTC days)");
  keys.put("STT_SMJD", static_cast<std::int64_t>(whole_s), "[s] Start time (sec past UTC 00h)");
  keys.put("STT_OFFS", start.second - whole_s, "[s] Start time offset");
  keys.put("STT_LST", 0.0, "[s] Start LST");
  keys.check();
}

void PsrfitsLayout::create_subint(const FitsFile& file) const {
  auto all = columns();
  std::vector<char*> names, forms, units;
  for (auto& column : all) {
    names.push_back(column.name.data());
    forms.push_back(column.form.data());
    units.push_back(column.unit.data());
  }
  char name[] = "SUBINT";
  const int n_column = static_cast<int>(all.size());
  int status = 0;
  fits_create_tbl(file.get(), BINARY_TBL, 0, n_column, names.data(), forms.data(), units.data(), name,
                  &status);
  file.check(status, "create table SUBINT");
  Keywords keys(file);
  const std::int64_t row_of_channels_bits = std::int64_t{info_.n_chan} * format_.n_bits;
  if (format_.n_bits >= 8 || row_of_channels_bits % 8 == 0) {
    const std::int64_t n = format_.n_bits >= 8 ? info_.n_chan : row_of_channels_bits / 8;
    keys.put(fmt::format("TDIM{}", n_column).c_str(),
             fmt::format("(1,{},{},{})", n, info_.n_pol, rows_n_time_),
             "(NBIN, NCHAN, NPOL, NSBLK), NCHAN in packed bytes");
  }
  if (flips_top_bit(format_)) {
    keys.put(fmt::format("TZERO{}", n_column).c_str(), std::int64_t{32768}, "offset for unsigned integers");
    keys.put(fmt::format("TSCAL{}", n_column).c_str(), 1, "data are not scaled");
  }
  keys.check();
}

void PsrfitsLayout::put_subint_keywords(const FitsFile& file) const {
  const double width = info_.channel_width_mhz;
  Keywords keys(file);
  keys.put("INT_TYPE", "TIME", "Time axis (TIME, BINPHSPERI, BINLNGASC, etc)");
  keys.put("INT_UNIT", "SEC", "Unit of time axis (SEC, PHS (0-1), DEG)");
  keys.put("SCALE", "FluxDen", "Intensity units (FluxDen/RefFlux/Jansky)");
  keys.put("POL_TYPE", pol_type_name(format_.pol_kind), "Polarisation identifier (e.g., AABBCRCI, AA+BB)");
  keys.put("NPOL", info_.n_pol, "Nr of polarisations");
  keys.put("TBIN", info_.sample_time_s, "[s] Time per bin or sample");
  keys.put("NBIN", 1, "Nr of bins (PSR/CAL mode; else 1)");
  keys.put("NBIN_PRD", 0, "Nr of bins/pulse period (for gated data)");
  keys.put("PHS_OFFS", 0.0, "Phase offset of bin 0 for gated data");
  keys.put("NBITS", format_.n_bits, "Nr of bits/datum (SEARCH mode data, else 1)");
  keys.put("ZERO_OFF", format_.zero_offset, "Zero offset for SEARCH-mode data");
  keys.put("SIGNINT", format_.is_signed ? 1 : 0, "1 for signed ints in SEARCH-mode data, else 0");
  keys.put("NSUBOFFS", 0, "Subint offset (Contiguous SEARCH-mode files)");
  keys.put("NCHAN", info_.n_chan, "Number of channels/sub-bands in this file");
  keys.put("CHAN_BW", format_.channels_descending ? -width : width, "[MHz] Channel/sub-band width");
  keys.put("DM", 0.0, "[cm-3 pc] DM for post-detection dedisperion");
  keys.put("RM", 0.0, "[rad m-2] RM for post-detection deFaraday");
  keys.put("NCHNOFFS", 0, "Channel/sub-band offset for split files");
  keys.put("NSBLK", rows_n_time_, "Samples/row (SEARCH mode, else 1)");
  keys.put("NSTOT", 0, "Total number of samples (SEARCH mode, else 1)");
  keys.check();
}

void PsrfitsLayout::write_row(const FitsFile& file, std::int64_t row, const PsrfitsRow& content) {
  const std::int64_t n_chan = info_.n_chan, n_value = n_chan * info_.n_pol;
  const CalibrationSpan& calibration = content.calibration;
  check_length(calibration.weight, n_chan, "weights");
  check_length(calibration.scale, n_value, "scales");
  check_length(calibration.offset, n_value, "offsets");
  const std::int64_t tables_bytes = 4 * 8 + 4 + n_chan * (8 + 4) + n_value * 8;
  row_bytes_.assign(static_cast<std::size_t>(tables_bytes + rows_n_time_ * spectrum_bytes()), 0);
  std::uint8_t* to = row_bytes_.data();
  put_big_endian(to, static_cast<double>(rows_n_time_) * info_.sample_time_s);
  put_big_endian(to, (static_cast<double>(content.begin) + 0.5 * static_cast<double>(rows_n_time_)) *
                         info_.sample_time_s);
  const double middle = static_cast<double>(content.begin) + 0.5 * static_cast<double>(content.n_valid);
  const SkyPosition pointing = info_.pointing_at(time_s(middle));
  put_big_endian(to, pointing.ra_deg);
  put_big_endian(to, pointing.dec_deg);
  put_big_endian(to, static_cast<std::int32_t>(content.n_valid));
  for (std::int64_t c = 0; c < n_chan; ++c)
    put_big_endian(to, info_.freq_mhz(format_.channels_descending ? n_chan - 1 - c : c));
  put_floats(to, calibration.weight, 1.0f, n_chan);
  put_floats(to, calibration.offset, 0.0f, n_value);
  put_floats(to, calibration.scale, 1.0f, n_value);
  put_samples(to, content.samples, content.n_valid * spectrum_bytes(), rows_n_time_ * spectrum_bytes(),
              format_);
  int status = 0;
  fits_write_tblbytes(file.get(), row + 1, 1, std::ssize(row_bytes_), row_bytes_.data(), &status);
  file.check(status, fmt::format("write row {}", row + 1));
}

void PsrfitsLayout::finish_headers(FitsFile& file, std::int64_t n_valid, std::int64_t n_time) const {
  Keywords table(file);
  table.put("NSTOT", n_valid, "Total number of samples (SEARCH mode, else 1)");
  table.check();
  file.move_to(1);
  Keywords primary(file);
  primary.put("SCANLEN", static_cast<double>(n_time) * info_.sample_time_s, "[s] Scan length");
  const SkyPosition stop = info_.pointing_at(time_s(static_cast<double>(n_time)));
  primary.put("STP_CRD1", sexagesimal(stop.ra_deg / 15.0, false), "Stop coord 1 (hh:mm:ss.sss or ddd.ddd)");
  primary.put("STP_CRD2", sexagesimal(stop.dec_deg, true), "Stop coord 2 (-dd:mm:ss.sss or -dd.ddd)");
  primary.check();
}

}  // namespace tianyan
