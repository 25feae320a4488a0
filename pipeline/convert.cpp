// Conversion block by block, in memory that does not depend on the stream's length.
#include "pipeline/convert.hpp"

#include <algorithm>

#include "io/sink.hpp"
#include "kernels/base/expect.hpp"
#include "pipeline/block_converter.hpp"
#include "pipeline/time_range.hpp"

namespace tianyan {
namespace {

std::int64_t block_spectra(const Source& source, const ConvertOptions& options) {
  return std::max<std::int64_t>(options.block_bytes / spectrum_bytes(source.info(), source.format()), 1);
}

}  // namespace

ConvertResult convert(Source& source, const ConvertOptions& options) {
  const SampleRange range = time_range(source.info(), options.start_s, options.duration_s);
  const std::int64_t n_block = block_spectra(source, options);
  const SinkFormat& target = sink_format_for(options.path);
  const bool keeps_calibration = target.keeps_calibration;
  ConvertResult result;
  result.n_time = range.end - range.begin;
  result.as_values = !keeps_calibration && has_calibration(source, range.begin, range.end, n_block);
  const StreamInfo info = part_of(source.info(), range);
  result.fixed_pointing = !info.track.empty() && !target.keeps_track;
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
