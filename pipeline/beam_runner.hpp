// The beams of a scan as they are searched: opened, planned, shared out to workers.
#pragma once
#include <cstdint>
#include <exception>
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

/// A unit of a beam and what became of it.
struct BeamUnit {
  SearchUnit unit;
  std::optional<UnitResult> result;
  std::string failure;
  bool is_todo = false;  ///< to be searched in this run
};

/// One beam of the scan, from its files to its result.
struct Beam {
  int number = 0;
  std::unique_ptr<Source> source;
  const SearchPlan* plan = nullptr;  ///< of Plans, once bound
  std::vector<BeamUnit> units;       ///< once bound
  std::int64_t memory_bytes = 0;
  int n_threads = 0;                 ///< 0: not searched in this run
  SearchDevice device;               ///< where it is searched
  std::string mask;                  ///< file of a given mask, or empty
  std::optional<BeamResult> result;  ///< of those units that have one, if any has
  std::string failure;               ///< why there is none
  std::exception_ptr thrown;         ///< with that, where it could not be opened or planned
  std::string remark;                ///< what must be said of it though it is searched
};

/// A beam whose files cannot be opened, or that has no mask where one is given, has a failure.
std::vector<Beam> open_beams(const FoundInputs& found, const Config& config, const std::string& mask);

/// The beams that are judged by each other: of one scan, known, and not all neighbours. Empty where rfi.beams
/// is off or nothing can be told.
std::vector<std::size_t> beams_in_step(const RfiConfig& rfi, const std::vector<Beam>& beams);

/// Those that have no failure.
std::vector<std::size_t> sound_beams(const std::vector<Beam>& beams);
bool holds(const std::vector<std::size_t>& beams, std::size_t beam);

/// The files that a beam's result depends on: the stream's, and its mask after them.
std::vector<InputFile> files_of(const Beam& beam);
/// Of all beams, none of one that could not be opened: for RunDirectory::bind_inputs().
std::map<int, std::vector<InputFile>> files_by_beam(const std::vector<Beam>& beams);

/// What an exception says where it is a beam's own failure; others are rethrown.
std::string failure_text(const std::exception_ptr& failure);
void note_failure(Beam& beam, const std::exception_ptr& failure);

/// In a handler: makes what was thrown the failure of a beam that cannot be opened or planned. Where the
/// config does not fit one beam its header may be damaged: that stops no other beam.
void leave_out(Beam& beam);

std::string why_missing(const BeamUnit& unit);

/// "beam M03: 512.000 s to 768.000 s were not searched: /data/M03_0002.fits: ..."
std::string lost_unit_text(const Beam& beam, const BeamUnit& unit);

/// "beam M03: 62.0 % flagged, more than rfi.flagged_max = 50 %"
std::string heavily_flagged_text(int beam, const FlagCounts& counts, const RfiConfig& rfi);

/// Plans and footprints of beams; those of one scan are equal and are made once.
class Plans {
 public:
  Plans(const Config& config, const std::vector<Beam>& beams, ChosenDevices devices = {});
  /// Leaves the devices where beams that are planned have no room on them: those in step all at once, the
  /// others one by one. Throws std::runtime_error that says so where search.backend asks for a device.
  void settle_devices();
  const ChosenDevices& devices() const { return devices_; }
  const SearchPlan& of(std::size_t beam);
  std::int64_t memory_bytes(std::size_t beam, int n_threads);
  std::vector<Wave> waves(const std::vector<std::size_t>& todo, const LimitsConfig& limits);
  /// Most that a run of all beams takes at once, as bind_beams() would let it.
  std::int64_t peak_memory_bytes(const LimitsConfig& limits);

 private:
  std::size_t first_like(std::size_t beam) const;
  std::string why_not_on_devices();
  Footprint footprint(std::size_t beam, int n_threads);
  std::int64_t device_bytes(std::size_t beam);

  Config config_;
  const std::vector<Beam>& beams_;
  ChosenDevices devices_;
  std::map<std::size_t, SearchPlan> plans_;  // by the first beam of a kind
  std::map<std::pair<std::size_t, int>, std::int64_t> memory_bytes_;
};

/// Beams in step as one wave: all are in memory, as many as there are threads run at once; and what they
/// take.
Wave wave_in_step(const LimitsConfig& limits, std::vector<std::size_t> group);
std::int64_t memory_of(const Wave& group, Plans& plans);

/// Plans each beam as if all were to be searched, and cuts it into units: those of beams in step begin at the
/// same samples. Throws std::invalid_argument where the config cannot work for one of them,
/// std::runtime_error where none can be searched.
void bind_beams(const Config& config, Plans& plans, std::vector<Beam>& beams);

/// What is searched at once: a unit of one beam, or the same one of all beams in step.
struct WorkUnit {
  Beam* beam;
  BeamUnit* unit;
};
using WorkItem = std::vector<WorkUnit>;

/// All work of bound beams, in order; of n_part shares of n_item pieces, the part-th (from 1) begins and ends
/// with these.
std::vector<WorkItem> work_items(const RfiConfig& rfi, std::vector<Beam>& beams);
SampleRange items_of_part(std::int64_t n_item, const SearchPart& part);

/// How the beams were searched.
struct Shares {
  int n_at_once = 0;
  int n_in_step = 0;              ///< beams that were judged by each other
  std::int64_t memory_bytes = 0;  ///< most at once
  double data_s = 0.0, seconds = 0.0;
};

/// Takes finished units from the ledger and searches the others, or those of request.part: beams in step unit
/// after unit, the others in waves. Units of beams in step are searched together or not at all. A unit that
/// fails is named and stops no other one; any other exception stops all and is rethrown.
Shares search_beams(const SearchRequest& request, const RunDirectory& run, Plans& plans,
                    std::vector<Beam>& beams);

/// Joins the units of each beam and puts its result into the ledger. Units without a result are losses of a
/// beam that has others; a beam without any has a failure.
void join_beams(const Config& config, const RunDirectory& run, std::vector<Beam>& beams);

}  // namespace tianyan
