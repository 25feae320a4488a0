// Catalogues of known sources, whatever they are written in.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/known_source.hpp"

namespace tianyan {

struct Catalogue {
  std::vector<KnownSource> sources;  ///< in the file's order
  std::int64_t n_skipped = 0;        ///< rows that no source was made of, though they are no repetition
  std::int64_t n_repeated = 0;       ///< rows of a name that an earlier row has: the earlier one stays
  std::vector<std::string> notes;    ///< "PATH:LINE: J0002+6216 has no DM", at most 5, then how many more
};

/// Reads by content, not by name:
///   ATNF database  psrcat.db: lines "KEY value error reference", records that end in "@-----".
///   Columns        with a line of column names: ECSV; psrcat's CSV ("#;NAME;PSRJ;RAJ;DECJ;DM;", the line of
///                  units below it, with errors and references or without); FRB lists in CSV or tabs, such as
///                  CHIME/FRB's catalogue 1, FRBCAT's and TNS's.
/// Columns are found by name, in upper or lower case, the first of each list that a row has a value for:
///   name         repeater_name, repeater_of_objid, name, psrb, psrj, jname, bname, frb_name, tns_name, tns,
///                frb, source, source_name, other_name; those after the first are other names
///   position     raj, ra, ra_deg, rajd, rop_raj; decj, dec, de, dec_deg, decjd, decl, rop_decj; else elong
///                and elat (ecliptic, degrees)
///   its error    pos_err_deg; else ra_err with dec_err or decl_err: "25 arcmin", or degrees where the
///                position is in plain degrees; those of RAJ and DECJ in the ATNF database
///   DM           dm, dm_pc_cm3, dm_fitb, bonsai_dm, rmp_dm; errors dm_err, dm_error, dm_err_pc_cm3,
///                dm_fitb_err, rmp_dm_error
///   rotation     p0, period_s, period, or f0; p1, period_dot, or f1; pepoch, epoch_mjd
///   binary       binary: any text but "0", "false" and none
/// Right ascension is in hours where it is sexagesimal ("05:34:31.97", "05:34", also with blanks or letters)
/// or its column's unit says h, hours or hourangle; else in degrees; declination is in degrees. Nothing, "*",
/// "-9999", "nan", "null" and "--" are missing values.
///
/// A row without a name, position or DM, or with values that are none (ra outside [0, 360], |dec| > 90, DM
/// not in (0, 1e5), period not positive) is skipped, counted and noted. Throws std::runtime_error
/// "PATH:LINE: what" where the file cannot be read, is none of these or has no columns for names, positions
/// and DMs; not for single rows.
Catalogue read_catalogue(const std::string& path);

}  // namespace tianyan
