// Where the rows of a PSRFITS file lie in time: contiguous, with gaps, or with rows that say nothing.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tianyan {

/// What the file says of its rows.
struct RowTimes {
  std::string file;
  double sample_time_s = 0.0;
  std::int64_t rows_n_time = 0;       ///< NSBLK
  std::int64_t rows_before = 0;       ///< NSUBOFFS
  std::vector<double> middle_s;       ///< OFFS_SUB: middle of a full row since STT_*; 0 or NaN says nothing
  std::vector<std::int64_t> n_valid;  ///< spectra of each row that count, from its first
};

struct PlacedRow {
  std::int64_t row = 0;
  std::int64_t first_sample = 0;
  std::int64_t n_time = 0;
};

struct RowTimeline {
  std::vector<PlacedRow> rows;  ///< in order; what lies between them is a gap
  std::int64_t n_time = 0;
  double start_s = 0.0;  ///< of the first sample, since STT_*
  std::int64_t gap_samples = 0, n_gaps = 0;
  std::vector<std::string> notes;
};

/// Rows follow each other unless OFFS_SUB says otherwise: a step that is longer by more than half a sample is
/// a gap, a shorter one an error that names the row. Where all of OFFS_SUB say nothing rows are contiguous;
/// where some do, those rows are gaps. The stream begins NSUBOFFS rows after STT_*, or where the first
/// OFFS_SUB puts it if that is later by more than half a sample: some files count in one of the two only.
/// Throws std::runtime_error.
RowTimeline place_rows(const RowTimes& times);

}  // namespace tianyan
