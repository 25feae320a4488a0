// Measuring of channels and adding of pulses, as blocks are read.
#include "pipeline/injected_source.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/add_intensity.hpp"
#include "kernels/channel_stats.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr std::uint64_t kRoundingSeed = 0x7469616e79616e21U;
constexpr std::int64_t kRowsPerTask = 32;

// Adds one pulse to a spectrum. Delays fall with c: at one time the pulse is in a range of channels, which is
// returned.
SampleRange add_pulse(const InjectionBand& band, const PulseModel& model, const std::vector<float>& unit,
                      std::int64_t sample, View<float, 1> lift) {
  const double t_s = band.sample_time_s;
  const double since_s = (static_cast<double>(sample) + 0.5) * t_s - model.pulse.time_s;
  const auto ends_after = [&](int c) { return since_s - model.delay_s(band, c) > model.end_s; };
  const auto begins_before = [&](int c) { return since_s - model.delay_s(band, c) >= model.begin_s; };
  const auto first_where = [&](const auto& holds) {  // it holds from some channel on
    int low = model.chan_begin, high = model.chan_end;
    while (low < high) {
      const int middle = (low + high) / 2;
      holds(middle) ? high = middle : low = middle + 1;
    }
    return low;
  };
  const int first = first_where(begins_before), end = first_where(ends_after);
  for (int c = first; c < end; ++c) {
    const double profile = t_s * model.shape(band, c).at(since_s - model.delay_s(band, c));
    lift[c] += static_cast<float>(model.fluence * profile * unit[static_cast<std::size_t>(c)]);
  }
  return {first, std::max(first, end)};
}

}  // namespace

InjectedSource::InjectedSource(Source& inner, const std::vector<InjectedPulse>& pulses)
    : inner_(inner),
      unpack_(make_unpack_plan(inner.info(), inner.format())),
      band_(injection_band(inner.info())) {
  for (const auto& pulse : pulses) {
    models_.push_back(pulse_model(band_, pulse));
    samples_.push_back(models_.back().samples(band_, inner.info().n_time));
  }
}

void InjectedSource::use_threads(int n_threads) {
  inner_.use_threads(n_threads);
  n_threads_ = n_threads;
}

std::int64_t InjectedSource::memory_bytes() const {
  const std::int64_t n_chan = info().n_chan;
  return inner_.memory_bytes() + kRunSpectra * spectrum_bytes(info(), format()) +
         (kRuns * kRunSpectra + n_threads_) * n_chan * static_cast<std::int64_t>(sizeof(float));
}

void InjectedSource::release() {
  inner_.release();
  run_ = {};
  rows_ = {};
}

std::int64_t InjectedSource::segment_samples() const {
  return std::max<std::int64_t>(kRuns * kRunSpectra, std::llround(kSegment_s / info().sample_time_s));
}

// Of its arrival in the middle of what it covers; the stream's last segment is up to twice as long.
std::int64_t InjectedSource::segment_of(const PulseModel& model) const {
  const double arrival_s = model.pulse.time_s + model.delay_s(band_, (model.chan_begin + model.chan_end) / 2);
  const auto sample = static_cast<std::int64_t>(std::max(0.0, arrival_s / info().sample_time_s));
  const std::int64_t n_segment = std::max<std::int64_t>(1, info().n_time / segment_samples());
  return std::min(sample / segment_samples(), n_segment - 1);
}

const std::vector<float>& InjectedSource::unit_of(std::int64_t segment) {
  const auto found = units_.find(segment);
  if (found != units_.end()) return found->second;
  const std::int64_t begin = segment * segment_samples(), next = begin + segment_samples();
  const bool is_last = next + segment_samples() > info().n_time;
  return units_[segment] = measure({begin, is_last ? info().n_time : next});
}

