// Unpacking, normalising and summing on a device. Calls return when the device has done their work, but for
// begin(): rules look at their results at once.
#include "pipeline/cuda_levels.hpp"

#include <algorithm>

#include "cuda/channel_stats.hpp"
#include "cuda/unpack.hpp"

namespace tianyan {
namespace {

constexpr int kSlabRows = 512;  // channels that are unpacked at once: enough blocks for a large device

DeviceView<std::uint8_t, 2> as_bytes(DeviceView<std::int8_t, 2> q) {
  return DeviceView<std::uint8_t, 2>(View<std::uint8_t, 2>(
      reinterpret_cast<std::uint8_t*>(q.data()), {q.shape(0), q.shape(1)}, {q.stride(0), q.stride(1)}));
}

}  // namespace

CudaLevels::CudaLevels(const StreamInfo& info, const SampleFormat& format, std::int64_t window_samples,
                       int n_threads, int device)
    : unpack_(make_unpack_plan(info, format)),
      window_samples_(window_samples),
      n_cell_(window_samples / kCellSamples),
      spectrum_bytes_(spectrum_bytes(info, format)),
      n_threads_(n_threads),
      device_(device),
      can_use_device_(!format.is_float && format.n_bits <= 8),
      host_(info, format, window_samples, n_threads) {}

void CudaLevels::write_to(DeviceView<std::int8_t, 2> q) {
  expect(q.shape(0) == n_chan() && q.shape(1) == window_samples_ && q.rows_contiguous(),
         "conditioning {} channels of {} samples into {} x {}", n_chan(), window_samples_, q.shape(0),
         q.shape(1));
  q_ = q;
}

std::int64_t CudaLevels::footprint_bytes() const {
  const std::int64_t n = n_chan(), always = host_.footprint_bytes() + n * window_samples_ +
                                            PinnedUpload::footprint_bytes(longest_row_bytes());
  if (!can_use_device_) return always;
  return always + 2 * n_zero_dm_band(n_chan()) * window_samples_ + 4 * n * n_cell_ + 16 * n +
         WeightsOnDevice::footprint_bytes(n_chan(), window_samples_);
}

std::int64_t CudaLevels::device_bytes() const {
  if (!can_use_device_) return 0;
  const std::int64_t n = n_chan(), per_channel = 2 * 8 + 3 * 4 + 8 + 1, per_cell = 1 + 2 + 2,
                     per_sample = spectrum_bytes_ + 2 + 1 + 2 * n_zero_dm_band(n_chan());
  return n * (per_channel + per_cell * n_cell_) + per_sample * window_samples_ +
         std::min(kSlabRows, n_chan()) * window_samples_ * sample_bytes() +
         WeightsOnDevice::footprint_bytes(n_chan(), window_samples_);
}

void CudaLevels::allocate() {
  host_.allocate();
  host_q_ = Array<std::int8_t, 2>({n_chan(), window_samples_});
  host_.write_to(host_q_.view());
  use_device(device_);
  stream_.emplace();
  send_ = PinnedUpload(longest_row_bytes(), n_threads_);
  if (!can_use_device_) return;
  const std::int64_t n = n_chan();
  auto& m = memory_;
  m.raw = DeviceArray<std::uint8_t, 2>({window_samples_, spectrum_bytes_});
  m.slab =
      DeviceArray<std::uint8_t, 1>({std::min<std::int64_t>(kSlabRows, n) * window_samples_ * sample_bytes()});
  m.calibration = DeviceArray<double, 2>({2, n});
  for (auto* by_channel : {&m.mean, &m.sigma, &m.factor}) *by_channel = DeviceArray<float, 1>({n});
  m.n_good = DeviceArray<std::int64_t, 1>({n});
  m.wave = DeviceArray<std::int16_t, 1>({window_samples_});
  m.good_channel = DeviceArray<std::uint8_t, 1>({n});
  m.good_time = DeviceArray<std::uint8_t, 1>({window_samples_});
  m.rule = DeviceArray<std::uint8_t, 2>({n, n_cell_});
  m.cell_sum = DeviceArray<std::int16_t, 2>({n, n_cell_});
  m.cell_squares = DeviceArray<std::uint16_t, 2>({n, n_cell_});
  m.bands = DeviceArray<std::int16_t, 2>({n_zero_dm_band(n_chan()), window_samples_});
  weights_ = WeightsOnDevice(n_chan(), window_samples_);
  bands_ = PinnedArray<std::int16_t, 2>({n_zero_dm_band(n_chan()), window_samples_});
  cell_sum_ = PinnedArray<std::int16_t, 2>({n, n_cell_});
  cell_squares_ = PinnedArray<std::uint16_t, 2>({n, n_cell_});
}

// For work on the device, from whatever thread.
const Stream& CudaLevels::stream() const {
  use_device(device_);
  return *stream_;
}

void CudaLevels::begin(const RawBlock& window, const std::optional<RowCalibration>& calibration) {
  expect(q_.shape(0) == n_chan() && window.n_time <= window_samples_,
         "conditioning {} spectra into {} channels of {}", window.n_time, q_.shape(0), window_samples_);
  on_host_ = !calibration;
  if (on_host_) return host_.begin(window, calibration);
  const auto& s = stream();
  s.synchronise();
  n_time_ = window.n_time;
  has_wave_ = false;
  calibration_ = *calibration;
  calibration_.check(n_chan());
  const auto table = memory_.calibration.view();
  upload(View<const double, 1>(calibration_.scale.data(), {n_chan()}), table[0], s);
  upload(View<const double, 1>(calibration_.offset.data(), {n_chan()}), table[1], s);
  send_(window.samples.cview().slice(0, 0, n_time_), memory_.raw.view().slice(0, 0, n_time_), s);
}

template <class T>
void CudaLevels::normalise_slabs(const DeviceWeights& weights, bool measures) {
  const auto& s = stream();
  const auto& m = memory_;
  const DeviceCalibration calibration{m.calibration.cview()[0], m.calibration.cview()[1]};
  for (int first = 0; first < n_chan(); first += kSlabRows) {
    const int end = std::min(first + kSlabRows, n_chan());
    const DeviceView<T, 2> x(View<T, 2>(reinterpret_cast<T*>(m.slab.data()), {end - first, n_time_}));
    const auto mean = m.mean.view().slice(0, first, end), sigma = m.sigma.view().slice(0, first, end);
    unpack(unpack_, m.raw.cview().slice(0, 0, n_time_), first, x, s);
    if (measures)
      channel_stats<T>(x, calibration, weights, first, mean, sigma, m.n_good.view().slice(0, first, end), s);
    DeviceWave shared;
    if (has_wave_) shared = {m.wave.cview().slice(0, 0, n_time_), m.factor.cview().slice(0, first, end)};
    tianyan::normalise<T>(x, calibration, mean, sigma, weights, first, shared,
                          q_.slice(0, first, end).slice(1, 0, n_time_), s);
  }
}

void CudaLevels::normalise(const SpanWeights& weights, bool measures, const ChannelStats& stats) {
  if (on_host_) return host_.normalise(weights, measures, stats);
  const auto& s = stream();
  const auto& m = memory_;
  const auto on_device = weights_.upload(weights, s);
  if (!measures) {
    upload(stats.mean, m.mean.view(), s);
    upload(stats.sigma, m.sigma.view(), s);
  }
  if (sample_bytes() == 1)
    normalise_slabs<std::uint8_t>(on_device, measures);
  else
    normalise_slabs<std::int16_t>(on_device, measures);
  fill_zero(m.good_time, s);
  tianyan::drop_times(m.good_time.cview().slice(0, n_time_, window_samples_),
                      q_.slice(1, n_time_, window_samples_), s);
  if (measures) {
    download(m.mean.cview(), stats.mean, s);
    download(m.sigma.cview(), stats.sigma, s);
    download(m.n_good.cview(), stats.n_good, s);
  }
  has_bands_ = has_cells_ = false;
  s.synchronise();
}

void CudaLevels::drop_channels(View<const std::uint8_t, 1> good) {
  if (on_host_) return host_.drop_channels(good);
  const auto& s = stream();
  upload(good, memory_.good_channel.view(), s);
  tianyan::drop_channels(memory_.good_channel.cview(), q_, s);
  has_bands_ = has_cells_ = false;
  s.synchronise();
}

void CudaLevels::drop_times(const std::vector<FlaggedTimes>& runs) {
  if (on_host_) return host_.drop_times(runs);
  const auto& s = stream();
  std::vector<std::uint8_t> good(static_cast<std::size_t>(window_samples_), 1);
  for (const auto& run : runs) std::fill(good.begin() + run.begin, good.begin() + run.end, std::uint8_t{0});
  upload(View<const std::uint8_t, 1>(good.data(), {window_samples_}), memory_.good_time.view(), s);
  tianyan::drop_times(memory_.good_time.cview(), q_, s);
  has_cells_ = false;
  s.synchronise();
}

void CudaLevels::drop_cells(View<const std::uint8_t, 2> rule) {
  if (on_host_) return host_.drop_cells(rule);
  const auto& s = stream();
  upload(rule, memory_.rule.view(), s);
  tianyan::drop_cells(memory_.rule.cview(), q_, s);
  s.synchronise();
}

void CudaLevels::fit_wave(View<const std::int16_t, 1> wave) {
  if (on_host_) return host_.fit_wave(wave);
  const auto& s = stream();
  upload(wave, memory_.wave.view(), s);
  wave_factors(q_.slice(1, 0, n_time_), memory_.wave.cview().slice(0, 0, n_time_), memory_.factor.view(), s);
  has_wave_ = true;
  s.synchronise();
}

void CudaLevels::finish() {
  const auto& s = stream();
  if (on_host_) {
    const View<const std::uint8_t, 2> bytes(reinterpret_cast<const std::uint8_t*>(host_q_.data()),
                                            host_q_.cview().shape());
    send_(bytes, as_bytes(q_), s);
  }
  s.synchronise();
}

View<const std::int16_t, 2> CudaLevels::bands() {
  if (on_host_) return host_.bands();
  if (!has_bands_) {
    const auto& s = stream();
    zero_dm_bands(q_, zero_dm_band_channels(n_chan()), memory_.bands.view(), s);
    download(memory_.bands.cview(), bands_.view(), s);
    s.synchronise();
    has_bands_ = true;
  }
  return bands_.cview();
}

CellSums CudaLevels::cells() {
  if (on_host_) return host_.cells();
  if (!has_cells_) {
    const auto& s = stream();
    cell_moments(q_, memory_.cell_sum.view(), memory_.cell_squares.view(), s);
    download(memory_.cell_sum.cview(), cell_sum_.view(), s);
    download(memory_.cell_squares.cview(), cell_squares_.view(), s);
    s.synchronise();
    has_cells_ = true;
  }
  return {cell_sum_.cview(), cell_squares_.cview()};
}

}  // namespace tianyan
