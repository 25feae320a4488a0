// The FDMT's plan: which rows each node of the tree needs, where they are kept, how much scratch a tile
// takes.
#include <algorithm>
#include <cmath>

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
  expect(p.max_abs >= 1 && p.max_abs <= 128, "FDMT of values up to {}; 1 to 128 fit int8", p.max_abs);
  expect(p.max_group_channels >= 2 && p.max_group_channels <= 128,
         "FDMT groups of {} channels; 2 to 128 are possible", p.max_group_channels);
  expect(p.time_tile >= 1 && p.trial_tile >= 1 && max_time >= 1, "FDMT tiles of {} x {}, runs of {}",
         p.trial_tile, p.time_tile, max_time);
}

// Builds the node over [a, b) with rows [k0, k1) and everything below it; returns its index.
int add_node(FdmtPlan& plan, int a, int b, int k0, int k1) {
  const auto& p = plan.params;
  const int index = static_cast<int>(plan.nodes.size());
  plan.nodes.emplace_back();
  FdmtNode node;
  node.chan_begin = a;
  node.chan_end = b;
  node.delay_begin = k0;
  node.delay_end = k1;
  if (b - a > 1) {
    const int m = (a + b) / 2;
    const double top = g_of(p, b - 1), span = g_of(p, a) - top;
    const double to_upper = (g_of(p, m) - top) / span, to_lower = (g_of(p, m - 1) - top) / span;
    for (int k = k0; k < k1; ++k) {
      node.upper_row.push_back(static_cast<std::int32_t>(std::lround(k * to_upper)));
      node.shift.push_back(static_cast<std::int32_t>(std::lround(k * to_lower)));
    }
    node.upper = add_node(plan, m, b, node.upper_row.front(), node.upper_row.back() + 1);
    node.lower = add_node(plan, a, m, k0 - node.shift.front(), k1 - 1 - node.shift.back() + 1);
  }
  plan.nodes[static_cast<std::size_t>(index)] = std::move(node);
  return index;
}

int max_node_channels(int n_chan, int depth) {
  for (; depth > 0; --depth) n_chan = (n_chan + 1) / 2;
  return n_chan;
}

// Types of rows go by depth, so that both children of a node have the same one.
void set_types(FdmtPlan& plan, int index, int depth, int group_depth) {
  auto& node = plan.nodes[static_cast<std::size_t>(index)];
  const auto bound = std::int64_t{plan.params.max_abs} * max_node_channels(plan.params.n_chan, depth);
  node.is_int32 = bound > 32767 && depth < group_depth;
  if (node.is_leaf()) return;
  set_types(plan, node.upper, depth + 1, group_depth);
  set_types(plan, node.lower, depth + 1, group_depth);
}

// Nodes at group_depth become groups; [shift_min, shift_max] is how much later than the trial they are read.
void add_groups(FdmtPlan& plan, int index, int levels_left, int shift_min, int shift_max) {
  const auto& node = plan.nodes[static_cast<std::size_t>(index)];
  if (levels_left == 0) {
    plan.group_of_node[static_cast<std::size_t>(index)] = static_cast<int>(plan.groups.size());
    plan.groups.push_back({index, plan.n_group_row, shift_min, shift_max});
    plan.n_group_row += node.n_row();
    return;
  }
  add_groups(plan, node.upper, levels_left - 1, shift_min, shift_max);
  add_groups(plan, node.lower, levels_left - 1, shift_min + node.shift.front(),
             shift_max + node.shift.back());
}

std::int64_t row_bytes(std::int64_t n, bool is_int32) { return (n * (is_int32 ? 4 : 2) + 63) / 64 * 64; }

// Scratch and additions of the rows [k0, k1) of a node over n samples, as the kernel's recursion takes them.
struct Cost {
  std::int64_t bytes = 0;
  double additions = 0.0;
};
Cost cost_of(const FdmtPlan& plan, int index, int k0, int k1, std::int64_t n, bool below_groups,
             bool in_scratch) {
  const auto& node = plan.nodes[static_cast<std::size_t>(index)];
  const bool stored_elsewhere = !below_groups && plan.group_of_node[static_cast<std::size_t>(index)] >= 0;
  if (stored_elsewhere) return {};
  if (node.is_leaf()) return {row_bytes(n, false), 0.0};  // a widened copy, where its sibling is no leaf
  const int s0 = node.shift_of(k0), s1 = node.shift_of(k1 - 1);
  const Cost upper =
      cost_of(plan, node.upper, node.upper_of(k0), node.upper_of(k1 - 1) + 1, n, below_groups, true);
  const Cost lower = cost_of(plan, node.lower, k0 - s0, k1 - s1, n + s1 - s0, below_groups, true);
  const std::int64_t own = in_scratch ? (k1 - k0) * row_bytes(n, node.is_int32) : 0;
  return {own + upper.bytes + lower.bytes,
          static_cast<double>(k1 - k0) * static_cast<double>(n) + upper.additions + lower.additions};
}

