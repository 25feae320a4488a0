// Clustering: friends by hand, any order and any cuts, bow-ties, sidelobes, and a real single-pulse list.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "tests/kernels/cluster_test.hpp"
#include "tests/kernels/kernel_test.hpp"

namespace tianyan {
namespace {

bool same(std::vector<Cluster> a, std::vector<Cluster> b) {
  sort_clusters(a);
  sort_clusters(b);
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Cluster& x, const Cluster& y) { return key(x) == key(y); });
}

// Clumps and loners over ten seconds and 200 units of DM, of all widths, most of them narrow.
std::vector<Event> random_events(const ClusterParams& p, int n, Xoshiro256& random) {
  std::vector<Event> events;
  while (std::ssize(events) < n) {
    const double time_s = 10.0 * random.uniform(), dm = 500.0 + 200.0 * random.uniform();
    for (auto left = random_between(random, 1, 12); left > 0; --left)
      events.push_back({time_s + 1e-3 * gaussian(random), dm + 0.4 * gaussian(random),
                        p.sample_time_s * std::exp2(static_cast<double>(random.below(1 + random.below(10)))),
                        static_cast<double>(random_between(random, 6, 12))});  // S/N often ties
  }
  return events;
}

TEST(MoreSignificant, IsByStrengthThenWidthThenTimeThenDm) {
  const Event e{1.0, 100.0, 0.01, 8.0};
  EXPECT_TRUE(more_significant({2.0, 200.0, 0.02, 8.5}, e));
  EXPECT_TRUE(more_significant({2.0, 200.0, 0.005, 8.0}, e));
  EXPECT_TRUE(more_significant({0.5, 200.0, 0.01, 8.0}, e));
  EXPECT_TRUE(more_significant({1.0, 99.0, 0.01, 8.0}, e));
  EXPECT_FALSE(more_significant(e, e));
}

TEST(Clusterer, FriendsByHand) {
  // Samples of 1 s and 1 s per DM: cells of the narrowest are 1.5 s and 1.5 DM, of the next class 3 and 3.
  const ClusterParams p{1.0, 1.0, 8.0};
  const auto count = [&](const Event& a, const Event& b) { return clusters_of(p, {a, b}).size(); };
  EXPECT_EQ(count({0.1, 0.1, 1.0, 9.0}, {2.9, 2.9, 1.0, 8.0}), 1u);  // cells 0 and 1
  EXPECT_EQ(count({0.1, 0.1, 1.0, 9.0}, {3.1, 0.1, 1.0, 8.0}), 2u);  // cells 0 and 2
  EXPECT_EQ(count({0.1, 0.1, 1.0, 9.0}, {0.1, 3.1, 1.0, 8.0}), 2u);
  EXPECT_EQ(count({0.1, 0.1, 2.0, 9.0}, {5.9, 3.1, 1.0, 8.0}), 1u);  // the wider one's cells count
  EXPECT_EQ(count({5.9, 3.1, 1.0, 8.0}, {0.1, 0.1, 2.0, 9.0}), 1u);
  EXPECT_EQ(count({0.1, 0.1, 2.0, 9.0}, {6.1, 3.1, 1.0, 8.0}), 2u);
  EXPECT_EQ(count({-0.1, 0.1, 1.0, 9.0}, {1.6, 0.1, 1.0, 8.0}), 2u);  // cells -1 and 1
}

TEST(Clusterer, AWideEventFollowsTheStrongerOfWhatIsApart) {
  const ClusterParams p{1.0, 1.0, 8.0};
  std::vector<Event> events = {{0.1, 0.1, 1.0, 9.0}, {2.0, 0.1, 4.0, 7.0}, {4.0, 0.1, 1.0, 8.0}};
  std::sort(events.begin(), events.end(), [](auto& a, auto& b) { return a.snr < b.snr; });
  do {
    const auto clusters = clusters_of(p, events);
    ASSERT_EQ(clusters.size(), 2u);
    EXPECT_EQ(clusters[0].best.snr, 9.0);
    EXPECT_EQ(clusters[0].n_members, 2);
    EXPECT_EQ(clusters[0].time_first_s, 0.1);
    EXPECT_EQ(clusters[0].time_last_s, 2.0);
    EXPECT_EQ(clusters[1].best.snr, 8.0);
    EXPECT_EQ(clusters[1].n_members, 1);
  } while (
      std::next_permutation(events.begin(), events.end(), [](auto& a, auto& b) { return a.snr < b.snr; }));
}

