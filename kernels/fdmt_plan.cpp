// The FDMT's plan: which rows each node of the tree needs, where they are kept, how much scratch a tile
// takes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/base/units.hpp"
#include "kernels/fdmt.hpp"

namespace tianyan {
namespace {

double g_of(const FdmtParams& p, double c) {
  return inverse_square(p.freq_low_mhz + c * p.channel_width_mhz);
}

void check(const FdmtParams& p, int max_time) {
  expect(p.n_chan >= 1, "FDMT over {} channels", p.n_chan);
  expect(p.freq_low_mhz > 0.0 && p.channel_width_mhz > 0.0, "FDMT over channels of {} MHz from {} MHz",
         p.channel_width_mhz, p.freq_low_mhz);
  expect(0 <= p.delay_begin && p.delay_begin < p.delay_end && p.delay_end <= (1 << 20),
         "FDMT over delays [{}, {}) samples; they must rise within [0, {})", p.delay_begin, p.delay_end,
         1 << 20);
  expect(p.delay_step >= 1 && p.delay_step <= p.delay_end, "FDMT trials {} samples of delay apart",
         p.delay_step);
  expect(p.max_abs >= 1 && p.max_abs <= 128, "FDMT of values up to {}; 1 to 128 fit int8", p.max_abs);
  expect(p.max_group_channels >= 2 && p.max_group_channels <= 128,
         "FDMT groups of {} channels; 2 to 128 are possible", p.max_group_channels);
  expect(p.time_tile >= 1 && p.trial_tile >= 1 && max_time >= 1, "FDMT tiles of {} x {}, runs of {}",
         p.trial_tile, p.time_tile, max_time);
}

// Delays of a child's two ends, samples.
struct Ends {
  std::int32_t top = 0, bottom = 0;
};

// Integers next to the exact delays whose errors e, f make the least e^2 + e f + f^2, with top <= bottom.
Ends nearest_ends(double top, double bottom) {
  const auto low_top = static_cast<std::int32_t>(std::floor(top)),
             low_bottom = static_cast<std::int32_t>(std::floor(bottom));
  Ends best;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) {
      const double e = low_top + i - top, f = low_bottom + j - bottom, square = e * e + e * f + f * f;
      if (low_top + i > low_bottom + j || square >= least) continue;
      least = square;
      best = {low_top + i, low_bottom + j};
    }
  return best;
}

// The ends of the child over [c0, c1) of a node over [a, b), for its rows of any delay k.
class ChildEnds {
 public:
  ChildEnds(const FdmtParams& p, int a, int b, int c0, int c1)
      : has_bottom_(c0 == a), has_top_(c1 == b), is_channel_(c1 - c0 == 1) {
    const double high = g_of(p, b - 1), span = g_of(p, a) - high;
    top_ = (g_of(p, c1 - 1) - high) / span;
    bottom_ = (g_of(p, c0) - high) / span;
  }
  Ends of(std::int32_t k) const {
    const auto nearest = [](double x) { return static_cast<std::int32_t>(std::lround(x)); };
    if (has_bottom_) return {is_channel_ ? k : nearest(k * top_), k};
    if (has_top_) return {0, is_channel_ ? 0 : nearest(k * bottom_)};
    if (is_channel_) return {nearest(k * top_), nearest(k * top_)};
    return nearest_ends(k * top_, k * bottom_);
  }

