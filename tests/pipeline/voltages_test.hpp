// Voltages in memory, for tests of what is made of them.
#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "io/voltage_source.hpp"
#include "kernels/base/sample_range.hpp"

namespace tianyan {

/// Samples of 16 bits, [coarse][pol][time][component], with ranges that are missing in every stream.
class MemoryVoltages : public VoltageSource {
 public:
  /// Each component of sample t of (coarse, pol) is `value` of them, rounded.
  MemoryVoltages(VoltageInfo info, bool is_complex,
                 const std::function<std::complex<double>(int coarse, int pol, std::int64_t t)>& value,
                 bool is_inverted = false)
      : info_(std::move(info)) {
    format_.n_bits = 16;
    format_.is_complex = is_complex;
    format_.is_inverted = is_inverted;
    for (int c = 0; c < info_.n_coarse; ++c)
      for (int p = 0; p < info_.n_pol; ++p)
        for (std::int64_t t = 0; t < info_.n_time; ++t) {
          const auto v = value(c, p, t);
          samples_.push_back(static_cast<std::int16_t>(std::lround(v.real())));
          if (is_complex) samples_.push_back(static_cast<std::int16_t>(std::lround(v.imag())));
        }
    files_ = {{"memory", 0, 0, 0, info_.n_time}};
  }

  void lose(SampleRange range) { missing_.push_back(range); }
  std::vector<std::int16_t>& samples() { return samples_; }

  const VoltageInfo& info() const override { return info_; }
  const VoltageFormat& format() const override { return format_; }
  const std::vector<InputFile>& files() const override { return files_; }
  const Losses& losses() const override { return losses_; }
  std::string format_name() const override { return "memory"; }

  void read(std::int64_t first_sample, std::int64_t n_time, VoltageBlock& out) override {
    const auto sample_bytes = std::int64_t{2} * format_.n_component();
    const auto row = n_time * sample_bytes;
    out.first_sample = first_sample;
    out.n_time = n_time;
    out.reserve(std::max<std::int64_t>(1, row * info_.n_coarse * info_.n_pol));
    for (std::int64_t s = 0; s < std::int64_t{info_.n_coarse} * info_.n_pol; ++s)
      std::memcpy(
          out.bytes.data() + s * row,
          reinterpret_cast<const char*>(samples_.data()) + (s * info_.n_time + first_sample) * sample_bytes,
          static_cast<std::size_t>(row));
    out.pieces.clear();
    for (const SampleRange& there : what_is_there(first_sample, first_sample + n_time)) {
      VoltagePiece piece;
      piece.begin = there.begin - first_sample;
      piece.end = there.end - first_sample;
      piece.first_bit = 8 * piece.begin * sample_bytes;
      piece.group_samples = std::max<std::int64_t>(1, there.size());
      piece.sample_stride_bits = 8 * sample_bytes;
      piece.coarse_stride_bits = 8 * row * info_.n_pol;
      piece.pol_stride_bits = 8 * row;
      piece.n_coarse = info_.n_coarse;
      piece.n_pol = info_.n_pol;
      out.pieces.push_back(piece);
    }
  }

 private:
  std::vector<SampleRange> what_is_there(std::int64_t begin, std::int64_t end) const {
    std::vector<SampleRange> there = {{begin, end}};
    for (const SampleRange& gap : missing_) {
      std::vector<SampleRange> left;
      for (const SampleRange& r : there) {
        if (r.begin < std::min(r.end, gap.begin)) left.push_back({r.begin, std::min(r.end, gap.begin)});
        if (std::max(r.begin, gap.end) < r.end) left.push_back({std::max(r.begin, gap.end), r.end});
      }
      there = left;
    }
    return there;
  }

  VoltageInfo info_;
  VoltageFormat format_;
  std::vector<std::int16_t> samples_;
  std::vector<SampleRange> missing_;
  std::vector<InputFile> files_;
  Losses losses_;
};

/// A band of n_coarse channels from `band_low_mhz` on.
inline VoltageInfo voltage_info(int n_coarse, double coarse_width_mhz, int n_pol, std::int64_t n_time,
                                bool is_complex, double band_low_mhz = 1200.0) {
  VoltageInfo info;
  info.n_coarse = n_coarse;
  info.n_pol = n_pol;
  info.band_low_mhz = band_low_mhz;
  info.coarse_width_mhz = coarse_width_mhz;
  info.sample_time_s = 1e-6 / coarse_width_mhz / (is_complex ? 1.0 : 2.0);
  info.n_time = n_time;
  info.start = {59000, 0.0};
  info.source_name = "TEST";
  return info;
}

}  // namespace tianyan
