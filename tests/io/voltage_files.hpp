// Voltages of a source taken apart bit by bit, as voltage_block.hpp defines its pieces, and what tests write.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/voltage_sink.hpp"
#include "io/voltage_source.hpp"
#include "kernels/base/array.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {

inline std::unique_ptr<VoltageSource> open_voltage_file(const std::string& path,
                                                        const VoltageHints& hints = {}) {
  const VoltageSourceFormat* format = voltage_format_of(path);
  if (!format) throw std::runtime_error(path + ": no known format");
  return format->open(path, 0, hints);
}
inline std::string voltage_error(const std::string& path, const VoltageHints& hints = {}) {
  return error_of([&] { open_voltage_file(path, hints); });
}

/// Codes of all streams: signed where they are two's complement, else as they are.
struct WholeVoltages {
  std::int64_t n_time = 0;
  int n_pol = 0, n_component = 0;
  std::vector<int> codes;  ///< [coarse][pol][time][component], 0 where missing
  std::vector<int> times;  ///< [coarse][pol][time]: how many pieces hold the sample

  std::size_t index(int c, int p, std::int64_t t) const {
    return static_cast<std::size_t>((std::int64_t{c} * n_pol + p) * n_time + t);
  }
  int at(int c, int p, std::int64_t t, int k = 0) const {
    return codes.at(index(c, p, t) * static_cast<std::size_t>(n_component) + static_cast<std::size_t>(k));
  }
  bool has(int c, int p, std::int64_t t) const { return times.at(index(c, p, t)) == 1; }
};

inline int code_at(const VoltageFormat& format, const VoltageBlock& block, std::int64_t bit) {
  int code = 0;
  for (int i = 0; i < format.n_bits; ++i) {
    const std::int64_t at = bit + i;
    EXPECT_TRUE(at >= 0 && at < block.bytes.shape(0) * 8);
    code |= ((block.bytes.data()[at / 8] >> (at % 8)) & 1) << i;
  }
  const bool is_negative = format.code == VoltageCode::kTwosComplement && ((code >> (format.n_bits - 1)) & 1);
  return is_negative ? code - (1 << format.n_bits) : code;
}

inline void take_piece(const VoltageFormat& format, const VoltageBlock& block, const VoltagePiece& piece,
                       WholeVoltages& out) {
  for (std::int64_t i = 0; i < piece.end - piece.begin; ++i)
    for (int c = 0; c < piece.n_coarse; ++c)
      for (int p = 0; p < piece.n_pol; ++p) {
        const std::int64_t j = piece.first_in_group + i;
        const std::int64_t bit = piece.first_bit + (j / piece.group_samples) * piece.group_stride_bits +
                                 (j % piece.group_samples) * piece.sample_stride_bits +
                                 c * piece.coarse_stride_bits + p * piece.pol_stride_bits;
        const std::size_t at =
            out.index(piece.coarse_begin + c, piece.pol_begin + p, block.first_sample + piece.begin + i);
        ++out.times.at(at);
        for (int k = 0; k < out.n_component; ++k)
          out.codes.at(at * static_cast<std::size_t>(out.n_component) + static_cast<std::size_t>(k)) =
              code_at(format, block, bit + k * format.n_bits);
      }
}

/// Read in blocks of n_block samples.
inline WholeVoltages read_voltages(VoltageSource& source, std::int64_t n_block) {
  const VoltageInfo& info = source.info();
  WholeVoltages out;
  out.n_time = info.n_time;
  out.n_pol = info.n_pol;
  out.n_component = source.format().n_component();
  out.times.resize(static_cast<std::size_t>(info.n_coarse * info.n_pol * info.n_time));
  out.codes.resize(out.times.size() * static_cast<std::size_t>(out.n_component));
  VoltageBlock block;
  for (std::int64_t first = 0; first < info.n_time; first += n_block) {
    const std::int64_t n = std::min(n_block, info.n_time - first);
    source.read(first, n, block);
    EXPECT_EQ(block.first_sample, first);
    EXPECT_EQ(block.n_time, n);
    for (const auto& piece : block.pieces) {
      EXPECT_TRUE(0 <= piece.begin && piece.begin < piece.end && piece.end <= n);
      take_piece(source.format(), block, piece, out);
    }
  }
  return out;
}

