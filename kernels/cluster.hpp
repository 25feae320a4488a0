// Clusters by steepest ascent: events that one pulse causes at many trials, times and widths become one
// candidate, and pulses that a wide box covers together stay two.
//
// An event of width w is of class k = ceil(log2(w / sample_time)). The cells of a class have the size
//
//   cell_time = 1.5 * 2^k sample_time,   cell_dm = cell_time / (K (f_low^-2 - f_high^-2)) or the trials' step
//
// that is, a change of DM counts by the delay that it makes across the band, and neighbouring trials are
// always in the same or in touching cells. Two events are friends when, in the cells of the wider one's
// class, they are in the same or in touching cells. An event of class k follows its most significant friend
// that is more significant than itself and, being of a wider class m > k, strong enough to be its cause:
//
//   snr_m >= (snr_k - 2) * 2^((m - k) / 2) / 1.5
//
// since a steady signal of S/N snr_m in the wide box gives snr_m * 2^((k - m) / 2) in the narrow one (1.5 is
// for a profile's peak, 2 for the noise, as in absorb_sidelobes). An event that follows none is the best of
// its cluster; the others belong to the cluster of the one that they follow. So equal pulses at one DM are
// told apart where they are more than about three widths apart, however many boxes cover both.
// Cells are fixed in absolute time, so neither the order nor the blocks in which events arrive change a
// cluster.
#pragma once
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

#include "kernels/base/candidate.hpp"

namespace tianyan {

struct ClusterParams {
  double sample_time_s = 0.0;
  double band_delay_s_per_dm = 0.0;  ///< K (f_low^-2 - f_high^-2), s per pc/cm3
  double width_max_s = 0.0;          ///< wider events are of its class
  double dm_step_pc_cm3 = 0.0;       ///< the largest between neighbouring trials
};

struct Cluster {
  Event best;
  std::int64_t n_members = 0;
  double time_first_s = 0.0, time_last_s = 0.0;
};

/// Total order of events by significance: higher S/N, then narrower, earlier, lower DM.
bool more_significant(const Event& a, const Event& b);

/// Streams: memory is that of the events within two reaches of the latest ones.
///
/// A stretch [begin_s, end_s) of a stream can be clustered by itself: clusters that events beyond its ends
/// may belong to are not closed but given back event by event. Those of all stretches, clustered together,
/// and the closed ones are the clusters of the whole.
class Clusterer {
 public:
  /// Throws std::invalid_argument for parameters that are not positive.
  explicit Clusterer(const ClusterParams& params, double begin_s = -std::numeric_limits<double>::infinity(),
                     double end_s = std::numeric_limits<double>::infinity());
  void add(const Event& event);
  /// All events before `time_s` have been added: returns, in order of time, the clusters that no later one
  /// can join. Such are those whose last event is two reaches old: the events of the first reach may yet
  /// follow what comes, those of the second may be followed by them.
  std::vector<Cluster> close_before(double time_s);
  /// Longest time between two friends, s.
  double reach_s() const;
  /// The events of clusters that reach the stretch's ends and would have been closed so far.
  std::vector<Event> take_edge_events();
  std::int64_t n_open() const { return static_cast<std::int64_t>(clusters_.size()); }

 private:
  struct Cell {
    int width_class;
    std::int64_t time, dm;
    bool operator==(const Cell&) const = default;
  };
  struct CellHash {
    std::size_t operator()(const Cell& c) const;
  };
  struct Member {
    Event event;
    int id;  // index into parent_
  };
  struct OpenCluster {
    Cluster cluster;
    std::vector<Event> members;
  };
  using BestOfCell = std::unordered_map<Cell, Member, CellHash>;
  Cell cell_of(const Event& event, int width_class) const;
  int class_of(const Event& event) const;
  const Member* to_follow(const Member& member) const;
  int root_of(int id);
  void join(int follower, int leader);
  void forget_before(double time_s);

  bool reaches_an_end(const Cluster& cluster) const;

  ClusterParams params_;
  double begin_s_, end_s_;
  int n_class_;
  std::vector<int> parent_;                        // [id], the root of a set is its own
  std::unordered_map<int, OpenCluster> clusters_;  // by root
  std::vector<Event> edge_events_;
  std::vector<Member> waiting_;  // for friends that may yet come
  BestOfCell own_;               // most significant event of each class in that class's cells
  BestOfCell narrower_;          // most significant event of all narrower classes in a class's cells
};

/// One pulse, one candidate: a cluster whose best event is what a stronger pulse leaves at a wrong DM is
/// added to the stronger one's members. `b` is taken into `a` when |t_b - t_a| <= s + w_a + w_b and snr_b
/// <= 1.5 snr_a sqrt(w_a / (w_a + s)) + 2, s being the delay of their difference in DM across the band.
std::vector<Cluster> absorb_sidelobes(std::vector<Cluster> clusters, const ClusterParams& params);

}  // namespace tianyan
