// Sums over the threads of a warp.
#pragma once
#include "cuda/device_code.cuh"

namespace tianyan {

/// The sum over the warp, in every lane; all lanes call it.
template <class T>
__device__ T warp_sum(T v) {
  for (int step = kWarp / 2; step > 0; step /= 2) v += __shfl_xor_sync(kWholeWarp, v, step);
  return v;
}

}  // namespace tianyan
