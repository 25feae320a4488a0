// From inputs to the files of a run.
#include "pipeline/search.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "io/candidate_table.hpp"
#include "io/ecsv.hpp"
#include "kernels/base/units.hpp"
#include "kernels/row_ops.hpp"
#include "pipeline/detection_cutout.hpp"
#include "pipeline/interrupt.hpp"
#include "pipeline/progress.hpp"
#include "pipeline/result_json.hpp"
#include "pipeline/version.hpp"

namespace tianyan {
namespace {

using nlohmann::json;

// One beam of the scan, from its files to its result.
struct Beam {
  int number = 0;
  std::unique_ptr<Source> source;
  json plan;
  std::int64_t memory_bytes = 0;
  int n_threads = 0;  // 0: not searched in this run
  std::optional<BeamResult> result;
  std::string failure;
};

std::vector<Beam> open_beams(const FoundInputs& found) {
  std::vector<Beam> beams;
  for (const auto& input : found.beams) {
    Beam beam;
    beam.number = input.beam;
    try {
      beam.source = open_series(input.paths);
    } catch (const std::runtime_error& e) {
      beam.failure = e.what();
    }
    beams.push_back(std::move(beam));
  }
  return beams;
}

// All that plans and footprints are made of.
bool is_same_stream(const Source& a, const Source& b) {
  const StreamInfo &x = a.info(), &y = b.info();
  return a.format() == b.format() && x.n_chan == y.n_chan && x.n_pol == y.n_pol &&
         x.freq_low_mhz == y.freq_low_mhz && x.channel_width_mhz == y.channel_width_mhz &&
         x.sample_time_s == y.sample_time_s && x.n_time == y.n_time;
}

// Plans and footprints of beams. Those of one scan are equal and are made once: a plan of FAST's takes 0.2 s
// and 50 MB.
class Plans {
 public:
  struct Known {
    std::int64_t memory_bytes = 0;
    json plan;
  };

  Plans(const Config& config, const std::vector<Beam>& beams) : config_(config), beams_(beams) {
    config_.limits.memory_bytes = std::numeric_limits<std::int64_t>::max();
  }

  const Known& of(std::size_t beam, int n_threads) {
    const auto key = std::pair{first_like(beam), n_threads};
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    const BeamSearch search(config_, *beams_[beam].source, beams_[beam].number, n_threads);
    return known_[key] = {search.footprint().total(), to_json(search.plan())};
  }

  std::vector<Wave> waves(const std::vector<std::size_t>& todo, const LimitsConfig& limits) {
    return make_waves(todo, thread_count(limits), limits.memory_bytes,
                      [&](std::size_t beam, int n_threads) { return of(beam, n_threads).memory_bytes; });
  }

 private:
  std::size_t first_like(std::size_t beam) const {
    std::size_t i = 0;
    while (!beams_[i].source || !is_same_stream(*beams_[i].source, *beams_[beam].source)) ++i;
    return i;
  }

