#pragma once
/// The past in spans: near tokens one by one, far ones as one key and value per span.

#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/schedule/planned_sources.hpp>
#include <lacuna/attention/source/tokens.hpp>
#include <lacuna/op/summarise.hpp>

LACUNA_BEGIN

template <extent_t Length>
struct segments;

namespace slots {
/// `segments<16>`, `doubling_blocks`, or your own: `levels`, `length`, `ending` and `number` (op/summarise.hpp),
/// `tokens(query)`, what a row sees token by token, itself at the end; and `visible<Context>(query)`, the atoms of
/// spans that hold all before that.
struct partition {
  using stand_in = segments<16>;
  template <class Policy>
  static constexpr bool accepts = requires {
    Policy::levels(extent_t{1}) + Policy::length(extent_t{0}) + Policy::ending(extent_t{0}, extent_t{1}) +
        Policy::number(extent_t{1});
    Policy::tokens(extent_t{0}).count;
    Policy::template visible<64>(extent_t{0}).count;
  };
  template <class Policy>
  struct refused {
    static_assert(
        always_false<Policy>,
        "lacuna::summarised: its argument does not cut the past into spans (write summarised<segments<16>> or "
        "summarised<doubling_blocks>)");
  };
};
}  // namespace slots

namespace rules {
template <extent_t Length>
struct segments_are_not_empty {
  static_assert(Length > 0,
                "lacuna::segments: a segment of 0 tokens holds nothing (choose segments<S> with S > 0, often the root "
                "of the context)");
};
template <bool Fine>
struct summaries_are_of_the_past {
  static_assert(Fine,
                "lacuna::summarised: its spans hold the whole past, so that no route can hide some of it or show more "
                "(use causal with it, or tokens with this route)");
};
template <bool Fine>
struct spans_ask_for_all_heads {
  static_assert(Fine,
                "lacuna::summarised: a span asks its keys with its own queries, and there are fewer key heads than "
                "heads (leave kv_heads out)");
};
}  // namespace rules

/// Segments of `Length` tokens: a row sees its own segment token by token, up to itself, and each one before as a span.
template <extent_t Length>
struct segments {
  static_assert(__is_base_of(nothing, rules::segments_are_not_empty<Length>) || true);
  using slot = slots::partition;
  static constexpr auto name = fixed_string("segments<") + decimal<Length>() + ">";
  static constexpr extent_t size = Length == 0 ? 1 : Length;

  static constexpr extent_t levels(extent_t) { return 1; }
  LACUNA_HD static constexpr extent_t length(extent_t) { return size; }
  LACUNA_HD static constexpr extent_t ending(extent_t, extent_t upto) { return upto / size; }
  LACUNA_HD static constexpr extent_t number(extent_t end) { return end / size - 1; }
  LACUNA_HD static constexpr spans<1> tokens(extent_t query) { return {query / size * size, query + 1}; }
  template <extent_t Context>
  LACUNA_HD static constexpr spans<1> visible(extent_t query) {
    return {0, query / size};
  }
};

/// Aligned blocks of 2, 4, 8, ... tokens: a row sees, for every bit that is set in its position, the block of so many
/// tokens that ends at the position with its lower bits cleared; a block of one token is that token. At most
/// 1 + log2(context) keys per row, as in a binary indexed tree.
struct doubling_blocks {
  using slot = slots::partition;
  static constexpr auto name = fixed_string("doubling_blocks");

  static constexpr extent_t levels(extent_t context) {
    extent_t count = 0;
    while (length(count) < context) ++count;
    return count;
  }
  LACUNA_HD static constexpr extent_t length(extent_t level) { return extent_t{2} << level; }
  /// Odd multiples of the length are the ends of its blocks.
  LACUNA_HD static constexpr extent_t ending(extent_t level, extent_t upto) { return (upto / length(level) + 1) / 2; }
  /// At every even position ends one block, as long as its lowest bit.
  LACUNA_HD static constexpr extent_t number(extent_t end) { return end / 2 - 1; }
  LACUNA_HD static constexpr spans<1> tokens(extent_t query) { return {query / 2 * 2, query + 1}; }
  template <extent_t Context>
  LACUNA_HD static constexpr spans<levels(Context)> visible(extent_t query) {
    spans<levels(Context)> seen;
    for (extent_t level = levels(Context); level-- > 0;)
      if (const extent_t end = query / length(level) * length(level); query / length(level) % 2 == 1)
        seen.add(number(end), number(end) + 1);
    return seen;
  }
};

