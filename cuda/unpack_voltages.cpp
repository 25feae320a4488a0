// Pieces of a block as runs of each stream: made on the host, checked there.
#include "cuda/unpack_voltages.hpp"

#include <algorithm>
#include <map>

namespace tianyan {
namespace {

std::uint64_t wrapped(std::int64_t n) { return static_cast<std::uint64_t>(n); }

// Samples [begin, end) of a piece, of one stream; samples of the block become those of the stream.
VoltageRun run_of(const VoltagePiece& p, int coarse, int pol, std::int64_t begin, std::int64_t end,
                  std::int64_t first_sample) {
  VoltageRun run;
  run.begin = first_sample + begin;
  run.end = first_sample + end;
  run.origin_bit = static_cast<std::int64_t>(
      wrapped(p.first_bit) + wrapped(coarse - p.coarse_begin) * wrapped(p.coarse_stride_bits) +
      wrapped(pol - p.pol_begin) * wrapped(p.pol_stride_bits));
  run.first_in_group = p.first_in_group + (begin - p.begin);
  run.group_samples = p.group_samples;
  run.group_stride_bits = p.group_stride_bits;
  run.sample_stride_bits = p.sample_stride_bits;
  return run;
}

// What is taken of the samples of a stream: disjoint ranges, by their begin.
using Taken = std::map<std::int64_t, std::int64_t>;

// Takes what is left of [begin, end), range by range.
template <class Take>
void take(Taken& taken, std::int64_t begin, std::int64_t end, const Take& take_range) {
  while (begin < end) {
    const auto next = taken.upper_bound(begin);
    if (next != taken.begin() && std::prev(next)->second > begin) {
      begin = std::prev(next)->second;
      continue;
    }
    const auto stop = next == taken.end() ? end : std::min(end, next->first);
    take_range(begin, stop);
    taken[begin] = stop;
    begin = stop;
  }
}

}  // namespace

VoltageRuns voltage_runs(const VoltageFormat& format, const VoltageBlock& block, int n_coarse, int n_pol) {
  check_voltages(format, block);
  VoltageRuns all;
  all.first.push_back(0);
  for (int coarse = 0; coarse < n_coarse; ++coarse)
    for (int pol = 0; pol < n_pol; ++pol) {
      Taken taken;
      for (auto p = block.pieces.rbegin(); p != block.pieces.rend(); ++p)
        if (p->holds(coarse, pol))
          take(taken, p->begin, p->end, [&](std::int64_t begin, std::int64_t end) {
            all.runs.push_back(run_of(*p, coarse, pol, begin, end, block.first_sample));
          });
      std::ranges::sort(all.runs.begin() + all.first.back(), all.runs.end(), {}, &VoltageRun::begin);
      all.first.push_back(std::ssize(all.runs));
    }
  return all;
}

}  // namespace tianyan
