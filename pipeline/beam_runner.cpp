// Opening, planning and searching of beams by several workers.
#include "pipeline/beam_runner.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <thread>

#include "io/beam_name.hpp"
#include "kernels/base/beam_layout.hpp"
#include "pipeline/in_step.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/memory_limit.hpp"
#include "pipeline/progress.hpp"

namespace tianyan {
namespace {

// Streams whose windows are the same stretches of time and frequency.
bool is_in_step(const Source& a, const Source& b) {
  const StreamInfo &x = a.info(), &y = b.info();
  return x.n_chan == y.n_chan && x.freq_low_mhz == y.freq_low_mhz &&
         x.channel_width_mhz == y.channel_width_mhz && x.sample_time_s == y.sample_time_s &&
         std::abs(x.start.seconds_since(y.start)) < 0.5 * x.sample_time_s;
}

// Those of the given ones with units that this run is to search.
std::vector<std::size_t> beams_to_do(const std::vector<Beam>& beams, const std::vector<std::size_t>& of) {
  std::vector<std::size_t> todo;
  for (const auto i : of)
    if (std::any_of(beams[i].units.begin(), beams[i].units.end(),
                    [](const BeamUnit& u) { return u.is_todo; }))
      todo.push_back(i);
  return todo;
}

// The first exception that is no beam's failure: it stops all workers.
class FirstFailure {
 public:
  void set(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!is_set_) failure_ = std::move(failure);
    is_set_ = true;
  }
  bool is_set() const { return is_set_; }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::atomic<bool> is_set_ = false;
};

// Thrown in the workers that another one's exception stops.
struct Stopped {};

// The sum of the footprints of what runs, and the largest that it has been.
class MemoryCount {
 public:
  void add(std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    now_ += bytes;
    most_ = std::max(most_, now_);
  }
  std::int64_t most() const { return most_; }

 private:
  std::mutex mutex_;
  std::int64_t now_ = 0, most_ = 0;
};

class MemoryInUse {
 public:
  MemoryInUse(MemoryCount& count, std::int64_t bytes) : count_(count), bytes_(bytes) { count_.add(bytes_); }
  ~MemoryInUse() { count_.add(-bytes_); }
  MemoryInUse(const MemoryInUse&) = delete;
  MemoryInUse& operator=(const MemoryInUse&) = delete;

