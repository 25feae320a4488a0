// Voltages as a source of spectra: channelized and detected as they are read, so that whatever takes spectra
// takes voltages.
#pragma once
#include <memory>

#include "io/source.hpp"
#include "pipeline/channelizer.hpp"

namespace tianyan {

class ChannelizedSource : public Source {
 public:
  /// Throws std::invalid_argument as Channelizer does, and where the config has more than one coherent DM.
  ChannelizedSource(std::unique_ptr<VoltageSource> voltages, const ChannelizeConfig& config);

  const StreamInfo& info() const override { return info_; }
  const SampleFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override;
  std::string format_name() const override { return voltages_->format_name(); }
  std::int64_t memory_bytes() const override { return channelizer_.footprint_bytes(); }
  void use_threads(int n_threads) override { channelizer_.use_threads(n_threads); }
  void release() override { channelizer_.release(); }
  void read(std::int64_t first_sample, std::int64_t n_time, RawBlock& out) override;

 private:
  std::unique_ptr<VoltageSource> voltages_;
  Channelizer channelizer_;
  StreamInfo info_;
  SampleFormat format_;
  std::vector<InputFile> files_;
  mutable Losses losses_;  // made when asked for: files count as they are read
  Array<std::uint8_t, 2> good_;
};

/// Spans of equal weights of good [time][coarse], n_chan_per_coarse channels in each coarse channel.
std::vector<CalibrationSpan> spans_of(View<const std::uint8_t, 2> good, int n_chan_per_coarse);

/// Losses of voltages in spectra of n_voltage samples each.
Losses losses_in_spectra(const Losses& voltages, std::int64_t n_voltage);

}  // namespace tianyan
