// VDIF files made word by word as the specification says, and a plain walk over what a VoltageSource returns.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "io/voltage_source.hpp"
#include "kernels/base/random.hpp"
#include "tests/io/spectra_files.hpp"

namespace tianyan::test {

/// A recording whose codes follow from thread, channel, sample and component.
struct VdifMaker {
  int n_bits = 4;
  bool is_complex = true;
  int log2_chan = 0;
  int payload_bytes = 64;
  int epoch = 40;  ///< 2020-01-01
  int second = 1000;
  int first_frame = 0;
  int fps = 20;
  std::vector<int> threads = {0, 1};  ///< in the file's order
  int station = 0x4142;
  bool is_legacy = false;
  std::array<std::uint32_t, 4> extension = {0, 0, 0, 0};  ///< words 4 to 7

  int n_comp() const { return is_complex ? 2 : 1; }
  int n_chan() const { return 1 << log2_chan; }
  int header_bytes() const { return is_legacy ? 16 : 32; }
  int frame_bytes() const { return header_bytes() + payload_bytes; }
  int n_sample() const { return 8 * payload_bytes / (n_bits * n_comp() * n_chan()); }
  double rate_hz() const { return static_cast<double>(fps) * n_sample(); }

  /// Sample t counts from the file's first slot.
  int code(int thread, int chan, std::int64_t t, int comp) const {
    std::uint64_t state = static_cast<std::uint64_t>(((t * 64 + thread) * 64 + chan) * 2 + comp);
    return static_cast<int>(splitmix64(state) >> (64 - n_bits));
  }

  std::string frame(int slot, int thread, bool is_invalid = false) const {
    const int at = first_frame + slot;
    std::vector<std::uint32_t> words = {
        static_cast<std::uint32_t>(is_invalid) << 31 | static_cast<std::uint32_t>(is_legacy) << 30 |
            static_cast<std::uint32_t>(second + at / fps),
        static_cast<std::uint32_t>(epoch) << 24 | static_cast<std::uint32_t>(at % fps),
        std::uint32_t{1} << 29 | static_cast<std::uint32_t>(log2_chan) << 24 |
            static_cast<std::uint32_t>(frame_bytes() / 8),
        static_cast<std::uint32_t>(is_complex) << 31 | static_cast<std::uint32_t>(n_bits - 1) << 26 |
            static_cast<std::uint32_t>(thread) << 16 | static_cast<std::uint32_t>(station)};
    if (!is_legacy) words.insert(words.end(), extension.begin(), extension.end());
    const auto payload = payload_words(slot, thread);
    words.insert(words.end(), payload.begin(), payload.end());
    std::string bytes;
    for (const std::uint32_t word : words)
      for (int k = 0; k < 4; ++k) bytes += static_cast<char>(word >> (8 * k));
    return bytes;
  }

  std::string bytes(int n_slot) const {
    std::string all;
    for (int slot = 0; slot < n_slot; ++slot)
      for (const int thread : threads) all += frame(slot, thread);
    return all;
  }

 private:
  /// As many components as fit into each word, from its low bits.
  std::vector<std::uint32_t> payload_words(int slot, int thread) const {
    const int per_word = 32 / n_bits;
    std::vector<std::uint32_t> words(static_cast<std::size_t>(payload_bytes / 4), 0);
    int k = 0;
    for (int i = 0; i < n_sample(); ++i)
      for (int chan = 0; chan < n_chan(); ++chan)
        for (int comp = 0; comp < n_comp(); ++comp, ++k) {
          const auto c = static_cast<std::uint32_t>(
              code(thread, chan, static_cast<std::int64_t>(slot) * n_sample() + i, comp));
          words[static_cast<std::size_t>(k / per_word)] |= c << (n_bits * (k % per_word));
        }
    return words;
  }
};

/// All codes of a source, -1 where missing.
struct VoltageCodes {
  int n_pol = 0, n_comp = 0;
  std::int64_t n_time = 0;
  std::vector<int> codes;  ///< [coarse][pol][time][component]

