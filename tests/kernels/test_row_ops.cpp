// Row operations: every length around a vector's, every misalignment, against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "kernels/row_ops.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

constexpr std::int64_t kLengths[] = {0,  1,  2,  3,  7,  8,  9,  15,  16,  17,  31,  32,
                                     33, 47, 63, 64, 65, 96, 97, 127, 128, 129, 1000};

template <class T>
std::vector<T> random_row(std::int64_t n, std::int64_t max_abs, Xoshiro256& random) {
  std::vector<T> row(static_cast<std::size_t>(n));
  for (auto& v : row) v = static_cast<T>(random_between(random, -max_abs - 1, max_abs));
  return row;
}

template <class In, class Out>
void check_sums(int n_rows, std::int64_t max_abs) {
  Xoshiro256 random(1);
  for (std::int64_t n : kLengths) {
    std::vector<std::vector<In>> in;
    std::vector<const In*> rows;
    for (int j = 0; j < n_rows; ++j) {
      const auto lead = random_between(random, 0, 17);
      in.push_back(random_row<In>(n + lead, max_abs, random));
      rows.push_back(in.back().data() + lead);
    }
    const auto lead_out = random_between(random, 0, 17);
    std::vector<Out> out(static_cast<std::size_t>(lead_out + n + 1), Out{99});
    sum_rows(rows.data(), n_rows, out.data() + lead_out, n);
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t sum = 0;
      for (const In* row : rows) sum += row[i];
      ASSERT_EQ(out[static_cast<std::size_t>(lead_out + i)], sum) << "i=" << i << " of " << n;
    }
    EXPECT_EQ(out.back(), 99);
    EXPECT_TRUE(lead_out == 0 || out[static_cast<std::size_t>(lead_out) - 1] == 99);
  }
}

// The largest values whose sums of `n_rows` fit.
TEST(SumRows, WidensBytesWithoutOverflow) {
  for (int n_rows : {1, 2, 3, 4}) check_sums<std::int8_t, std::int16_t>(n_rows, 127);
}
TEST(SumRows, AddsInt16) {
  for (int n_rows : {1, 2, 3, 4}) check_sums<std::int16_t, std::int16_t>(n_rows, 32768 / n_rows - 1);
}
TEST(SumRows, WidensInt16WithoutOverflow) {
  for (int n_rows : {1, 2, 3, 4}) check_sums<std::int16_t, std::int32_t>(n_rows, 32767);
}
TEST(SumRows, AddsInt32) {
  for (int n_rows : {1, 2, 3, 4}) check_sums<std::int32_t, std::int32_t>(n_rows, (1LL << 31) / n_rows - 1);
}

TEST(SumRows, AddsFloatsInOrder) {
  Xoshiro256 random(4);
  for (std::int64_t n : kLengths)
    for (int n_rows : {0, 1, 2, 7, 64}) {
      std::vector<std::vector<float>> in(static_cast<std::size_t>(n_rows));
      std::vector<const float*> rows;
      for (auto& row : in) {
        for (std::int64_t i = 0; i <= n; ++i) row.push_back(static_cast<float>(random.uniform() - 0.3));
        rows.push_back(row.data() + 1);
      }
      std::vector<float> out(static_cast<std::size_t>(n + 1), 99.0F);
      sum_rows(rows.data(), n_rows, 0.7F, out.data(), n);
      for (std::int64_t i = 0; i < n; ++i) {
        float sum = 0.0F;
        for (const float* row : rows) sum += row[i];
        ASSERT_EQ(out[static_cast<std::size_t>(i)], sum * 0.7F) << "i=" << i << " of " << n;
      }
      EXPECT_EQ(out.back(), 99.0F);
    }
}

TEST(VectorTarget, HasAName) { EXPECT_FALSE(std::string(vector_target()).empty()); }

}  // namespace
}  // namespace tianyan
