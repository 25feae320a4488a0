// Limits of what a header of voltages may say.
#include "kernels/base/voltage_info.hpp"

#include <cmath>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr int kMaxCoarse = 1 << 16;
constexpr double kCriticalTolerance = 1e-3;

}  // namespace

bool is_known(const VoltageFormat& format) {
  if (format.code == VoltageCode::kFourLevel) return format.n_bits == 2;
  return format.n_bits == 2 || format.n_bits == 4 || format.n_bits == 8 || format.n_bits == 16;
}

void check_voltage_header(const VoltageInfo& info, const VoltageFormat& format, const std::string& file) {
  require(info.n_coarse >= 1 && info.n_coarse <= kMaxCoarse, "{}: {} coarse channels; 1 to {} are possible",
          file, info.n_coarse, kMaxCoarse);
  require(info.n_pol == 1 || info.n_pol == 2, "{}: {} polarisations of voltages; 1 or 2 are possible", file,
          info.n_pol);
  require(is_known(format), "{}: voltages of {} bits; 2, 4, 8 and 16 are known", file, format.n_bits);
  require(std::isfinite(info.coarse_width_mhz) && info.coarse_width_mhz > 0.0 && info.coarse_width_mhz <= 1e5,
          "{}: a coarse channel of {} MHz; its width must be positive and below 1e5", file,
          info.coarse_width_mhz);
  require(std::isfinite(info.sample_time_s) && info.sample_time_s > 0.0 && info.sample_time_s <= 1.0,
          "{}: sample time {} s; it must be positive and at most 1", file, info.sample_time_s);
  const double ratio = info.coarse_width_mhz * 1e6 * info.sample_time_s * (format.is_complex ? 1.0 : 2.0);
  require(std::abs(ratio - 1.0) <= kCriticalTolerance,
          "{}: coarse channels of {} MHz, of {} samples every {} s: only critical sampling is known, {} s",
          file, info.coarse_width_mhz, format.is_complex ? "complex" : "real", info.sample_time_s,
          info.sample_time_s / ratio);
  require(std::isfinite(info.band_low_mhz) && info.band_low_mhz >= 0.0 && info.band_high_mhz() <= 1e6,
          "{}: a band from {} to {} MHz; it must lie between 0 and 1e6", file, info.band_low_mhz,
          info.band_high_mhz());
  require(info.n_time >= 0, "{}: {} samples", file, info.n_time);
}

}  // namespace tianyan
