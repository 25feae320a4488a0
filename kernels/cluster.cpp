// Friends of friends on cells of time and DM.
#include "kernels/cluster.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "kernels/base/expect.hpp"

namespace tianyan {
namespace {

constexpr double kCellWidths = 1.5;

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

Clusterer::Clusterer(const ClusterParams& params) : params_(params) {
  expect(params.sample_time_s > 0.0 && params.band_delay_s_per_dm > 0.0 && params.width_max_s > 0.0,
         "clustering with samples of {} s, {} s per DM, widths to {} s", params.sample_time_s,
         params.band_delay_s_per_dm, params.width_max_s);
  Event widest;
  widest.width_s = params.width_max_s;
  n_class_ = class_of(widest) + 1;
}

int Clusterer::class_of(const Event& e) const {
  // A hair below the exact power: widths are products of the sample time, and may be off by a rounding.
  return std::max(0, static_cast<int>(std::ceil(std::log2(e.width_s / params_.sample_time_s) - 1e-6)));
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

int Clusterer::join(int a, int b) {
  a = root_of(a);
  b = root_of(b);
  if (a == b) return a;
  if (b < a) std::swap(a, b);
  merge(clusters_.at(a), clusters_.at(b));
  clusters_.erase(b);
  parent_[static_cast<std::size_t>(b)] = a;
  return a;
}

void Clusterer::add(const Event& event) {
  int id = static_cast<int>(parent_.size());
  parent_.push_back(id);
  clusters_[id] = {event, 1, event.time_s, event.time_s};
  const int own_class = std::min(class_of(event), n_class_ - 1);
  const auto around = [&](int k, const auto& visit) {
    const Cell at = cell_of(event, k);
    for (std::int64_t dt = -1; dt <= 1; ++dt)
      for (std::int64_t dd = -1; dd <= 1; ++dd) visit(Cell{k, at.time + dt, at.dm + dd});
  };
  for (int k = own_class; k < n_class_; ++k)  // events as wide or wider
    around(k, [&](const Cell& cell) {
      if (const auto found = own_.find(cell); found != own_.end()) id = join(id, found->second);
    });
  around(own_class, [&](const Cell& cell) {  // narrower events, seen in cells of this class
    const auto found = seen_.find(cell);
    if (found == seen_.end()) return;
    for (const int other : found->second) id = join(id, other);
    found->second.assign(1, id);
  });
  own_[cell_of(event, own_class)] = id;
  for (int k = own_class + 1; k < n_class_; ++k) {
    auto& ids = seen_[cell_of(event, k)];
    if (ids.empty() || root_of(ids.back()) != root_of(id)) ids.push_back(id);
  }
}

std::vector<Cluster> Clusterer::close_before(double time_s) {
  std::vector<Cluster> closed;
  std::vector<int> closed_roots;
  for (const auto& [root, cluster] : clusters_)
    if (cluster.time_last_s + reach_s() < time_s) {
      closed.push_back(cluster);
      closed_roots.push_back(root);
    }
  for (const int root : closed_roots) clusters_.erase(root);
  forget_before(time_s);
  std::sort(closed.begin(), closed.end(), [](const Cluster& a, const Cluster& b) {
    return std::tuple(a.best.time_s, a.best.dm_pc_cm3, a.best.width_s) <
           std::tuple(b.best.time_s, b.best.dm_pc_cm3, b.best.width_s);
  });
  return closed;
}

// Drops cells that are out of reach or belong to closed clusters, and numbers the open clusters anew.
void Clusterer::forget_before(double time_s) {
  std::unordered_map<int, int> number;
  std::unordered_map<int, Cluster> open;
  for (auto& [root, cluster] : clusters_) {
    const int id = static_cast<int>(number.size());
    number[root] = id;
    open[id] = cluster;
  }
  const auto is_old = [&](const Cell& cell) {
    const double cell_s = kCellWidths * std::ldexp(params_.sample_time_s, cell.width_class);
    return static_cast<double>(cell.time + 2) * cell_s + reach_s() < time_s;
  };
  decltype(own_) own;
  for (const auto& [cell, id] : own_)
    if (const auto found = number.find(root_of(id)); found != number.end() && !is_old(cell))
      own[cell] = found->second;
  decltype(seen_) seen;
  for (const auto& [cell, ids] : seen_)
    for (const int id : ids)
      if (const auto found = number.find(root_of(id)); found != number.end() && !is_old(cell))
        seen[cell].push_back(found->second);
  own_ = std::move(own);
  seen_ = std::move(seen);
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
