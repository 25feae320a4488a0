// Voltages to files of spectra, stretch by stretch.
#include "pipeline/channelize.hpp"

#include <algorithm>
#include <cmath>

#include "io/sink.hpp"
#include "kernels/requantise.hpp"
#include "pipeline/beam_search.hpp"
#include "pipeline/channelized_source.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/open_input.hpp"
#include "pipeline/time_range.hpp"

namespace tianyan {
namespace {

std::string path_of_dm(const std::string& path, const SinkFormat& format, double dm_pc_cm3) {
  const auto ending = std::find_if(format.extensions.begin(), format.extensions.end(),
                                   [&](const std::string& e) { return path.ends_with(e); });
  const std::string stem = path.substr(0, path.size() - ending->size());
  return fmt::format("{}_DM{:.2f}{}", stem, dm_pc_cm3, *ending);
}

/// One file, with the scales of its samples.
class SpectraFile {
 public:
  SpectraFile(const ChannelizeRequest& request, const SinkFormat& format, std::string path,
              const StreamInfo& info, const SampleFormat& values)
      : path_(std::move(path)),
        info_(info),
        n_signed_(values.pol_kind == PolKind::kCoherence ? 2
                  : values.pol_kind == PolKind::kStokes  ? 3
                                                         : 0),
        keeps_scales_(format.keeps_calibration) {
    SampleFormat wanted = values;
    if (request.config.channelize.n_bits == 8) {
      wanted.n_bits = 8;
      wanted.is_float = false;
      expect(keeps_scales_ || info.n_pol == 1,
             "{}: {} keeps no scales, and {} products with signs want them in 8 bits: write .fits, or set "
             "channelize.n_bits = 32",
             path_, format.name, info.n_pol);
    }
    sink_ = create_sink(path_, info, wanted, request.overwrite);
    expect(sink_->format() == wanted, "{}: {} does not hold samples of {} bits", path_, format.name,
           wanted.n_bits);
    is_quantised_ = wanted.n_bits == 8;
  }

  const std::string& path() const { return path_; }
  std::int64_t n_clipped() const { return n_clipped_; }

  /// values [time][column] of a whole stretch, with their weights; returns when they are written.
  void write(std::int64_t first, View<const float, 2> values, const std::vector<CalibrationSpan>& spans) {
    block_.first_sample = first;
    block_.n_time = values.shape(0);
    block_.spans = spans;
    block_.reserve(values.shape(0), spectrum_bytes(info_, sink_->format()));
    const auto bytes = block_.samples.view().slice(0, 0, values.shape(0));
    if (is_quantised_)
      quantise(values, bytes);
    else
      std::copy_n(reinterpret_cast<const std::uint8_t*>(values.data()), bytes.size(), bytes.data());
    sink_->write(block_);
  }
  void finish() { sink_->finish(); }

 private:
  void quantise(View<const float, 2> values, View<std::uint8_t, 2> bytes) {
    if (keeps_scales_ || !has_levels_) measure(values);
    n_clipped_ += requantise(values, levels_, bytes);
    if (!keeps_scales_) return;
    for (CalibrationSpan& span : block_.spans) {
      span.scale = levels_.scale;
      span.offset = levels_.offset;
    }
  }

  void measure(View<const float, 2> values) {
    std::vector<std::uint8_t> good(static_cast<std::size_t>(values.shape(0)), 0);
    for (const CalibrationSpan& span : block_.spans)
      if (!span.missing) std::fill(good.begin() + span.begin, good.begin() + span.end, std::uint8_t{1});
    const View<const std::uint8_t, 1> times(good.data(), {std::ssize(good)});
    const std::int64_t n_power = values.shape(1) - std::int64_t{n_signed_} * info_.n_chan;
    levels_ = measure_levels(values.slice(1, 0, n_power), times);
    const auto rest =
        measure_levels(values.slice(1, n_power, values.shape(1)), times, kSigmaLevels, kSignedMeanLevel);
    levels_.scale.insert(levels_.scale.end(), rest.scale.begin(), rest.scale.end());
    levels_.offset.insert(levels_.offset.end(), rest.offset.begin(), rest.offset.end());
    has_levels_ = std::count(good.begin(), good.end(), 1) > 0;
  }

