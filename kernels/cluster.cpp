// Steepest ascent on cells of time and DM.
#include "kernels/cluster.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr double kCellWidths = 1.5;
constexpr double kPeakFactor = 1.5;  ///< a profile's peak over its mean, in boxes
constexpr double kNoiseSnr = 2.0;

// A hair below the exact power: widths are products of the sample time, and may be off by a rounding.
int width_class(double width_samples) {
  return std::max(0, static_cast<int>(std::ceil(std::log2(width_samples) - 1e-6)));
}

void merge(Cluster& into, const Cluster& other) {
  if (more_significant(other.best, into.best)) into.best = other.best;
  into.n_members += other.n_members;
  into.time_first_s = std::min(into.time_first_s, other.time_first_s);
  into.time_last_s = std::max(into.time_last_s, other.time_last_s);
}

}  // namespace

bool more_significant(const Event& a, const Event& b) {
  return std::tuple(-a.snr, a.width_s, a.time_s, a.dm_pc_cm3) <
         std::tuple(-b.snr, b.width_s, b.time_s, b.dm_pc_cm3);
}

std::size_t Clusterer::CellHash::operator()(const Cell& c) const {
  auto h = static_cast<std::uint64_t>(c.time) * 0x9E3779B97F4A7C15U;
  h ^= static_cast<std::uint64_t>(c.dm) * 0xC2B2AE3D27D4EB4FU + (h >> 29);
  h ^= static_cast<std::uint64_t>(c.width_class) * 0x165667B19E3779F9U + (h >> 31);
  return static_cast<std::size_t>(h ^ (h >> 32));
}

Clusterer::Clusterer(const ClusterParams& params, double begin_s, double end_s)
    : params_(params), begin_s_(begin_s), end_s_(end_s) {
  expect(params.sample_time_s > 0.0 && params.band_delay_s_per_dm > 0.0 && params.width_max_s > 0.0,
         "clustering with samples of {} s, {} s per DM, widths to {} s", params.sample_time_s,
         params.band_delay_s_per_dm, params.width_max_s);
  n_class_ = width_class(params.width_max_s / params.sample_time_s) + 1;
}

int Clusterer::class_of(const Event& e) const {
  return std::min(n_class_ - 1, width_class(e.width_s / params_.sample_time_s));
}

Clusterer::Cell Clusterer::cell_of(const Event& e, int k) const {
  const double time_s = kCellWidths * std::ldexp(params_.sample_time_s, k);
  const double dm = std::max(time_s / params_.band_delay_s_per_dm, params_.dm_step_pc_cm3);
  return {k, static_cast<std::int64_t>(std::floor(e.time_s / time_s)),
          static_cast<std::int64_t>(std::floor(e.dm_pc_cm3 / dm))};
}

double Clusterer::reach_s() const {
  return 2.0 * kCellWidths * std::ldexp(params_.sample_time_s, n_class_ - 1);
}

int Clusterer::root_of(int id) {
  while (parent_[static_cast<std::size_t>(id)] != id) {
    auto& up = parent_[static_cast<std::size_t>(id)];
    up = parent_[static_cast<std::size_t>(up)];
    id = up;
  }
  return id;
}

void Clusterer::join(int follower, int leader) {
  follower = root_of(follower);
  leader = root_of(leader);
  OpenCluster& into = clusters_.at(leader);
  OpenCluster& other = clusters_.at(follower);
  merge(into.cluster, other.cluster);
  if (into.members.size() < other.members.size()) into.members.swap(other.members);
  into.members.insert(into.members.end(), other.members.begin(), other.members.end());
  clusters_.erase(follower);
  parent_[static_cast<std::size_t>(follower)] = leader;
}

void Clusterer::add(const Event& event) {
  const int own_class = class_of(event);
  const Member member{event, static_cast<int>(parent_.size())};
  parent_.push_back(member.id);
  clusters_[member.id] = {{event, 1, event.time_s, event.time_s}, {event}};
  waiting_.push_back(member);
  const auto offer = [&](BestOfCell& best, int width_class) {
    const auto [at, is_new] = best.try_emplace(cell_of(event, width_class), member);
    if (!is_new && more_significant(event, at->second.event)) at->second = member;
  };
  offer(own_, own_class);
  for (int k = own_class + 1; k < n_class_; ++k) offer(narrower_, k);
}

// The best of a cell speaks for all of it: if any event of one class there may be followed, it may.
const Clusterer::Member* Clusterer::to_follow(const Member& member) const {
  const Event& event = member.event;
  const Member* leader = &member;
  const auto look = [&](const BestOfCell& best, int k, double snr_least) {
    const Cell at = cell_of(event, k);
    for (std::int64_t dt = -1; dt <= 1; ++dt)
      for (std::int64_t dd = -1; dd <= 1; ++dd) {
        const auto found = best.find(Cell{k, at.time + dt, at.dm + dd});
        if (found == best.end() || found->second.event.snr < snr_least) continue;
        if (!more_significant(leader->event, found->second.event)) leader = &found->second;
      }
  };
  const int own_class = class_of(event);
  look(narrower_, own_class, 0.0);
  look(own_, own_class, 0.0);
  for (int k = own_class + 1; k < n_class_; ++k)
    look(own_, k, (event.snr - kNoiseSnr) * std::exp2(0.5 * (k - own_class)) / kPeakFactor);
  return leader->id == member.id ? nullptr : leader;
}

