#pragma once
/// Finds the schedule of a composition: the one that a part brings, or the one of its score and route.

#include <lacuna/attention/schedule/feature_pairs.hpp>
#include <lacuna/attention/schedule/planned_by_head.hpp>
#include <lacuna/attention/schedule/planned_tiles.hpp>
#include <lacuna/attention/schedule/state_scan.hpp>

LACUNA_BEGIN

namespace detail {

/// Whether a part brings the schedule that it needs, as a nested `schedule<Shape, Parts>`.
template <class Part, class Shape, class Parts>
concept BringsSchedule = requires { typename Part::template schedule<Shape, Parts>; };

template <class Shape, class Parts>
constexpr auto find_schedule() {
  if constexpr (is_branched<typename Parts::route>)
    return std::type_identity<typename Parts::merge::template schedule<Shape, Parts>>{};
  else if constexpr (BringsSchedule<typename Parts::source, Shape, Parts>)
    return std::type_identity<typename Parts::source::template schedule<Shape, Parts>>{};
  else if constexpr (BringsSchedule<typename Parts::projections, Shape, Parts>)
    return std::type_identity<typename Parts::projections::template schedule<Shape, Parts>>{};
  else if constexpr (BringsSchedule<typename Parts::score, Shape, Parts>)
    return std::type_identity<typename Parts::score::template schedule<Shape, Parts>>{};
  else if constexpr (is_feature_map<typename Parts::score> && Route<typename Parts::route> &&
                     !same<typename Parts::route, causal> && !same<typename Parts::route, full>)
    return std::type_identity<feature_pairs<Shape, Parts>>{};
  else if constexpr (is_feature_map<typename Parts::score>)
    return std::type_identity<state_scan<Shape, Parts>>{};
  else if constexpr (BringsSchedule<typename Parts::route, Shape, Parts>)
    return std::type_identity<typename Parts::route::template schedule<Shape, Parts>>{};
  else if constexpr (is_dynamic_route<typename Parts::route>)
    return std::type_identity<planned_by_head<Shape, Parts>>{};
  else
    return std::type_identity<planned_tiles<Shape, Parts>>{};
}
/// The schedule that serves a composition.
template <class Shape, class Parts>
using schedule_of = typename decltype(find_schedule<Shape, Parts>())::type;

}  // namespace detail

LACUNA_END
