// Sums of flags.
#include "pipeline/flag_counts.hpp"

#include <numeric>

namespace tianyan {

std::int64_t FlagCounts::flagged() const {
  return std::accumulate(by_rule.begin() + 1, by_rule.end(), std::int64_t{0});
}

double FlagCounts::fraction() const {
  return total > 0 ? static_cast<double>(flagged()) / static_cast<double>(total) : 0.0;
}

FlagCounts& FlagCounts::operator+=(const FlagCounts& other) {
  total += other.total;
  for (std::size_t r = 0; r < by_rule.size(); ++r) by_rule[r] += other.by_rule[r];
  return *this;
}

}  // namespace tianyan
