// Walks over Rice codes without their values.
#include "io/rice.hpp"

#include <algorithm>
#include <bit>

namespace tianyan {
namespace {

constexpr std::int64_t kBlock = 32;  // integers with one split between prefix and rest

class Bits {
 public:
  explicit Bits(std::span<const unsigned char> bytes) : bytes_(bytes) {}
  std::int64_t left() const { return 8 * std::ssize(bytes_) - at_; }
  bool skip(std::int64_t n) {
    if (n > left()) return false;
    at_ += n;
    return true;
  }
  /// The next n bits, at most 8, the first one highest; less than nothing where there are not as many.
  int number(int n) {
    const auto i = static_cast<std::size_t>(at_ / 8);
    const int shift = 16 - static_cast<int>(at_ % 8) - n;
    if (!skip(n)) return -1;
    const unsigned next = i + 1 < bytes_.size() ? bytes_[i + 1] : 0u;
    return static_cast<int>((bytes_[i] * 256u + next) >> shift & ((1u << n) - 1));
  }
  /// To behind the next bit that is set.
  bool skip_zeros() {
    while (left() > 0) {
      const auto rest = static_cast<unsigned char>(bytes_[static_cast<std::size_t>(at_ / 8)] << at_ % 8);
      if (rest != 0) return skip(std::countl_zero(rest) + 1);
      at_ += 8 - at_ % 8;
    }
    return false;
  }

 private:
  std::span<const unsigned char> bytes_;
  std::int64_t at_ = 0;
};

}  // namespace

bool is_whole_rice(std::span<const unsigned char> bytes, int integer_bytes, std::int64_t n) {
  const int split_bits = integer_bytes == 4 ? 5 : integer_bytes == 2 ? 4 : 3;
  const int plain = integer_bytes == 4 ? 25 : integer_bytes == 2 ? 14 : 6;  // the split that says: not coded
  Bits bits(bytes);
  if (!bits.skip(8 * integer_bytes)) return false;  // the first integer, from which differences count
  for (std::int64_t i = 0; i < n; i += kBlock) {
    const std::int64_t n_here = std::min(kBlock, n - i);
    const int number = bits.number(split_bits), split = number - 1;
    if (number < 0) return false;
    if (split == plain && !bits.skip(8 * integer_bytes * n_here)) return false;
    if (split < 0 || split == plain) continue;
    for (std::int64_t k = 0; k < n_here; ++k)
      if (!bits.skip_zeros() || !bits.skip(split)) return false;
  }
  return true;
}

}  // namespace tianyan
