// Buffers on the device, and the order of work there and on the host.
#include "pipeline/cuda_row_search.hpp"

#include <algorithm>
#include <tuple>

#include "cuda/quantise.hpp"
#include "kernels/base/division.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kTailInts = kBoxcarLevels * kBoxcarTail;
constexpr std::int64_t kChunkBytes = std::int64_t{64} << 20;  // of rows
constexpr int kChunksOfPass = 4;                              // at least, so that some are under way
constexpr std::size_t kChunks = 3, kWindows = 2;
constexpr std::int64_t kLeastCellsRoom = 16384;
static_assert(kBoxcarRun == kTimeTile);

std::int64_t round_up(std::int64_t n, std::int64_t unit) { return ceil_div(n, unit) * unit; }

// A matrix in an array's memory.
template <class T>
DeviceView<T, 2> as_matrix(const DeviceArray<T, 1>& memory, std::int64_t n_row, std::int64_t n_column) {
  expect(n_row * n_column <= memory.size(), "{} x {} elements in memory of {}", n_row, n_column,
         memory.size());
  return DeviceView<T, 2>(View<T, 2>(memory.data(), {n_row, n_column}));
}

// Delays that one refinement tries at most.
std::int64_t refine_rows(const PlanPass& pass) { return 2 * std::int64_t{pass.fdmt.params.delay_step} + 1; }

bool is_earlier(const BoxcarCell& a, const BoxcarCell& b) {
  return std::tuple(a.row / kTrialTile, a.run, a.row, a.level, a.first) <
         std::tuple(b.row / kTrialTile, b.run, b.row, b.level, b.first);
}

}  // namespace

// Rows for refinement, of one thread and pass, from the device's samples.
class CudaRowSearch::DeviceDelayRows final : public DelayRows {
 public:
  DeviceDelayRows(const PlanPass& pass, int device)
      : device_(device),
        rows_(pass.fdmt.params, refine_rows(pass), refine_rows(pass)),
        out_({refine_rows(pass), kRefineScratchInts}),
        host_({refine_rows(pass), kRefineScratchInts}) {}
  static std::int64_t device_bytes(const PlanPass& pass) {
    return DedisperseRows::device_bytes(pass.fdmt.params, refine_rows(pass), refine_rows(pass)) +
           refine_rows(pass) * kRefineScratchInts * 4;
  }
  static std::int64_t host_bytes(const PlanPass& pass) { return device_bytes(pass); }

  /// The run begins at sample t of the samples.
  void begin(DeviceView<const std::int8_t, 2> samples, std::int64_t t) {
    samples_ = samples;
    t_ = t;
  }
  void prepare(const std::vector<int>& delays, std::int64_t t, std::int64_t n) override {
    use_device(device_);
    rows_.clear();
    for (const int delay : delays) rows_.add(delay, t_ + t, n);
    rows_.upload(stream_);
    const auto n_row = std::ssize(delays);
    const auto out = out_.view().slice(0, 0, n_row).slice(1, 0, n);
    dedisperse(rows_, samples_, out, stream_);
    download(DeviceView<const std::int32_t, 2>(out), host_.view().slice(0, 0, n_row).slice(1, 0, n), stream_);
    stream_.synchronise();
  }
  void row(std::size_t i, View<std::int32_t, 1> out) override {
    std::copy_n(&host_.view()(i, 0), out.shape(0), out.data());
  }

 private:
  int device_;
  Stream stream_;
  DedisperseRows rows_;
  DeviceArray<std::int32_t, 2> out_;
  PinnedArray<std::int32_t, 2> host_;
  DeviceView<const std::int8_t, 2> samples_;
  std::int64_t t_ = 0;
};

CudaRowSearch::CudaRowSearch(const SearchBlocks& blocks, const SampleFormat& format, int n_threads,
                             int device)
    : blocks_(blocks),
      plan_(blocks.plan()),
      n_threads_(n_threads),
      device_(device),
      levels_(blocks.info(), format, plan_.window_samples, n_threads, device),
      passes_(plan_.passes.size()) {
  for (std::size_t i = 0; i < passes_.size(); ++i)
    passes_[i].program = make_fdmt_program(plan_.passes[i].fdmt);
}

