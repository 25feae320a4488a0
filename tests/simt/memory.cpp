// Memory of the emulated devices: each allocation between pages that nobody may touch.
#include "tests/simt/memory.hpp"

#include <sys/mman.h>

#include <cstring>
#include <map>

#include "tests/simt/engine.hpp"

extern "C" {
void __asan_poison_memory_region(const volatile void*, std::size_t) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void*, std::size_t) __attribute__((weak));
}

namespace simt {
namespace {

constexpr std::size_t kPageBytes = 4096, kPadBytes = 256;  // cudaMalloc aligns to 256
constexpr unsigned char kPadValue = 0xC5;

std::map<const char*, Allocation> allocations;  // by their data
int n_access = 0;

char* inner_begin(const Allocation& a) { return a.mapping + kPageBytes; }
char* inner_end(const Allocation& a) { return a.mapping + a.mapping_bytes - kPageBytes; }

void protect(const Allocation& a, int how) {
  if (a.device == kPinned || !options().protect) return;
  mprotect(inner_begin(a), static_cast<std::size_t>(inner_end(a) - inner_begin(a)), how);
}
void protect_all(int how) {
  for (const auto& [data, a] : allocations) protect(a, how);
}

/// The first byte of [begin, end) that is not the pad's; null where all are.
const char* first_damaged(const char* begin, const char* end) {
  const auto n = static_cast<std::size_t>(end - begin);
  if (n == 0) return nullptr;
  if (static_cast<unsigned char>(*begin) == kPadValue && std::memcmp(begin, begin + 1, n - 1) == 0)
    return nullptr;
  while (static_cast<unsigned char>(*begin) == kPadValue) ++begin;
  return begin;
}

void unmap(const Allocation& a) {
  if (checker != nullptr && a.device != kPinned) checker->remove_memory(a.data);
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(a.mapping, a.mapping_bytes);
  munmap(a.mapping, a.mapping_bytes);
}

}  // namespace

char* allocate(std::size_t bytes, int device) {
  const auto inner = (kPadBytes + bytes + kPadBytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  Allocation a{nullptr, bytes, device, nullptr, inner + 2 * kPageBytes};
  void* mapping = mmap(nullptr, a.mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  a.mapping = static_cast<char*>(mapping);
  a.data = inner_begin(a) + kPadBytes;
  mprotect(inner_begin(a), inner, PROT_READ | PROT_WRITE);
  std::memset(inner_begin(a), kPadValue, kPadBytes);
  std::memset(a.data, 0xFF, bytes);
  std::memset(a.data + bytes, kPadValue, inner - kPadBytes - bytes);
  if (__asan_poison_memory_region != nullptr) {
    __asan_poison_memory_region(inner_begin(a), kPadBytes);
    __asan_poison_memory_region(a.data + bytes, inner - kPadBytes - bytes);
  }
  if (n_access == 0) protect(a, PROT_NONE);
  allocations[a.data] = a;
  if (checker != nullptr && device != kPinned) checker->add_memory(a.data, bytes, device);
  return a.data;
}

bool release(const void* data, bool is_pinned) {
  const auto found = allocations.find(static_cast<const char*>(data));
  if (found == allocations.end() || (found->second.device == kPinned) != is_pinned) return false;
  unmap(found->second);
  allocations.erase(found);
  return true;
}

void release_all(int device) {
  std::erase_if(allocations, [&](const auto& item) {
    if (item.second.device != device) return false;
    unmap(item.second);
    return true;
  });
}

const Allocation* find_allocation(const void* p, std::size_t bytes) {
  const auto* begin = static_cast<const char*>(p);
  auto next = allocations.upper_bound(begin);
  if (next == allocations.begin()) return nullptr;
  const auto& a = (--next)->second;
  const auto offset = static_cast<std::size_t>(begin - a.data);
  return offset > a.bytes || bytes > a.bytes - offset ? nullptr : &a;
}

std::size_t used_bytes(int device) {
  std::size_t sum = 0;
  for (const auto& [data, a] : allocations) sum += a.device == device ? a.bytes : 0;
  return sum;
}

std::string describe_damage(int device) {
  // AddressSanitizer and the access checker see such a write themselves, and where it is done.
  if (__asan_poison_memory_region != nullptr || checker != nullptr) return {};
  for (const auto& [data, a] : allocations) {
    if (a.device != device) continue;
    const char* found = first_damaged(inner_begin(a), a.data);
    if (found == nullptr) found = first_damaged(a.data + a.bytes, inner_end(a));
    if (found == nullptr) continue;
    std::memset(inner_begin(a), kPadValue, kPadBytes);
    std::memset(a.data + a.bytes, kPadValue, static_cast<std::size_t>(inner_end(a) - a.data) - a.bytes);
    return std::to_string(found - a.data) + " bytes from the start of an allocation of " +
           std::to_string(a.bytes) + " bytes";
  }
  return {};
}

Access::Access() {
  if (n_access++ == 0) protect_all(PROT_READ | PROT_WRITE);
}
Access::~Access() {
  if (--n_access == 0) protect_all(PROT_NONE);
}

}  // namespace simt
