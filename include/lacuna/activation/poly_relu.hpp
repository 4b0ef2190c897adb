#pragma once
/// A learned polynomial of the rectified input.

#include <lacuna/activation/polynomial.hpp>
#include <lacuna/activation/relu.hpp>
#include <lacuna/op/evaluate.hpp>

LACUNA_BEGIN

/// y = a1 r + a2 r^2 + a3 r^3 + a0 with r = max(x, 0): `(tokens, width) -> (tokens, width)`, O(tokens * width). The
/// four numbers are learned, one set per layer; fresh ones are 1/3, 1/3, 1/3 and 0. Paths: `linear`, `quadratic`,
/// `cubic`, `constant`.
///
/// Where a0 is not 0 silent neurons are not 0: rows are sparse up to a constant.
/// Source: Zhuo et al. (2024), "Polynomial composition activations", arXiv 2411.03884, eq. (3). The released code keeps
/// the three powers in one tensor, the cubic one first.
struct poly_relu {
  using slot = slots::activation;
  static constexpr auto name = fixed_string("poly_relu");
  static constexpr bool preserves_zero = false;

  template <extent_t Width>
  struct bound {
    template <class Role>
    using parameters = polynomial<Role>;
    template <class Plan>
    struct memory {};
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      parameters.initialise();
    }

    template <class Parameters, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory&, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      const auto r = map<relu>(x);
      op::evaluate(y, ((parameters.cubic * r + parameters.quadratic) * r + parameters.linear) * r + parameters.constant,
                   run.backend);
    }
    /// da_i += sum of d r^i, da_0 += sum of d, d *= (a1 + 2 a2 r + 3 a3 r^2) r'.
    template <class Parameters, class Gradients, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory&,
                                             rows<Value, Width> x, rows<Value, Width>, rows<Value, Width> d,
                                             const Run& run) {
      const auto r = map<relu>(x);
      op::sum_over_tokens(gradients.linear, row_sum(d * r), x.count, run.backend);
      op::sum_over_tokens(gradients.quadratic, row_sum(d * r * r), x.count, run.backend);
      op::sum_over_tokens(gradients.cubic, row_sum(d * r * r * r), x.count, run.backend);
      op::sum_over_tokens(gradients.constant, row_sum(d), x.count, run.backend);
      const auto slope = (3 * parameters.cubic * r + 2 * parameters.quadratic) * r + parameters.linear;
      op::evaluate(d, d * slope * map_derivative<relu>(x), run.backend);
    }
  };
};

LACUNA_END