// Memory is given back to the device that it is of.
CudaRowSearch::~CudaRowSearch() { cudaSetDevice(device_); }

// ---- memory ----

std::int64_t CudaRowSearch::n_run_most() const {
  std::int64_t most = 0;
  for (const auto& o : blocks_.octaves()) most = std::max(most, o.block / kBoxcarRun);
  return most;
}

// Cells of one row have room in any case.
std::int64_t CudaRowSearch::cells_room() const {
  return std::max(kLeastCellsRoom, most_boxcar_cells(n_run_most()));
}

int CudaRowSearch::trials_of_chunk(const PlanPass& pass) const {
  const auto fit = kChunkBytes / (4 * blocks_.octave_of(pass).block),
             n_trial = std::int64_t{pass.fdmt.n_trial()};
  const auto wanted = std::min(fit, ceil_div(n_trial, kChunksOfPass));
  return static_cast<int>(std::max<std::int64_t>(kTrialTile, round_up(wanted, kTrialTile)));
}

std::int64_t CudaRowSearch::row_ints_of_chunk() const {
  std::int64_t most = 0;
  for (const auto& pass : plan_.passes)
    most = std::max(most, trials_of_chunk(pass) * blocks_.octave_of(pass).block);
  return most;
}

std::int64_t CudaRowSearch::group_rows_ints() const {
  std::int64_t most = 0;
  for (std::size_t i = 0; i < passes_.size(); ++i) {
    const auto& tables = passes_[i].program.groups.more_columns;
    const auto columns =
        blocks_.octave_of(plan_.passes[i]).block + *std::max_element(tables.begin(), tables.end());
    most = std::max(most, plan_.passes[i].fdmt.n_group_row * columns);
  }
  return most;
}

std::int64_t CudaRowSearch::chunk_device_bytes() const {
  const std::int64_t least = row_ints_of_chunk() / kBoxcarRun * std::int64_t{sizeof(BoxcarLeastSums)};
  return row_ints_of_chunk() * 4 + least + cells_room() * std::int64_t{sizeof(BoxcarCell)} + 4;
}

std::int64_t CudaRowSearch::chunk_host_bytes() const {
  return chunk_device_bytes() - row_ints_of_chunk() * 4 + row_ints_of_chunk() / kTrialTile * 4;
}

std::int64_t CudaRowSearch::device_bytes() const {
  const auto n_chan = blocks_.info().n_chan;
  std::int64_t bytes = levels_.device_bytes() + group_rows_ints() * 2 +
                       static_cast<std::int64_t>(kWindows) * n_chan * plan_.window_samples +
                       static_cast<std::int64_t>(kChunks) * chunk_device_bytes();
  for (const auto& o : blocks_.octaves()) bytes += n_chan * o.n_sample();
  for (int j = 1; j < blocks_.octaves().back().octave; ++j) bytes += n_chan * (plan_.window_samples >> j);
  for (std::size_t i = 0; i < passes_.size(); ++i) {
    const auto& pass = plan_.passes[i];
    bytes += passes_[i].program.table_bytes() + 2 * pass.fdmt.n_trial() * kTailInts * 4 +
             n_threads_ * DeviceDelayRows::device_bytes(pass);
  }
  return bytes;
}

std::int64_t CudaRowSearch::footprint_bytes() const {
  std::int64_t bytes = static_cast<std::int64_t>(kChunks) * chunk_host_bytes();
  for (std::size_t i = 0; i < passes_.size(); ++i) {
    const auto& pass = plan_.passes[i];
    bytes += passes_[i].program.table_bytes() + n_threads_ * DeviceDelayRows::host_bytes(pass) +
             pass.fdmt.n_trial() * std::int64_t{sizeof(NoiseScale)} / kTrialTile;
  }
  return bytes + n_threads_ * RowTracks::footprint_bytes(plan_, std::ssize(blocks_.subbands()) - 1);
}

