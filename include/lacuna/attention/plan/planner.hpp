#pragma once
/// Turns a route into a block plan: runs of 16-key blocks per 8 query rows, row masks only where a block is partial.
///
/// The part that knows the route only writes spans down; the part that makes runs is one function for all routes.

#include <lacuna/attention/route/span.hpp>
#include <lacuna/op/block_plan.hpp>

LACUNA_BEGIN

namespace detail {

/// A row's spans without their static capacity.
struct row_cursor {
  const span* at = nullptr;
  const span* end = nullptr;
};

/// Where the planner writes.
struct plan_sink {
  block_run* runs;
  std::uint16_t* masks;
  std::uint32_t run_count;
  std::uint32_t mask_count;
  std::uint64_t pairs;
};

/// The row's 16-bit mask in `block`; spans that end inside it are passed.
LACUNA_HD constexpr std::uint32_t take_mask(row_cursor& row, extent_t block) {
  const extent_t from = block * block_keys, to = from + block_keys;
  std::uint32_t mask = 0;
  while (row.at != row.end && row.at->begin < to) {
    const extent_t begin = row.at->begin < from ? 0 : row.at->begin - from;
    const extent_t end = row.at->end < to ? row.at->end - from : block_keys;
    mask |= ((std::uint32_t{1} << end) - 1u) & ~((std::uint32_t{1} << begin) - 1u);
    if (row.at->end > to) break;
    ++row.at;
  }
  return mask;
}

/// Appends the runs of one group of rows. Full stretches are found from span ends, never block by block.
LACUNA_HD constexpr void plan_group(row_cursor (&rows)[group_rows], extent_t row_count, plan_sink& sink) {
  const std::uint32_t first_run = sink.run_count;
  for (;;) {
    bool any = false;
    extent_t block = 0;
    for (extent_t r = 0; r < row_count; ++r) {
      if (rows[r].at == rows[r].end) continue;
      if (const extent_t next = rows[r].at->begin / block_keys; !any || next < block) block = next;
      any = true;
    }
    if (!any) return;
    // After a block was taken, a span that goes on starts before it: never step back.
    if (sink.run_count > first_run) {
      const block_run& last = sink.runs[sink.run_count - 1];
      const extent_t after = extent_t{last.first} + last.count;
      if (block < after) block = after;
    }
    // A stretch of blocks that each row sees either whole or not at all is one run, however long.
    constexpr extent_t endless = static_cast<extent_t>(-1);
    extent_t stretch = endless, seeing = 0;
    bool whole[group_rows]{};
    for (extent_t r = 0; r < row_count; ++r) {
      const bool over = rows[r].at == rows[r].end;
      const bool covers = !over && rows[r].at->begin <= block * block_keys;
      const extent_t edge = over ? endless : (covers ? rows[r].at->end : rows[r].at->begin) / block_keys;
      const extent_t unchanged = over ? endless : edge > block ? edge - block : 0;
      whole[r] = covers && unchanged > 0;
      seeing += whole[r] ? 1 : 0;
      if (unchanged < stretch) stretch = unchanged;
    }
    if (stretch > 0) {
      const bool full = seeing == row_count;
      sink.runs[sink.run_count++] = {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(stretch),
                                     full ? block_run::full : sink.mask_count, 0};
      for (extent_t r = 0; !full && r < group_rows; ++r) sink.masks[sink.mask_count++] = whole[r] ? 0xffffu : 0u;
      sink.pairs += std::uint64_t{stretch} * block_keys * seeing;
      for (extent_t r = 0; r < row_count; ++r)
        if (whole[r] && rows[r].at->end == (block + stretch) * block_keys) ++rows[r].at;
      continue;
    }
    const bool extends = sink.run_count > first_run && sink.runs[sink.run_count - 1].step != 0 &&
                         extent_t{sink.runs[sink.run_count - 1].first} + sink.runs[sink.run_count - 1].count == block;
    if (extends)
      ++sink.runs[sink.run_count - 1].count;
    else
      sink.runs[sink.run_count++] = {static_cast<std::uint32_t>(block), 1, sink.mask_count, group_rows};
    for (extent_t r = 0; r < group_rows; ++r) {
      const std::uint32_t mask = r < row_count ? take_mask(rows[r], block) : 0;
      sink.masks[sink.mask_count++] = static_cast<std::uint16_t>(mask);
      for (std::uint32_t bits = mask; bits != 0; bits &= bits - 1) ++sink.pairs;
    }
  }
}

}  // namespace detail

