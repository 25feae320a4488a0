// Host-executed subset of the CUDA runtime API and of the CUDA C++ device language.
// Put this directory first on the include path of a *C++* compiler and an unmodified .cu file
// (no <<<>>>: use cudaLaunchKernelEx) becomes an ordinary translation unit whose kernels run
// on the CPU, one CUDA thread = one fiber, under a seeded scheduler. See simt/README.md.
#pragma once
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#define SIMT_EMULATION 1

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMT_ASAN 1
#endif
#endif

// __global__ gives internal linkage so that function-local __shared__ arrays are ordinary (non-COMDAT)
// statics: ASan then puts redzones around them, and otherwise they can share one linker section that the
// engine fills with a trap pattern before every block.
#define __global__ static
#define __device__
#define __host__
#define __constant__ static
#define __managed__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#ifdef SIMT_ASAN
#define __shared__ static
#else
#define __shared__ static __attribute__((section("simt_shared")))
#endif

// ---- vector types -------------------------------------------------------------------------------
struct uint3 { unsigned x, y, z; };
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(4) uchar4 { unsigned char x, y, z, w; };
struct alignas(16) double2 { double x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }

// ---- engine interface ---------------------------------------------------------------------------
namespace simt {
struct loc {  // std::source_location, which clang 14 lacks
  const char* file; unsigned line;
  static constexpr loc current(const char* f = __builtin_FILE(), unsigned l = __builtin_LINE()) { return {f, l}; }
};
#if defined(__clang__) && !defined(SIMT_ASAN)
inline constexpr bool kSharedInSection = true;
#else  // GCC drops the section attribute of statics in templates (PR 41091)
inline constexpr bool kSharedInSection = false;
#endif
// one instance per kernel translation unit reports how it was compiled
void declare_shared_model(bool in_section);
static const bool simt_shared_model_ = (declare_shared_model(kSharedInSection), true);
enum class WarpOp : unsigned char { sync, shuffle, ballot, reduce_add, reduce_min, reduce_max, match_any };
void block_barrier(loc);
unsigned block_barrier_count(bool pred, loc);
struct WarpResult { std::uint64_t value; unsigned lanes; };
WarpResult warp_collective(WarpOp, unsigned mask, std::uint64_t value, int src, loc);
void fence();
void kernel_params(const void*, std::size_t);
void preempt();                       // scheduling point at atomics
void* dynamic_shared();
[[noreturn]] void trap(const char* what, loc);
bool is_device_ptr(const void*);
void report(const char* fmt, ...);    // records + prints a diagnostic, poisons the context
}  // namespace simt
extern uint3 threadIdx, blockIdx;  // set by the engine at every switch
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

