// A fiber for each CUDA thread of the running block.
#pragma once
#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <memory>
#include <vector>

#include "tests/simt/engine.hpp"

namespace simt {

/// Unwinds a CUDA thread whose launch has failed.
struct Abort {};

struct Fiber {
  enum class State : unsigned char { ready, at_barrier, in_warp_operation, exited };

  boost::context::fiber self, scheduler;
  const char* stack = nullptr;
  std::size_t stack_bytes = 0;
  void* fake_stack = nullptr;  ///< AddressSanitizer's

  int thread = 0;  ///< linear index in the block
  uint3 index{};
  State state = State::exited;
  Place place{};  ///< where it waits
  bool predicate = false;
  WarpOp op{};
  unsigned mask = 0;
  std::uint64_t value = 0;
  int source = 0;
  WarpResult result{};
};

/// Fibers, which are kept from block to block and are never destroyed.
Fiber& pooled_fiber(int thread);
/// The fiber will not run again, and another takes its place in later blocks; what its stack holds is lost.
void leave_behind(const Fiber& fiber);
/// The scheduler runs `fiber` until it waits or exits.
void switch_to(Fiber& fiber);
/// The fiber lets the scheduler run.
void switch_to_scheduler(Fiber& fiber);
/// What fibers call: a thread of the kernel, and then its end.
void run_thread(Fiber& fiber);

}  // namespace simt
