// Times of detections at the barycentre, and whether pulses of known pulsars keep their pulsar's time.
#pragma once
#include <vector>

#include "kernels/base/known_source.hpp"
#include "pipeline/config.hpp"
#include "pipeline/sift.hpp"

namespace tianyan {

/// Barycentric times at infinite frequency where site, position and the calendar allow; once DMs and times
/// are final. Why there are none is a remark, said once. Pulses of known pulsars that are out of phase, or in
/// it, get a reason that says so.
void finish_times(const SiftConfig& config, const std::vector<KnownSource>& known, Sifted& sifted);

}  // namespace tianyan
