#pragma once
/// Keys and values that are learned, beside those of the tokens: somewhere to look when there is nothing to see.

#include <lacuna/attention/schedule/planned_sources.hpp>
#include <lacuna/attention/source/tokens.hpp>

LACUNA_BEGIN

namespace rules {
template <extent_t Count>
struct sinks_are_not_zero {
  static_assert(Count > 0, "lacuna::learned_sinks: there is no sink (choose learned_sinks<N> with N > 0, often 1)");
};
}  // namespace rules

/// `Count` learned keys with learned values per kv head, which every row sees beside what its route shows. They have no
/// position. 2 * tokens * Count * query_width multiply-adds more than without, 3 where the normaliser takes two passes.
/// State: Count rows more. Paths: `sink_keys`, `sink_values`, both `(Count, kv_width)`; zero at first: one sink is then
/// `softmax1`.
/// Sources: Xiao et al. (2023), arXiv 2309.17453, section 3.3, who learn a token whose key and value these are;
/// Sukhbaatar et al. (2019), arXiv 1907.01470, who learn them directly, as here.
template <extent_t Count = 1>
struct learned_sinks {
  static_assert(__is_base_of(nothing, rules::sinks_are_not_zero<Count>) || true);
  using slot = slots::source;
  static constexpr auto name = fixed_string("learned_sinks<") + decimal<Count>() + ">";
  static constexpr extent_t count = Count == 0 ? 1 : Count;

  template <class Shape, class Parts>
  using schedule = planned_sources<Shape, Parts>;
  template <class Shape, class Parts>
  struct checks {};

  template <class Route, extent_t Context>
  struct sight {
    static constexpr extent_t atoms = count;
    static constexpr bool shows_tokens = true;
    static constexpr bool sees_ahead = route_sees_ahead<Route>;
    LACUNA_ANY_CALLEE
    LACUNA_HD static constexpr auto tokens(extent_t query, extent_t keys) { return Route::spans(query, keys); }
    LACUNA_HD static constexpr spans<1> visible(extent_t) { return {0, count}; }
  };

  template <class Shape, class Sight>
  struct bound {
    template <class Role>
    struct parameters {
      typename Role::template tensor<count, Shape::kv_width> sink_keys;
      typename Role::template tensor<count, Shape::kv_width> sink_values;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("sink_keys", s.sink_keys...);
        v("sink_values", s.sink_values...);
      }
    };
    template <class Role>
    struct state : no_tensors<bound> {};
    template <class Plan>
    struct memory {};
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}

    template <class Values, class Value, class Place, class Run>
    LACUNA_HD static constexpr void make(Values v, rows<Value, Shape::query_width>, rows<Value, Shape::kv_width>,
                                         rows<Value, Shape::kv_width>, const Place& place, const Run& run) {
      // They stay where they are for the rest of the stream.
      if (run.first == 0)
        op::append(place.cache, v.parameters.sink_keys.view(), v.parameters.sink_values.view(), place.first,
                   run.backend);
    }
    template <class Values, class Adjoints, class Value, class Place, class PlaceAdjoint, class Run>
    LACUNA_HD static constexpr void make_backward(Values, Adjoints a, rows<Value, Shape::query_width>,
                                                  rows<Value, Shape::kv_width>, rows<Value, Shape::kv_width>,
                                                  const Place&, const PlaceAdjoint& dplace,
                                                  rows<Value, Shape::query_width>, rows<Value, Shape::kv_width>,
                                                  rows<Value, Shape::kv_width>, const Run& run) {
      op::append_backward(readable(dplace.cache), a.gradients.sink_keys.view(), a.gradients.sink_values.view(),
                          dplace.first, run.backend);
    }
    static constexpr std::uint64_t multiply_adds(extent_t, extent_t) { return 0; }
  };
};

LACUNA_END
