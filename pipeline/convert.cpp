// Conversion block by block, in memory that does not depend on the stream's length.
#include "pipeline/convert.hpp"

#include <algorithm>
#include <cmath>

#include "io/sink.hpp"
#include "kernels/base/expect.hpp"
#include "kernels/repack.hpp"

namespace tianyan {
namespace {

/// Spectra [begin, end) of the source.
struct Range {
  std::int64_t begin, end;
};

Range range_of(const StreamInfo& info, const ConvertOptions& options) {
  expect(options.start_s >= 0.0 && options.start_s < info.duration_s(),
         "start {} s is not in the stream of {} s", options.start_s, info.duration_s());
  expect(options.duration_s >= 0.0, "a duration of {} s is negative", options.duration_s);
  const auto begin = static_cast<std::int64_t>(std::llround(options.start_s / info.sample_time_s));
  if (options.duration_s == 0.0) return {std::min(begin, info.n_time - 1), info.n_time};
  const double n = std::max(std::round(options.duration_s / info.sample_time_s), 1.0);
  expect(n <= static_cast<double>(info.n_time - begin),
         "start {} s and duration {} s go beyond the stream of {} s", options.start_s, options.duration_s,
         info.duration_s());
  return {begin, begin + static_cast<std::int64_t>(n)};
}

std::int64_t block_spectra(const Source& source, const ConvertOptions& options) {
  return std::max<std::int64_t>(options.block_bytes / spectrum_bytes(source.info(), source.format()), 1);
}

bool all_equal(const std::vector<float>& table, float value) {
  return std::all_of(table.begin(), table.end(), [value](float v) { return v == value; });
}

/// Reads until a scale, offset or weight is found that matters: what a row holds is known only when it is
/// read.
bool has_calibration(Source& source, const Range& range, std::int64_t n_block) {
  if (source.format().zero_offset != 0.0) return true;
  RawBlock block;
  for (std::int64_t t = range.begin; t < range.end; t += n_block) {
    source.read(t, std::min(n_block, range.end - t), block);
    for (const CalibrationSpan& s : block.spans)
      if (!s.missing && !(all_equal(s.scale, 1.0F) && all_equal(s.offset, 0.0F) && all_equal(s.weight, 1.0F)))
        return true;
  }
  return false;
}

SampleFormat float_format(const SampleFormat& recorded) {
  SampleFormat format;
  format.n_bits = 32;
  format.is_float = true;
  format.channels_descending = recorded.channels_descending;
  format.pol_kind = recorded.pol_kind;
  return format;
}

/// Tables follow the channels of the target.
void turn_tables(int n_chan, std::vector<CalibrationSpan>& spans) {
  for (CalibrationSpan& span : spans)
    for (auto* table : {&span.scale, &span.offset, &span.weight})
      for (auto it = table->begin(); it != table->end(); it += n_chan) std::reverse(it, it + n_chan);
}

/// Samples of gaps are undefined; a target without weights gets zeros. Returns how many.
std::int64_t zero_gaps(RawBlock& block, std::int64_t samples_per_spectrum) {
  std::int64_t n = 0;
  for (const CalibrationSpan& span : block.spans) {
    if (!span.missing) continue;
    for (std::int64_t t = span.begin; t < span.end; ++t)
      std::fill_n(&block.samples(t, 0), block.samples.shape(1), std::uint8_t{0});
    n += (span.end - span.begin) * samples_per_spectrum;
  }
  return n;
}

/// Makes the target's block of a source's block.
class BlockConverter {
 public:
  BlockConverter(const StreamInfo& info, const SampleFormat& from, const SampleFormat& to, bool as_values,
                 bool keeps_calibration)
      : info_(info), from_(from), to_(to), as_values_(as_values), keeps_calibration_(keeps_calibration) {
    const SampleFormat between = as_values ? float_format(from) : from;
    expect(holds_exactly(between, to), "the target's samples of {} bits cannot hold those of {} bits",
           to.n_bits, between.n_bits);
  }

  const RawBlock& operator()(RawBlock& in) {
    const std::int64_t n = std::int64_t{info_.n_pol} * info_.n_chan;
    out_.first_sample = in.first_sample;
    out_.n_time = in.n_time;
    out_.reserve(in.n_time, spectrum_bytes(info_, to_));
    out_.spans =
        keeps_calibration_ ? in.spans : std::vector<CalibrationSpan>{{0, in.n_time, false, {}, {}, {}}};
    if (from_.channels_descending != to_.channels_descending) turn_tables(info_.n_chan, out_.spans);
    const auto out = out_.samples.view().slice(0, 0, in.n_time);
    if (as_values_) {
      if (values_.shape(0) != in.n_time) values_ = Array<float, 2>({in.n_time, n});
      n_zeroed_ += to_values(from_, info_.n_pol, info_.n_chan, in, values_.view());
      const View<const std::uint8_t, 2> bytes(reinterpret_cast<const std::uint8_t*>(values_.data()),
                                              {in.n_time, n * static_cast<std::int64_t>(sizeof(float))});
      repack(float_format(from_), to_, info_.n_pol, info_.n_chan, bytes, out);
    } else {
      if (!keeps_calibration_) n_zeroed_ += zero_gaps(in, n);
      repack(from_, to_, info_.n_pol, info_.n_chan, in.samples.cview().slice(0, 0, in.n_time), out);
    }
    return out_;
  }
  std::int64_t n_zeroed() const { return n_zeroed_; }

 private:
  StreamInfo info_;
  SampleFormat from_, to_;
  bool as_values_, keeps_calibration_;
  std::int64_t n_zeroed_ = 0;
  Array<float, 2> values_;
  RawBlock out_;
};

}  // namespace

ConvertResult convert(Source& source, const ConvertOptions& options) {
  const Range range = range_of(source.info(), options);
  const std::int64_t n_block = block_spectra(source, options);
  const bool keeps_calibration = sink_format_for(options.path).keeps_calibration;
  ConvertResult result;
  result.n_time = range.end - range.begin;
  result.as_values = !keeps_calibration && has_calibration(source, range, n_block);
  StreamInfo info = source.info();
  info.n_time = result.n_time;
  info.start = info.start.plus_seconds(static_cast<double>(range.begin) * info.sample_time_s);
  const SampleFormat wanted = result.as_values ? float_format(source.format()) : source.format();
  const auto sink = create_sink(options.path, info, wanted, options.overwrite);
  BlockConverter converter(info, source.format(), sink->format(), result.as_values, keeps_calibration);
  RawBlock block;
  for (std::int64_t t = range.begin; t < range.end; t += n_block) {
    source.read(t, std::min(n_block, range.end - t), block);
    block.first_sample -= range.begin;
    sink->write(converter(block));
    if (options.progress) options.progress(t - range.begin, result.n_time);
  }
  sink->finish();
  result.zeroed_samples = converter.n_zeroed();
  return result;
}

}  // namespace tianyan
