// CUDA's functions for kernels: barriers, warps, atomics and arithmetic.
#pragma once
#include <climits>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "tests/simt/device_language.hpp"

// ---- barriers and votes

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

// ---- exchange within a warp

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

// ---- atomics: relaxed, of the whole device; they order no other access

namespace simt {

/// The type that an atomic's operand has: that of the object.
template <class T>
using Same = std::type_identity_t<T>;

/// Replaces *p by f(*p) in one step; the old value.
template <class T, class F>
T atomic_update(T* p, F f) {
  may_switch();
  T old;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  for (;;) {
    T wanted = f(old);
    if (__atomic_compare_exchange(p, &old, &wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return old;
  }
}

}  // namespace simt

template <class T>
T atomicAdd(T* p, simt::Same<T> value) {
  static_assert(sizeof(T) == 4 || (sizeof(T) == 8 && !std::is_signed_v<T>) || std::is_same_v<T, double>,
                "int, unsigned, unsigned long long, float or double, as on the device");
  return simt::atomic_update(p, [&](T old) { return static_cast<T>(old + value); });
}
inline int atomicSub(int* p, int value) {
  return simt::atomic_update(p, [&](int old) { return old - value; });
}
inline unsigned atomicSub(unsigned* p, unsigned value) {
  return simt::atomic_update(p, [&](unsigned old) { return old - value; });
}
template <class T>
T atomicMax(T* p, simt::Same<T> value) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
  return simt::atomic_update(p, [&](T old) { return old < value ? value : old; });
}
template <class T>
T atomicMin(T* p, simt::Same<T> value) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
  return simt::atomic_update(p, [&](T old) { return value < old ? value : old; });
}
template <class T>
T atomicOr(T* p, simt::Same<T> value) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
  return simt::atomic_update(p, [&](T old) { return old | value; });
}
template <class T>
T atomicAnd(T* p, simt::Same<T> value) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
  return simt::atomic_update(p, [&](T old) { return old & value; });
}
template <class T>
T atomicExch(T* p, simt::Same<T> value) {
  return simt::atomic_update(p, [&](T) { return value; });
}
template <class T>
T atomicCAS(T* p, simt::Same<T> compare, simt::Same<T> value) {
  static_assert(std::is_integral_v<T>);
  simt::may_switch();
  __atomic_compare_exchange(p, &compare, &value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return compare;
}
inline unsigned atomicInc(unsigned* p, unsigned limit) {
  return simt::atomic_update(p, [&](unsigned old) { return old >= limit ? 0 : old + 1; });
}

// ---- arithmetic

template <class T>
T __ldg(const T* p) {
  return *p;
}
template <class T, class U>
constexpr std::common_type_t<T, U> min(T a, U b) {
  using C = std::common_type_t<T, U>;
  return static_cast<C>(b) < static_cast<C>(a) ? static_cast<C>(b) : static_cast<C>(a);
}
template <class T, class U>
constexpr std::common_type_t<T, U> max(T a, U b) {
  using C = std::common_type_t<T, U>;
  return static_cast<C>(a) < static_cast<C>(b) ? static_cast<C>(b) : static_cast<C>(a);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline int __float2int_rn(float x) { return static_cast<int>(std::nearbyint(x)); }
inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
inline float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
inline float rsqrtf(float x) { return 1.0F / std::sqrt(x); }
inline void sincospif(float x, float* sine, float* cosine) {
  *sine = static_cast<float>(std::sin(M_PI * static_cast<double>(x)));
  *cosine = static_cast<float>(std::cos(M_PI * static_cast<double>(x)));
}
inline void sincospi(double x, double* sine, double* cosine) {
  *sine = std::sin(M_PI * x);
  *cosine = std::cos(M_PI * x);
}
