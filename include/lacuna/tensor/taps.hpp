#pragma once
/// Taps: rows inside a model that losses read and send gradients into, and the walk over them.

#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace detail {

/// What a tap keeps with the plan that learns: a copy of the rows that passed, and their adjoint by losses outside.
template <class Plan, extent_t Columns>
struct tap_rows {
  typename Plan::template buffer<Columns> seen;
  typename Plan::template buffer<Columns> adjoint;

  /// New rows, which no loss has read yet.
  template <class Value, class Run>
  LACUNA_HD constexpr void keep_rows(rows<Value, Columns> passing, const Run& run) {
    run.evaluate(seen.first(passing.count), passing);
    adjoint.first(passing.count).fill(0);
  }
};

/// The walk over the taps of a model's memory, with their paths: `f(path, rows, adjoint)`.
template <class Function>
struct tap_walk {
  Function& function;
  extent_t tokens;     ///< rows that the last forward kept
  extent_t layer = 0;  ///< number of the next block
  path_text path{};

  template <class Plan, extent_t Columns>
  constexpr void operator()(tap_rows<Plan, Columns>& of) {
    function(static_cast<const char*>(path.c_str()), readable(of.seen.first(tokens)), of.adjoint.first(tokens));
  }
  /// A place inside the present one.
  template <class Visit>
  constexpr void inside(const char* name, Visit&& visit) {
    const extent_t length = path.size();
    if (length != 0) path << '.';
    path << name;
    visit();
    path.cut(length);
  }
  /// A numbered place, of so many rows, inside the present one.
  template <class Visit>
  constexpr void inside(const char* name, extent_t number, extent_t rows_there, Visit&& visit) {
    const extent_t length = path.size(), all = tokens;
    if (length != 0) path << '.';
    path << name << '.' << static_cast<std::uint64_t>(number);
    tokens = rows_there;
    visit();
    tokens = all;
    path.cut(length);
  }
};

}  // namespace detail

LACUNA_END
