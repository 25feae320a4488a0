// Runs of frames through filterbank and detection, on all threads.
#include "pipeline/channelizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/division.hpp"
#include "kernels/unpack_voltages.hpp"
#include "pipeline/fft_wisdom.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr double kFastChannelMhz = 500.0 / 4096.0;
constexpr std::int64_t kRunFrames = 32;     // unpacked and transformed while in a core's cache
constexpr std::int64_t kTileChannels = 16;  // one cache line of a spectrum
constexpr std::int64_t kChunkBytes = 16 << 20;
constexpr std::int64_t kPad = 8;  // rows a power of two apart would share a cache's sets

PolProducts products_of(const std::string& name) {
  if (name == "aabbcrci") return PolProducts::kCoherence;
  return name == "iquv" ? PolProducts::kStokes : PolProducts::kIntensity;
}

PfbWindow window_of(const std::string& name) {
  if (name == "rectangular") return PfbWindow::kRectangular;
  if (name == "hann") return PfbWindow::kHann;
  return name == "kaiser" ? PfbWindow::kKaiser : PfbWindow::kHamming;
}

std::int64_t channels_per_coarse(const ChannelizeConfig& config, const VoltageInfo& voltages) {
  if (config.channels == 0)
    return std::int64_t{1} << std::max(
               0, static_cast<int>(std::lround(std::log2(voltages.coarse_width_mhz / kFastChannelMhz))));
  expect(config.channels % voltages.n_coarse == 0,
         "channelize.channels = {} is not a multiple of the {} coarse channels that are recorded",
         config.channels, voltages.n_coarse);
  return config.channels / voltages.n_coarse;
}

PfbParams pfb_params(const ChannelizeConfig& config, const VoltageInfo& voltages,
                     const VoltageFormat& format) {
  const Fraction over = oversampling_of(config).value_or(Fraction{});
  PfbParams params;
  params.n_chan = channels_per_coarse(config, voltages);
  params.n_tap = config.taps;
  params.is_complex = format.is_complex;
  params.window = window_of(config.window);
  params.kaiser_beta = config.kaiser_beta;
  params.over_num = over.num;
  params.over_den = over.den;
  if (params.n_chan == 1) {  // there is nothing to filter
    params.n_tap = 1;
    params.window = PfbWindow::kRectangular;
  }
  return params;
}

/// Of the powers of two that hold at least one spectrum, that with the least work for each; n_valid is whole
/// spectra.
CoherentLengths cheapest_lengths(const CoherentParams& params, std::int64_t n_sum) {
  CoherentLengths best = coherent_lengths(params);
  const auto cost = [n_sum](const CoherentLengths& l) {
    const auto n_kept = l.n_valid / n_sum * n_sum;
    const auto n = static_cast<double>(l.n_fft);
    return n_kept > 0 ? n * std::log2(n) / static_cast<double>(n_kept)
                      : std::numeric_limits<double>::infinity();
  };
  for (auto n = 2 * best.n_fft; n <= kLongestCoherentFft; n *= 2) {
    const CoherentLengths longer = coherent_lengths(params, n);
    if (cost(longer) < 0.9 * cost(best)) best = longer;  // longer ones take memory
  }
  return best;
}

PfbPlan make_plan(const PfbParams& params) {
  const FftWisdom wisdom;
  return make_pfb_plan(params);
}

}  // namespace

/// What one thread works in.
struct Channelizer::Scratch {
  explicit Scratch(const Channelizer& of);

  PfbScratch pfb;
  Array<float, 2> samples;                    ///< [pol][sample * component] of a run of frames
  Array<std::complex<float>, 3> frames;       ///< [pol][frame][channel] of a run
  Array<std::uint8_t, 1> good;                ///< [frame] of a run or of a step
  Array<float, 2> sums;                       ///< [product][channel] of a spectrum
  CoherentScratch coherent;                   // from here on for coherent dedispersion
  Array<std::complex<float>, 3> series;       ///< [pol][channel][frame] of a step
  Array<std::complex<float>, 3> dedispersed;  ///< [dm][pol][frame] of a channel
  Array<std::uint8_t, 1> kept;                ///< [frame] of a step's valid ones
  Array<float, 4> tile;                       ///< [dm][channel of the tile][product][spectrum]
  Array<std::int32_t, 1> n_good;              ///< [spectrum]
};

