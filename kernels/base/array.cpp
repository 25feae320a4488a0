// Memory of Array: large blocks are mapped, and ask for huge pages, since channels lie pages apart.
#include "kernels/base/array.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace tianyan {
namespace {

#if defined(__has_feature)  // clang's way to say what GCC says by a macro
constexpr bool kIsSanitized = __has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif
// Never where addresses are checked: only what malloc gives has guard zones.
constexpr std::int64_t kMappedFrom = std::int64_t{1} << (kIsSanitized ? 62 : 22);

}  // namespace

void* allocate_zeroed(std::int64_t bytes) {
  const auto size = static_cast<std::size_t>((bytes + 63) / 64 * 64);
  if (bytes < kMappedFrom) {
    void* p = std::aligned_alloc(64, size);
    if (p == nullptr) throw std::bad_alloc();
    return std::memset(p, 0, size);
  }
  void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  madvise(p, size, MADV_HUGEPAGE);  // a wish: without it the program is only slower
  return p;
}

void free_zeroed(void* p, std::int64_t bytes) {
  if (bytes < kMappedFrom)
    std::free(p);
  else
    munmap(p, static_cast<std::size_t>((bytes + 63) / 64 * 64));
}

}  // namespace tianyan