  std::string path_;
  StreamInfo info_;
  int n_signed_;  ///< products of both signs, the last ones
  bool keeps_scales_, is_quantised_ = false;
  std::unique_ptr<Sink> sink_;
  RawBlock block_;
  RequantTable levels_;
  bool has_levels_ = false;
  std::int64_t n_clipped_ = 0;
};

std::vector<std::unique_ptr<SpectraFile>> create_files(const ChannelizeRequest& request,
                                                       const Channelizer& channelizer,
                                                       const SampleRange& range) {
  const SinkFormat& format = sink_format_for(request.path);
  std::vector<std::unique_ptr<SpectraFile>> files;
  for (int d = 0; d < channelizer.n_dm(); ++d) {
    StreamInfo info = channelizer.info(d);
    info.n_time = range.end - range.begin;
    info.start = info.start.plus_seconds(static_cast<double>(range.begin) * info.sample_time_s);
    const std::string path =
        channelizer.n_dm() == 1 ? request.path : path_of_dm(request.path, format, info.coherent_dm_pc_cm3);
    files.push_back(std::make_unique<SpectraFile>(request, format, path, info, channelizer.format()));
  }
  return files;
}

}  // namespace

ChannelizeResult channelize(const ChannelizeRequest& request) {
  const auto& config = request.config;
  const auto voltages = open_voltages(request.input.paths, request.input.beam, hints_of(config.voltages));
  Channelizer channelizer(config.channelize, voltages->info(), voltages->format(),
                          thread_count(config.limits));
  ChannelizeResult result;
  result.info = channelizer.info();
  const SampleRange range = time_range(result.info, request.start_s, request.duration_s);
  const auto n_column = std::int64_t{result.info.n_pol} * result.info.n_chan;
  const auto n_stretch = std::min(kScaleSpectra, range.end - range.begin);
  const auto memory = channelizer.footprint_bytes() + n_stretch * n_column * (4 * channelizer.n_dm() + 4);
  expect(memory <= config.limits.memory_bytes,
         "channelizing needs {:.2f} GB and limits.memory_bytes allows {:.2f}: raise it, take fewer channels, "
         "products "
         "or coherent DMs",
         static_cast<double>(memory) / 1e9, static_cast<double>(config.limits.memory_bytes) / 1e9);
  auto files = create_files(request, channelizer, range);
  Array<float, 3> values({channelizer.n_dm(), n_stretch, n_column});
  Array<std::uint8_t, 2> good({n_stretch, channelizer.n_coarse()});
  for (auto t = range.begin; t < range.end;) {
    if (interrupted()) throw Interrupted("stopped by a signal; nothing was kept");
    const auto n = std::min(n_stretch, range.end - t);
    const auto weights = good.view().slice(0, 0, n);
    channelizer.make(*voltages, t, values.view().slice(1, 0, n), weights);
    const auto spans = spans_of(weights, channelizer.channels_per_coarse());
    for (std::size_t d = 0; d < files.size(); ++d)
      files[d]->write(t - range.begin, values.cview()[static_cast<std::int64_t>(d)].slice(0, 0, n), spans);
    for (const auto& span : spans) result.missing_spectra += span.missing ? span.end - span.begin : 0;
    t += n;
    if (request.progress) request.progress(t - range.begin, range.end - range.begin);
  }
  for (auto& file : files) {
    file->finish();
    result.paths.push_back(file->path());
    result.clipped_samples += file->n_clipped();
  }
  result.samples = (range.end - range.begin) * n_column * std::ssize(files);
  result.losses = voltages->losses();
  return result;
}

}  // namespace tianyan