inline VoltageInfo voltage_info(int n_coarse, int n_pol, std::int64_t n_time, bool is_complex = true) {
  VoltageInfo info;
  info.n_coarse = n_coarse;
  info.n_pol = n_pol;
  info.n_time = n_time;
  info.band_low_mhz = 1031.25;
  info.coarse_width_mhz = 0.48828125;
  info.sample_time_s = (is_complex ? 1.0 : 0.5) * 2.048e-6;
  info.start = {59000, 43200.123456789};
  info.source_name = "J1935+2154";
  info.telescope = "FAST";
  info.backend = "ROACH2";
  info.ra_deg = 293.731667;
  info.dec_deg = -0.123456;
  return info;
}

inline void expect_same_info(const VoltageInfo& a, const VoltageInfo& b) {
  EXPECT_EQ(a.n_coarse, b.n_coarse);
  EXPECT_EQ(a.n_pol, b.n_pol);
  EXPECT_EQ(a.n_time, b.n_time);
  EXPECT_DOUBLE_EQ(a.band_low_mhz, b.band_low_mhz);
  EXPECT_DOUBLE_EQ(a.coarse_width_mhz, b.coarse_width_mhz);
  EXPECT_DOUBLE_EQ(a.sample_time_s, b.sample_time_s);
  EXPECT_NEAR(a.start.seconds_since(b.start), 0.0, 5e-11);  // 16 decimals of a day, four roundings of 1e-11 s
  EXPECT_EQ(a.source_name, b.source_name);
  EXPECT_EQ(a.telescope, b.telescope);
  EXPECT_EQ(a.backend, b.backend);
  EXPECT_NEAR(a.ra_deg, b.ra_deg, 15.0 * 0.5e-6 / 3600.0 + 1e-12);  // texts to 1e-6 s
  EXPECT_NEAR(a.dec_deg, b.dec_deg, 0.5e-6 / 3600.0 + 1e-12);
}

/// Sample t of a stream that differs in every index and fills the range of n_bits.
inline std::int16_t sample_of(int n_bits, std::int64_t c, std::int64_t p, std::int64_t i) {
  const std::int64_t hash = (c * 7919 + p * 104729 + i) * 2654435761 >> 7;
  const std::int64_t half = std::int64_t{1} << (n_bits - 1);
  return static_cast<std::int16_t>((hash & (2 * half - 1)) - half);
}

/// Writes info.n_time samples in calls of growing length, multiples of 64 but the last.
inline void write_voltages(VoltageSink& sink, const VoltageInfo& info, const VoltageFormat& format) {
  const std::int64_t n_component = format.n_component();
  std::int64_t done = 0;
  for (std::int64_t want = 64; done < info.n_time; want += 64) {
    const std::int64_t n = std::min(want, info.n_time - done);
    Array<std::int16_t, 3> v({info.n_coarse, info.n_pol, n * n_component});
    for (std::int64_t c = 0; c < info.n_coarse; ++c)
      for (std::int64_t p = 0; p < info.n_pol; ++p)
        for (std::int64_t i = 0; i < n * n_component; ++i)
          v(c, p, i) = sample_of(format.n_bits, c, p, done * n_component + i);
    sink.write(0, v.cview());
    done += n;
  }
}

/// Every sample of what write_voltages() wrote.
inline void expect_written(VoltageSource& source, std::int64_t n_block) {
  const WholeVoltages whole = read_voltages(source, n_block);
  int n_wrong = 0;
  for (int c = 0; c < source.info().n_coarse; ++c)
    for (int p = 0; p < whole.n_pol; ++p)
      for (std::int64_t t = 0; t < whole.n_time; ++t)
        for (int k = 0; k < whole.n_component; ++k)
          n_wrong += !whole.has(c, p, t) || whole.at(c, p, t, k) != sample_of(source.format().n_bits, c, p,
                                                                              t * whole.n_component + k);
  EXPECT_EQ(n_wrong, 0);
}

}  // namespace tianyan::test
