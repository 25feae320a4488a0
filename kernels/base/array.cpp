// Allocation for Array: large blocks ask the kernel for huge pages, since channels lie pages apart.
#include "kernels/base/array.hpp"

#include <sys/mman.h>

namespace tianyan {

void* allocate_aligned(std::int64_t bytes) {
  constexpr std::int64_t kHugePage = std::int64_t{1} << 21;
  const std::int64_t alignment = bytes >= 4 * kHugePage ? kHugePage : 64;
  const auto size = static_cast<std::size_t>((bytes + alignment - 1) / alignment * alignment);
  void* p = std::aligned_alloc(static_cast<std::size_t>(alignment), size);
  if (p == nullptr) throw std::bad_alloc();
  if (alignment == kHugePage)
    madvise(p, size, MADV_HUGEPAGE);  // a wish: without it the program is only slower
  return p;
}

}  // namespace tianyan
