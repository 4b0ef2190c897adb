#pragma once
/// The attention component: project, position, mix by the schedule that serves the composition, gate, project back.

#include <lacuna/attention/cache/linear.hpp>
#include <lacuna/attention/gate/no_gate.hpp>
#include <lacuna/attention/merge/fold.hpp>
#include <lacuna/attention/normaliser/softmax.hpp>
#include <lacuna/attention/project/separate.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/schedule/find.hpp>
#include <lacuna/attention/score/dot.hpp>
#include <lacuna/attention/selection_leak.hpp>
#include <lacuna/attention/slots.hpp>
#include <lacuna/attention/source/tokens.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/format/projection.hpp>
#include <lacuna/op/run.hpp>
#include <lacuna/position/no_position.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct attention;
}

/// The slots of attention and their defaults.
using attention_fields =
    fields<field<slots::heads, must>, field<slots::kv_heads, like<slots::heads>>,
           field<slots::head_width, derived_head_width>, field<slots::route, must>, field<slots::position, no_position>,
           field<slots::score, dot>, field<slots::normaliser, softmax>, field<slots::cache, linear_cache>,
           field<slots::source, tokens>, field<slots::projections, separate_projections>, field<slots::merge, fold>,
           field<slots::gate, no_gate>, field<slots::format, dense>, field<slots::bias, no_bias>,
           field<slots::selection_leak, refuse_selection_leak>>;

namespace detail {

/// What a route asks of the attention's sizes, and what each of several does.
template <class Route, class Shape>
struct checks_of_all_routes : checks_of_route<Route, Shape> {};
template <class List, class Shape>
struct checks_of_branches;
template <class... Routes, class Shape>
struct checks_of_branches<type_list<Routes...>, Shape> {
  static_assert((true && ... && (__is_base_of(nothing, checks_of_route<Routes, Shape>) || true)));
};
template <class Route, class Shape>
  requires is_branched<Route>
struct checks_of_all_routes<Route, Shape> : checks_of_branches<typename Route::routes, Shape> {};

/// Whether the route goes with all other parts, and what it says otherwise: some do not, and have nested
/// `goes_with<Recipe>` and `complaint<Recipe>`.
template <class Recipe, class = void>
struct route_of {
  static constexpr bool agrees = true;
  using complaint = nothing;
};
template <class Recipe>
struct route_of<Recipe, std::void_t<typename Recipe::template get<slots::route>::template complaint<Recipe>>> {
  using policy = typename Recipe::template get<slots::route>;
  static constexpr bool agrees = policy::template goes_with<Recipe>;
  using complaint = typename policy::template complaint<Recipe>;
};

/// Whether the source has the schedule to itself: it comes first, and what others bring would be passed over.
template <class Shape, class Parts>
inline constexpr bool source_brings_alone =
    !BringsSchedule<typename Parts::source, Shape, Parts> ||
    !(BringsSchedule<typename Parts::projections, Shape, Parts> || BringsSchedule<typename Parts::score, Shape, Parts>);

template <class Score>
inline constexpr bool has_own_penalty = requires { Score::own_penalty; };
/// Whether a score, or one of a branch, lowers a token's own key.
template <class Route, class Score>
constexpr bool lowers_own_key() {
  if constexpr (is_branched<Route>)
    return []<class... Scores>(type_list<Scores...>) {
      return (false || ... || has_own_penalty<score_in_branch<Scores, Score>>);
    }(typename Route::scores{});
  else
    return has_own_penalty<Score>;
}

/// What a schedule with `reads_projections` is given in the place of its own memory: that of the projections beside it.
template <class Own, class Projections>
struct memory_with_projections {
  Own& own;
  Projections& projections;
};

/// Multiply-adds of projections, which may depend on where the rows stand.
template <class Projections>
constexpr std::uint64_t projection_products(extent_t first, extent_t tokens) {
  if constexpr (requires { Projections::multiply_adds(first, tokens); })
    return Projections::multiply_adds(first, tokens);
  else
    return Projections::multiply_adds(tokens);
}

}  // namespace detail

