#pragma once
/// Several branches beside each other, each with a schedule of its own, and the mean of what they give.

#include <lacuna/attention/route/branches.hpp>
#include <lacuna/attention/schedule/find.hpp>
#include <lacuna/core/flat_tuple.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct averaged_branches_keep_their_keys {
  static_assert(
      Fine,
      "lacuna::branches: the mean of branches has a cache that overwrites keys, or pages while a branch keeps a state "
      "of its own (use linear_cache, or dot products over routes with spans in all branches)");
};
template <bool Fine>
struct seen_branches_have_plans {
  static_assert(
      Fine,
      "lacuna::mean_seen_outputs: a branch has no block plan that tells whether a row sees something there (use "
      "dot products over routes with spans, or mean_outputs)");
};
}  // namespace rules

namespace detail {

template <class Parts, class Route, class Score, class Cache>
struct parts_of_branch : Parts {
  using route = Route;
  using cache = Cache;
  using score = std::conditional_t<same<Score, score_of_attention>, typename Parts::score, Score>;
};

/// Whether a schedule writes keys and reads them in halves of their own.
template <class Schedule>
inline constexpr bool is_planned_tiles = false;
template <class Shape, class Parts>
inline constexpr bool is_planned_tiles<planned_tiles<Shape, Parts>> = true;

/// What schedules of features ask, said one level nearer to the recipe; others ask nothing here.
template <class Schedule>
struct checks_of_schedule {
  using type = nothing;
};
template <class Shape, class Parts>
struct checks_of_schedule<state_scan<Shape, Parts>> {
  using type = checks_of_features<Shape, Parts>;
};
template <class Shape, class Parts>
struct checks_of_schedule<feature_pairs<Shape, Parts>> {
  using type = checks_of_features<Shape, Parts>;
};
template <class List>
struct checks_of_schedules;
template <class... Schedules>
struct checks_of_schedules<type_list<Schedules...>> {
  using type = completed<type_list<typename checks_of_schedule<Schedules>::type...>>;
};

}  // namespace detail