// ---- synchronisation and warp intrinsics ----------------------------------------------------------
inline void __syncthreads(simt::loc l = simt::loc::current()) { simt::block_barrier(l); }
inline int __syncthreads_count(int p, simt::loc l = simt::loc::current()) { return int(simt::block_barrier_count(p != 0, l)); }
inline void __syncwarp(unsigned m = 0xffffffffu, simt::loc l = simt::loc::current()) { simt::warp_collective(simt::WarpOp::sync, m, 0, 0, l); }
inline void __threadfence() { simt::fence(); }
inline void __threadfence_block() { simt::fence(); }
namespace simt {
inline int lane() { return int((threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) & 31u); }
template <class T> T shuffle(unsigned m, T v, int src, loc l) {
  static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "__shfl_*_sync takes 4- or 8-byte scalars");
  std::uint64_t u = 0;
  std::memcpy(&u, &v, sizeof v);
  auto r = warp_collective(WarpOp::shuffle, m, u, src, l);
  std::memcpy(&v, &r.value, sizeof v);
  return v;
}
}  // namespace simt
template <class T> T __shfl_sync(unsigned m, T v, int s, int w = 32, simt::loc l = simt::loc::current()) {
  const int me = simt::lane(), base = me & ~(w - 1);
  return simt::shuffle(m, v, base + (s & (w - 1)), l);
}
template <class T> T __shfl_up_sync(unsigned m, T v, unsigned d, int w = 32, simt::loc l = simt::loc::current()) {
  const int me = simt::lane(), base = me & ~(w - 1), s = me - int(d);
  return simt::shuffle(m, v, s < base ? me : s, l);
}
template <class T> T __shfl_down_sync(unsigned m, T v, unsigned d, int w = 32, simt::loc l = simt::loc::current()) {
  const int me = simt::lane(), base = me & ~(w - 1), s = me + int(d);
  return simt::shuffle(m, v, s >= base + w ? me : s, l);
}
template <class T> T __shfl_xor_sync(unsigned m, T v, int x, int w = 32, simt::loc l = simt::loc::current()) {
  const int me = simt::lane(), base = me & ~(w - 1), s = me ^ x;
  return simt::shuffle(m, v, s >= base + w ? me : s, l);
}
inline unsigned __ballot_sync(unsigned m, int p, simt::loc l = simt::loc::current()) { return unsigned(simt::warp_collective(simt::WarpOp::ballot, m, p != 0, 0, l).value); }
inline int __any_sync(unsigned m, int p, simt::loc l = simt::loc::current()) { return simt::warp_collective(simt::WarpOp::ballot, m, p != 0, 0, l).value != 0; }
inline int __all_sync(unsigned m, int p, simt::loc l = simt::loc::current()) { auto r = simt::warp_collective(simt::WarpOp::ballot, m, p != 0, 0, l); return unsigned(r.value) == r.lanes; }
inline unsigned __match_any_sync(unsigned m, unsigned v, simt::loc l = simt::loc::current()) { return unsigned(simt::warp_collective(simt::WarpOp::match_any, m, v, 0, l).value); }
inline unsigned __reduce_add_sync(unsigned m, unsigned v, simt::loc l = simt::loc::current()) { return unsigned(simt::warp_collective(simt::WarpOp::reduce_add, m, v, 0, l).value); }

