// Voltages to files of spectra, stretch by stretch.
#include "pipeline/channelize.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "io/sink.hpp"
#include "kernels/requantise.hpp"
#include "pipeline/beam_search.hpp"
#include "pipeline/channelized_source.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/memory_limit.hpp"
#include "pipeline/open_input.hpp"
#include "pipeline/time_range.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kFewestForLevels = 64;  // sigma to 10 %; levels of fewer are measured again

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

  /// values [time][column] of a whole stretch, with weights good [time][coarse] and the spans that they make;
  /// values without weight are lost. Returns when they are written.
  void write(std::int64_t first, View<float, 2> values, View<const std::uint8_t, 2> good,
             const std::vector<CalibrationSpan>& spans) {
    block_.first_sample = first;
    block_.n_time = values.shape(0);
    block_.spans = spans;
    block_.reserve(values.shape(0), spectrum_bytes(info_, sink_->format()));
    const auto bytes = block_.samples.view().slice(0, 0, values.shape(0));
    if (is_quantised_) {
      quantise(values, good, bytes);
    } else {
      fill_unweighted(values, good, [](std::int64_t) { return 0.0F; });
      std::copy_n(reinterpret_cast<const std::uint8_t*>(values.data()), bytes.size(), bytes.data());
    }
    sink_->write(block_);
  }
  void finish() { sink_->finish(); }

 private:
  /// values[t][i] = value_of(i) where column i has no weight.
  template <class ValueOf>
  void fill_unweighted(View<float, 2> values, View<const std::uint8_t, 2> good,
                       const ValueOf& value_of) const {
    const std::int64_t n_coarse = good.shape(1), per_coarse = info_.n_chan / n_coarse;
    for (std::int64_t t = 0; t < values.shape(0); ++t)
      for (std::int64_t c = 0; c < n_coarse; ++c) {
        if (good(t, c) != 0) continue;
        for (std::int64_t p = 0; p < info_.n_pol; ++p)
          for (auto i = p * info_.n_chan + c * per_coarse, end = i + per_coarse; i < end; ++i)
            values(t, i) = value_of(i);
      }
  }

  /// What has no weight becomes level 0, and is neither measured nor counted.
  void quantise(View<float, 2> values, View<const std::uint8_t, 2> good, View<std::uint8_t, 2> bytes) {
    measure(values, good);
    fill_unweighted(values, good,
                    [this](std::int64_t i) { return levels_.offset[static_cast<std::size_t>(i)]; });
    n_clipped_ += requantise(values, levels_, bytes);
    if (!keeps_scales_) return;
    for (CalibrationSpan& span : block_.spans) {
      span.scale = levels_.scale;
      span.offset = levels_.offset;
    }
  }

  /// Levels of this stretch, or of those coarse channels that have none yet.
  void measure(View<float, 2> values, View<const std::uint8_t, 2> good) {
    const std::int64_t n_coarse = good.shape(1), per_coarse = info_.n_chan / n_coarse;
    has_levels_.resize(static_cast<std::size_t>(n_coarse), false);
    if (!keeps_scales_ && std::find(has_levels_.begin(), has_levels_.end(), false) == has_levels_.end())
      return;
    const RequantTable levels = measure_all(values, good);
    levels_.scale.resize(levels.scale.size());
    levels_.offset.resize(levels.offset.size());
    for (std::size_t i = 0; i < levels.scale.size(); ++i) {
      const auto c = i % static_cast<std::size_t>(info_.n_chan) / static_cast<std::size_t>(per_coarse);
      if (!keeps_scales_ && has_levels_[c]) continue;
      levels_.scale[i] = levels.scale[i];
      levels_.offset[i] = levels.offset[i];
    }
    for (std::int64_t c = 0; c < n_coarse; ++c) {
      std::int64_t n_good = 0;
      for (std::int64_t t = 0; t < good.shape(0); ++t) n_good += good(t, c);
      if (n_good >= kFewestForLevels) has_levels_[static_cast<std::size_t>(c)] = true;
    }
  }

  RequantTable measure_all(View<float, 2> values, View<const std::uint8_t, 2> good) const {
    fill_unweighted(values, good, [](std::int64_t) { return std::numeric_limits<float>::quiet_NaN(); });
    const std::vector<std::uint8_t> all(static_cast<std::size_t>(values.shape(0)), 1);
    const View<const std::uint8_t, 1> times(all.data(), {std::ssize(all)});
    const std::int64_t n_power = values.shape(1) - std::int64_t{n_signed_} * info_.n_chan;
    const View<const float, 2> v = values;
    RequantTable levels = measure_levels(v.slice(1, 0, n_power), times);
    const auto rest = measure_levels(v.slice(1, n_power, v.shape(1)), times, kSigmaLevels, kSignedMeanLevel);
    levels.scale.insert(levels.scale.end(), rest.scale.begin(), rest.scale.end());
    levels.offset.insert(levels.offset.end(), rest.offset.begin(), rest.offset.end());
    return levels;
  }

  std::string path_;
  StreamInfo info_;
  int n_signed_;  ///< products of both signs, the last ones
  bool keeps_scales_, is_quantised_ = false;
  std::unique_ptr<Sink> sink_;
  RawBlock block_;
  RequantTable levels_;
  std::vector<bool> has_levels_;  ///< [coarse]: that hold for the file where it keeps no scales
  std::int64_t n_clipped_ = 0;
};