void CudaRowSearch::allocate_pass(std::size_t index) {
  auto& pass = passes_[index];
  const auto n_trial = plan_.passes[index].fdmt.n_trial();
  pass.fdmt = std::make_unique<DeviceFdmtPlan>(plan_.passes[index].fdmt, pass.program, *compute_);
  for (auto& tails : pass.tails) {
    tails = DeviceArray<std::int32_t, 2>({n_trial, kTailInts});
    fill_zero(tails, *compute_);
  }
  pass.noise.assign(static_cast<std::size_t>(ceil_div(n_trial, kTrialTile)), {});
}

void CudaRowSearch::allocate_chunk(Chunk& chunk) const {
  const auto n_int = row_ints_of_chunk(), n_least = n_int / kBoxcarRun;
  chunk.rows = DeviceArray<std::int32_t, 1>({n_int});
  chunk.first_rows = PinnedArray<std::int32_t, 2>({n_int / kTrialTile / kBoxcarRun, kBoxcarRun});
  chunk.least = PinnedArray<BoxcarLeastSums, 1>({n_least});
  chunk.device_least = DeviceArray<BoxcarLeastSums, 1>({n_least});
  chunk.device_cells = DeviceArray<BoxcarCell, 1>({cells_room()});
  chunk.cells = PinnedArray<BoxcarCell, 1>({cells_room()});
  chunk.device_n_cell = DeviceArray<unsigned, 1>({1});
  chunk.n_cell = PinnedArray<unsigned, 1>({1});
}

void CudaRowSearch::allocate() {
  use_device(device_);
  const auto n_chan = blocks_.info().n_chan;
  compute_.emplace();
  copy_.emplace();
  for (std::size_t i = 0; i < kWindows; ++i) {
    windows_.push_back(std::make_unique<Window>());
    windows_.back()->levels = DeviceArray<std::int8_t, 2>({n_chan, plan_.window_samples});
  }
  levels_.write_to(windows_[window_]->levels.view());
  for (const auto& o : blocks_.octaves()) {
    samples_.emplace_back(DeviceArray<std::int8_t, 2>::Extents{n_chan, o.n_sample()});
    fill_zero(samples_.back(), *compute_);
  }
  for (int j = 1; j < blocks_.octaves().back().octave; ++j)
    fine_.emplace_back(DeviceArray<std::int8_t, 2>::Extents{n_chan, plan_.window_samples >> j});
  for (std::size_t i = 0; i < passes_.size(); ++i) allocate_pass(i);
  group_memory_ = DeviceArray<std::int16_t, 1>({group_rows_ints()});
  for (std::size_t i = 0; i < kChunks; ++i) {
    chunks_.push_back(std::make_unique<Chunk>());
    allocate_chunk(*chunks_.back());
  }
  for (int thread = 0; thread < n_threads_; ++thread) {
    scratch_.push_back(
        {RowTracks(plan_, blocks_.subbands()), Array<std::int32_t, 1>({kRefineScratchInts}), {}});
    for (const auto& pass : plan_.passes)
      scratch_.back().rows.push_back(std::make_unique<DeviceDelayRows>(pass, device_));
  }
  compute_->synchronise();
}

// ---- samples ----

// Where the window's samples of an octave go.
DeviceView<std::int8_t, 2> CudaRowSearch::new_samples(std::size_t octave) const {
  const auto& o = blocks_.octaves()[octave];
  const auto n = plan_.window_samples >> o.octave, at = o.history + blocks_.window_in_block() * n;
  return samples_[octave].view().slice(1, at, at + n);
}

