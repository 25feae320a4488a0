// The search stage: history, buffers and the order of work; arithmetic is in the kernels.
#include "pipeline/dm_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "kernels/cluster.hpp"
#include "kernels/refine.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kChannelsPerTask = 64;
constexpr std::int64_t kTailInts = kBoxcarLevels * kBoxcarTail;

std::int64_t round_down(std::int64_t n, std::int64_t unit) {
  return (n >= 0 ? n : n - unit + 1) / unit * unit;
}

}  // namespace

// Rows of one tile of trials and times: each is searched when it is complete, then forgotten.
class DmSearch::TileRows final : public RowWriter {
 public:
  TileRows(const PlanPass& pass, Pass& state, Scratch& scratch, int first_trial, std::int64_t first_sample,
           const StreamInfo& info, bool measures_noise)
      : measures_noise_(measures_noise),
        pass_(pass),
        state_(state),
        scratch_(scratch),
        first_trial_(first_trial),
        first_sample_(first_sample),
        info_(info) {}

  std::int32_t* begin_row(int) override { return scratch_.row.data() + kBoxcarTail; }

  // Rows come in order of their trials: the first one measures the noise of all.
  void end_row(int trial) override {
    if (trial == first_trial_ && measures_noise_) measure_noise();
    auto& tail = *reinterpret_cast<BoxcarTail*>(state_.tails.data() + trial * kTailInts);
    found_.clear();
    boxcar_search(pass_.boxcar, track_of(trial), scratch_.row.view(), tail, scratch_.boxcar.view(), found_);
    for (const auto& e : found_) add(trial, e);
  }

  // What dedispersion would give beyond the scan's end.
  void zero_row(int trial) {
    std::fill(begin_row(trial), begin_row(trial) + kTimeTile, 0);
    end_row(trial);
  }

  // Adds the best event as a finer search finds it. Sample 0 of the tile is sample t of `samples`.
  void refine(View<const std::int8_t, 2> samples, std::int64_t t) {
    if (!best_.has_value()) return;
    const auto refined = refine_event(pass_.fdmt.params, pass_.boxcar, track_of(best_->trial), samples, t,
                                      kTimeTile, best_->trial, best_->boxcar, scratch_.refine.view());
    const Event event = event_of(refined.delay, refined.boxcar);
    if (more_significant(event, best_->event) && is_in_scan(event)) tile_events_.push_back(event);
  }

  // Keeps the most significant events of the tile.
  void finish() {
    const auto keep = std::min<std::size_t>(tile_events_.size(), kMaxEventsPerTile);
    std::partial_sort(tile_events_.begin(), tile_events_.begin() + static_cast<std::ptrdiff_t>(keep),
                      tile_events_.end(), more_significant);
    scratch_.n_dropped += static_cast<std::int64_t>(tile_events_.size() - keep);
    scratch_.events.insert(scratch_.events.end(), tile_events_.begin(),
                           tile_events_.begin() + static_cast<std::ptrdiff_t>(keep));
  }

 private:
  struct Best {
    int trial = 0;
    BoxcarEvent boxcar;
    Event event;
  };

  void measure_noise() {
    auto& noise = state_.noise[static_cast<std::size_t>(first_trial_ / kTrialTile)];
    update_noise_scale(pass_.boxcar, track_of(first_trial_),
                       scratch_.row.cview().slice(0, kBoxcarTail, kBoxcarTail + kTimeTile), noise);
    scratch_.tracks.set_noise(noise.factors());
  }

  const VarianceTrack& track_of(int trial) const { return scratch_.tracks.of(trial); }

  // Octave sample k covers native samples [k D, (k + 1) D): a boxcar's centre is half a native sample before
  // the middle.
  Event event_of(double delay, const BoxcarEvent& e) const {
    const auto factor = static_cast<double>(pass_.downsampling());
    const auto start = static_cast<double>(first_sample_ + e.start) * factor;
    Event event;
    event.width_s = e.width * factor * info_.sample_time_s;
    event.time_s = (start + 0.5 * (e.width * factor - 1.0)) * info_.sample_time_s;
    event.dm_pc_cm3 = delay * pass_.dm_per_sample_pc_cm3;
    event.snr = e.snr;
    event.snr_white = e.snr * track_of(first_trial_).noise_of(e.width);
    return event;
  }

