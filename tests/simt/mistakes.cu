// Kernels with one mistake each. All are given `in` and `out` of an int for each thread, `out` zeroed, and an
// int of dynamic shared memory for each thread of a block.
#include <numeric>

#include "tests/simt/emulation_test.hpp"

namespace simt {
namespace {

constexpr int kThreads = 96, kBlocks = 5;
constexpr unsigned kAll = 0xFFFFFFFFU;

__device__ int* shared_ints() { return static_cast<int*>(dynamic_shared()); }
__device__ int thread() { return static_cast<int>(threadIdx.x); }
__device__ int element() { return static_cast<int>(blockIdx.x) * kThreads + thread(); }

template <bool kIsRight>
__global__ void read_behind_barrier(const int* in, int* out) {
  int* const shared = shared_ints();
  shared[thread()] = in[element()];
  if (kIsRight) __syncthreads();
  out[element()] = shared[kThreads - 1 - thread()];
}

// Also: static shared memory in a template.
template <bool kIsRight>
__global__ void write_behind_barrier(const int* in, int* out) {
  __shared__ int shared[kThreads];
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    shared[thread()] = in[element()] + i;
    __syncthreads();
    sum += shared[(thread() + 1) % kThreads];
    if (kIsRight) __syncthreads();
  }
  out[element()] = sum;
}

// Threads 33 and 34 agree, thread 0 of another warp has read, too.
template <bool kIsRight>
__global__ void write_after_third_reader(const int* in, int* out) {
  int* const shared = shared_ints();
  shared[thread()] = in[element()];
  __syncthreads();
  if (thread() == 33 || thread() == 34 || (!kIsRight && thread() == 0)) out[element()] = shared[5];
  if (thread() == 33 || thread() == 34) __syncwarp(0b110U);
  if (thread() == 34) shared[5] = 1;
}

template <bool kIsRight>
__global__ void barrier_for_all(const int* in, int* out) {
  int* const shared = shared_ints();
  shared[thread()] = in[element()];
  if (kIsRight || thread() < 40) __syncthreads();
  out[element()] = shared[thread()];
  __syncthreads();
}

template <bool kIsRight>
__global__ void one_barrier_for_all(const int* in, int* out) {
  if (thread() < 40 || kIsRight) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[element()] = in[element()];
}

template <bool kIsRight>
__global__ void mask_with_all_callers(const int* in, int* out) {
  out[element()] = __shfl_down_sync(kIsRight ? kAll : 0xFFFFU, in[element()], 1);
}

template <bool kIsRight>
__global__ void mask_of_callers_alone(const int* in, int* out) {
  const int lane = thread() % 32;
  if (lane < 16) out[element()] = __shfl_down_sync(kIsRight ? 0xFFFFU : kAll, in[element()], 1, 16);
  __syncthreads();  // who has left the kernel is not waited for
}

template <bool kIsRight>
__global__ void exchange_in_warp(const int* in, int* out) {
  int* const shared = shared_ints();
  shared[thread()] = in[element()];
  if (kIsRight) __syncwarp();
  out[element()] = shared[thread() ^ 1];
}

// A shuffle orders no memory.
template <bool kIsRight>
__global__ void shuffle_is_no_barrier(const int* in, int* out) {
  int* const shared = shared_ints();
  shared[thread()] = in[element()];
  const int other = __shfl_xor_sync(kAll, in[element()], 1);
  if (kIsRight) __syncwarp();
  out[element()] = shared[thread() ^ 1] - other;
}

template <bool kIsRight>
__global__ void add_between_blocks(const int* in, int* out) {
  if (thread() != 0) return;
  if (kIsRight)
    atomicAdd(out, in[element()]);
  else
    *out += in[element()];
}

template <bool kIsRight>
__global__ void add_within_block(const int* in, int* out) {
  int* const shared = shared_ints();
  shared[thread()] = 0;
  __syncthreads();
  if (kIsRight)
    atomicAdd(shared + thread() % 4, in[element()]);
  else
    shared[thread() % 4] += in[element()];
  __syncthreads();
  out[element()] = shared[thread() % 4];
}

template <bool kIsRight>
__global__ void value_by_one_block(const int*, int* out) {
  if (thread() == 0 && (!kIsRight || blockIdx.x == 0)) *out = 7;
}

// What another block of the launch wrote may not be there yet.
template <bool kIsRight>
__global__ void read_of_own_block(const int* in, int* out) {
  const int n = kBlocks * kThreads, from = kIsRight ? element() : (element() + kThreads) % n;
  out[element()] = in[element()];
  if (out[from] == -1) out[element()] = 3;
}

template <bool kIsRight>
__global__ void within_shared(const int* in, int* out) {
  shared_ints()[thread() + (kIsRight ? 0 : 4)] = in[element()];
  out[element()] = 0;
}

template <bool kIsRight>
__global__ void before_end(const int* in, int* out) {
  out[element()] = in[element() + (kIsRight ? 0 : 1)];
}

template <bool kIsRight>
__global__ void write_before_end(const int* in, int* out) {
  out[element() + (kIsRight ? 0 : 1)] = in[element()];
}

template <bool kIsRight>
__global__ void write_from_begin(const int* in, int* out) {
  out[element() - (kIsRight ? 0 : 1)] = in[element()];
}

template <bool kIsRight>
__global__ void shared_is_set(const int* in, int* out) {
  int* const shared = shared_ints();
  if (kIsRight || thread() > 0) shared[thread()] = in[element()];
  out[element()] = shared[thread()];
}

// What the block before left in static memory is not this block's.
template <bool kIsRight>
__global__ void static_is_set(const int* in, int* out) {
  __shared__ int shared[kThreads];
  if (kIsRight || blockIdx.x < 2) shared[thread()] = in[element()];
  out[element()] = shared[thread()];
}

template <bool kIsRight>
__global__ void static_fits(const int* in, int* out) {
  __shared__ int shared[(kIsRight ? 47 : 48) * 256];
  for (int i = thread(); i < (kIsRight ? 47 : 48) * 256; i += kThreads) shared[i] = in[element()];
  out[element()] = shared[thread()];
}

template <void (*kKernel)(const int*, int*)>
cudaError_t run() {
  std::vector<int> values(kBlocks * kThreads);
  std::iota(values.begin(), values.end(), 11);
  const int* in = device_ints(values);
  int* out = device_ints(std::vector<int>(values.size(), 0));
  cudaLaunchConfig_t config{};
  config.gridDim = kBlocks;
  config.blockDim = kThreads;
  config.dynamicSmemBytes = kThreads * sizeof(int);
  if (const auto e = cudaLaunchKernelEx(&config, kKernel, in, out); e != cudaSuccess) return e;
  return cudaDeviceSynchronize();
}

// One thread reads an int that was set, or was not.
__global__ void copy_first(const int* in, int* out) {
  if (thread() == 0 && blockIdx.x == 0) *out = *in;
}
template <bool kIsRight>
cudaError_t read_of_set_memory() {
  int* in = nullptr;
  int* out = device_ints({0});
  cudaMalloc(&in, 64);
  cudaMemsetAsync(in, 0, kIsRight ? 4 : 3);
  start(1, 1, nullptr, copy_first, in, out);
  return cudaDeviceSynchronize();
}

struct Hidden {
  const int* in;
};
__global__ void copy_hidden(Hidden hidden, int* out) { *out = *hidden.in; }
template <bool kIsRight>
cudaError_t hidden_pointer_of_device() {
  const std::vector<int> host{1};
  int* out = device_ints({0});
  start(1, 1, nullptr, copy_hidden, Hidden{kIsRight ? device_ints(host) : host.data()}, out);
  return cudaDeviceSynchronize();
}

#define SIMT_CASE(name, says, needs_checker) \
  { #name, run < name < false>>, run < name < true>>, says, needs_checker }

}  // namespace

std::vector<Case> cases() {
  return {
      SIMT_CASE(read_behind_barrier, "race: ", true),
      SIMT_CASE(write_behind_barrier, "race: ", true),
      SIMT_CASE(write_after_third_reader, "race: ", true),
      SIMT_CASE(barrier_for_all, "divergent __syncthreads", false),
      SIMT_CASE(one_barrier_for_all, "divergent __syncthreads", false),
      SIMT_CASE(mask_with_all_callers, "leaves it out", false),
      SIMT_CASE(mask_of_callers_alone, "deadlock", false),
      SIMT_CASE(exchange_in_warp, "race: ", true),
      SIMT_CASE(shuffle_is_no_barrier, "race: ", true),
      SIMT_CASE(add_between_blocks, "race: ", true),
      SIMT_CASE(add_within_block, "race: ", true),
      SIMT_CASE(value_by_one_block, "race: write", true),
      SIMT_CASE(read_of_own_block, "race: ", true),
      SIMT_CASE(within_shared, "out of bounds", true),
      SIMT_CASE(before_end, "out of bounds", true),
      SIMT_CASE(write_before_end, "out of bounds", false),
      SIMT_CASE(write_from_begin, "out of bounds", false),
      SIMT_CASE(shared_is_set, "uninitialised shared", true),
      SIMT_CASE(static_is_set, "uninitialised shared", true),
      SIMT_CASE(static_fits, "of static and", true),
      {"read_of_set_memory", read_of_set_memory<false>, read_of_set_memory<true>,
       "uninitialised memory of the device", true},
      {"hidden_pointer_of_device", hidden_pointer_of_device<false>, hidden_pointer_of_device<true>,
       "neither memory of the device nor shared", true},
  };
}

}  // namespace simt
