// Where radio telescopes stand.
#pragma once
#include <array>
#include <string>
#include <string_view>

namespace tianyan {

/// A telescope's reference point; an error of 300 m is 1 us of arrival time.
struct Site {
  std::string_view name;
  std::array<double, 3> itrf_m;  ///< geocentric x, y, z
};

/// The telescope that a header calls `telescope`, whatever its case: its name or one of its common names
/// ("Murriyang", "Lovell"), its tempo code ("k") or its two letters of ITOA files ("FA"). nullptr where
/// unknown: there is no default.
/// Sources: tempo2's observatories.dat, but FAST as tempo and PINT have it (1 m from tempo2's) and ASKAP from
/// the observatory's own configuration (its antenna ak01, within 6 km of all others: 20 us at most).
const Site* find_site(const std::string& telescope);

}  // namespace tianyan
