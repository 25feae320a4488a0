// Weights of the octaves, block after block.
#include "pipeline/search_blocks.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/base/division.hpp"
#include "kernels/refine.hpp"
#include "pipeline/parallel.hpp"

namespace tianyan {
namespace {

std::int64_t n_subband_of(const std::vector<int>& subbands) { return std::ssize(subbands) - 1; }

// Whole tiles from or to there.
std::int64_t tile_begin(std::int64_t t) { return floor_div(t, kTimeTile) * kTimeTile; }
std::int64_t tile_end(std::int64_t t) { return ceil_div(t, kTimeTile) * kTimeTile; }

}  // namespace

SearchBlocks::SearchBlocks(const SearchPlan& plan, const StreamInfo& info, const std::vector<int>& subbands)
    : plan_(plan), info_(info), subbands_(subbands) {
  for (int j = 0; j < std::ssize(plan.history); ++j) {  // each octave is made of the finer ones
    SearchOctave octave;
    octave.octave = j;
    octave.history = plan.history[static_cast<std::size_t>(j)] + kRefineLead;
    octave.block = plan.block_samples >> j;
    for (const auto& pass : plan.passes)
      if (pass.octave == j) octave.lag = std::max(octave.lag, pass.boxcar.lag());
    if (octave.lag > 0) octaves_.push_back(std::move(octave));
  }
}

std::int64_t SearchBlocks::footprint_bytes() const {
  const auto n_subband = n_subband_of(subbands_);
  std::int64_t bytes = n_subband * (plan_.window_samples / kVarianceBin) * std::int64_t{8};
  for (const auto& o : octaves_)
    bytes += OctaveWeights::footprint_bytes(n_subband, o.lag + o.history + o.block);
  return bytes;
}

void SearchBlocks::allocate() {
  window_ = OctaveWeights(n_subband_of(subbands_), plan_.window_samples);
  for (auto& o : octaves_) o.weights = OctaveWeights(n_subband_of(subbands_), o.lag + o.history + o.block);
}

std::size_t SearchBlocks::octave_index(const PlanPass& pass) const {
  return static_cast<std::size_t>(
      std::find_if(octaves_.begin(), octaves_.end(),
                   [&](const SearchOctave& o) { return o.octave == pass.octave; }) -
      octaves_.begin());
}

const SearchOctave& SearchBlocks::octave_of(const PlanPass& pass) const {
  return octaves_[octave_index(pass)];
}

void SearchBlocks::add_window(int n_threads) {
  parallel_for(n_threads, n_subband_of(subbands_), [&](std::int64_t b, int) {
    add_bins(b, &OctaveWeights::weight);
    add_bins(b, &OctaveWeights::mean);
  });
  add_times();
}

// A coarse bin holds as many samples as a fine one: weights are averaged, means are sums scaled as the
// samples were.
void SearchBlocks::add_bins(std::int64_t subband, Array<float, 2> OctaveWeights::*bins) {
  float* fine = &(window_.*bins)(subband, 0);
  const bool is_mean = bins == &OctaveWeights::mean;
  const auto n_fine = plan_.window_samples / kVarianceBin;
  int at = 0;
  for (auto& o : octaves_) {
    const auto n = n_fine >> o.octave;
    for (; at < o.octave; ++at) {
      const bool is_sum = is_mean && plan_.levels[static_cast<std::size_t>(at) + 1].shift == 0;
      for (std::int64_t i = 0; i < n_fine >> (at + 1); ++i)
        fine[i] = (is_sum ? 1.0F : 0.5F) * (fine[2 * i] + fine[2 * i + 1]);
    }
    std::copy(fine, fine + n,
              &(o.weights.*bins)(subband, (o.lag + o.history) / kVarianceBin + window_in_block_ * n));
  }
}

void SearchBlocks::add_times() {
  float* fine = window_.times.data();
  int at = 0;
  for (auto& o : octaves_) {
    const auto n = plan_.window_samples >> o.octave;
    for (; at < o.octave; ++at)
      for (std::int64_t i = 0; i < plan_.window_samples >> (at + 1); ++i)
        fine[i] = 0.5F * (fine[2 * i] + fine[2 * i + 1]);
    std::copy_n(fine, n, &o.weights.times(o.lag + o.history + window_in_block_ * n));
  }
}

void SearchBlocks::add_empty_window() {
  for (auto& o : octaves_) {
    const auto n = plan_.window_samples >> o.octave, at = o.lag + o.history + window_in_block_ * n;
    for (auto* bins : {&o.weights.weight, &o.weights.mean})
      for (std::int64_t b = 0; b < bins->shape(0); ++b)
        std::fill_n(&(*bins)(b, at / kVarianceBin), n / kVarianceBin, 0.0F);
    std::fill_n(&o.weights.times(at), n, 0.0F);
  }
}

bool SearchBlocks::next_window() {
  if (++window_in_block_ * plan_.window_samples < plan_.block_samples) return false;
  window_in_block_ = 0;
  return true;
}

void SearchBlocks::complete_block() {
  for (auto& o : octaves_) sample_shares(o.weights.times.cview(), o.weights.share.view());
}

void SearchBlocks::next_block() {
  for (auto& o : octaves_) {
    const auto kept = (o.lag + o.history) / kVarianceBin, block = o.block / kVarianceBin;
    for (auto* bins : {&o.weights.weight, &o.weights.mean})
      for (std::int64_t b = 0; b < bins->shape(0); ++b)
        std::memmove(&(*bins)(b, 0), &(*bins)(b, 0) + block, static_cast<std::size_t>(kept) * sizeof(float));
    std::memmove(o.weights.times.data(), o.weights.times.data() + o.block,
                 static_cast<std::size_t>(o.lag + o.history) * sizeof(float));
  }
  ++n_block_;
}

double SearchBlocks::complete_before_s() const {
  return static_cast<double>(n_block_ * plan_.block_samples - plan_.flush_samples()) * info_.sample_time_s;
}

bool SearchBlocks::is_finished() const {
  return window_in_block_ == 0 && n_block_ * plan_.block_samples >= info_.n_time + plan_.flush_samples();
}

std::int64_t SearchBlocks::block_start(const SearchOctave& octave) const {
  return n_block_ * octave.block - (octave.history - kRefineLead);
}

std::int64_t SearchBlocks::scan_end(const SearchOctave& octave) const {
  return ((info_.n_time - 1) >> octave.octave) + 1;
}

// No start before -lag makes an event that is reported, and from the scan's end on rows are zero.
SearchSpan SearchBlocks::dedispersed_span(const PlanPass& pass) const {
  const auto& octave = octave_of(pass);
  const auto first = block_start(octave);
  return {std::clamp<std::int64_t>(tile_begin(-pass.boxcar.lag() - first), 0, octave.block),
          std::clamp<std::int64_t>(tile_end(scan_end(octave) - first), 0, octave.block)};
}

// Boxcars that begin in the scan are searched until they have passed its end.
SearchSpan SearchBlocks::searched_span(const PlanPass& pass) const {
  const auto& octave = octave_of(pass);
  const auto end = tile_end(scan_end(octave) + pass.boxcar.lag() - block_start(octave));
  return {dedispersed_span(pass).begin, std::clamp<std::int64_t>(end, 0, octave.block)};
}

bool SearchBlocks::has_weight(const SearchOctave& octave) const {
  const auto* w = octave.weights.weight.data();
  return std::any_of(w, w + octave.weights.weight.size(), [](float v) { return v > 0.0F; });
}

}  // namespace tianyan
