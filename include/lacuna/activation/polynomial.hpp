#pragma once
/// The learned numbers of polynomial activations.

#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

/// a1, a2, a3 and a0 of one layer. Paths: `linear`, `quadratic`, `cubic`, `constant`.
template <class Role>
struct polynomial {
  typename Role::template tensor<1> linear, quadratic, cubic, constant;

  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    v("linear", s.linear...);
    v("quadratic", s.quadratic...);
    v("cubic", s.cubic...);
    v("constant", s.constant...);
  }
  /// 1/3 each and no constant, as the paper starts.
  LACUNA_HD constexpr void initialise() {
    using element = typename Role::element;
    linear[0] = quadratic[0] = cubic[0] = element(1.0f / 3.0f);
    constant[0] = element(0.0f);
  }
};

LACUNA_END
