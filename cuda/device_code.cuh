// What kernels share: warps, and dynamic shared memory.
#pragma once
#include <cuda_runtime.h>

namespace tianyan {

inline constexpr int kWarp = 32;
inline constexpr unsigned kWholeWarp = 0xFFFFFFFFU;

/// The block's dynamic shared memory, aligned to 16 bytes. The only code that differs where threads are
/// emulated on the host.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
#ifdef SIMT_EMULATION
  return static_cast<T*>(simt::dynamic_shared());
#else
  extern __shared__ __align__(16) unsigned char shared_memory[];
  return reinterpret_cast<T*>(shared_memory);
#endif
}

}  // namespace tianyan
