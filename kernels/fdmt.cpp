// The FDMT on the CPU: the plain tree, and the tree in tiles that stay in cache.
#include "kernels/fdmt.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/row_ops.hpp"

namespace tianyan {
namespace {

// Memory of a tile's recursion: taken upwards, given back on return. Its size was computed by the plan.
class Arena {
 public:
  explicit Arena(View<std::byte, 1> memory) : memory_(memory) {}
  template <class T>
  T* take(std::int64_t n) {
    T* p = reinterpret_cast<T*>(memory_.data() + used_);
    used_ += (n * static_cast<std::int64_t>(sizeof(T)) + 63) / 64 * 64;
    expect(used_ <= memory_.shape(0), "FDMT scratch of {} bytes is too small: {} needed", memory_.shape(0),
           used_);
    return p;
  }
  std::int64_t used() const { return used_; }
  void give_back_to(std::int64_t mark) { used_ = mark; }

 private:
  View<std::byte, 1> memory_;
  std::int64_t used_ = 0;
};

// Rows [k0, ...) of a node over a window of time; `at(k)` is the first sample of row k.
template <class T>
struct Rows {
  const T* data = nullptr;
  std::int64_t stride = 0;
  int k0 = 0;
  const T* at(int k) const { return data + (k - k0) * stride; }
};

std::int64_t padded(std::int64_t n, std::int64_t size) { return (n * size + 63) / 64 * 64 / size; }

const FdmtNode& node_of(const FdmtPlan& plan, int index) {
  return plan.nodes[static_cast<std::size_t>(index)];
}

// ---- below the groups: from int8 channels, everything in int16 ----

struct GroupInput {
  const FdmtPlan& plan;
  View<const std::int8_t, 2> in;
  const std::int8_t* channel(int c, std::int64_t t) const { return &in(c, t); }
};

Rows<std::int16_t> group_node(const GroupInput& x, int index, std::int64_t t, std::int64_t n, Arena& arena);

// Rows of a node that is no leaf, written where the caller says.
void combine_group_node(const GroupInput& x, const FdmtNode& node, std::int64_t t, std::int64_t n,
                        std::int16_t* out, std::int64_t stride, Arena& arena) {
  const auto mark = arena.used();
  const auto& upper = node_of(x.plan, node.upper);
  const auto& lower = node_of(x.plan, node.lower);
  if (upper.is_leaf() && lower.is_leaf()) {
    for (int k = node.delay_begin; k < node.delay_end; ++k)
      add_rows(x.channel(upper.chan_begin, t), x.channel(lower.chan_begin, t + node.shift_of(k)),
               out + (k - node.delay_begin) * stride, n);
    return;
  }
  const int s0 = node.shift.front(), s1 = node.shift.back();
  const auto u = group_node(x, node.upper, t, n, arena);
  const auto l = group_node(x, node.lower, t + s0, n + s1 - s0, arena);
  for (int k = node.delay_begin; k < node.delay_end; ++k) {
    const int s = node.shift_of(k);
    add_rows(u.at(node.upper_of(k)), l.at(k - s) + (s - s0), out + (k - node.delay_begin) * stride, n);
  }
  arena.give_back_to(mark);
}

Rows<std::int16_t> group_node(const GroupInput& x, int index, std::int64_t t, std::int64_t n, Arena& arena) {
  const auto& node = node_of(x.plan, index);
  const auto stride = padded(n, 2);
  auto* out = arena.take<std::int16_t>(node.n_row() * stride);
  if (node.is_leaf())
    widen_row(x.channel(node.chan_begin, t), out, n);
  else
    combine_group_node(x, node, t, n, out, stride, arena);
  return {out, stride, node.delay_begin};
}

// ---- above the groups: rows [k0, k1) of a node, from the group buffer ----

struct TrialInput {
  const FdmtPlan& plan;
  View<const std::int16_t, 2> group_rows;
};

template <class T>
Rows<T> trial_node(const TrialInput& x, int index, int k0, int k1, std::int64_t t, std::int64_t n,
                   Arena& arena);

Rows<std::int16_t> group_window(const TrialInput& x, int index, std::int64_t t) {
  const auto& group =
      x.plan.groups[static_cast<std::size_t>(x.plan.group_of_node[static_cast<std::size_t>(index)])];
  return {&x.group_rows(group.row_begin, t - group.shift_min), x.group_rows.stride(0),
          node_of(x.plan, index).delay_begin};
}

template <class In, class Write>
void combine_trials(const TrialInput& x, const FdmtNode& node, int k0, int k1, std::int64_t t, std::int64_t n,
                    Arena& arena, const Write& write) {
  const int s0 = node.shift_of(k0), s1 = node.shift_of(k1 - 1);
  const auto u = trial_node<In>(x, node.upper, node.upper_of(k0), node.upper_of(k1 - 1) + 1, t, n, arena);
  const auto l = trial_node<In>(x, node.lower, k0 - s0, k1 - s1, t + s0, n + s1 - s0, arena);
  for (int k = k0; k < k1; ++k) {
    const int s = node.shift_of(k);
    write(k, u.at(node.upper_of(k)), l.at(k - s) + (s - s0));
  }
}

template <class T>
Rows<T> trial_node(const TrialInput& x, int index, int k0, int k1, std::int64_t t, std::int64_t n,
                   Arena& arena) {
  if constexpr (std::is_same_v<T, std::int16_t>)
    if (x.plan.group_of_node[static_cast<std::size_t>(index)] >= 0) return group_window(x, index, t);
  const auto& node = node_of(x.plan, index);
  const auto stride = padded(n, sizeof(T));
  auto* out = arena.take<T>((k1 - k0) * stride);
  const auto mark = arena.used();
  const auto write = [&](int k, const auto* a, const auto* b) {
    if constexpr (sizeof(*a) <= sizeof(T)) add_rows(a, b, out + (k - k0) * stride, n);
  };
  if (node_of(x.plan, node.upper).is_int32)
    combine_trials<std::int32_t>(x, node, k0, k1, t, n, arena, write);
  else
    combine_trials<std::int16_t>(x, node, k0, k1, t, n, arena, write);
  arena.give_back_to(mark);
  return {out, stride, k0};
}

void check_shapes(const FdmtParams& p, std::int64_t n_trial, View<const std::int8_t, 2> in,
                  View<std::int32_t, 2> out) {
  expect(in.shape(0) == p.n_chan, "dedispersion of {} channels given {}", p.n_chan, in.shape(0));
  expect(out.shape(0) == n_trial, "dedispersion to {} trials given {} rows", n_trial, out.shape(0));
  expect(in.shape(1) >= out.shape(1) + p.delay_end - 1,
         "{} samples of input; {} outputs with delays to {} need {}", in.shape(1), out.shape(1),
         p.delay_end - 1, out.shape(1) + p.delay_end - 1);
  expect(in.rows_contiguous() && out.rows_contiguous(), "dedispersion needs contiguous rows");
}

// All rows of a node over [0, n), the plain way.
Array<std::int32_t, 2> reference_node(const FdmtPlan& plan, int index, View<const std::int8_t, 2> in,
                                      std::int64_t n) {
  const auto& node = node_of(plan, index);
  Array<std::int32_t, 2> out({node.n_row(), n});
  if (node.is_leaf()) {
    for (std::int64_t k = 0; k < node.n_row(); ++k)  // more than one only where the band is this channel
      for (std::int64_t t = 0; t < n; ++t) out(k, t) = in(node.chan_begin, t);
    return out;
  }
  const auto upper = reference_node(plan, node.upper, in, n);
  const auto lower = reference_node(plan, node.lower, in, n + node.shift.back());
  for (int k = node.delay_begin; k < node.delay_end; ++k) {
    const int u = node.upper_of(k) - node_of(plan, node.upper).delay_begin;
    const int s = node.shift_of(k);
    const int l = k - s - node_of(plan, node.lower).delay_begin;
    for (std::int64_t t = 0; t < n; ++t) out(k - node.delay_begin, t) = upper(u, t) + lower(l, t + s);
  }
  return out;
}

}  // namespace

void fdmt_reference(const FdmtPlan& plan, View<const std::int8_t, 2> in, View<std::int32_t, 2> out) {
  check_shapes(plan.params, plan.n_trial(), in, out);
  const auto rows = reference_node(plan, 0, in, out.shape(1));
  for (std::int64_t d = 0; d < out.shape(0); ++d)
    for (std::int64_t t = 0; t < out.shape(1); ++t) out(d, t) = rows(d, t);
}

void dedisperse_reference(const FdmtParams& p, View<const std::int8_t, 2> in, View<std::int32_t, 2> out) {
  check_shapes(p, p.delay_end - p.delay_begin, in, out);
  for (int d = p.delay_begin; d < p.delay_end; ++d)
    for (std::int64_t t = 0; t < out.shape(1); ++t) {
      std::int32_t sum = 0;
      for (int c = 0; c < p.n_chan; ++c) sum += in(c, t + std::lround(exact_channel_delay(p, d, c)));
      out(d - p.delay_begin, t) = sum;
    }
}

void fdmt_group_rows(const FdmtPlan& plan, int g, View<const std::int8_t, 2> in, std::int64_t column,
                     std::int64_t n, View<std::int16_t, 2> group_rows, View<std::byte, 1> scratch) {
  const auto& group = plan.groups[static_cast<std::size_t>(g)];
  const auto& node = node_of(plan, group.node);
  expect(in.shape(0) == plan.params.n_chan, "FDMT of {} channels given {}", plan.params.n_chan, in.shape(0));
  expect(n >= 1 && n <= plan.params.time_tile && column >= 0 && column + n <= group_rows.shape(1),
         "FDMT group columns [{}, {}) of {}, tiles of {}", column, column + n, group_rows.shape(1),
         plan.params.time_tile);
  const std::int64_t t = group.shift_min + column;
  expect(t + n + node.delay_end - 1 <= in.shape(1), "FDMT group {} reads sample {} of {}", g,
         t + n + node.delay_end - 1, in.shape(1));
  Arena arena(scratch);
  std::int16_t* out = &group_rows(group.row_begin, column);
  if (node.is_leaf())
    for (int k = 0; k < node.n_row(); ++k)
      widen_row(&in(node.chan_begin, t), out + k * group_rows.stride(0), n);
  else
    combine_group_node({plan, in}, node, t, n, out, group_rows.stride(0), arena);
}

void fdmt_trials(const FdmtPlan& plan, View<const std::int16_t, 2> group_rows, int d_begin, int d_end,
                 std::int64_t t, std::int64_t n, RowWriter& rows, View<std::byte, 1> scratch) {
  const auto& p = plan.params;
  expect(
      p.delay_begin <= d_begin && d_begin < d_end && d_end <= p.delay_end && d_end - d_begin <= p.trial_tile,
      "FDMT trials [{}, {}) of [{}, {}) in tiles of {}", d_begin, d_end, p.delay_begin, p.delay_end,
      p.trial_tile);
  expect(n >= 1 && n <= plan.max_time, "FDMT run of {} samples; at most {} were planned", n, plan.max_time);
  expect(t >= 0 && plan.group_columns(t + n) <= group_rows.shape(1),
         "FDMT samples [{}, {}) need {} columns of {}", t, t + n, plan.group_columns(t + n),
         group_rows.shape(1));
  const TrialInput x{plan, group_rows};
  Arena arena(scratch);
  const auto write = [&](int d, const auto* a, const auto* b) {
    add_rows(a, b, rows.begin_row(d), n);
    rows.end_row(d);
  };
  if (plan.group_of_node[0] >= 0) {
    const auto row = group_window(x, 0, t);
    for (int d = d_begin; d < d_end; ++d) {
      widen_row(row.at(d), rows.begin_row(d), n);
      rows.end_row(d);
    }
  } else if (node_of(plan, node_of(plan, 0).upper).is_int32) {
    combine_trials<std::int32_t>(x, node_of(plan, 0), d_begin, d_end, t, n, arena, write);
  } else {
    combine_trials<std::int16_t>(x, node_of(plan, 0), d_begin, d_end, t, n, arena, write);
  }
}

void fdmt(const FdmtPlan& plan, View<const std::int8_t, 2> in, View<std::int32_t, 2> out) {
  check_shapes(plan.params, plan.n_trial(), in, out);
  const std::int64_t n_time = out.shape(1);
  Array<std::int16_t, 2> group_rows({plan.n_group_row, plan.group_columns(n_time)});
  Array<std::byte, 1> scratch({std::max(plan.group_scratch_bytes, plan.trial_scratch_bytes)});
  for (int g = 0; g < static_cast<int>(plan.groups.size()); ++g) {
    const auto& group = plan.groups[static_cast<std::size_t>(g)];
    const std::int64_t n_column = n_time + group.shift_max - group.shift_min;
    for (std::int64_t j = 0; j < n_column; j += plan.params.time_tile)
      fdmt_group_rows(plan, g, in, j, std::min<std::int64_t>(plan.params.time_tile, n_column - j),
                      group_rows.view(), scratch.view());
  }
  struct Writer final : RowWriter {
    View<std::int32_t, 2> out;
    std::int64_t t = 0;
    int first = 0;
    std::int32_t* begin_row(int d) override { return &out(d - first, t); }
    void end_row(int) override {}
  } writer;
  writer.out = out;
  writer.first = plan.params.delay_begin;
  for (int d = plan.params.delay_begin; d < plan.params.delay_end; d += plan.params.trial_tile)
    for (writer.t = 0; writer.t < n_time; writer.t += plan.max_time)
      fdmt_trials(plan, group_rows.cview(), d, std::min(d + plan.params.trial_tile, plan.params.delay_end),
                  writer.t, std::min<std::int64_t>(plan.max_time, n_time - writer.t), writer, scratch.view());
}

}  // namespace tianyan