namespace rules {
template <bool Fine>
struct one_part_brings_the_schedule {
  static_assert(Fine,
                "lacuna::attention: the source needs a schedule of its own, and so do the projections or the score "
                "(leave the source out, or use separate_projections and dot with it)");
};
template <bool Fine>
struct own_keys_are_hidden_by_exponentials {
  static_assert(Fine,
                "lacuna::attention: the score lowers a token's own key, which hides it only where scores go into "
                "exponentials as they are (use softmax, softmax1 or clipped_softmax, or plain_dot)");
};
template <bool Fine>
struct merge_joins_branches {
  static_assert(Fine,
                "lacuna::attention: there is nothing to merge, since the route has no branches (write branches<route, "
                "route>, or leave the merge out)");
};
}  // namespace rules

/// y = W_o [attend(W_q x, cache of (W_k x, W_v x))]: `(tokens, width) -> (tokens, width)`.
///
/// tokens * (2 width heads head_width + 2 width kv_heads head_width) + 2 pairs heads head_width multiply-adds; 3 where
/// the normaliser takes two passes; with a feature map no pairs (see state_scan.hpp). State: keys and values of the
/// stream, or what the schedule keeps in their place. Paths: `query`, `key`, `value`, `output`, and what the other
/// parts add. Source: Vaswani et al. (2017), arXiv 1706.03762; grouped heads: Ainslie et al. (2023), arXiv 2305.13245.
template <class... Policies>
struct attention : recipe<recipe_name::attention, attention_fields, Policies...> {
  using slot = slots::sublayer;
  using base = recipe<recipe_name::attention, attention_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class... New>
  using rebuild = attention<New...>;
  static constexpr auto role = fixed_string("attention");

  template <class At>
  struct bound {
    using out = At;
    using format = typename base::template get<slots::format>;
    using bias = typename base::template get<slots::bias>;
    using width_of_head = typename base::template get<slots::head_width>;

    static constexpr extent_t asked_heads = base::template get<slots::heads>::value;
    static constexpr extent_t asked_kv_heads = base::template get<slots::kv_heads>::value;
    static constexpr bool derived_width = same<width_of_head, derived_head_width>;
    static constexpr bool sized = asked_heads > 0 && asked_kv_heads > 0 &&
                                  (derived_width || width_of_head::of(At::width, 1) > 0);
    static constexpr extent_t heads = sized ? asked_heads : 1;
    static constexpr extent_t kv_heads = sized && heads % asked_kv_heads == 0 ? asked_kv_heads : 1;
    static constexpr bool divided = sized && (!derived_width || At::width % heads == 0);
    static constexpr extent_t head_width = divided ? width_of_head::of(At::width, heads) : 2;
    static_assert(__is_base_of(nothing, rules::head_sizes_are_not_zero<sized>) || true);
    static_assert(__is_base_of(nothing, rules::heads_divide_width<heads, At::width, derived_width>) || true);
    static_assert(__is_base_of(nothing, rules::kv_heads_divide_heads<sized ? asked_kv_heads : 1, heads>) || true);

    static constexpr extent_t query_width = heads * head_width;
    static constexpr extent_t kv_width = kv_heads * head_width;
    using shape = attention_shape<At::width, At::context, heads, kv_heads, head_width>;
    using position = typename base::template get<slots::position>::template on_projections<head_width, At::context>;
    static_assert(__is_base_of(nothing, position) || true);

