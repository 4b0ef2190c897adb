#pragma once
/// Block plans of dynamic routes: made for each head from its queries and keys, kept for backward.
///
/// A dynamic route offers, besides `slot` and `name`,
///   most(context)                    the most spans of a row
///   sees_ahead                       whether a row may see what comes after it
///   pairs(first, tokens, keys)       how many pairs rows [first, first + tokens) see
///   products(first, tokens, keys)    how many products of a query and a key the selection forms
///   workspace<Value, Tokens, Shape>  what it needs room for, of an `attention_shape`
///   start(workspace, asked)          once per head and pass
///   row(workspace, asked, t, spans)  the spans of row t, ascending
///   checks<Shape>                    (optional) what it asks of the attention, as assertions
/// and, where it rests on numbers drawn once for all layers, `draws(heads, head_width)` and `draw(to, heads,
/// head_width)`; where `asked` (a `selection_input`) has the queries, the scores, the place in the stream and what was
/// drawn.

#include <lacuna/attention/plan/planner.hpp>
#include <lacuna/op/attend.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace detail {

template <class Policy>
constexpr extent_t draws_of(extent_t heads, extent_t head_width) {
  if constexpr (requires { Policy::draws(heads, head_width); })
    return Policy::draws(heads, head_width);
  else
    return 0;
}

template <class Policy, class Shape, class = void>
struct checks_of_route {};
template <class Policy, class Shape>
struct checks_of_route<Policy, Shape, std::void_t<typename Policy::template checks<Shape>>>
    : Policy::template checks<Shape> {};

}  // namespace detail

/// The numbers that a dynamic route draws once.
template <class Policy, class Value, extent_t Heads, extent_t HeadWidth>
struct route_draws {
  static constexpr extent_t count = detail::draws_of<Policy>(Heads, HeadWidth);
  tensor<Value, (count == 0 ? 1 : count)> drawn;

  constexpr void build() {
    if constexpr (count > 0) Policy::draw(drawn.data, Heads, HeadWidth);
  }
};

/// One head of one pass, as a selection sees it; and all heads, for those that choose for all alike.
template <class Value, class Cache, class Rule, class AllQueries, class AllKeys>
struct selection_input {
  using value = Value;
  static constexpr extent_t key_columns = Cache::head_width;
  rows<const Value, Cache::head_width> query;
  const Cache& cache;
  const Rule& rule;
  extent_t head;
  extent_t first;
  const AllQueries& all_queries;
  const AllKeys& all_keys;
  const Value* drawn;

  /// Positions so far, this pass included.
  LACUNA_HD constexpr extent_t keys() const noexcept { return first + query.count; }
  /// The score of row t and a key, mapped by the normaliser.
  LACUNA_HD constexpr Value score(extent_t t, extent_t key) const noexcept {
    const auto* k = cache.key_block(key / block_keys, 0) + key % block_keys;
    const Value* q = query.row(t);
    Value sum = 0;
    for (extent_t d = 0; d < Cache::head_width; ++d) sum += q[d] * static_cast<Value>(widen(k[d * block_keys]));
    return Rule::normaliser::map(rule.raw(sum, head, first + t, key));
  }
};

/// A plan with room for `Tokens` rows over `Context` keys of at most `Most` spans each.
template <extent_t Tokens, extent_t Context, extent_t Most>
struct selected_plan {
  static constexpr extent_t groups = groups_of(Tokens);
  static constexpr extent_t blocks = blocks_of(Context);
  static constexpr extent_t edges = 2 * Most * group_rows;
  static constexpr extent_t runs_per_group = 2 * edges + 1 < blocks ? 2 * edges + 1 : blocks;

  std::uint32_t begin[groups + 1]{};
  block_run runs[groups * runs_per_group]{};
  std::uint16_t masks[groups * runs_per_group * group_rows]{};
  spans<Most> seen[group_rows]{};
  extent_t queries = 0;
  std::uint64_t visible = 0;
  extent_t first_position = 0;

  /// `row(t, spans)` writes down what row t sees.
  template <class Row>
  LACUNA_HD constexpr void prepare(extent_t first, extent_t tokens, Row&& row) {
    detail::plan_sink sink{runs, masks, 0, 0, 0};
    for (extent_t group = 0; group < groups_of(tokens); ++group) {
      begin[group] = sink.run_count;
      const extent_t at = group * group_rows;
      const extent_t count = tokens - at < group_rows ? tokens - at : group_rows;
      detail::row_cursor cursors[group_rows]{};
      for (extent_t r = 0; r < count; ++r) {
        seen[r].count = 0;
        row(at + r, seen[r]);
        cursors[r] = {seen[r].items, seen[r].items + seen[r].count};
      }
      detail::plan_group(cursors, count, sink);
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

/// The work of `op::select`: a route's choice for one head, into a plan.
template <class Policy, class Plan, class Workspace, class Input>
struct route_selection {
  Plan& plan;
  Workspace& workspace;
  const Input& input;

  LACUNA_HD constexpr void run() const {
    Policy::start(workspace, input);
    plan.prepare(input.first, input.query.count,
                 [&](extent_t t, auto& spans) { Policy::row(workspace, input, t, spans); });
  }
  LACUNA_HD constexpr std::uint64_t multiply_adds() const noexcept {
    return Policy::products(input.first, input.query.count, input.keys()) * decltype(input.query)::columns;
  }
};

LACUNA_END
