// One sample of a packed spectrum: where its bits are, reading and writing it. For what touches few samples;
// whole spectra have faster ways (kernels/unpack.hpp, kernels/quantise.hpp).
#pragma once
#include <cstdint>
#include <cstring>

#include "kernels/base/stream_info.hpp"

namespace tianyan {

/// Sample i of samples of type T.
template <class T>
T load_sample(const std::uint8_t* spectrum, std::int64_t i) {
  T v;
  std::memcpy(&v, spectrum + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return v;
}
template <class T, class V>
void save_sample(std::uint8_t* spectrum, std::int64_t i, V value) {
  const T v = static_cast<T>(value);
  std::memcpy(spectrum + i * static_cast<std::int64_t>(sizeof(T)), &v, sizeof(T));
}

/// Of the lowest bit of sample i in its byte, below 8 bits.
constexpr int shift_of(const SampleFormat& f, std::int64_t i) {
  const int within = static_cast<int>(i * f.n_bits % 8);
  return f.high_bits_first ? 8 - f.n_bits - within : within;
}

/// Integer sample i of at most 16 bits.
inline std::int32_t load_integer(const SampleFormat& f, bool is_signed, const std::uint8_t* spectrum,
                                 std::int64_t i) {
  if (f.n_bits == 16)
    return is_signed ? load_sample<std::int16_t>(spectrum, i) : load_sample<std::uint16_t>(spectrum, i);
  if (f.n_bits == 8) return is_signed ? load_sample<std::int8_t>(spectrum, i) : spectrum[i];
  return (spectrum[i * f.n_bits / 8] >> shift_of(f, i)) & ((1 << f.n_bits) - 1);
}

/// Integer sample i of at most 8 bits, counted from the lowest that its format has.
constexpr std::uint8_t load_small(const SampleFormat& f, const std::uint8_t* spectrum, std::int64_t i) {
  if (f.n_bits == 8) return static_cast<std::uint8_t>(spectrum[i] ^ (f.is_signed ? 0x80 : 0));
  return static_cast<std::uint8_t>((spectrum[i * f.n_bits / 8] >> shift_of(f, i)) & ((1 << f.n_bits) - 1));
}

/// Replaces it; the byte's other samples stay.
inline void save_integer(const SampleFormat& f, std::uint8_t* spectrum, std::int64_t i, std::int32_t value) {
  if (f.n_bits == 16) return save_sample<std::uint16_t>(spectrum, i, value);
  if (f.n_bits == 8) return save_sample<std::uint8_t>(spectrum, i, value);
  std::uint8_t& byte = spectrum[i * f.n_bits / 8];
  const int shift = shift_of(f, i), mask = (1 << f.n_bits) - 1;
  byte = static_cast<std::uint8_t>((byte & ~(mask << shift)) | value << shift);
}

}  // namespace tianyan
