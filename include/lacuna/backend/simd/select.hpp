#pragma once
/// Selections by score on SIMD lanes; others run on the reference.

#include <lacuna/backend/lanes/select.hpp>
#include <lacuna/backend/simd/lanes.hpp>

LACUNA_BEGIN

namespace operation {

/// A choice by scores, which are formed by whole blocks: see `op::select`.
template <class Selection>
  requires(same<typename Selection::value, float> && Selection::asks_scores)
auto kernel(select, const Selection& selection, const simd&) {
  selection.run(by_lanes::block_products<simd_lanes::lanes>{});
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
