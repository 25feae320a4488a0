// What kernels know as the constants threadIdx, blockIdx, blockDim and gridDim, for the engine to set.
#pragma once
#include "tests/simt/vector_types.hpp"

namespace simt {

extern uint3 thread_index asm("threadIdx");
extern uint3 block_index asm("blockIdx");
extern uint3 block_shape asm("blockDim");
extern uint3 grid_shape asm("gridDim");

}  // namespace simt
