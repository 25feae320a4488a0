// What CUDA's header of this name declares, as far as this project uses it, for kernels that run on the host.
#pragma once
#include "tests/simt/atomics.hpp"
#include "tests/simt/device_language.hpp"
#include "tests/simt/math_functions.hpp"
#include "tests/simt/runtime_api.hpp"
#include "tests/simt/vector_types.hpp"
#include "tests/simt/warp_functions.hpp"
