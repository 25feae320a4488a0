// Operations on normalised levels, rows of int8, vectorised with Highway and chosen at run time for the
// processor.
//
// All are exact: every instruction set gives the same bits. Rows are contiguous and need no alignment.
// Outputs do not overlap inputs.
#pragma once
#include <cstdint>

namespace tianyan {

/// sum(q[i] wave[i]), i in [0, n), |q| <= 127
std::int64_t product_of(const std::int8_t* q, const std::int16_t* wave, std::int64_t n);

/// z[t] += sum_r q[r * stride + t], t in [0, n), r in [0, n_row); the sums fit int16.
void add_columns(const std::int8_t* q, std::int64_t n_row, std::int64_t stride, std::int16_t* z,
                 std::int64_t n);

inline constexpr std::int64_t kCellSamples = 64;
/// sum[k] = sum(q[i]), squares[k] = sum(q[i]^2), i in [64 k, 64 k + 64), k in [0, n_cell); |q| <= 31
void cell_moments(const std::int8_t* q, std::int64_t n_cell, std::int16_t* sum, std::uint16_t* squares);

/// coarse[i] = min(max(round((fine[2 i] + fine[2 i + 1]) / 2^shift), -127), 127), ties to even, i in [0, n),
/// shift 0 or 1
void halve_row(const std::int8_t* fine, std::int64_t n, int shift, std::int8_t* coarse);

}  // namespace tianyan