Channelizer::Scratch::Scratch(const Channelizer& of) : pfb(of.pfb_), coherent(of.lengths_.n_fft) {
  const auto n_chan = of.pfb_.params.n_chan, n_pol = std::int64_t{of.voltages_.n_pol};
  const std::int64_t n_product = tianyan::n_product(of.products_);
  samples = Array<float, 2>({n_pol, of.run_samples() * of.voltage_format_.n_component()});
  frames = Array<std::complex<float>, 3>({n_pol, kRunFrames, n_chan + kPad});
  good = Array<std::uint8_t, 1>({std::max(kRunFrames, of.lengths_.n_fft)});
  sums = Array<float, 2>({n_product, n_chan});
  if (of.dms_.empty()) return;
  series = Array<std::complex<float>, 3>({n_pol, n_chan, of.lengths_.n_fft});
  dedispersed = Array<std::complex<float>, 3>({of.n_dm(), n_pol, of.lengths_.n_valid});
  kept = Array<std::uint8_t, 1>({of.task_spectra_ * of.n_sum_});
  tile = Array<float, 4>({of.n_dm(), of.tile_channels(), n_product, of.task_spectra_});
  n_good = Array<std::int32_t, 1>({of.task_spectra_});
}

/// Spectra [first, first + task_spectra) of a coarse channel; those that `out` holds are wanted.
struct Channelizer::Task {
  int coarse;
  std::int64_t first, out_first;
  View<float, 3> out;
  View<std::uint8_t, 2> good;

  bool is_wanted(std::int64_t t) const { return t >= out_first && t < out_first + out.shape(1); }
};

Channelizer::Channelizer(const ChannelizeConfig& config, const VoltageInfo& voltages,
                         const VoltageFormat& format)
    : products_(products_of(config.products)),
      feed_(config.feed == "circular" ? FeedBasis::kCircular : FeedBasis::kLinear),
      voltages_(voltages),
      voltage_format_(format),
      dms_(config.coherent_dm_pc_cm3),
      pfb_(make_plan(pfb_params(config, voltages, format))) {
  expect(products_ == PolProducts::kIntensity || voltages.n_pol == 2,
         "channelize.products = \"{}\" wants two polarisations, {} is recorded", config.products,
         voltages.n_pol);
  choose_sizes(config);
  expect(voltages.n_time >= voltages_per_spectrum(),
         "channelize.sample_time_s = {} s: a spectrum is {} voltages, the scan has {}", config.sample_time_s,
         voltages_per_spectrum(), voltages.n_time);
}

Channelizer::~Channelizer() = default;

void Channelizer::choose_sizes(const ChannelizeConfig& config) {
  const double frame_s = static_cast<double>(pfb_.hop) * voltages_.sample_time_s;
  n_sum_ = std::max<std::int64_t>(1, std::llround(config.sample_time_s / frame_s));
  task_spectra_ = ceil_div(kRunFrames, n_sum_);
  if (dms_.empty()) return;
  const auto params = coherent_params(*std::max_element(dms_.begin(), dms_.end()));
  lengths_ = cheapest_lengths(params, n_sum_);
  expect(lengths_.n_valid >= n_sum_,
         "channelize.sample_time_s = {} s is {} samples of a channel, more than a transform of coherent "
         "dedispersion "
         "makes: lower it",
         config.sample_time_s, n_sum_);
  task_spectra_ = lengths_.n_valid / n_sum_;
}

