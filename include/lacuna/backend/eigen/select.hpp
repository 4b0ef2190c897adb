#pragma once
/// Selections by score by Eigen, f32 and f64; others run on the reference.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/select.hpp>

LACUNA_BEGIN

namespace operation {

/// A choice by scores, which are formed by whole blocks: see `op::select`.
template <class Selection>
  requires(std::is_floating_point_v<typename Selection::value> && Selection::asks_scores)
auto kernel(select, const Selection& selection, const eigen&) {
  selection.run(by_lanes::block_products<eigen_lanes::lanes<typename Selection::value>>{});
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
