// Dedispersion by the definition on a device: for refinement and for narrow ranges of DM. Formula, shapes and
// rounding are those of dedisperse() in kernels/fdmt.hpp, whose integers it gives.
#pragma once
#include <map>

#include "cuda/device.hpp"
#include "kernels/fdmt.hpp"

namespace tianyan {

/// delay[c], samples: exact_channel_delay() for a trial of any delay, rounded. Shape [n_chan].
void rounded_channel_delays(const FdmtParams& params, double delay, View<std::int32_t, 1> channel_delay);

/// Neighbouring rows that are made together where they are long and of one span.
inline constexpr int kRowsOfABlock = 8;

/// A row of output: samples t ... t + n - 1.
struct DedisperseRow {
  std::int64_t t = 0;
  std::int32_t n = 0;
  std::int32_t delay = 0;  ///< index into the table of delays
};

/// Which rows one call makes. They are added on the host and then uploaded, with a table of the delays of
/// every channel in which each delay stands once.
class DedisperseRows {
 public:
  /// Memory for so many rows, and so many different delays among them.
  DedisperseRows(const FdmtParams& params, std::int64_t max_row, std::int64_t max_delay);
  static std::int64_t device_bytes(const FdmtParams& params, std::int64_t max_row, std::int64_t max_delay);

  /// No rows; waits until an upload is over.
  void clear();
  /// Row n_row() of the output. Throws std::invalid_argument where n < 0 or there is no memory for it.
  void add(double delay, std::int64_t t, std::int64_t n);
  /// Before the call that makes the rows, in the order of its stream.
  void upload(const Stream& stream);

  const FdmtParams& params() const { return params_; }
  std::int64_t n_row() const { return n_row_; }
  std::int64_t n_delay() const { return static_cast<std::int64_t>(index_of_delay_.size()); }
  std::int64_t n_max() const { return n_max_; }                ///< samples of the longest row
  std::int64_t first_sample() const { return first_sample_; }  ///< of the input that any row reads
  std::int64_t end_sample() const { return end_sample_; }
  bool is_uploaded() const { return is_uploaded_; }
  /// All rows are the same samples, at different delays.
  bool is_one_span() const { return is_one_span_; }
  /// The largest difference, over channels, of delays of rows [i n, (i + 1) n), whatever i, n being
  /// kRowsOfABlock; of one span, once uploaded.
  std::int64_t spread() const { return spread_; }

  DeviceView<const DedisperseRow, 1> device_rows() const { return rows_.cview().slice(0, 0, n_row_); }
  /// [delay][channel]
  DeviceView<const std::int32_t, 2> device_delays() const { return delays_.cview(); }

 private:
  std::int32_t index_of(double delay);
  std::int64_t spread_of(std::int64_t begin, std::int64_t end) const;

  FdmtParams params_;
  std::map<double, std::int32_t> index_of_delay_;
  PinnedArray<DedisperseRow, 1> host_rows_;
  PinnedArray<std::int32_t, 2> host_delays_;
  DeviceArray<DedisperseRow, 1> rows_;
  DeviceArray<std::int32_t, 2> delays_;
  StreamEvent upload_;
  std::int64_t n_row_ = 0, n_max_ = 0, first_sample_ = 0, end_sample_ = 0, spread_ = 0;
  bool is_uploaded_ = false, is_one_span_ = true;
};

/// out[r][i], i < n of row r: in [n_chan][time] dedispersed; what follows the n of a row is left as it is.
/// out [>= n_row][>= n_max]. Long rows of one span share what they read: neighbouring delays should be
/// neighbouring rows. Throws std::invalid_argument for other shapes, samples outside of `in`, or rows that
/// were not uploaded.
void dedisperse(const DedisperseRows& rows, DeviceView<const std::int8_t, 2> in,
                DeviceView<std::int32_t, 2> out, const Stream& stream);

}  // namespace tianyan
