// How much memory a job may take: what its config allows, and no more than the system leaves it.
#pragma once
#include <cstdint>
#include <string>

#include "pipeline/config.hpp"

namespace tianyan {

struct MemoryBound {
  std::int64_t bytes = 0;
  std::string who;  ///< with its verb, for errors: "the machine has"
};

/// The least of what the machine has available, what each control group above this process leaves it (v1 and
/// v2; files that the kernel may drop from memory do not count as used), and its limit of address space.
/// `root` is put before /proc and /sys: tests have trees of their own, without a limit of address space.
MemoryBound system_memory(const std::string& root = "");

/// The config's limits, of memory no more than nine tenths of what the system leaves now: libraries, buffers
/// of files and other programs take some. Asked once, before a job takes any.
LimitsConfig limits_here(const LimitsConfig& limits);

/// Throws std::invalid_argument where `bytes` exceed the limit: "WHAT 5.00 GB and limits.memory_bytes allows
/// 3.00: raise it, ADVICE".
void expect_memory(std::int64_t bytes, const LimitsConfig& limits, const std::string& what,
                   const std::string& advice);

}  // namespace tianyan
