// The beams of a scan as they are searched: opened, planned, shared out to workers.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/source.hpp"
#include "pipeline/beam_search.hpp"
#include "pipeline/beam_waves.hpp"
#include "pipeline/run_directory.hpp"
#include "pipeline/search.hpp"

namespace tianyan {

/// One beam of the scan, from its files to its result.
struct Beam {
  int number = 0;
  std::unique_ptr<Source> source;
  const SearchPlan* plan = nullptr;  ///< of Plans, once bound
  std::int64_t memory_bytes = 0;
  int n_threads = 0;  ///< 0: not searched in this run
  std::optional<BeamResult> result;
  std::string failure;
};

/// A beam whose files cannot be opened has a failure.
std::vector<Beam> open_beams(const FoundInputs& found);

/// Plans and footprints of beams; those of one scan are equal and are made once.
class Plans {
 public:
  Plans(const Config& config, const std::vector<Beam>& beams);
  const SearchPlan& of(std::size_t beam);
  std::int64_t memory_bytes(std::size_t beam, int n_threads);
  std::vector<Wave> waves(const std::vector<std::size_t>& todo, const LimitsConfig& limits);

 private:
  std::size_t first_like(std::size_t beam) const;

  Config config_;
  const std::vector<Beam>& beams_;
  std::map<std::size_t, SearchPlan> plans_;  // by the first beam of a kind
  std::map<std::pair<std::size_t, int>, std::int64_t> memory_bytes_;
};

/// Plans each beam as if all were to be searched. Throws std::invalid_argument where the config cannot work
/// for one of them, std::runtime_error where none can be searched.
void bind_beams(const Config& config, Plans& plans, std::vector<Beam>& beams);

/// How the beams were searched.
struct Shares {
  int n_at_once = 0;
  std::int64_t memory_bytes = 0;  ///< most at once
  double data_s = 0.0, seconds = 0.0;
};

/// Takes finished beams from the ledger and searches the others, in waves. A beam that fails is named and
/// stops no other one; any other exception stops all and is rethrown.
Shares search_beams(const SearchRequest& request, const RunDirectory& run, Plans& plans,
                    std::vector<Beam>& beams);

}  // namespace tianyan
