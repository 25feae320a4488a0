// Repacking or calibrating blocks.
#include "pipeline/block_converter.hpp"

#include <algorithm>

namespace tianyan {
namespace {

bool all_equal(const std::vector<float>& table, float value) {
  return std::all_of(table.begin(), table.end(), [value](float v) { return v == value; });
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

}  // namespace

bool has_calibration(Source& source, std::int64_t begin, std::int64_t end, std::int64_t n_block) {
  if (source.format().zero_offset != 0.0) return true;
  RawBlock block;
  for (std::int64_t t = begin; t < end; t += n_block) {
    source.read(t, std::min(n_block, end - t), block);
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

BlockConverter::BlockConverter(const StreamInfo& info, const SampleFormat& from, const SampleFormat& to,
                               bool as_values, bool keeps_calibration)
    : info_(info), from_(from), to_(to), as_values_(as_values), keeps_calibration_(keeps_calibration) {
  const SampleFormat between = as_values ? float_format(from) : from;
  expect(holds_exactly(between, to), "the target's samples of {} bits cannot hold those of {} bits",
         to.n_bits, between.n_bits);
}

const RawBlock& BlockConverter::operator()(RawBlock& in) {
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

}  // namespace tianyan
