// The data behind a detection's plot: its part of the scan, read again, conditioned by the same windows, and
// binned.
#pragma once
#include <string>

#include "io/source.hpp"
#include "kernels/base/candidate.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

/// Reads the windows around the candidate and writes its page. `id` becomes the title. Throws
/// std::runtime_error where the file cannot be read or the page not written.
void plot_detection(const std::string& path, const Config& config, Source& source, const Candidate& candidate,
                    const std::string& id, int n_threads);

}  // namespace tianyan