TEST(Clusterer, ANarrowEventFollowsAWiderOneThatCanBeItsCause) {
  // Two classes wider: twice the S/N of the narrow one less 2, over 1.5.
  const ClusterParams p{1.0, 1.0, 8.0};
  const auto count = [&](double snr, double snr_wide) {
    return clusters_of(p, {{0.1, 0.1, 1.0, snr}, {2.0, 0.1, 4.0, snr_wide}}).size();
  };
  EXPECT_EQ(count(20.0, 24.01), 1u);
  EXPECT_EQ(count(20.0, 23.99), 2u);
  EXPECT_EQ(count(7.0, 7.1), 1u);
  EXPECT_EQ(count(7.1, 7.0), 1u);  // the wide one follows the narrow one, however much stronger
  EXPECT_EQ(count(50.0, 7.0), 1u);
}

TEST(Clusterer, EqualEventsAreOne) {
  const auto p = fast_params();
  const Event e{1.0, 100.0, 1e-3, 8.0};
  const auto clusters = clusters_of(p, {e, e, e});
  ASSERT_EQ(clusters.size(), 1u);
  EXPECT_EQ(clusters[0].n_members, 3);
}

TEST(Clusterer, MatchesTheDefinitionInAnyOrder) {
  Xoshiro256 random(1);
  const auto p = fast_params();
  for (int n : {1, 3, 7, 50, 300, 600})
    for (int round = 0; round < 4; ++round) {
      auto events = random_events(p, n, random);
      const auto expected = clusters_by_definition(p, events);
      EXPECT_TRUE(n < 50 || (std::ssize(expected) > n / 20 && std::ssize(expected) < 4 * n / 5))
          << expected.size();
      EXPECT_TRUE(same(clusters_of(p, events), expected)) << n;
      shuffle(events, random);
      EXPECT_TRUE(same(clusters_of(p, events), expected)) << n << " shuffled";
    }
}

TEST(Clusterer, ClosingInBetweenChangesNothing) {
  Xoshiro256 random(2);
  const auto p = fast_params();
  for (int round = 0; round < 12; ++round) {
    auto events = random_events(p, 400, random);
    const auto expected = clusters_by_definition(p, events);
    std::sort(events.begin(), events.end(), [](auto& a, auto& b) { return a.time_s < b.time_s; });
    Clusterer clusterer(p);
    std::vector<Cluster> closed;
    for (std::size_t i = 0; i < events.size();) {
      const auto end = std::min(events.size(), i + 1 + random.below(60));
      std::vector<Event> block(events.begin() + static_cast<std::ptrdiff_t>(i),
                               events.begin() + static_cast<std::ptrdiff_t>(end));
      shuffle(block, random);
      for (const auto& e : block) clusterer.add(e);
      i = end;
      if (random.below(3) == 0) continue;
      const double before = i < events.size() ? events[i].time_s : events.back().time_s;
      for (const auto& c : clusterer.close_before(before)) closed.push_back(c);
    }
    for (const auto& c : clusterer.close_before(1e9)) closed.push_back(c);
    EXPECT_TRUE(same(closed, expected)) << round;
    EXPECT_EQ(clusterer.n_open(), 0);
  }
}

TEST(Clusterer, ClosesInOrderOfTimeWhatNothingCanJoin) {
  const auto p = fast_params();
  Clusterer clusterer(p);
  for (double t : {3.0, 1.0, 2.0}) clusterer.add({t, 100.0, 1e-3, 8.0});
  EXPECT_EQ(clusterer.n_open(), 3);
  EXPECT_TRUE(clusterer.close_before(1.0 + 2.0 * clusterer.reach_s()).empty());
  const auto closed = clusterer.close_before(2.0 + 2.001 * clusterer.reach_s());
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(closed[0].best.time_s, 1.0);
  EXPECT_EQ(closed[1].best.time_s, 2.0);
  EXPECT_EQ(clusterer.n_open(), 1);
}

TEST(Clusterer, ABowTieIsOnePulse) {
  const auto p = fast_params();
  for (double width_s : {1e-4, 1e-3, 1e-2})
    for (double snr : {8.0, 30.0, 200.0}) {
      auto events = bow_tie(p, 10.0, 557.0, width_s, snr);
      Xoshiro256 random(3);
      shuffle(events, random);
      const auto clusters = clusters_of(p, events);
      ASSERT_EQ(clusters.size(), 1u) << width_s << " s, S/N " << snr;
      EXPECT_EQ(clusters[0].n_members, std::ssize(events));
      EXPECT_EQ(clusters[0].best.snr, snr);
      EXPECT_EQ(clusters[0].best.dm_pc_cm3, 557.0);
    }
}

