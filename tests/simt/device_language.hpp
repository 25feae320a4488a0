// The words of CUDA C++ for an ordinary compiler, and what kernels ask of the engine that runs them.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tests/simt/vector_types.hpp"

#define SIMT_EMULATION 1

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMT_ASAN 1
#endif
#endif

// Kernels are static so that their __shared__ arrays are ordinary statics: AddressSanitizer puts red zones
// around them, and otherwise they lie in one section, which is filled with 0xff before every block. GCC drops
// the section of statics in templates: those keep what the block before left, which the checker tells.
#define __global__ static
#define __device__
#define __host__
#define __constant__ static __attribute__((section("simt_constant")))
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#ifdef SIMT_ASAN
#define __shared__ static
#else
#define __shared__ static __attribute__((section("simt_shared")))
#endif

// Constant for as long as a thread lives, which also keeps their loads from the access checker; the engine,
// which does not see these declarations, sets them at every switch of threads.
extern const uint3 threadIdx, blockIdx, blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace simt {

/// Where in the source a call stands: std::source_location, which clang 14 lacks.
struct Place {
  const char* file;
  unsigned line;
  static constexpr Place here(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

enum class WarpOp : unsigned char {
  sync,
  shuffle,
  ballot,
  match_any,
  add,
  min_signed,
  min_unsigned,
  max_signed,
  max_unsigned,
  bit_and,
  bit_or,
  bit_xor
};
struct WarpResult {
  std::uint64_t value;
  unsigned lanes;  ///< that took part
};

/// Returns how many threads came with a true `predicate`.
unsigned block_barrier(bool predicate, Place place);
/// `source`: the lane that a shuffle reads.
WarpResult warp_operation(WarpOp op, unsigned mask, std::uint64_t value, int source, Place place);
/// Atomics come here first, so that a random order can put other threads between two of them.
void may_switch();
void* dynamic_shared();

}  // namespace simt
