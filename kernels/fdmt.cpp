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

std::int64_t padded(std::int64_t n, std::int64_t size) { return (n * size + 63) / 64 * 64 / size; }

const FdmtNode& node_of(const FdmtPlan& plan, int index) {
  return plan.nodes[static_cast<std::size_t>(index)];
}

// The rows of a child as its parent reads them: its row 0 is at `data`, at the parent's own time.
template <class T>
struct ChildRows {
  const std::int32_t* row = nullptr;  // of each row of the parent
  const std::int32_t* shift = nullptr;
  const T* data = nullptr;
  std::int64_t stride = 0;
  ChildRows(const FdmtPlan& plan, const FdmtChild& child, const T* rows, std::int64_t row_stride)
      : row(plan.rows.data() + child.first),
        shift(plan.shifts.data() + child.first),
        data(rows),
        stride(row_stride) {}
  ChildRows() = default;
  const T* at(int r) const { return data + row[r] * stride + shift[r]; }
};

template <class T>
struct Children {
  int n = 0;
  ChildRows<T> rows[kFdmtRadix];

  void push(const ChildRows<T>& child) { rows[n++] = child; }
  // Row r of the parent.
  template <class Out>
  void add(int r, Out* out, std::int64_t n_time) const {
    const T* in[kFdmtRadix];
    for (int j = 0; j < n; ++j) in[j] = rows[j].at(r);
    sum_rows(in, n, out, n_time);
  }
};

// ---- below the groups: from int8 channels, everything in int16 ----

struct GroupInput {
  const FdmtPlan& plan;
  View<const std::int8_t, 2> in;
};

void make_group_node(const GroupInput& x, const FdmtNode& node, std::int64_t t, std::int64_t n,
                     std::int16_t* out, std::int64_t stride, Arena& arena);

void add_channels(const GroupInput& x, const FdmtNode& node, std::int64_t t, std::int64_t n,
                  std::int16_t* out, std::int64_t stride) {
  Children<std::int8_t> channels;
  for (const auto& child : node.children())
    channels.push({x.plan, child, &x.in(node_of(x.plan, child.node).chan_begin, t), 0});
  for (int r = 0; r < node.n_row; ++r) channels.add(r, out + r * stride, n);
}

void add_nodes(const GroupInput& x, const FdmtNode& node, std::int64_t t, std::int64_t n, std::int16_t* out,
               std::int64_t stride, Arena& arena) {
  const auto mark = arena.used();
  Children<std::int16_t> below;
  for (const auto& child : node.children()) {
    const auto& made = node_of(x.plan, child.node);
    const FdmtRange range = child_range(x.plan, child, 0, node.n_row);
    const auto n_made = n + range.shift_max - range.shift_min, made_stride = padded(n_made, 2);
    auto* rows = arena.take<std::int16_t>(made.n_row * made_stride);
    make_group_node(x, made, t + range.shift_min, n_made, rows, made_stride, arena);
    below.push({x.plan, child, rows - range.shift_min, made_stride});
  }
  for (int r = 0; r < node.n_row; ++r) below.add(r, out + r * stride, n);
  arena.give_back_to(mark);
}

// All rows of a node at times [t, t + n), written where the caller says.
void make_group_node(const GroupInput& x, const FdmtNode& node, std::int64_t t, std::int64_t n,
                     std::int16_t* out, std::int64_t stride, Arena& arena) {
  const auto is_leaf = [&](const FdmtChild& child) { return node_of(x.plan, child.node).is_leaf(); };
  if (node.is_leaf()) {
    const std::int8_t* channel = &x.in(node.chan_begin, t);
    for (int r = 0; r < node.n_row; ++r) sum_rows(&channel, 1, out + r * stride, n);
  } else if (std::ranges::all_of(node.children(), is_leaf)) {
    add_channels(x, node, t, n, out, stride);
  } else {
    add_nodes(x, node, t, n, out, stride, arena);
  }
}

// ---- above the groups: rows [begin, end) of a node, from the group buffer ----

struct TrialInput {
  const FdmtPlan& plan;
  View<const std::int16_t, 2> group_rows;
};

// Row 0 of a group at time t.
const std::int16_t* group_at(const TrialInput& x, int group_index, std::int64_t t) {
  const auto& group = x.plan.groups[static_cast<std::size_t>(group_index)];
  return &x.group_rows(group.row_begin, 0) + (t - group.shift_min);
}

template <class T>
ChildRows<T> make_child(const TrialInput& x, const FdmtChild& child, int begin, int end, std::int64_t t,
                        std::int64_t n, Arena& arena);

// Calls write(r, children) for each row r of a node in [begin, end).
template <class In, class Write>
void for_rows(const TrialInput& x, const FdmtNode& node, int begin, int end, std::int64_t t, std::int64_t n,
              Arena& arena, const Write& write) {
  Children<In> below;
  for (const auto& child : node.children()) below.push(make_child<In>(x, child, begin, end, t, n, arena));
  for (int r = begin; r < end; ++r) write(r, below);
}

template <class Write>
void for_rows(const TrialInput& x, const FdmtNode& node, int begin, int end, std::int64_t t, std::int64_t n,
              Arena& arena, const Write& write) {
  if (node_of(x.plan, node.child[0].node).is_int32)
    for_rows<std::int32_t>(x, node, begin, end, t, n, arena, write);
  else
    for_rows<std::int16_t>(x, node, begin, end, t, n, arena, write);
}

