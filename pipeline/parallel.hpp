// A parallel loop over independent tasks, handed out one by one; the first exception comes out of the loop.
#pragma once
#include <omp.h>

#include <cstdint>
#include <exception>

namespace tianyan {

/// body(i, thread) for i in [0, n), thread in [0, n_threads). Tasks are taken in order.
template <class Body>
void parallel_for(int n_threads, std::int64_t n, const Body& body) {
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads)
  for (std::int64_t i = 0; i < n; ++i) {
    try {
      body(i, omp_get_thread_num());
    } catch (...) {
#pragma omp critical(tianyan_parallel_for_failure)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tianyan