  bool is_in_scan(const Event& event) const {
    return event.time_s >= 0.0 && event.time_s < info_.duration_s();
  }

  void add(int trial, const BoxcarEvent& e) {
    const Event event = event_of(pass_.fdmt.params.delay_of(trial), e);
    if (!is_in_scan(event)) return;
    tile_events_.push_back(event);
    if (!best_ || more_significant(event, best_->event)) best_ = {trial, e, event};
  }

  bool measures_noise_;
  const PlanPass& pass_;
  Pass& state_;
  Scratch& scratch_;
  int first_trial_;
  std::int64_t first_sample_;
  const StreamInfo& info_;
  std::vector<BoxcarEvent> found_;
  std::vector<Event> tile_events_;
  std::optional<Best> best_;
};

DmSearch::DmSearch(const SearchPlan& plan, const StreamInfo& info, const std::vector<int>& subbands,
                   int n_threads)
    : plan_(plan), info_(info), subbands_(subbands), n_threads_(n_threads) {
  for (int j = 0; j < std::ssize(plan.history); ++j) {  // each octave is made of the finer ones
    Octave octave;
    octave.octave = j;
    octave.history = plan.history[static_cast<std::size_t>(j)] + kRefineLead;
    octave.block = plan.block_samples >> j;
    for (const auto& pass : plan.passes)
      if (pass.octave == j) octave.lag = std::max(octave.lag, pass.boxcar.lag());
    if (octave.lag > 0) octaves_.push_back(std::move(octave));
  }
  passes_.resize(plan.passes.size());
}

DmSearch::Octave& DmSearch::octave_of(const PlanPass& pass) {
  return *std::find_if(octaves_.begin(), octaves_.end(),
                       [&](const Octave& o) { return o.octave == pass.octave; });
}

std::int64_t DmSearch::group_rows_ints() const {
  std::int64_t most = 0;
  for (const auto& pass : plan_.passes)
    most =
        std::max(most, pass.fdmt.n_group_row * pass.fdmt.group_columns(plan_.block_samples >> pass.octave));
  return most;
}

std::int64_t DmSearch::fdmt_scratch_bytes() const {
  std::int64_t most = 0;
  for (const auto& pass : plan_.passes)
    most = std::max({most, pass.fdmt.group_scratch_bytes, pass.fdmt.trial_scratch_bytes});
  return most;
}

std::int64_t DmSearch::footprint_bytes() const {
  const auto n_subband = static_cast<std::int64_t>(subbands_.size()) - 1;
  std::int64_t bytes = group_rows_ints() * 2 + info_.n_chan * plan_.window_samples +
                       n_subband * window_bins() * std::int64_t{8};
  for (const auto& o : octaves_)
    bytes += info_.n_chan * (o.history + o.block) +
             OctaveWeights::footprint_bytes(n_subband, o.lag + o.history + o.block);
  for (const auto& pass : plan_.passes)
    bytes += pass.fdmt.n_trial() * (kTailInts * 4 + std::int64_t{sizeof(NoiseScale)} / kTrialTile + 1);
  const std::int64_t events = std::int64_t{64} * kMaxEventsPerTile * 64;
  return bytes + n_threads_ * (fdmt_scratch_bytes() + plan_.window_samples + events +
                               RowTracks::footprint_bytes(plan_, n_subband));
}

DmSearch::Scratch DmSearch::make_scratch() const {
  Scratch s{RowTracks(plan_, subbands_)};
  s.fine = Array<std::int8_t, 1>({plan_.window_samples});
  s.fdmt = Array<std::byte, 1>({fdmt_scratch_bytes()});
  s.refine = Array<std::int32_t, 1>({kRefineScratchInts});
  s.row = Array<std::int32_t, 1>({kBoxcarTail + kTimeTile});
  s.boxcar = Array<std::int32_t, 1>({boxcar_scratch_ints(kTimeTile)});
  return s;
}

