// The search stage: history, buffers and the order of work; arithmetic is in the kernels.
#include "pipeline/dm_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cluster.hpp"
#include "kernels/row_variance.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr int kTrialsPerVariance = 16;  // their delays differ by at most that many samples: two bins
constexpr std::int64_t kTailInts = kBoxcarLevels * kBoxcarTail;

std::int64_t variance_bins(const BoxcarPlan& boxcar) { return (boxcar.lag() + kTimeTile) / kVarianceBin; }

}  // namespace

// Rows of one tile of trials and times: each is searched when it is complete, then forgotten.
class DmSearch::TileRows final : public RowWriter {
 public:
  TileRows(const PlanPass& pass, Pass& state, Scratch& scratch, int d_first, std::int64_t first_sample,
           double sample_time_s, double scan_s)
      : pass_(pass),
        state_(state),
        scratch_(scratch),
        d_first_(d_first),
        first_sample_(first_sample),
        sample_time_s_(sample_time_s),
        scan_s_(scan_s) {}

  std::int32_t* begin_row(int) override { return scratch_.row.data() + kBoxcarTail; }

  void end_row(int d) override {
    const int trial = d - pass_.fdmt.params.delay_begin;
    auto& tail = *reinterpret_cast<BoxcarTail*>(state_.tails.data() + trial * kTailInts);
    const auto shared = static_cast<std::size_t>((d - d_first_) / kTrialsPerVariance);
    found_.clear();
    boxcar_search(pass_.boxcar, scratch_.tracks[shared], scratch_.row.view(), tail, scratch_.boxcar.view(),
                  found_);
    for (const auto& e : found_) add(e, d);
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
  // Octave sample k covers native samples [k D, (k + 1) D): a boxcar's centre is half a native sample before
  // the middle.
  void add(const BoxcarEvent& e, int d) {
    const auto factor = static_cast<double>(pass_.downsampling());
    const auto start = static_cast<double>(first_sample_ + e.start) * factor;
    Event event;
    event.width_s = e.width * factor * sample_time_s_;
    event.time_s = (start + 0.5 * (e.width * factor - 1.0)) * sample_time_s_;
    event.dm_pc_cm3 = d * pass_.dm_step_pc_cm3;
    event.snr = e.snr;
    if (event.time_s >= 0.0 && event.time_s < scan_s_) tile_events_.push_back(event);
  }

  const PlanPass& pass_;
  Pass& state_;
  Scratch& scratch_;
  int d_first_;
  std::int64_t first_sample_;
  double sample_time_s_, scan_s_;
  std::vector<BoxcarEvent> found_;
  std::vector<Event> tile_events_;
};

DmSearch::DmSearch(const SearchPlan& plan, const StreamInfo& info, const std::vector<int>& subbands,
                   int n_threads)
    : plan_(plan), info_(info), subbands_(subbands), n_threads_(n_threads) {
  octaves_.resize(plan.history.size());
  for (std::size_t j = 0; j < octaves_.size(); ++j) {
    octaves_[j].history = plan.history[j];
    octaves_[j].block = plan.block_samples >> j;
  }
  for (const auto& pass : plan.passes) {
    auto& octave = octaves_[static_cast<std::size_t>(pass.octave)];
    octave.lag = std::max(octave.lag, pass.boxcar.lag());
  }
  passes_.resize(plan.passes.size());
}

std::int64_t DmSearch::group_rows_ints() const {
  std::int64_t most = 0;
  for (const auto& pass : plan_.passes)
    most =
        std::max(most, pass.fdmt.n_group_row * pass.fdmt.group_columns(plan_.block_samples >> pass.octave));
  return most;
}

std::int64_t DmSearch::footprint_bytes() const {
  const auto n_subband = static_cast<std::int64_t>(subbands_.size()) - 1;
  std::int64_t bytes = group_rows_ints() * 2, per_thread = 0;
  for (const auto& o : octaves_)
    bytes +=
        info_.n_chan * (o.history + o.block) + n_subband * (o.lag + o.history + o.block) / kVarianceBin * 8;
  for (const auto& pass : plan_.passes) {
    bytes += pass.fdmt.n_trial() * kTailInts * 4;
    per_thread = std::max({per_thread, pass.fdmt.group_scratch_bytes, pass.fdmt.trial_scratch_bytes});
  }
  const std::int64_t events = std::int64_t{64} * kMaxEventsPerTile * 64;
  return bytes + n_threads_ * (per_thread + events);
}

DmSearch::Scratch DmSearch::make_scratch() const {
  Scratch s;
  std::int64_t fdmt = 0, bins = 0;
  for (const auto& pass : plan_.passes) {
    fdmt = std::max({fdmt, pass.fdmt.group_scratch_bytes, pass.fdmt.trial_scratch_bytes});
    bins = std::max(bins, variance_bins(pass.boxcar));
  }
  constexpr std::int64_t kShared = (kTrialTile + kTrialsPerVariance - 1) / kTrialsPerVariance;
  s.fdmt = Array<std::byte, 1>({fdmt});
  s.row = Array<std::int32_t, 1>({kBoxcarTail + kTimeTile});
  s.boxcar = Array<std::int32_t, 1>({boxcar_scratch_ints(kTimeTile)});
  s.per_bin = Array<float, 2>({kShared, bins});
  s.prefix = Array<double, 2>({kShared, bins + 1});
  s.mean_per_bin = Array<float, 2>({kShared, bins});
  s.mean_prefix = Array<double, 2>({kShared, bins + 1});
  s.shift = Array<std::int32_t, 1>({static_cast<std::int64_t>(subbands_.size()) - 1});
  return s;
}

void DmSearch::allocate() {
  const auto n_subband = static_cast<std::int64_t>(subbands_.size()) - 1;
  for (auto& o : octaves_) {
    o.samples = Array<std::int8_t, 2>({info_.n_chan, o.history + o.block});
    o.weight = Array<float, 2>({n_subband, (o.lag + o.history + o.block) / kVarianceBin});
    o.mean = Array<float, 2>({n_subband, (o.lag + o.history + o.block) / kVarianceBin});
  }
  for (std::size_t i = 0; i < passes_.size(); ++i)
    passes_[i].tails.assign(static_cast<std::size_t>(plan_.passes[i].fdmt.n_trial() * kTailInts), 0);
  group_memory_ = Array<std::int16_t, 1>({group_rows_ints()});
  for (int thread = 0; thread < n_threads_; ++thread) scratch_.push_back(make_scratch());
}

View<std::int8_t, 2> DmSearch::window_samples() {
  auto& o = octaves_[0];
  const auto at = o.history + window_in_block_ * plan_.window_samples;
  return o.samples.view().slice(1, at, at + plan_.window_samples);
}

View<float, 2> DmSearch::window_bins(Array<float, 2>& bins) {
  const auto& o = octaves_[0];
  const auto at = (o.lag + o.history + window_in_block_ * plan_.window_samples) / kVarianceBin;
  return bins.view().slice(1, at, at + plan_.window_samples / kVarianceBin);
}

View<float, 2> DmSearch::window_weights() { return window_bins(octaves_[0].weight); }
View<float, 2> DmSearch::window_means() { return window_bins(octaves_[0].mean); }

void DmSearch::window_done(std::vector<Event>& events) {
  if (++window_in_block_ * plan_.window_samples < plan_.block_samples) return;
  window_in_block_ = 0;
  search_block(events);
}

void DmSearch::finish(std::vector<Event>& events) {
  const std::int64_t end = info_.n_time + plan_.flush_samples();
  while (window_in_block_ > 0 || n_block_ * plan_.block_samples < end) {
    const auto q = window_samples();
    for (std::int64_t c = 0; c < info_.n_chan; ++c)
      std::memset(&q(c, 0), 0, static_cast<std::size_t>(plan_.window_samples));
    for (const auto& bins : {window_weights(), window_means()})
      for (std::int64_t b = 0; b < bins.shape(0); ++b)
        std::fill(&bins(b, 0), &bins(b, 0) + bins.shape(1), 0.0F);
    window_done(events);
  }
}

double DmSearch::complete_before_s() const {
  return static_cast<double>(n_block_ * plan_.block_samples - plan_.flush_samples()) * info_.sample_time_s;
}

// Octave j from octave j - 1: the block's new samples and weights.
void DmSearch::make_octaves(int from) {
  auto& fine = octaves_[static_cast<std::size_t>(from)];
  auto& coarse = octaves_[static_cast<std::size_t>(from) + 1];
  const int shift = plan_.levels[static_cast<std::size_t>(from) + 1].shift;
  parallel_for(n_threads_, info_.n_chan, [&](std::int64_t c, int) {
    downsample(
        fine.samples.cview().slice(0, c, c + 1).slice(1, fine.history, fine.history + fine.block), shift,
        coarse.samples.view().slice(0, c, c + 1).slice(1, coarse.history, coarse.history + coarse.block));
  });
  const auto fine_at = (fine.lag + fine.history) / kVarianceBin,
             coarse_at = (coarse.lag + coarse.history) / kVarianceBin;
  for (std::int64_t b = 0; b < coarse.weight.shape(0); ++b)
    for (std::int64_t i = 0; i < coarse.block / kVarianceBin; ++i) {
      const auto at = fine_at + 2 * i;
      coarse.weight(b, coarse_at + i) = 0.5F * (fine.weight(b, at) + fine.weight(b, at + 1));
      coarse.mean(b, coarse_at + i) = (shift == 0 ? 1.0F : 0.5F) * (fine.mean(b, at) + fine.mean(b, at + 1));
    }
}

bool DmSearch::has_weight(const Octave& octave) const {
  const auto* w = octave.weight.data();
  return std::any_of(w, w + octave.weight.size(), [](float v) { return v > 0.0F; });
}

void DmSearch::search_block(std::vector<Event>& events) {
  for (int j = 0; j + 1 < static_cast<int>(octaves_.size()); ++j) make_octaves(j);
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

void DmSearch::search_pass(std::size_t index) {
  const auto& pass = plan_.passes[index];
  const auto& octave = octaves_[static_cast<std::size_t>(pass.octave)];
  if (!has_weight(octave)) return;  // then the tails, whose weights are in the octave's lag, are zero too
  make_group_rows(pass, octave);
  const auto& p = pass.fdmt.params;
  parallel_for(n_threads_, (pass.fdmt.n_trial() + kTrialTile - 1) / kTrialTile,
               [&](std::int64_t tile, int thread) {
                 search_trials(index, p.delay_begin + static_cast<int>(tile) * kTrialTile,
                               scratch_[static_cast<std::size_t>(thread)]);
               });
}

void DmSearch::make_group_rows(const PlanPass& pass, const Octave& octave) {
  const View<std::int16_t, 2> rows(group_memory_.data(),
                                   {pass.fdmt.n_group_row, pass.fdmt.group_columns(octave.block)});
  parallel_for(n_threads_, static_cast<std::int64_t>(pass.fdmt.groups.size()),
               [&](std::int64_t g, int thread) {
                 const auto& group = pass.fdmt.groups[static_cast<std::size_t>(g)];
                 const std::int64_t n_column = octave.block + group.shift_max - group.shift_min;
                 for (std::int64_t j = 0; j < n_column; j += kTimeTile)
                   fdmt_group_rows(pass.fdmt, static_cast<int>(g), octave.samples.cview(), j,
                                   std::min(kTimeTile, n_column - j), rows,
                                   scratch_[static_cast<std::size_t>(thread)].fdmt.view());
               });
}

// The variance and the mean of the tile's rows, one for every kTrialsPerVariance trials. All but the tile's
// own bins are those of the tile before, if there was one.
void DmSearch::make_tracks(const PlanPass& pass, const Octave& octave, int d_begin, int d_end, std::int64_t t,
                           Scratch& scratch) const {
  constexpr std::int64_t kNewBins = kTimeTile / kVarianceBin;
  const auto n_bin = variance_bins(pass.boxcar), n_kept = t == 0 ? 0 : n_bin - kNewBins;
  const auto first = (octave.lag + t - pass.boxcar.lag()) / kVarianceBin + n_kept;
  const double variance = plan_.levels[static_cast<std::size_t>(pass.octave)].variance;
  scratch.tracks.clear();
  for (int d = d_begin; d < d_end; d += kTrialsPerVariance) {
    const auto s = static_cast<std::int64_t>(scratch.tracks.size());
    const auto per_bin = scratch.per_bin.view()[s].slice(0, 0, n_bin);
    const auto mean = scratch.mean_per_bin.view()[s].slice(0, 0, n_bin);
    for (const auto& bins : {per_bin, mean})
      std::copy(bins.data() + n_bin - n_kept, bins.data() + n_bin, bins.data());
    subband_shifts(pass.fdmt.params, subbands_, std::min(d + kTrialsPerVariance / 2, d_end - 1),
                   scratch.shift.view());
    row_variance(octave.weight.cview(), scratch.shift.cview(), first, variance,
                 per_bin.slice(0, n_kept, n_bin));
    row_variance(octave.mean.cview(), scratch.shift.cview(), first, 1.0, mean.slice(0, n_kept, n_bin));
    auto track =
        make_variance_track(pass.boxcar, per_bin, kTimeTile, scratch.prefix.view()[s].slice(0, 0, n_bin + 1));
    set_row_mean(mean, scratch.mean_prefix.view()[s].slice(0, 0, n_bin + 1), track);
    scratch.tracks.push_back(track);
  }
}

// One tile of trials over the whole block, in order of time.
void DmSearch::search_trials(std::size_t index, int d_begin, Scratch& scratch) {
  const auto& pass = plan_.passes[index];
  const auto& octave = octaves_[static_cast<std::size_t>(pass.octave)];
  const int d_end = std::min(d_begin + kTrialTile, pass.fdmt.params.delay_end);
  const View<const std::int16_t, 2> rows(group_memory_.data(),
                                         {pass.fdmt.n_group_row, pass.fdmt.group_columns(octave.block)});
  const std::int64_t block_start = n_block_ * octave.block - octave.history;
  for (std::int64_t t = 0; t < octave.block; t += kTimeTile) {
    make_tracks(pass, octave, d_begin, d_end, t, scratch);
    TileRows tile(pass, passes_[index], scratch, d_begin, block_start + t, info_.sample_time_s,
                  info_.duration_s());
    fdmt_trials(pass.fdmt, rows, d_begin, d_end, t, kTimeTile, tile, scratch.fdmt.view());
    tile.finish();
  }
}

void DmSearch::shift_history() {
  parallel_for(n_threads_, info_.n_chan, [&](std::int64_t c, int) {
    for (auto& o : octaves_)
      std::memmove(&o.samples(c, 0), &o.samples(c, 0) + o.block, static_cast<std::size_t>(o.history));
  });
  for (auto& o : octaves_) {
    const auto kept = (o.lag + o.history) / kVarianceBin, block = o.block / kVarianceBin;
    for (auto* bins : {&o.weight, &o.mean})
      for (std::int64_t b = 0; b < bins->shape(0); ++b)
        std::memmove(&(*bins)(b, 0), &(*bins)(b, 0) + block, static_cast<std::size_t>(kept) * sizeof(float));
  }
}

}  // namespace tianyan