std::vector<Cluster> Clusterer::close_before(double time_s) {
  const auto still = std::partition(waiting_.begin(), waiting_.end(),
                                    [&](const Member& m) { return !(m.event.time_s + reach_s() < time_s); });
  for (auto member = still; member != waiting_.end(); ++member)
    if (const Member* leader = to_follow(*member)) join(member->id, leader->id);
  waiting_.erase(still, waiting_.end());
  std::vector<Cluster> closed;
  std::erase_if(clusters_, [&](const auto& root_and_open) {
    const auto& [cluster, members] = root_and_open.second;
    if (!(cluster.time_last_s + 2.0 * reach_s() < time_s)) return false;
    if (reaches_an_end(cluster))
      edge_events_.insert(edge_events_.end(), members.begin(), members.end());
    else
      closed.push_back(cluster);
    return true;
  });
  forget_before(time_s);
  std::sort(closed.begin(), closed.end(), [](const Cluster& a, const Cluster& b) {
    return std::tuple(a.best.time_s, a.best.dm_pc_cm3, a.best.width_s) <
           std::tuple(b.best.time_s, b.best.dm_pc_cm3, b.best.width_s);
  });
  return closed;
}

bool Clusterer::reaches_an_end(const Cluster& cluster) const {
  return cluster.time_first_s - reach_s() < begin_s_ || cluster.time_last_s + reach_s() >= end_s_;
}

std::vector<Event> Clusterer::take_edge_events() {
  std::sort(edge_events_.begin(), edge_events_.end(), more_significant);
  return std::exchange(edge_events_, {});
}

// Drops what no event can follow any more, and numbers the open clusters anew.
void Clusterer::forget_before(double time_s) {
  std::unordered_map<int, int> number;  // of each root
  std::unordered_map<int, OpenCluster> open;
  for (auto& [root, cluster] : clusters_) {
    const int id = static_cast<int>(number.size());
    number[root] = id;
    open[id] = std::move(cluster);
  }
  for (BestOfCell* best : {&own_, &narrower_}) {
    std::erase_if(*best, [&](const auto& cell_and_member) {
      return cell_and_member.second.event.time_s + 2.0 * reach_s() < time_s;
    });
    for (auto& [cell, member] : *best) member.id = number.at(root_of(member.id));
  }
  for (Member& member : waiting_) member.id = number.at(root_of(member.id));
  clusters_ = std::move(open);
  parent_.resize(clusters_.size());
  std::iota(parent_.begin(), parent_.end(), 0);
}

std::vector<Cluster> absorb_sidelobes(std::vector<Cluster> clusters, const ClusterParams& params) {
  std::sort(clusters.begin(), clusters.end(),
            [](const Cluster& a, const Cluster& b) { return more_significant(a.best, b.best); });
  const auto is_sidelobe = [&](const Event& b, const Event& a) {
    const double s = std::abs(b.dm_pc_cm3 - a.dm_pc_cm3) * params.band_delay_s_per_dm;
    return std::abs(b.time_s - a.time_s) <= s + a.width_s + b.width_s &&
           b.snr <= 1.5 * a.snr * std::sqrt(a.width_s / (a.width_s + s)) + 2.0;
  };
  double lowest_dm = 0.0, highest_dm = 0.0, widest_s = 0.0;
  for (const auto& cluster : clusters) {
    lowest_dm = std::min(lowest_dm, cluster.best.dm_pc_cm3);
    highest_dm = std::max(highest_dm, cluster.best.dm_pc_cm3);
    widest_s = std::max(widest_s, cluster.best.width_s);
  }
  const double reach_s = (highest_dm - lowest_dm) * params.band_delay_s_per_dm + 2.0 * widest_s;
  std::vector<Cluster> kept;
  std::multimap<double, std::size_t> kept_at;  // by time: only those within reach can be the owner
  for (const auto& cluster : clusters) {
    std::size_t owner = kept.size();  // the most significant one, which was kept first
    const double t = cluster.best.time_s;
    for (auto near = kept_at.lower_bound(t - reach_s); near != kept_at.end() && near->first <= t + reach_s;
         ++near)
      if (near->second < owner && is_sidelobe(cluster.best, kept[near->second].best)) owner = near->second;
    if (owner < kept.size()) {
      merge(kept[owner], cluster);
    } else {
      kept_at.emplace(t, kept.size());
      kept.push_back(cluster);
    }
  }
  std::sort(kept.begin(), kept.end(), [](const Cluster& a, const Cluster& b) {
    return std::tuple(a.best.time_s, a.best.dm_pc_cm3) < std::tuple(b.best.time_s, b.best.dm_pc_cm3);
  });
  return kept;
}

}  // namespace tianyan