/// Every row sees the whole past, some of it in spans: a span has the weight of one key, the largest of its keys'
/// numbers column by column, and shares it among its tokens by a softmax of the scores that the largest of its queries
/// gives them. (Nothing is added for its length: alike keys weigh less in a span than alone, as in the paper.) Scores
/// are scaled once. 2 * query_width multiply-adds for each key or span that a row sees and for each token of a span,
/// once per span: about n (S / 2 + n / 2 S) pairs for segments of S, n (1 + log2(n) / 2) for doubling blocks. State: a
/// row for each span beside the tokens' rows, and the largest query of each length of spans. No parameters. Errors:
/// another route than `causal`; fewer kv_heads than heads. Source: Ren et al. (2021), Combiner, arXiv 2107.05768,
/// section 4: `segments` is Combiner-Fixed, `doubling_blocks` Combiner-Logsparse. Largest numbers in keys and queries
/// as in the released jax code.
template <class Partition>
struct summarised {
  using slot = slots::source;
  using partition = checked<Partition, slots::partition>;
  static constexpr auto name = fixed_string("summarised<") + partition::name + ">";

  template <class Shape, class Parts>
  using schedule = planned_sources<Shape, Parts>;
  template <class Shape, class Parts>
  struct checks {
    static_assert(__is_base_of(nothing, rules::summaries_are_of_the_past<same<typename Parts::route, causal>>) || true);
    static_assert(__is_base_of(nothing, rules::spans_ask_for_all_heads<Shape::heads == Shape::kv_heads>) || true);
  };

  template <class Route, extent_t Context>
  struct sight {
    static constexpr extent_t atoms = [] {
      extent_t count = 0;
      for (extent_t level = 0; level < partition::levels(Context); ++level)
        count += partition::ending(level, Context - 1);
      return count;
    }();
    static constexpr bool shows_tokens = true;
    static constexpr bool sees_ahead = false;
    LACUNA_HD static constexpr auto tokens(extent_t query, extent_t) { return partition::tokens(query); }
    LACUNA_HD static constexpr auto visible(extent_t query) { return partition::template visible<Context>(query); }
  };

  template <class Shape, class Sight>
  struct bound {
    template <class Value>
    using rule = summary_rule<partition, Shape::context, Value>;

    template <class Role>
    struct parameters : no_tensors<bound> {};
    template <class Role>
    struct state {
      typename Role::template tensor<partition::levels(Shape::context), Shape::query_width> largest_queries;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("largest_queries", s.largest_queries...);
      }
    };
    template <class Plan>
    struct memory {};
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}

    template <class Values, class Value, class Place, class Run>
    LACUNA_HD static constexpr void make(Values v, rows<Value, Shape::query_width> query, rows<Value, Shape::kv_width>,
                                         rows<Value, Shape::kv_width>, const Place& place, const Run& run) {
      op::summarise(place.cache, v.state.largest_queries.view(), query, run.first,
                    rule<Value>{place.first, place.scale}, run.backend);
    }
    template <class Values, class Adjoints, class Value, class Place, class PlaceAdjoint, class Run>
    LACUNA_HD static constexpr void make_backward(Values, Adjoints, rows<Value, Shape::query_width> query,
                                                  rows<Value, Shape::kv_width>, rows<Value, Shape::kv_width>,
                                                  const Place& place, const PlaceAdjoint& dplace,
                                                  rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width>,
                                                  rows<Value, Shape::kv_width>, const Run& run) {
      op::summarise_backward(dplace.cache, dquery, place.cache, query, rule<Value>{place.first, place.scale},
                             run.backend);
    }
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
      return 2 * rule<float>::summarised(first, tokens) * Shape::query_width;
    }
  };
};

LACUNA_END
