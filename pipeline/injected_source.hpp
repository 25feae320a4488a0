// A source with pulses added to it: a shadow copy of a recorded stream, in the stream's own format.
//
// Intensity goes into the raw samples (kernels/add_intensity.hpp): a[c][t] sigma[c] of injection_model.hpp,
// half of it into each of two polarisations. sigma is measured on the recorded stream: over kRuns runs of
// kRunSpectra spectra, evenly spread over the segment of about kSegment_s in which the pulse arrives, by the
// clipped statistics that the search itself uses. Gains change within a scan, so a single measurement would
// not do for all of it; within seconds they do not, and one for each pulse would be noisier or slower. Where
// samples have fewer than 8 bits, some are at the highest code already and cannot rise: the others rise the
// more. Segments are fixed in the stream, so a sample is the same whatever is read, in which order and by how
// many threads. Gaps stay gaps. A segment without data has no sigma: nothing is added.
#pragma once
#include <map>
#include <vector>

#include "io/source.hpp"
#include "kernels/unpack.hpp"
#include "pipeline/injection_model.hpp"

namespace tianyan {

class InjectedSource final : public Source {
 public:
  /// `inner` is read in read() and must outlive this.
  InjectedSource(Source& inner, const std::vector<InjectedPulse>& pulses);

  const StreamInfo& info() const override { return inner_.info(); }
  const SampleFormat& format() const override { return inner_.format(); }
  const std::vector<InputFile>& files() const override { return inner_.files(); }
  const Losses& losses() const override { return inner_.losses(); }
  std::string format_name() const override { return inner_.format_name(); }
  void use_threads(int n_threads) override;
  std::int64_t memory_bytes() const override;
  void release() override;
  void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) override;

  const std::vector<PulseModel>& models() const { return models_; }

  static constexpr double kSegment_s = 16.0;
  static constexpr std::int64_t kRuns = 4, kRunSpectra = 512;

 private:
  struct Placed {
    const PulseModel* model;
    SampleRange samples;
    const std::vector<float>* unit;  ///< [c] intensity of one sigma
  };
  std::int64_t segment_samples() const;
  std::int64_t segment_of(const PulseModel& model) const;
  const std::vector<float>& unit_of(std::int64_t segment);
  std::int64_t read_runs(SampleRange segment, SpanWeights& weights, View<std::int64_t, 1> n_full);
  std::vector<float> measure(SampleRange segment);
  void add_rows(const std::vector<Placed>& active, SampleRange rows, View<float, 1> lift,
                RawBlock& out) const;

  Source& inner_;
  UnpackPlan unpack_;
  InjectionBand band_;
  std::vector<PulseModel> models_;
  std::vector<SampleRange> samples_;                  // of models_
  std::map<std::int64_t, std::vector<float>> units_;  // by segment, as they are needed
  RawBlock run_;                                      // of a measurement
  Array<float, 2> rows_;                              // [channel][time], of a measurement
  int n_threads_ = 1;
};

}  // namespace tianyan