/// Some megabytes of voltages, and enough tasks for all threads.
std::int64_t Channelizer::chunk_spectra() const {
  const auto task_bytes = task_spectra_ * n_sum_ * pfb_.hop * voltages_.n_coarse * voltages_.n_pol *
                          voltage_format_.sample_bits() / 8;
  return task_spectra_ * std::max(kChunkBytes / std::max<std::int64_t>(1, task_bytes),
                                  ceil_div(n_threads_, voltages_.n_coarse));
}

StreamInfo Channelizer::info(int d) const {
  const auto n_chan = pfb_.params.n_chan;
  StreamInfo info;
  info.n_chan = static_cast<int>(n_chan * voltages_.n_coarse);
  info.n_pol = n_product(products_);
  info.channel_width_mhz = voltages_.coarse_width_mhz / static_cast<double>(n_chan);
  info.freq_low_mhz = voltages_.band_low_mhz;
  if (voltage_format_.is_complex)
    info.freq_low_mhz +=
        0.5 * voltages_.coarse_width_mhz - static_cast<double>(n_chan / 2) * info.channel_width_mhz;
  info.sample_time_s = static_cast<double>(n_sum_ * pfb_.hop) * voltages_.sample_time_s;
  info.n_time = voltages_.n_time / (n_sum_ * pfb_.hop);
  info.start = voltages_.start;
  info.coherent_dm_pc_cm3 = dms_.empty() ? 0.0 : dms_[static_cast<std::size_t>(d)];
  info.source_name = voltages_.source_name;
  info.telescope = voltages_.telescope;
  info.backend = voltages_.backend;
  if (voltages_.n_pol == 2) info.feed = feed_ == FeedBasis::kCircular ? "CIRC" : "LIN";
  info.beam = voltages_.beam;
  info.ra_deg = voltages_.ra_deg;
  info.dec_deg = voltages_.dec_deg;
  return info;
}

SampleFormat Channelizer::format() const {
  SampleFormat format;
  format.n_bits = 32;
  format.is_float = true;
  format.pol_kind = products_ == PolProducts::kIntensity   ? PolKind::kIntensity
                    : products_ == PolProducts::kCoherence ? PolKind::kCoherence
                                                           : PolKind::kStokes;
  return format;
}

CoherentParams Channelizer::coherent_params(double dm_pc_cm3) const {
  const StreamInfo stream = info();
  CoherentParams params;
  params.n_chan = stream.n_chan;
  params.freq_low_mhz = stream.freq_low_mhz;
  params.channel_spacing_mhz = stream.channel_width_mhz;
  params.sample_rate_mhz = 1e-6 / (static_cast<double>(pfb_.hop) * voltages_.sample_time_s);
  params.dm_pc_cm3 = dm_pc_cm3;
  return params;
}

/// What Scratch takes.
std::int64_t Channelizer::scratch_bytes() const {
  const auto n_chan = pfb_.params.n_chan, n_pol = std::int64_t{voltages_.n_pol};
  const std::int64_t n_product = tianyan::n_product(products_), n_fft = lengths_.n_fft;
  const auto pfb = 2 * pfb_.n_fft * 8;
  const auto run =
      n_pol * (run_samples() * voltage_format_.n_component() * 4 + kRunFrames * (n_chan + kPad) * 8) +
      std::max(kRunFrames, n_fft) + n_product * n_chan * 4;
  if (dms_.empty()) return pfb + run;
  return pfb + run + 3 * n_fft * 8 + n_pol * n_chan * n_fft * 8 + n_dm() * n_pol * lengths_.n_valid * 8 +
         task_spectra_ * (n_sum_ + 4) + n_dm() * tile_channels() * n_product * task_spectra_ * 4;
}

