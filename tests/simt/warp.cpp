// Operations of a warp: shuffles, votes, reductions and __syncwarp.
#include <algorithm>
#include <bit>

#include "tests/simt/block.hpp"

namespace simt {
namespace {

bool has(unsigned lanes, int lane) { return (lanes >> lane & 1U) != 0; }

/// Lanes of the leader's mask that have not exited; 0 where one has not come, or has come to another
/// operation.
unsigned lanes_that_came(int warp, const Fiber& leader) {
  const auto w = static_cast<std::size_t>(warp);
  const unsigned lanes = leader.mask & ~block.exited[w];
  if ((lanes & ~block.waiting[w]) != 0) return 0;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    const Fiber& f = block.at(warp, std::countr_zero(rest));
    if (f.mask != leader.mask || f.op != leader.op || !is_same(f.place, leader.place)) return 0;
  }
  return lanes;
}

std::uint64_t combine(WarpOp op, std::uint64_t a, std::uint64_t b) {
  const auto less = [](std::uint64_t x, std::uint64_t y) {
    return static_cast<std::int64_t>(x) < static_cast<std::int64_t>(y);
  };
  switch (op) {
    case WarpOp::add:
      return a + b;
    case WarpOp::min_signed:
      return less(b, a) ? b : a;
    case WarpOp::max_signed:
      return less(a, b) ? b : a;
    case WarpOp::min_unsigned:
      return std::min(a, b);
    case WarpOp::max_unsigned:
      return std::max(a, b);
    case WarpOp::bit_and:
      return a & b;
    case WarpOp::bit_or:
      return a | b;
    case WarpOp::bit_xor:
      return a ^ b;
    default:
      return 0;
  }
}

/// What every lane gets alike.
std::uint64_t common_value(int warp, unsigned lanes, WarpOp op) {
  std::uint64_t all = 0;
  bool is_first = true;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    const std::uint64_t value = block.at(warp, lane).value;
    if (op == WarpOp::ballot)
      all |= (value != 0 ? 1ULL : 0ULL) << lane;
    else
      all = is_first ? value : combine(op, all, value);
    is_first = false;
  }
  return all;
}

std::uint64_t lanes_with_value(int warp, unsigned lanes, std::uint64_t value) {
  std::uint64_t found = 0;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (block.at(warp, lane).value == value) found |= 1ULL << lane;
  }
  return found;
}

std::uint64_t value_for(const Fiber& fiber, int warp, unsigned lanes, std::uint64_t common) {
  if (fiber.op == WarpOp::match_any) return lanes_with_value(warp, lanes, fiber.value);
  if (fiber.op != WarpOp::shuffle) return common;
  // What a lane that takes no part would give is undefined: a pattern that shows.
  const bool is_there = fiber.source >= 0 && fiber.source < kWarpSize && has(lanes, fiber.source);
  return is_there ? block.at(warp, fiber.source).value : ~0ULL;
}

}  // namespace

bool complete_warp_operation(int warp, const Fiber& leader) {
  const unsigned lanes = lanes_that_came(warp, leader);
  if (lanes == 0) return false;
  const auto w = static_cast<std::size_t>(warp);
  const WarpOp op = leader.op;
  const std::uint64_t common = op == WarpOp::shuffle ? 0 : common_value(warp, lanes, op);
  // Only __syncwarp orders memory: shuffles and votes do not.
  if (op == WarpOp::sync) ++running.n_sync[w];
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    Fiber& f = block.at(warp, std::countr_zero(rest));
    f.result = {value_for(f, warp, lanes, common), lanes};
    if (op == WarpOp::sync) running.synced[f.thread] = running.n_sync[w];
  }
  block.waiting[w] &= ~lanes;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) make_ready(block.at(warp, std::countr_zero(rest)));
  return true;
}

WarpResult warp_operation(WarpOp op, unsigned mask, std::uint64_t value, int source, Place place) {
  const Engine engine;
  Fiber& f = *block.current;
  const int warp = f.thread / kWarpSize, lane = f.thread % kWarpSize;
  if (!has(mask, lane)) {
    report("%s: lane %d calls a warp operation with mask %08x, which leaves it out", text_of(place).c_str(),
           lane, mask);
    block.aborting = true;
    throw Abort{};
  }
  f.state = Fiber::State::in_warp_operation;
  f.place = place;
  f.op = op;
  f.mask = mask;
  f.value = value;
  f.source = source;
  block.waiting[static_cast<std::size_t>(warp)] |= 1U << lane;
  if (!complete_warp_operation(warp, f)) wait(f);
  enter(f);
  return f.result;
}

}  // namespace simt