 private:
  double top_ = 0.0, bottom_ = 0.0;  // of the node's delay
  bool has_bottom_, has_top_, is_channel_;
};

int add_node(FdmtPlan& plan, int a, int b, const std::vector<std::int32_t>& delay);

// The child over [c0, c1) with just those rows that the node's rows read.
FdmtChild add_child(FdmtPlan& plan, int a, int b, int c0, int c1, const std::vector<std::int32_t>& delay) {
  FdmtChild child;
  child.first = std::ssize(plan.rows);
  const ChildEnds child_ends(plan.params, a, b, c0, c1);
  for (const auto k : delay) {
    const Ends ends = child_ends.of(k);
    plan.shifts.push_back(ends.top);
    plan.rows.push_back(ends.bottom - ends.top);  // its delay, for now
  }
  std::vector<std::int32_t> wanted(plan.rows.begin() + child.first, plan.rows.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  for (auto row = plan.rows.begin() + child.first; row != plan.rows.end(); ++row)
    *row = static_cast<std::int32_t>(std::lower_bound(wanted.begin(), wanted.end(), *row) - wanted.begin());
  child.node = add_node(plan, c0, c1, wanted);
  return child;
}

// Builds the node over [a, b) with rows of these delays and everything below it; returns its index.
int add_node(FdmtPlan& plan, int a, int b, const std::vector<std::int32_t>& delay) {
  const int index = static_cast<int>(plan.nodes.size());
  plan.nodes.emplace_back();
  FdmtNode node;
  node.chan_begin = a;
  node.chan_end = b;
  node.n_row = static_cast<int>(delay.size());
  node.first_delay = std::ssize(plan.delays);
  plan.delays.insert(plan.delays.end(), delay.begin(), delay.end());
  const int n_part = b - a > 1 ? std::min(kFdmtRadix, b - a) : 0;
  for (int j = n_part - 1; j >= 0; --j)
    node.child[static_cast<std::size_t>(node.n_child++)] =
        add_child(plan, a, b, a + (b - a) * j / n_part, a + (b - a) * (j + 1) / n_part, delay);
  plan.nodes[static_cast<std::size_t>(index)] = node;
  return index;
}

int max_node_channels(int n_chan, int depth) {
  for (; depth > 0; --depth) n_chan = (n_chan + kFdmtRadix - 1) / kFdmtRadix;
  return n_chan;
}

// Types of rows go by depth, so that the children of a node have the same one.
void set_types(FdmtPlan& plan, int index, int depth, int group_depth) {
  auto& node = plan.nodes[static_cast<std::size_t>(index)];
  const auto bound = std::int64_t{plan.params.max_abs} * max_node_channels(plan.params.n_chan, depth);
  node.is_int32 = bound > 32767 && depth < group_depth;
  for (const auto& child : node.children()) set_types(plan, child.node, depth + 1, group_depth);
}

// Nodes at group_depth become groups; [shift_min, shift_max] is how much later than the trial they are read.
void add_groups(FdmtPlan& plan, int index, int levels_left, int shift_min, int shift_max) {
  const auto& node = plan.nodes[static_cast<std::size_t>(index)];
  if (levels_left == 0 || node.is_leaf()) {
    plan.group_of_node[static_cast<std::size_t>(index)] = static_cast<int>(plan.groups.size());
    plan.groups.push_back({index, plan.n_group_row, shift_min, shift_max});
    plan.n_group_row += node.n_row;
    return;
  }
  for (const auto& child : node.children()) {
    const FdmtRange range = child_range(plan, child, 0, node.n_row);
    add_groups(plan, child.node, levels_left - 1, shift_min + range.shift_min, shift_max + range.shift_max);
  }
}

std::int64_t row_bytes(std::int64_t n, bool is_int32) { return (n * (is_int32 ? 4 : 2) + 63) / 64 * 64; }

// Scratch and additions of rows of a node over n samples, as the kernel's recursion takes them. The rows
// themselves are stored by whoever asks for them, those of groups in the group buffer.
struct Cost {
  std::int64_t bytes = 0;
  double additions = 0.0;
};
Cost cost_of(const FdmtPlan& plan, int index, int begin, int end, std::int64_t n, bool below_groups) {
  const auto& node = plan.nodes[static_cast<std::size_t>(index)];
  if (node.is_leaf() || (!below_groups && plan.group_of_node[static_cast<std::size_t>(index)] >= 0))
    return {};
  Cost cost{0, static_cast<double>(end - begin) * static_cast<double>(n) * (node.n_child - 1.0)};
  for (const auto& child : node.children()) {
    const FdmtRange range = child_range(plan, child, begin, end);
    const auto n_row = range.row_end - range.row_begin;
    const auto n_child = n + range.shift_max - range.shift_min;
    const Cost below = cost_of(plan, child.node, range.row_begin, range.row_end, n_child, below_groups);
    const bool is_int32 = plan.nodes[static_cast<std::size_t>(child.node)].is_int32;
    cost.bytes += n_row * row_bytes(n_child, is_int32) + below.bytes;
    cost.additions += below.additions;
  }
  return cost;
}

// Scratch for any m neighbouring rows of a node above the groups: tiles of trials may begin anywhere, so each
// child counts with the most rows and samples that m rows in a row ask of it.
std::int64_t trial_scratch_of(const FdmtPlan& plan, int index, int m, std::int64_t n) {
  const auto& node = plan.nodes[static_cast<std::size_t>(index)];
  if (plan.group_of_node[static_cast<std::size_t>(index)] >= 0) return 0;
  std::int64_t bytes = 0;
  for (const auto& child : node.children()) {
    int rows = 0, spread = 0;
    for (int r = 0; r + m <= node.n_row; ++r) {
      const FdmtRange range = child_range(plan, child, r, r + m);
      rows = std::max(rows, range.row_end - range.row_begin);
      spread = std::max(spread, range.shift_max - range.shift_min);
    }
    const bool is_int32 = plan.nodes[static_cast<std::size_t>(child.node)].is_int32;
    bytes += rows * row_bytes(n + spread, is_int32) + trial_scratch_of(plan, child.node, rows, n + spread);
  }
  return bytes;
}

void set_costs(FdmtPlan& plan, int max_time) {
  double group_additions = 0.0, trial_additions = 0.0;
  for (const auto& group : plan.groups) {
    const auto& node = plan.nodes[static_cast<std::size_t>(group.node)];
    const Cost c = cost_of(plan, group.node, 0, node.n_row, plan.params.time_tile, true);
    plan.group_scratch_bytes = std::max(plan.group_scratch_bytes, c.bytes);
    group_additions += c.additions;
  }
  for (int i = 0; i < plan.n_trial(); i += plan.params.trial_tile)
    trial_additions +=
        cost_of(plan, 0, i, std::min(i + plan.params.trial_tile, plan.n_trial()), max_time, false).additions;
  plan.trial_scratch_bytes =
      trial_scratch_of(plan, 0, std::min(plan.params.trial_tile, plan.n_trial()), max_time);
  plan.group_additions_per_sample = group_additions / plan.params.time_tile;
  plan.trial_additions_per_sample = trial_additions / max_time;
}

}  // namespace

FdmtPlan make_fdmt_plan(const FdmtParams& params, int max_time) {
  check(params, max_time);
  FdmtPlan plan;
  plan.params = params;
  plan.max_time = max_time;
  std::vector<std::int32_t> delay;
  for (int i = 0; i < params.n_trial(); ++i) delay.push_back(params.delay_of(i));
  add_node(plan, 0, params.n_chan, delay);
  plan.group_of_node.assign(plan.nodes.size(), -1);
  int group_depth = 0;
  while (max_node_channels(params.n_chan, group_depth) > params.max_group_channels) ++group_depth;
  set_types(plan, 0, 0, group_depth);
  add_groups(plan, 0, group_depth, 0, 0);
  set_costs(plan, max_time);
  return plan;
}

FdmtRange child_range(const FdmtPlan& plan, const FdmtChild& child, int begin, int end) {
  const auto range = [&](const std::vector<std::int32_t>& table) {
    const auto first = table.begin() + child.first;
    const auto [least, most] = std::minmax_element(first + begin, first + end);
    return std::pair(*least, *most);
  };
  const auto row = range(plan.rows), shift = range(plan.shifts);
  return {row.first, row.second + 1, shift.first, shift.second};
}

std::int64_t FdmtPlan::group_columns(std::int64_t n_time) const {
  int spread = 0;
  for (const auto& g : groups) spread = std::max(spread, g.shift_max - g.shift_min);
  return n_time + spread;
}

double exact_channel_delay(const FdmtParams& p, double d, double c) {
  if (p.n_chan == 1) return 0.0;
  const double top = g_of(p, p.n_chan - 1);
  return d * (g_of(p, c) - top) / (g_of(p, 0) - top);
}

void fdmt_channel_delays(const FdmtPlan& plan, int trial, View<std::int32_t, 1> delay) {
  const auto& p = plan.params;
  expect(delay.shape(0) == p.n_chan, "delays of {} channels into {}", p.n_chan, delay.shape(0));
  expect(0 <= trial && trial < plan.n_trial(), "trial {} of {}", trial, plan.n_trial());
  struct Visit {
    int node, row, shift;
  };
  std::vector<Visit> todo{{0, trial, 0}};
  while (!todo.empty()) {
    const Visit v = todo.back();
    todo.pop_back();
    const auto& node = plan.nodes[static_cast<std::size_t>(v.node)];
    if (node.is_leaf()) delay[node.chan_begin] = v.shift;
    for (const auto& child : node.children())
      todo.push_back({child.node, plan.row_of(child, v.row), v.shift + plan.shift_of(child, v.row)});
  }
}

}  // namespace tianyan
