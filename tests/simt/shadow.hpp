// What the access checker remembers of each byte that kernels can reach.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "tests/simt/engine.hpp"

namespace simt {

/// The last accesses to a byte, or to an aligned word where all of them were to the whole word.
struct Cell {
  Stamp write = 0;
  Stamp read = 0;  ///< the last one since the last write
  Stamp other_read =
      0;  ///< of another thread, chosen so that a later write that clashes with any clashes with one
  std::uint32_t write_pc = 0, read_pc = 0, other_read_pc = 0;
  bool is_atomic = false;  ///< the write
  bool is_split = false;   ///< a word whose bytes have cells of their own
};

/// Memory that kernels can reach, with its cells; those are mapped where they are first used.
struct Region {
  enum class Kind { global, dynamic_shared, static_shared };
  static constexpr std::size_t kWordBytes = 4;

  const char* begin = nullptr;
  std::size_t bytes = 0;
  Kind kind = Kind::global;
  int device = 0;
  Cell *words = nullptr, *singles = nullptr;
  std::uint8_t* written = nullptr;  ///< of global memory: 1 for each byte that has a value

  bool is_shared() const { return kind != Kind::global; }
  void map_cells();
  void unmap();
};

/// All regions, by address.
class Shadow {
 public:
  Shadow();
  void add(const char* begin, std::size_t bytes, int device);
  void remove(const char* begin);
  void set_dynamic(const char* begin, std::size_t bytes);
  /// Null where `p` lies in none.
  Region* find(const char* p) {
    Region* r = recent_[slot(p)];
    return r != nullptr && static_cast<std::size_t>(p - r->begin) < r->bytes ? r : find_slowly(p);
  }

 private:
  static constexpr std::size_t kSlots = 256, kPageShift = 12;
  static std::size_t slot(const char* p) {
    return (reinterpret_cast<std::uintptr_t>(p) >> kPageShift) % kSlots;
  }
  Region* find_slowly(const char* p);
  void forget_recent();

  std::map<const char*, Region> global_;
  Region dynamic_, static_;
  Region* recent_[kSlots] = {};
};

/// "fdmt.cu:42" of a place in the code, seen from where the program lies.
std::string source_of(std::uint32_t pc);
std::uint32_t offset_of(const void* pc);
bool is_program(const char* p);   ///< code and constants
bool is_constant(const char* p);  ///< __constant__

}  // namespace simt
