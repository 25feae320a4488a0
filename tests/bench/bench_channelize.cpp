// The whole stage from voltages to spectra: FAST's band as one real stream of two polarisations, 1e9 samples
// of 8 bits a second in each, to 4096 channels and 49.152 us.
#include <cstring>

#include "pipeline/channelizer.hpp"
#include "tests/bench/bench.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kSpectra = 512;

/// Noise of 8 bits from memory, the same in every block.
class NoiseVoltages : public VoltageSource {
 public:
  NoiseVoltages() {
    info_.n_pol = 2;
    info_.band_low_mhz = 1000.0;
    info_.coarse_width_mhz = 500.0;
    info_.sample_time_s = 1e-9;
    info_.n_time = std::int64_t{1} << 34;
    format_.is_complex = false;
    Array<float, 1> noise({noise_.size()});
    fill_noise(noise.data(), noise.size(), 0.0F, 20.0F, 127.0F);
    for (std::int64_t i = 0; i < noise.size(); ++i)
      noise_(i) = static_cast<std::uint8_t>(static_cast<std::int8_t>(noise(i)));
  }
  const VoltageInfo& info() const override { return info_; }
  const VoltageFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "noise"; }
  /// [time][pol], as a file would hold them.
  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.reserve(2 * n_time);
    for (std::int64_t at = 0; at < 2 * n_time; at += noise_.size())
      std::memcpy(out.bytes.data() + at, noise_.data(),
                  static_cast<std::size_t>(std::min(noise_.size(), 2 * n_time - at)));
    VoltagePiece piece;
    piece.end = n_time;
    piece.group_samples = n_time;
    piece.sample_stride_bits = 16;
    piece.pol_stride_bits = 8;
    piece.n_pol = 2;
    out.pieces = {piece};
  }

 private:
  VoltageInfo info_;
  VoltageFormat format_;
  Losses losses_;
  std::vector<InputFile> files_;
  Array<std::uint8_t, 1> noise_{{std::int64_t{1} << 24}};
};

void channelize(benchmark::State& state, double coherent_dm_pc_cm3) {
  NoiseVoltages source;
  ChannelizeConfig config;
  if (coherent_dm_pc_cm3 > 0.0) config.coherent_dm_pc_cm3 = {coherent_dm_pc_cm3};
  Channelizer channelizer(config, source.info(), source.format());
  channelizer.use_threads(static_cast<int>(state.range(0)));
  Array<float, 3> out({1, kSpectra, kChannels});
  Array<std::uint8_t, 2> good({kSpectra, 1});
  channelizer.make(source, 0, out.view(), good.view());  // plans, pages
  std::int64_t first = 0;
  for (auto _ : state) channelizer.make(source, first += kSpectra, out.view(), good.view());
  const double data_s = kSpectra * channelizer.info().sample_time_s;
  state.counters["real_time_factor"] =
      benchmark::Counter(data_s, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["samples"] = benchmark::Counter(2e9 * data_s, benchmark::Counter::kIsIterationInvariantRate);
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const double dm : {0.0, 500.0})
    for_thread_counts(
        benchmark::RegisterBenchmark(dm > 0.0 ? "channelize/fast_band/dm500" : "channelize/fast_band",
                                     [dm](benchmark::State& state) { channelize(state, dm); })
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond));
  return true;
}();

}  // namespace
}  // namespace tianyan
