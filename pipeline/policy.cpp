// Reading policies, and judging configs and paths by them.
#include "pipeline/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "io/source.hpp"
#include "kernels/base/expect.hpp"
#include "pipeline/schema.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

namespace fs = std::filesystem;

Schema schema_of(Policy& p) {
  Schema schema;
  schema.keys = {
      {"caps.memory_bytes", &p.caps.memory_bytes, "Most limits.memory_bytes; 0: any.", "bytes", 0.0, 1e15},
      {"caps.threads", &p.caps.threads, "Most limits.threads; 0: any.", "", 0.0, 4096.0},
      {"caps.wall_s", &p.caps.wall_s, "Longest limits.wall_s; 0: any.", "s", 0.0, 1e9},
      {"caps.output_bytes", &p.caps.output_bytes, "Most limits.output_bytes; 0: any.", "bytes", 0.0, 1e15},
      {"caps.dm_trials", &p.caps.dm_trials, "Most trials of DM that a plan may have; 0: any.", "", 0.0, 1e9},
      {"roots.inputs", &p.roots.inputs,
       "Folders that inputs, masks, injections and catalogues must be in, links and \"..\" followed; none: "
       "anywhere."},
      {"roots.outputs", &p.roots.outputs, "Folders that outputs must be in; none: anywhere."},
      {"allowed.backends",
       &p.allowed.backends,
       "Backends that a config may name beside auto; none: any.",
       "",
       -kNoLimit,
       kNoLimit,
       {"cpu", "cuda"}},
      {"slurm.partitions", &p.slurm.partitions,
       "Partitions that jobs may go to, the first one where none is asked for; none: any."},
      {"slurm.accounts", &p.slurm.accounts,
       "Accounts that jobs may be charged to, the first one where none is asked for; none: any."},
      {"slurm.job_max_s", &p.slurm.job_max_s, "Longest time that a job may ask for; 0: any.", "s", 0.0, 1e9},
      {"slurm.jobs_at_once", &p.slurm.jobs_at_once, "Most jobs of one run that may run at once; 0: any.", "",
       0.0, 1e6},
  };
  return schema;
}

// A value of 0 is "any", and one that was not set is only a default: both become what is allowed.
template <class Number>
void cap(Number& value, Number most, const char* key, const Policy& policy, ReadReport& report) {
  if (most == Number{}) return;
  if (value == Number{} || (!report.is_set(key) && value > most)) value = most;
  report.rule(value <= most, {key},
              fmt::format("{} = {} is more than {} allows: at most {}", key, value, policy.file, most));
}

bool is_below(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

std::string list_text(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

// One line, and false, where the path leads out of the folders.
bool check_path(const Policy& policy, const std::vector<std::string>& roots, const std::string& what,
                const std::string& path, ReadReport& report) {
  if (roots.empty()) return true;
  try {
    const auto leads_to = resolved_path(path);
    if (std::any_of(roots.begin(), roots.end(),
                    [&](const std::string& root) { return is_below(leads_to, resolved_path(root)); }))
      return true;
    const std::string leads = leads_to == path ? "" : ", which leads to " + leads_to + ",";
    report.add_error(fmt::format("{} {}{} is not allowed by {}: only below {}", what, path, leads,
                                 policy.file, list_text(roots)));
  } catch (const std::runtime_error& e) {
    report.add_error(fmt::format("{} {}", what, e.what()));
  }
  return false;
}

// What an allowed input stands for may still lead elsewhere.
void check_input(const Policy& policy, const std::string& input, ReadReport& report) {
  const auto& roots = policy.roots.inputs;
  if (roots.empty() || !check_path(policy, roots, "input", input, report)) return;
  try {
    for (const auto& path : list_input(input)) check_path(policy, roots, "input", path, report);
  } catch (const std::runtime_error&) {
    // not there: reading it will say so
  }
}

void check_links_in(const Policy& policy, const std::string& run, ReadReport& report) {
  std::error_code error;
  if (!fs::exists(run, error)) return;
  for (fs::recursive_directory_iterator at(run, error), end; !error && at != end; at.increment(error))
    if (at->is_symlink()) check_path(policy, policy.roots.outputs, "output", at->path().string(), report);
  if (error) report.add_error(fmt::format("output {} cannot be looked through: {}", run, error.message()));
}

}  // namespace

std::string resolved_path(const std::string& path) {
  std::error_code error;
  const auto resolved = fs::weakly_canonical(fs::absolute(path), error);
  require(!error, "{}: cannot be followed: {}", path, error.message());
  fs::path at;
  for (const auto& part : resolved) {  // what is there has no links any more
    at /= part;
    require(!fs::is_symlink(fs::symlink_status(at, error)), "{}: {} is a link that leads nowhere", path,
            at.string());
  }
  return resolved.string();
}

Policy load_policy(const std::string& path) {
  Policy policy;
  policy.file = path;
  const auto report = read_toml(schema_of(policy), path, {});
  report.throw_errors();
  return policy;
}

std::vector<Policy> load_policies(const std::vector<std::string>& paths) {
  std::vector<Policy> policies;
  std::error_code error;
  if (fs::symlink_status(kSitePolicyPath, error).type() != fs::file_type::not_found)
    policies.push_back(load_policy(kSitePolicyPath));
  for (const auto& path : paths) policies.push_back(load_policy(path));
  return policies;
}

void apply_policy(const Policy& policy, Config& config, ReadReport& report) {
  auto& limits = config.limits;
  cap(limits.memory_bytes, policy.caps.memory_bytes, "limits.memory_bytes", policy, report);
  cap(limits.threads, policy.caps.threads, "limits.threads", policy, report);
  cap(limits.wall_s, policy.caps.wall_s, "limits.wall_s", policy, report);
  cap(limits.output_bytes, policy.caps.output_bytes, "limits.output_bytes", policy, report);
  cap(limits.dm_trials, policy.caps.dm_trials, "limits.dm_trials", policy, report);
  const auto& backends = policy.allowed.backends;
  auto& backend = config.search.backend;
  if (backend == "auto" && backends.size() == 1) backend = backends.front();
  report.rule(backends.empty() || backend == "auto" ||
                  std::find(backends.begin(), backends.end(), backend) != backends.end(),
              {"search.backend"},
              fmt::format("search.backend = \"{}\" is not allowed by {}: auto or {}", backend, policy.file,
                          list_text(backends)));
  for (const auto& path : config.sift.catalogues)
    check_path(policy, policy.roots.inputs, report.where("sift.catalogues") + ": sift.catalogues", path,
               report);
}

void check_paths(const Policy& policy, const std::vector<std::string>& inputs, const std::string& output,
                 ReadReport& report) {
  for (const auto& input : inputs) check_input(policy, input, report);
  if (policy.roots.outputs.empty() || output.empty()) return;
  check_path(policy, policy.roots.outputs, "output", output, report);
  check_links_in(policy, output, report);
}

std::string print_open_policy() {
  Policy open;
  return "# Policy of a site: what is left out allows anything.\n\n" + print_toml(schema_of(open));
}

}  // namespace tianyan