std::int64_t Channelizer::footprint_bytes() const {
  const auto chunk_samples =
      chunk_spectra() * n_sum_ * pfb_.hop + pfb_.n_window + (lengths_.n_before + lengths_.n_after) * pfb_.hop;
  const auto block = chunk_samples * voltages_.n_coarse * voltages_.n_pol * voltage_format_.sample_bits() / 8;
  auto plans = pfb_.n_window * (1 + pfb_.params.n_component()) * std::int64_t{4};
  for (const double dm : dms_) plans += response_bytes(coherent_params(dm), lengths_.n_fft);
  return plans + n_threads_ * scratch_bytes() + block;
}

std::int64_t Channelizer::tile_channels() const { return std::min(kTileChannels, pfb_.params.n_chan); }

void Channelizer::use_threads(int n_threads) {
  if (n_threads != n_threads_) release();
  n_threads_ = n_threads;
}

void Channelizer::release() {
  scratch_.clear();
  coherent_.clear();
  block_ = {};
}

/// Samples that a run of frames looks at.
std::int64_t Channelizer::run_samples() const { return (kRunFrames - 1) * pfb_.hop + pfb_.n_window; }

void Channelizer::allocate() {
  if (!scratch_.empty()) return;
  const FftWisdom wisdom;
  for (const double dm : dms_) coherent_.push_back(make_coherent_plan(coherent_params(dm), lengths_));
  for (int i = 0; i < n_threads_; ++i) scratch_.push_back(std::make_unique<Scratch>(*this));
  missing_.resize(static_cast<std::size_t>(voltages_.n_coarse));
}

void Channelizer::make(VoltageSource& source, std::int64_t first, View<float, 3> out,
                       View<std::uint8_t, 2> good) {
  const StreamInfo stream = info();
  const auto n_column = std::int64_t{stream.n_pol} * stream.n_chan, n_time = out.shape(1);
  expect(out.shape(0) == n_dm() && out.shape(2) == n_column && good.shape(0) == n_time &&
             good.shape(1) == voltages_.n_coarse,
         "spectra [{}][{}][{}] with weights [{}][{}] for {} DMs of {} columns in {} coarse channels",
         out.shape(0), n_time, out.shape(2), good.shape(0), good.shape(1), n_dm(), n_column,
         voltages_.n_coarse);
  expect(first >= 0 && first <= stream.n_time - n_time, "spectra [{}, {}) of {}", first, first + n_time,
         stream.n_time);
  allocate();
  for (std::int64_t t = 0; t < n_time;) {
    const auto n = std::min(chunk_spectra() - (first + t) % chunk_spectra(), n_time - t);
    make_chunk(source, first + t, out.slice(1, t, t + n), good.slice(0, t, t + n));
    t += n;
  }
}

void Channelizer::make_chunk(VoltageSource& source, std::int64_t first, View<float, 3> out,
                             View<std::uint8_t, 2> good) {
  const auto first_task = first / task_spectra_, end_task = ceil_div(first + out.shape(1), task_spectra_);
  const auto first_frame = first_task * task_spectra_ * n_sum_, end_frame = end_task * task_spectra_ * n_sum_;
  // A step of coherent dedispersion is a whole transform, of which the end may be of no use.
  const auto n_beyond = dms_.empty() ? 0 : lengths_.n_fft - lengths_.n_before - task_spectra_ * n_sum_;
  const auto samples = window().samples_of(first_frame - lengths_.n_before,
                                           end_frame - first_frame + lengths_.n_before + n_beyond);
  const auto begin = std::clamp<std::int64_t>(samples.begin, 0, voltages_.n_time);
  const auto end = std::clamp(samples.end, begin, voltages_.n_time);
  source.read(begin, end - begin, block_);
  parallel_for(n_threads_, voltages_.n_coarse, [&](std::int64_t c, int) {
    auto& missing = missing_[static_cast<std::size_t>(c)];
    missing = missing_samples(block_, static_cast<int>(c), voltages_.n_pol);
    for (auto& range : missing) range = {range.begin + begin, range.end + begin};
  });
  const auto n_step = end_task - first_task;
  parallel_for(n_threads_, n_step * voltages_.n_coarse, [&](std::int64_t i, int thread) {
    const Task task{static_cast<int>(i / n_step), (first_task + i % n_step) * task_spectra_, first, out,
                    good};
    Scratch& scratch = *scratch_[static_cast<std::size_t>(thread)];
    if (dms_.empty())
      sum_frames(task, scratch);
    else
      dedisperse(task, scratch);
  });
}

