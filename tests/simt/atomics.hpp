// CUDA's atomics: relaxed, of the whole device; they order no other access.
#pragma once
#include <type_traits>

#include "tests/simt/device_language.hpp"

namespace simt {

/// The type that an atomic's operand has: that of the object.
template <class T>
using Same = std::type_identity_t<T>;

/// Replaces *p by f(*p) in one step; the old value.
template <class T, class F>
__forceinline__ T atomic_update(T* p, F f) {
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
__forceinline__ T atomicAdd(T* p, simt::Same<T> value) {
  static_assert(sizeof(T) == 4 || (sizeof(T) == 8 && !std::is_signed_v<T>) || std::is_same_v<T, double>,
                "int, unsigned, unsigned long long, float or double, as on the device");
  return simt::atomic_update(p, [&](T old) { return static_cast<T>(old + value); });
}
__forceinline__ int atomicSub(int* p, int value) {
  return simt::atomic_update(p, [&](int old) { return old - value; });
}
__forceinline__ unsigned atomicSub(unsigned* p, unsigned value) {
  return simt::atomic_update(p, [&](unsigned old) { return old - value; });
}
template <class T>
__forceinline__ T atomicMax(T* p, simt::Same<T> value) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
  return simt::atomic_update(p, [&](T old) { return old < value ? value : old; });
}
template <class T>
__forceinline__ T atomicMin(T* p, simt::Same<T> value) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
  return simt::atomic_update(p, [&](T old) { return value < old ? value : old; });
}
template <class T>
__forceinline__ T atomicOr(T* p, simt::Same<T> value) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
  return simt::atomic_update(p, [&](T old) { return old | value; });
}
template <class T>
__forceinline__ T atomicAnd(T* p, simt::Same<T> value) {
  static_assert(std::is_integral_v<T> && sizeof(T) >= 4);
  return simt::atomic_update(p, [&](T old) { return old & value; });
}
template <class T>
__forceinline__ T atomicExch(T* p, simt::Same<T> value) {
  return simt::atomic_update(p, [&](T) { return value; });
}
template <class T>
__forceinline__ T atomicCAS(T* p, simt::Same<T> compare, simt::Same<T> value) {
  static_assert(std::is_integral_v<T>);
  simt::may_switch();
  __atomic_compare_exchange(p, &compare, &value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return compare;
}
__forceinline__ unsigned atomicInc(unsigned* p, unsigned limit) {
  return simt::atomic_update(p, [&](unsigned old) { return old >= limit ? 0 : old + 1; });
}
