// The access checker's memory: flat arrays of cells, and where the program and its variables lie.
#include "tests/simt/shadow.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

extern "C" {
extern char __executable_start, __data_start, _end;
extern char __start_simt_constant[] __attribute__((weak, visibility("hidden")));
extern char __stop_simt_constant[] __attribute__((weak, visibility("hidden")));
}

namespace simt {
namespace {

/// Zeroed memory that takes room only where it is touched.
template <class T>
T* map_zeroed(std::size_t n) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  void* p = mmap(nullptr, std::max<std::size_t>(n, 1) * sizeof(T), PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (p != MAP_FAILED) return static_cast<T*>(p);
  report("no memory for the access checker");
  std::abort();
}
template <class T>
void unmap_zeroed(T* p, std::size_t n) {
  if (p != nullptr) munmap(p, std::max<std::size_t>(n, 1) * sizeof(T));
}

std::size_t n_word(const Region& r) { return r.bytes / Region::kWordBytes + 1; }

}  // namespace

void Region::map_cells() {
  if (words != nullptr) return;
  words = map_zeroed<Cell>(n_word(*this));
  singles = map_zeroed<Cell>(n_word(*this) * kWordBytes);
}

void Region::unmap() {
  unmap_zeroed(words, n_word(*this));
  unmap_zeroed(singles, n_word(*this) * kWordBytes);
  unmap_zeroed(written, bytes);
}

Shadow::Shadow() {
  static_.begin = &__data_start;
  static_.bytes = static_cast<std::size_t>(&_end - &__data_start);
  static_.kind = Region::Kind::static_shared;
  static_.map_cells();
  dynamic_.kind = Region::Kind::dynamic_shared;
  dynamic_.bytes = 2 * kMostShared;  // its cells serve every launch
  dynamic_.map_cells();
  dynamic_.bytes = 0;
}

void Shadow::add(const char* begin, std::size_t bytes, int device) {
  Region& r = global_[begin];
  r = Region{begin, bytes, Region::Kind::global, device};
  r.written = map_zeroed<std::uint8_t>(bytes);
  forget_recent();
}

void Shadow::remove(const char* begin) {
  const auto found = global_.find(begin);
  if (found == global_.end()) return;
  found->second.unmap();
  global_.erase(found);
  forget_recent();
}

void Shadow::set_dynamic(const char* begin, std::size_t bytes) {
  dynamic_.begin = begin;
  dynamic_.bytes = bytes;
  forget_recent();
}

void Shadow::forget_recent() { std::fill(std::begin(recent_), std::end(recent_), nullptr); }

Region* Shadow::find_slowly(const char* p) {
  const auto holds = [p](const Region& r) { return p >= r.begin && p < r.begin + r.bytes; };
  Region* found = nullptr;
  if (holds(static_)) found = &static_;
  if (holds(dynamic_)) found = &dynamic_;
  if (found == nullptr) {
    const auto next = global_.upper_bound(p);
    if (next == global_.begin()) return nullptr;
    found = &std::prev(next)->second;
    if (!holds(*found)) return nullptr;
    found->map_cells();
  }
  recent_[slot(p)] = found;
  return found;
}

std::uint32_t offset_of(const void* pc) {
  return static_cast<std::uint32_t>(static_cast<const char*>(pc) - &__executable_start);
}

std::string source_of(std::uint32_t pc) {
  char command[128];
  std::snprintf(command, sizeof command, "addr2line -is -e /proc/%d/exe 0x%x 2>&1",
                static_cast<int>(getpid()), pc - 1);
  std::FILE* out = popen(command, "r");
  if (out == nullptr) return "?";
  std::string place;  // from the innermost inlined function outwards: the kernel's, not an atomic's
  for (char line[256]; std::fgets(line, sizeof line, out) != nullptr;) {
    const std::string text = line;
    place = text.substr(0, text.find_first_of(" \n"));
    if (place.rfind("atomics.hpp:", 0) != 0) break;
  }
  pclose(out);
  return place;
}

bool is_program(const char* p) { return p >= &__executable_start && p < &__data_start; }
bool is_constant(const char* p) { return p >= __start_simt_constant && p < __stop_simt_constant; }

}  // namespace simt
