// Units and constants of the field, each said once.
#pragma once
#include <cstdint>
#include <numbers>

namespace tianyan {

/// Dispersion constant, s MHz^2 cm^3 / pc: the pulsar community's 1/2.41e-4 (Manchester & Taylor 1972), as
/// used by PRESTO, tempo and the catalogues. Every output states it.
inline constexpr double kDispersionConstant = 1.0 / 2.41e-4;

inline constexpr double kSecondsPerDay = 86400.0;

inline constexpr double kRadPerDeg = std::numbers::pi / 180.0;
inline constexpr double kArcminPerDeg = 60.0;
inline constexpr double kArcsecPerDeg = 3600.0;

/// FWHM of a Gaussian in units of its sigma: 2 sqrt(2 ln 2).
inline constexpr double kFwhmPerSigma = 2.3548200450309493;

/// 1/f^2, 1/MHz^2: a dispersed pulse is a straight line in it.
constexpr double inverse_square(double freq_mhz) { return 1.0 / (freq_mhz * freq_mhz); }

/// Arrival at `freq_mhz` after arrival at `ref_freq_mhz`, seconds: K DM (f^-2 - f_ref^-2).
constexpr double dispersion_delay_s(double dm_pc_cm3, double freq_mhz, double ref_freq_mhz) {
  return kDispersionConstant * dm_pc_cm3 * (inverse_square(freq_mhz) - inverse_square(ref_freq_mhz));
}

/// An instant as whole days and seconds of that day: a double MJD alone is good to 1 us only.
struct Mjd {
  std::int64_t day = 0;
  double second = 0.0;

  double value() const { return static_cast<double>(day) + second / kSecondsPerDay; }
  double seconds_since(const Mjd& other) const {
    return static_cast<double>(day - other.day) * kSecondsPerDay + (second - other.second);
  }
  /// Later by `seconds`, with `second` brought back into [0, 86400).
  Mjd plus_seconds(double seconds) const;
};

/// TAI - UTC at the beginning of a day, seconds, by ERFA's table; days after it was made are taken to have no
/// new leap second. Throws std::invalid_argument for a day that no date fits.
double tai_minus_utc_s(std::int64_t mjd_day);

}  // namespace tianyan