void DmSearch::prepare(int n_trial, Pass& pass) {
  pass.tails.assign(static_cast<std::size_t>(n_trial * kTailInts), 0);
  pass.noise.assign(static_cast<std::size_t>((n_trial + kTrialTile - 1) / kTrialTile), {});
}

void DmSearch::allocate() {
  const auto n_subband = static_cast<std::int64_t>(subbands_.size()) - 1;
  window_ = Array<std::int8_t, 2>({info_.n_chan, plan_.window_samples});
  window_weights_ = OctaveWeights(n_subband, plan_.window_samples);
  for (auto& o : octaves_) {
    o.samples = Array<std::int8_t, 2>({info_.n_chan, o.history + o.block});
    o.weights = OctaveWeights(n_subband, o.lag + o.history + o.block);
  }
  for (std::size_t i = 0; i < passes_.size(); ++i) prepare(plan_.passes[i].fdmt.n_trial(), passes_[i]);
  group_memory_ = Array<std::int16_t, 1>({group_rows_ints()});
  for (int thread = 0; thread < n_threads_; ++thread) scratch_.push_back(make_scratch());
  take_pages(n_threads_, window_);
  for (auto& o : octaves_) take_pages(n_threads_, o.samples);
  take_pages(n_threads_, group_memory_);
}

View<std::int8_t, 2> DmSearch::window_samples() { return window_.view(); }
View<float, 2> DmSearch::window_weights() { return window_weights_.weight.view(); }
View<float, 2> DmSearch::window_means() { return window_weights_.mean.view(); }
View<float, 1> DmSearch::window_times() { return window_weights_.times.view(); }

void DmSearch::window_done(std::vector<Event>& events) {
  distribute_window();
  count_window(events);
}

void DmSearch::count_window(std::vector<Event>& events) {
  if (++window_in_block_ * plan_.window_samples < plan_.block_samples) return;
  window_in_block_ = 0;
  search_block(events);
}

void DmSearch::finish(std::vector<Event>& events) {
  const std::int64_t end = info_.n_time + plan_.flush_samples();
  while (window_in_block_ > 0 || n_block_ * plan_.block_samples < end) {
    for (auto& o : octaves_) add_empty_window(o);
    count_window(events);
  }
}

void DmSearch::add_empty_window(Octave& o) {
  const auto n = plan_.window_samples >> o.octave, at = o.history + window_in_block_ * n;
  parallel_for(n_threads_, info_.n_chan,
               [&](std::int64_t c, int) { std::memset(&o.samples(c, at), 0, static_cast<std::size_t>(n)); });
  for (auto* bins : {&o.weights.weight, &o.weights.mean})
    for (std::int64_t b = 0; b < bins->shape(0); ++b)
      std::fill_n(&(*bins)(b, (o.lag + at) / kVarianceBin), n / kVarianceBin, 0.0F);
  std::fill_n(&o.weights.times(o.lag + at), n, 0.0F);
}

double DmSearch::complete_before_s() const {
  return static_cast<double>(n_block_ * plan_.block_samples - plan_.flush_samples()) * info_.sample_time_s;
}

// The window's samples and sums go to each octave that is searched.
void DmSearch::distribute_window() {
  const auto n_task = (info_.n_chan + kChannelsPerTask - 1) / kChannelsPerTask;
  parallel_for(n_threads_, n_task, [&](std::int64_t task, int thread) {
    const auto end = std::min<std::int64_t>(info_.n_chan, (task + 1) * kChannelsPerTask);
    for (auto c = task * kChannelsPerTask; c < end; ++c)
      distribute_channel(c, scratch_[static_cast<std::size_t>(thread)].fine.view());
  });
  parallel_for(n_threads_, window_weights_.weight.shape(0), [&](std::int64_t b, int) {
    distribute_bins(b, &OctaveWeights::weight);
    distribute_bins(b, &OctaveWeights::mean);
  });
  distribute_times();
}

