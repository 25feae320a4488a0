// CUDA's functions for kernels: barriers of a block, votes, exchange and sums within a warp.
#pragma once
#include <cstring>
#include <type_traits>

#include "tests/simt/device_language.hpp"

inline void __syncthreads(simt::Place place = simt::Place::here()) { simt::block_barrier(false, place); }
inline int __syncthreads_count(int predicate, simt::Place place = simt::Place::here()) {
  return static_cast<int>(simt::block_barrier(predicate != 0, place));
}
inline int __syncthreads_or(int predicate, simt::Place place = simt::Place::here()) {
  return simt::block_barrier(predicate != 0, place) > 0 ? 1 : 0;
}
inline int __syncthreads_and(int predicate, simt::Place place = simt::Place::here()) {
  return simt::block_barrier(predicate == 0, place) == 0 ? 1 : 0;
}
inline void __syncwarp(unsigned mask = 0xFFFFFFFFU, simt::Place place = simt::Place::here()) {
  simt::warp_operation(simt::WarpOp::sync, mask, 0, 0, place);
}
/// Orders nothing for the checker: what another block reads must come from another launch.
inline void __threadfence() {}
inline void __threadfence_block() {}

inline unsigned __ballot_sync(unsigned mask, int predicate, simt::Place place = simt::Place::here()) {
  return static_cast<unsigned>(
      simt::warp_operation(simt::WarpOp::ballot, mask, predicate != 0, 0, place).value);
}
inline int __any_sync(unsigned mask, int predicate, simt::Place place = simt::Place::here()) {
  return simt::warp_operation(simt::WarpOp::ballot, mask, predicate != 0, 0, place).value != 0;
}
inline int __all_sync(unsigned mask, int predicate, simt::Place place = simt::Place::here()) {
  const auto result = simt::warp_operation(simt::WarpOp::ballot, mask, predicate != 0, 0, place);
  return result.value == result.lanes;
}

namespace simt {

inline int lane() {
  return static_cast<int>((threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) & 31U);
}
template <class T>
std::uint64_t bits_of(T value) {
  static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8),
                "scalars of 4 or 8 bytes, as on the device");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T>
T value_of(std::uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
template <class T>
T shuffle(unsigned mask, T value, int source, Place place) {
  return value_of<T>(warp_operation(WarpOp::shuffle, mask, bits_of(value), source, place).value);
}
template <class T>
T reduce(WarpOp op, unsigned mask, T value, Place place) {
  const auto wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  return static_cast<T>(warp_operation(op, mask, wide, 0, place).value);
}

}  // namespace simt

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, simt::Place place = simt::Place::here()) {
  const int base = simt::lane() & ~(width - 1);
  return simt::shuffle(mask, value, base + (source & (width - 1)), place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32,
                 simt::Place place = simt::Place::here()) {
  const int me = simt::lane(), source = me - static_cast<int>(by);
  return simt::shuffle(mask, value, source < (me & ~(width - 1)) ? me : source, place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32,
                   simt::Place place = simt::Place::here()) {
  const int me = simt::lane(), source = me + static_cast<int>(by);
  return simt::shuffle(mask, value, source >= (me & ~(width - 1)) + width ? me : source, place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int by, int width = 32, simt::Place place = simt::Place::here()) {
  const int me = simt::lane(), source = me ^ by;
  return simt::shuffle(mask, value, source >= (me & ~(width - 1)) + width ? me : source, place);
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, simt::Place place = simt::Place::here()) {
  return static_cast<unsigned>(
      simt::warp_operation(simt::WarpOp::match_any, mask, simt::bits_of(value), 0, place).value);
}

#define SIMT_REDUCE(name, type, op)                                                                        \
  inline type __reduce_##name##_sync(unsigned mask, type value, simt::Place place = simt::Place::here()) { \
    return simt::reduce(simt::WarpOp::op, mask, value, place);                                             \
  }
SIMT_REDUCE(add, int, add)
SIMT_REDUCE(add, unsigned, add)
SIMT_REDUCE(min, int, min_signed)
SIMT_REDUCE(min, unsigned, min_unsigned)
SIMT_REDUCE(max, int, max_signed)
SIMT_REDUCE(max, unsigned, max_unsigned)
SIMT_REDUCE(and, unsigned, bit_and)
SIMT_REDUCE(or, unsigned, bit_or)
SIMT_REDUCE(xor, unsigned, bit_xor)
#undef SIMT_REDUCE