 private:
  MemoryCount& count_;
  std::int64_t bytes_;
};

// What the workers of a run share.
struct Shared {
  const SearchRequest& request;
  const RunDirectory& run;
  const ChosenDevices& devices;
  BeamProgress& progress;
  MemoryCount memory{};
  FirstFailure failure{};
};

std::unique_ptr<BeamSearch> make_search(Shared& shared, Beam& beam, const SearchUnit& unit) {
  auto search = std::make_unique<BeamSearch>(shared.request.config, *beam.source, beam.number, beam.n_threads,
                                             *beam.plan, unit, beam.device);
  if (!beam.mask.empty()) search->use_mask(beam.mask);
  beam.memory_bytes = search->footprint().total();
  return search;
}

// After each window of a beam.
void show_progress(Shared& shared, const Beam& beam, double done_s) {
  shared.progress.update(beam.number, static_cast<std::int64_t>(done_s / beam.source->info().sample_time_s));
  if (interrupted())
    throw Interrupted(
        fmt::format("in beam {}; go on with {}", beam_name(beam.number),
                    shared.request.scope == SearchScope::kPart ? "the same --part" : "--resume"));
  if (shared.failure.is_set()) throw Stopped{};
}

void store(const Shared& shared, const Beam& beam, BeamUnit& unit, UnitResult result) {
  shared.run.store(beam.number, result);
  unit.result = std::move(result);
}

void search_unit(Shared& shared, Beam& beam, BeamUnit& unit) {
  shared.run.expect_room();
  try {
    const auto search = make_search(shared, beam, unit.unit);
    const MemoryInUse memory(shared.memory, beam.memory_bytes);
    store(shared, beam, unit, search->run_unit([&](double done_s) { show_progress(shared, beam, done_s); }));
  } catch (...) {
    unit.failure = failure_text(std::current_exception());
  }
}

void search_beam(Shared& shared, Beam& beam, int n_threads, const SearchDevice& device) {
  beam.n_threads = n_threads;
  beam.device = device;
  shared.progress.begin(beam.number);
  for (auto& unit : beam.units)
    if (unit.is_todo) search_unit(shared, beam, unit);
  shared.progress.end(beam.number, beam.source->info().n_time);
}

// One unit of all beams of the group at once.
void search_unit_in_step(Shared& shared, const Wave& group, std::size_t index, std::vector<Beam>& beams) {
  std::vector<std::unique_ptr<BeamSearch>> searches;
  std::vector<BeamStream*> streams;
  std::vector<Beam*> members;  // of streams
  std::int64_t memory_bytes = 0;
  for (const auto i : group.beams) {
    if (index >= beams[i].units.size()) continue;
    try {
      searches.push_back(make_search(shared, beams[i], beams[i].units[index].unit));
    } catch (...) {  // a mask that cannot be read
      beams[i].units[index].failure = failure_text(std::current_exception());
      continue;
    }
    streams.push_back(searches.back().get());
    members.push_back(&beams[i]);
    memory_bytes += beams[i].memory_bytes;
  }
  const MemoryInUse memory(shared.memory, memory_bytes);
  shared.run.expect_room();
  const auto failed = [&](std::size_t k, const std::exception_ptr& failure) {
    members[k]->units[index].result.reset();
    members[k]->units[index].failure = failure_text(failure);
  };
  run_in_step(
      streams, shared.request.config.rfi.beams.threshold_sigma, group.n_worker,
      [&](std::size_t k) { show_progress(shared, *members[k], searches[k]->done_s()); }, failed,
      [&](std::size_t k) { store(shared, *members[k], members[k]->units[index], searches[k]->finish()); });
}

void search_in_step(Shared& shared, const Wave& group, std::vector<Beam>& beams) {
  std::size_t n_unit = 0;
  for (std::size_t k = 0; k < group.beams.size(); ++k) {
    const auto i = group.beams[k];
    beams[i].n_threads = group.threads_of(0);
    beams[i].device = shared.devices.of(k);
    n_unit = std::max(n_unit, beams[i].units.size());
    shared.progress.begin(beams[i].number);
  }
  for (std::size_t u = 0; u < n_unit; ++u)
    if (std::any_of(group.beams.begin(), group.beams.end(),
                    [&](std::size_t i) { return u < beams[i].units.size() && beams[i].units[u].is_todo; }))
      search_unit_in_step(shared, group, u, beams);
  for (const auto i : group.beams) shared.progress.end(beams[i].number, beams[i].source->info().n_time);
}

void search_wave(Shared& shared, const Wave& wave, std::vector<Beam>& beams) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&](int worker) {
    try {
      for (auto i = next++; i < wave.beams.size() && !shared.failure.is_set(); i = next++)
        search_beam(shared, beams[wave.beams[i]], wave.threads_of(worker),
                    shared.devices.of(static_cast<std::size_t>(worker)));
    } catch (const Stopped&) {
    } catch (...) {
      shared.failure.set(std::current_exception());
    }
  };
  {
    std::vector<std::jthread> others;
    for (int worker = 1; worker < wave.n_worker; ++worker) others.emplace_back(work, worker);
    work(0);
  }
  shared.failure.rethrow();
}

}  // namespace

std::vector<std::size_t> beams_in_step(const RfiConfig& rfi, const std::vector<Beam>& beams) {
  std::vector<std::size_t> group;
  std::vector<int> numbers;
  if (!rfi.beams.enabled) return group;
  for (std::size_t i = 0; i < beams.size(); ++i) {
    const bool fits = beams[i].failure.empty() && beams[i].number >= 1 && beams[i].number <= kNumBeams &&
                      std::find(numbers.begin(), numbers.end(), beams[i].number) == numbers.end() &&
                      (group.empty() || is_in_step(*beams[group.front()].source, *beams[i].source));
    if (!fits) continue;
    group.push_back(i);
    numbers.push_back(beams[i].number);
  }
  if (!can_tell_beams(numbers)) group.clear();
  return group;
}

