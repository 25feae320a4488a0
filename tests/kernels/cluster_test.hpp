// What the tests of clustering share: FAST-like parameters, pulses as a search sees them, clusters by
// definition.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>
#include <vector>

#include "kernels/base/random.hpp"
#include "kernels/cluster.hpp"

namespace tianyan {

inline ClusterParams fast_params() {
  ClusterParams p;
  p.sample_time_s = 49.152e-6;
  p.band_delay_s_per_dm = 4149.377593 * (1.0 / (1000.0 * 1000.0) - 1.0 / (1500.0 * 1500.0));  // 2.3 ms
  p.width_max_s = 0.05;
  return p;
}

/// The events of one pulse on trials around its DM: at an offset whose delay across the band is s, S/N falls
/// to (1 + s / w)^-1/2, the pulse is as wide as s, and its middle lies s / 2 earlier or later.
inline std::vector<Event> bow_tie(const ClusterParams& p, double time_s, double dm, double width_s,
                                  double snr) {
  std::vector<Event> events;
  const double step = p.sample_time_s / p.band_delay_s_per_dm;
  for (int i = -2000; i <= 2000; ++i) {
    const double s = i * step * p.band_delay_s_per_dm, at = snr / std::sqrt(1.0 + std::abs(s) / width_s);
    if (at < 6.0) continue;
    const double samples = std::max(1.0, (width_s + std::abs(s)) / p.sample_time_s);
    const double width = p.sample_time_s * std::exp2(std::floor(std::log2(samples)));
    events.push_back({time_s - 0.5 * s, dm + i * step, std::min(width, p.width_max_s), at});
  }
  return events;
}

template <class T>
void shuffle(std::vector<T>& v, Xoshiro256& random) {
  for (std::size_t i = v.size(); i > 1; --i) std::swap(v[i - 1], v[random.below(i)]);
}

inline int class_of(const ClusterParams& p, const Event& e) {
  return std::max(0, static_cast<int>(std::ceil(std::log2(e.width_s / p.sample_time_s) - 1e-6)));
}

/// The header's definition of friends.
inline bool are_friends(const ClusterParams& p, const Event& a, const Event& b) {
  const double cell_s = 1.5 * std::ldexp(p.sample_time_s, std::max(class_of(p, a), class_of(p, b)));
  const double cell_dm = cell_s / p.band_delay_s_per_dm;
  return std::abs(std::floor(a.time_s / cell_s) - std::floor(b.time_s / cell_s)) <= 1.0 &&
         std::abs(std::floor(a.dm_pc_cm3 / cell_dm) - std::floor(b.dm_pc_cm3 / cell_dm)) <= 1.0;
}

/// And of whom an event may follow.
inline bool may_follow(const ClusterParams& p, const Event& e, const Event& leader) {
  const int wider_by = std::max(0, class_of(p, leader) - class_of(p, e));
  return are_friends(p, e, leader) && more_significant(leader, e) &&
         (wider_by == 0 || leader.snr >= (e.snr - 2.0) * std::pow(2.0, 0.5 * wider_by) / 1.5);
}

inline auto key(const Cluster& c) {
  return std::tuple(c.time_first_s, c.time_last_s, c.n_members, c.best.time_s, c.best.dm_pc_cm3,
                    c.best.width_s, c.best.snr);
}

inline void sort_clusters(std::vector<Cluster>& clusters) {
  std::sort(clusters.begin(), clusters.end(),
            [](const Cluster& a, const Cluster& b) { return key(a) < key(b); });
}

/// Each event with each compared; no two are equal.
inline std::vector<Cluster> clusters_by_definition(const ClusterParams& p, std::vector<Event> events) {
  std::sort(events.begin(), events.end(), more_significant);
  std::vector<Cluster> clusters;
  std::vector<std::size_t> cluster_of;  // [event], the strongest first: leaders come before their followers
  for (const auto& e : events) {
    std::size_t leader = 0;
    while (leader < cluster_of.size() && !may_follow(p, e, events[leader])) ++leader;
    if (leader == cluster_of.size()) {
      cluster_of.push_back(clusters.size());
      clusters.push_back({e, 0, e.time_s, e.time_s});
    } else {
      cluster_of.push_back(cluster_of[leader]);
    }
    auto& c = clusters[cluster_of.back()];
    c.time_first_s = std::min(c.time_first_s, e.time_s);
    c.time_last_s = std::max(c.time_last_s, e.time_s);
    ++c.n_members;
  }
  sort_clusters(clusters);
  return clusters;
}

inline std::vector<Cluster> clusters_of(const ClusterParams& p, const std::vector<Event>& events) {
  Clusterer clusterer(p);
  for (const auto& e : events) clusterer.add(e);
  return clusterer.close_before(1e9);
}

}  // namespace tianyan
