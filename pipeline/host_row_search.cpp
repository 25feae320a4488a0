// Buffers and the order of work on the host; arithmetic is in the kernels.
#include "pipeline/host_row_search.hpp"

#include <algorithm>
#include <cstring>

#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kChannelsPerTask = 64;
constexpr std::int64_t kTailInts = kBoxcarLevels * kBoxcarTail;

}  // namespace

// Rows of one tile of trials and times: each is searched when it is complete, then forgotten.
class HostRowSearch::TileRows final : public RowWriter {
 public:
  TileRows(const PlanPass& pass, Pass& state, Scratch& scratch, int first_trial, bool measures_noise,
           TileEvents& events)
      : pass_(pass),
        state_(state),
        scratch_(scratch),
        first_trial_(first_trial),
        measures_noise_(measures_noise),
        events_(events) {}

  std::int32_t* begin_row(int) override { return scratch_.row.data() + kBoxcarTail; }

  // Rows come in order of their trials: the first one measures the noise of all.
  void end_row(int trial) override {
    if (trial == first_trial_ && measures_noise_) measure_noise();
    auto& tail = *reinterpret_cast<BoxcarTail*>(state_.tails.data() + trial * kTailInts);
    found_.clear();
    boxcar_search(pass_.boxcar, scratch_.tracks.of(trial), scratch_.row.view(), tail, scratch_.boxcar.view(),
                  found_);
    for (const auto& e : found_) events_.add(trial, e);
  }

  // What dedispersion would give beyond the scan's end.
  void zero_row(int trial) {
    std::fill(begin_row(trial), begin_row(trial) + kTimeTile, 0);
    end_row(trial);
  }

 private:
  void measure_noise() {
    auto& noise = state_.noise[static_cast<std::size_t>(first_trial_ / kTrialTile)];
    update_noise_scale(pass_.boxcar, scratch_.tracks.of(first_trial_),
                       scratch_.row.cview().slice(0, kBoxcarTail, kBoxcarTail + kTimeTile), noise);
    scratch_.tracks.set_noise(noise.factors());
  }

  const PlanPass& pass_;
  Pass& state_;
  Scratch& scratch_;
  int first_trial_;
  bool measures_noise_;
  TileEvents& events_;
  std::vector<BoxcarEvent> found_;
};

HostRowSearch::HostRowSearch(const SearchBlocks& blocks, const SampleFormat& format, int n_threads)
    : blocks_(blocks),
      plan_(blocks.plan()),
      n_threads_(n_threads),
      levels_(blocks.info(), format, plan_.window_samples, n_threads),
      passes_(plan_.passes.size()) {}

std::int64_t HostRowSearch::group_rows_ints() const {
  std::int64_t most = 0;
  for (const auto& pass : plan_.passes)
    most =
        std::max(most, pass.fdmt.n_group_row * pass.fdmt.group_columns(plan_.block_samples >> pass.octave));
  return most;
}

std::int64_t HostRowSearch::fdmt_scratch_bytes() const {
  std::int64_t most = 0;
  for (const auto& pass : plan_.passes)
    most = std::max({most, pass.fdmt.group_scratch_bytes, pass.fdmt.trial_scratch_bytes});
  return most;
}

std::int64_t HostRowSearch::footprint_bytes() const {
  const auto n_chan = blocks_.info().n_chan;
  std::int64_t bytes = group_rows_ints() * 2 + n_chan * plan_.window_samples;
  for (const auto& o : blocks_.octaves()) bytes += n_chan * o.n_sample();
  for (const auto& pass : plan_.passes)
    bytes += pass.fdmt.n_trial() * (kTailInts * 4 + std::int64_t{sizeof(NoiseScale)} / kTrialTile + 1);
  const std::int64_t events = std::int64_t{64} * kMaxEventsPerTile * 64;
  return bytes + n_threads_ * (fdmt_scratch_bytes() + plan_.window_samples + events +
                               RowTracks::footprint_bytes(plan_, std::ssize(blocks_.subbands()) - 1));
}

HostRowSearch::Scratch HostRowSearch::make_scratch() const {
  Scratch s{RowTracks(plan_, blocks_.subbands())};
  s.fine = Array<std::int8_t, 1>({plan_.window_samples});
  s.fdmt = Array<std::byte, 1>({fdmt_scratch_bytes()});
  s.refine = Array<std::int32_t, 1>({kRefineScratchInts});
  s.row = Array<std::int32_t, 1>({kBoxcarTail + kTimeTile});
  s.boxcar = Array<std::int32_t, 1>({boxcar_scratch_ints(kTimeTile)});
  return s;
}

void HostRowSearch::allocate() {
  const auto n_chan = blocks_.info().n_chan;
  window_ = Array<std::int8_t, 2>({n_chan, plan_.window_samples});
  levels_.write_to(window_.view());
  for (const auto& o : blocks_.octaves()) samples_.push_back(Array<std::int8_t, 2>({n_chan, o.n_sample()}));
  for (std::size_t i = 0; i < passes_.size(); ++i) {
    const auto n_trial = plan_.passes[i].fdmt.n_trial();
    passes_[i].tails.assign(static_cast<std::size_t>(n_trial * kTailInts), 0);
    passes_[i].noise.assign(static_cast<std::size_t>((n_trial + kTrialTile - 1) / kTrialTile), {});
  }
  group_memory_ = Array<std::int16_t, 1>({group_rows_ints()});
  for (int thread = 0; thread < n_threads_; ++thread) scratch_.push_back(make_scratch());
  take_pages(n_threads_, window_);
  for (auto& samples : samples_) take_pages(n_threads_, samples);
  take_pages(n_threads_, group_memory_);
}

