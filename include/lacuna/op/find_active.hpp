#pragma once
/// From values to lists: which columns of each row are worth computing with.

#include <lacuna/op/backend.hpp>
#include <lacuna/tensor/active.hpp>

LACUNA_BEGIN

namespace operation {

/// list(t) = the columns c, ascending, for which rule(x(t, c)).
struct find_active {
  static constexpr auto name = fixed_string("find_active");
  template <class Lists, class X, class Rule>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Lists&, const X&, const Rule&) noexcept {
    return 0;  // comparisons are not counted as multiply-adds
  }
};
template <class Value, extent_t Columns, class Rule>
LACUNA_HD constexpr auto kernel(find_active, active_view<std::uint32_t, Columns> lists, rows<const Value, Columns> x,
                                const Rule& rule, const reference&) {
  for (extent_t t = 0; t < x.count; ++t) {
    std::uint32_t* to = lists.list(t);
    std::uint32_t found = 0;
    for (extent_t c = 0; c < Columns; ++c) {
      to[found] = static_cast<std::uint32_t>(c);  // c >= found: always inside the row
      found += rule(x(t, c)) ? 1 : 0;
    }
    lists.size(t) = found;
  }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// One ascending list per token: `(tokens, columns) -> (tokens) lists of at most columns numbers`. `rule` is one of
/// `active`. tokens * columns comparisons. The room of a list behind its size is unspecified afterwards.
template <extent_t Columns, class Value, class Rule, class Backend>
LACUNA_HD constexpr auto find_active(active_view<std::uint32_t, Columns> lists, rows<Value, Columns> x,
                                     const Rule& rule, const Backend& backend) {
  return run_kernel(operation::find_active{}, backend, lists, readable(x), rule);
}

}  // namespace op

LACUNA_END
