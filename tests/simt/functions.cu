// Kernels that try the functions of warps and atomics.
#include "tests/simt/functions.hpp"

namespace simt {
namespace {

constexpr unsigned kAll = 0xFFFFFFFFU;

__global__ void warp_functions(const int* in, int* out) {
  const int lane = static_cast<int>(threadIdx.x), mine = in[lane];
  const auto u = static_cast<unsigned>(mine);
  const long long wide = (static_cast<long long>(mine) << 32) + lane;
  const int results[kWarpResults] = {
      __shfl_sync(kAll, mine, 3),
      __shfl_sync(kAll, mine, lane + 1, 8),
      __shfl_up_sync(kAll, mine, 2),
      __shfl_down_sync(kAll, mine, 2, 16),
      __shfl_xor_sync(kAll, mine, 5),
      static_cast<int>(__shfl_down_sync(kAll, wide, 1) >> 32),
      static_cast<int>(__shfl_xor_sync(kAll, static_cast<double>(mine), 1)),
      static_cast<int>(__ballot_sync(kAll, mine > 0)),
      __any_sync(kAll, mine == in[31]),
      __all_sync(kAll, mine == in[31]),
      static_cast<int>(__match_any_sync(kAll, mine & 3)),
      __reduce_add_sync(kAll, mine),
      __reduce_min_sync(kAll, mine),
      __reduce_max_sync(kAll, mine),
      static_cast<int>(__reduce_min_sync(kAll, u)),
      static_cast<int>(__reduce_max_sync(kAll, u)),
      static_cast<int>(__reduce_and_sync(kAll, u | 1U)),
      static_cast<int>(__reduce_or_sync(kAll, u & 0xF0U)),
      static_cast<int>(__reduce_xor_sync(kAll, u)),
      __popc(u) + 100 * __clz(mine) + 10000 * __ffs(mine),
  };
  for (int r = 0; r < kWarpResults; ++r) out[r * 32 + lane] = results[r];
}

__global__ void atomics(const int* in, AtomicResults* out) {
  __shared__ float shared_sum;
  const unsigned i = threadIdx.x + blockIdx.x * blockDim.x;
  const int mine = in[i];
  if (threadIdx.x == 0) shared_sum = 0.0F;
  __syncthreads();
  atomicAdd(&shared_sum, static_cast<float>(mine));
  atomicAdd(&out->sum, mine);
  atomicMax(&out->most, mine);
  atomicMin(&out->least, mine);
  atomicOr(&out->bits, 1 << (i % 31));
  atomicInc(&out->count, 1000000U);
  atomicAdd(&out->wide, 1ULL << 32);
  atomicAdd(&out->double_sum, static_cast<double>(mine));
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(&out->float_sum, shared_sum);
}

__global__ void votes(const int* in, int* out) {
  const int mine = in[threadIdx.x] > 0;
  const int results[] = {__syncthreads_count(mine), __syncthreads_or(mine), __syncthreads_and(mine),
                         __syncthreads_and(1)};
  if (threadIdx.x == 0)
    for (int i = 0; i < 4; ++i) out[i] = results[i];
}

__global__ void increment(const int* in, int* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = in[i] + 1;
}

__global__ void use_last_byte(std::size_t bytes) { static_cast<char*>(dynamic_shared())[bytes - 1] = 1; }
__global__ void use_last_byte_of_more(std::size_t bytes) {
  static_cast<char*>(dynamic_shared())[bytes - 1] = 1;
}

__global__ void count(unsigned* n) {
  const auto block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const auto thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  atomicAdd(n + 1, block * blockDim.x * blockDim.y * blockDim.z + thread);
  atomicAdd(n, 1U);
}

}  // namespace

cudaError_t try_warp(const int* in, int* out) { return start(1, 32, nullptr, warp_functions, in, out); }
cudaError_t try_atomics(const int* in, int n, AtomicResults* out) {
  return start(static_cast<unsigned>(n) / 64, 64, nullptr, atomics, in, out);
}
cudaError_t try_votes(const int* in, int n, int* out) {
  return start(1, static_cast<unsigned>(n), nullptr, votes, in, out);
}
cudaError_t start_increment(const int* in, int* out, int n, cudaStream_t stream) {
  return start(static_cast<unsigned>(n + 63) / 64, 64, stream, increment, in, out, n);
}

cudaError_t use_shared(std::size_t bytes, bool raise_limit) {
  auto* const kernel = raise_limit ? use_last_byte_of_more : use_last_byte;
  if (raise_limit) {
    const auto e =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    if (e != cudaSuccess) return e;
  }
  cudaLaunchConfig_t config{};
  config.dynamicSmemBytes = bytes;
  if (const auto e = cudaLaunchKernelEx(&config, kernel, bytes); e != cudaSuccess) return e;
  return cudaDeviceSynchronize();
}

cudaError_t count_threads(dim3 grid, dim3 block, unsigned* n) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  return cudaLaunchKernelEx(&config, count, n);
}

}  // namespace simt
