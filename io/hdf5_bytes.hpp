// Little-endian fields of a piece of an HDF5 file, none beyond its end.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/base/expect.hpp"

namespace tianyan {

class Hdf5Bytes {
 public:
  /// `place` says in errors what it is of: "PATH: the header at byte 96".
  Hdf5Bytes(const unsigned char* bytes, std::uint64_t n, const std::string& place)
      : bytes_(bytes), n_(n), place_(&place) {}

  std::uint64_t at() const { return at_; }
  std::uint64_t left() const { return n_ - at_; }
  const std::string& place() const { return *place_; }

  /// The next n bytes as a piece of their own.
  Hdf5Bytes take(std::uint64_t n) {
    check(n <= left(), "is cut short");
    at_ += n;
    return {bytes_ + (at_ - n), n, *place_};
  }
  void skip(std::uint64_t n) { take(n); }
  std::uint64_t number(int n) {
    const Hdf5Bytes field = take(static_cast<std::uint64_t>(n));
    std::uint64_t value = 0;
    std::memcpy(&value, field.bytes_, static_cast<std::size_t>(n));
    return value;
  }
  bool begins(const char* text) const {
    return std::strlen(text) <= left() && std::memcmp(bytes_ + at_, text, std::strlen(text)) == 0;
  }
  /// A text that ends with a zero byte, which is taken with it.
  std::string text() {
    const void* end = std::memchr(bytes_ + at_, 0, left());
    check(end != nullptr, "has a name without an end");
    const std::string text(reinterpret_cast<const char*>(bytes_ + at_));
    at_ += text.size() + 1;
    return text;
  }
  /// To the next multiple of n from the piece's begin.
  void align(std::uint64_t n) { skip((n - at_ % n) % n); }

  /// Throws std::runtime_error "PLACE WHAT: the file is damaged or cut short".
  void check(bool holds, const char* what) const {
    require(holds, "{} {}: the file is damaged or cut short", *place_, what);
  }

 private:
  const unsigned char* bytes_;
  std::uint64_t n_, at_ = 0;
  const std::string* place_;
};

}  // namespace tianyan