// What a search sees of pulses of one DM: boxes of all widths at all times, whose S/N is the flux that they
// cover over the root of their width.
std::vector<Event> boxes_of(const ClusterParams& p, double dm, const std::vector<Event>& pulses) {
  std::vector<Event> events;
  for (double width_s = p.sample_time_s; width_s <= p.width_max_s; width_s *= 2.0)
    for (double t = 9.9; t < 10.2; t += std::max(p.sample_time_s, width_s / 8.0)) {
      double snr = 0.0;
      for (const auto& pulse : pulses) {
        const double begin = std::max(t - 0.5 * width_s, pulse.time_s - 0.5 * pulse.width_s);
        const double end = std::min(t + 0.5 * width_s, pulse.time_s + 0.5 * pulse.width_s);
        if (begin < end) snr += pulse.snr * (end - begin) / std::sqrt(pulse.width_s * width_s);
      }
      if (snr >= 6.0) events.push_back({t, dm, width_s, snr});
    }
  return events;
}

TEST(Clusterer, PulsesTwentyMillisecondsApartAreTwo) {
  const auto p = fast_params();
  const double width_s = 32 * p.sample_time_s;  // 1.6 ms
  for (double snr : {29.0, 25.0, 12.0}) {       // beside one of 30, which the widest boxes cover with it
    auto events = bow_tie(p, 10.0, 557.0, width_s, 30.0);
    for (const auto& e : bow_tie(p, 10.02, 557.0, width_s, snr)) events.push_back(e);
    for (const auto& e :
         boxes_of(p, 557.0, {{10.0, 557.0, width_s, 29.0}, {10.02, 557.0, width_s, snr - 1.0}}))
      events.push_back(e);
    const auto clusters = absorb_sidelobes(clusters_of(p, events), p);
    ASSERT_EQ(clusters.size(), 2u) << snr;
    EXPECT_EQ(clusters[0].best.time_s, 10.0);
    EXPECT_EQ(clusters[0].best.snr, 30.0);
    EXPECT_EQ(clusters[1].best.time_s, 10.02);
    EXPECT_EQ(clusters[1].best.snr, snr);
  }
}

TEST(Clusterer, PulsesThatTouchAreOne) {
  const auto p = fast_params();
  const double width_s = 32 * p.sample_time_s;
  const std::vector<Event> pair = {{10.0, 557.0, width_s, 20.0}, {10.0 + width_s, 557.0, width_s, 18.0}};
  const auto clusters = absorb_sidelobes(clusters_of(p, boxes_of(p, 557.0, pair)), p);
  ASSERT_EQ(clusters.size(), 1u);
  EXPECT_EQ(clusters[0].best.width_s, 2.0 * width_s);
}

TEST(Clusterer, MemoryIsThatOfTheLatestEvents) {
  const auto p = fast_params();
  Clusterer clusterer(p);
  std::int64_t n_closed = 0;
  for (int second = 0; second < 60; ++second) {
    for (const auto& e : bow_tie(p, second + 0.5, 100.0 + second, 1e-3, 15.0)) clusterer.add(e);
    n_closed += std::ssize(clusterer.close_before(second + 1.0));
    EXPECT_LE(clusterer.n_open(), 1);
  }
  n_closed += std::ssize(clusterer.close_before(1e9));
  EXPECT_EQ(n_closed, 60);
  EXPECT_EQ(clusterer.n_open(), 0);
}

TEST(Clusterer, WiderEventsThanTheWidestAreOfItsClass) {
  const ClusterParams p{1.0, 1.0, 4.0};
  EXPECT_EQ(clusters_of(p, {{0.1, 0.1, 6.0, 9.0}, {11.9, 0.1, 1.0, 7.0}}).size(), 1u);
  EXPECT_EQ(clusters_of(p, {{0.1, 0.1, 6.0, 9.0}, {12.1, 0.1, 1.0, 7.0}}).size(), 2u);
}

TEST(Clusterer, RefusesParametersThatAreNotPositive) {
  EXPECT_NO_THROW(Clusterer(ClusterParams{1.0, 1.0, 1.0}));
  EXPECT_THROW(Clusterer(ClusterParams{0.0, 1.0, 1.0}), std::invalid_argument);
  EXPECT_THROW(Clusterer(ClusterParams{1.0, -1.0, 1.0}), std::invalid_argument);
  EXPECT_THROW(Clusterer(ClusterParams{1.0, 1.0, std::numeric_limits<double>::quiet_NaN()}),
               std::invalid_argument);
}

Cluster cluster_at(double time_s, double dm, double width_s, double snr, std::int64_t n) {
  return {{time_s, dm, width_s, snr}, n, time_s - 0.1, time_s + 0.1};
}