template <class T>
ChildRows<T> make_child(const TrialInput& x, const FdmtChild& child, int begin, int end, std::int64_t t,
                        std::int64_t n, Arena& arena) {
  const int group = x.plan.group_of_node[static_cast<std::size_t>(child.node)];
  if constexpr (std::is_same_v<T, std::int16_t>)
    if (group >= 0) return {x.plan, child, group_at(x, group, t), x.group_rows.stride(0)};
  const FdmtRange range = child_range(x.plan, child, begin, end);
  const auto n_made = n + range.shift_max - range.shift_min, stride = padded(n_made, sizeof(T));
  auto* out = arena.take<T>((range.row_end - range.row_begin) * stride);
  const auto mark = arena.used();
  for_rows(x, node_of(x.plan, child.node), range.row_begin, range.row_end, t + range.shift_min, n_made, arena,
           [&](int r, const auto& below) {
             if constexpr (sizeof(*below.rows[0].data) <= sizeof(T))
               below.add(r, out + (r - range.row_begin) * stride, n_made);
           });
  arena.give_back_to(mark);
  return {x.plan, child, out - range.row_begin * stride - range.shift_min, stride};
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
  Array<std::int32_t, 2> out({node.n_row, n});
  for (std::int64_t r = 0; r < node.n_row && node.is_leaf(); ++r)  // several where the band is this channel
    for (std::int64_t t = 0; t < n; ++t) out(r, t) = in(node.chan_begin, t);
  for (const auto& child : node.children()) {
    const FdmtRange range = child_range(plan, child, 0, node.n_row);
    const auto rows = reference_node(plan, child.node, in, n + range.shift_max);
    for (int r = 0; r < node.n_row; ++r)
      for (std::int64_t t = 0; t < n; ++t)
        out(r, t) += rows(plan.row_of(child, r), t + plan.shift_of(child, r));
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

void dedisperse(const FdmtParams& p, View<const std::int8_t, 2> in, double delay, std::int64_t t,
                View<std::int32_t, 1> out) {
  const auto n = out.shape(0);
  expect(in.shape(0) == p.n_chan && in.rows_contiguous(), "dedispersion of {} channels given {}", p.n_chan,
         in.shape(0));
  expect(t >= 0 && t + std::lround(delay) + n <= in.shape(1),
         "dedispersion to {} samples from {} of {} by {}", n, t, in.shape(1), delay);
  std::int32_t* sum = out.data();
  std::fill(sum, sum + n, 0);
  for (int c = 0; c < p.n_chan; ++c) {
    const std::int8_t* x = &in(c, t + std::lround(exact_channel_delay(p, delay, c)));
    for (std::int64_t i = 0; i < n; ++i) sum[i] += x[i];
  }
}

void dedisperse_reference(const FdmtParams& p, View<const std::int8_t, 2> in, View<std::int32_t, 2> out) {
  check_shapes(p, p.n_trial(), in, out);
  for (int i = 0; i < p.n_trial(); ++i) dedisperse(p, in, p.delay_of(i), 0, out[i]);
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
  const std::int64_t end = t + n + (node.is_leaf() ? 0 : plan.delay_of(node, node.n_row - 1));
  expect(end <= in.shape(1), "FDMT group {} reads sample {} of {}", g, end, in.shape(1));
  Arena arena(scratch);
  make_group_node({plan, in}, node, t, n, &group_rows(group.row_begin, column), group_rows.stride(0), arena);
}

void fdmt_trials(const FdmtPlan& plan, View<const std::int16_t, 2> group_rows, int begin, int end,
                 std::int64_t t, std::int64_t n, RowWriter& rows, View<std::byte, 1> scratch) {
  expect(0 <= begin && begin < end && end <= plan.n_trial() && end - begin <= plan.params.trial_tile,
         "FDMT trials [{}, {}) of {} in tiles of {}", begin, end, plan.n_trial(), plan.params.trial_tile);
  expect(n >= 1 && n <= plan.max_time, "FDMT run of {} samples; at most {} were planned", n, plan.max_time);
  expect(t >= 0 && plan.group_columns(t + n) <= group_rows.shape(1),
         "FDMT samples [{}, {}) need {} columns of {}", t, t + n, plan.group_columns(t + n),
         group_rows.shape(1));
  const TrialInput x{plan, group_rows};
  Arena arena(scratch);
  if (plan.group_of_node[0] < 0) {
    for_rows(x, node_of(plan, 0), begin, end, t, n, arena, [&](int i, const auto& below) {
      below.add(i, rows.begin_row(i), n);
      rows.end_row(i);
    });
    return;
  }
  for (int i = begin; i < end; ++i) {  // the band is one group
    const std::int16_t* row = group_at(x, 0, t) + i * group_rows.stride(0);
    sum_rows(&row, 1, rows.begin_row(i), n);
    rows.end_row(i);
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
    std::int32_t* begin_row(int i) override { return &out(i, t); }
    void end_row(int) override {}
  } writer;
  writer.out = out;
  for (int i = 0; i < plan.n_trial(); i += plan.params.trial_tile)
    for (writer.t = 0; writer.t < n_time; writer.t += plan.max_time)
      fdmt_trials(plan, group_rows.cview(), i, std::min(i + plan.params.trial_tile, plan.n_trial()), writer.t,
                  std::min<std::int64_t>(plan.max_time, n_time - writer.t), writer, scratch.view());
}

}  // namespace tianyan