/// Zeros where the scan has no samples.
void Channelizer::load(const Task& task, SampleRange samples, Scratch& scratch) const {
  const auto n_component = std::int64_t{voltage_format_.n_component()};
  const auto begin = std::clamp(block_.first_sample, samples.begin, samples.end);
  const auto end = std::clamp(block_.first_sample + block_.n_time, begin, samples.end);
  for (int p = 0; p < voltages_.n_pol; ++p) {
    const auto row = scratch.samples.view()[p].slice(0, 0, samples.size() * n_component);
    const auto there =
        row.slice(0, (begin - samples.begin) * n_component, (end - samples.begin) * n_component);
    std::fill(row.data(), there.data(), 0.0F);
    if (end > begin)
      unpack_voltages(voltage_format_, block_, task.coarse, p, begin - block_.first_sample, there);
    std::fill(there.data() + there.shape(0), row.data() + row.shape(0), 0.0F);
  }
}

/// Frames [begin, end), at most kRunFrames, into scratch.frames.
void Channelizer::channelize_frames(const Task& task, SampleRange frames, Scratch& scratch) const {
  const auto samples = window().samples_of(frames.begin, frames.end - frames.begin);
  load(task, samples, scratch);
  const auto n_value = (samples.end - samples.begin) * voltage_format_.n_component();
  for (int p = 0; p < voltages_.n_pol; ++p) {
    const auto x = scratch.samples.cview()[p].slice(0, 0, n_value);
    for (auto m = frames.begin; m < frames.end; ++m)
      pfb_frame(pfb_, scratch.pfb, x, samples.begin, m,
                scratch.frames.view()[p][m - frames.begin].slice(0, 0, pfb_.params.n_chan));
  }
}

void Channelizer::sum_frames(const Task& task, Scratch& scratch) const {
  const auto n_chan = pfb_.params.n_chan;
  const auto& missing = missing_[static_cast<std::size_t>(task.coarse)];
  const auto sums = scratch.sums.view();
  const auto frame_of = [&](int p, std::int64_t i) {
    return p < voltages_.n_pol ? scratch.frames.cview()[p][i].slice(0, 0, n_chan)
                               : View<const std::complex<float>, 1>();
  };
  SampleRange run;  // of frames that are made
  for (auto t = std::max(task.first, task.out_first); t < task.first + task_spectra_ && task.is_wanted(t);
       ++t) {
    std::fill_n(sums.data(), sums.size(), 0.0F);
    std::int64_t n_good = 0;
    for (auto m = t * n_sum_; m < (t + 1) * n_sum_; ++m) {
      if (m >= run.end || m < run.begin) {
        run = {m, std::min(m + kRunFrames, (task.first + task_spectra_) * n_sum_)};
        channelize_frames(task, run, scratch);
        good_frames(window(), missing, voltages_.n_time, run.begin,
                    scratch.good.view().slice(0, 0, run.end - run.begin));
      }
      if (scratch.good(m - run.begin) == 0) continue;
      ++n_good;
      add_products(products_, feed_, frame_of(0, m - run.begin), frame_of(1, m - run.begin), sums);
    }
    const float scale = n_good > 0 ? 1.0F / static_cast<float>(n_good) : 0.0F;
    for (std::int64_t p = 0; p < sums.shape(0); ++p) {
      float* to = &task.out(0, t - task.out_first, p * n_chan * voltages_.n_coarse + task.coarse * n_chan);
      for (std::int64_t k = 0; k < n_chan; ++k) to[k] = scale * sums(p, k);
    }
    task.good(t - task.out_first, task.coarse) = 2 * n_good >= n_sum_ ? 1 : 0;
  }
}