    static_assert(__is_base_of(nothing, typename detail::route_of<base>::complaint) || true);
    /// The policies that choose the schedule.
    struct parts_of_schedule {
      template <class Slot>
      using beside = std::conditional_t<detail::route_of<base>::agrees, typename base::template get<Slot>,
                                        typename Slot::stand_in>;
      using route = typename base::template get<slots::route>;
      using score = beside<slots::score>;
      using normaliser = typename base::template get<slots::normaliser>;
      using cache = beside<slots::cache>;
      using source = beside<slots::source>;
      using projections = beside<slots::projections>;
      using merge = typename base::template get<slots::merge>;
      using position = typename bound::position;
    };
    static_assert(__is_base_of(nothing, detail::checks_of_all_routes<typename parts_of_schedule::route, shape>) ||
                  true);
    static constexpr bool takes_exponentials =
        keeps_scores<typename parts_of_schedule::normaliser> &&
        normalisation_of<typename parts_of_schedule::normaliser> != normalisation::summed;
    static constexpr bool lowers_own_key =
        detail::lowers_own_key<typename parts_of_schedule::route, typename parts_of_schedule::score>();
    static_assert(__is_base_of(nothing, rules::merge_joins_branches<is_branched<typename parts_of_schedule::route> ||
                                                                    !base::template spelled<slots::merge>>) ||
                  true);
    static constexpr bool own_key_hides = takes_exponentials || !lowers_own_key;
    static_assert(__is_base_of(nothing, rules::own_keys_are_hidden_by_exponentials<own_key_hides>) || true);
    static_assert(
        __is_base_of(nothing,
                     rules::one_part_brings_the_schedule<detail::source_brings_alone<shape, parts_of_schedule>>) ||
        true);
    using schedule_type = detail::schedule_of<shape, parts_of_schedule>;
    static_assert(__is_base_of(nothing, schedule_type) || true);
    using gate = typename base::template get<slots::gate>::template bound<shape>;
    static_assert(__is_base_of(nothing, gate) || true);
    static constexpr bool sees_ahead = schedule_type::sees_ahead || lacuna::sees_ahead<gate>;
    static constexpr bool forgets = schedule_type::forgets;
    static constexpr bool selection_leaks =
        route_selection_leaks<typename parts_of_schedule::route> && !base::template get<slots::selection_leak>::allowed;
    static constexpr bool tells_sequences_apart =
        requires { requires parts_of_schedule::route::tells_sequences_apart; };
    static constexpr extent_t streams = [] {
      if constexpr (requires { schedule_type::streams; })
        return schedule_type::streams;
      else
        return count_elements<typename schedule_type::template state<shapes<float>>>() == 0 ? extent_t{0} : extent_t{1};
    }();

    using projections = typename base::template get<slots::projections>::template bound<shape, format, bias>;
    static_assert(__is_base_of(nothing, projections) || true);
    using output_map = projection<format_at<format, projection_name::output>, bias, At::width, query_width>;

