// Fields of a VDIF header, and its time.
#include "io/vdif_header.hpp"

#include <chrono>
#include <cmath>

namespace tianyan {
namespace {

constexpr std::uint32_t kSyncWord = 0xacabfeed;
constexpr std::int64_t kUnixEpochMjd = 40587;

std::uint32_t word(const unsigned char* bytes, int i) {
  std::uint32_t value = 0;
  for (int k = 3; k >= 0; --k) value = value << 8 | bytes[4 * i + k];
  return value;
}

/// `n` bits of a word from bit `first`, counted from the lowest.
int field(std::uint32_t word, int first, int n) {
  return static_cast<int>(word >> first & ((std::uint32_t{1} << n) - 1));
}

double extended_rate_hz(const VdifHeader& header, std::uint32_t rate_word) {
  const double unit_hz = field(rate_word, 23, 1) ? 1e6 : 1e3;
  return field(rate_word, 0, 23) * unit_hz * (header.is_complex ? 1.0 : 2.0);
}

/// True where a mask of channels says that some are not valid.
bool masks_channels(const unsigned char* bytes) {
  const int n = field(word(bytes, 4), 16, 8);
  const std::uint64_t mask = std::uint64_t{word(bytes, 7)} << 32 | word(bytes, 6);
  if (n == 0 || n > 64) return false;
  const std::uint64_t all = ~std::uint64_t{0} >> (64 - n);
  return (mask & all) != all;
}

void parse_extension(const unsigned char* bytes, VdifHeader& header) {
  header.edv = field(word(bytes, 4), 24, 8);
  if (word(bytes, 5) != kSyncWord) return;
  if (header.edv == 1 || header.edv == 3) header.sample_rate_hz = extended_rate_hz(header, word(bytes, 4));
  if (header.edv == 4) header.is_invalid |= masks_channels(bytes);
}

std::int64_t leap_seconds(std::int64_t mjd) { return std::llround(tai_minus_utc_s(mjd)); }

}  // namespace

VdifHeader parse_vdif_header(const unsigned char* bytes) {
  const std::uint32_t w0 = word(bytes, 0), w1 = word(bytes, 1), w2 = word(bytes, 2), w3 = word(bytes, 3);
  VdifHeader header;
  header.is_invalid = field(w0, 31, 1) != 0;
  header.is_legacy = field(w0, 30, 1) != 0;
  header.second = field(w0, 0, 30);
  header.unassigned = field(w1, 30, 2);
  header.epoch = field(w1, 24, 6);
  header.frame = field(w1, 0, 24);
  header.version = field(w2, 29, 3);
  header.log2_chan = field(w2, 24, 5);
  header.frame_bytes = std::int64_t{8} * field(w2, 0, 24);
  header.is_complex = field(w3, 31, 1) != 0;
  header.n_bits = field(w3, 26, 5) + 1;
  header.thread = field(w3, 16, 10);
  header.station = field(w3, 0, 16);
  header.edv = -1;
  if (!header.is_legacy) parse_extension(bytes, header);
  return header;
}

bool is_plausible(const VdifHeader& header) {
  return header.unassigned == 0 && header.version <= 1 && header.sample_bits() <= 8 * header.payload_bytes();
}

bool same_recording(const VdifHeader& a, const VdifHeader& b) {
  return a.is_legacy == b.is_legacy && a.unassigned == b.unassigned && a.epoch == b.epoch &&
         a.version == b.version && a.log2_chan == b.log2_chan && a.frame_bytes == b.frame_bytes &&
         a.is_complex == b.is_complex && a.n_bits == b.n_bits && a.station == b.station && a.edv == b.edv;
}

Mjd vdif_time(int epoch, std::int64_t second) {
  const std::chrono::year_month_day date{std::chrono::year{2000 + epoch / 2},
                                         std::chrono::month{epoch % 2 == 0 ? 1u : 7u}, std::chrono::day{1}};
  const std::int64_t day = kUnixEpochMjd + std::chrono::sys_days{date}.time_since_epoch().count();
  const Mjd reference{day, 0.0};
  const auto at = [&](std::int64_t leaps) {
    return reference.plus_seconds(static_cast<double>(second - (leaps - leap_seconds(day))));
  };
  // Those that fell before the time as it is without them; within seconds after one that is one too many.
  const Mjd first = at(leap_seconds(at(leap_seconds(day)).day));
  return at(leap_seconds(first.day));
}

}  // namespace tianyan
