#pragma once
/// Fixed sines and cosines of the position, added to the embedding.

#include <lacuna/op/evaluate.hpp>
#include <lacuna/position/slots.hpp>
#include <lacuna/position/theta.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// Row t: sin of t * Base^(-2i / width) in column 2i, cos of it in column 2i + 1: `(context, width)`, computed in f64
/// once. An odd width ends with a sine.
template <class Value, extent_t Width, extent_t Context, theta Base>
struct sinusoidal_table {
  tensor<Value, Context, Width> of;

  constexpr void build() {
    for (extent_t column = 0; column < Width; ++column) {
      const double step = Base.step(column / 2, Width);
      for (extent_t position = 0; position < Context; ++position) {
        const double angle = static_cast<double>(position) * step;
        of[position * Width + column] = static_cast<Value>(column % 2 == 0 ? maths::sine(angle) : maths::cosine(angle));
      }
    }
  }
  LACUNA_HD constexpr rows<const Value, Width> view() const noexcept { return of.view(); }
};

namespace rules {
template <bool Fine>
struct sinusoidal_theta_is_positive {
  static_assert(Fine,
                "lacuna::sinusoidal: theta is not a number above 0 (write sinusoidal<theta{10000.f}> or leave it out)");
};
}  // namespace rules

/// x(t) += table(first + t): `(tokens, width)` in place, one addition per element; no parameters, and a table of
/// context * width values per model.
/// Source: Vaswani et al. (2017), arXiv 1706.03762, section 3.5; the paper scales the embedding before the sum, which
/// is left to the embedding's weights here.
template <theta Base = theta{}>
struct sinusoidal {
  using slot = slots::embedding_position;
  static constexpr auto name = fixed_string("sinusoidal");

  template <extent_t Width, extent_t Context>
  struct bound {
    static_assert(__is_base_of(nothing, rules::sinusoidal_theta_is_positive<Base.fine()>) || true);

    template <class Role>
    struct parameters : no_tensors<sinusoidal> {};
    template <class Value>
    using shares = type_list<sinusoidal_table<Value, Width, Context, Base>>;

    template <class Parameters, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, rows<Value, Width> x, const Run& run) {
      const auto& table = run.shared.template get<sinusoidal_table<Value, Width, Context, Base>>();
      op::evaluate(x, x + table.view().slice(run.first, x.count), run.backend);
    }
    template <class Gradients, class Value, class Run>
    LACUNA_HD static constexpr void backward(Gradients&, rows<Value, Width>, const Run&) {}
  };
};

LACUNA_END
