# The CUDA backend: its sources, and their library where the CUDA toolkit is installed.
#
# TIANYAN_CUDA            AUTO: where the toolkit is found; ON: or else an error; OFF
# TIANYAN_CUDA_ARCHITECTURES   compute capabilities, "all" for every one that is supported and PTX for later ones
set(TIANYAN_CUDA AUTO CACHE STRING "The CUDA backend: AUTO, ON or OFF")
set(TIANYAN_CUDA_ARCHITECTURES all CACHE STRING "Compute capabilities, or all")

file(GLOB TIANYAN_CUDA_KERNELS CONFIGURE_DEPENDS cuda/*.cu)
file(GLOB TIANYAN_CUDA_HOST CONFIGURE_DEPENDS cuda/*.cpp)
file(GLOB TIANYAN_CUDA_STAGES CONFIGURE_DEPENDS pipeline/cuda_*.cpp)

set(TIANYAN_HAS_CUDA OFF)
if(TIANYAN_CUDA AND NOT TIANYAN_SANITIZE AND NOT TIANYAN_TEST_LIBRARIES_ONLY)
  if(NOT CMAKE_CUDA_COMPILER)
    find_program(nvcc nvcc PATHS /usr/local/cuda/bin)
    if(nvcc)
      set(CMAKE_CUDA_COMPILER ${nvcc})
    endif()
  endif()
  if(TIANYAN_CUDA_ARCHITECTURES STREQUAL all)
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120)
  else()
    set(CMAKE_CUDA_ARCHITECTURES ${TIANYAN_CUDA_ARCHITECTURES})
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    set(TIANYAN_HAS_CUDA ON)
  elseif(NOT TIANYAN_CUDA STREQUAL AUTO)
    message(FATAL_ERROR "TIANYAN_CUDA=${TIANYAN_CUDA}, and there is no CUDA toolkit")
  endif()
endif()
if(NOT TIANYAN_HAS_CUDA)
  message(STATUS "CUDA backend: not built (no CUDA toolkit, or not wanted); search.backend = \"cpu\" alone will work")
  return()
endif()
message(STATUS "CUDA backend: nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")

if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake before 3.26 does not know it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
add_library(tianyan_cuda_kernels OBJECT ${TIANYAN_CUDA_KERNELS})
target_include_directories(tianyan_cuda_kernels PRIVATE ${PROJECT_SOURCE_DIR})
# No contraction, as on the host: what is not a Fourier transform has the same bits. 554 complains of a
# conversion that is only for views that are not of constants; fmt takes nvcc for a compiler without constexpr.
target_compile_options(tianyan_cuda_kernels PRIVATE --fmad=false --expt-relaxed-constexpr --diag-suppress=554
                       -lineinfo -Xcompiler=-Wall,-Wextra,-Wno-sign-conversion,-ffp-contract=off
                       $<$<BOOL:${TIANYAN_WERROR}>:-Werror=all-warnings>)
target_compile_definitions(tianyan_cuda_kernels PRIVATE FMT_USE_CONSTEXPR=1)
add_library(tianyan_cuda OBJECT ${TIANYAN_CUDA_HOST})
target_link_libraries(tianyan_cuda PUBLIC tianyan_flags CUDA::cudart_static CUDA::cufft)
add_library(tianyan_cuda_stages OBJECT ${TIANYAN_CUDA_STAGES})
target_link_libraries(tianyan_cuda_stages PUBLIC tianyan_cuda PRIVATE spdlog::spdlog nlohmann_json::nlohmann_json)
