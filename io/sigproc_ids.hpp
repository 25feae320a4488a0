// What SIGPROC headers, and FBH5's which follow them, store as numbers: telescopes, backends, positions.
#pragma once
#include <string>

#include "kernels/base/stream_info.hpp"

namespace tianyan {

/// Name of a telescope_id; "" for 0, "telescope_id 99" for one that is not in the list. Sources: SIGPROC,
/// PRESTO.
std::string telescope_name(int telescope_id);
/// The reverse, in any case of letters; 0 where the name is not known.
int telescope_id_of(const std::string& name);

/// Name of a machine_id; "" for 0, "machine_id 99" for one that is not in the list.
std::string machine_name(int machine_id);
int machine_id_of(const std::string& name);

/// 123456.789 as 12 34 56.789 in its own unit (hours or degrees); NaN where minutes or seconds reach 60.
double unpack_sexagesimal(double packed);
/// The reverse; seconds are rounded to 1e-6, so that they never read 60.
double pack_sexagesimal(double value);

/// "AABBCRCI" and the like, as PSRFITS' POL_TYPE says it.
std::string pol_type_name(PolKind kind);

/// What SIGPROC's few keywords cannot hold is stated in the free text of `rawdatafile`, which readers skip:
/// "tianyan:POL_TYPE=AABBCRCI;BACKEND=ROACH2", at most 79 characters.
std::string make_statement(const StreamInfo& info, const SampleFormat& format);
/// The value of one key of such a statement; "" where there is none.
std::string stated(const std::string& statement, const std::string& key);

}  // namespace tianyan
