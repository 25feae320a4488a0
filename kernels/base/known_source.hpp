// A pulsar or a repeating burst that others have published.
#pragma once
#include <limits>
#include <string>
#include <vector>

#include "kernels/base/sky.hpp"

namespace tianyan {

/// NaN: not known.
struct KnownSource {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  std::string name;  ///< "B0531+21", "FRB 20121102A"
  std::vector<std::string> other_names;
  SkyPosition position;  ///< at the catalogue's epoch; proper motion is not applied
  double pos_err_deg = kUnknown;
  double dm_pc_cm3 = kUnknown;
  double dm_err_pc_cm3 = kUnknown;
  double period_s = kUnknown;    ///< barycentric, at epoch_mjd
  double period_dot = kUnknown;  ///< s / s
  double epoch_mjd = kUnknown;
  bool is_binary = false;  ///< its period as seen here changes within hours
};

}  // namespace tianyan
