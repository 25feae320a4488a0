// Compiles the tree of an FDMT plan into stages of sums.
#include "cuda/fdmt_program.hpp"

#include <algorithm>
#include <functional>

namespace tianyan {
namespace {

constexpr int kShortestTimeTile = 32, kLongestTimeTile = 256;
constexpr int kMostTrialsPerTile = 32;

// Where a pass reads: nodes that are in global memory, and how.
struct Source {
  std::function<bool(int node)> holds;
  std::function<std::int32_t(int node, int row)> row;
  std::function<std::int32_t(int node)> shift;
};

Source channels_of(const FdmtPlan& plan) {
  const auto node = [&plan](int i) -> const FdmtNode& { return plan.nodes[static_cast<std::size_t>(i)]; };
  return {[node](int i) { return node(i).is_leaf(); },
          [node](int i, int) { return static_cast<std::int32_t>(node(i).chan_begin); },
          [](int) { return 0; }};
}

// A group's column j is shift_min + j samples later than the block's first output.
Source groups_of(const FdmtPlan& plan) {
  const auto group = [&plan](int i) -> const FdmtGroup& {
    return plan.groups[static_cast<std::size_t>(plan.group_of_node[static_cast<std::size_t>(i)])];
  };
  return {[&plan](int i) { return plan.group_of_node[static_cast<std::size_t>(i)] >= 0; },
          [group](int i, int row) { return static_cast<std::int32_t>(group(i).row_begin + row); },
          [group](int i) { return -group(i).shift_min; }};
}

// Stages that a node takes from what is read.
int height_of(const FdmtPlan& plan, const Source& source, int node) {
  if (source.holds(node)) return 0;
  int most = 0;
  for (const auto& child : plan.nodes[static_cast<std::size_t>(node)].children())
    most = std::max(most, height_of(plan, source, child.node));
  return most + 1;
}

// One tile, stage by stage.
class TileCompiler {
 public:
  TileCompiler(const FdmtPlan& plan, const Source& source, int n_stage, int time_tile)
      : plan_(plan), source_(source), time_tile_(time_tile), stages_(static_cast<std::size_t>(n_stage)) {}

  // Rows [begin, end) of the node at the top, into rows of the output from out_row on.
  void make_output(int node, int begin, int end, int shift, std::int32_t out_row) {
    const int stage = static_cast<int>(stages_.size()) - 1;
    add_sums(node, begin, end, {shift, 0}, stage, [&](int r) { return out_row + r - begin; });
  }

  const std::vector<FdmtSum>& sums(int stage) const { return stages_[static_cast<std::size_t>(stage)].sums; }
  bool is_int32(int stage) const { return stages_[static_cast<std::size_t>(stage)].is_int32; }
  std::int64_t bytes(int stage) const {
    const auto& s = stages_[static_cast<std::size_t>(stage)];
    return (s.n_element * (s.is_int32 ? 4 : 2) + 15) / 16 * 16;
  }

 private:
  struct Stage {
    std::vector<FdmtSum> sums;
    std::int64_t n_element = 0;
    bool is_int32 = false;
  };
  // When rows are read: `shift` samples after the tile's first column, `extra` columns more than it has.
  struct When {
    int shift = 0, extra = 0;
  };
  // Rows in shared memory: row `begin` of a node is there from `first` on.
  struct Rows {
    std::int64_t first = 0, stride = 0;
    int begin = 0;
    std::int32_t at(int row, int shift) const {
      return static_cast<std::int32_t>(first + (row - begin) * stride + shift);
    }
  };

  // Rows of a node as the stage leaves them in shared memory.
  Rows make_rows(int node, int begin, int end, const When& when, int stage) {
    auto& s = stages_[static_cast<std::size_t>(stage)];
    s.is_int32 = s.is_int32 || plan_.nodes[static_cast<std::size_t>(node)].is_int32;
    const Rows rows{s.n_element, time_tile_ + when.extra, begin};
    s.n_element += (end - begin) * rows.stride;
    add_sums(node, begin, end, when, stage, [&](int r) { return rows.at(r, 0); });
    return rows;
  }