// Octaves that no pass uses pass through memory of their own.
void CudaRowSearch::add_window() {
  use_device(device_);
  DeviceView<const std::int8_t, 2> fine = windows_[window_]->levels.cview();
  int at = 0;
  for (std::size_t j = 0; j < samples_.size(); ++j) {
    const int octave = blocks_.octaves()[j].octave;
    const auto to = new_samples(j);
    if (octave == 0) copy(fine, to, *compute_);
    for (; at < octave; ++at) {
      const auto coarse = at + 1 == octave ? to : fine_[static_cast<std::size_t>(at)].view();
      downsample(fine, plan_.levels[static_cast<std::size_t>(at) + 1].shift, coarse, *compute_);
      fine = coarse;
    }
  }
  windows_[window_]->used.record(*compute_);
  window_ = (window_ + 1) % kWindows;
  windows_[window_]->used.synchronise();  // by the window before
  levels_.write_to(windows_[window_]->levels.view());
}

void CudaRowSearch::add_empty_window() {
  use_device(device_);
  for (std::size_t j = 0; j < samples_.size(); ++j) fill_zero(new_samples(j), *compute_);
}

// In pieces that do not overlap what they are copied from.
void CudaRowSearch::next_block() {
  use_device(device_);
  for (std::size_t j = 0; j < samples_.size(); ++j) {
    const auto& o = blocks_.octaves()[j];
    for (std::int64_t t = 0; t < o.history; t += o.block) {
      const auto n = std::min(o.block, o.history - t);
      copy(samples_[j].cview().slice(1, t + o.block, t + o.block + n), samples_[j].view().slice(1, t, t + n),
           *compute_);
    }
  }
}

// ---- a pass, chunk by chunk ----

DeviceView<std::int16_t, 2> CudaRowSearch::group_rows(std::size_t pass) const {
  return as_matrix(group_memory_, plan_.passes[pass].fdmt.n_group_row,
                   passes_[pass].fdmt->group_columns(blocks_.octave_of(plan_.passes[pass]).block));
}

DeviceView<std::int32_t, 2> CudaRowSearch::rows_of(const PassRun& run, const Chunk& chunk) const {
  return as_matrix(chunk.rows, chunk.n_trial(), run.n_run * kBoxcarRun);
}

DeviceView<BoxcarLeastSums, 2> CudaRowSearch::least_of(const PassRun& run, const Chunk& chunk) const {
  return as_matrix(chunk.device_least, run.n_run, chunk.n_trial());
}

void CudaRowSearch::search_pass(std::size_t index, FoundEvents& found) {
  use_device(device_);
  const auto& pass = plan_.passes[index];
  PassRun run{index, blocks_.searched_span(pass)};
  const auto dedispersed = blocks_.dedispersed_span(pass);
  run.n_run = (run.span.end - run.span.begin) / kBoxcarRun;
  run.n_sample = std::max<std::int64_t>(0, dedispersed.end - run.span.begin);
  if (run.n_run == 0) return;
  const auto& samples = samples_[blocks_.octave_index(pass)];
  if (run.n_sample > 0)
    fdmt_group_rows(*passes_[index].fdmt, samples.cview().slice(1, kRefineLead, samples.shape(1)),
                    dedispersed.begin, dedispersed.end, group_rows(index), *compute_);
  const int n_trial = pass.fdmt.n_trial(), step = trials_of_chunk(pass);
  const auto n_chunk = static_cast<std::size_t>(ceil_div(n_trial, step));
  const auto begin = [&](std::size_t k) {
    if (k < n_chunk) begin_chunk(run, static_cast<int>(k) * step, *chunks_[k % kChunks]);
  };
  begin(0);
  begin(1);
  for (std::size_t k = 0; k < n_chunk; ++k) {
    prepare_chunk(run, *chunks_[k % kChunks]);
    if (k > 0) judge_chunk(run, *chunks_[(k - 1) % kChunks]);
    begin(k + 2);
  }
  judge_chunk(run, *chunks_[(n_chunk - 1) % kChunks]);
  std::swap(passes_[index].tails[0], passes_[index].tails[1]);
  for (auto& s : scratch_) {
    found.events.insert(found.events.end(), s.found.events.begin(), s.found.events.end());
    found.n_dropped += s.found.n_dropped;
    s.found = {};
  }
}

