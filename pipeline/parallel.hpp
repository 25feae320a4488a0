// A parallel loop over independent tasks, handed out one by one; the first exception comes out of the loop.
#pragma once
#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <exception>

#include "kernels/base/array.hpp"

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

inline constexpr int kSlabChannels = 64;  ///< a line of the cache of bytes

/// body(first, end, thread) for slabs of channels [first, end).
template <class Body>
void for_slabs(int n_threads, int n_chan, const Body& body) {
  parallel_for(n_threads, (n_chan + kSlabChannels - 1) / kSlabChannels, [&](std::int64_t slab, int thread) {
    const int first = static_cast<int>(slab) * kSlabChannels;
    body(first, std::min(first + kSlabChannels, n_chan), thread);
  });
}

/// Touches zeroed memory that was not written yet, so that all threads share the taking of its pages.
template <class T, int Rank>
void take_pages(int n_threads, Array<T, Rank>& array) {
  constexpr std::int64_t kPiece = std::int64_t{2} << 20, kPage = 4096;
  auto* bytes = reinterpret_cast<volatile char*>(array.data());
  const auto n = array.size() * static_cast<std::int64_t>(sizeof(T));
  parallel_for(n_threads, (n + kPiece - 1) / kPiece, [&](std::int64_t piece, int) {
    for (auto at = piece * kPiece; at < std::min(n, (piece + 1) * kPiece); at += kPage) bytes[at] = 0;
  });
}

}  // namespace tianyan
