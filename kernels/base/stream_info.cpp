// Sanity of headers: the one place that says what a believable one is.
#include "kernels/base/stream_info.hpp"

#include <cmath>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr int kMaxChannels = 1 << 20;
constexpr std::int64_t kMaxSpectrumBytes = std::int64_t{1} << 26;

int pols_of(PolKind kind) { return kind == PolKind::kIntensity ? 1 : kind == PolKind::kAaBb ? 2 : 4; }

bool known_bits(const SampleFormat& f) {
  for (int bits : {1, 2, 4, 8, 16})
    if (f.n_bits == bits) return !f.is_float;
  return f.n_bits == 32 && f.is_float;
}

}  // namespace

void StreamInfo::take_track(const SkyTrack& moving) {
  if (!moves(moving)) return;
  track = thinned(moving);
  ra_deg = pointing_at(0.0).ra_deg;
  dec_deg = pointing_at(0.0).dec_deg;
}

StreamInfo part_of(StreamInfo info, const SampleRange& range) {
  const double begin_s = static_cast<double>(range.begin) * info.sample_time_s;
  const auto pointing = info.pointing_at(begin_s);
  info.n_time = range.end - range.begin;
  info.start = info.start.plus_seconds(begin_s);
  info.ra_deg = pointing.ra_deg;
  info.dec_deg = pointing.dec_deg;
  info.track = since(std::move(info.track), begin_s);
  return info;
}

void check_header(const StreamInfo& info, const SampleFormat& format, const std::string& file) {
  require(info.n_chan >= 1 && info.n_chan <= kMaxChannels, "{}: {} channels; 1 to {} are possible", file,
          info.n_chan, kMaxChannels);
  require(known_bits(format), "{}: samples of {} bits{}; 1, 2, 4, 8, 16 and float 32 are known", file,
          format.n_bits, format.is_float ? " (float)" : "");
  require(info.n_pol == pols_of(format.pol_kind),
          "{}: {} polarisations do not fit the kind of polarisation, {}", file, info.n_pol,
          pols_of(format.pol_kind));
  require(std::int64_t{info.n_pol} * info.n_chan * format.n_bits % 8 == 0,
          "{}: a spectrum of {} x {} samples of {} bits is not a whole number of bytes", file, info.n_pol,
          info.n_chan, format.n_bits);
  require(spectrum_bytes(info, format) <= kMaxSpectrumBytes,
          "{}: a spectrum of {} bytes; at most {} are possible", file, spectrum_bytes(info, format),
          kMaxSpectrumBytes);
  require(std::isfinite(info.sample_time_s) && info.sample_time_s >= 1e-9 && info.sample_time_s <= 100.0,
          "{}: sample time {} s; 1e-9 to 100 are possible", file, info.sample_time_s);
  require(
      std::isfinite(info.channel_width_mhz) && info.channel_width_mhz > 0.0 && info.channel_width_mhz <= 1e5,
      "{}: channel width {} MHz; it must be positive and below 1e5", file, info.channel_width_mhz);
  require(std::isfinite(info.freq_low_mhz) && info.freq_low_mhz > 0.0 && info.ref_freq_mhz() <= 1e6,
          "{}: frequencies {} to {} MHz; they must lie between 0 and 1e6", file, info.freq_low_mhz,
          info.ref_freq_mhz());
  require(info.n_time >= 0, "{}: {} spectra", file, info.n_time);
}

}  // namespace tianyan