TEST(AbsorbSidelobes, TakesWhatAStrongerPulseLeavesAtAWrongDm) {
  // 0.01 s per DM: at 30 away s = 0.3 s; reach 0.3 + 0.1 + 0.2 = 0.6 s; limit 1.5 * 40 * (1 / 4)^1/2 + 2
  // = 32.
  const ClusterParams p{1e-3, 0.01, 1.0};
  const auto strong = cluster_at(10.0, 100.0, 0.1, 40.0, 50);
  const auto count = [&](const Cluster& weak) { return absorb_sidelobes({weak, strong}, p).size(); };
  EXPECT_EQ(count(cluster_at(10.59, 130.0, 0.2, 31.9, 5)), 1u);
  EXPECT_EQ(count(cluster_at(9.41, 70.0, 0.2, 31.9, 5)), 1u);
  EXPECT_EQ(count(cluster_at(10.61, 130.0, 0.2, 31.9, 5)), 2u);
  EXPECT_EQ(count(cluster_at(10.59, 130.0, 0.2, 32.1, 5)), 2u);
  const auto kept = absorb_sidelobes({cluster_at(10.5, 130.0, 0.2, 20.0, 5), strong}, p);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].best.snr, 40.0);
  EXPECT_EQ(kept[0].n_members, 55);
  EXPECT_DOUBLE_EQ(kept[0].time_first_s, 9.9);
  EXPECT_DOUBLE_EQ(kept[0].time_last_s, 10.6);
}

TEST(AbsorbSidelobes, KeepsEveryEventAndAnyOrderGivesTheSame) {
  Xoshiro256 random(4);
  const auto p = fast_params();
  auto clusters = clusters_of(p, random_events(p, 500, random));
  const auto kept = absorb_sidelobes(clusters, p);
  EXPECT_LT(kept.size(), clusters.size());
  std::int64_t n = 0;
  for (const auto& c : kept) n += c.n_members;
  EXPECT_GE(n, 500);
  for (std::size_t i = 1; i < kept.size(); ++i) EXPECT_LE(kept[i - 1].best.time_s, kept[i].best.time_s);
  shuffle(clusters, random);
  EXPECT_TRUE(same(absorb_sidelobes(clusters, p), kept));
  EXPECT_TRUE(absorb_sidelobes({}, p).empty());
}

// PRESTO's columns: DM, sigma, time, sample, width in samples.
std::vector<Event> read_singlepulse(const std::filesystem::path& path, double sample_time_s) {
  std::vector<Event> events;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream columns(line);
    double dm, snr, time_s, sample, width;
    if (columns >> dm >> snr >> time_s >> sample >> width)
      events.push_back({time_s, dm, width * sample_time_s, snr});
  }
  return events;
}

std::filesystem::path test_data() {
  const char* folder = std::getenv("TIANYAN_TEST_DATA");
  return folder != nullptr ? folder : std::filesystem::path(TIANYAN_SOURCE_DIR) / "../shared/data";
}

TEST(Clusterer, EachGiantPulseOfARealListIsOneCluster) {
  const auto path = test_data() / "singlepulse-visualizer/1099414416.singlepulse";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is missing: set TIANYAN_TEST_DATA";
  // The Crab pulsar with the MWA: 30.72 MHz at 184.96 MHz, 0.4 ms, widths to 30 samples. Its giant pulses
  // move by 20 ms a unit of DM, half of the 41 ms that this band gives.
  ClusterParams p;
  p.sample_time_s = 4e-4;
  p.band_delay_s_per_dm = 4149.377593 * (1.0 / (169.6 * 169.6) - 1.0 / (200.32 * 200.32));
  p.width_max_s = 30 * p.sample_time_s;
  const auto events = read_singlepulse(path, p.sample_time_s);
  ASSERT_EQ(events.size(), 13'137u);
  const auto clusters = absorb_sidelobes(clusters_of(p, events), p);
  struct Giant {
    double time_s, snr;
  };
  for (const auto& giant : {Giant{941.697, 34.6}, {131.378, 21.7}, {318.581, 17.8}, {718.565, 15.9}}) {
    std::vector<Cluster> found;  // whatever stands out near it
    for (const auto& c : clusters)
      if (std::abs(c.best.time_s - giant.time_s) < 0.2 && c.best.snr > 6.5) found.push_back(c);
    ASSERT_EQ(found.size(), 1u) << giant.time_s;
    EXPECT_NEAR(found[0].best.time_s, giant.time_s, 1e-3);
    EXPECT_NEAR(found[0].best.snr, giant.snr, 0.05);
    EXPECT_NEAR(found[0].best.dm_pc_cm3, 56.75, 0.15);
    EXPECT_GT(found[0].n_members, 100);
  }
}

}  // namespace
}  // namespace tianyan
