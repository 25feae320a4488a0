// Row operations of the search's inner loops, vectorised with Highway and chosen at run time for the
// processor.
//
// Integers are exact and floats are added in a fixed order: every instruction set gives the same bits. Rows
// are contiguous and need no alignment. Outputs do not overlap inputs. Callers prove that sums fit their type
// (see FdmtPlan).
#pragma once
#include <cstdint>

namespace tianyan {

/// out[i] = sum_j rows[j][i], i in [0, n), of 1 to 4 rows
void sum_rows(const std::int8_t* const* rows, int n_rows, std::int16_t* out, std::int64_t n);
void sum_rows(const std::int16_t* const* rows, int n_rows, std::int16_t* out, std::int64_t n);
void sum_rows(const std::int16_t* const* rows, int n_rows, std::int32_t* out, std::int64_t n);
void sum_rows(const std::int32_t* const* rows, int n_rows, std::int32_t* out, std::int64_t n);

/// out[i] = scale sum_j rows[j][i], i in [0, n), added in order of j
void sum_rows(const float* const* rows, int n_rows, float scale, float* out, std::int64_t n);

/// Name of the instruction set in use: "AVX2", "SSE2", "NEON".
const char* vector_target();

}  // namespace tianyan