  template <class OutOf>
  void add_sums(int node, int begin, int end, const When& when, int stage, const OutOf& out_of) {
    std::vector<FdmtSum> sums(static_cast<std::size_t>(end - begin));
    for (int r = begin; r < end; ++r) {
      auto& sum = sums[static_cast<std::size_t>(r - begin)];
      sum.out = out_of(r);
      sum.extra = when.extra;
    }
    if (source_.holds(node)) {
      add_term(
          node, [](int r) { return r; }, [](int) { return 0; }, {begin, begin, end, 0, 0}, when, stage, sums);
    } else {
      for (const auto& child : plan_.nodes[static_cast<std::size_t>(node)].children()) {
        const auto range = child_range(plan_, child, begin, end);
        add_term(
            child.node, [&](int r) { return plan_.row_of(child, r); },
            [&](int r) { return plan_.shift_of(child, r); },
            {begin, range.row_begin, range.row_end, range.shift_min, range.shift_max}, when, stage, sums);
      }
    }
    auto& all = stages_[static_cast<std::size_t>(stage)].sums;
    all.insert(all.end(), sums.begin(), sums.end());
  }

  struct Term {
    int begin, row_begin, row_end, shift_min, shift_max;
  };
  // Adds rows of one node to the sums of the rows from term.begin on.
  template <class RowOf, class ShiftOf>
  void add_term(int node, const RowOf& row_of, const ShiftOf& shift_of, const Term& term, const When& when,
                int stage, std::vector<FdmtSum>& sums) {
    Rows rows;
    if (stage > 0)
      rows =
          make_rows(node, term.row_begin, term.row_end,
                    {when.shift + term.shift_min, when.extra + term.shift_max - term.shift_min}, stage - 1);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const int r = term.begin + static_cast<int>(i), j = sums[i].n_in++;
      if (stage > 0) {
        sums[i].in_shift[j] = rows.at(row_of(r), shift_of(r) - term.shift_min);
      } else {
        expect(source_.holds(node), "node {} of the FDMT is read, and is not in memory", node);
        sums[i].in_row[j] = source_.row(node, row_of(r));
        sums[i].in_shift[j] = source_.shift(node) + when.shift + shift_of(r);
      }
    }
  }

  const FdmtPlan& plan_;
  const Source& source_;
  int time_tile_;
  std::vector<Stage> stages_;
};

// What a tile makes: rows [begin, end) of a node, and where they go.
struct TileRows {
  int node = 0, begin = 0, end = 0, shift = 0, more_columns = 0;
  std::int32_t out_row = 0;
};

struct PassCompiler {
  const FdmtPlan& plan;
  Source source;
  int n_stage = 1;
  int time_tile = 0;
  std::int64_t shared_bytes = 0;

  TileCompiler compile(const TileRows& rows) const {
    TileCompiler tile(plan, source, n_stage, time_tile);
    tile.make_output(rows.node, rows.begin, rows.end, rows.shift, rows.out_row);
    return tile;
  }
  // Bytes of the two regions that a tile takes.
  std::int64_t region_bytes(const TileCompiler& tile, int region) const {
    std::int64_t most = 0;
    for (int s = region; s + 1 < n_stage; s += 2) most = std::max(most, tile.bytes(s));
    return most;
  }
  bool fits(const TileRows& rows) const {
    const auto tile = compile(rows);
    return region_bytes(tile, 0) + region_bytes(tile, 1) <= shared_bytes;
  }

