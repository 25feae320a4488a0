// Memory that the machine, control groups and resource limits leave.
#include "pipeline/memory_limit.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr auto kNone = std::numeric_limits<std::int64_t>::max();

// The number after a name, as "MemAvailable:  1234 kB" or "inactive_file 1234"; 0 where there is none.
std::int64_t value_of(const std::string& path, const std::string& name) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word;
    std::int64_t value = 0;
    if (words >> word >> value && word == name) return value;
  }
  return 0;
}

// A file that is one number; nothing where it says "max" or is not there.
std::optional<std::int64_t> number_in(const std::string& path) {
  std::ifstream in(path);
  std::int64_t value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

// How one version of control groups names its files.
struct GroupFiles {
  const char *mount, *limit, *used, *inactive, *active;
};
constexpr GroupFiles kVersion1 = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                                  "total_inactive_file", "total_active_file"};
constexpr GroupFiles kVersion2 = {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file",
                                  "active_file"};

std::int64_t left_in_group(const std::string& folder, const GroupFiles& files) {
  const auto limit = number_in(folder + "/" + files.limit);
  const auto used = number_in(folder + "/" + files.used);
  if (!limit || !used) return kNone;
  const std::string stat = folder + "/memory.stat";
  const auto droppable = value_of(stat, files.inactive) + value_of(stat, files.active);
  return std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, *used - droppable));
}

// Of a group and of those that it is in, up to the one at the mount, which in a container may be its own.
std::int64_t left_in_groups(const std::string& root, const std::string& group, const GroupFiles& files) {
  std::int64_t least = kNone;
  for (std::filesystem::path path(group);; path = path.parent_path()) {
    least = std::min(least, left_in_group(root + files.mount + path.string(), files));
    if (!path.has_relative_path()) return least;
  }
}

// Lines of /proc/self/cgroup are "0::/group" in version 2, "4:memory:/group" in version 1.
std::int64_t group_memory(const std::string& root) {
  std::int64_t least = kNone;
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || line.compare(second + 1, 1, "/") != 0) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") least = std::min(least, left_in_groups(root, group, kVersion2));
    if (controllers.find(",memory,") != std::string::npos)
      least = std::min(least, left_in_groups(root, group, kVersion1));
  }
  return least;
}

std::int64_t address_space() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kNone;
  const auto pages = number_in("/proc/self/statm").value_or(0);
  return static_cast<std::int64_t>(limit.rlim_cur) - pages * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

MemoryBound system_memory(const std::string& root) {
  const auto available = value_of(root + "/proc/meminfo", "MemAvailable:") * 1024;
  MemoryBound least{available > 0 ? available : kNone, "the machine has"};
  const auto group = group_memory(root);
  if (group < least.bytes) least = {group, "the control group of this job leaves"};
  const auto space = root.empty() ? address_space() : kNone;
  if (space < least.bytes) least = {space, "the limit of address space (ulimit -v) leaves"};
  return least;
}

LimitsConfig limits_here(const LimitsConfig& limits) {
  LimitsConfig here = limits;
  const auto system = system_memory();
  const auto usable = system.bytes / 10 * 9;
  if (usable < here.memory_bytes) {
    here.memory_bytes = usable;
    here.memory_bound_by = system.who;
  }
  return here;
}

void expect_memory(std::int64_t bytes, const LimitsConfig& limits, const std::string& what,
                   const std::string& advice) {
  const bool can_raise = limits.memory_bound_by == LimitsConfig().memory_bound_by;
  expect(bytes <= limits.memory_bytes, "{} {:.2f} GB and {} {:.2f}: {}{}", what,
         static_cast<double>(bytes) / 1e9, limits.memory_bound_by,
         static_cast<double>(limits.memory_bytes) / 1e9, can_raise ? "raise it, " : "", advice);
}

}  // namespace tianyan