    template <class Role>
    struct parameters : projections::template parameters<Role> {
      using projected = typename projections::template parameters<Role>;
      typename output_map::template parameters<Role> output;
      LACUNA_NO_ADDRESS typename schedule_type::template parameters<Role> schedule_part;
      LACUNA_NO_ADDRESS typename gate::template parameters<Role> gate_part;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        projected::visit(v, s...);
        v("output", s.output...);
        v("", s.schedule_part...);
        v("", s.gate_part...);
      }
    };
    template <class Role>
    using state = typename schedule_type::template state<Role>;
    template <class Plan>
    struct memory {
      typename Plan::template buffer<query_width> query;
      typename Plan::template buffer<kv_width> key;
      typename Plan::template buffer<kv_width> value;
      typename Plan::template buffer<query_width> mixed;
      LACUNA_NO_ADDRESS typename schedule_type::template memory<Plan> schedule_memory;
      LACUNA_NO_ADDRESS typename gate::template memory<Plan> gate_memory;
      LACUNA_NO_ADDRESS typename projections::template memory<Plan> projections_memory;
      LACUNA_NO_ADDRESS typename output_map::template memory<Plan> output_map_memory;
    };
    template <class Target>
    struct derived {
      typename projections::template derived<Target> projections_part;
      typename output_map::template derived<Target> output;
      LACUNA_NO_ADDRESS typename gate::template derived<Target> gate_part;
    };
    /// What all layers of the model share: the plan of the route, the angles of the positions.
    template <class Plan>
    using shares =
        join<typename schedule_type::template shares<Plan>, typename position::template shares<typename Plan::value>>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      projections::refresh(parameters, derived.projections_part);
      output_map::refresh(parameters.output, derived.output);
      gate::refresh(parameters.gate_part, derived.gate_part);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      projections::initialise(parameters);
      schedule_type::initialise(parameters.schedule_part);
      gate::initialise(parameters.gate_part);
    }

    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                            const Run& run) {
      auto& m = v.memory;
      const auto query = m.query.first(x.count), mixed = m.mixed.first(x.count);
      const auto key = m.key.first(x.count), value = m.value.first(x.count);
      projections::forward(v.parameters, m.projections_memory, v.derived.projections_part, x, query, key, value, run);
      apply_positions(query, key, m, false, run);
      auto&& own = memory_of_schedule(m);
      schedule_type::forward(inside(v, own), query, key, value, mixed, run);
      const auto passed =
          gate::forward(v.parameters.gate_part, m.gate_memory, v.derived.gate_part, x, value, mixed, run);
      output_map::forward(v.parameters.output, m.output_map_memory, v.derived.output, passed, y, run);
    }

    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                             rows<Value, At::width> dx, const Run& run) {
      auto& m = v.memory;
      auto& d = a.memory;
      const auto query = m.query.first(x.count), mixed = m.mixed.first(x.count);
      const auto key = m.key.first(x.count), value = m.value.first(x.count);
      const auto dquery = d.query.first(x.count), dmixed = d.mixed.first(x.count);
      const auto dkey = d.key.first(x.count), dvalue = d.value.first(x.count);
      dquery.fill(0), dmixed.fill(0), dkey.fill(0), dvalue.fill(0);
      output_map::backward(v.parameters.output, a.gradients.output, m.output_map_memory, d.output_map_memory,
                           v.derived.output, gate::passed(m.gate_memory, mixed), dy, dmixed, run);
      gate::backward(v.parameters.gate_part, a.gradients.gate_part, m.gate_memory, d.gate_memory, v.derived.gate_part,
                     x, value, mixed, dmixed, dvalue, dx, run);
      auto&& own = memory_of_schedule(m);
      auto&& down = memory_of_schedule(d);
      schedule_type::backward(inside(v, own), adjoints{a.gradients.schedule_part, a.state, down}, query, key, value,
                              mixed, dmixed, dquery, dkey, dvalue, run);
      apply_positions(dquery, dkey, d, true, run);
      projections::backward(v.parameters, a.gradients, m.projections_memory, d.projections_memory,
                            v.derived.projections_part, x, dquery, dkey, dvalue, dx, run);
    }

    /// Multiply-adds of `tokens` rows from position `first` on, forward.
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
      return detail::projection_products<projections>(first, tokens) + output_map::multiply_adds(tokens) +
             gate::multiply_adds(tokens) + schedule_type::multiply_adds(first, tokens);
    }
    /// Calls `f(name, value)` for the sizes that no tensor shape tells.
    template <class Function>
    static constexpr void facts(Function&& f) {
      f("heads", heads);
      f("kv_heads", kv_heads);
    }
    /// Calls `f(route name, reason)`: how this attention is run, and why.
    template <class Function>
    static constexpr void schedules(Function&& f) {
      f(parts_of_schedule::route::name.c_str(), schedule_type::chosen.why);
      if constexpr (requires { schedule_type::schedules(f); }) schedule_type::schedules(f);
    }

   private:
    template <class Values, class Memory>
    LACUNA_HD static constexpr auto inside(Values v, Memory& memory) {
      return values{v.parameters.schedule_part, v.state, memory, v.derived};
    }
    template <class Memory>
    LACUNA_HD static constexpr decltype(auto) memory_of_schedule(Memory& m) {
      if constexpr (requires { requires schedule_type::reads_projections; })
        return detail::memory_with_projections<decltype(m.schedule_memory), decltype(m.projections_memory)>{
            m.schedule_memory, m.projections_memory};
      else
        return (m.schedule_memory);
    }
    /// Positions, in place: of queries and keys, and of others that the projections made.
    template <class Value, class Memory, class Run>
    LACUNA_HD static constexpr void apply_positions(rows<Value, query_width> query, rows<Value, kv_width> key,
                                                    Memory& m, bool backward, const Run& run) {
      position::apply(query, backward, run);
      position::apply(key, backward, run);
      if constexpr (requires {
                      projections::template apply_positions<position>(m.projections_memory, query.count, backward, run);
                    })
        projections::template apply_positions<position>(m.projections_memory, query.count, backward, run);
    }
  };
};

LACUNA_END
