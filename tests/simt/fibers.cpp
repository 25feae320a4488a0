// Switching of fibers, and telling AddressSanitizer of it where the test is built with it.
#include "tests/simt/fibers.hpp"

#include <utility>

extern "C" {
void __sanitizer_start_switch_fiber(void**, const void*, std::size_t) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void*, const void**, std::size_t*) __attribute__((weak));
}

namespace simt {
namespace {

namespace context = boost::context;

constexpr std::size_t kStackBytes = 256 * 1024;
auto& pool = *new std::vector<std::unique_ptr<Fiber>>;  // parked fibers are not unwound at the end

/// The stack of the host's thread that runs the kernel, for AddressSanitizer.
struct HostStack {
  void* fake = nullptr;
  const void* bottom = nullptr;
  std::size_t bytes = 0;
} host_stack;

void leave(void** fake, const void* bottom, std::size_t bytes) {
  if (__sanitizer_start_switch_fiber != nullptr) __sanitizer_start_switch_fiber(fake, bottom, bytes);
}
void arrive(void* fake, const void** from, std::size_t* from_bytes) {
  if (__sanitizer_finish_switch_fiber != nullptr) __sanitizer_finish_switch_fiber(fake, from, from_bytes);
}

/// Allocates a fiber's stack and notes where it lies.
struct Stack {
  Fiber* fiber;
  context::protected_fixedsize_stack allocator{kStackBytes};
  context::stack_context allocate() {
    auto stack = allocator.allocate();
    fiber->stack = static_cast<const char*>(stack.sp) - stack.size;
    fiber->stack_bytes = stack.size;
    return stack;
  }
  void deallocate(context::stack_context& stack) { allocator.deallocate(stack); }
};

std::unique_ptr<Fiber> make_fiber() {
  auto owner = std::make_unique<Fiber>();
  Fiber* fiber = owner.get();
  fiber->self =
      context::fiber(std::allocator_arg, Stack{fiber}, [fiber](context::fiber&& scheduler) -> context::fiber {
        arrive(nullptr, &host_stack.bottom, &host_stack.bytes);
        fiber->scheduler = std::move(scheduler);
        for (;;) {
          run_thread(*fiber);
          switch_to_scheduler(*fiber);
        }
      });
  return owner;
}

}  // namespace

Fiber& pooled_fiber(int thread) {
  while (static_cast<int>(pool.size()) <= thread) pool.push_back(make_fiber());
  return *pool[static_cast<std::size_t>(thread)];
}

void leave_behind(const Fiber& fiber) {
  auto& owner = pool[static_cast<std::size_t>(fiber.thread)];
  static_cast<void>(owner.release());
  owner = make_fiber();
}

void switch_to(Fiber& fiber) {
  leave(&host_stack.fake, fiber.stack, fiber.stack_bytes);
  fiber.self = std::move(fiber.self).resume();
  arrive(host_stack.fake, nullptr, nullptr);
}

void switch_to_scheduler(Fiber& fiber) {
  leave(&fiber.fake_stack, host_stack.bottom, host_stack.bytes);
  fiber.scheduler = std::move(fiber.scheduler).resume();
  arrive(fiber.fake_stack, &host_stack.bottom, &host_stack.bytes);
}

}  // namespace simt
