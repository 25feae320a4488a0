// The variance and the mean of the rows of a tile of trials and times, from the weights of an octave.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/row_variance.hpp"
#include "pipeline/plan.hpp"

namespace tianyan {

/// What an octave keeps of its weights: sums over subbands in bins of kVarianceBin samples, [subband][bin],
/// and the parts of its samples that were not flagged at all frequencies, [sample].
struct OctaveWeights {
  Array<float, 2> weight, mean;
  Array<float, 1> times, share;  ///< share as sample_shares() makes it

  OctaveWeights() = default;
  OctaveWeights(std::int64_t n_subband, std::int64_t n_sample);
  static std::int64_t footprint_bytes(std::int64_t n_subband, std::int64_t n_sample);
};

/// Of one thread; takes a tile of trials through time, tile by tile.
class RowTracks {
 public:
  /// Room for every pass of the plan.
  RowTracks(const SearchPlan& plan, const std::vector<int>& subbands);
  static std::int64_t footprint_bytes(const SearchPlan& plan, std::int64_t n_subband);

  /// Trials [first, last), at most kTrialTile; the next tile has none before it.
  void begin(const PlanPass& pass, double variance, int first, int last);
  /// The tile whose rows begin at sample `at` of the weights.
  void make(const OctaveWeights& octave, std::int64_t at);

  const VarianceTrack& of(int trial) const {
    return tracks_[static_cast<std::size_t>((trial - first_) / trials_per_track_)];
  }
  void set_noise(const NoiseFactors& noise);

 private:
  bool needs_samples(const OctaveWeights& octave, std::int64_t from) const;
  void make_by_bins(const OctaveWeights& octave, std::int64_t from);
  void make_by_samples(const OctaveWeights& octave, std::int64_t from);
  void add_track(View<const float, 1> variance, View<double, 1> prefix, View<const float, 1> mean);

  std::vector<int> subbands_;
  Array<float, 2> per_bin_, mean_;  // [track][bin]
  Array<double, 2> prefix_, mean_prefix_;
  Array<float, 2> per_sample_;  // [track][sample]
  Array<double, 2> sample_prefix_;
  Array<std::int32_t, 2> shift_;  // [track][subband], bins
  Array<std::int32_t, 1> delay_;  // [subband], samples
  std::vector<VarianceTrack> tracks_;

  const PlanPass* pass_ = nullptr;
  double variance_ = 0.0;
  int first_ = 0, last_ = 0, shared_ = 1, trials_per_track_ = 1;
  bool has_bins_ = false;  // of the tile before
};

}  // namespace tianyan
