// Division of integers that rounds down or up, also below zero.
#pragma once
#include <cstdint>

namespace tianyan {

/// floor(a / b), b > 0
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
/// a - b floor(a / b), in [0, b)
constexpr std::int64_t floor_mod(std::int64_t a, std::int64_t b) { return a - floor_div(a, b) * b; }
/// ceil(a / b), b > 0
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return -floor_div(-a, b); }

}  // namespace tianyan