/// A block plan with its storage: room for `Tokens` rows over `Context` keys of at most `Most` spans and `MostKeys`
/// keys each, in each of `Branches`, whose runs follow one another: a key of several is met as often.
template <extent_t Tokens, extent_t Context, extent_t Most, extent_t MostKeys = Context, extent_t Branches = 1>
struct stored_plan {
  static constexpr extent_t groups = groups_of(Tokens);
  static constexpr extent_t blocks = blocks_of(Context);
  /// A group's spans have this many edges, each inside one block or between two; a run ends at an edge, so that there
  /// are at most a run for each block with an edge and one for each stretch between them.
  static constexpr extent_t edges = 2 * Most * group_rows;
  static constexpr extent_t runs_by_edges = 2 * edges + 1 < blocks ? 2 * edges + 1 : blocks;
  /// No run is without a block that some row sees, and no two share one: no more of them than keys.
  static constexpr extent_t group_keys = MostKeys * group_rows;
  static constexpr extent_t runs_per_group = Branches * (group_keys < runs_by_edges ? group_keys : runs_by_edges);

  std::uint32_t begin[groups + 1]{};
  block_run runs[groups * runs_per_group]{};
  std::uint16_t masks[groups * runs_per_group * group_rows]{};
  spans<Most> seen[group_rows]{};  ///< of the group that is being planned
  extent_t queries = 0;
  std::uint64_t visible = 0;
  extent_t first_position = 0;

  /// Plans rows [first, first + tokens), which see keys up to the last of them: `row(t, spans)` writes down what row t
  /// of them sees; `row(t, spans, branch)`, where there are several.
  LACUNA_ANY_CALLEE
  template <class Row>
  LACUNA_HD constexpr void prepare_rows(extent_t first, extent_t tokens, Row&& row) {
    prepare_rows(first, tokens, first + tokens, row);
  }
  /// The same, where there are `keys` keys: more than tokens so far.
  LACUNA_ANY_CALLEE
  template <class Row>
  LACUNA_HD constexpr void prepare_rows(extent_t first, extent_t tokens, extent_t keys, Row&& row) {
    detail::plan_sink sink{runs, masks, 0, 0, 0};
    for (extent_t group = 0; group < groups_of(tokens); ++group) {
      begin[group] = sink.run_count;
      const extent_t at = group * group_rows;
      const extent_t count = tokens - at < group_rows ? tokens - at : group_rows;
      for (extent_t branch = 0; branch < Branches; ++branch) {
        detail::row_cursor cursors[group_rows]{};
        for (extent_t r = 0; r < count; ++r) {
          seen[r].count = 0;
          if constexpr (Branches == 1)
            row(at + r, seen[r]);
          else
            row(at + r, seen[r], branch);
          // A user's route may overshoot: what does not exist yet is not seen.
          while (seen[r].count > 0 && seen[r].items[seen[r].count - 1].begin >= keys) --seen[r].count;
          if (seen[r].count > 0 && seen[r].items[seen[r].count - 1].end > keys)
            seen[r].items[seen[r].count - 1].end = keys;
          cursors[r] = {seen[r].items, seen[r].items + seen[r].count};
        }
        detail::plan_group(cursors, count, sink);
      }
    }
    begin[groups_of(tokens)] = sink.run_count;
    queries = tokens;
    visible = sink.pairs;
    first_position = first;
  }
  LACUNA_HD constexpr block_plan_view view() const noexcept {
    return {begin, runs, masks, queries, visible, first_position};
  }
};

/// The plan of a route with spans: the same for all heads, and for all layers that have the route.
template <class Policy, extent_t Tokens, extent_t Context>
struct shared_plan : stored_plan<Tokens, Context, most_spans<Policy>, Context, branch_count<Policy>> {
  constexpr void prepare(extent_t first, extent_t tokens) {
    this->prepare_rows(first, tokens, [&](extent_t t, auto& to, extent_t branch = 0) {
      to = spans_of_branch<Policy>(branch, first + t, first + tokens);
    });
  }
};

LACUNA_END
