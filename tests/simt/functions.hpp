// Kernels that try the functions of warps and atomics.
#pragma once
#include "tests/simt/emulation_test.hpp"

namespace simt {

inline constexpr int kWarpResults = 20;
/// A block of one warp, each thread with a value in[lane]: out[r][lane] is result r.
cudaError_t try_warp(const int* in, int* out);

/// in: n ints of n threads.
struct AtomicResults {
  int sum, most, least, bits;
  unsigned count;
  unsigned long long wide;
  float float_sum;
  double double_sum;
};
cudaError_t try_atomics(const int* in, int n, AtomicResults* out);

/// out[0..2]: __syncthreads_count, _or and _and of `in[thread] > 0`; [3]: of all true.
cudaError_t try_votes(const int* in, int n, int* out);

/// out[i] = in[i] + 1.
cudaError_t start_increment(const int* in, int* out, int n, cudaStream_t stream);
/// Asks for this much dynamic shared memory and uses its last byte.
cudaError_t use_shared(std::size_t bytes, bool raise_limit);
/// `shape` is that of the block and of the grid: each thread counts itself.
cudaError_t count_threads(dim3 grid, dim3 block, unsigned* n);

}  // namespace simt