/// See planned_tiles.hpp for what a schedule is. State: one cache for all branches that multiply queries by keys over
/// routes with spans, and what the others keep; `branches.<n>...`. Memory: that of every branch, and a buffer of tokens
/// * heads * head_width numbers; one for each branch where a model learns and not all multiply queries by keys. The
/// mean itself is a plain loop, seen by no watcher.
template <class Shape, class Parts, bool SeenAlone>
struct mean_of_branches {
  using branched = typename Parts::route;
  static constexpr extent_t count = branched::count;
  using cache = typename Parts::cache;
  template <class Cache, class... Routes, class... Scores>
  static type_list<detail::schedule_of<Shape, detail::parts_of_branch<Parts, Routes, Scores, Cache>>...> find(
      type_list<Routes...>, type_list<Scores...>);
  template <class... Schedules>
  static constexpr bool all_are_tiles(type_list<Schedules...>*) {
    return (true && ... && detail::is_planned_tiles<Schedules>);
  }
  using asked_schedules = decltype(find<cache>(typename branched::routes{}, typename branched::scores{}));
  static constexpr bool keeps =
      !cache_forgets<cache> && (all_are_tiles(static_cast<asked_schedules*>(nullptr)) || same<cache, linear_cache>);
  static_assert(__is_base_of(nothing, rules::averaged_branches_keep_their_keys<keeps>) || true);
  using schedules_of_branches = decltype(find<std::conditional_t<keeps, cache, linear_cache>>(
      typename branched::routes{}, typename branched::scores{}));
  // What is wrong in a branch speaks here, near the recipe.
  static_assert(__is_base_of(nothing, typename detail::checks_of_schedules<schedules_of_branches>::type) || true);
  static_assert(__is_base_of(nothing, detail::completed<schedules_of_branches>) || true);
  template <class List>
  struct of_all;
  template <class... Schedules>
  struct of_all<type_list<Schedules...>> {
    static constexpr bool are_tiles = (true && ... && detail::is_planned_tiles<Schedules>);
    static constexpr bool have_tiles = (false || ... || detail::is_planned_tiles<Schedules>);
    static constexpr bool see_ahead = (false || ... || Schedules::sees_ahead);
    /// The first schedule with tiles, which stands for the cache of all; nothing, where there is none.
    static constexpr extent_t first_tiles = [] {
      extent_t at = 0;
      for (const bool tiles : {detail::is_planned_tiles<Schedules>...}) {
        if (tiles) break;
        ++at;
      }
      return at;
    }();
    using tiles = type_at<first_tiles, Schedules..., nothing>;
    template <class Role>
    using parameters = flat_tuple<typename Schedules::template parameters<Role>...>;
    template <class Schedule, class Role>
    struct own_state {
      using type = typename Schedule::template state<Role>;
    };
    template <class Schedule, class Role>
      requires detail::is_planned_tiles<Schedule>
    struct own_state<Schedule, Role> {
      using type = no_tensors<Schedule>;
    };
    template <class Role>
    using state = flat_tuple<typename own_state<Schedules, Role>::type...>;
    template <class Plan>
    using memory = flat_tuple<typename Schedules::template memory<Plan>...>;
    template <class Plan>
    using shares = join<typename Schedules::template shares<Plan>...>;
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
      return (std::uint64_t{0} + ... + Schedules::multiply_adds(first, tokens));
    }
  };
  using all = of_all<schedules_of_branches>;
  template <extent_t Number>
  using schedule_at = listed_at<Number, schedules_of_branches>;

  static_assert(__is_base_of(nothing, rules::seen_branches_have_plans<!SeenAlone || all::are_tiles || !keeps>) || true);
  static constexpr bool sees_ahead = all::see_ahead;
  static constexpr bool forgets = false;
  static constexpr extent_t streams = [] {
    if constexpr (all::are_tiles)
      return all::tiles::streams;
    else
      return extent_t{1};
  }();
  static constexpr schedule_choice chosen{
      schedule::mean_of_branches, "branches that are normalised each for itself: one after the other, averaged"};

  template <class Role>
  struct parameters {
    LACUNA_NO_ADDRESS typename all::template parameters<Role> branches;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      for_each_index<count>([&](auto i) { v("branches", extent_t{i}, s.branches.template at<i>()...); });
    }
  };
  template <class Role, bool Tiles>
  struct state_of_tiles : no_tensors<mean_of_branches> {};
  template <class Role>
  struct state_of_tiles<Role, true> : all::tiles::template state<Role> {};
  template <class Role>
  struct state {
    using common = state_of_tiles<Role, all::have_tiles>;
    LACUNA_NO_ADDRESS common tiles;
    LACUNA_NO_ADDRESS typename all::template state<Role> branches;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      common::visit(v, s.tiles...);
      for_each_index<count>([&](auto i) { v("branches", extent_t{i}, s.branches.template at<i>()...); });
    }
  };
  template <class Plan>
  struct memory {
    LACUNA_NO_ADDRESS typename all::template memory<Plan> branches;
    /// What each branch gave, where a backward asks for it; else room for one, or for the share of an adjoint.
    array<typename Plan::template buffer<Shape::query_width>, (Plan::keeps && !all::are_tiles ? count : 1)> found;
  };
  template <class Plan>
  using shares = typename all::template shares<Plan>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    for_each_index<count>([&](auto i) { schedule_at<i>::initialise(parameters.branches.template at<i>()); });
  }

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    mixed.fill(0);
    for_each_index<count>([&](auto i) {
      const auto found = found_by<i>(v.memory, query.count);
      const auto own = values_of<i>(v);
      if constexpr (detail::is_planned_tiles<schedule_at<i>>) {
        if constexpr (i == all::first_tiles) schedule_at<i>::write(own, key, value, run);
        schedule_at<i>::read(own, query, found, run);
      } else {
        schedule_at<i>::forward(own, query, key, value, found, run);
      }
      for (extent_t t = 0; t < query.count; ++t) {
        const Value share = share_of<Value>(v.memory, t, run);
        for (extent_t c = 0; c < Shape::query_width; ++c) mixed(t, c) += share * found(t, c);
      }
    });
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                           rows<Value, Shape::query_width>, rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    const auto shared_out = a.memory.found[0].first(query.count);
    for (extent_t t = 0; t < query.count; ++t) {
      const Value share = share_of<Value>(v.memory, t, run);
      for (extent_t c = 0; c < Shape::query_width; ++c) shared_out(t, c) = share * dmixed(t, c);
    }
    for_each_index<count>([&](auto i) {
      const auto own = values_of<i>(v);
      auto& down = a.memory.branches.template at<i>();
      auto& gradients = a.gradients.branches.template at<i>();
      if constexpr (detail::is_planned_tiles<schedule_at<i>>)
        schedule_at<i>::read_backward(own, adjoints{gradients, a.state.tiles, down}, query, shared_out, dquery, run);
      else
        schedule_at<i>::backward(own, adjoints{gradients, a.state.branches.template at<i>(), down}, query, key, value,
                                 found_by<i>(v.memory, query.count), shared_out, dquery, dkey, dvalue, run);
    });
    if constexpr (all::have_tiles) {
      auto& down = a.memory.branches.template at<all::first_tiles>();
      auto& gradients = a.gradients.branches.template at<all::first_tiles>();
      all::tiles::write_backward(adjoints{gradients, a.state.tiles, down}, dkey, dvalue, run);
    }
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return all::multiply_adds(first, tokens);
  }
  /// Each branch, and why it is run as it is.
  template <class Function>
  static constexpr void schedules(Function&& f) {
    each_schedule(f, typename branched::routes{}, schedules_of_branches{});
  }

 private:
  template <class Function, class... Routes, class... Schedules>
  static constexpr void each_schedule(Function&& f, type_list<Routes...>, type_list<Schedules...>) {
    (f(Routes::name.c_str(), Schedules::chosen.why), ...);
  }
  template <extent_t Number, class Values>
  LACUNA_HD static constexpr auto values_of(Values v) {
    auto& parameters = v.parameters.branches.template at<Number>();
    auto& memory = v.memory.branches.template at<Number>();
    if constexpr (detail::is_planned_tiles<schedule_at<Number>>)
      return values{parameters, v.state.tiles, memory, v.derived};
    else
      return values{parameters, v.state.branches.template at<Number>(), memory, v.derived};
  }
  template <extent_t Number, class Memory>
  LACUNA_HD static constexpr auto found_by(Memory& memory, extent_t tokens) {
    return memory.found[std::remove_reference_t<decltype(memory.found)>::size == 1 ? 0 : Number].first(tokens);
  }
  /// What a branch counts in a row: one of all, or one of those in which the row sees something.
  template <class Value, class Memory, class Run>
  LACUNA_HD static constexpr Value share_of(const Memory& memory, extent_t row, const Run& run) {
    if constexpr (SeenAlone && all::are_tiles) {
      extent_t seeing = 0;
      for_each_index<count>([&](auto i) {
        seeing += detail::plan_shared_by(memory.branches.template at<i>(), run).shows_something(row) ? 1 : 0;
      });
      return seeing == 0 ? Value{0} : 1 / static_cast<Value>(seeing);
    } else {
      return 1 / static_cast<Value>(count);
    }
  }
};

LACUNA_END
