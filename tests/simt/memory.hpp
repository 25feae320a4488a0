// Memory of the emulated devices, and pinned memory of the host.
#pragma once
#include <cstddef>
#include <string>

namespace simt {

inline constexpr int kPinned = -1;  ///< in place of a device

struct Allocation {
  char* data = nullptr;
  std::size_t bytes = 0;
  int device = kPinned;
  char* mapping = nullptr;  ///< with a page at either end that nobody may touch
  std::size_t mapping_bytes = 0;
};

/// Filled with 0xff, which reads as NaN and -1; null where the host has no more.
char* allocate(std::size_t bytes, int device);
/// False where nothing was allocated there.
bool release(const void* data, bool is_pinned);
void release_all(int device);
/// The allocation that holds all these bytes; null where there is none.
const Allocation* find_allocation(const void* p, std::size_t bytes);
std::size_t used_bytes(int device);
/// Bytes that were written before or behind an allocation of the device, in words; empty where there are
/// none.
std::string describe_damage(int device);

/// While one of them lives, the memory of devices can be read and written; the host by itself cannot.
class Access {
 public:
  Access();
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
};

}  // namespace simt