std::vector<std::unique_ptr<SpectraFile>> create_files(const ChannelizeRequest& request,
                                                       const Channelizer& channelizer,
                                                       const SampleRange& range) {
  const SinkFormat& format = sink_format_for(request.path);
  std::vector<std::unique_ptr<SpectraFile>> files;
  for (int d = 0; d < channelizer.n_dm(); ++d) {
    const StreamInfo info = part_of(channelizer.info(d), range);
    const std::string path =
        channelizer.n_dm() == 1 ? request.path : path_of_dm(request.path, format, info.coherent_dm_pc_cm3);
    files.push_back(std::make_unique<SpectraFile>(request, format, path, info, channelizer.format()));
  }
  return files;
}

}  // namespace

ChannelizeResult channelize(const ChannelizeRequest& request) {
  const auto& config = request.config;
  for (const std::string& path : request.input.paths) {
    std::error_code error;
    expect(!std::filesystem::equivalent(path, request.path, error), "{}: is the recording itself",
           request.path);
  }
  const auto voltages = open_sky_voltages(request.input, config);
  Channelizer channelizer(config.channelize, voltages->info(), voltages->format());
  channelizer.use_threads(thread_count(config.limits));
  ChannelizeResult result;
  result.info = channelizer.info();
  const SampleRange range = time_range(result.info, request.start_s, request.duration_s);
  const auto n_column = std::int64_t{result.info.n_pol} * result.info.n_chan;
  const auto n_stretch = std::min(kScaleSpectra, range.end - range.begin);
  const auto memory = channelizer.footprint_bytes() + n_stretch * n_column * 8 * channelizer.n_dm();
  expect_memory(memory, limits_here(config.limits), "channelizing needs",
                "take fewer channels, products, coherent DMs or threads, or a shorter "
                "channelize.sample_time_s");
  auto files = create_files(request, channelizer, range);
  Array<float, 3> values({channelizer.n_dm(), n_stretch, n_column});
  Array<std::uint8_t, 2> good({n_stretch, channelizer.n_coarse()});
  for (auto t = range.begin; t < range.end;) {
    if (interrupted()) throw Interrupted("while channelizing; nothing was kept");
    const auto n = std::min(n_stretch, range.end - t);
    const auto weights = good.view().slice(0, 0, n);
    channelizer.make(*voltages, t, values.view().slice(1, 0, n), weights);
    const auto spans = spans_of(weights, channelizer.channels_per_coarse());
    for (std::size_t d = 0; d < files.size(); ++d)
      files[d]->write(t - range.begin, values.view()[static_cast<std::int64_t>(d)].slice(0, 0, n), weights,
                      spans);
    for (const auto& span : spans) {
      if (span.missing) result.missing_spectra += span.end - span.begin;
      if (!span.weight.empty()) result.partial_spectra += span.end - span.begin;
    }
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
