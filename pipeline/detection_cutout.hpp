// The data behind a detection's plot: its part of the scan, read again, conditioned by the same windows, and
// binned.
#pragma once
#include <string>

#include "io/source.hpp"
#include "kernels/base/candidate.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

/// Reads the windows around the candidate and writes its page. `mask_file` is the beam's given mask, or
/// empty; what other beams said of the windows is not asked again. `id` becomes the title. Throws
/// std::runtime_error where a file cannot be read or the page not written.
void plot_detection(const std::string& path, const Config& config, Source& source,
                    const std::string& mask_file, const Candidate& candidate, const std::string& id,
                    int n_threads);

}  // namespace tianyan