void DmSearch::distribute_times() {
  float* fine = window_weights_.times.data();
  int at = 0;
  for (auto& o : octaves_) {
    const auto n = plan_.window_samples >> o.octave;
    for (; at < o.octave; ++at)
      for (std::int64_t i = 0; i < plan_.window_samples >> (at + 1); ++i)
        fine[i] = 0.5F * (fine[2 * i] + fine[2 * i + 1]);
    std::copy_n(fine, n, &o.weights.times(o.lag + o.history + window_in_block_ * n));
  }
}

// Octaves that no pass uses pass through `scratch`, each over the one before it.
void DmSearch::distribute_channel(std::int64_t c, View<std::int8_t, 1> scratch) {
  View<const std::int8_t, 2> fine(&window_(c, 0), {1, plan_.window_samples});
  int at = 0;
  for (auto& o : octaves_) {
    const auto n = plan_.window_samples >> o.octave;
    std::int8_t* to = &o.samples(c, o.history + window_in_block_ * n);
    for (; at < o.octave; ++at) {
      const View<std::int8_t, 2> coarse(at + 1 == o.octave ? to : scratch.data(), {1, fine.shape(1) / 2});
      downsample(fine, plan_.levels[static_cast<std::size_t>(at) + 1].shift, coarse);
      fine = coarse;
    }
    if (o.octave == 0) std::memcpy(to, fine.data(), static_cast<std::size_t>(n));
  }
}

// A coarse bin holds as many samples as a fine one: weights are averaged, means are sums scaled as the
// samples were.
void DmSearch::distribute_bins(std::int64_t subband, Array<float, 2> OctaveWeights::*bins) {
  float* fine = &(window_weights_.*bins)(subband, 0);
  const bool is_mean = bins == &OctaveWeights::mean;
  int at = 0;
  for (auto& o : octaves_) {
    const auto n = window_bins() >> o.octave;
    for (; at < o.octave; ++at) {
      const bool is_sum = is_mean && plan_.levels[static_cast<std::size_t>(at) + 1].shift == 0;
      for (std::int64_t i = 0; i < window_bins() >> (at + 1); ++i)
        fine[i] = (is_sum ? 1.0F : 0.5F) * (fine[2 * i] + fine[2 * i + 1]);
    }
    std::copy(fine, fine + n,
              &(o.weights.*bins)(subband, (o.lag + o.history) / kVarianceBin + window_in_block_ * n));
  }
}

bool DmSearch::has_weight(const Octave& octave) const {
  const auto* w = octave.weights.weight.data();
  return std::any_of(w, w + octave.weights.weight.size(), [](float v) { return v > 0.0F; });
}

void DmSearch::search_block(std::vector<Event>& events) {
  for (auto& o : octaves_) sample_shares(o.weights.times.cview(), o.weights.share.view());
  for (std::size_t i = 0; i < passes_.size(); ++i) search_pass(i);
  for (auto& s : scratch_) {
    events.insert(events.end(), s.events.begin(), s.events.end());
    s.events.clear();
    n_dropped_ += s.n_dropped;
    s.n_dropped = 0;
  }
  shift_history();
  ++n_block_;
}

std::int64_t DmSearch::block_start(const Octave& octave) const {
  return n_block_ * octave.block - (octave.history - kRefineLead);
}

std::int64_t DmSearch::scan_end(const Octave& octave) const {
  return ((info_.n_time - 1) >> octave.octave) + 1;
}

// No start before -lag makes an event that is reported, and from the scan's end on rows are zero.
DmSearch::Span DmSearch::dedispersed_span(const PlanPass& pass, const Octave& octave) const {
  const auto first = block_start(octave), begin = round_down(-pass.boxcar.lag() - first, kTimeTile),
             end = round_down(scan_end(octave) - first + kTimeTile - 1, kTimeTile);
  return {std::clamp<std::int64_t>(begin, 0, octave.block), std::clamp<std::int64_t>(end, 0, octave.block)};
}

// Boxcars that begin in the scan are searched until they have passed its end.
DmSearch::Span DmSearch::searched_span(const PlanPass& pass, const Octave& octave) const {
  const auto end =
      round_down(scan_end(octave) + pass.boxcar.lag() - block_start(octave) + kTimeTile - 1, kTimeTile);
  return {dedispersed_span(pass, octave).begin, std::clamp<std::int64_t>(end, 0, octave.block)};
}