  void add(const TileRows& rows, FdmtPassProgram& program) const {
    const auto tile = compile(rows);
    program.n_stage = n_stage;
    program.more_columns.push_back(rows.more_columns);
    const auto first = region_bytes(tile, 0);
    program.first_region_bytes.push_back(static_cast<std::int32_t>(first));
    program.shared_bytes = std::max(program.shared_bytes, first + region_bytes(tile, 1));
    for (int s = 0; s < n_stage; ++s) {
      program.is_int32[s] = program.is_int32[s] || tile.is_int32(s);
      program.first_sum.push_back(static_cast<std::int32_t>(program.sums.size()));
      program.sums.insert(program.sums.end(), tile.sums(s).begin(), tile.sums(s).end());
    }
    program.first_sum.push_back(static_cast<std::int32_t>(program.sums.size()));
  }
};

void check_stages(int n_stage) {
  expect(n_stage <= kMaxFdmtStages, "an FDMT pass of {} stages; at most {} are possible", n_stage,
         kMaxFdmtStages);
}

// Rows of a group in as few equal tiles as fit; false where not even single rows do.
bool add_group(const PassCompiler& pass, const FdmtGroup& group, FdmtPassProgram& program) {
  const int n_row = pass.plan.nodes[static_cast<std::size_t>(group.node)].n_row;
  const auto rows_of = [&](int begin, int end) {
    return TileRows{group.node,
                    begin,
                    end,
                    group.shift_min,
                    group.shift_max - group.shift_min,
                    static_cast<std::int32_t>(group.row_begin + begin)};
  };
  for (int n_part = 1; n_part <= n_row; ++n_part) {
    bool fit = true;
    const auto begin_of = [&](int part) { return static_cast<int>(std::int64_t{n_row} * part / n_part); };
    for (int part = 0; part < n_part && fit; ++part)
      fit = pass.fits(rows_of(begin_of(part), begin_of(part + 1)));
    if (!fit) continue;
    for (int part = 0; part < n_part; ++part) pass.add(rows_of(begin_of(part), begin_of(part + 1)), program);
    return true;
  }
  return false;
}

bool add_groups(const FdmtPlan& plan, int time_tile, std::int64_t shared_bytes, FdmtPassProgram& program) {
  program = {};
  PassCompiler pass{plan, channels_of(plan), 1, time_tile, shared_bytes};
  for (const auto& group : plan.groups)
    pass.n_stage = std::max(pass.n_stage, height_of(plan, pass.source, group.node));
  check_stages(pass.n_stage);
  for (const auto& group : plan.groups)
    if (!add_group(pass, group, program)) return false;
  return true;
}

bool add_trials(const FdmtPlan& plan, int time_tile, std::int64_t shared_bytes, FdmtPassProgram& program) {
  PassCompiler pass{plan, groups_of(plan), 1, time_tile, shared_bytes};
  pass.n_stage = std::max(1, height_of(plan, pass.source, 0));
  check_stages(pass.n_stage);
  const auto rows_of = [&](int begin, int n) {
    return TileRows{0, begin, std::min(begin + n, plan.n_trial()), 0, 0, begin};
  };
  for (int n = kMostTrialsPerTile; n >= 1; n /= 2) {
    bool fit = true;
    for (int i = 0; i < plan.n_trial() && fit; i += n) fit = pass.fits(rows_of(i, n));
    if (!fit) continue;
    program = {};
    program.rows_per_tile = n;
    for (int i = 0; i < plan.n_trial(); i += n) pass.add(rows_of(i, n), program);
    return true;
  }
  return false;
}

template <class T>
std::int64_t bytes_of(const std::vector<T>& table) {
  return static_cast<std::int64_t>(table.size() * sizeof(T));
}

}  // namespace

double FdmtPassProgram::reads_per_column(int time_tile) const {
  double reads = 0.0;
  for (const auto& sum : sums) reads += sum.n_in * (1.0 + static_cast<double>(sum.extra) / time_tile);
  return reads;
}

std::int64_t FdmtProgram::table_bytes() const {
  std::int64_t bytes = 0;
  for (const auto* pass : {&groups, &trials})
    bytes += bytes_of(pass->sums) + bytes_of(pass->first_sum) + bytes_of(pass->more_columns) +
             bytes_of(pass->first_region_bytes);
  return bytes;
}

FdmtProgram make_fdmt_program(const FdmtPlan& plan, std::int64_t shared_bytes) {
  FdmtProgram best;
  for (int time_tile = kLongestTimeTile; time_tile >= kShortestTimeTile; time_tile /= 2) {
    FdmtProgram program;
    program.time_tile = time_tile;
    if (!add_groups(plan, time_tile, shared_bytes, program.groups) ||
        !add_trials(plan, time_tile, shared_bytes, program.trials))
      continue;
    if (best.time_tile == 0 || program.reads_per_column() < best.reads_per_column())
      best = std::move(program);
  }
  expect(best.time_tile > 0,
         "{} bytes of shared memory are too few for the FDMT of {} channels to delays of {} samples",
         shared_bytes, plan.params.n_chan, plan.params.delay_end);
  return best;
}

}  // namespace tianyan
