// A site's policy: what its administrator lets configs ask for, and where jobs may read and write.
//
// It is a TOML file of its own (`tianyan check --print-policy` shows all keys). The program looks for it at
// the path that it was built with, kSitePolicyPath, and no config can name another; --policy of some
// commands adds a second one, so that what is allowed only ever becomes less.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/config.hpp"

namespace tianyan {

struct Policy {
  std::string file;  ///< for errors
  /// The most that a config may set; what it leaves open is set to it. 0: any.
  struct Caps {
    std::int64_t memory_bytes = 0;
    int threads = 0;
    double wall_s = 0.0;
    std::int64_t output_bytes = 0;
    std::int64_t dm_trials = 0;
  } caps;
  /// Folders; a path counts by where it leads, links and ".." followed. None: anywhere.
  struct Roots {
    std::vector<std::string> inputs, outputs;
  } roots;
  struct Allowed {
    std::vector<std::string> backends;  ///< none: any
  } allowed;
  /// Of jobs that `tianyan submit` sends; none and 0: any.
  struct Slurm {
    std::vector<std::string> partitions, accounts;  ///< the first one is taken where none is asked for
    double job_max_s = 0.0;
    int jobs_at_once = 0;
  } slurm;
};

/// Throws std::runtime_error where the file cannot be read, std::invalid_argument where it is wrong.
Policy load_policy(const std::string& path);

/// The site's policy where there is one, then those that the files hold. Throws as load_policy(): what cannot
/// be read allows nothing.
std::vector<Policy> load_policies(const std::vector<std::string>& paths);

/// Adds a line for each key that asks for more than a policy allows, with the key's line, and sets what was
/// left open to what is allowed. Catalogues are inputs.
void apply_policy(const Policy& policy, Config& config, ReadReport& report);

/// Adds a line for each path that leads out of the policy's folders. An input that is a directory or a
/// pattern counts with the files in it, an output that is there already with the links in it.
void check_paths(const Policy& policy, const std::vector<std::string>& inputs, const std::string& output,
                 ReadReport& report);

/// A path as it is on the disk, absolute, links and ".." followed as far as it is there. Throws
/// std::runtime_error where that cannot be said, as of a link that leads nowhere: what is made by that name
/// would be made elsewhere.
std::string resolved_path(const std::string& path);

/// A policy that allows anything as TOML, with a comment for each key.
std::string print_open_policy();

}  // namespace tianyan
