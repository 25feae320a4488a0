// The stage from voltages to detected spectra: polyphase filterbank, coherent dedispersion, detection,
// integration.
//
// Spectrum t is the mean power of the filterbank's frames [t n_sum, (t + 1) n_sum), whose windows are centred
// on voltage samples [t n_sum hop, (t + 1) n_sum hop). Frames of which a sample is missing, before the scan's
// first and after its last one included, do not count; with coherent dedispersion neither do those whose
// kernel reaches such a frame. A spectrum has weight where at least half of its frames count, coarse channel
// by coarse channel.
//
// What a spectrum holds depends on its number alone: not on how it is asked for, nor on threads.
#pragma once
#include <complex>
#include <memory>
#include <vector>

#include "io/voltage_source.hpp"
#include "kernels/base/array.hpp"
#include "kernels/coherent.hpp"
#include "kernels/detect.hpp"
#include "kernels/frame_weights.hpp"
#include "kernels/pfb.hpp"
#include "pipeline/config.hpp"

namespace tianyan {

class Channelizer {
 public:
  /// Bound when it is made, for one thread: streams and memory are known then, and nothing but the filter's
  /// taps has been taken. Throws std::invalid_argument where the config cannot work for these voltages.
  Channelizer(const ChannelizeConfig& config, const VoltageInfo& voltages, const VoltageFormat& format);
  ~Channelizer();

  /// Of DM number d: all alike but for coherent_dm_pc_cm3.
  StreamInfo info(int d = 0) const;
  SampleFormat format() const;
  /// Streams that are made at once: one for each coherent DM, one where there is none.
  int n_dm() const { return std::max(1, static_cast<int>(dms_.size())); }
  int n_coarse() const { return voltages_.n_coarse; }
  /// Voltage samples of a coarse channel that a spectrum stands for.
  std::int64_t voltages_per_spectrum() const { return n_sum_ * pfb_.hop; }
  int channels_per_coarse() const { return static_cast<int>(pfb_.params.n_chan); }
  void use_threads(int n_threads);
  /// All that make() takes with that many threads.
  std::int64_t footprint_bytes() const;
  /// Gives it back; the next make() takes it again.
  void release();

  /// Spectra [first, first + out.shape(1)) into out [dm][time][product * n_chan + channel], lowest frequency
  /// first, and good [time][coarse]. Takes its memory when it is first called.
  void make(VoltageSource& source, std::int64_t first, View<float, 3> out, View<std::uint8_t, 2> good);

 private:
  struct Scratch;
  struct Task;
  void choose_sizes(const ChannelizeConfig& config);
  void allocate();
  CoherentParams coherent_params(double dm_pc_cm3) const;
  void make_chunk(VoltageSource& source, std::int64_t first, View<float, 3> out, View<std::uint8_t, 2> good);
  void load(const Task& task, SampleRange samples, Scratch& scratch) const;
  void sum_frames(const Task& task, Scratch& scratch) const;
  void dedisperse(const Task& task, Scratch& scratch) const;
  void channelize_frames(const Task& task, SampleRange frames, Scratch& scratch) const;
  void store_channels(const Task& task, std::int64_t first_channel, std::int64_t n, Scratch& s) const;
  void dedisperse_channel(const Task& task, std::int64_t k, std::int64_t i, Scratch& s) const;
  std::int64_t run_samples() const;
  std::int64_t tile_channels() const;
  std::int64_t chunk_spectra() const;
  std::int64_t scratch_bytes() const;
  FrameWindow window() const { return {pfb_.hop, pfb_.lead, pfb_.n_window}; }

  PolProducts products_;
  FeedBasis feed_;
  VoltageInfo voltages_;
  VoltageFormat voltage_format_;
  int n_threads_ = 1;
  std::vector<double> dms_;
  PfbPlan pfb_;
  std::int64_t n_sum_ = 1;         ///< frames of a spectrum
  std::int64_t task_spectra_ = 1;  ///< spectra that one thread makes at once; its first is a multiple of it
  CoherentLengths lengths_;        ///< of the largest DM
  std::vector<CoherentPlan> coherent_;  ///< [dm], from the first make() on
  std::vector<std::unique_ptr<Scratch>> scratch_;
  VoltageBlock block_;
  std::vector<std::vector<SampleRange>> missing_;  ///< [coarse], of the block, in samples of the stream
};

}  // namespace tianyan