namespace {

// A mask that cannot be read is its beam's failure; one that does not fit is the user's mistake.
void check_masks(const std::vector<std::size_t>& todo, std::vector<Beam>& beams) {
  for (const auto i : todo) {
    if (beams[i].mask.empty()) continue;
    try {
      const GivenMask mask(beams[i].mask, beams[i].source->info());
      const int from = mask.beam();
      if (from != 0 && beams[i].number != 0 && from != beams[i].number)
        beams[i].remark = fmt::format("beam {} is searched with the mask of beam {}: {}",
                                      beam_name(beams[i].number), beam_name(from), beams[i].mask);
    } catch (const std::runtime_error& e) {
      beams[i].failure = e.what();
    }
  }
}

void check_memory_in_step(const Config& config, Plans& plans, const std::vector<Beam>& beams) {
  const auto group = wave_in_step(config.limits, beams_in_step(config.rfi, beams));
  expect_memory(memory_of(group, plans), config.limits,
                fmt::format("{} beams in step (rfi.beams) need", group.beams.size()),
                "lower search.dm_max_pc_cm3, or set rfi.beams.enabled = false to search one after another");
}

// Of beams in step those of the longest one, as far as each goes.
std::vector<BeamUnit> units_of(const Config& config, const Beam& beam, std::int64_t n_time_most) {
  StreamInfo longest = beam.source->info();
  const auto n_time = longest.n_time;
  longest.n_time = n_time_most;
  std::vector<BeamUnit> units;
  for (SearchUnit unit : search_units(*beam.plan, longest, config.search.unit_s)) {
    if (unit.own.begin >= n_time) break;
    for (auto* end : {&unit.own.end, &unit.read.end, &unit.rows_end}) *end = std::min(*end, n_time);
    units.push_back({unit, std::nullopt, "", false});
  }
  return units;
}

void cut_into_units(const Config& config, std::vector<Beam>& beams) {
  std::int64_t n_time_most = 0;
  const auto group = beams_in_step(config.rfi, beams);
  for (const auto i : group) n_time_most = std::max(n_time_most, beams[i].source->info().n_time);
  for (const auto i : sound_beams(beams)) {
    const auto n_time = beams[i].source->info().n_time;
    beams[i].units = units_of(config, beams[i], holds(group, i) ? n_time_most : n_time);
  }
}

// What the ledger lacks, of the part that is asked for.
void choose_units(const SearchRequest& request, const RunDirectory& run, std::vector<Beam>& beams) {
  for (const auto i : sound_beams(beams))
    for (auto& unit : beams[i].units) {
      unit.result = run.load(beams[i].number, unit.unit);
      if (request.scope == SearchScope::kFinish && !unit.result)
        unit.failure = run.load_failure(beams[i].number, unit.unit);
    }
  if (request.scope == SearchScope::kFinish) return;
  const auto items = work_items(request.config.rfi, beams);
  const auto part = items_of_part(std::ssize(items), request.part);
  for (auto item = items.begin() + part.begin; item != items.begin() + part.end; ++item)
    if (std::any_of(item->begin(), item->end(), [](const WorkUnit& w) { return !w.unit->result; }))
      for (const auto& work : *item) {
        work.unit->result.reset();
        work.unit->is_todo = true;
      }
}

void join_beam(const Config& config, Beam& beam) {
  std::vector<UnitResult> results;
  Losses losses;
  std::vector<SampleRange> not_searched;
  for (auto& unit : beam.units) {
    if (unit.result) {
      results.push_back(std::move(*unit.result));
    } else {
      losses.notes.push_back(lost_unit_text(beam, unit));
      losses.cut_short = true;
      not_searched.push_back(unit.unit.own);
    }
  }
  if (results.empty()) {
    beam.failure = why_missing(beam.units.front());
    return;
  }
  beam.result = join_units(config, *beam.plan, *beam.source, beam.number, results);
  beam.result->files = files_of(beam);
  losses.add(beam.result->losses);
  beam.result->losses = std::move(losses);
  beam.result->not_searched = joined(std::move(not_searched));
}

}  // namespace

