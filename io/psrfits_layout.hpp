// PsrfitsLayout: the two headers and the rows of a PSRFITS search-mode file that is being written.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "io/fits_file.hpp"
#include "kernels/base/raw_block.hpp"
#include "kernels/base/stream_info.hpp"

namespace tianyan {

/// Spectra [begin, begin + n_valid) since the first row's first, packed as format() says.
struct PsrfitsRow {
  std::int64_t begin = 0;
  std::int64_t n_valid = 0;
  const std::uint8_t* samples = nullptr;
  const CalibrationSpan& calibration;
};

class PsrfitsLayout {
 public:
  PsrfitsLayout(const StreamInfo& info, const SampleFormat& wanted);

  const SampleFormat& format() const { return format_; }
  std::int64_t spectrum_bytes() const { return tianyan::spectrum_bytes(info_, format_); }

  /// Primary header and the empty table SUBINT of rows of `rows_n_time` spectra, the first of which begins at
  /// sample `first_sample` of the stream.
  void create_tables(const FitsFile& file, std::int64_t rows_n_time, std::int64_t first_sample);
  /// Rows come in order.
  void write_row(const FitsFile& file, std::int64_t row, const PsrfitsRow& content);
  /// What is known at the end only: NSTOT, SCANLEN, STP_CRD*.
  void finish_headers(FitsFile& file, std::int64_t n_valid, std::int64_t n_time) const;

 private:
  struct Column {
    std::string name, form, unit;
  };
  std::vector<Column> columns() const;
  /// Of the stream, where `sample` counts from the first row's first.
  double time_s(double sample) const {
    return (static_cast<double>(first_sample_) + sample) * info_.sample_time_s;
  }
  void put_primary(const FitsFile& file) const;
  void put_observation(const FitsFile& file) const;
  void create_subint(const FitsFile& file) const;
  void put_subint_keywords(const FitsFile& file) const;

  StreamInfo info_;
  SampleFormat format_;
  std::int64_t rows_n_time_ = 0;
  std::int64_t first_sample_ = 0;        ///< of the first row, in the stream
  std::vector<std::uint8_t> row_bytes_;  ///< a row as it is in the file
};

}  // namespace tianyan