  Config config_;
  const std::vector<Beam>& beams_;
  std::map<std::pair<std::size_t, int>, Known> known_;
};

std::vector<std::size_t> beams_to_do(const std::vector<Beam>& beams) {
  std::vector<std::size_t> todo;
  for (std::size_t i = 0; i < beams.size(); ++i)
    if (beams[i].failure.empty() && !beams[i].result) todo.push_back(i);
  return todo;
}

// Plans each beam as if all were to be searched, and refuses what cannot work.
void bind_beams(const Config& config, Plans& plans, std::vector<Beam>& beams) {
  const auto opened = beams_to_do(beams);
  const int n_threads = thread_count(config.limits);
  const int n_worker = std::clamp(static_cast<int>(opened.size()), 1, n_threads);
  for (const auto i : opened) {
    try {
      const auto& known = plans.of(i, (n_threads + n_worker - 1) / n_worker);
      beams[i].plan = known.plan;
      beams[i].memory_bytes = known.memory_bytes;
    } catch (const std::runtime_error& e) {
      beams[i].failure = e.what();
    }
  }
  const auto todo = beams_to_do(beams);
  require(!todo.empty(), "{}", beams.empty() ? "nothing to search" : beams.front().failure);
  for (const auto& wave : plans.waves(todo, config.limits))
    for (const auto i : wave.beams)
      if (plans.of(i, wave.threads_of(0)).memory_bytes > config.limits.memory_bytes)
        BeamSearch(config, *beams[i].source, beams[i].number, wave.threads_of(0));  // says what to change
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
  BeamProgress& progress;
  MemoryCount memory{};
  FirstFailure failure{};
};

BeamResult run_beam(Shared& shared, Beam& beam) {
  BeamSearch search(shared.request.config, *beam.source, beam.number, beam.n_threads);
  beam.memory_bytes = search.footprint().total();
  const MemoryInUse memory(shared.memory, beam.memory_bytes);
  const auto sample_time_s = beam.source->info().sample_time_s;
  return search.run([&](double done_s) {
    shared.progress.update(beam.number, static_cast<std::int64_t>(done_s / sample_time_s));
    if (interrupted())
      throw Interrupted(fmt::format("stopped by a signal in beam M{:02d}; go on with --resume", beam.number));
    if (shared.failure.is_set()) throw Stopped{};
  });
}

void search_beam(Shared& shared, Beam& beam, int n_threads) {
  beam.n_threads = n_threads;
  shared.progress.begin(beam.number);
  try {
    beam.result = run_beam(shared, beam);
    shared.run.store(*beam.result);
  } catch (const std::runtime_error& e) {
    beam.result.reset();
    beam.failure = e.what();
  } catch (const std::bad_alloc&) {
    beam.failure = "the machine has too little memory";
  }
  shared.progress.end(beam.number, beam.source->info().n_time);
}

void search_wave(Shared& shared, const Wave& wave, std::vector<Beam>& beams) {
  std::atomic<std::size_t> next = 0;
  const auto work = [&](int worker) {
    try {
      for (auto i = next++; i < wave.beams.size() && !shared.failure.is_set(); i = next++)
        search_beam(shared, beams[wave.beams[i]], wave.threads_of(worker));
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

// How the beams were searched.
struct Shares {
  int n_at_once = 0;
  std::int64_t memory_bytes = 0;  // most at once
  double data_s = 0.0, seconds = 0.0;
};

Shares search_beams(const SearchRequest& request, const RunDirectory& run, Plans& plans,
                    std::vector<Beam>& beams) {
  for (auto& beam : beams)
    if (beam.failure.empty()) beam.result = run.load(beam.number, beam.source->files());
  const auto begin = std::chrono::steady_clock::now();
  const auto todo = beams_to_do(beams);
  std::int64_t n_sample = 0;
  for (const auto i : todo) n_sample += beams[i].source->info().n_time;
  const std::string name = todo.empty() ? "" : beams[todo.front()].source->info().source_name;
  BeamProgress progress(name, static_cast<int>(todo.size()), n_sample, request.quiet);
  Shared shared{request, run, progress};
  Shares shares;
  for (const auto& wave : plans.waves(todo, request.config.limits)) {
    shares.n_at_once = std::max(shares.n_at_once, wave.n_worker);
    search_wave(shared, wave, beams);
  }
  shares.memory_bytes = shared.memory.most();
  for (const auto i : todo)
    if (beams[i].result) shares.data_s += beams[i].source->info().duration_s();
  shares.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return shares;
}

// Plots of the strongest detections, in the order of the table.
std::int64_t plot_all(const SearchRequest& request, const RunDirectory& run, std::vector<Beam>& beams,
                      const std::vector<Candidate>& candidates, const std::vector<std::string>& ids,
                      std::vector<std::string>& remarks) {
  std::vector<std::size_t> order(candidates.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return candidates[a].snr > candidates[b].snr; });
  std::int64_t n_plot = 0;
  for (const auto i : order) {
    if (!request.config.output.plots || n_plot >= request.config.output.max_plots) break;
    if (interrupted()) throw Interrupted("stopped by a signal while plotting; go on with --resume");
    const auto beam = std::find_if(beams.begin(), beams.end(),
                                   [&](const Beam& b) { return b.number == candidates[i].beam && b.result; });
    try {
      plot_detection(run.plot_file(ids[i]), request.config, *beam->source, candidates[i], ids[i],
                     thread_count(request.config.limits));
      ++n_plot;
    } catch (const std::runtime_error& e) {
      remarks.push_back(fmt::format("no plot of {}: {}", ids[i], e.what()));
    }
  }
  return n_plot;
}

void add_meta(Table& table, const Config& config, const std::vector<Beam>& beams) {
  table.meta.push_back({"version", std::string("tianyan ") + kVersion});
  table.meta.push_back({"config_hash", config_hash(config)});
  table.meta.push_back({"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant});
  table.meta.push_back(
      {"time_reference", std::string("arrival at the centre of the highest channel; sample k is at "
                                     "k times the sample time")});
  std::vector<std::string> inputs;
  json plan;
  for (const auto& beam : beams) {
    if (!beam.result) continue;
    if (plan.is_null()) plan = beam.plan;
    for (const auto& f : beam.result->files)
      inputs.push_back(fmt::format("M{:02d} {} {} bytes header {:016x}", beam.number, f.path, f.size_bytes,
                                   f.header_checksum));
  }
  table.meta.push_back({"inputs", inputs});
  table.meta.push_back({"plan", plan.dump()});
}

std::vector<std::string> remarks_of(const FoundInputs& found, const std::vector<Beam>& beams) {
  std::vector<std::string> remarks;
  for (const auto& line : found.skipped) remarks.push_back("skipped " + line);
  for (const auto& beam : beams) {
    if (!beam.failure.empty())
      remarks.push_back(fmt::format("beam M{:02d} failed: {}", beam.number, beam.failure));
    if (!beam.result) continue;
    for (const auto& note : beam.result->losses.notes) remarks.push_back(note);
    if (beam.result->n_events_dropped > 0)
      remarks.push_back(
          fmt::format("beam M{:02d}: {} events dropped where more than {} crowded one tile of trials and "
                      "times",
                      beam.number, beam.result->n_events_dropped, DmSearch::kMaxEventsPerTile));
  }
  return remarks;
}

bool is_incomplete(const std::vector<Beam>& beams) {
  return std::any_of(beams.begin(), beams.end(), [](const Beam& b) {
    return !b.result || b.result->losses.cut_short || b.result->n_events_dropped > 0;
  });
}

json report_of(const SearchRequest& request, const std::vector<Beam>& beams, const Shares& shares,
               const SearchSummary& summary, std::int64_t n_plot) {
  json all = json::array();
  for (const auto& beam : beams) {
    json one = beam.result ? to_json(*beam.result) : json{{"beam", beam.number}};
    one["failure"] = beam.failure.empty() ? json(nullptr) : json(beam.failure);
    one["plan"] = beam.plan;
    one["memory_bytes"] = beam.memory_bytes;
    one["threads"] = beam.n_threads;
    if (beam.result && beam.result->seconds > 0.0)
      one["real_time_factor"] = beam.result->info.duration_s() / beam.result->seconds;
    all.push_back(one);
  }
  return {{"version", kVersion},
          {"config_hash", config_hash(request.config)},
          {"exit_code", static_cast<int>(summary.exit_code)},
          {"dispersion_constant_s_mhz2_cm3_pc", kDispersionConstant},
          {"vector_instructions", vector_target()},
          {"threads", thread_count(request.config.limits)},
          {"beams_at_once", shares.n_at_once},
          {"memory_bytes", shares.memory_bytes},
          {"seconds", shares.seconds},
          {"real_time_factor", shares.data_s > 0.0 ? json(shares.data_s / shares.seconds) : json(nullptr)},
          {"n_candidate", summary.n_candidate},
          {"n_plot", n_plot},
          {"remarks", summary.remarks},
          {"beams", all}};
}

using Beams = std::vector<std::size_t>;
constexpr int kIdlePart = 8;  // of the threads, one in so many may be idle

// How many of the beams, the largest ones first, fit into the memory together.
int count_fitting(const Beams& beams, int n_threads, std::int64_t memory_bytes,
                  const FootprintOf& footprint) {
  std::vector<std::int64_t> bytes;
  for (const auto beam : beams) bytes.push_back(footprint(beam, n_threads));
  std::sort(bytes.begin(), bytes.end(), std::greater<>());
  int n = 0;
  for (const auto b : bytes) {
    if (b > memory_bytes) break;
    memory_bytes -= b;
    ++n;
  }
  return n;
}

// fitting(n_threads): how many beams fit that have so many each. Fewer beams have more threads and are no
// smaller, so what does not fit at once does not fit later.
template <class Fitting>
int count_workers(int n_beam, int n_threads, const Fitting& fitting) {
  const auto fits = [&](int n_worker) { return fitting((n_threads + n_worker - 1) / n_worker); };
  int most = std::min(n_beam, n_threads);
  for (int n = fits(most); n < most && most > 1; n = fits(most)) most = std::max(1, n);
  // Where a worker has fewer threads than others, these are idle until it is done.
  const auto n_idle = [&](int n_worker) { return n_threads % n_worker; };
  int best = most;
  for (int n = most; 2 * n > most && kIdlePart * n_idle(best) > n_threads; --n)
    if (n_idle(n) < n_idle(best) && fits(n) >= n) best = n;
  return best;
}

}  // namespace

std::vector<Wave> make_waves(Beams beams, int n_threads, std::int64_t memory_bytes,
                             const FootprintOf& footprint) {
  std::vector<Wave> waves;
  while (!beams.empty()) {
    const auto fitting = [&](int n) { return count_fitting(beams, n, memory_bytes, footprint); };
    auto& wave = waves.emplace_back();
    wave.n_worker = count_workers(static_cast<int>(beams.size()), n_threads, fitting);
    wave.n_threads = n_threads;
    while (wave.n_worker == 1 && wave.n_threads > 1 && fitting(wave.n_threads) < 1) wave.n_threads /= 2;
    const auto end = beams.begin() + std::ssize(beams) / wave.n_worker * wave.n_worker;
    wave.beams.assign(beams.begin(), end);
    beams.erase(beams.begin(), end);
  }
  return waves;
}

SearchSummary run_search(const SearchRequest& request) {
  expect(request.config.search.backend != "cuda",
         "search.backend = \"cuda\": this build has no CUDA backend; use "
         "\"auto\" or \"cpu\"");
  const auto found = find_inputs(request.inputs);
  auto beams = open_beams(found);
  Plans plans(request.config, beams);
  bind_beams(request.config, plans, beams);
  const RunDirectory run(request.run_directory, request.config, request.existing);
  catch_interrupts();
  const auto shares = search_beams(request, run, plans, beams);

  SearchSummary summary;
  std::vector<Candidate> candidates;
  std::vector<BeamOrigin> origins;
  for (const auto& beam : beams) {
    ++summary.n_beam;
    summary.n_failed += beam.result ? 0 : 1;
    if (!beam.result) continue;
    origins.push_back(
        {beam.number, beam.result->info.start, beam.result->info.ra_deg, beam.result->info.dec_deg});
    candidates.insert(candidates.end(), beam.result->candidates.begin(), beam.result->candidates.end());
  }
  require(!origins.empty(), "no beam could be searched: {}", beams.front().failure);
  summary.n_candidate = static_cast<std::int64_t>(candidates.size());
  summary.remarks = remarks_of(found, beams);
  const auto n_plot =
      plot_all(request, run, beams, candidates, detection_ids(candidates, origins), summary.remarks);
  if (is_incomplete(beams)) summary.exit_code = ExitCode::kIncomplete;

  auto candidate_table = candidates_table(candidates, origins);
  auto detection_table = detections_table(candidates, origins);
  add_meta(candidate_table, request.config, beams);
  add_meta(detection_table, request.config, beams);
  write_ecsv(run.file("candidates.ecsv"), candidate_table);
  write_ecsv(run.file("detections.ecsv"), detection_table);
  write_text(run.file("report.json"), report_of(request, beams, shares, summary, n_plot).dump(1) + "\n");
  return summary;
}

}  // namespace tianyan