void HostRowSearch::add_window() {
  const auto n_chan = std::int64_t{blocks_.info().n_chan};
  parallel_for(n_threads_, (n_chan + kChannelsPerTask - 1) / kChannelsPerTask,
               [&](std::int64_t task, int thread) {
                 const auto end = std::min(n_chan, (task + 1) * kChannelsPerTask);
                 for (auto c = task * kChannelsPerTask; c < end; ++c)
                   add_channel(c, scratch_[static_cast<std::size_t>(thread)].fine.view());
               });
}

// Octaves that no pass uses pass through `scratch`, each over the one before it.
void HostRowSearch::add_channel(std::int64_t c, View<std::int8_t, 1> scratch) {
  View<const std::int8_t, 2> fine(&window_(c, 0), {1, plan_.window_samples});
  int at = 0;
  for (std::size_t j = 0; j < samples_.size(); ++j) {
    const auto& o = blocks_.octaves()[j];
    const auto n = plan_.window_samples >> o.octave;
    std::int8_t* to = &samples_[j](c, o.history + blocks_.window_in_block() * n);
    for (; at < o.octave; ++at) {
      const View<std::int8_t, 2> coarse(at + 1 == o.octave ? to : scratch.data(), {1, fine.shape(1) / 2});
      downsample(fine, plan_.levels[static_cast<std::size_t>(at) + 1].shift, coarse);
      fine = coarse;
    }
    if (o.octave == 0) std::memcpy(to, fine.data(), static_cast<std::size_t>(n));
  }
}

void HostRowSearch::add_empty_window() {
  for (std::size_t j = 0; j < samples_.size(); ++j) {
    const auto& o = blocks_.octaves()[j];
    const auto n = plan_.window_samples >> o.octave, at = o.history + blocks_.window_in_block() * n;
    parallel_for(n_threads_, blocks_.info().n_chan, [&](std::int64_t c, int) {
      std::memset(&samples_[j](c, at), 0, static_cast<std::size_t>(n));
    });
  }
}

void HostRowSearch::search_pass(std::size_t index, FoundEvents& found) {
  const auto& pass = plan_.passes[index];
  make_group_rows(pass);
  parallel_for(
      n_threads_, (pass.fdmt.n_trial() + kTrialTile - 1) / kTrialTile, [&](std::int64_t tile, int thread) {
        search_trials(index, static_cast<int>(tile) * kTrialTile, scratch_[static_cast<std::size_t>(thread)]);
      });
  for (auto& s : scratch_) {
    found.events.insert(found.events.end(), s.found.events.begin(), s.found.events.end());
    found.n_dropped += s.found.n_dropped;
    s.found = {};
  }
}

View<std::int16_t, 2> HostRowSearch::group_rows(const PlanPass& pass) {
  return {group_memory_.data(),
          {pass.fdmt.n_group_row, pass.fdmt.group_columns(blocks_.octave_of(pass).block)}};
}

void HostRowSearch::make_group_rows(const PlanPass& pass) {
  const auto rows = group_rows(pass);
  const auto span = blocks_.dedispersed_span(pass);
  if (span.begin >= span.end) return;
  const auto& samples = samples_[blocks_.octave_index(pass)];
  const auto block_samples = samples.cview().slice(1, kRefineLead, samples.shape(1));
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
void HostRowSearch::search_trials(std::size_t index, int first, Scratch& scratch) {
  const auto& pass = plan_.passes[index];
  const auto span = blocks_.searched_span(pass);
  const int last = std::min(first + kTrialTile, pass.fdmt.n_trial());
  scratch.tracks.begin(pass, plan_.levels[static_cast<std::size_t>(pass.octave)].variance, first, last);
  for (std::int64_t t = span.begin; t < span.end; t += kTimeTile) search_tile(index, first, last, t, scratch);
}

void HostRowSearch::search_tile(std::size_t index, int first, int last, std::int64_t t, Scratch& scratch) {
  const auto& pass = plan_.passes[index];
  const auto& octave = blocks_.octave_of(pass);
  scratch.tracks.make(octave.weights, octave.lag + kRefineLead + t);
  TileEvents events(pass, scratch.tracks, first, blocks_.block_start(octave) + t, blocks_.info());
  TileRows tile(pass, passes_[index], scratch, first, plan_.running_noise, events);
  if (t < blocks_.dedispersed_span(pass).end) {
    fdmt_trials(pass.fdmt, group_rows(pass), first, last, t, kTimeTile, tile, scratch.fdmt.view());
    HostDelayRows rows(pass.fdmt.params, samples_[blocks_.octave_index(pass)].cview(), kRefineLead + t);
    events.refine(rows, scratch.refine.view());
  } else {
    for (int i = first; i < last; ++i) tile.zero_row(i);
  }
  events.finish(scratch.found);
}

void HostRowSearch::next_block() {
  parallel_for(n_threads_, blocks_.info().n_chan, [&](std::int64_t c, int) {
    for (std::size_t j = 0; j < samples_.size(); ++j) {
      const auto& o = blocks_.octaves()[j];
      std::memmove(&samples_[j](c, 0), &samples_[j](c, 0) + o.block, static_cast<std::size_t>(o.history));
    }
  });
}

}  // namespace tianyan