// ---- atomics (relaxed, device scope): visible to TSan as atomics, no happens-before -----------------
template <class T> T atomicAdd(T* p, std::type_identity_t<T> v) {
  simt::preempt();
  if constexpr (std::is_integral_v<T>) return __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
  else {
    T old, now;
    __atomic_load(p, &old, __ATOMIC_RELAXED);
    do now = old + v; while (!__atomic_compare_exchange(p, &old, &now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
  }
}
template <class T> T atomicMax(T* p, std::type_identity_t<T> v) {
  simt::preempt();
  T old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (old < v && !__atomic_compare_exchange_n(p, &old, v, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
  return old;
}
template <class T> T atomicExch(T* p, std::type_identity_t<T> v) { simt::preempt(); T o; __atomic_exchange(p, &v, &o, __ATOMIC_RELAXED); return o; }
template <class T> T atomicCAS(T* p, std::type_identity_t<T> c, std::type_identity_t<T> v) { simt::preempt(); __atomic_compare_exchange_n(p, &c, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED); return c; }
inline unsigned atomicInc(unsigned* p, unsigned lim) {
  simt::preempt();
  unsigned o = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(p, &o, o >= lim ? 0 : o + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
  return o;
}

// ---- arithmetic intrinsics ------------------------------------------------------------------------
template <class T> inline T __ldg(const T* p) { return *p; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __int2float_rn(int x) { return float(x); }
inline void sincospif(float x, float* s, float* c) { *s = float(std::sin(M_PI * double(x))); *c = float(std::cos(M_PI * double(x))); }
template <class T> constexpr T min(T a, T b) { return b < a ? b : a; }
template <class T> constexpr T max(T a, T b) { return a < b ? b : a; }

// ---- host runtime ---------------------------------------------------------------------------------
enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2, cudaErrorInvalidConfiguration = 9,
                   cudaErrorInvalidDevicePointer = 17, cudaErrorInsufficientDriver = 35, cudaErrorNoDevice = 100, cudaErrorInvalidResourceHandle = 400,
                   cudaErrorNotReady = 600, cudaErrorIllegalAddress = 700, cudaErrorLaunchFailure = 719 };
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
struct CUstream_st; struct CUevent_st;
using cudaStream_t = CUstream_st*;
using cudaEvent_t = CUevent_st*;
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventDisableTiming = 2;
struct cudaLaunchAttribute;
struct cudaLaunchConfig_t { dim3 gridDim{}, blockDim{}; std::size_t dynamicSmemBytes = 0; cudaStream_t stream = nullptr; cudaLaunchAttribute* attrs = nullptr; unsigned numAttrs = 0; };
struct cudaDeviceProp { char name[256]; std::size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin; int warpSize, maxThreadsPerBlock, multiProcessorCount, major, minor, l2CacheSize; };

const char* cudaGetErrorString(cudaError_t);
const char* cudaGetErrorName(cudaError_t);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
cudaError_t cudaGetDeviceCount(int*);
cudaError_t cudaSetDevice(int);
cudaError_t cudaGetDevice(int*);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp*, int);
cudaError_t cudaMalloc(void**, std::size_t);
cudaError_t cudaFree(void*);
cudaError_t cudaMallocHost(void**, std::size_t);
cudaError_t cudaFreeHost(void*);
cudaError_t cudaMemcpy(void*, const void*, std::size_t, cudaMemcpyKind);
cudaError_t cudaMemcpyAsync(void*, const void*, std::size_t, cudaMemcpyKind, cudaStream_t = nullptr);
cudaError_t cudaMemcpy2DAsync(void*, std::size_t, const void*, std::size_t, std::size_t, std::size_t, cudaMemcpyKind, cudaStream_t = nullptr);
cudaError_t cudaMemGetInfo(std::size_t*, std::size_t*);
cudaError_t cudaMemsetAsync(void*, int, std::size_t, cudaStream_t = nullptr);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float*, cudaEvent_t, cudaEvent_t);
cudaError_t cudaDeviceSynchronize();
template <class T> cudaError_t cudaMalloc(T** p, std::size_t n) { return cudaMalloc(reinterpret_cast<void**>(p), n); }
template <class T> cudaError_t cudaMallocHost(T** p, std::size_t n) { return cudaMallocHost(reinterpret_cast<void**>(p), n); }

namespace simt {
cudaError_t enqueue_kernel(const cudaLaunchConfig_t&, const void* entry, std::function<void()>);
cudaError_t enqueue(cudaStream_t, std::function<void()>, const char* what);
cudaError_t set_max_dynamic_shared(const void* entry, int bytes);
template <class T> bool arg_ok(const T& a) {
  if constexpr (std::is_pointer_v<T>) return a == nullptr || is_device_ptr(a);
  else return true;
}
}  // namespace simt
namespace simt {
template <class... P> struct Call {  // a kernel and its by-value parameters
  void (*kernel)(P...);
  std::tuple<std::remove_cv_t<P>...> args;
  void operator()() const { kernel_params(this, sizeof *this); std::apply(kernel, args); }
};
}  // namespace simt
template <class... P, class... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* cfg, void (*kernel)(P...), A&&... args) {
  static_assert(sizeof...(P) == sizeof...(A));
  std::tuple<std::remove_cv_t<P>...> a(static_cast<P>(std::forward<A>(args))...);
  if (!std::apply([](const auto&... x) { return (simt::arg_ok(x) && ...); }, a)) {
    simt::report("kernel launched with a pointer that is not device memory");
    return cudaErrorIllegalAddress;
  }
  return simt::enqueue_kernel(*cfg, reinterpret_cast<const void*>(kernel), simt::Call<P...>{kernel, a});
}
template <class... P> cudaError_t cudaFuncSetAttribute(void (*k)(P...), cudaFuncAttribute, int v) { return simt::set_max_dynamic_shared(reinterpret_cast<const void*>(k), v); }
