// Plans, footprints and devices of beams.
#include <algorithm>
#include <limits>

#include "pipeline/beam_runner.hpp"
#include "pipeline/memory_limit.hpp"

namespace tianyan {
namespace {

// All that plans and footprints are made of.
bool is_same_stream(const Source& a, const Source& b) {
  const StreamInfo &x = a.info(), &y = b.info();
  return a.format() == b.format() && x.n_chan == y.n_chan && x.n_pol == y.n_pol &&
         x.freq_low_mhz == y.freq_low_mhz && x.channel_width_mhz == y.channel_width_mhz &&
         x.sample_time_s == y.sample_time_s && x.n_time == y.n_time;
}

}  // namespace

std::vector<std::size_t> sound_beams(const std::vector<Beam>& beams) {
  std::vector<std::size_t> sound;
  for (std::size_t i = 0; i < beams.size(); ++i)
    if (beams[i].failure.empty()) sound.push_back(i);
  return sound;
}

bool holds(const std::vector<std::size_t>& beams, std::size_t beam) {
  return std::find(beams.begin(), beams.end(), beam) != beams.end();
}

Wave wave_in_step(const LimitsConfig& limits, std::vector<std::size_t> group) {
  Wave wave;
  wave.n_threads = thread_count(limits);
  wave.n_worker = std::clamp(static_cast<int>(group.size()), 1, wave.n_threads);
  wave.n_threads = wave.n_threads / wave.n_worker * wave.n_worker;
  wave.beams = std::move(group);
  return wave;
}

Plans::Plans(const Config& config, const std::vector<Beam>& beams, ChosenDevices devices)
    : config_(config), beams_(beams), devices_(std::move(devices)) {
  config_.limits.memory_bytes = std::numeric_limits<std::int64_t>::max();
}

const SearchPlan& Plans::of(std::size_t beam) {
  const auto kind = first_like(beam);
  const auto found = plans_.find(kind);
  if (found != plans_.end()) return found->second;
  return plans_[kind] = make_search_plan(config_, beams_[beam].source->info());
}

std::int64_t Plans::memory_bytes(std::size_t beam, int n_threads) {
  const auto key = std::pair{first_like(beam), n_threads};
  if (const auto found = memory_bytes_.find(key); found != memory_bytes_.end()) return found->second;
  return memory_bytes_[key] = footprint(beam, n_threads).total();
}

Footprint Plans::footprint(std::size_t beam, int n_threads) {
  auto& source = *beams_[beam].source;
  return BeamSearch(config_, source, beams_[beam].number, n_threads, of(beam), whole_stream(source.info()),
                    devices_.of(0))
      .footprint();
}

// Of a beam with all threads, which no wave gives more than.
std::int64_t Plans::device_bytes(std::size_t beam) {
  return devices_.any() ? footprint(beam, thread_count(config_.limits)).device : 0;
}

std::vector<Wave> Plans::waves(const std::vector<std::size_t>& todo, const LimitsConfig& limits) {
  int most_at_once = std::numeric_limits<int>::max();
  if (devices_.any() && !todo.empty()) {
    std::int64_t largest = 0;
    std::size_t kind = beams_.size();
    for (const auto i : todo)
      if (const auto first = first_like(i); first != kind)
        largest = std::max(largest, device_bytes(kind = first));
    most_at_once = std::max(1, devices_.n_fitting(largest));
  }
  return make_waves(
      todo, thread_count(limits), limits.memory_bytes,
      [&](std::size_t beam, int n_threads) { return memory_bytes(beam, n_threads); }, most_at_once);
}

void Plans::settle_devices() {
  if (!devices_.any()) return;
  const auto why = why_not_on_devices();
  if (why.empty()) return;
  require(config_.search.backend != "cuda",
          "search.backend = \"cuda\": {}; lower search.dm_max_pc_cm3 or search.block_s, raise "
          "limits.device_memory_bytes, set rfi.beams.enabled = false, or search on the host",
          why);
  devices_ = {{}, why};
  memory_bytes_.clear();
}

// Empty where all that is planned can be searched there.
std::string Plans::why_not_on_devices() {
  const auto group = beams_in_step(config_.rfi, beams_);
  for (std::size_t i = 0; i < beams_.size(); ++i) {
    if (beams_[i].plan == nullptr || first_like(i) != i) continue;
    std::int64_t bytes = 0;
    try {
      bytes = device_bytes(i);
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    const auto n_beam = holds(group, i) ? group.size() : std::size_t{1};
    if (static_cast<std::size_t>(devices_.n_fitting(bytes)) < n_beam)
      return fmt::format("{} take{} {:.2f} GB of device memory{}, and {} has {:.2f} GB",
                         n_beam == 1 ? "a beam" : fmt::format("{} beams at once (rfi.beams)", n_beam),
                         n_beam == 1 ? "s" : "", static_cast<double>(bytes) / 1e9, n_beam == 1 ? "" : " each",
                         devices_.devices.front().name,
                         static_cast<double>(devices_.devices.front().usable_bytes) / 1e9);
  }
  return "";
}

std::size_t Plans::first_like(std::size_t beam) const {
  std::size_t i = 0;
  while (!beams_[i].source || !is_same_stream(*beams_[i].source, *beams_[beam].source)) ++i;
  return i;
}

std::int64_t memory_of(const Wave& group, Plans& plans) {
  std::int64_t bytes = 0;
  for (const auto i : group.beams) bytes += plans.memory_bytes(i, group.threads_of(0));
  return bytes;
}

std::int64_t Plans::peak_memory_bytes(const LimitsConfig& limits) {
  const auto group = beams_in_step(config_.rfi, beams_);
  std::int64_t most = memory_of(wave_in_step(limits, group), *this);
  std::vector<std::size_t> alone;
  for (const auto i : sound_beams(beams_))
    if (!holds(group, i)) alone.push_back(i);
  for (const auto& wave : waves(alone, limits)) {
    std::int64_t largest = 0;
    for (const auto i : wave.beams) largest = std::max(largest, memory_bytes(i, wave.threads_of(0)));
    most = std::max(most, largest * wave.n_worker);
  }
  return most;
}

}  // namespace tianyan