// Rows, and the first of every tile to the host.
void CudaRowSearch::begin_chunk(const PassRun& run, int first, Chunk& chunk) {
  const auto& pass = plan_.passes[run.index];
  chunk.first = first;
  chunk.last = std::min(first + trials_of_chunk(pass), pass.fdmt.n_trial());
  if (run.n_sample > 0) {
    const auto rows = rows_of(run, chunk);
    fdmt_trials(*passes_[run.index].fdmt, group_rows(run.index), first, run.span.begin,
                rows.slice(1, 0, run.n_sample), *compute_);
    for (int tile = 0; tile < chunk.n_tile(); ++tile)
      download(DeviceView<const std::int32_t, 1>(rows[tile * kTrialTile].slice(0, 0, run.n_sample)),
               View<std::int32_t, 1>(&chunk.first_rows.view()(tile * run.n_run, 0), {run.n_sample}),
               *compute_);
  }
  chunk.rows_done.record(*compute_);
}

// What must be reached, and then the cells that reach it.
void CudaRowSearch::prepare_chunk(const PassRun& run, Chunk& chunk) {
  chunk.rows_done.synchronise();
  chunk.noise.assign(static_cast<std::size_t>(chunk.n_tile() * run.n_run), kWhiteNoise);
  parallel_for(n_threads_, chunk.n_tile(), [&](std::int64_t tile, int thread) {
    prepare_tile(run, chunk, static_cast<int>(tile), scratch_[static_cast<std::size_t>(thread)]);
  });
  const auto n_trial = chunk.n_trial();
  upload(View<const BoxcarLeastSums, 2>(chunk.least.data(), {run.n_run, n_trial}), least_of(run, chunk),
         *compute_);
  find_cells(run, chunk, 0, n_trial);
  chunk.cells_done.record(*compute_);
}

// One tile of trials over the whole block, in order of time.
void CudaRowSearch::prepare_tile(const PassRun& run, Chunk& chunk, int tile, Scratch& scratch) {
  const auto& pass = plan_.passes[run.index];
  const auto& octave = blocks_.octave_of(pass);
  const int first = chunk.first + tile * kTrialTile, last = std::min(first + kTrialTile, chunk.last);
  auto& noise = passes_[run.index].noise[static_cast<std::size_t>(first / kTrialTile)];
  const View<std::int32_t, 1> row(&chunk.first_rows.view()(tile * run.n_run, 0), {run.n_run * kBoxcarRun});
  std::fill(row.data() + run.n_sample, row.data() + row.shape(0), 0);
  scratch.tracks.begin(pass, plan_.levels[static_cast<std::size_t>(pass.octave)].variance, first, last);
  for (std::int64_t r = 0; r < run.n_run; ++r) {
    scratch.tracks.make(octave.weights, octave.lag + kRefineLead + run.span.begin + r * kBoxcarRun);
    if (plan_.running_noise) {
      update_noise_scale(pass.boxcar, scratch.tracks.of(first),
                         row.slice(0, r * kBoxcarRun, (r + 1) * kBoxcarRun), noise);
      auto& factors = chunk.noise[static_cast<std::size_t>(tile * run.n_run + r)];
      factors = noise.factors();
      scratch.tracks.set_noise(factors);
    }
    const VarianceTrack* before = nullptr;
    for (int i = first; i < last; ++i) {  // neighbours may share a track
      auto* least = &chunk.least.data()[r * chunk.n_trial() + i - chunk.first];
      const auto& track = scratch.tracks.of(i);
      *least = &track == before ? least[-1] : least_boxcar_sums(pass.boxcar, track);
      before = &track;
    }
  }
}