std::vector<WorkItem> work_items(const RfiConfig& rfi, std::vector<Beam>& beams) {
  const auto group = beams_in_step(rfi, beams);
  std::vector<WorkItem> items;
  for (const auto i : group)
    for (std::size_t u = 0; u < beams[i].units.size(); ++u) {
      if (u == items.size()) items.emplace_back();
      items[u].push_back({&beams[i], &beams[i].units[u]});
    }
  for (const auto i : sound_beams(beams))
    if (!holds(group, i))
      for (auto& unit : beams[i].units) items.push_back({{&beams[i], &unit}});
  return items;
}

SampleRange items_of_part(std::int64_t n_item, const SearchPart& part) {
  return {(part.number - 1) * n_item / part.n, part.number * n_item / part.n};
}

void bind_beams(const Config& config, Plans& plans, std::vector<Beam>& beams) {
  const auto opened = sound_beams(beams);
  const int n_threads = thread_count(config.limits);
  const int n_worker = std::clamp(static_cast<int>(opened.size()), 1, n_threads);
  const auto for_sound_beams = [&](const auto& body) {
    for (const auto i : sound_beams(beams)) {
      try {
        body(i);
      } catch (...) {
        leave_out(beams[i]);
      }
    }
  };
  for_sound_beams([&](std::size_t i) { beams[i].plan = &plans.of(i); });
  plans.settle_devices();
  for_sound_beams([&](std::size_t i) {
    beams[i].memory_bytes = plans.memory_bytes(i, (n_threads + n_worker - 1) / n_worker);
  });
  const auto todo = sound_beams(beams);
  require(!beams.empty(), "nothing to search");
  if (todo.empty()) std::rethrow_exception(beams.front().thrown);
  check_masks(todo, beams);
  require(!sound_beams(beams).empty(), "{}", beams[todo.front()].failure);
  cut_into_units(config, beams);
  check_memory_in_step(config, plans, beams);
  for (const auto& wave : plans.waves(sound_beams(beams), config.limits))
    for (const auto i : wave.beams)
      if (plans.memory_bytes(i, wave.threads_of(0)) > config.limits.memory_bytes)
        BeamSearch(config, *beams[i].source, beams[i].number, wave.threads_of(0), plans.of(i),
                   whole_stream(beams[i].source->info()), plans.devices().of(0));  // says why
}

Shares search_beams(const SearchRequest& request, const RunDirectory& run, Plans& plans,
                    std::vector<Beam>& beams) {
  const auto group = beams_in_step(request.config.rfi, beams);
  choose_units(request, run, beams);
  const auto begin = std::chrono::steady_clock::now();
  const auto todo = beams_to_do(beams, sound_beams(beams));
  std::int64_t n_sample = 0;
  for (const auto i : todo) n_sample += beams[i].source->info().n_time;
  const std::string name = todo.empty() ? "" : beams[todo.front()].source->info().source_name;
  BeamProgress progress(name, static_cast<int>(todo.size()), n_sample, request.quiet);
  Shared shared{request, run, plans.devices(), progress};
  Shares shares;
  shares.n_in_step = static_cast<int>(group.size());
  if (!beams_to_do(beams, group).empty()) {
    const auto wave = wave_in_step(request.config.limits, group);
    shares.n_at_once = wave.n_worker;
    search_in_step(shared, wave, beams);
  }
  std::vector<std::size_t> alone;
  for (const auto i : todo)
    if (!holds(group, i)) alone.push_back(i);
  for (const auto& wave : plans.waves(alone, request.config.limits)) {
    shares.n_at_once = std::max(shares.n_at_once, wave.n_worker);
    search_wave(shared, wave, beams);
  }
  shares.memory_bytes = shared.memory.most();
  for (const auto i : todo)
    for (const auto& unit : beams[i].units)
      if (!unit.failure.empty()) run.store_failure(beams[i].number, unit.unit, unit.failure);
  for (const auto i : todo)
    for (const auto& unit : beams[i].units)
      if (unit.is_todo && unit.result)
        shares.data_s += static_cast<double>(unit.unit.own.size()) * beams[i].source->info().sample_time_s;
  shares.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return shares;
}

void join_beams(const Config& config, const RunDirectory& run, std::vector<Beam>& beams) {
  for (const auto i : sound_beams(beams)) {
    join_beam(config, beams[i]);
    if (beams[i].result) run.store(*beams[i].result);
  }
}

}  // namespace tianyan