void DmSearch::search_pass(std::size_t index) {
  const auto& pass = plan_.passes[index];
  const auto& octave = octave_of(pass);
  if (!has_weight(octave)) return;  // then the tails, whose weights are in the octave's lag, are zero too
  make_group_rows(pass, octave);
  parallel_for(
      n_threads_, (pass.fdmt.n_trial() + kTrialTile - 1) / kTrialTile, [&](std::int64_t tile, int thread) {
        search_trials(index, static_cast<int>(tile) * kTrialTile, scratch_[static_cast<std::size_t>(thread)]);
      });
}

View<std::int16_t, 2> DmSearch::group_rows(const PlanPass& pass, const Octave& octave) {
  return {group_memory_.data(), {pass.fdmt.n_group_row, pass.fdmt.group_columns(octave.block)}};
}

void DmSearch::make_group_rows(const PlanPass& pass, const Octave& octave) {
  const auto rows = group_rows(pass, octave);
  const Span span = dedispersed_span(pass, octave);
  if (span.begin >= span.end) return;
  const auto block_samples = octave.samples.cview().slice(1, kRefineLead, octave.history + octave.block);
  parallel_for(
      n_threads_, static_cast<std::int64_t>(pass.fdmt.groups.size()), [&](std::int64_t g, int thread) {
        const auto& group = pass.fdmt.groups[static_cast<std::size_t>(g)];
        const std::int64_t end = span.end + group.shift_max - group.shift_min;
        for (std::int64_t j = span.begin; j < end; j += kTimeTile)
          fdmt_group_rows(pass.fdmt, static_cast<int>(g), block_samples, j, std::min(kTimeTile, end - j),
                          rows, scratch_[static_cast<std::size_t>(thread)].fdmt.view());
      });
}

// One tile of trials over the whole block, in order of time.
void DmSearch::search_trials(std::size_t index, int first, Scratch& scratch) {
  const auto& pass = plan_.passes[index];
  const Span span = searched_span(pass, octave_of(pass));
  const int last = std::min(first + kTrialTile, pass.fdmt.n_trial());
  scratch.tracks.begin(pass, plan_.levels[static_cast<std::size_t>(pass.octave)].variance, first, last);
  for (std::int64_t t = span.begin; t < span.end; t += kTimeTile) search_tile(index, first, last, t, scratch);
}

void DmSearch::search_tile(std::size_t index, int first, int last, std::int64_t t, Scratch& scratch) {
  const auto& pass = plan_.passes[index];
  const auto& octave = octave_of(pass);
  const auto rows = group_rows(pass, octave);
  scratch.tracks.make(octave.weights, octave.lag + kRefineLead + t);
  TileRows tile(pass, passes_[index], scratch, first, block_start(octave) + t, info_, plan_.running_noise);
  if (t < dedispersed_span(pass, octave).end) {
    fdmt_trials(pass.fdmt, rows, first, last, t, kTimeTile, tile, scratch.fdmt.view());
    tile.refine(octave.samples.cview(), kRefineLead + t);
  } else {
    for (int i = first; i < last; ++i) tile.zero_row(i);
  }
  tile.finish();
}

void DmSearch::shift_history() {
  parallel_for(n_threads_, info_.n_chan, [&](std::int64_t c, int) {
    for (auto& o : octaves_)
      std::memmove(&o.samples(c, 0), &o.samples(c, 0) + o.block, static_cast<std::size_t>(o.history));
  });
  for (auto& o : octaves_) {
    const auto kept = (o.lag + o.history) / kVarianceBin, block = o.block / kVarianceBin;
    for (auto* bins : {&o.weights.weight, &o.weights.mean})
      for (std::int64_t b = 0; b < bins->shape(0); ++b)
        std::memmove(&(*bins)(b, 0), &(*bins)(b, 0) + block, static_cast<std::size_t>(kept) * sizeof(float));
    std::memmove(o.weights.times.data(), o.weights.times.data() + o.block,
                 static_cast<std::size_t>(o.lag + o.history) * sizeof(float));
  }
}

}  // namespace tianyan
