// Where the indices lie; the declarations that kernels have of them must not be seen here.
#include "tests/simt/indices.hpp"

namespace simt {

uint3 thread_index, block_index, block_shape, grid_shape;

}  // namespace simt
