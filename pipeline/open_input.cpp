// Opening of spectra and voltages.
#include "pipeline/open_input.hpp"

#include "pipeline/channelized_source.hpp"
#include "pipeline/reopened_source.hpp"

namespace tianyan {

VoltageHints hints_of(const VoltagesConfig& config) {
  return {config.sample_rate_hz, config.band_low_mhz, config.n_pol, config.lower_sideband};
}

std::unique_ptr<VoltageSource> open_sky_voltages(const BeamInput& input, const Config& config) {
  auto voltages = open_voltages(input.paths, input.beam, hints_of(config.voltages));
  expect(voltages->info().band_low_mhz > 0.0,
         "{}: the header does not say the sky frequency: set voltages.band_low_mhz to the lower edge of the "
         "band",
         input.paths.front());
  return voltages;
}

std::unique_ptr<Source> open_input(const BeamInput& input, const Config& config) {
  return std::make_unique<ReopenedSource>([input, config]() -> std::unique_ptr<Source> {
    if (!input.is_voltage) return open_series(input.paths);
    ChannelizeConfig channelize = config.channelize;
    channelize.products = "intensity";
    return std::make_unique<ChannelizedSource>(open_sky_voltages(input, config), channelize);
  });
}

}  // namespace tianyan