// Scratch of any m neighbouring rows of a node above the groups: tiles of trials may begin anywhere, so each
// child counts with the most rows and samples that m rows in a row ask of it.
std::int64_t trial_scratch_of(const FdmtPlan& plan, int index, int m, std::int64_t n, bool in_scratch) {
  const auto& node = plan.nodes[static_cast<std::size_t>(index)];
  if (plan.group_of_node[static_cast<std::size_t>(index)] >= 0) return 0;
  int upper_rows = 0, lower_rows = 0, spread = 0;
  for (int k = node.delay_begin; k + m <= node.delay_end; ++k) {
    const int shift = node.shift_of(k + m - 1) - node.shift_of(k);
    upper_rows = std::max(upper_rows, node.upper_of(k + m - 1) - node.upper_of(k) + 1);
    lower_rows = std::max(lower_rows, m - shift);
    spread = std::max(spread, shift);
  }
  return (in_scratch ? m * row_bytes(n, node.is_int32) : 0) +
         trial_scratch_of(plan, node.upper, upper_rows, n, true) +
         trial_scratch_of(plan, node.lower, lower_rows, n + spread, true);
}

void set_costs(FdmtPlan& plan, int max_time) {
  double group_additions = 0.0, trial_additions = 0.0;
  for (const auto& group : plan.groups) {
    const auto& node = plan.nodes[static_cast<std::size_t>(group.node)];
    const Cost c =
        cost_of(plan, group.node, node.delay_begin, node.delay_end, plan.params.time_tile, true, false);
    plan.group_scratch_bytes = std::max(plan.group_scratch_bytes, c.bytes);
    group_additions += c.additions;
  }
  for (int d = plan.params.delay_begin; d < plan.params.delay_end; d += plan.params.trial_tile) {
    const int d_end = std::min(d + plan.params.trial_tile, plan.params.delay_end);
    trial_additions += cost_of(plan, 0, d, d_end, max_time, false, false).additions;
  }
  plan.trial_scratch_bytes =
      trial_scratch_of(plan, 0, std::min(plan.params.trial_tile, plan.n_trial()), max_time, false);
  plan.additions_per_sample = group_additions / plan.params.time_tile + trial_additions / max_time;
}

}  // namespace

FdmtPlan make_fdmt_plan(const FdmtParams& params, int max_time) {
  check(params, max_time);
  FdmtPlan plan;
  plan.params = params;
  plan.max_time = max_time;
  add_node(plan, 0, params.n_chan, params.delay_begin, params.delay_end);
  plan.group_of_node.assign(plan.nodes.size(), -1);
  int group_depth = 0;
  while (max_node_channels(params.n_chan, group_depth) > params.max_group_channels) ++group_depth;
  set_types(plan, 0, 0, group_depth);
  add_groups(plan, 0, group_depth, 0, 0);
  set_costs(plan, max_time);
  return plan;
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

void fdmt_channel_delays(const FdmtPlan& plan, int d, View<std::int32_t, 1> delay) {
  const auto& p = plan.params;
  expect(delay.shape(0) == p.n_chan, "delays of {} channels into {}", p.n_chan, delay.shape(0));
  expect(p.delay_begin <= d && d < p.delay_end, "trial {} outside [{}, {})", d, p.delay_begin, p.delay_end);
  struct Visit {
    int node, k, shift;
  };
  std::vector<Visit> todo{{0, d, 0}};
  while (!todo.empty()) {
    const Visit v = todo.back();
    todo.pop_back();
    const auto& node = plan.nodes[static_cast<std::size_t>(v.node)];
    if (node.is_leaf()) {
      delay[node.chan_begin] = v.shift;
      continue;
    }
    const int s = node.shift_of(v.k);
    todo.push_back({node.upper, node.upper_of(v.k), v.shift});
    todo.push_back({node.lower, v.k - s, v.shift + s});
  }
}

}  // namespace tianyan