void Channelizer::dedisperse(const Task& task, Scratch& scratch) const {
  const auto n_chan = pfb_.params.n_chan;
  const auto first_frame = task.first * n_sum_ - lengths_.n_before;
  for (std::int64_t i = 0; i < lengths_.n_fft; i += kRunFrames) {
    const auto n = std::min(kRunFrames, lengths_.n_fft - i);
    channelize_frames(task, {first_frame + i, first_frame + i + n}, scratch);
    for (int p = 0; p < voltages_.n_pol; ++p)
      for (std::int64_t k = 0; k < n_chan; ++k) {
        std::complex<float>* to = &scratch.series(p, k, i);
        for (std::int64_t m = 0; m < n; ++m) to[m] = scratch.frames(p, m, k);
      }
  }
  const auto n_valid = task_spectra_ * n_sum_;
  const auto good = scratch.good.view().slice(0, 0, lengths_.n_before + n_valid + lengths_.n_after);
  good_frames(window(), missing_[static_cast<std::size_t>(task.coarse)], voltages_.n_time, first_frame, good);
  erode(good, scratch.kept.view());
  for (std::int64_t k = 0; k < n_chan; k += tile_channels())
    store_channels(task, k, std::min(tile_channels(), n_chan - k), scratch);
  for (std::int64_t i = 0; i < task_spectra_; ++i)
    if (task.is_wanted(task.first + i))
      task.good(task.first + i - task.out_first, task.coarse) = 2 * scratch.n_good(i) >= n_sum_ ? 1 : 0;
}

/// Channels first_channel + [0, n) of the step, dedispersed at every DM, into the spectra that are wanted.
void Channelizer::store_channels(const Task& task, std::int64_t first_channel, std::int64_t n,
                                 Scratch& s) const {
  for (std::int64_t i = 0; i < n; ++i) dedisperse_channel(task, first_channel + i, i, s);
  const auto n_chan = pfb_.params.n_chan, n_all = n_chan * voltages_.n_coarse;
  const float scale = 1.0F / static_cast<float>(n_sum_);
  for (std::int64_t d = 0; d < n_dm(); ++d)
    for (std::int64_t p = 0; p < s.tile.shape(2); ++p)
      for (std::int64_t t = 0; t < task_spectra_; ++t) {
        if (!task.is_wanted(task.first + t)) continue;
        float* to =
            &task.out(d, task.first + t - task.out_first, p * n_all + task.coarse * n_chan + first_channel);
        for (std::int64_t i = 0; i < n; ++i) to[i] = scale * s.tile(d, i, p, t);
      }
}

/// Channel k of the coarse channel into channel i of the tile.
void Channelizer::dedisperse_channel(const Task& task, std::int64_t k, std::int64_t i, Scratch& s) const {
  const auto channel = task.coarse * pfb_.params.n_chan + k, n_valid = task_spectra_ * n_sum_;
  for (int p = 0; p < voltages_.n_pol; ++p) {
    forward_step(coherent_.front(), s.coherent, s.series.cview()[p][k]);
    for (std::size_t d = 0; d < coherent_.size(); ++d)
      backward_step(coherent_[d], s.coherent, channel, s.dedispersed.view()[static_cast<std::int64_t>(d)][p]);
  }
  for (std::int64_t d = 0; d < n_dm(); ++d) {
    const auto voltages = s.dedispersed.cview()[d];
    const auto y =
        voltages_.n_pol == 2 ? voltages[1].slice(0, 0, n_valid) : View<const std::complex<float>, 1>();
    integrate_products(products_, feed_, voltages[0].slice(0, 0, n_valid), y, n_sum_, s.kept.cview(),
                       s.tile.view()[d][i], s.n_good.view());
  }
}

}  // namespace tianyan
