// A beam's input as a source of spectra, whether spectra or voltages were recorded.
#pragma once
#include <memory>

#include "io/source.hpp"
#include "io/voltage_source.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

VoltageHints hints_of(const VoltagesConfig& config);

/// Voltages whose frequency on the sky is known, by header or config. Throws as open_input().
std::unique_ptr<VoltageSource> open_sky_voltages(const BeamInput& input, const Config& config);

/// Spectra as recorded, or intensities made of voltages as the config says; opened anew after a read that
/// failed. Throws std::runtime_error where a
/// file cannot be read, std::invalid_argument where the config does not fit the voltages.
std::unique_ptr<Source> open_input(const BeamInput& input, const Config& config);

}  // namespace tianyan
