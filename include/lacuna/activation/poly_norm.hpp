#pragma once
/// A learned sum of normalised powers of the input.

#include <lacuna/activation/polynomial.hpp>
#include <lacuna/activation/slots.hpp>
#include <lacuna/core/epsilon.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/op/evaluate.hpp>

LACUNA_BEGIN

/// y = a1 n(x) + a2 n(x^2) + a3 n(x^3) + a0 with n(u) = u / sqrt(mean(u^2) + epsilon) over the row of a token:
/// `(tokens, width) -> (tokens, width)`, O(tokens * width). The four numbers are learned, one set per layer; fresh ones
/// are 1/3, 1/3, 1/3 and 0. Paths: `linear`, `quadratic`, `cubic`, `constant`.
///
/// For c > 0, c x gives what x gives, up to epsilon. No neuron is silent.
/// Source: Zhuo et al. (2024), "Polynomial composition activations", arXiv 2411.03884, eq. (4); epsilon inside the
/// root, as the released code has it, which keeps the three powers in one tensor, the cubic one first.
template <epsilon Epsilon = epsilon{1e-6f}>
struct poly_norm {
  static_assert(__is_base_of(nothing, rules::epsilon_is_no_less_than_zero<Epsilon.fine()>) || true);
  using slot = slots::activation;
  static constexpr auto name = fixed_string("poly_norm");
  static constexpr bool preserves_zero = false;

  template <extent_t Width>
  struct bound {
    template <class Role>
    using parameters = polynomial<Role>;
    template <class Plan>
    struct memory {
      /// 1 / sqrt(mean(u^2) + epsilon) of each power, per token.
      typename Plan::template buffer<1> linear, quadratic, cubic;
    };
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      parameters.initialise();
    }

    template <class Parameters, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      const auto r1 = memory.linear.first(x.count), r2 = memory.quadratic.first(x.count),
                 r3 = memory.cubic.first(x.count);
      const auto square = x * x;
      op::evaluate(r1, inverse_root(row_mean(square) + Epsilon.value), run.backend);
      op::evaluate(r2, inverse_root(row_mean(square * square) + Epsilon.value), run.backend);
      op::evaluate(r3, inverse_root(row_mean(square * square * square) + Epsilon.value), run.backend);
      op::evaluate(y,
                   parameters.linear * (x * r1) + parameters.quadratic * (square * r2) +
                       parameters.cubic * (square * x * r3) + parameters.constant,
                   run.backend);
    }
    /// With n = u r for u = x^i: da_i += sum of d n, and d becomes the sum over i of i x^(i-1) a_i r (d - n mean(d n)).
    template <class Parameters, class Gradients, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             rows<Value, Width> x, rows<Value, Width>, rows<Value, Width> d,
                                             const Run& run) {
      const auto r1 = memory.linear.first(x.count), r2 = memory.quadratic.first(x.count),
                 r3 = memory.cubic.first(x.count);
      const auto square = x * x;
      const auto n1 = x * r1;
      const auto n2 = square * r2;
      const auto n3 = square * x * r3;
      op::sum_over_tokens(gradients.linear, row_sum(d * n1), x.count, run.backend);
      op::sum_over_tokens(gradients.quadratic, row_sum(d * n2), x.count, run.backend);
      op::sum_over_tokens(gradients.cubic, row_sum(d * n3), x.count, run.backend);
      op::sum_over_tokens(gradients.constant, row_sum(d), x.count, run.backend);
      op::evaluate(d,
                   parameters.linear * r1 * (d - n1 * row_mean(d * n1)) +
                       2 * parameters.quadratic * r2 * x * (d - n2 * row_mean(d * n2)) +
                       3 * parameters.cubic * r3 * square * (d - n3 * row_mean(d * n3)),
                   run.backend);
    }
  };
};

LACUNA_END
