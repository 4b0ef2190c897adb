#pragma once
/// Rows of a table, and the scatter that is its backward, by Eigen, f32 and f64.

#include <lacuna/backend/eigen/lanes.hpp>
#include <lacuna/backend/lanes/embed.hpp>

LACUNA_BEGIN

namespace operation {

/// y(t) = table(token(t)), tables in any element: see `op::embed`.
template <class Value, class Element, extent_t Vocabulary, extent_t Columns>
  requires(std::is_floating_point_v<Value>)
auto kernel(embed, rows<Value, Columns> y, matrix<const Element, Vocabulary, Columns> table, token_view tokens,
            const eigen&) {
  by_lanes::embed<eigen_lanes::lanes<Value>>(y, table, tokens);
  return ran_on<eigen>{};
}

/// gradient(token(t)) += dy(t): see `op::embed_backward`.
template <class Value, extent_t Vocabulary, extent_t Columns>
  requires(std::is_floating_point_v<Value>)
auto kernel(embed_backward, matrix<Value, Vocabulary, Columns> gradient, rows<const Value, Columns> dy,
            token_view tokens, const eigen&) {
  by_lanes::embed_backward<eigen_lanes::lanes<Value>>(gradient, dy, tokens);
  return ran_on<eigen>{};
}

}  // namespace operation

LACUNA_END