  int& at(int coarse, int pol, std::int64_t t, int comp = 0) {
    return codes[static_cast<std::size_t>(((std::int64_t{coarse} * n_pol + pol) * n_time + t) * n_comp +
                                          comp)];
  }
};

inline int bits_at(const VoltageBlock& block, std::int64_t bit, int n) {
  int value = 0;
  for (int k = 0; k < n; ++k) value |= (block.bytes((bit + k) / 8) >> ((bit + k) % 8) & 1) << k;
  return value;
}

/// The formula of VoltagePiece, literally; false where it leaves the block or meets a sample twice.
inline bool walk_piece(const VoltagePiece& piece, const VoltageBlock& block, const VoltageFormat& format,
                       VoltageCodes& to) {
  if (piece.begin < 0 || piece.begin >= piece.end || piece.end > block.n_time) return false;
  for (std::int64_t i = 0; i < piece.end - piece.begin; ++i)
    for (int c = 0; c < piece.n_coarse; ++c)
      for (int p = 0; p < piece.n_pol; ++p) {
        const std::int64_t j = piece.first_in_group + i;
        const std::int64_t bit = piece.first_bit + j / piece.group_samples * piece.group_stride_bits +
                                 j % piece.group_samples * piece.sample_stride_bits +
                                 c * piece.coarse_stride_bits + p * piece.pol_stride_bits;
        if (bit < 0 || bit + format.sample_bits() > 8 * block.bytes.shape(0)) return false;
        for (int comp = 0; comp < format.n_component(); ++comp) {
          int& code =
              to.at(piece.coarse_begin + c, piece.pol_begin + p, block.first_sample + piece.begin + i, comp);
          if (code != -1) return false;
          code = bits_at(block, bit + comp * format.n_bits, format.n_bits);
        }
      }
  return true;
}

inline VoltageCodes read_codes(VoltageSource& source, std::int64_t n_block) {
  const VoltageInfo& info = source.info();
  VoltageCodes all{info.n_pol, source.format().n_component(), info.n_time, {}};
  all.codes.assign(static_cast<std::size_t>(info.n_coarse * info.n_pol * info.n_time * all.n_comp), -1);
  VoltageBlock block;
  for (std::int64_t first = 0; first < info.n_time; first += n_block) {
    source.read(first, std::min(n_block, info.n_time - first), block);
    for (const VoltagePiece& piece : block.pieces)
      EXPECT_TRUE(walk_piece(piece, block, source.format(), all)) << "piece of block at " << first;
  }
  return all;
}

inline std::unique_ptr<VoltageSource> open_vdif(const std::string& path, const VoltageHints& hints = {}) {
  const VoltageSourceFormat* format = voltage_format_of(path);
  if (!format || format->name != "VDIF") throw std::runtime_error(path + ": not taken for VDIF");
  return format->open(path, 0, hints);
}

inline VoltageHints with_rate(double rate_hz) {
  VoltageHints hints;
  hints.sample_rate_hz = rate_hz;
  return hints;
}

/// A file of `bytes`, opened with the rate of `maker`.
struct Opened {
  Opened(const VdifMaker& maker, const std::string& bytes)
      : source(open_vdif(folder.write("a.vdif", bytes), with_rate(maker.rate_hz()))) {}
  TempFolder folder;
  std::unique_ptr<VoltageSource> source;
};

/// (slot, thread) pairs.
using Frames = std::set<std::pair<int, int>>;

/// Which frames of the maker the source has, each checked to be whole and right; ids of damaged ones are -1.
inline Frames frames_of(VoltageSource& source, const VdifMaker& maker, std::int64_t n_block = 1 << 20) {
  VoltageCodes codes = read_codes(source, n_block);
  std::vector<int> threads = maker.threads;
  std::sort(threads.begin(), threads.end());
  Frames frames;
  for (int slot = 0; slot * maker.n_sample() < codes.n_time; ++slot)
    for (std::size_t i = 0; i < threads.size(); ++i) {
      int n_right = 0, n_missing = 0;
      for (int t = slot * maker.n_sample(); t < (slot + 1) * maker.n_sample(); ++t)
        for (int chan = 0; chan < maker.n_chan(); ++chan)
          for (int comp = 0; comp < maker.n_comp(); ++comp) {
            const int thread = static_cast<int>(i);
            const int code =
                codes.at(thread / codes.n_pol * maker.n_chan() + chan, thread % codes.n_pol, t, comp);
            n_missing += code == -1;
            n_right += code == maker.code(threads[i], chan, t, comp);
          }
      const int n = maker.n_sample() * maker.n_chan() * maker.n_comp();
      if (n_right == n)
        frames.insert({slot, threads[i]});
      else if (n_missing != n)
        frames.insert({slot, -1});
    }
  return frames;
}

inline Frames all_frames(const VdifMaker& maker, int n_slot, const Frames& without = {}) {
  Frames frames;
  for (int slot = 0; slot < n_slot; ++slot)
    for (const int thread : maker.threads)
      if (!without.count({slot, thread})) frames.insert({slot, thread});
  return frames;
}

/// The maker's frame number k in file order.
inline std::pair<int, int> frame_at(const VdifMaker& maker, int k) {
  const int n = static_cast<int>(maker.threads.size());
  return {k / n, maker.threads[static_cast<std::size_t>(k % n)]};
}

inline std::string without_bytes(std::string bytes, std::size_t begin, std::size_t end) {
  return bytes.erase(begin, end - begin);
}

}  // namespace tianyan::test
