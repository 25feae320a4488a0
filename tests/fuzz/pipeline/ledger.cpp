// A beam's result in the ledger, which `tianyan sift` reads; "----"; a unit's, which --resume does.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "io/json_text.hpp"
#include "kernels/base/fnv1a.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/run_directory.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace tianyan::fuzz {
namespace {

/// A run that is resumed, and its unit's file with a checksum that is right, as no damage would leave it.
struct Run {
  Folder folder;
  Config config;
  RunDirectory directory{folder.path(), config, ExistingRun::kResume};

  Run() { std::filesystem::create_directories(folder.path() + "/ledger/M01"); }
  void load_unit(std::string_view entry) const {
    const nlohmann::json whole = {
        {"config", config_hash(config)}, {"checksum", fnv1a(entry)}, {"unit", entry}};
    folder.write("ledger/M01/0000.json", dump_json(whole));
    directory.load(1, SearchUnit{});
  }
};

void run(std::string_view bytes) try {
  static const Run kRun;
  const auto [beam, unit] = halves(bytes);
  if (!unit.empty()) kRun.load_unit(unit);
  kRun.folder.write("ledger/M01.json", beam);
  for (const auto& result : load_ledger(kRun.folder.path())) dump_json(to_json(result));
} catch (const std::runtime_error&) {
}

const bool kRegistered = register_fuzz_target({"ledger", run});

}  // namespace
}  // namespace tianyan::fuzz
