// Simulated voltages: receiver noise and pulses dispersed by the medium's own transfer function, for formats
// that a VoltageSink writes.
//
// A component of sample t of coarse channel c and polarisation p, in levels, is
//
//   v[c][p][t] = round(sigma (noise[c][p][t] + 2^(1/2) sum_pulses pulse[c][p][t]))   complex
//   v[c][p][t] = round(sigma (noise[c][p][t] + sum_pulses pulse[c][p][t]))           real samples
//
// clipped to the signed range of voltages.n_bits, noise white Gaussian of variance 1, pulse that of
// kernels/voltage_pulse.hpp: its width is the FWHM of its power, its time the arrival at the band's upper
// edge, its S/N that of the optimal filter before rounding. Polarisations, coarse channels and beams have
// noise of their own, that of the pulses too: they are unpolarised, and are not the same voltages in two
// beams. Two bits are rounded to -2, -1, 0, 1, whose mean is not quite 0: -0.07 sigma.
//
// Memory: 32 MiB of samples, or 4096 of every stream where that is more; a pulse in each stream that it is in
// at the time, 8 bytes a complex sample, from when the scan comes to it until it has passed; and 16 bytes a
// sample of one pulse for each thread while they are made. It does not grow with the scan.
#pragma once
#include <string>
#include <vector>

#include "kernels/base/voltage_info.hpp"
#include "pipeline/simulate.hpp"

namespace tianyan {

/// Any format that is not of spectra: "voltages.h5", or the extension of a VoltageSink, "raw" or "dada".
bool is_voltage_format(const std::string& format);

VoltageInfo voltage_scan_info(const ScanSpec& spec, int beam);
VoltageFormat voltage_scan_format(const ScanSpec& spec);

/// A line for each thing of [voltages] that is wrong, or that was set but voltages do not have: lines and
/// impulses among them. Keys are known to be set where they differ from their defaults.
void check_voltage_table(const ScanSpec& spec, std::vector<std::string>& problems);
/// The same for pulses that a coarse channel cannot hold; of a spec that is otherwise right.
void check_voltage_pulses(const ScanSpec& spec, std::vector<std::string>& problems);

/// What simulate_scan() does for such a format; the spec is checked. A format that holds several beams makes
/// one file, DIR/<source>_voltages.h5, the others one a beam. Throws std::invalid_argument where no sink
/// writes the format.
std::vector<std::string> simulate_voltages(const ScanSpec& spec, const std::string& dir,
                                           const SimulateOptions& options);

}  // namespace tianyan