// Of trials [first, last) of the chunk; as many as there is room for come to the host with their number.
void CudaRowSearch::find_cells(const PassRun& run, Chunk& chunk, int first, int last) {
  auto& pass = passes_[run.index];
  const auto begin = chunk.first + first, end = chunk.first + last;
  fill_zero(chunk.device_n_cell, *compute_);
  boxcar_cells(plan_.passes[run.index].boxcar, rows_of(run, chunk).slice(0, first, last), run.n_sample,
               least_of(run, chunk).slice(1, first, last), begin, pass.tails[0].cview().slice(0, begin, end),
               pass.tails[1].view().slice(0, begin, end), chunk.device_cells.view(),
               chunk.device_n_cell.view(), *compute_);
  download(chunk.device_n_cell.cview(), chunk.n_cell.view(), *compute_);
}

// Cells that were found; halves of the trials again where there was no room for all.
void CudaRowSearch::gather_cells(const PassRun& run, Chunk& chunk, int first, int last,
                                 std::vector<BoxcarCell>& cells) {
  const std::int64_t n = chunk.n_cell.data()[0];
  if (n > cells_room()) {
    for (const auto& [begin, end] :
         {std::pair(first, (first + last) / 2), std::pair((first + last) / 2, last)}) {
      find_cells(run, chunk, begin, end);
      compute_->synchronise();
      gather_cells(run, chunk, begin, end, cells);
    }
    return;
  }
  if (n == 0) return;
  const auto host = chunk.cells.view().slice(0, 0, n);
  download(chunk.device_cells.cview().slice(0, 0, n), host, *copy_);
  copy_->synchronise();
  cells.insert(cells.end(), host.data(), host.data() + n);
}

void CudaRowSearch::judge_chunk(const PassRun& run, Chunk& chunk) {
  chunk.cells_done.synchronise();
  std::vector<BoxcarCell> cells;
  gather_cells(run, chunk, 0, chunk.n_trial(), cells);
  std::sort(cells.begin(), cells.end(), is_earlier);
  std::vector<TileCells> tiles;
  for (const auto& cell : cells) {
    const bool is_same = !tiles.empty() && tiles.back().begin->run == cell.run &&
                         tiles.back().begin->row / kTrialTile == cell.row / kTrialTile;
    if (!is_same) tiles.push_back({&cell, &cell});
    ++tiles.back().end;
  }
  parallel_for(n_threads_, std::ssize(tiles), [&](std::int64_t i, int thread) {
    judge_tile(run, chunk, tiles[static_cast<std::size_t>(i)], scratch_[static_cast<std::size_t>(thread)]);
  });
}

void CudaRowSearch::judge_tile(const PassRun& run, const Chunk& chunk, const TileCells& cells,
                               Scratch& scratch) {
  const auto& pass = plan_.passes[run.index];
  const auto& octave = blocks_.octave_of(pass);
  const int tile = cells.begin->row / kTrialTile, first = tile * kTrialTile,
            last = std::min(first + kTrialTile, pass.fdmt.n_trial()), r = cells.begin->run;
  const auto t = run.span.begin + std::int64_t{r} * kBoxcarRun;
  scratch.tracks.begin(pass, plan_.levels[static_cast<std::size_t>(pass.octave)].variance, first, last);
  scratch.tracks.make(octave.weights, octave.lag + kRefineLead + t);
  scratch.tracks.set_noise(
      chunk.noise[static_cast<std::size_t>((tile - chunk.first / kTrialTile) * run.n_run + r)]);
  TileEvents events(pass, scratch.tracks, first, blocks_.block_start(octave) + t, blocks_.info());
  for (const auto* cell = cells.begin; cell < cells.end; ++cell) {
    const auto& least = chunk.least.data()[std::int64_t{r} * chunk.n_trial() + cell->row - chunk.first];
    const auto best = best_of_cell(pass.boxcar, scratch.tracks.of(cell->row), least, cell->level, cell->first,
                                   {cell->x, {kBoxcarCellSamples}});
    if (best.width > 0) events.add(cell->row, best);
  }
  if (std::int64_t{r} * kBoxcarRun < run.n_sample) {
    auto& rows = *scratch.rows[run.index];
    rows.begin(samples_[blocks_.octave_index(pass)].cview(), kRefineLead + t);
    events.refine(rows, scratch.refine.view());
  }
  events.finish(scratch.found);
}

}  // namespace tianyan
