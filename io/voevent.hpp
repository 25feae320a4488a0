// VOEvent 2.0: one alert of one burst, with the groups and names of the FRB standard (Petroff et al. 2017,
// arXiv:1710.08155).
#pragma once
#include <cstddef>
#include <string>

#include "kernels/base/detection.hpp"

namespace tianyan {

/// The alert of detection `index` as text, valid by VOEvent-v2.0.xsd. What is not known is left out: a Param
/// without a value, a group without a Param, the position of a beam that has no pointing.
///   - ivorn: ivo://AUTHORITY#FRBYYMMDDhhmm/MJD, both of the arrival (UTC). With its 12 decimals the MJD
///     tells events of one minute apart; should the list have another before it at the same 0.1 us, "/2",
///     "/3", ... is appended. The standard's MJD, and its Who/Date, are when the alert is made: with the
///     arrival, two runs over the same data write the same bytes under the same name, so a repeated alert is
///     seen to be one. Who/Date is left for the sender to fill in.
///   - role: "test", until an authority other than "example/..." is configured; then "observation".
///   - ISOTime is the arrival at the telescope, at the centre of the highest channel; the standard says
///     UTC-FK5-GEO of it, and a Description here tells the difference.
///   - Error2Radius, which the schema demands beside a position, is NaN where it is not known.
///   - The beam is taken as round: its semi-axes are half the FWHM, its angle is the receiver's rotation.
///   - dispersion_smearing: 2 K DM bandwidth / n_chan / centre^3, within the channel at the band's centre.
///   - importance: snr / (snr + 10): 1/2 at an S/N of 10, never 1.
///   - MW_dm_limit, galactic_electron_model and redshift_inferred need a model of the Galaxy's electrons,
///     which this program has not.
/// Throws std::invalid_argument for an index outside the list, or an authority that is no "inst/instr".
std::string format_voevent(const DetectionList& list, std::size_t index);

}  // namespace tianyan
