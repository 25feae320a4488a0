// The search of rows on a CUDA device: integers there, floating point on the host.
//
// Samples of the octaves, group rows and the rows of trials live on the device. Rows are made in chunks of
// whole trial tiles. Of each chunk the host gets the first row of every tile and measures the noise, works
// out the least sums that may be events (kernels/boxcar.hpp), and is given the cells that reach them; it
// judges these with the functions of the host's search. So events are the same as on the host, whatever the
// device does with floating point.
//
// Three chunks are under way: while the host prepares one, the device makes the rows of the next, and cells
// of the one before come back. Windows are conditioned in a stream of their own.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "cuda/boxcar.hpp"
#include "cuda/dedisperse.hpp"
#include "cuda/fdmt.hpp"
#include "pipeline/cuda_levels.hpp"
#include "pipeline/row_search.hpp"

namespace tianyan {

class CudaRowSearch final : public RowSearch {
 public:
  /// The blocks must outlive the search. Throws std::runtime_error where the device cannot be used.
  CudaRowSearch(const SearchBlocks& blocks, const SampleFormat& format, int n_threads, int device);
  ~CudaRowSearch() override;
  std::int64_t footprint_bytes() const override;
  std::int64_t device_bytes() const override;
  void allocate() override;
  WindowLevels& levels() override { return levels_; }
  void add_window() override;
  void add_empty_window() override;
  void search_pass(std::size_t pass, FoundEvents& found) override;
  void next_block() override;

 private:
  class DeviceDelayRows;
  // Levels of a window, until the octaves have them.
  struct Window {
    DeviceArray<std::int8_t, 2> levels;
    StreamEvent used;
  };
  struct Pass {
    FdmtProgram program;
    std::unique_ptr<DeviceFdmtPlan> fdmt;
    DeviceArray<std::int32_t, 2> tails[2];  // [trial][level 32 + i], before this block and after it
    std::vector<NoiseScale> noise;          // [tile of trials]
  };
  // Trials [first, last) of a pass, from their rows to their cells.
  struct Chunk {
    int first = 0, last = 0;
    DeviceArray<std::int32_t, 1> rows;
    PinnedArray<std::int32_t, 2> first_rows;  // [tile of trials][sample]
    PinnedArray<BoxcarLeastSums, 1> least;    // [run][trial]
    DeviceArray<BoxcarLeastSums, 1> device_least;
    DeviceArray<BoxcarCell, 1> device_cells;
    PinnedArray<BoxcarCell, 1> cells;
    DeviceArray<unsigned, 1> device_n_cell;
    PinnedArray<unsigned, 1> n_cell;
    std::vector<NoiseFactors> noise;  // [tile of trials][run]
    StreamEvent rows_done, cells_done;
    int n_trial() const { return last - first; }
    int n_tile() const { return (n_trial() + kTrialTile - 1) / kTrialTile; }
  };
  // What the chunks of a pass have in common in a block.
  struct PassRun {
    std::size_t index = 0;
    SearchSpan span;
    std::int64_t n_run = 0;
    std::int64_t n_sample = 0;  // of rows that are not zero
  };
  struct Scratch {
    RowTracks tracks;
    Array<std::int32_t, 1> refine;
    std::vector<std::unique_ptr<DeviceDelayRows>> rows;  // of each pass
    FoundEvents found = {};
  };
  // Cells of one tile of trials and one run.
  struct TileCells {
    const BoxcarCell* begin = nullptr;
    const BoxcarCell* end = nullptr;
  };

  std::int64_t n_run_most() const;
  std::int64_t cells_room() const;
  int trials_of_chunk(const PlanPass& pass) const;
  std::int64_t chunk_device_bytes() const;
  std::int64_t chunk_host_bytes() const;
  std::int64_t group_rows_ints() const;
  std::int64_t row_ints_of_chunk() const;
  void allocate_chunk(Chunk& chunk) const;
  void allocate_pass(std::size_t index);
  DeviceView<std::int8_t, 2> new_samples(std::size_t octave) const;
  DeviceView<std::int32_t, 2> rows_of(const PassRun& run, const Chunk& chunk) const;
  DeviceView<BoxcarLeastSums, 2> least_of(const PassRun& run, const Chunk& chunk) const;
  DeviceView<std::int16_t, 2> group_rows(std::size_t pass) const;
  void begin_chunk(const PassRun& run, int first, Chunk& chunk);
  void prepare_chunk(const PassRun& run, Chunk& chunk);
  void prepare_tile(const PassRun& run, Chunk& chunk, int tile, Scratch& scratch);
  void find_cells(const PassRun& run, Chunk& chunk, int first, int last);
  void gather_cells(const PassRun& run, Chunk& chunk, int first, int last, std::vector<BoxcarCell>& cells);
  void judge_chunk(const PassRun& run, Chunk& chunk);
  void judge_tile(const PassRun& run, const Chunk& chunk, const TileCells& cells, Scratch& scratch);

  const SearchBlocks& blocks_;
  const SearchPlan& plan_;
  int n_threads_, device_;
  CudaLevels levels_;
  std::vector<Pass> passes_;
  std::optional<Stream> compute_, copy_;
  std::vector<std::unique_ptr<Window>> windows_;
  std::size_t window_ = 0;
  std::vector<DeviceArray<std::int8_t, 2>> samples_;  // of each octave, [channel][history + block]
  std::vector<DeviceArray<std::int8_t, 2>> fine_;     // of each octave that no pass uses, [channel][window]
  DeviceArray<std::int16_t, 1> group_memory_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<Scratch> scratch_;
};

}  // namespace tianyan