// Rows and weights of the segment's runs, one after another; full codes of channels are counted where few
// bits make them many. Returns the number of samples of a channel that were looked at for that.
std::int64_t InjectedSource::read_runs(SampleRange segment, SpanWeights& weights,
                                       View<std::int64_t, 1> n_full) {
  const std::int64_t n_run = std::clamp<std::int64_t>(segment.size() / kRunSpectra, 1, kRuns);
  const std::int64_t n = std::min(segment.size(), kRunSpectra), n_chan = info().n_chan;
  if (rows_.shape(0) != n_chan || rows_.shape(1) != n_run * n) rows_ = Array<float, 2>({n_chan, n_run * n});
  std::int64_t n_seen = 0;
  for (std::int64_t i = 0; i < n_run; ++i) {
    const std::int64_t apart = n_run == 1 ? 0 : (segment.size() - n) / (n_run - 1);
    inner_.read(segment.begin + i * apart, n, run_);
    unpack(unpack_, run_, 0, rows_.view().slice(1, i * n, (i + 1) * n));
    const auto own = unpack_weights(unpack_, run_);
    for (int s = 0; s < own.n_span(); ++s) weights.append(own.length(s), own.row(s));
    if (format().n_bits < 8) n_seen += count_full(unpack_, run_, n_full);
  }
  return n_seen;
}

std::vector<float> InjectedSource::measure(SampleRange segment) {
  const std::int64_t n_chan = info().n_chan;
  SpanWeights weights;
  weights.n_chan = info().n_chan;
  weights.begin.push_back(0);
  Array<std::int64_t, 1> n_full({n_chan}), n_good({n_chan});
  const std::int64_t n_seen = read_runs(segment, weights, n_full.view());
  Array<float, 1> mean({n_chan}), sigma({n_chan});
  channel_stats(rows_.cview(), weights, 0, mean.view(), sigma.view(), n_good.view());
  std::vector<float> unit(static_cast<std::size_t>(n_chan));
  for (std::int64_t c = 0; c < n_chan; ++c) {
    const double full = n_seen > 0 ? static_cast<double>(n_full(c)) / static_cast<double>(n_seen) : 0.0;
    if (std::isfinite(sigma(c)) && full < 1.0)
      unit[static_cast<std::size_t>(c)] = static_cast<float>(sigma(c) / (1.0 - full));
  }
  return unit;
}

void InjectedSource::read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) {
  inner_.read(first_sample, n_time, out);
  std::vector<Placed> active;
  for (std::size_t i = 0; i < models_.size(); ++i)
    if (samples_[i].begin < first_sample + n_time && samples_[i].end > first_sample)
      active.push_back({&models_[i], samples_[i], &unit_of(segment_of(models_[i]))});
  if (active.empty()) return;
  Array<float, 2> lift({n_threads_, info().n_chan});
  const std::int64_t n_task = (n_time + kRowsPerTask - 1) / kRowsPerTask;
  parallel_for(n_threads_, n_task, [&](std::int64_t task, int thread) {
    const SampleRange rows{task * kRowsPerTask, std::min(n_time, (task + 1) * kRowsPerTask)};
    add_rows(active, rows, lift.view()[thread], out);
  });
}

// Rows of `out`; lift is zero before and after.
void InjectedSource::add_rows(const std::vector<Placed>& active, SampleRange rows, View<float, 1> lift,
                              RawBlock& out) const {
  std::size_t s = 0;
  for (auto t = rows.begin; t < rows.end; ++t) {
    while (out.spans[s].end <= t) ++s;
    if (out.spans[s].missing) continue;
    const std::int64_t sample = out.first_sample + t;
    SampleRange touched{info().n_chan, 0};
    for (const auto& [model, samples, unit] : active) {
      if (sample < samples.begin || sample >= samples.end) continue;
      const auto channels = add_pulse(band_, *model, *unit, sample, lift);
      if (channels.size() == 0) continue;
      touched = {std::min(touched.begin, channels.begin), std::max(touched.end, channels.end)};
    }
    if (touched.size() <= 0) continue;
    const auto part = lift.slice(0, touched.begin, touched.end);
    add_intensity(unpack_, out.spans[s], kRoundingSeed, sample, static_cast<int>(touched.begin), part,
                  &out.samples(t, 0));
    std::fill_n(&lift[touched.begin], touched.size(), 0.0F);
  }
}

}  // namespace tianyan
