// Tracks by bins, shared by trials, or by samples where flagged samples are not spread over the rows.
#include "pipeline/row_tracks.hpp"

#include <algorithm>

namespace tianyan {
namespace {

constexpr int kDelaysPerTrack = 16;  // samples: two bins
// Up to this delay flagged samples are hardly spread over a row. Beyond it each of 64 subbands has a sample
// of its own: a tenth of them flagged at random scatters the weight of a sample by 4 %.
constexpr int kSampleDelays = 32;
constexpr std::int64_t kNewBins = kTimeTile / kVarianceBin;

std::int64_t n_bin_of(const BoxcarPlan& boxcar) { return (boxcar.lag() + kTimeTile) / kVarianceBin; }

// Of the pass that needs most.
std::int64_t most_bins(const SearchPlan& plan) {
  std::int64_t bins = 0;
  for (const auto& pass : plan.passes) bins = std::max(bins, n_bin_of(pass.boxcar));
  return bins;
}

std::int64_t round_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

OctaveWeights::OctaveWeights(std::int64_t n_subband, std::int64_t n_sample)
    : weight({n_subband, n_sample / kVarianceBin}),
      mean({n_subband, n_sample / kVarianceBin}),
      times({n_sample}),
      share({n_sample}) {}

std::int64_t OctaveWeights::footprint_bytes(std::int64_t n_subband, std::int64_t n_sample) {
  return 8 * (n_subband * n_sample / kVarianceBin + n_sample);
}

RowTracks::RowTracks(const SearchPlan& plan, const std::vector<int>& subbands) : subbands_(subbands) {
  const auto bins = most_bins(plan);
  constexpr std::int64_t kTracks = kTrialTile;  // at most: each trial its own
  for (auto* by_bin : {&per_bin_, &mean_}) *by_bin = Array<float, 2>({kTracks, bins});
  for (auto* by_bin : {&prefix_, &mean_prefix_}) *by_bin = Array<double, 2>({kTracks, bins + 1});
  per_sample_ = Array<float, 2>({kTracks, bins * kVarianceBin});
  sample_prefix_ = Array<double, 2>({kTracks, bins * kVarianceBin + 1});
  shift_ = Array<std::int32_t, 2>({kTracks, std::ssize(subbands) - 1});
  delay_ = Array<std::int32_t, 1>({std::ssize(subbands) - 1});
}

std::int64_t RowTracks::footprint_bytes(const SearchPlan& plan, std::int64_t n_subband) {
  const auto bins = most_bins(plan);
  return kTrialTile * (bins * (2 * 4 + 2 * 8 + kVarianceBin * (4 + 8)) + 4 * n_subband);
}

void RowTracks::begin(const PlanPass& pass, double variance, int first, int last) {
  pass_ = &pass;
  variance_ = variance;
  first_ = first;
  last_ = last;
  has_bins_ = false;
  const auto& params = pass.fdmt.params;
  shared_ = std::max(1, kDelaysPerTrack / params.delay_step);
  for (int i = first; i < last; i += shared_) {
    const int middle = params.delay_of(std::min(i + shared_ / 2, last - 1));
    subband_shifts(params, subbands_, middle, shift_.view()[(i - first) / shared_]);
  }
}

void RowTracks::make(const OctaveWeights& octave, std::int64_t at) {
  const auto from = at - pass_->boxcar.lag();
  tracks_.clear();
  if (needs_samples(octave, from))
    make_by_samples(octave, from);
  else
    make_by_bins(octave, from);
}

void RowTracks::set_noise(const NoiseFactors& noise) {
  for (auto& track : tracks_) track.noise = noise;
}

// Where the delays are small and some bin that the rows are made of has samples that differ.
bool RowTracks::needs_samples(const OctaveWeights& octave, std::int64_t from) const {
  const auto& params = pass_->fdmt.params;
  if (params.delay_of(first_) >= kSampleDelays) return false;
  const auto end = from + n_bin_of(pass_->boxcar) * kVarianceBin + params.delay_of(last_ - 1);
  return has_mixed_bins(
      octave.times.cview().slice(0, from, std::min(octave.times.size(), round_up(end, kVarianceBin))));
}

void RowTracks::add_track(View<const float, 1> variance, View<double, 1> prefix, View<const float, 1> mean) {
  const auto s = std::ssize(tracks_);
  auto track = make_variance_track(pass_->boxcar, variance, kTimeTile, prefix);
  set_row_mean(mean, mean_prefix_.view()[s].slice(0, 0, mean.shape(0) + 1), track);
  tracks_.push_back(track);
}

// All but the tile's own bins are those of the tile before.
void RowTracks::make_by_bins(const OctaveWeights& octave, std::int64_t from) {
  const auto n_bin = n_bin_of(pass_->boxcar), n_kept = has_bins_ ? n_bin - kNewBins : 0;
  const auto first_bin = from / kVarianceBin + n_kept;
  trials_per_track_ = shared_;
  for (int i = first_; i < last_; i += shared_) {
    const auto s = std::ssize(tracks_);
    const auto per_bin = per_bin_.view()[s].slice(0, 0, n_bin), mean = mean_.view()[s].slice(0, 0, n_bin);
    for (const auto& bins : {per_bin, mean})
      std::copy(bins.data() + n_bin - n_kept, bins.data() + n_bin, bins.data());
    row_variance(octave.weight.cview(), shift_.cview()[s], first_bin, variance_,
                 per_bin.slice(0, n_kept, n_bin));
    row_variance(octave.mean.cview(), shift_.cview()[s], first_bin, 1.0, mean.slice(0, n_kept, n_bin));
    add_track(per_bin, prefix_.view()[s].slice(0, 0, n_bin + 1), mean);
  }
  has_bins_ = true;
}

void RowTracks::make_by_samples(const OctaveWeights& octave, std::int64_t from) {
  const auto n_bin = n_bin_of(pass_->boxcar), n_sample = n_bin * kVarianceBin;
  const auto& params = pass_->fdmt.params;
  trials_per_track_ = 1;
  for (int i = first_; i < last_; ++i) {
    const auto s = std::ssize(tracks_);
    const auto per_sample = per_sample_.view()[s].slice(0, 0, n_sample);
    const auto mean = mean_.view()[s].slice(0, 0, n_bin);
    subband_delays(params, subbands_, params.delay_of(i), delay_.view());
    row_variance_samples(octave.weight.cview(), octave.share.cview(), delay_.cview(), from, variance_,
                         per_sample);
    subband_shifts(params, subbands_, params.delay_of(i), delay_.view());
    row_variance(octave.mean.cview(), delay_.cview(), from / kVarianceBin, 1.0, mean);
    add_track(per_sample, sample_prefix_.view()[s].slice(0, 0, n_sample + 1), mean);
  }
  has_bins_ = false;
}

}  // namespace tianyan
