// The block that runs: its threads, which of them can go on, and what the others wait for.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "tests/simt/fibers.hpp"

namespace simt {

/// Numbers that only SIMT_SEED and the launch decide.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {  // splitmix64
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// In [0, n).
  unsigned below(unsigned n) { return static_cast<unsigned>((next() >> 32) * n >> 32); }

 private:
  std::uint64_t state_;
};

struct Block {
  const Job* job = nullptr;
  Fiber* current = nullptr;
  std::vector<Fiber*> threads;
  std::array<std::uint32_t, kMaxWarps> ready{};    ///< a bit for each lane
  std::array<std::uint32_t, kMaxWarps> waiting{};  ///< in a warp operation
  std::array<std::uint32_t, kMaxWarps> exited{};
  /// Which warp goes first, and the reverse: a place for each warp. Drawn anew at every barrier, so that
  /// warps drift apart as far as they may.
  std::array<std::uint8_t, kMaxWarps> warp_order{}, place_of_warp{};
  std::uint32_t ready_places = 0;  ///< a bit for the place of each warp with lanes that are ready
  int n_live = 0, n_at_barrier = 0;
  unsigned n_true = 0;  ///< predicates of the last barrier
  bool aborting = false;
  Order order{};
  Random random{1};

  int n_thread() const { return static_cast<int>(threads.size()); }
  int n_warp() const { return (n_thread() + kWarpSize - 1) / kWarpSize; }
  void set_ready(const Fiber& fiber) {
    const auto warp = static_cast<std::size_t>(fiber.thread / kWarpSize);
    ready[warp] |= 1U << fiber.thread % kWarpSize;
    ready_places |= 1U << place_of_warp[warp];
  }
  Fiber& at(int warp, int lane) const { return *threads[static_cast<std::size_t>(warp * kWarpSize + lane)]; }
};
extern Block block;

/// The kernel's own code stops, and goes on where this ends.
class Engine {
 public:
  Engine() { running.active = false; }
  ~Engine() { running.active = block.current != nullptr; }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
};

bool is_same(const Place& a, const Place& b);
std::string text_of(const Place& place);  ///< "fdmt.cu:42"
void make_ready(Fiber& fiber);
/// The current thread lets others run until it is ready; throws Abort where the launch has failed by then.
void wait(Fiber& fiber);
/// Completes the operation that `leader` waits in, where all lanes of its mask have come.
bool complete_warp_operation(int warp, const Fiber& leader);
/// Brings `running` up to date with the thread.
void enter(const Fiber& fiber);
void draw_warp_order();

}  // namespace simt
